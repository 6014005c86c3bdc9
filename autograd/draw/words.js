/** The words and tables for a step. Every number comes from the engine. */

import {make, productsTable, termsTable} from "./numbers.js";
import {canOpen, data, parsed, parts} from "./parts.js";

const OVERVIEW = {
  heading: "The whole graph",
  rows: [
    `Each box has its data, and the gradient of ${data.outputs > 1 ? "the sum of the outputs" : "the output"} by it.`,
    "Step forward to compute each node from its operands, and then backward: each node passes the gradient that reaches it, times its " +
    "local derivative, to its operands.",
  ],
};

/** Show the words for a step, or for the whole graph if there is none. */
export function tell(step, acts) {
  const story = document.getElementById("story");
  const {heading, rows, terms, shares, part} = step ?? OVERVIEW;
  story.replaceChildren(make("h2", {text: heading}), ...trail(part, acts));
  for (const row of rows) {
    const {rule, times, sum} = typeof row === "string" ? {rule: row} : row;
    const line = (name, text) => text ? make("span", {class: name, text: `\n${text}`}) : null;
    story.append(make("p", {}, make("span", {class: "rule", text: rule}), line("times", times), line("sum", sum)));
  }
  if (terms) story.append(scroller(tableOfTerms(terms)));
  if (shares !== undefined) story.append(scroller(...tableOfShares(part.forward.terms, parsed(shares))));
}

const scroller = (...content) => make("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": "the terms"}, ...content);

function tableOfTerms({rows, others, bias, sum}) {
  const term = (weight, value, input, activation) => ({weight, value, input, activation, product: value * activation});
  return termsTable({
    terms: rows.map(([weight, value, input, activation]) => term(weight, parsed(value), input, parsed(activation))),
    others: others && {count: others[0], sum: parsed(others[1])},
    bias: {name: bias[0], value: parsed(bias[1])},
    sum: {name: sum[0], value: parsed(sum[1])},
  });
}

/** What a weighted sum passes to each operand: to a weight its input, to an input its weight, times what arrives. */
function tableOfShares({rows, others, bias}, arriving) {
  const weights = rows.map(([name, , , input]) => [name, parsed(input)]), inputs = rows.map(([, weight, name]) => [name, parsed(weight)]);
  const shares = [...weights, ...inputs, [bias[0], 1]].filter(([name]) => name !== null);  // constants get nothing
  const products = shares.map(([name, partial]) => ({name, value: partial, by: "", factor: arriving, product: partial * arriving}));
  const more = others ? [make("p", {class: "hint", text: `and the same for ${others[0]} smaller terms`})] : [];
  return [productsTable(["into", "#partial", "", "", "#above", "", "#adds", ""], products, [], 5), ...more];
}

/** Buttons that close each part around a part, and one that opens it. */
export function trail(part, acts) {
  if (!part) return [];
  const around = [];
  for (let each = parts.get(part.parent); each; each = parts.get(each.parent)) around.unshift(each);
  const button = (text, onclick) => make("button", {type: "button", class: "small", text, onclick});
  const buttons = around.map(each => button(`close ${each.name}`, () => acts.closePart(each)));
  if (canOpen(part)) buttons.push(button(`open its ${part.parts.length} parts`, () => acts.openPart(part)));
  return buttons.length ? [make("div", {class: "trail"}, ...buttons)] : [];
}
