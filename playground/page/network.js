/**
 * The network: a column for each layer, a button with a heat map for each neuron, and a curve for each weight.
 *
 * The curves are on a canvas below the buttons, and the animation is on another one above. A weight can be selected by a click on its curve, or in
 * the inspector of its neuron, which works with the keyboard too.
 */

import {inTurn, make, number} from "./dom.js";
import {Flow, heightAt} from "./flow.js";
import {MAP} from "./frames.js";
import {drawLines} from "./lines.js";
import {largest, paintMap, palette, ramp, sharp} from "./paint.js";
import {drawPaths} from "./paths.js";

const GAP = 6, LARGEST = 64, SMALLEST = 18, REACH = 7;  // pixels

export class NetworkView {
  /**
   * `pick({layer, neuron, input})` is called for a click; layer -1 are the inputs, and input is undefined for a neuron. `explain({layer, neuron, input})`
   * returns the session's reply about a weight. `resized()` is called when maps can show more or fewer cells.
   */
  constructor(stage, {pick, explain, resized}) {
    Object.assign(this, {stage, pick, resized, hovered: null});
    this.light = inTurn(async weight => {
      const reply = await explain(weight);
      if (isSame(weight, this.#lit())) this.#drawLit(weight, reply);
    });
    this.shows = "weights";
    this.chosen = null;
    this.lines = stage.appendChild(make("canvas", {class: "lines", "aria-hidden": "true"}));
    this.maps = stage.appendChild(make("canvas", {class: "maps", "aria-hidden": "true"}));
    this.neurons = stage.appendChild(make("div", {class: "neurons", role: "group", "aria-label": "neurons: arrow keys move, Enter inspects"}));
    this.flows = stage.appendChild(make("canvas", {class: "flows", "aria-hidden": "true"}));
    this.flow = new Flow(this, this.flows);
    this.columns = [];
    this.recolor();
    this.neurons.addEventListener("keydown", event => this.#move(event));
    this.lines.addEventListener("click", event => {
      const edge = this.#edgeAt(event);
      if (edge) this.pick(edge);
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

  /** A new network: `sizes` begin with the inputs; `inputs` and `outputs` are their names. With `picture` the inputs are pixels, and neurons glow. */
  shape({sizes, inputs, outputs, picture}) {
    this.settle();
    this.hovered = null;
    this.sizes = sizes;
    this.picture = picture;
    this.outputs = outputs;
    this.frame = null;
    const inputCount = picture ? 1 : sizes[0];
    this.columns = [inputCount, ...sizes.slice(1)].map((count, depth) => Array.from({length: count}, (_, index) => {
      const name = depth === 0 ? picture ? "the picture" : inputs[index] : depth === sizes.length - 1 ? `output ${outputs[index]}, a[${depth - 1},${index}]` : `neuron a[${depth - 1},${index}]`;
      const map = make("canvas", {width: 1, height: 1});  // which is drawn into the canvas of all maps
      const label = make("span", {class: "beside", "aria-hidden": "true"});  // it is part of the button's label
      const button = make("button", {type: "button", class: picture && depth > 1 ? "neuron round" : "neuron", tabindex: -1, "aria-label": name, title: name, "data-neuron": `${depth - 1},${index}`, onclick: () => this.pick({layer: depth - 1, neuron: index})});
      const plate = depth === sizes.length - 1 ? make("span", {class: sizes.at(-1) > 1 ? "plate answer" : "plate under", text: outputs[index]}) : depth === 0 && !picture ? make("span", {class: "plate", text: inputs[index]}) : null;
      if (plate) button.append(plate);
      return {button, map, label, name, depth, index, plate};
    }));
    this.neurons.replaceChildren(...this.columns.flat().flatMap(({button, label}) => [button, label]));
    (this.columns[1]?.[0] ?? this.columns[0][0]).button.tabIndex = 0;
    this.stage.style.minWidth = `${this.columns.length * 58}px`;
    this.#place();
  }

  /** Show a frame: `weights` and `gradients` by layer, (neurons, inputs) flat, `biases`, and `maps` by column. Without `lines` only the maps are updated. */
  draw(frame, lines = true) {
    this.frame = frame;
    this.#drawMaps();
    if (lines && !this.flow.trace) this.drawLines();
  }

  /** Let each neuron glow with its activation; `layers` are lists of activations. */
  glow(layers) {
    layers.forEach((activations, layer) => {
      const most = largest(activations) || 1;
      this.columns[layer + 1].forEach(({button}, index) => {
        const share = activations[index] / most, color = share < 0 ? this.colors.negative : this.colors.positive;
        button.style.setProperty("--glow", `0 0 ${Math.abs(12 * share)}px ${Math.abs(4 * share)}px ${color}`);
      });
    });
  }

  show(what) {
    this.shows = what;
    this.drawLines();
  }

  choose(chosen) {
    this.chosen = chosen;
    for (const {button, depth, index} of this.columns.flat()) {
      button.classList.toggle("chosen", Boolean(chosen) && chosen.layer === depth - 1 && chosen.neuron === index);
    }
    this.drawLines();
    this.relight();
  }

  /** Light the paths of the weight under the pointer, otherwise those of the chosen weight. */
  relight() {
    const weight = this.#lit();
    if (this.flow.trace) return;
    if (!weight) return void sharp(this.flows);
    this.light(weight);
  }

  #lit() {
    const {chosen} = this, weight = this.hovered ?? (Number.isInteger(chosen?.input) ? chosen : null);
    return weight && this.frame && !(this.picture && weight.layer === 0) ? weight : null;
  }

  #drawLit(weight, reply) {
    if (!this.flow.trace) drawPaths(this, this.flows, weight, reply);
  }

  /** Animate one example; see Flow. */
  animate(trace, tell) {
    return this.flow.animate(trace, tell);
  }

  /** Stop the animation, and remove the numbers next to the neurons. */
  settle() {
    this.flow.settle();
  }

  #place() {
    if (!this.columns.length) return;
    const {clientWidth: width, clientHeight: height} = this.stage;
    const tallest = Math.max(...this.columns.map(column => column.length)), room = width / this.columns.length;
    const {cells} = this;
    this.side = Math.max(SMALLEST, Math.min(LARGEST, (height - 16) / tallest - GAP, room * 0.45));
    this.columns.forEach((column, depth) => {
      const big = depth === 0 && this.picture, side = big ? Math.min(112, room * 0.9) : this.side;
      const pitch = Math.min(Math.max(1.6 * side, side + 22), (height - 8) / column.length), x = room * (depth + 0.5);
      column.forEach((neuron, index) => {
        const y = height / 2 + (index - (column.length - 1) / 2) * pitch;
        Object.assign(neuron, {x, y, side});
        Object.assign(neuron.button.style, {left: `${x - side / 2}px`, top: `${y - side / 2}px`, width: `${side}px`, height: `${side}px`});
        Object.assign(neuron.label.style, {left: `${x + side / 2 + 3 + (neuron.plate?.matches(".answer") ? neuron.plate.offsetWidth + 5 : 0)}px`, top: `${y}px`});
        if (neuron.plate?.matches(".answer")) neuron.plate.style.maxWidth = `${Math.max(12, (room - side) / 2 - 6)}px`;
      });
    });
    this.#drawAgain();
    if (this.cells !== cells) this.resized();
  }

  #drawAgain() {
    if (!this.columns.length) return;
    this.drawLines();
    this.#drawMaps();
  }

  #drawMaps() {
    const {context} = sharp(this.maps), maps = this.frame?.maps ?? [];
    context.fillStyle = this.colors.zero;
    this.columns.forEach((column, depth) => column.forEach((neuron, index) => {
      const {map, x, y, side} = neuron, values = maps[depth]?.[index];
      context.save();
      context.beginPath();
      context.roundRect(x - side / 2, y - side / 2, side, side, this.picture && depth > 1 ? side / 2 : 5);
      if (values) {
        paintMap(map, values.values, values.width, values.height, values.limit, this.ramp);
        context.clip();
        context.drawImage(map, x - side / 2, y - side / 2, side, side);
      } else context.fill();
      context.restore();
      const sign = this.frame && depth > 0 ? this.frame.biases[depth - 1][index] < 0 : undefined;
      if (sign !== neuron.sign) {
        neuron.sign = sign;
        neuron.button.classList.toggle("below", sign === true);
        neuron.button.classList.toggle("above", sign === false);
      }
    }));
  }

  /** The number of cells across a map that can be seen. */
  get cells() {
    return Math.max(8, Math.min(MAP, Math.ceil((this.side || MAP) * devicePixelRatio)));
  }

  /** Call `visit([x0, y0, x1, y1], input, neuron)` for each curve into a column. The pixels of a picture have no curves. */
  edges(depth, visit) {
    if (depth === 1 && this.picture) return;
    this.columns[depth].forEach((_, neuron) => this.columns[depth - 1].forEach((_, input) => visit(this.edge(depth - 1, neuron, input), input, neuron)));
  }

  /** The ends of the curve of a weight: [x0, y0, x1, y1]. */
  edge(layer, neuron, input) {
    const head = this.columns[layer + 1][neuron], tail = this.columns[layer][input];
    return [tail.x + tail.side / 2, tail.y, head.x - head.side / 2, head.y];
  }

  drawLines() {
    drawLines(this, this.lines);
  }

  #edgeAt(event) {
    const {left, top} = this.lines.getBoundingClientRect(), x = event.clientX - left, y = event.clientY - top;
    let best = null, nearest = REACH;
    for (let depth = 1; depth < this.columns.length && this.frame; depth++) {
      const numbers = this.frame[this.shows][depth - 1], n = this.sizes[depth - 1], most = largest(numbers) || 1;
      this.edges(depth, ([x0, y0, x1, y1], input, neuron) => {
        if (x < x0 || x > x1) return;
        const far = Math.abs(y0 + (y1 - y0) * heightAt((x - x0) / (x1 - x0)) - y) - 2 * Math.abs(numbers[neuron * n + input]) / most;
        if (far < nearest) [best, nearest] = [{layer: depth - 1, neuron, input}, far];
      });
    }
    return best;
  }

  #hover(edge) {
    this.lines.style.cursor = edge ? "pointer" : "";
    if (isSame(edge, this.hovered)) return undefined;
    this.hovered = edge;
    if (edge) this.#drawLit(edge, null);
    this.relight();
    if (!edge) return this.lines.removeAttribute("title");
    const {layer, neuron, input} = edge, index = neuron * this.sizes[layer] + input;
    return void (this.lines.title = `${this.columns[layer][input].name} → ${this.columns[layer + 1][neuron].name}\nweight ${number(this.frame.weights[layer][index])}, gradient ${number(this.frame.gradients[layer][index])}`);
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

const isSame = (one, other) => one?.layer === other?.layer && one?.neuron === other?.neuron && one?.input === other?.input;
