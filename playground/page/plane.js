/** The plane of two inputs: the network's predictions, the decision boundary, the examples, and a brush for new ones. */

import {at, make, number} from "./dom.js";
import {largest, marker, paintMap, palette, ramp, rgb, sharp} from "./paint.js";

const RADIUS = 4.2, REACH = 12, SPACING = 11;

export class PlaneView {
  /** `pick(index)` is called when an example is clicked, `paint(points)` with the points [x, y] of a brush stroke when it ends. */
  constructor(canvas, {pick, paint}) {
    this.canvas = canvas;
    this.ground = make("canvas", {width: 1, height: 1});
    this.points = [];
    this.brush = null;
    this.stroke = [];
    this.chosen = null;
    this.pick = pick;
    this.paint = paint;
    this.recolor();
    canvas.addEventListener("pointerdown", event => this.#down(event));
    canvas.addEventListener("pointermove", event => this.#moved(event));
    canvas.addEventListener("pointerup", () => this.#up());
    canvas.addEventListener("pointercancel", () => this.#up());
    canvas.addEventListener("pointerleave", () => this.#tell(""));
    canvas.addEventListener("keydown", event => this.#key(event));
    new ResizeObserver(() => this.#redraw()).observe(canvas);
  }

  recolor() {
    this.colors = palette();
    const {classes: [negative, positive]} = this.colors;
    this.ramp = ramp(this.classes?.length === 0 ? this.colors : {...this.colors, negative, positive}, 0.75);
    if (this.scores) this.#paintGround();
    this.#redraw();
  }

  /** New data: points as {x, y, label, held}, whose label is a number if there are no classes, where `held` marks test points, bounds as {left, right, bottom, top}, and the names of the axes. */
  shape({points, bounds, classes, axes}) {
    this.axes = axes;
    this.points = points;
    this.bounds = bounds;
    this.classes = classes;
    this.scores = null;
    this.chosen = null;
    this.recolor();
  }

  /** Draw scores on a grid, (outputs, size, size) from the top row down. One output: the sign is the class. Several outputs: the largest is. */
  draw(scores, size) {
    this.scores = scores;
    this.size = size;
    this.#paintGround();
    this.#redraw();
  }

  /** Draw the predicted class only, instead of shades of the outputs. */
  discretize(on) {
    this.isDiscrete = on;
    this.recolor();
  }

  choose(index) {
    this.chosen = index;
    this.#redraw();
  }

  #paintGround() {
    const {scores, size, ground} = this, cells = size * size, count = scores.length / cells;
    if (count === 1) return paintMap(ground, scores, size, size, this.isDiscrete ? 1e-9 : Math.max(1, 0.5 * largest(scores)), this.ramp);
    ground.width = ground.height = size;
    const context = ground.getContext("2d"), image = context.createImageData(size, size);
    const zero = rgb(this.colors.zero), shades = this.colors.classes.map(rgb);
    for (let cell = 0; cell < cells; cell++) {
      let best = 0, second = -Infinity;
      for (let k = 1; k < count; k++) {
        const score = scores[k * cells + cell];
        if (score > scores[best * cells + cell]) [second, best] = [scores[best * cells + cell], k];
        else if (score > second) second = score;
      }
      const lead = scores[best * cells + cell] - second, mix = this.isDiscrete ? 0.5 : 0.2 + 0.5 * Math.min(1, lead / 2), shade = shades[best % shades.length];
      for (let channel = 0; channel < 3; channel++) image.data[4 * cell + channel] = zero[channel] + mix * (shade[channel] - zero[channel]);
      image.data[4 * cell + 3] = 255;
    }
    return context.putImageData(image, 0, 0);
  }

  #redraw() {
    const {context, width, height} = sharp(this.canvas);
    if (!this.bounds || !width) return;
    if (this.scores) {
      context.imageSmoothingEnabled = true;
      context.drawImage(this.ground, 0, 0, width, height);
      if (this.scores.length === this.size * this.size && this.classes.length) this.#drawLine(context, width, height);
    }
    this.points.forEach((point, index) => this.#drawPoint(context, point, index === this.chosen));
    this.#drawAxes(context, width, height);
    for (const [x, y] of this.stroke) this.#drawPoint(context, {x, y, label: Math.max(0, this.brush)}, false);
  }

  /** The names of the axes and the ends of their ranges, at the edges. */
  #drawAxes(context, width, height) {
    const {left, right, bottom, top} = this.bounds, [x, y] = this.axes, {ink, paper} = this.colors;
    const write = (words, align, px, py) => {
      context.textAlign = align;
      context.strokeText(words, px, py);
      context.fillText(words, px, py);
    };
    Object.assign(context, {font: "11px system-ui, sans-serif", textBaseline: "alphabetic", fillStyle: ink, strokeStyle: paper, lineWidth: 3, lineJoin: "round"});
    write(`${x} = ${number(left, 2)}`, "left", 5, height - 6);
    write(number(right, 2), "right", width - 5, height - 6);
    write(`${y} = ${number(top, 2)}`, "left", 5, 14);
    write(number(bottom, 2), "left", 5, height - 22);
  }

  #drawPoint(context, {x, y, label, held}, chosen) {
    const [px, py] = this.#toPixels(x, y);
    const isClass = this.classes.length, {paper, ink, positive, negative, classes} = this.colors, color = isClass ? classes[label % 8] : label < 0 ? negative : positive;
    marker(context, isClass ? label : 0, px, py, (chosen ? RADIUS * 1.6 : RADIUS) * (isClass ? 1 : 0.4 + Math.min(1, Math.abs(label))));
    context.fillStyle = held ? paper : color;
    context.strokeStyle = held ? color : isClass ? paper : ink;
    context.lineWidth = held ? 2 : 1.2;
    context.fill();
    context.stroke();
    if (!chosen) return;
    context.beginPath();
    context.arc(px, py, RADIUS * 2.6, 0, 2 * Math.PI);
    context.strokeStyle = this.colors.ink;
    context.lineWidth = 2;
    context.stroke();
  }

  /** The line where the score is 0, by marching squares. */
  #drawLine(context, width, height) {
    const {scores, size} = this, step = [width / size, height / size];
    context.beginPath();
    const point = (i, j, k, l) => {
      const a = scores[i * size + j], b = scores[k * size + l], share = a / (a - b);
      return [(j + (l - j) * share + 0.5) * step[0], (i + (k - i) * share + 0.5) * step[1]];
    };
    for (let i = 0; i + 1 < size; i++) {
      for (let j = 0; j + 1 < size; j++) {
        const place = i * size + j, above = scores[place] > 0;
        if (scores[place + 1] > 0 === above && scores[place + size] > 0 === above && scores[place + size + 1] > 0 === above) continue;
        const corners = [[i, j], [i, j + 1], [i + 1, j + 1], [i + 1, j]], cuts = [];
        for (let side = 0; side < 4; side++) {
          const a = corners[side], b = corners[(side + 1) % 4];
          if (scores[a[0] * size + a[1]] > 0 !== scores[b[0] * size + b[1]] > 0) cuts.push(point(...a, ...b));
        }
        for (let cut = 0; cut + 1 < cuts.length; cut += 2) {
          context.moveTo(...cuts[cut]);
          context.lineTo(...cuts[cut + 1]);
        }
      }
    }
    context.strokeStyle = this.colors.ink;
    context.lineWidth = 1.4;
    context.stroke();
  }

  #toPixels(x, y) {
    const {left, right, bottom, top} = this.bounds;
    return [(x - left) / (right - left) * this.canvas.clientWidth, (top - y) / (top - bottom) * this.canvas.clientHeight];
  }

  #toPlane(event) {
    const {left, right, bottom, top} = this.bounds, box = this.canvas.getBoundingClientRect();
    return [left + (event.clientX - box.left) / box.width * (right - left), top - (event.clientY - box.top) / box.height * (top - bottom)];
  }

  #nearest(event) {
    const box = this.canvas.getBoundingClientRect();
    let best = null, least = REACH;
    this.points.forEach(({x, y}, index) => {
      const [px, py] = this.#toPixels(x, y), far = Math.hypot(px - event.clientX + box.left, py - event.clientY + box.top);
      if (far < least) [best, least] = [index, far];
    });
    return best;
  }

  #down(event) {
    if (!this.bounds) return;
    if (this.brush === null) {
      const index = this.#nearest(event);
      if (index !== null) this.pick(index);
      return;
    }
    this.canvas.setPointerCapture(event.pointerId);
    this.painting = true;
    this.#put(event);
  }

  /** Add evenly spaced points along the path of the brush, inside the plane. */
  #put(event) {
    const there = this.#toPlane(event), {left, right, bottom, top} = this.bounds, last = this.stroke.at(-1);
    const [a, b] = this.#toPixels(...last ?? there), [c, d] = this.#toPixels(...there), count = last ? Math.floor(Math.hypot(a - c, b - d) / SPACING) : 1;
    for (let index = 1; index <= count; index++) {
      const share = last ? index * SPACING / Math.hypot(a - c, b - d) : 1, from = last ?? there;
      const [x, y] = [0, 1].map(axis => from[axis] + share * (there[axis] - from[axis]));
      if (x > left && x < right && y > bottom && y < top) this.stroke.push([x, y]);
    }
    this.#redraw();
  }

  #moved(event) {
    if (!this.bounds) return;
    if (this.painting) return this.#put(event);
    const index = this.brush === null ? this.#nearest(event) : null;
    this.canvas.style.cursor = this.brush !== null ? "crosshair" : index !== null ? "pointer" : "";
    const [x, y] = this.#toPlane(event);
    this.#tell(index === null ? `(${number(x, 3)}, ${number(y, 3)})` : `example ${index}: ${this.classes.length ? this.classes[this.points[index].label] : number(this.points[index].label, 3)}${this.points[index].held ? ", test point" : ""}`);
  }

  #up() {
    if (!this.painting) return;
    this.painting = false;
    const stroke = this.stroke;
    this.stroke = [];
    this.paint(stroke);
  }

  #key(event) {
    const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
    if (!step || !this.points.length) return;
    event.preventDefault();
    event.stopPropagation();
    this.pick(((this.chosen ?? (step > 0 ? -1 : 0)) + step + this.points.length) % this.points.length);
  }

  #tell(words) {
    at("plane-words").textContent = words;
  }
}
