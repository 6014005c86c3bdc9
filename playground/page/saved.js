/**
 * A saved page: one HTML file with the session's replies in it. It shows all numbers of one state; there is no session that could change it.
 *
 * The page contains {example, replies, view}: the example that the numbers belong to, the session's replies, and what the page showed. The replies are
 * deflated, in base64: the length of a table as a uint32 (little-endian), the table as JSON, [[key, is it text, length], ...], and the replies one after
 * another. Numbers that are only drawn, such as heat maps and curves, are rounded to what one can see; numbers that are printed are exact.
 */

import {unpack} from "./connection.js";

export const SAVED = "This is a saved page. You can inspect every number; to change something, open the playground.";
const MOST = 1000;  // weights whose whole replies are saved, from the output layer back; of layers before them only the numbers are saved
const KEPT_BITS = 0xffff8000;  // of a float32 that is only drawn: sign, exponent and 8 bits of the mantissa, more than colours can show

/** A transport, like those in connection.js, that answers from the saved replies. */
export class SavedTransport {
  constructor({replies}) {
    this.packed = replies;
  }

  async start({ready, reply, ended}) {
    this.reply = reply;
    try {
      this.replies = await unpacked(this.packed);
      ready();
    } catch (error) {
      ended(`The data in this saved page are damaged: ${error.message}`);
    }
  }

  send(text) {
    const message = JSON.parse(text);
    this.reply(this.replies.get(keyOf(message)) ?? this.#weight(message) ?? JSON.stringify({is: "error", problem: SAVED}));
  }

  /** The reply about a weight of a layer whose weights were saved together: its numbers, without paths and the nudges of single examples. */
  #weight({do: what, what: about, layer, neuron, input}) {
    const whole = what === "inspect" && about === "weight" ? this.replies.get(keyOf({do: what, what: "weights", layer})) : undefined;
    if (!whole) return undefined;
    const {values, gradients, averages, penalties, ...reply} = unpack(whole), place = input ?? reply.inputs.length, index = neuron * (reply.inputs.length + 1) + place;
    const gradient = gradients[index], average = averages[index], penalty = penalties[index];
    return JSON.stringify({
      is: "weight", example: reply.example, examples: reply.examples, name: input === null ? `b[${layer},${neuron}]` : `w[${layer},${neuron},${input}]`,
      value: values[index], gradient, average, penalty, total: penalty - average, wishes: null, paths: null, update: null,
      rule: {delta: reply.deltas[neuron], activation: reply.activations[place], input: reply.inputs[place] ?? null},
      why: {verdict: gradient ? "ordinary" : "zero", text: "The paths to the cost and the nudges of single examples are not saved for a layer of this size."},
    });
  }
}

/** The key of a reply: its message without the example, because there is only one. There is one configuration and one frame. */
function keyOf({example, ...message}) {
  return message.do === "configure" || message.do === "frame" ? message.do : JSON.stringify(Object.entries(message).sort());
}

/** Are these the same example? */
export const isSame = (one, other) => one.of === other.of && one.index === other.index;

/**
 * A page with the current state, as text; null if it was cancelled. `hear(message)` returns a reply as it was sent; `hello` and `configured` are earlier
 * replies; `told(share)` is called with the progress, and returns false to cancel.
 */
export async function record({hear, hello, configured, example, view, told}) {
  const replies = new Map(), sizes = configured.layers, plain = configured.plane !== null;
  const keep = async (message, shortened = text => text) => {
    const reply = await hear(message);
    if (typeof reply !== "string") replies.set(keyOf(message), withShorterPictures(reply));
    else if (unpack(reply).is !== "error") replies.set(keyOf(message), shortened(reply));
    return replies.get(keyOf(message));
  };
  const targets = [];
  for (let layer = sizes.length - 2, room = MOST; layer >= 0; layer--) {
    room -= (sizes[layer] + 1) * sizes[layer + 1];
    if (room < 0) targets.push({what: "weights", layer});
    for (let neuron = 0; neuron < sizes[layer + 1]; neuron++) {
      targets.push({what: "neuron", layer, neuron});
      for (let input = 0; room >= 0 && input <= sizes[layer]; input++) targets.push({what: "weight", layer, neuron, input: input === sizes[layer] ? null : input});
    }
  }
  replies.set(keyOf({do: "hello"}), JSON.stringify(hello));
  replies.set("configure", JSON.stringify(configured));
  await keep({do: "frame", steps: 0, boundary: plain ? 100 : 0, maps: plain ? 50 : 0, parameters: true, gradient: true});
  await keep({do: "source"});
  for (const of of ["training", "held_out"]) await keep({do: "answers", of});
  const first = await keep({do: "inspect", what: "example", example}), which = first ? unpack(first).example : {of: "training", index: 0};
  for (const [index, target] of (first ? targets : []).entries()) {
    if (!told(index / targets.length)) return null;
    await keep({do: "inspect", ...target, example: which}, {neuron: withShorterCurve, weight: withShorterWishes}[target.what]);
  }
  const page = new TextDecoder().decode(unpack(await hear({do: "save", what: "page"})).content);
  const state = JSON.stringify({example: which, view, replies: await packed(replies)}).replaceAll("<", "\\u003c");  // nothing in it can end the element
  return page.replace(/(?<=id="saved">)null(?=<)/, () => state);
}

/** Round the float32 arrays of a packet, which are only drawn; its float64 arrays are printed. */
function withShorterPictures(packet) {
  const copy = packet.slice(0);
  for (const [, type, shape, offset] of unpack(copy).arrays) {
    if (type !== "float32") continue;
    const bits = new Uint32Array(copy, offset, shape.reduce((a, b) => a * b, 1));
    for (let index = 0; index < bits.length; index++) bits[index] &= KEPT_BITS;
  }
  return copy;
}

function withShorterCurve(text) {
  const reply = JSON.parse(text), {x, f, slope} = reply.curve;
  reply.curve = {x: x.map(short), f: f.map(short), slope: slope.map(short)};
  return JSON.stringify(reply);
}

function withShorterWishes(text) {
  const reply = JSON.parse(text);
  for (const each of reply.wishes) each.wish = short(each.wish);
  return JSON.stringify(reply);
}

const short = value => value === null ? null : Number(value.toPrecision(4));

async function packed(replies) {
  const parts = [...replies.values()].map(each => typeof each === "string" ? new TextEncoder().encode(each) : new Uint8Array(each));
  const table = new TextEncoder().encode(JSON.stringify([...replies].map(([key, each], index) => [key, typeof each === "string", parts[index].length])));
  const length = new DataView(new ArrayBuffer(4));
  length.setUint32(0, table.length, true);
  const bytes = await through(new CompressionStream("deflate"), new Blob([length, table, ...parts]));
  let text = "";
  for (let start = 0; start < bytes.length; start += 2 ** 15) text += String.fromCharCode(...bytes.subarray(start, start + 2 ** 15));
  return btoa(text);
}

/** The replies by their keys. */
async function unpacked(text) {
  const {buffer} = await through(new DecompressionStream("deflate"), new Blob([Uint8Array.from(atob(text), each => each.charCodeAt(0))]));
  const length = new DataView(buffer).getUint32(0, true), decoder = new TextDecoder(), replies = new Map();
  let start = 4 + length;
  for (const [key, isText, size] of JSON.parse(decoder.decode(buffer.slice(4, start)))) {
    const part = buffer.slice(start, start += size);
    replies.set(key, isText ? decoder.decode(part) : part);
  }
  return replies;
}

const through = async (stream, blob) => new Uint8Array(await new Response(blob.stream().pipeThrough(stream)).arrayBuffer());
