/** What all parts of the page need: elements and their updates, calls one at a time, and numbers and names as text. */

export {figure, make, number} from "./numbers.js";

export const at = id => document.getElementById(id);

export const percent = value => value === null || Number.isNaN(value) ? "–" : `${(100 * value).toFixed(1)} %`;

/** A name such as x1^2 or x1*x2 as a book would print it. */
export const pretty = name => name.replace(/\^2/g, "²").replace(/x1/g, "x₁").replace(/x2/g, "x₂").replace(/([₁₂])\*x/g, "$1·x").replace(/4\*/g, "4");

/** The name of a class in words; a class may be called by its number only. */
export const classWords = name => /^\d+$/.test(name) ? `class ${name}` : name;

/** Whether the reader prefers no animation. */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/**
 * An asynchronous function that is called once at a time. Of the calls made while one is under way, only the last is made after it.
 * Each call returns a promise for the end of all of them.
 */
export function inTurn(work) {
  let waiting = null, running = null;
  const runAll = async () => {
    try {
      while (waiting) {
        const given = waiting;
        waiting = null;
        await work(...given);
      }
    } finally {
      running = null;
    }
  };
  return (...given) => {
    waiting = given;
    return running ??= runAll();
  };
}

/**
 * Change an element in place until it equals another one. Descendants of the same kind stay the same elements, so the focus, a press,
 * a scroll position and the text in a field survive. Listeners are not copied: those of the first element stay.
 */
export function update(element, next) {
  const isField = element.localName === "input", isOwn = name => name === "style" || isField && name === "value";
  for (const {name} of [...element.attributes]) if (!next.hasAttribute(name)) element.removeAttribute(name);
  for (const {name, value} of next.attributes) if (!isOwn(name) && element.getAttribute(name) !== value) element.setAttribute(name, value);
  if (element.style.cssText !== next.style.cssText) element.style.cssText = next.style.cssText;  // the content security policy refuses the attribute
  if (isField && !isInUse(element)) element.value = next.value;
  if (next.paint) element.paint = next.paint;
  let place = element.firstChild;
  for (const wanted of [...next.childNodes]) {
    let found = place;
    while (found && kind(found) !== kind(wanted)) found = found.nextSibling;
    if (!found) {
      element.insertBefore(wanted, place);
      continue;
    }
    for (; place !== found; place = remove(place));
    if (found.nodeType === Node.TEXT_NODE) found.data = wanted.data;
    else update(found, wanted);
    place = found.nextSibling;
  }
  while (place) place = remove(place);
}

/** What a node has in common with its replacement: the tag and the key; for a row of a table the key in it. */
function kind(node) {
  const key = node.dataset?.key ?? (node.localName === "tr" ? node.querySelector("[data-key]")?.dataset.key : null);
  return `${node.nodeName} ${key ?? ""}`;
}

/** Is a field being dragged, or typed into? */
const isInUse = field => field.matches(":active") || field.type !== "range" && field.matches(":focus");

/** Remove a node, except while the pointer or the focus is on a button in it: then a later update removes it. Returns the node after it. */
function remove(node) {
  const next = node.nextSibling;
  if (!node.querySelector?.("[data-key]:is(:hover, :focus)")) node.remove();
  return next;
}
