/** What a frame's flat arrays are: parameters by layer, and heat maps by column of the network. */

import {largest} from "./paint.js";

export const MAP = 50;  // cells across a neuron's heat map

const FEATURES = {"x1": x => x, "x2": (x, y) => y, "x1^2": x => x * x, "x2^2": (x, y) => y * y, "x1*x2": (x, y) => x * y, "sin(4*x1)": x => Math.sin(4 * x), "sin(4*x2)": (x, y) => Math.sin(4 * y)};

/** The heat map of an input over the plane, or null for one that is no function of it. */
export function inputMap(name, area) {
  const of = FEATURES[name] ?? [x => x, (x, y) => y][area.axes.indexOf(name)];
  if (!of) return null;
  const values = new Float32Array(MAP * MAP), [left, right] = area.x, [bottom, top] = area.y;
  for (let row = 0; row < MAP; row++) for (let column = 0; column < MAP; column++) values[row * MAP + column] = of(left + (right - left) * (column + 0.5) / MAP, top - (top - bottom) * (row + 0.5) / MAP);
  return {values, width: MAP, height: MAP, limit: largest(values)};
}

/** Parameters and gradient by layer, (neurons, inputs) flat, biases, and the maps: of a picture's pixels, those of the first layer's weights. */
export function unfold(reply, sizes, {inputMaps, picture, before}) {
  const weights = [], biases = [], gradients = [];
  let place = 0;
  for (let depth = 1; depth < sizes.length; depth++) {
    const n = sizes[depth - 1], m = sizes[depth], own = new Float64Array(m * n), slopes = new Float64Array(m * n), bias = new Float64Array(m);
    for (let neuron = 0; neuron < m; neuron++, place += n + 1) {
      own.set(reply.parameters.subarray(place, place + n), neuron * n);
      slopes.set(reply.gradient.subarray(place, place + n), neuron * n);
      bias[neuron] = reply.parameters[place + n];
    }
    weights.push(own);
    gradients.push(slopes);
    biases.push(bias);
  }
  return {parameters: reply.parameters, weights, biases, gradients, maps: reply.maps ? [inputMaps, ...mapsOf(reply, sizes)] : picture ? pictures(weights[0], sizes, before) : []};
}

function mapsOf(reply, sizes) {
  const side = reply.shapes.maps[1], cells = side * side;
  let start = 0;
  return sizes.slice(1).map(count => {
    const layer = reply.maps.subarray(start, start += count * cells), limit = largest(layer);
    return Array.from({length: count}, (_, neuron) => ({values: layer.subarray(neuron * cells, (neuron + 1) * cells), width: side, height: side, limit}));
  });
}

/** The first layer's weights as pictures; what the other columns show, the activations for one digit, stays as it was. */
function pictures(weights, [inputs, neurons], before = []) {
  const side = Math.sqrt(inputs), limit = largest(weights), maps = [...before];
  maps[0] ??= [];
  maps[1] = Array.from({length: neurons}, (_, neuron) => ({values: weights.subarray(neuron * inputs, (neuron + 1) * inputs), width: side, height: side, limit}));
  return maps;
}
