/** Splits the flat arrays of a frame: parameters and gradients by layer, heat maps by column of the network. */

import {largest} from "./paint.js";

export const MAP = 50;  // cells across a neuron's heat map

/**
 * Weights and gradients by layer, each (neurons, inputs) flat, biases by layer, and maps by column. If the inputs are a `picture`, the maps of the first
 * layer are its weights, and the other columns keep the maps of the frame `before`.
 */
export function unfold(reply, sizes, {picture, before}) {
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
  return {parameters: reply.parameters, weights, biases, gradients, maps: reply.maps ? mapsOf(reply, sizes) : picture ? pictures(weights[0], sizes, before) : []};
}

function mapsOf(reply, sizes) {
  const side = reply.shapes.maps[1], cells = side * side;
  let start = 0;
  return sizes.map((count, depth) => {
    const column = reply.maps.subarray(start, start += count * cells), limit = largest(column);
    return Array.from({length: count}, (_, index) => {
      const values = column.subarray(index * cells, (index + 1) * cells);
      return {values, width: side, height: side, limit: depth === 0 ? largest(values) : limit};
    });
  });
}

/** The weights of the first layer as pictures. The other columns keep showing the activations for one digit. */
function pictures(weights, [inputs, neurons], before = []) {
  const side = Math.sqrt(inputs), limit = largest(weights), maps = [...before];
  maps[0] ??= [];
  maps[1] = Array.from({length: neurons}, (_, neuron) => ({values: weights.subarray(neuron * inputs, (neuron + 1) * inputs), width: side, height: side, limit}));
  return maps;
}
