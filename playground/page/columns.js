/** The controls above the network's columns: the number of neurons and the activation function of each layer. */

import {at, make} from "./dom.js";

/** `resize(layer, count)` and `edit(layer, opener)` are called for a layer, 0 the first hidden one, the last the output. */
export function showColumns({sizes, activations, output, limits, fixed}, {resize, edit}) {
  const box = at("columns"), key = box.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const columns = sizes.map((size, depth) => {
    const layer = depth - 1, hidden = depth > 0 && depth < sizes.length - 1;
    const name = depth === 0 ? "inputs" : hidden ? `layer ${layer}` : "output";
    const change = (by, sign, words) => make("button", {type: "button", "data-key": `${sign}${layer}`, text: sign, "aria-label": `${words} in layer ${layer}`, title: words, disabled: size + by < 1 || size + by > limits.neurons, onclick: () => resize(layer, size + by)});
    const formula = hidden ? activations[layer] : output;
    const heading = hidden
      ? make("span", {class: "count"}, change(-1, "−", "remove a neuron"), String(size), change(1, "+", "add a neuron"))
      : make("span", {class: "count", text: depth === 0 && fixed ? `${size} pixels` : String(size)});
    const button = depth === 0 ? null : make("button", {type: "button", class: "formula", "data-key": `f${layer}`, "data-formula": layer, title: `activation: ${formula}; click to change`, "aria-label": `${formula === "x" ? "linear" : formula}, activation of ${name}`, text: formula === "x" ? "linear" : formula, onclick: event => edit(layer, event.currentTarget)});
    return make("div", {class: "column"}, make("span", {text: name}), heading, button ?? make("span", {class: "formula"}));
  });
  box.replaceChildren(...columns);
  if (key) box.querySelector(`[data-key="${key}"]`)?.focus();
}
