/** Curves of the current run and earlier ones over their steps, with readings under the pointer; and graphs of functions of x. */

import {number} from "./dom.js";
import {palette, sharp} from "./paint.js";

const MARGIN = {left: 44, right: 10, top: 8, bottom: 20}, DASHES = [[], [5, 3]], SLACK = 4;  // pixels: a pointer that moves less is held still

const MOST = 4000;  // points of a curve; beyond that, every other one is dropped

/** The curves of a run, which grow while it trains. */
export class Run {
  constructor() {
    Object.assign(this, {current: true, steps: [], cost: [], heldOutCost: [], accuracy: [], heldOutAccuracy: []});
  }

  /** Add a moment. It replaces those at the same or later steps, because the run may have gone back. */
  add(moment) {
    let kept = this.steps.length;
    while (kept && this.steps[kept - 1] >= moment.step) kept--;
    const all = [this.steps, this.cost, this.heldOutCost, this.accuracy, this.heldOutAccuracy];
    const values = [moment.step, moment.cost, moment.held_out_cost, moment.accuracy, moment.held_out_accuracy];
    all.forEach((list, index) => {
      list.length = kept;
      list.push(values[index] ?? NaN);
    });
    if (kept > MOST) for (const list of all) list.splice(0, list.length, ...list.filter((_, index) => index % 2 === 0 || index === list.length - 1));
  }
}

export class CurvesView {
  /** `name(run)` returns the name of a run. `read(words)` is called with the values under the pointer, and `scrub(step)` to go back to a step: by a tap or a drag sideways. */
  constructor(canvas, {name, read, scrub}) {
    Object.assign(this, {canvas, name, read, scrub});
    this.runs = [];
    this.what = "cost";
    this.log = false;
    this.pointer = null;
    this.held = 0;  // the last step of the axis during a drag, although the curve gets shorter
    this.press = null;  // where the pointer was pressed, and whether it has moved sideways since
    this.recolor();
    const point = event => this.#point(event.clientX - canvas.getBoundingClientRect().left);
    canvas.addEventListener("pointermove", event => {
      point(event);
      if (!this.press) return;
      const [across, down] = this.#moved(event);
      this.press.isDrag ||= across >= SLACK && across > down;
      if (this.press.isDrag) this.#scrub();
    });
    canvas.addEventListener("pointerdown", event => {
      canvas.setPointerCapture(event.pointerId);
      point(event);
      this.held = this.scale?.last ?? 0;
      this.press = {x: event.clientX, y: event.clientY, isDrag: false};
    });
    canvas.addEventListener("pointerup", event => {
      if (this.press && Math.max(...this.#moved(event)) < SLACK) this.#scrub();
      this.#release();
    });
    canvas.addEventListener("pointercancel", () => this.#release());  // a finger scrolls the page
    canvas.addEventListener("pointerleave", () => this.#point(null));
    canvas.addEventListener("blur", () => this.#point(null));
    canvas.addEventListener("keydown", event => {
      if (event.key === "Enter") this.#scrub();
      const step = {ArrowLeft: -8, ArrowRight: 8}[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      this.#point(Math.max(MARGIN.left, Math.min(canvas.clientWidth - MARGIN.right, (this.pointer ?? canvas.clientWidth / 2) + step)));
    });
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  recolor() {
    this.colors = palette();
    this.draw();
  }

  show({what = this.what, log = this.log}) {
    Object.assign(this, {what, log});
    this.draw();
  }

  #point(x) {
    this.pointer = x;
    this.draw();
    const lines = x === null || !this.scale ? [] : this.#readings();
    this.read(lines.join("; "));
  }

  /** How far the pointer has moved since it was pressed, across and down. */
  #moved({clientX, clientY}) {
    return [Math.abs(clientX - this.press.x), Math.abs(clientY - this.press.y)];
  }

  #release() {
    this.held = 0;
    this.press = null;
    this.draw();
  }

  /** Go back to the step under the pointer, if it is in the past. */
  #scrub() {
    if (!this.scale || this.pointer === null) return;
    const step = Math.max(0, Math.round(this.scale.step(this.pointer))), now = this.runs.find(each => each.current)?.steps.at(-1) ?? 0;
    if (step < now) this.scrub(step);
  }

  /** The two lines of a run: training examples and, if there are some, test examples. */
  #lines(run) {
    const [training, heldOut] = this.what === "cost" ? [run.cost, run.heldOutCost] : [run.accuracy, run.heldOutAccuracy];
    return [{name: "training", values: training}, {name: "test", values: heldOut}].filter(line => line.values.some(Number.isFinite));
  }

  draw() {
    const {context, width, height} = sharp(this.canvas);
    this.scale = null;
    if (!width) return;
    const drawn = this.runs.map(run => ({run, lines: this.#lines(run)}));
    const values = drawn.flatMap(({lines}) => lines.flatMap(line => line.values)).filter(value => Number.isFinite(value) && (!this.log || value > 0));
    if (!values.length) return;
    const last = Math.max(1, this.held, ...drawn.flatMap(({run, lines}) => lines.length ? [run.steps.at(-1)] : []));
    const scale = this.scale = this.#scale(values, last, width, height);
    this.#drawAxes(context, scale, width, height);
    for (const {run, lines} of drawn) {
      for (const line of lines) {
        traceLine(context, run.steps.map(scale.x), line.values, scale.y);
        context.setLineDash(line.name === "test" ? DASHES[1] : DASHES[0]);
        context.strokeStyle = this.color(run);
        context.globalAlpha = run.current ? 1 : 0.55;
        context.lineWidth = run.current ? 1.8 : 1.2;
        context.stroke();
      }
    }
    context.setLineDash([]);
    context.globalAlpha = 1;
    if (this.pointer === null) return;
    context.strokeStyle = this.colors.faint;
    context.lineWidth = 1;
    context.strokeRect(Math.round(this.pointer) + 0.5, MARGIN.top, 0, height - MARGIN.top - MARGIN.bottom);
  }

  color(run) {
    return run.current ? this.colors.now : this.colors.classes[run.color % 8];
  }

  #scale(values, last, width, height) {
    let [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
    if (this.what === "accuracy") [low, high] = [Math.min(low, 0.5), 1];
    else if (!this.log) low = Math.min(0, low);
    if (this.log) [low, high] = [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high) + 1e-9)];
    if (high === low) high = low + 1;
    const down = height - MARGIN.top - MARGIN.bottom, across = width - MARGIN.left - MARGIN.right, log = this.log ? Math.log10 : value => value;
    return {
      low, high, last,
      x: step => MARGIN.left + across * step / last,
      y: value => MARGIN.top + down * (1 - (log(value) - log(low)) / (log(high) - log(low))),
      step: x => (x - MARGIN.left) / across * last,
    };
  }

  #drawAxes(context, scale, width, height) {
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = this.colors.faint;
    context.strokeStyle = this.colors.edge;
    context.lineWidth = 1;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const tick of this.log ? decades(scale.low, scale.high) : ticks(scale.low, scale.high, 4)) {
      const y = Math.round(scale.y(tick)) + 0.5;
      context.globalAlpha = 0.5;
      context.strokeRect(MARGIN.left, y, width - MARGIN.left - MARGIN.right, 0);
      context.globalAlpha = 1;
      context.fillText(number(tick, 3), MARGIN.left - 6, y);
    }
    context.textBaseline = "alphabetic";
    const marks = ticks(0, scale.last, 4);
    marks.forEach((tick, index) => {
      context.textAlign = index === 0 ? "left" : scale.x(tick) > width - 40 ? "right" : "center";
      context.fillText(index === marks.length - 1 ? `step ${tick}` : String(tick), Math.min(scale.x(tick), width - MARGIN.right), height - 5);
    });
  }

  #readings() {
    const step = Math.round(this.scale.step(this.pointer)), lines = [];
    for (const run of [...this.runs].reverse()) {  // the current one first
      const index = nearest(run.steps, step), found = this.#lines(run).filter(() => index >= 0).map(line => `${line.name} ${number(line.values[index], 4)}`);
      if (found.length) lines.push(`${run.current ? "" : `${this.name(run)}: `}${found.join(", ")}`);
    }
    return lines.length ? [`step ${step}: ${lines[0]}`, ...lines.slice(1, 3)] : [];
  }
}

/** About `count` round numbers from low to high. */
function ticks(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw)), step = power * [1, 2, 5, 10].find(each => each * power >= raw * 0.999);
  const marks = [];
  for (let tick = Math.ceil(low / step - 1e-9); tick * step <= high * (1 + 1e-9); tick++) marks.push(Number((tick * step).toPrecision(12)));
  return marks;
}

function decades(low, high) {
  const first = Math.round(Math.log10(low)), last = Math.round(Math.log10(high)), every = Math.ceil((last - first) / 6) || 1;
  return Array.from({length: Math.floor((last - first) / every) + 1}, (_, index) => 10 ** (first + index * every));
}

/** The index of the last of these steps that is not after `step`, by bisection. */
function nearest(steps, step) {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle] <= step) low = middle + 1;
    else high = middle;
  }
  return Math.min(low, steps.length) - 1;
}

/** Begin a line through values at places on the x axis, with a gap where a value, or its place y(value), is not finite. */
function traceLine(context, places, values, y) {
  context.beginPath();
  let isDrawing = false;
  values.forEach((value, index) => {
    const height = Number.isFinite(value) ? y(value) : NaN, isDrawn = Number.isFinite(height);
    if (isDrawn && isDrawing) context.lineTo(places[index], height);
    else if (isDrawn) context.moveTo(places[index], height);
    isDrawing = isDrawn;
  });
}

/** Draw functions, each {values, color, dash}, at evenly spaced xs; with a dot and its tangent at `point`. */
export function drawFunctions(canvas, {xs, functions, point = null, most = 6}) {
  const colors = palette(), {context, width, height} = sharp(canvas);
  const finite = functions.flatMap(({values}) => values).filter(value => Number.isFinite(value) && Math.abs(value) <= most);
  if (!width || !finite.length) return;
  const [low, high] = [Math.min(-0.2, ...finite), Math.max(0.2, ...finite)], pad = 0.08 * (high - low), [first, last] = [xs[0], xs.at(-1)];
  const x = value => (value - first) / (last - first) * width, y = value => height - (value - low + pad) / (high - low + 2 * pad) * height;
  context.strokeStyle = colors.edge;
  context.lineWidth = 1;
  context.strokeRect(0, Math.round(y(0)) + 0.5, width, 0);
  context.strokeRect(Math.round(x(0)) + 0.5, 0, 0, height);
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = colors.faint;
  context.textAlign = "left";
  context.fillText(number(first, 3), 3, y(0) - 4);
  context.textAlign = "right";
  context.fillText(number(last, 3), width - 3, y(0) - 4);
  for (const {values, color, dash = []} of functions) {
    traceLine(context, xs.map(x), values, value => Math.max(-1e4, Math.min(1e4, y(value))));
    context.setLineDash(dash);
    context.strokeStyle = color;
    context.lineWidth = 2;
    context.stroke();
  }
  context.setLineDash([]);
  if (!point) return;
  const reach = (last - first) / 8;
  context.beginPath();
  context.moveTo(x(point.x - reach), y(point.y - reach * point.slope));
  context.lineTo(x(point.x + reach), y(point.y + reach * point.slope));
  context.strokeStyle = colors.path;
  context.lineWidth = 2.5;
  context.stroke();
  context.beginPath();
  context.arc(x(point.x), y(point.y), 5, 0, 2 * Math.PI);
  context.fillStyle = colors.path;
  context.fill();
}
