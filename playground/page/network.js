/**
 * The network: a column for each layer, a button with a heat map for each neuron, and a curve for each weight.
 *
 * Curves are drawn on one canvas below the buttons, and what flows along them on another above. A weight can be clicked on its
 * curve, or chosen in the inspector of its neuron, which the keyboard reaches too.
 */

import {calm, make, number} from "./dom.js";
import {largest, paintMap, palette, ramp, sharp} from "./paint.js";

const GAP = 6, LARGEST = 46, SMALLEST = 18, PASS = 520, REACH = 7;

export class NetworkView {
  /** `pick({layer, neuron, input})` is called for what was clicked: layer -1 are the inputs; input is left out for a neuron. */
  constructor(stage, pick) {
    this.stage = stage;
    this.pick = pick;
    this.shows = "weights";
    this.chosen = null;
    this.trace = null;
    this.lines = stage.appendChild(make("canvas", {class: "lines", "aria-hidden": "true"}));
    this.neurons = stage.appendChild(make("div", {class: "neurons", role: "group", "aria-label": "neurons: arrow keys move, Enter inspects"}));
    this.flows = stage.appendChild(make("canvas", {class: "flows", "aria-hidden": "true"}));
    this.columns = [];
    this.recolor();
    this.neurons.addEventListener("keydown", event => this.#move(event));
    this.lines.addEventListener("click", event => {
      const edge = this.#edgeAt(event);
      if (edge) pick(edge);
    });
    this.lines.addEventListener("pointermove", event => this.#hover(this.#edgeAt(event)));
    this.lines.addEventListener("pointerleave", () => this.#hover(null));
    new ResizeObserver(() => this.#place()).observe(stage);
  }

  recolor() {
    this.colors = palette();
    this.ramp = ramp(this.colors);
    this.#drawAgain();
  }

  /** Another network: `sizes` with the inputs first, `inputs` their names, `picture` where the inputs are the pixels of one. */
  shape({sizes, inputs, outputs, picture}) {
    this.settle();
    this.sizes = sizes;
    this.picture = picture;
    this.outputs = outputs;
    this.frame = null;
    const inputCount = picture ? 1 : sizes[0];
    this.columns = [inputCount, ...sizes.slice(1)].map((count, depth) => Array.from({length: count}, (_, index) => {
      const name = depth === 0 ? picture ? "the picture" : inputs[index] : depth === sizes.length - 1 && outputs ? `output ${outputs[index]}, a[${depth - 1},${index}]` : `neuron a[${depth - 1},${index}]`;
      const map = make("canvas", {width: 1, height: 1});
      const label = make("span", {class: "beside", "aria-hidden": "true"});  // the button says it in its name
      const button = make("button", {type: "button", class: "neuron", tabindex: -1, "aria-label": name, title: name, "data-neuron": `${depth - 1},${index}`, onclick: () => this.pick({layer: depth - 1, neuron: index})}, map);
      const plate = depth === 0 && !picture ? make("span", {class: "plate", text: inputs[index]}) : null;
      if (plate) button.append(plate);
      return {button, map, label, name, depth, index};
    }));
    this.neurons.replaceChildren(...this.columns.flat().flatMap(({button, label}) => [button, label]));
    (this.columns[1]?.[0] ?? this.columns[0][0]).button.tabIndex = 0;
    const tallest = Math.max(...this.columns.map(column => column.length));
    this.stage.style.height = `${Math.min(Math.max(400, 0.52 * innerHeight), Math.max(300, tallest * 36 + 20))}px`;
    this.stage.style.minWidth = `${this.columns.length * 58}px`;
    this.#place();
  }

  /** Show a frame: `weights` and `gradients` by layer, (neurons, inputs) flat, `biases`, and `maps` by column, inputs first; the `lines`, or for now the maps alone. */
  draw(frame, lines = true) {
    this.frame = frame;
    this.#drawMaps();
    if (lines && !this.trace) this.#drawLines();
  }

  show(what) {
    this.shows = what;
    this.#drawLines();
  }

  choose(chosen) {
    this.chosen = chosen;
    for (const {button, depth, index} of this.columns.flat()) {
      button.classList.toggle("chosen", Boolean(chosen) && chosen.layer === depth - 1 && chosen.neuron === index);
    }
    this.#drawLines();
  }

  /** Let one example pass: signals forward, then, where it has deltas, gradients backward. `told(words)` says where it is. */
  async animate(trace, told = () => {}) {
    this.settle();
    if (!this.frame) return told("");  // this network was not yet drawn
    const mine = this.trace = {...trace};
    this.#drawLines();
    this.#unlabel();
    this.#label(0, trace.inputs, "");
    const last = this.columns.length - 1;
    for (let depth = 1; depth <= last; depth++) {
      told(`forward, into ${depth === last ? "the output" : `layer ${depth - 1}`}: each weight times what it meets, summed, then squished`);
      await this.#pass(mine, depth, 1);
      if (this.trace !== mine) return;
      this.#label(depth, trace.layers[depth - 1].activations, "");
    }
    told(`the cost of this example: ${number(trace.cost)}`);
    await this.#wait(PASS / 2, mine);
    for (let depth = last; depth >= 1 && this.trace === mine; depth--) {
      told(`backward, ${depth === last ? "the output" : `layer ${depth - 1}`}: δ, how much the cost would rise if each weighted sum did`);
      this.#label(depth, trace.layers[depth - 1].deltas, "δ ");
      if (depth > 1) await this.#pass(mine, depth, -1);
    }
    if (this.trace !== mine) return;
    this.trace = null;
    sharp(this.flows);
    this.#drawLines();
    told("");
  }

  /** Stop what flows, and what stands beside the neurons of an example that is over. */
  settle() {
    this.trace = null;
    if (this.flows) sharp(this.flows);
    this.#unlabel();
  }

  #unlabel() {
    for (const {button, label, name} of this.columns.flat()) {
      label.textContent = "";
      button.setAttribute("aria-label", name);
    }
  }

  #label(depth, values, sign) {
    if (depth === 0 && this.picture) return;
    this.columns[depth].forEach(({button, label, name}, index) => {
      label.textContent = sign + number(values[index], 2);
      label.classList.toggle("delta", sign !== "");
      button.setAttribute("aria-label", `${name}, ${sign ? "delta" : "activation"} ${number(values[index], 3)}`);
    });
  }

  #wait(milliseconds, mine) {
    return calm() || this.trace !== mine ? Promise.resolve() : new Promise(done => setTimeout(done, milliseconds));
  }

  /** Dots along the curves into a column: forward as large as weight times input, backward as weight times delta. */
  #pass(mine, depth, direction) {
    if (calm()) return Promise.resolve();
    const layer = mine.layers[depth - 1], weights = this.frame.weights[depth - 1], n = this.sizes[depth - 1];
    const before = depth === 1 ? mine.inputs : mine.layers[depth - 2].activations;
    const terms = [];
    this.#edges(depth, (edge, input, neuron) => {
      const term = weights[neuron * n + input] * (direction > 0 ? before[input] : layer.deltas[neuron]);
      terms.push([edge, term]);
    });
    const most = largest(terms.map(([, term]) => term)) || 1;
    const seen = terms.filter(([, term]) => Math.abs(term) > 0.03 * most).sort((a, b) => Math.abs(a[1]) - Math.abs(b[1]));
    const begun = performance.now();
    return new Promise(done => {
      const tick = now => {
        const {context} = sharp(this.flows), share = Math.min(1, (now - begun) / PASS);
        if (share >= 1 || this.trace !== mine) {
          if (this.trace === mine) sharp(this.flows);
          done();
          return;
        }
        const t = direction > 0 ? share : 1 - share;
        for (const [[x0, y0, x1, y1], term] of seen) {
          const x = x0 + (x1 - x0) * along(t), y = y0 + (y1 - y0) * rise(t), radius = 1 + 4 * Math.sqrt(Math.abs(term) / most);
          context.beginPath();
          context.arc(x, y, radius, 0, 2 * Math.PI);
          const color = term < 0 ? this.colors.negative : this.colors.positive;
          if (direction > 0) {
            context.fillStyle = color;
            context.fill();
          } else {  // gradients are rings
            context.lineWidth = 2;
            context.strokeStyle = color;
            context.fillStyle = this.colors.paper;
            context.fill();
            context.stroke();
          }
        }
        requestAnimationFrame(tick);
      };
      requestAnimationFrame(tick);
    });
  }

  #place() {
    if (!this.columns.length) return;
    const {clientWidth: width, clientHeight: height} = this.stage;
    const tallest = Math.max(...this.columns.map(column => column.length)), room = width / this.columns.length;
    this.side = Math.max(SMALLEST, Math.min(LARGEST, (height - 16) / tallest - GAP, room * 0.55));
    this.columns.forEach((column, depth) => {
      const big = depth === 0 && this.picture, side = big ? Math.min(112, room * 0.9) : this.side;
      const pitch = Math.min(side + 22, (height - 8) / column.length), x = room * (depth + 0.5);
      column.forEach((neuron, index) => {
        const y = height / 2 + (index - (column.length - 1) / 2) * pitch;
        Object.assign(neuron, {x, y, side});
        Object.assign(neuron.button.style, {left: `${x - side / 2}px`, top: `${y - side / 2}px`, width: `${side}px`, height: `${side}px`});
        Object.assign(neuron.label.style, {left: `${x + side / 2 + 3}px`, top: `${y}px`});
      });
    });
    this.#drawAgain();
  }

  #drawAgain() {
    if (!this.columns.length) return;
    this.#drawLines();
    this.#drawMaps();
  }

  #drawMaps() {
    const maps = this.frame?.maps;
    if (!maps) return;
    this.columns.forEach((column, depth) => column.forEach(({map, button}, index) => {
      const values = maps[depth]?.[index];
      if (!values) return;
      paintMap(map, values.values, values.width, values.height, values.limit, this.ramp);
      if (depth > 0) {
        const bias = this.frame.biases[depth - 1][index];
        button.style.setProperty("--bias", bias < 0 ? this.colors.negative : this.colors.positive);
        button.classList.toggle("below", bias < 0);
      }
    }));
  }

  /** Each curve into a column, as (x0, y0, x1, y1), with its two ends; a picture's pixels have none of their own. */
  #edges(depth, visit) {
    if (depth === 1 && this.picture) return;
    this.columns[depth].forEach((head, neuron) => this.columns[depth - 1].forEach((tail, input) => {
      visit([tail.x + tail.side / 2, tail.y, head.x - head.side / 2, head.y], input, neuron);
    }));
  }

  #drawLines() {
    const {context, width} = sharp(this.lines);
    if (!this.frame || !width) return;
    const chosen = this.chosen;
    for (let depth = 1; depth < this.columns.length; depth++) {
      const numbers = this.frame[this.shows][depth - 1], n = this.sizes[depth - 1], most = largest(numbers) || 1;
      if (depth === 1 && this.picture) {
        this.#drawBundle(context);
        continue;
      }
      const edges = [];
      this.#edges(depth, (edge, input, neuron) => edges.push([Math.abs(numbers[neuron * n + input]) / most, numbers[neuron * n + input] < 0, edge, input, neuron]));
      edges.sort((a, b) => a[0] - b[0]);
      for (const [share, negative, [x0, y0, x1, y1], input, neuron] of edges) {
        const into = chosen && chosen.layer === depth - 1 && chosen.neuron === neuron, on = into && chosen.input === input;
        if (share < 0.015 && !on) continue;
        const middle = (x0 + x1) / 2;
        context.beginPath();
        context.moveTo(x0, y0);
        context.bezierCurveTo(middle, y0, middle, y1, x1, y1);
        context.setLineDash(negative ? [5, 3] : []);
        context.lineWidth = 0.4 + 4 * share ** 0.8 + (on ? 2 : 0);
        context.globalAlpha = on ? 1 : Math.min(1, 0.2 + 0.8 * share) * (chosen && chosen.layer >= 0 && !into ? 0.35 : 1) * (this.trace ? 0.3 : 1);
        context.strokeStyle = on ? this.colors.path : negative ? this.colors.negative : this.colors.positive;
        context.stroke();
      }
    }
    context.globalAlpha = 1;
    context.setLineDash([]);
  }

  /** From a picture every pixel goes to every neuron: too many to draw, so one faint line to each neuron. */
  #drawBundle(context) {
    const [picture] = this.columns[0];
    context.globalAlpha = 0.5;
    context.strokeStyle = this.colors.edge;
    context.lineWidth = 1.5;
    for (const head of this.columns[1]) {
      const x0 = picture.x + picture.side / 2, x1 = head.x - head.side / 2, middle = (x0 + x1) / 2;
      context.beginPath();
      context.moveTo(x0, picture.y);
      context.bezierCurveTo(middle, picture.y, middle, head.y, x1, head.y);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  #edgeAt(event) {
    const {left, top} = this.lines.getBoundingClientRect(), x = event.clientX - left, y = event.clientY - top;
    let best = null, nearest = REACH;
    for (let depth = 1; depth < this.columns.length && this.frame; depth++) {
      const numbers = this.frame[this.shows][depth - 1], n = this.sizes[depth - 1], most = largest(numbers) || 1;
      this.#edges(depth, ([x0, y0, x1, y1], input, neuron) => {
        if (x < x0 || x > x1) return;
        const far = Math.abs(y0 + (y1 - y0) * rise(where((x - x0) / (x1 - x0))) - y) - 2 * Math.abs(numbers[neuron * n + input]) / most;
        if (far < nearest) [best, nearest] = [{layer: depth - 1, neuron, input}, far];
      });
    }
    return best;
  }

  #hover(edge) {
    this.lines.style.cursor = edge ? "pointer" : "";
    if (!edge) return this.lines.removeAttribute("title");
    const {layer, neuron, input} = edge, index = neuron * this.sizes[layer] + input;
    this.lines.title = `${this.columns[layer][input].name} → ${this.columns[layer + 1][neuron].name}\nweight ${number(this.frame.weights[layer][index])}, gradient ${number(this.frame.gradients[layer][index])}`;
  }

  #move(event) {
    const step = {ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0]}[event.key];
    const here = this.columns.flat().find(each => each.button === event.target);
    if (!step || !here) return;
    event.preventDefault();
    event.stopPropagation();
    const column = this.columns[Math.max(0, Math.min(this.columns.length - 1, here.depth + step[0]))];
    const nearest = [...column].sort((a, b) => Math.abs(a.y - here.y) - Math.abs(b.y - here.y))[0];
    const there = step[0] ? nearest : column[Math.max(0, Math.min(column.length - 1, here.index + step[1]))];
    here.button.tabIndex = -1;
    there.button.tabIndex = 0;
    there.button.focus();
  }
}

/** A curve at t: how far along, and how far up; its handles are half-way, so both depend on t alone. */
const along = t => 1.5 * t * (1 - t) + t ** 3;
const rise = t => t * t * (3 - 2 * t);

/** The t at which a curve is so far along. */
function where(share) {
  let [low, high] = [0, 1];
  for (let round = 0; round < 20; round++) {
    const middle = (low + high) / 2;
    if (along(middle) < share) low = middle;
    else high = middle;
  }
  return low;
}
