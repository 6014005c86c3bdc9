/** The animation of one example: dots along the curves of the network, forward and then backward. */

import {calm, number} from "./dom.js";
import {largest, sharp} from "./paint.js";

const PASS = 520;  // milliseconds through one layer

export class Flow {
  /** An animation of a NetworkView on a canvas. `trace` is the example in motion, or null. */
  constructor(network, canvas) {
    Object.assign(this, {network, canvas, trace: null});
  }

  /**
   * Animate {inputs, layers: [{activations, deltas}, ...], cost}: signals forward, gradients backward. `tell(words)` is called with a description of each
   * part, and with "" at the end.
   */
  async animate(trace, tell = () => {}) {
    this.settle();
    const {network} = this, last = network.columns.length - 1, name = depth => depth === last ? "output" : `layer ${depth - 1}`;
    if (!network.frame) return tell("");  // this network has not been drawn yet
    const mine = this.trace = {...trace};
    network.drawLines();
    this.#label(0, trace.inputs, "");
    for (let depth = 1; depth <= last; depth++) {
      tell(`forward, ${name(depth)}: each weight × its input, summed, then the activation function`);
      await this.#pass(mine, depth, 1);
      if (this.trace !== mine) return;
      this.#label(depth, trace.layers[depth - 1].activations, "");
    }
    tell(`the cost of this example: ${number(trace.cost)}`);
    await this.#wait(PASS / 2, mine);
    for (let depth = last; depth >= 1 && this.trace === mine; depth--) {
      tell(`backward, ${name(depth)}: δ, the derivative of the cost with respect to each weighted sum`);
      this.#label(depth, trace.layers[depth - 1].deltas, "δ ");
      if (depth > 1) await this.#pass(mine, depth, -1);
    }
    if (this.trace !== mine) return;
    this.trace = null;
    sharp(this.canvas);
    network.drawLines();
    network.relight();
    tell("");
  }

  /** Stop the animation, and remove the numbers next to the neurons. */
  settle() {
    this.trace = null;
    sharp(this.canvas);
    this.network.relight();
    for (const {button, label, name} of this.network.columns.flat()) {
      label.textContent = "";
      button.setAttribute("aria-label", name);
    }
  }

  #label(depth, values, sign) {
    if (depth === 0 && this.network.picture) return;
    this.network.columns[depth].forEach(({button, label, name}, index) => {
      label.textContent = sign + number(values[index], 2);
      label.classList.toggle("delta", sign !== "");
      button.setAttribute("aria-label", `${name}, ${sign ? "delta" : "activation"} ${number(values[index], 3)}`);
    });
  }

  #wait(milliseconds, mine) {
    return calm() || this.trace !== mine ? Promise.resolve() : new Promise(done => setTimeout(done, milliseconds));
  }

  /** The curves into a column, each with its term: forward weight × input, backward weight × delta. Small terms are left out, and large ones come last. */
  #terms(mine, depth, direction) {
    const {network} = this, layer = mine.layers[depth - 1], weights = network.frame.weights[depth - 1], n = network.sizes[depth - 1];
    const before = depth === 1 ? mine.inputs : mine.layers[depth - 2].activations, terms = [];
    network.edges(depth, (edge, input, neuron) => {
      terms.push([edge, weights[neuron * n + input] * (direction > 0 ? before[input] : layer.deltas[neuron])]);
    });
    const most = largest(terms.map(([, term]) => term)) || 1;
    return terms.map(([edge, term]) => [edge, term / most]).filter(([, share]) => Math.abs(share) > 0.03).sort((a, b) => Math.abs(a[1]) - Math.abs(b[1]));
  }

  /** Move dots along the curves into a column, sized by their terms. */
  #pass(mine, depth, direction) {
    if (calm()) return Promise.resolve();
    const terms = this.#terms(mine, depth, direction), begun = performance.now();
    return new Promise(done => {
      const tick = now => {
        const {context} = sharp(this.canvas), share = Math.min(1, (now - begun) / PASS);
        if (share >= 1 || this.trace !== mine) {
          if (this.trace === mine) sharp(this.canvas);
          done();
          return;
        }
        for (const [edge, term] of terms) this.#drawDot(context, edge, term, direction > 0 ? share : 1 - share, direction > 0);
        requestAnimationFrame(tick);
      };
      requestAnimationFrame(tick);
    });
  }

  /** A dot at t on a curve: a disc for signals, a ring for gradients. */
  #drawDot(context, [x0, y0, x1, y1], term, t, isFilled) {
    const {colors} = this.network, color = term < 0 ? colors.negative : colors.positive;
    context.beginPath();
    context.arc(x0 + (x1 - x0) * along(t), y0 + (y1 - y0) * rise(t), 1 + 4 * Math.sqrt(Math.abs(term)), 0, 2 * Math.PI);
    context.fillStyle = isFilled ? color : colors.paper;
    context.fill();
    if (isFilled) return;
    context.lineWidth = 2;
    context.strokeStyle = color;
    context.stroke();
  }
}

/** A curve at t: how far along, and how far up. Its handles are half-way, so both depend on t only. */
const along = t => 1.5 * t * (1 - t) + t ** 3;
const rise = t => t * t * (3 - 2 * t);

/** How far up a curve is at a share of its way along, by bisection. */
export function heightAt(share) {
  let [low, high] = [0, 1];
  for (let round = 0; round < 20; round++) {
    const middle = (low + high) / 2;
    if (along(middle) < share) low = middle;
    else high = middle;
  }
  return rise(low);
}
