/** The form with the settings: data, inputs and training. It shows a configuration and requests changes. */

import {at, make, number, pretty} from "./dom.js";
import {drawMarker, marker, palette} from "./paint.js";

const RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
const PENALTIES = [0, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1];
const COSTS = {cross_entropy: "cross-entropy", squared_error: "squared error", hinge: "hinge"};
const TITLES = {xor: "XOR", points: "Paint", csv: "Your data"};

/** A few points of each kind of data, [x, y, class] with x and y from 0 to 1, for the tiles. */
const SKETCHES = {
  moons: () => arc(9, t => [[0.38 + 0.3 * Math.cos(Math.PI * t), 0.42 - 0.28 * Math.sin(Math.PI * t), 0], [0.62 - 0.3 * Math.cos(Math.PI * t), 0.55 + 0.28 * Math.sin(Math.PI * t), 1]]),
  circles: () => arc(10, t => [[0.5 + 0.36 * Math.cos(2 * Math.PI * t), 0.5 + 0.36 * Math.sin(2 * Math.PI * t), 0], [0.5 + 0.15 * Math.cos(2 * Math.PI * t), 0.5 + 0.15 * Math.sin(2 * Math.PI * t), 1]]),
  xor: () => arc(4, t => [[0.22 + 0.2 * t, 0.4 - 0.25 * t, 1], [0.62 + 0.2 * t, 0.6 + 0.25 * t, 1], [0.6 + 0.2 * t, 0.15 + 0.25 * t, 0], [0.2 + 0.2 * t, 0.62 + 0.25 * t, 0]]),
  spirals: () => arc(13, t => [[0.5 + 0.4 * t * Math.cos(7 * t), 0.5 + 0.4 * t * Math.sin(7 * t), 0], [0.5 - 0.4 * t * Math.cos(7 * t), 0.5 - 0.4 * t * Math.sin(7 * t), 1]]),
  waves: () => arc(6, t => arc(6, s => [[0.12 + 0.76 * t, 0.12 + 0.76 * s, Math.sin(7 * t) * Math.cos(2.4 * s - 1.2)]])),
  blobs: () => arc(6, t => [0, 1, 2].map(k => [0.5 + 0.28 * Math.cos(2.1 * k) + 0.1 * Math.cos(6.3 * t + k), 0.5 + 0.28 * Math.sin(2.1 * k) + 0.1 * Math.sin(9 * t), k])),
};
const arc = (count, of) => Array.from({length: count}, (_, index) => of(index / Math.max(1, count - 1))).flat();

export class Settings {
  /** `change(part)` is called with changed settings; `brush(label)` with the class to paint, or null. */
  constructor(hello, {change, brush}) {
    this.hello = hello;
    this.change = change;
    this.brush = brush;
    this.#tiles();
    this.#brushes();
    at("form").addEventListener("submit", event => event.preventDefault());
    at("wipe").addEventListener("click", () => change({data: {name: "points", X: [], y: []}}));
    at("csv-use").addEventListener("click", () => this.#load());
    at("csv-file").addEventListener("change", async event => {
      const [file] = event.target.files;
      if (!file) return;
      if (file.size > hello.limits.csv) return this.#tell(`This file has ${number(file.size / 1e6, 3)} MB; the limit is ${number(hello.limits.csv / 1e6, 3)} MB.`);
      at("csv-text").value = await file.text();
      return this.#load();
    });
  }

  #load() {
    const text = at("csv-text").value, {csv} = this.hello.limits;
    if (text.length > csv) this.#tell(`The text has ${number(text.length / 1e6, 3)} million characters; the limit is ${number(csv / 1e6, 3)} million. Paste fewer rows.`);
    else this.change({data: {name: "csv", text, target: null}});
  }

  #tell(words) {
    at("because").textContent = words;
  }

  /**
   * A choice for each column of a CSV text: number, category, target, or leave out. If another column becomes the target, the old one gets null: the session chooses its role. A target
   * that is chosen by its name also says that the first line has names.
   */
  #columns(columns) {
    const named = (index, role) => this.configuration.data.target !== null && role === "target" ? columns[index].name : this.configuration.data.target;
    const choose = (index, role) => this.change({data: {...this.configuration.data, target: named(index, role), columns: columns.map((each, other) => other === index ? role : role === "target" && each.role === "target" ? null : each.role)}});
    replace("csv-columns", (columns ?? []).map(({name, role}, index) => select(`column-${index}`, name, this.hello.roles, role, each => each, chosen => choose(index, chosen))));
  }

  #tiles() {
    const names = this.hello.data.map(each => each.name);
    at("datasets").replaceChildren(...names.map(name => {
      const picture = make("canvas", {width: 76, height: 76, "aria-hidden": "true"});
      return make("label", {class: "tile"}, make("input", {type: "radio", name: "dataset", value: name, onchange: () => this.#choose(name)}), make("span", {}, picture, TITLES[name] ?? name[0].toUpperCase() + name.slice(1)));
    }));
    this.recolor();
  }

  recolor() {
    const colors = palette();
    for (const input of at("datasets").querySelectorAll("input")) {
      const context = input.parentElement.querySelector("canvas").getContext("2d");
      context.clearRect(0, 0, 76, 76);
      for (const [x, y, label] of SKETCHES[input.value]?.() ?? []) {
        marker(context, input.value === "waves" ? 0 : label, 76 * x, 76 * y, input.value === "waves" ? 6 * Math.abs(label) : 4);
        context.fillStyle = input.value === "waves" ? label < 0 ? colors.negative : colors.positive : colors.classes[label];
        context.fill();
      }
      context.fillStyle = colors.ink;
      context.strokeStyle = colors.ink;
      context.textAlign = "center";
      context.textBaseline = "middle";
      if (input.value === "digits") {
        context.font = "italic 56px Georgia, serif";
        context.fillText("3", 38, 40);
      } else if (input.value === "csv") {
        context.font = "20px ui-monospace, monospace";
        ["1, 2, a", "3, 4, b", "5, 6, a"].forEach((line, index) => context.fillText(line, 38, 16 + 22 * index, 72));
      } else if (input.value === "points") {
        context.lineWidth = 6;
        context.lineCap = "round";
        context.beginPath();
        context.moveTo(16, 60);
        context.quadraticCurveTo(20, 16, 38, 38);
        context.quadraticCurveTo(52, 62, 60, 18);
        context.stroke();
      }
    }
    for (const canvas of document.querySelectorAll(".brush canvas")) drawMarker(canvas, Number(canvas.dataset.label), colors);
  }

  /** Begin to paint a class, or end it if it is the one that is painted. */
  #press(label) {
    this.brushing = this.brushing === label ? null : label;
    for (const button of at("brushes").children) button.setAttribute("aria-pressed", String(Number(button.dataset.label) === this.brushing));
    this.brush(this.brushing);
  }

  #brushes() {
    at("brushes").replaceChildren(...[0, 1, 2].map(label => {
      const canvas = make("canvas", {width: 28, height: 28, "data-label": label, "aria-hidden": "true"});
      drawMarker(canvas, label, palette());
      return make("button", {type: "button", class: "brush", "data-label": label, "aria-pressed": "false", "aria-label": `paint class ${label}`, title: `paint class ${label} in the plane`, onclick: () => this.#press(label)}, canvas);
    }));
  }

  #choose(name) {
    at("csv").hidden = name !== "csv";
    if (name === "csv") return at("csv-text").focus();
    if (name === "points") this.change({data: {name, X: [], y: []}}).then(() => this.brushing ?? at("brushes").firstElementChild.click());
    else if (name === "digits") this.change({data: {name}, layers: [16, 16], activations: "tanh(x)", rate: 0.03});
    else if (name === "waves") this.change({data: {name}, cost: "squared_error", rate: 0.03});
    else this.change({data: {name}, ...(this.configuration.data.name === "digits" ? {rate: 0.1} : {})});
    return undefined;
  }

  /** Show a complete configuration; of a CSV text `because` says how it was read, and `columns` as what. */
  show(configuration, {because = "", columns = null} = {}) {
    this.configuration = configuration;
    const {data} = configuration;
    for (const input of at("datasets").querySelectorAll("input")) input.checked = input.value === data.name;
    at("csv").hidden = data.name !== "csv";
    at("painting").hidden = ["digits", "csv", "waves"].includes(data.name);
    if (at("painting").hidden && Number.isInteger(this.brushing)) this.#press(this.brushing);
    this.#tell(because || (data.name === "spirals" && configuration.layers.reduce((sum, count) => sum + count, 0) < 16 ? "Spirals need a larger network: two layers of 16 neurons learn them." : ""));
    this.#columns(columns);
    this.#dataFields(configuration);
    this.#features(configuration);
    this.#learning(configuration);
  }

  #dataFields({data, held_out: heldOut, seed}) {
    const rows = [], {limits} = this.hello;
    const other = part => this.change({data: {...data, ...part}});
    if ("n" in data) rows.push(range("examples", {min: 20, max: data.name === "digits" ? limits.digits : Math.min(limits.rows, 1000), step: 20, value: data.n}, n => other({n})));
    if ("noise" in data) rows.push(range("noise", {min: 0, max: 0.6, step: 0.02, value: data.noise}, noise => other({noise})));
    const {classes = [2, 2]} = this.hello.data.find(each => each.name === data.name) ?? {};
    if ("classes" in data && classes[0] < classes[1]) rows.push(range("classes", {min: classes[0], max: classes[1], step: 1, value: data.classes}, count => other({classes: count})));
    rows.push(range("test share", {min: 0, max: 0.9, step: 0.05, value: heldOut}, share => this.change({held_out: share})));
    rows.push(field("seed", make("input", {type: "number", min: 0, step: 1, value: seed, onchange: event => this.change({seed: Math.max(0, Math.round(Number(event.target.value) || 0))})})));
    replace("data-fields", rows);
  }

  #features({features, data}) {
    const own = data.name === "digits" || data.name === "csv";
    at("features").closest("details").hidden = own;
    at("features").replaceChildren(...this.hello.features.map(name => make("label", {class: "chip"}, make("input", {type: "checkbox", name: "feature", value: name, checked: features.includes(name), onchange: event => {
      const wanted = this.hello.features.filter(each => each === name ? event.target.checked : features.includes(each));
      if (wanted.length) this.change({features: wanted});
      else event.target.checked = true;
    }}), make("span", {text: pretty(name)}))));
  }

  #learning(settings) {
    const {cost, optimizer, rate, schedule, batch_size: batch, l1, l2, clip} = settings, change = this.change;
    const examples = [1, 5, 10, 20, 50, 100, null];
    replace("learning-fields", [
      select("rate", "learning rate", RATES, rate, each => number(each), value => change({rate: value})),
      select("batch", "batch size", examples, batch, each => each === null ? "all" : String(each), value => change({batch_size: value})),
      select("optimizer", "optimizer", ["sgd", "momentum", "adam"], optimizer.name === "adam" ? "adam" : optimizer.momentum ? "momentum" : "sgd", each => each === "adam" ? "Adam" : each === "momentum" ? "momentum" : "SGD", name => change({optimizer: name === "adam" ? {name} : {name: "sgd", momentum: name === "momentum" ? 0.9 : 0}, ...(name === "adam" && rate > 0.03 ? {rate: 0.01} : {})})),
      select("schedule", "schedule", this.hello.schedules, schedule.name, each => each.replaceAll("_", " "), name => change({schedule: {name}})),
      select("cost", "cost", this.configuration.data.name === "waves" ? ["squared_error"] : this.hello.costs, cost, each => COSTS[each], name => change(name === "cross_entropy" ? {cost: name, output_activation: "x"} : {cost: name})),
      select("L1", "L1", PENALTIES, l1, each => number(each), value => change({l1: value})),
      select("L2", "L2", PENALTIES, l2, each => number(each), value => change({l2: value})),
      select("clip", "gradient clipping", [null, 0.1, 1, 10], clip, each => each === null ? "off" : number(each), value => change({clip: value})),
    ]);
  }
}

let fields = 0;

function field(name, control) {
  control.id ||= `field-${fields++}`;
  control.dataset.key = `setting-${name}`;
  return [make("label", {for: control.id, text: name}), control];
}

function select(name, label, values, value, text, change) {
  const all = values.includes(value) ? values : [...values, value].sort((a, b) => (a ?? Infinity) - (b ?? Infinity));
  const control = make("select", {name, onchange: event => change(all[event.target.selectedIndex])}, ...all.map(each => make("option", {text: text(each), selected: each === value})));
  return field(label, control);
}

function range(name, {min, max, step, value}, change) {
  const shown = make("output", {text: number(value, 3)});
  const slider = make("input", {type: "range", name, min, max, step, value, oninput: () => { shown.textContent = number(Number(slider.value), 3); }, onchange: () => change(Number(slider.value))});
  const [label] = field(name, slider);
  return [label, make("span", {class: "with-value"}, slider, shown)];
}

/** Replace the controls, and keep the focus on the control with the same key. */
function replace(id, rows) {
  const key = document.activeElement?.dataset?.key;
  at(id).replaceChildren(...rows.flat());
  if (key) at(id).querySelector(`[data-key="${key}"]`)?.focus();
}
