/** The paths from a weight to the cost in the picture of the network, with the factors of the largest one. */

import {number} from "./dom.js";
import {heightAt} from "./flow.js";
import {largest, sharp, traceCurve} from "./paint.js";

const EDGE = /^∂z\[(\d+),(\d+)\]\/∂a\[\d+,(\d+)\]$/, SLOPE = /^∂a\[(\d+),(\d+)\]/, COST = /^∂C\/∂a\[(\d+),(\d+)\]/;

/** Draw a weight, {layer, neuron, input}, with its number; and with the session's `reply` about it its paths. */
export function drawPaths(network, canvas, {layer, neuron, input}, reply) {
  const {context, width} = sharp(canvas), {colors, columns} = network, paths = reply?.paths ?? [], edges = new Map(), labels = [];
  const most = largest(paths.map(({product}) => product)) || 1;
  const label = (x, y, words) => labels.push([x, y, words]);
  edges.set(`${layer},${neuron},${input}`, 1);
  label(...along(network.edge(layer, neuron, input), 0.5), `w = ${number(network.frame.weights[layer][neuron * network.sizes[layer] + input], 3)}`);
  for (const [rank, {product, factors}] of paths.entries()) {
    for (const {name, derivative} of factors) {
      const [edge, slope, cost] = [EDGE, SLOPE, COST].map(pattern => name.match(pattern)?.slice(1).map(Number));
      if (edge) {
        const key = edge.join(",");
        edges.set(key, Math.max(edges.get(key) ?? 0, Math.abs(product) / most));
        if (rank === 0) label(...along(network.edge(...edge), 0.42), `× ${number(derivative, 3)}`);
      } else if (rank === 0 && (slope || cost)) {
        const {x, y, side} = columns[(slope ?? cost)[0] + 1][(slope ?? cost)[1]];
        if (slope && derivative !== 1) label(x, y + side / 2 + (columns.length === slope[0] + 2 ? 24 : 9), `× ${number(derivative, 3)}`);
        else if (cost) label(x, y - side / 2 - 8, `∂C/∂a ${number(derivative, 3)}`);
      } else if (rank === 0) label(...along(network.edge(layer, neuron, input), 0.18), `× ${number(derivative, 3)}`);
    }
  }
  context.strokeStyle = colors.ink;
  for (const [key, share] of edges) {
    context.globalAlpha = 0.25 + 0.75 * share;
    context.lineWidth = 1 + 2 * share;
    traceCurve(context, network.edge(...key.split(",").map(Number)));
    context.stroke();
  }
  context.globalAlpha = 1;
  Object.assign(context, {font: "600 11px system-ui, sans-serif", textAlign: "center", textBaseline: "middle", fillStyle: colors.ink, strokeStyle: colors.paper, lineWidth: 4, lineJoin: "round"});
  const written = [];
  for (const [place, y, words] of labels) {
    const half = context.measureText(words).width / 2 + 2, x = Math.max(half, Math.min(width - half, place));
    if (written.some(other => Math.abs(x - other.x) < half + other.half && Math.abs(y - other.y) < 12)) continue; // no space for it
    written.push({x, y, half});
    context.strokeText(words, x, y);
    context.fillText(words, x, y);
  }
}

/** A place on a curve, at a share of its way across. */
const along = ([x0, y0, x1, y1], share) => [x0 + (x1 - x0) * share, y0 + (y1 - y0) * heightAt(share)];
