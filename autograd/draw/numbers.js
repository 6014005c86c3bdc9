/** How the pages show numbers: elements, numbers as text and as figures, bars, and tables of terms. */

/** A new element. Attributes that start with "on" are listeners, `text` is its text; attributes that are null or false are omitted. */
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

/** A number with at most `digits` significant digits, a real minus sign, and no trailing zeros. */
export function number(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e7) ? value.toExponential(digits - 1).replace(/\.?0+e/, "e").replace("e+", "e") : String(Number(value.toPrecision(digits)));
  return text.replaceAll("-", "−");
}

/** A number as an element, with all of its digits in `value` and in the tooltip. */
export function figure(value, digits = 5, className = "") {
  const sign = value < 0 ? "negative" : value > 0 ? "positive" : "";
  return make("data", {value: value === null ? "" : String(value), title: value === null ? null : String(value), class: `figure ${sign} ${className}`.trim(), text: number(value, digits)});
}

/** A bar to the left or the right of the middle, for a share from -1 to 1. */
function bar(share) {
  const inner = make("i", {class: share < 0 ? "negative" : null}), width = Math.min(50, 50 * Math.abs(share));
  inner.style.width = `${width}%`;
  inner.style.left = share < 0 ? `${50 - width}%` : "50%";
  return make("span", {class: "bar", "aria-hidden": "true"}, inner);
}

/** The largest absolute value; 0 without numbers. */
export const largest = values => {
  let most = 0;
  for (const value of values) if (Math.abs(value) > most) most = Math.abs(value);
  return most;
};

/** The head of a table; a name that begins with # is above a column of numbers. */
export const head = (...names) => make("thead", {}, make("tr", {}, ...names.map(name => name ? make("th", {text: name.replace("#", ""), class: name[0] === "#" ? "number" : null}) : make("td"))));

const cell = (...content) => make("td", {class: "number"}, ...content);

/**
 * A table of products, each {name, value, by, factor, product}, with a bar for its share. `names` are the column heads, and `below` the rows after
 * the products. A name is text or an element.
 */
export function productsTable(names, rows, below, digits = 4, className = "") {
  const most = largest(rows.map(row => row.product)) || 1;
  const body = rows.map(({name, value, by, factor, product}) => make("tr", {},
    make("td", {}, name), cell(figure(value, 4)), make("td", {text: "×"}),
    make("td", {}, by), cell(figure(factor, 4)), make("td", {text: "="}), cell(figure(product, digits, className)), make("td", {}, bar(product / most))));
  const last = below.filter(Boolean).map(({words, value, share, result}) => make("tr", {class: result === undefined ? null : "sum"},
    make("td", {colspan: 6}, ...words), cell(figure(value, 5, result || "")), make("td", {}, share ? bar(value / most) : null)));
  return make("table", {}, head(...names), make("tbody", {}, ...body, ...last));
}

/** A weighted sum term by term: {weight, value, input, activation, product} each; `others` smaller ones, {count, sum}, a bias and a sum, {name, value}. */
export function termsTable({terms, others, bias, sum}) {
  const rows = terms.map(term => ({name: term.weight, value: term.value, by: term.input, factor: term.activation, product: term.product}));
  return productsTable(["weight", "", "×", "input", "", "", "#product", ""], rows, [
    others && {words: [`sum of ${others.count} smaller terms`], value: others.sum},
    {words: bias.name ? ["+ ", bias.name, ", the bias"] : ["+ the bias"], value: bias.value, share: true},
    {words: [sum.name ? `${sum.name} = the weighted sum` : "the weighted sum"], value: sum.value, result: "result"},
  ], 5, "product");
}
