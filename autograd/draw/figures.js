/** What every page of ours shows numbers with: elements, numbers as text and as figures, bars, and tables of terms. */

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

/** A number to read, with all of its digits in `value` and on hovering. */
export function figure(value, digits = 5, className = "") {
  const sign = value < 0 ? "negative" : value > 0 ? "positive" : "";
  return make("data", {value: value === null ? "" : String(value), title: value === null ? null : String(value), class: `figure ${sign} ${className}`.trim(), text: number(value, digits)});
}

/** A bar to either side of the middle, as long as a share of -1 to 1. */
export function bar(share) {
  const inner = make("i", {class: share < 0 ? "negative" : null}), width = Math.min(50, 50 * Math.abs(share));
  inner.style.width = `${width}%`;
  inner.style.left = share < 0 ? `${50 - width}%` : "50%";
  return make("span", {class: "bar", "aria-hidden": "true"}, inner);
}

/** The largest size among numbers that are finite; 0 for none. */
export const largest = values => Array.from(values).reduce((most, value) => Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most, 0);

/** A table's head; a name that begins with # stands above numbers. */
export const head = (...names) => make("thead", {}, make("tr", {}, ...names.map(name => name ? make("th", {text: name.replace("#", ""), class: name[0] === "#" ? "number" : null}) : make("td"))));

/**
 * A weighted sum term by term: {weight, value, input, activation, product} each, what the smaller `others` are together, {count, sum},
 * the bias and the sum, {name, value}. A name is text or an element.
 */
export function termsTable({terms, others, bias, sum, words = "the weighted sum"}) {
  const most = largest(terms.map(term => term.product)) || 1;
  const cell = value => make("td", {class: "number"}, value);
  const rows = terms.map(term => make("tr", {}, make("td", {}, term.weight), cell(figure(term.value, 4)), make("td", {text: "×"}),
    make("td", {}, term.input), cell(figure(term.activation, 4)), make("td", {text: "="}), cell(figure(term.product, 5, "product")), make("td", {}, bar(term.product / most))));
  if (others) rows.push(make("tr", {}, make("td", {colspan: 6, text: `and ${others.count} smaller ones, together`}), cell(figure(others.sum)), make("td")));
  rows.push(make("tr", {}, make("td", {colspan: 6}, "+ ", bias.name, bias.name ? ", the bias" : "the bias"), cell(figure(bias.value)), make("td", {}, bar(bias.value / most))));
  rows.push(make("tr", {class: "sum"}, make("td", {colspan: 6, text: [sum.name, words].filter(Boolean).join(" = ")}), cell(figure(sum.value, 5, "result")), make("td")));
  return make("table", {}, head("weight", "", "", "meets", "", "", "#product", ""), make("tbody", {}, ...rows));
}
