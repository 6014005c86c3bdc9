/** The pad for drawing a digit with mouse, finger or keys, and the network's prediction. */

import {Refusal} from "./connection.js";
import {at, figure, inTurn, make, percent} from "./dom.js";
import {palette, rgb} from "./paint.js";

const SIDE = 28, PEN = 1.15;

export class Pad {
  /** `ask(message)` asks the session; `told(reply, isNew)` is called with its reply about a drawing, which may be the same one for other weights. */
  constructor({ask, told}) {
    Object.assign(this, {ask, told});
    this.send = inTurn((...given) => this.#send(...given));  // send the drawing to the network
    this.pixels = new Float32Array(SIDE * SIDE);
    this.canvas = make("canvas", {id: "pad", width: SIDE, height: SIDE, tabindex: 0, role: "img", "aria-label": "draw a digit here with the mouse, a finger, or the arrow keys; space lowers and lifts the pen", "aria-describedby": "pad-words"});
    this.target = make("select", {id: "target", onchange: () => this.send()}, make("option", {value: "", text: "the prediction"}), ...Array.from({length: 10}, (_, digit) => make("option", {value: digit, text: digit})));
    this.words = make("p", {class: "hint", id: "pad-words", role: "status", text: "Draw a digit: the network reads it while you draw."});
    this.answers = make("div", {class: "answers"});
    this.cursor = [14, 14];
    at("pad-box").append(
      make("div", {class: "head"}, make("h2", {text: "Draw a digit"}), make("div", {class: "row"}, make("button", {type: "button", id: "pad-example", text: "Example", onclick: () => this.#example()}), make("button", {type: "button", id: "pad-clear", text: "Clear", onclick: () => this.clear()}))),
      this.canvas, this.words, this.answers, make("div", {class: "row"}, make("label", {for: "target", class: "hint", text: "target"}), this.target, make("span", {class: "hint", id: "pad-cost"})));
    this.canvas.addEventListener("pointerdown", event => {
      if (this.isSample) this.clear();
      this.canvas.setPointerCapture(event.pointerId);
      this.last = null;
      this.#stroke(event);
    });
    this.canvas.addEventListener("pointermove", event => { if (event.buttons) for (const each of event.getCoalescedEvents?.() ?? [event]) this.#stroke(each); });
    this.canvas.addEventListener("keydown", event => this.#key(event));
    this.canvas.addEventListener("focus", () => this.#draw());
    this.canvas.addEventListener("blur", () => this.#draw());
    this.#draw();
  }

  recolor() {
    this.#draw();
  }

  /** Begin with a drawn 7, which the first stroke removes. */
  begin() {
    this.clear();
    this.target.value = "7";
    for (let share = 0; share <= 1; share += 0.02) {
      this.#ink(7.5 + 12 * share, 7);
      this.#ink(19.5 - 7 * share, 7 + 15 * share);
    }
    this.isSample = true;
    this.#draw();
  }

  clear() {
    this.isOwn = this.isSample = this.isExample = false;
    this.target.value = "";
    this.pixels.fill(0);
    this.answers.replaceChildren();
    at("pad-cost").textContent = "";
    this.#draw();
  }

  /** The network has changed: send the drawing again, if there is one. */
  refresh() {
    if (this.isOwn) this.send(false);
  }

  /** Show an example and the network's prediction. */
  show(pixels, example) {
    this.isOwn = this.isSample = false;
    this.isExample = true;
    this.pixels.set(pixels);
    this.#draw();
    this.target.value = String(example.class);
    this.#tell(example);
  }

  async #example() {
    this.index = (this.index ?? -1) + 1;
    const reply = await this.ask({do: "inspect", what: "example", example: {of: "held_out", index: this.index}}).catch(() => {
      this.index = 0;
      return this.ask({do: "inspect", what: "example", example: {of: "training", index: 0}});
    });
    if (!reply.pixels) return;  // there are other data now
    this.show(reply.pixels, reply);
    this.isOwn = true;
    this.send();
  }

  #stroke(event) {
    const box = this.canvas.getBoundingClientRect(), x = (event.clientX - box.left) / box.width * SIDE, y = (event.clientY - box.top) / box.height * SIDE;
    const [a, b] = this.last ?? [x, y], steps = Math.max(1, Math.ceil(2 * Math.hypot(x - a, y - b)));
    for (let step = 1; step <= steps; step++) this.#ink(a + (x - a) * step / steps, b + (y - b) * step / steps);
    this.last = [x, y];
    this.#draw();
    this.send();
  }

  /** A round, soft touch of the pen, in pixels. */
  #ink(x, y) {
    this.isOwn = true;
    this.isExample = false;
    for (let row = Math.max(0, Math.floor(y - 3)); row < Math.min(SIDE, y + 3); row++) {
      for (let column = Math.max(0, Math.floor(x - 3)); column < Math.min(SIDE, x + 3); column++) {
        const far = Math.hypot(column + 0.5 - x, row + 0.5 - y), ink = Math.max(0, Math.min(1, PEN + 0.5 - far));
        const place = row * SIDE + column;
        this.pixels[place] = Math.max(this.pixels[place], ink);
      }
    }
  }

  #key(event) {
    const step = {ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0], " ": [0, 0]}[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === " ") this.inking = !this.inking;
    if (this.inking && this.isSample) this.clear();
    this.cursor = this.cursor.map((place, axis) => Math.max(1, Math.min(SIDE - 2, place + step[axis])));
    if (this.inking) {
      this.#ink(this.cursor[0] + 0.5, this.cursor[1] + 0.5);
      this.send();
    }
    this.words.textContent = `row ${this.cursor[1]}, column ${this.cursor[0]}, pen ${this.inking ? "down" : "up"}`;
    this.#draw();
  }

  #draw() {
    const context = this.canvas.getContext("2d"), image = context.createImageData(SIDE, SIDE), colors = palette(), paper = rgb(colors.paper), ink = rgb(colors.ink);
    this.pixels.forEach((share, place) => {
      for (let channel = 0; channel < 3; channel++) image.data[4 * place + channel] = paper[channel] + share * (ink[channel] - paper[channel]);
      image.data[4 * place + 3] = 255;
    });
    context.putImageData(image, 0, 0);
    if (document.activeElement !== this.canvas || !this.canvas.matches(":focus-visible")) return;
    context.fillStyle = colors.path;
    context.fillRect(...this.cursor, 1, 1);
  }

  /** Send the pixels. Examples are sent as they are, and drawings are centred. */
  async #send(isNew = true) {
    const target = this.target.value === "" ? null : Number(this.target.value);
    try {
      const reply = await this.ask({do: "draw", pixels: Array.from(this.pixels, ink => Math.round(ink * 1000) / 1000), target, centre: !this.isExample});
      this.#tell(reply);
      this.told(reply, isNew);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.words.textContent = error.message;
    }
  }

  #tell(reply) {
    const outputs = reply.probabilities ?? reply.layers.at(-1).a, shares = reply.probabilities ?? outputs.map(each => Math.max(0, Math.min(1, each)));
    this.answers.replaceChildren(...outputs.flatMap((value, digit) => {
      const best = digit === reply.prediction ? "best" : null;
      return [make("span", {class: best, text: digit}), share(digit, shares[digit]), make("data", {class: best, value, text: reply.probabilities ? percent(value) : value.toFixed(3)})];
    }));
    this.words.textContent = `Prediction: ${reply.prediction}`;
    at("pad-cost").replaceChildren(" cost ", figure(reply.cost, 4, "cost"));
  }
}

/** A bar for a share from 0 to 1. */
function share(digit, value) {
  const inner = make("i");
  inner.style.width = `${100 * value}%`;
  return make("span", {class: "share", role: "meter", "aria-label": `digit ${digit}`, "aria-valuemin": 0, "aria-valuemax": 1, "aria-valuenow": value.toFixed(3)}, inner);
}
