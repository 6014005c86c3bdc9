/** The curves of the network's picture: a curve for each weight, or for its gradient. */

import {largest, sharp, traceCurve} from "./paint.js";

const MOST = 400;  // curves between two layers; of more only the thickest are drawn

/** Draw the curves of all weights, or of their gradients, and lead the eye to the chosen neuron or weight. */
export function drawLines(network, canvas) {
  const {context, width} = sharp(canvas);
  if (!network.frame || !width) return;
  const chosen = network.chosen;
  for (let depth = 1; depth < network.columns.length; depth++) {
    const numbers = network.frame[network.shows][depth - 1], n = network.sizes[depth - 1], most = largest(numbers) || 1;
    if (depth === 1 && network.picture) {
      drawBundle(network, context);
      continue;
    }
    const isOn = index => chosen?.layer === depth - 1 && Number.isInteger(chosen.input) && index === chosen.neuron * n + chosen.input;
    const sizes = numbers.map(Math.abs).sort(), faint = Math.max(0.015 * most, sizes.at(-MOST) ?? 0), edges = [];
    numbers.forEach((value, index) => { if (Math.abs(value) >= faint || isOn(index)) edges.push([Math.abs(value) / most, value < 0, index]); });
    edges.sort((a, b) => a[0] - b[0]);
    for (const [share, negative, index] of edges) {
      const neuron = Math.floor(index / n), into = chosen?.layer === depth - 1 && chosen.neuron === neuron, on = isOn(index);
      traceCurve(context, network.edge(depth - 1, neuron, index % n));
      context.setLineDash(negative ? [5, 3] : []);
      context.lineWidth = 0.4 + 4 * share ** 0.8 + (on ? 2 : 0);
      context.globalAlpha = on ? 1 : Math.min(1, 0.2 + 0.8 * share) * (chosen && chosen.layer >= 0 && !into ? 0.35 : 1) * (network.flow.trace ? 0.3 : 1);
      context.strokeStyle = on ? network.colors.path : negative ? network.colors.negative : network.colors.positive;
      context.stroke();
    }
  }
  context.globalAlpha = 1;
  context.setLineDash([]);
}

/** One faint line from a picture to each neuron, instead of a curve for each pixel. */
function drawBundle(network, context) {
  context.globalAlpha = 0.5;
  context.strokeStyle = network.colors.edge;
  context.lineWidth = 1.5;
  for (const {index} of network.columns[1]) {
    traceCurve(context, network.edge(0, index, 0));
    context.stroke();
  }
  context.globalAlpha = 1;
}
