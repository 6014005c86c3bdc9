/** The few things every part of the page needs: elements, and numbers and names as text. */

export const at = id => document.getElementById(id);

/** A new element. Attributes that start with "on" are listeners, `text` is its text, and what is null or false is left out. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "text") element.textContent = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter(child => child !== null && child !== undefined));
  return element;
}

/** A number with so many digits, a real minus sign, and no noughts to no end. */
export function number(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e7) ? value.toExponential(digits - 1).replace(/\.?0+e/, "e").replace("e+", "e") : String(Number(value.toPrecision(digits)));
  return text.replaceAll("-", "−");
}

export const percent = value => value === null || Number.isNaN(value) ? "–" : `${(100 * value).toFixed(1)} %`;

/** A number to read, with all of its digits in `value` and on hovering. */
export function figure(value, digits = 5, className = "") {
  const sign = value < 0 ? "negative" : value > 0 ? "positive" : "";
  return make("data", {value: value === null ? "" : String(value), title: value === null ? null : String(value), class: `figure ${sign} ${className}`.trim(), text: number(value, digits)});
}

/** A name such as x1^2 or x1*x2 as a book would print it. */
export const pretty = name => name.replace(/\^2/g, "²").replace(/x1/g, "x₁").replace(/x2/g, "x₂").replace(/([₁₂])\*x/g, "$1·x").replace(/4\*/g, "4");

/** Does the reader want nothing to move? */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
