/** The playground: it keeps what the session said last, asks for the next frame, and tells each part of the page what to show. */

import {ActivationEditor} from "./activation.js";
import {showColumns} from "./columns.js";
import {Connection, Refusal} from "./connection.js";
import {CurvesView, Run} from "./curves.js";
import {at, figure, make, number, percent, pretty} from "./dom.js";
import {inputMap, MAP, unfold} from "./frames.js";
import {host} from "./host.js";
import {Inspector} from "./inspector.js";
import {copy, download, savePicture} from "./share.js";
import {Lesson} from "./lesson.js";
import {NetworkView} from "./network.js";
import {Pad} from "./pad.js";
import {drawMarker, largest, palette} from "./paint.js";
import {PlaneView} from "./plane.js";
import {isSame, record, SAVED} from "./saved.js";
import {Settings} from "./settings.js";

const BOUNDARY = 100, KEPT_RUNS = 5;
const INSPECT_EVERY = 250, LINES_EVERY = 80;  // milliseconds, while it runs: what changes little, or takes long to draw, is drawn less often
const LIVE = new Set(["rate", "schedule", "optimizer", "batch_size", "clip", "l1", "l2", "cost", "activations", "output_activation"]);

let hello, configuration, shape, inputMaps, moment = {step: 0, running: false};
let frame = null;  // the last one drawn
let generation = 0;  // of the network: frames asked for before another one was made are not shown
let wanted = false, asked = false, due = 0;  // a new frame is wanted; frames are being asked for; when the next steps are due, in milliseconds
let frames = [];  // when they were drawn, in the last second
const done = {};  // when what was done last

let {lost} = host;
const connection = new Connection(host.transport, why => {
  if (why) lost = `${why}. ${host.afresh}`.trim();
  showMoment({...moment, running: false});
  say(lost);
});
const ask = message => connection.ask(message);

/** Say something above all else, or with "" take it back. */
function say(words) {
  at("notice").textContent = connection.isLost ? lost : words || (host.saved ? SAVED : "");
  at("notice").hidden = !at("notice").textContent;
}

/** Do what may be refused, and say so if it is. */
async function attempt(work) {
  try {
    say("");
    return await work();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    say(error.message);
    return null;
  }
}

// The parts of the page.

const network = new NetworkView(at("stage"), target => choose(target));
const plane = new PlaneView(at("plane"), {pick: pickPoint, paint});
const curves = new CurvesView(at("curves"), words => { at("curve-words").textContent = words; });
const inspector = new Inspector({ask, choose, example: lookAt, weight: setWeight});
const pad = new Pad({ask, told: showDrawn});
let settings, editor, lesson;

function choose(target) {
  if (target?.layer < 0) target = {what: "example"};
  network.choose(target && "layer" in target ? target : null);
  if (!target) return;
  inspector.show(target).then(() => at("inspector-title").scrollIntoView({block: "nearest"}));
  lesson?.happened(target.what === "example" ? "example" : target.input === undefined ? "neuron" : "weight");
}

/** Look at an example, {of, index}: the inspector tells of it, the plane marks it. */
function lookAt(which) {
  if (host.saved && !isSame(which, host.saved.example)) return void say("Of this saved state the numbers of one example alone were kept, and not of this one.");
  inspector.example = which;
  if (which.of !== "drawn") plane.choose(which.index + (which.of === "held_out" ? shape.examples.training : 0));
  if (inspector.target) inspector.refresh();
  else choose({what: "example"});
}

function pickPoint(index) {
  const training = shape.examples.training;
  lookAt(index < training ? {of: "training", index} : {of: "held_out", index: index - training});
  lesson?.happened("point");
}

async function setWeight({layer, neuron, input}, value) {
  const reply = await attempt(() => ask({do: "weight", layer, neuron, input, value}));
  if (!reply) return;
  showMoment(reply);
  moved();
  lesson?.happened("turned");
}

function showDrawn(reply) {
  if (!reply.pixels) return;
  inspector.example = {of: "drawn"};
  network.settle();
  drawActivations(reply.layers, reply.pixels);
  if (!inspector.target || inspector.target.what) inspector.show({what: "example"});
  else inspector.refresh();
  lesson?.happened("drawn");
}

// Settings.

/** Other settings: those that a run can take on its way, or else a new network. */
function change(part) {
  if (Object.keys(part).every(key => LIVE.has(key))) return attempt(() => set(part)).then(done => done ?? settings.show(configuration));
  const next = {...configuration, parameters: null, ...part};
  if (part.data && part.data.name !== configuration.data.name && part.data.name === "digits") next.cost = configuration.cost === "hinge" ? "cross_entropy" : configuration.cost;
  return attempt(() => configure(next)).then(done => done ?? settings.show(configuration));
}

async function set(part) {
  const reply = await ask({do: "set", ...part});
  configuration = reply.configuration;
  settings.show(configuration);
  columns();
  keep();
  moved();
  return reply;
}

async function configure(next, keepRunning = false) {
  const wasRunning = moment.running, main = document.querySelector("main");
  generation++;
  showMoment({...moment, running: false});  // at once: who presses the button now means the new network
  main.setAttribute("aria-busy", "true");
  try {
    const reply = await ask({do: "configure", configuration: next}), old = configuration;
    configuration = reply.configuration;
    shape = reply;
    newRun(old);
    rebuild();
    showMoment({step: 0, epoch: 0, running: false});
    keep();
    await (wasRunning && keepRunning ? run(true) : moved());
    return reply;
  } catch (error) {
    showMoment({...moment, running: wasRunning});
    moved();
    throw error;
  } finally {
    main.removeAttribute("aria-busy");
  }
}

/** Show another network and other data, from the ground up. */
function rebuild() {
  frame = null;
  const {layers, inputs, classes, points, plane: area} = shape, digits = configuration.data.name === "digits";
  settings.show(configuration, shape.because);
  columns();
  network.shape({sizes: layers, inputs: inputs.map(pretty), outputs: classes.length > 2 ? classes : null, picture: digits});
  at("network-words").textContent = `${layers.join("-")}, ${shape.parameters.toLocaleString("en")} parameters`;
  at("plane-box").hidden = !area;
  at("pad-box").hidden = !digits;
  if (digits) pad.clear();
  if (area) {
    const list = (part, held) => part.x.map((x, index) => ({x, y: part.y[index], label: part.class[index], held}));
    plane.shape({points: [...list(points.training, false), ...list(points.held_out, true)], bounds: {left: area.x[0], right: area.x[1], bottom: area.y[0], top: area.y[1]}, classes});
    legend(classes);
  }
  inputMaps = area ? inputs.map(name => inputMap(name, area)) : [];
  const {training, held_out} = shape.examples;
  at("counts").textContent = `${training} examples to learn from${held_out ? `, ${held_out} held out` : ""}`;
  inspector.count = {training, held_out};
  inspector.example = null;
  inspector.empty();
  network.choose(null);
  if (editor) at("activation").hidden = true;
}

/** Keep the settings in the address, if they are not too many. */
function keep() {
  const fits = host.keep(configuration, hello.defaults);
  at("copy-link").disabled = !fits;
  at("copy-link").title = fits ? "" : "there are too many points for a link";
}

function columns() {
  const hidden = configuration.layers, digits = configuration.data.name === "digits";
  showColumns({sizes: shape.layers, activations: configuration.activations, output: configuration.output_activation, limits: {neurons: hello.limits.neurons}, fixed: digits}, {
    resize: (layer, count) => change({layers: hidden.map((each, index) => index === layer ? count : each)}),
    edit: (layer, opener) => editor.open(layer, layer < hidden.length ? configuration.activations[layer] : configuration.output_activation, layer === hidden.length, opener),
  });
  at("fewer-layers").disabled = hidden.length === 0 || Boolean(host.saved);
  at("more-layers").disabled = hidden.length >= hello.limits.layers || Boolean(host.saved);
}

function legend(classes) {
  const colors = palette();
  at("class-legend").replaceChildren(...classes.flatMap((name, label) => {
    const canvas = make("canvas", {width: 28, height: 28, "aria-hidden": "true"});
    drawMarker(canvas, label, colors);
    return [make("span", {}, canvas, ` ${/^\d+$/.test(name) ? `class ${name}` : name}`)];
  }), ...(shape.examples.held_out ? [make("span", {text: "hollow: held out"})] : []));
}

/** Strokes of the brush join the points that are there, and the network goes on with all of them. */
function paint(stroke) {
  if (!stroke.length) return;
  const {points} = plane, added = stroke.map(([x, y]) => ({x, y, label: plane.brush}));
  const all = [...points, ...added];
  plane.points = all;
  const data = {name: "points", X: all.map(({x, y}) => [x, y]), y: all.map(({label}) => label)};
  const parameters = Math.max(...data.y) < shape.classes.length && frame ? Array.from(frame.parameters) : null;
  attempt(() => configure({...configuration, data, parameters}, true).then(done => lesson?.happened("painted") ?? done)).then(() => plane.choose(null));
}

// Running.

async function run(on) {
  network.settle();
  const reply = await attempt(() => ask({do: on ? "run" : "pause"}));
  if (!reply) return;
  showMoment({...moment, step: reply.step, running: reply.is === "running"});
  lesson?.happened(on ? "run" : "paused");
  moved();
}

async function step(by) {
  network.settle();
  const reply = await attempt(() => ask({do: "step", by, count: 1}));
  if (!reply) return;
  showMoment(reply);
  if (reply.example) showExample(reply);
  moved();
  lesson?.happened(by === "example" ? "one-example" : by);
}

/** One example passes through the network: forward, then backward. */
function showExample({example, left, pixels}) {
  const {index} = example.example;
  inspector.example = example.example;
  plane.choose(index);
  if (inspector.target) inspector.refresh();
  const words = left ? `; ${left} more in this mini-batch, then the update` : "; it was the mini-batch's last: the update is made";
  const told = what => { at("flow-words").textContent = what || `example ${index}: cost ${number(example.cost)}${words}`; };
  network.animate({inputs: example.x, layers: example.layers.map(layer => ({activations: layer.a, deltas: layer.delta})), cost: example.cost}, told);
  if (!pixels) return;
  pad.show(pixels, example);
  drawActivations(example.layers, pixels);
}

async function back() {
  network.settle();
  const reply = await attempt(() => ask({do: "back"}));
  if (!reply) return;
  configuration = reply.configuration;
  settings.show(configuration);
  columns();
  showMoment(reply);
  moved();
  lesson?.happened("back");
}

function restart() {
  return attempt(() => configure({...configuration, parameters: null}));
}

function newRun(old) {
  const last = curves.runs.find(each => each.current);
  if (last) {
    last.current = false;
    if (last.steps.length < 3) curves.runs.splice(curves.runs.indexOf(last), 1);
    else last.name = described(old);
  }
  const comparable = curves.runs.filter(each => each.about === about(configuration));
  const kept = comparable.slice(-KEPT_RUNS), used = new Set(kept.map(each => each.color));
  for (const each of kept) each.color ??= [4, 2, 3, 5, 6, 7, 0].find(color => !used.has(color));
  curves.runs = [...kept, Object.assign(new Run("this run"), {about: about(configuration)})];
  listRuns();
}

/** What two runs must have in common for their costs to be comparable. */
const about = ({data, cost}) => `${data.name} ${cost}`;

const described = ({data, layers, activations, optimizer, rate}) => `${data.name} ${layers.join("-")} ${[...new Set(activations)].join(" ")} ${optimizer.name} ${number(rate)}`;

function listRuns() {
  const earlier = curves.runs.filter(each => !each.current);
  at("runs").replaceChildren(...(earlier.length ? curves.runs : []).map(each => {
    const line = make("span", {class: "line", "aria-hidden": "true"});
    line.style.borderTopColor = curves.color(each);
    return make("li", {}, line, make("span", {class: "name", text: each.name, title: each.name}), each.current ? null : make("button", {type: "button", text: "×", "aria-label": `forget ${each.name}`, onclick: () => { curves.runs.splice(curves.runs.indexOf(each), 1); listRuns(); curves.draw(); }}));
  }));
  curves.draw();
}

// Frames. One at a time is asked for and drawn; none is asked for while nothing moves.

/** Something has changed: a frame is wanted even if nothing runs. */
function moved() {
  wanted = true;
  pump();
}

function speed() {
  const [count, pause] = at("speed").value.split("/").map(Number);
  return {steps: count, pause: pause || 0};
}

/** Ask for a frame whenever the browser draws one, and draw it. A browser draws none of a page in the background, which therefore asks for none. */
async function pump() {
  if (asked || !shape) return;
  asked = true;
  while (wanted || moment.running) {
    await new Promise(requestAnimationFrame);
    const {steps, pause} = speed(), now = performance.now(), areDue = moment.running && now >= due;
    if (!wanted && !areDue) continue;
    if (areDue) due = now + pause;
    wanted = false;
    await showFrame(areDue ? steps : 0);
  }
  asked = false;
}

/** Show the frame after some steps; where it is refused, pause, as the next one would be refused too. */
async function showFrame(steps) {
  const mine = generation, side = shape.plane ? 1 : 0;
  try {
    const reply = await ask({do: "frame", steps, boundary: side * BOUNDARY, maps: side * MAP, parameters: true, gradient: true});
    if (mine !== generation) return;
    showMoment(reply);
    draw(reply);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (moment.running) await ask({do: "pause"});
    showMoment({...moment, running: false});
    say(error.message);
  }
}

/** Is it time again for what is done so often, in milliseconds, while it runs? */
function isDue(what, every) {
  const now = performance.now();
  if (moment.running && now - (done[what] ?? 0) < every) return false;
  done[what] = now;
  return true;
}

function draw(reply) {
  frame = unfold(reply, shape.layers, {inputMaps, picture: configuration.data.name === "digits", before: frame?.maps});
  network.draw(frame, isDue("lines", LINES_EVERY));
  if (reply.boundary) plane.draw(reply.boundary, reply.shapes.boundary[1]);
  if (isDue("inspector", INSPECT_EVERY)) {
    inspector.refresh();
    if (shape.plane === null) pad.refresh();
  }
  const now = performance.now();
  frames = [...frames.filter(each => now - each < 1000), now];
  at("rate-words").textContent = moment.running ? `${frames.length} ${frames.length === 1 ? "frame" : "frames"} a second` : "";
}

/** Of digits, each neuron behind the first layer shows its activation for the digit at hand, and the first column the digit itself. */
function drawActivations(layers, pixels) {
  if (!frame) return;
  frame.maps[0] = [{values: pixels, width: 28, height: 28, limit: 1}];
  layers.forEach(({a}, depth) => {
    if (depth > 0) frame.maps[depth + 1] = a.map(value => ({values: [value], width: 1, height: 1, limit: largest(a)}));
  });
  network.draw(frame);
}

function showMoment(reply) {
  const {running} = reply, wasRunning = moment.running;
  moment = Object.fromEntries(["step", "epoch", "running", "cost", "held_out_cost", "penalty", "accuracy", "held_out_accuracy", "rate", "gradient_norm", "can_go_back"].map(key => [key, reply[key] ?? null]));
  at("epoch").textContent = moment.epoch === null ? "0" : number(Math.floor(moment.epoch), 9);
  at("step-number").textContent = number(moment.step, 9);
  at("cost").replaceChildren(figure(moment.cost, 4));
  at("held-out-cost").replaceChildren(figure(moment.held_out_cost, 4));
  at("accuracy").textContent = percent(moment.accuracy);
  at("held-out-accuracy").textContent = percent(moment.held_out_accuracy);
  at("play").setAttribute("aria-pressed", String(Boolean(running)));
  at("play").setAttribute("aria-label", running ? "pause" : "run");
  at("back").disabled = !moment.can_go_back || Boolean(host.saved);
  if (running && !wasRunning) at("flow-words").textContent = "";
  if (moment.cost !== null) {
    curves.runs.find(each => each.current)?.add(moment);
    if (isDue("curves", LINES_EVERY)) curves.draw();
  }
  if (reply.stopped) stopped(reply.stopped);
  if (moment.accuracy > 0.95) lesson?.happened("learned");
}

function stopped({problem, neuron, example}) {
  say(problem);
  if (typeof example === "number") lookAt({of: "training", index: example});
  if (neuron) choose({layer: neuron[0], neuron: neuron[1]});
}

// Buttons and keys.

async function saveAs(what) {
  const reply = await attempt(() => ask({do: "save", what}));
  if (reply) download(reply.name, reply.type, reply.content);
}

async function showSource() {
  const reply = await attempt(() => ask({do: "source"}));
  if (!reply) return;
  at("source-text").textContent = reply.text;
  at("source").showModal();
}

/** Download this page with the state of this moment in it: one file, for which nothing else is needed. */
async function savePage() {
  if (moment.running) await run(false);
  const dialog = at("saving"), runs = curves.runs.map(each => ({...each})), {target, example} = inspector;
  const view = {runs, target, shows: network.shows, curves: {what: curves.what, log: curves.log}};
  at("saving-share").value = 0;
  dialog.showModal();
  const told = share => {
    at("saving-share").value = share;
    return dialog.open;
  };
  const hear = message => connection.hear(message), configured = {...shape, configuration};
  const content = await attempt(() => record({hear, hello, configured, example, view, told})).finally(() => dialog.close());
  if (content) download(`nudge-${configuration.data.name}.html`, "text/html", content);
}

/** A saved state is there to be looked at: what would change it is switched off, and what was on show when it was saved is on show. */
function showSaved({runs, target, shows, curves: {what, log}}) {
  document.documentElement.dataset.saved = "true";
  for (const id of ["restart", "play", "by-example", "by-step", "by-epoch", "speed", "save-weights", "save-script", "save-page"]) Object.assign(at(id), {disabled: true, title: SAVED});
  for (const part of [at("columns"), at("pad-box"), ...document.querySelectorAll("#form details:not(:last-child)")]) part.inert = true;
  at("lesson-open").hidden = true;
  document.querySelector(`[name=shows][value=${shows}]`).checked = true;
  network.show(shows);
  document.querySelector(`[name=curves][value=${what}]`).checked = true;
  at("log").checked = log;
  curves.runs = runs.map(each => Object.assign(new Run(each.name), each));
  curves.show({what, log});
  listRuns();
  if (target) choose(target);
  say("");
}

const actions = {
  " ": () => run(!moment.running), ArrowRight: () => step("step"), ArrowLeft: () => !at("back").disabled && back(),
  e: () => step("example"), n: () => step("epoch"), r: restart,
};

function listen() {
  at("play").addEventListener("click", actions[" "]);
  at("by-example").addEventListener("click", actions.e);
  at("by-step").addEventListener("click", actions.ArrowRight);
  at("by-epoch").addEventListener("click", actions.n);
  at("back").addEventListener("click", back);
  at("restart").addEventListener("click", restart);
  at("fewer-layers").addEventListener("click", () => change({layers: configuration.layers.slice(0, -1), activations: configuration.activations.slice(0, -1)}));
  at("more-layers").addEventListener("click", () => change({layers: [...configuration.layers, configuration.layers.at(-1) ?? 4], activations: [...configuration.activations, configuration.activations.at(-1) ?? "tanh(x)"]}));
  for (const input of document.querySelectorAll("[name=shows]")) input.addEventListener("change", () => { network.show(input.value); lesson?.happened(input.value); });
  for (const input of document.querySelectorAll("[name=curves]")) input.addEventListener("change", () => curves.show({what: input.value, log: input.value === "cost" && at("log").checked}));
  at("log").addEventListener("change", () => curves.show({log: at("log").checked}));
  at("copy-link").addEventListener("click", event => copy(location.href, event.currentTarget));
  at("show-source").addEventListener("click", showSource);
  at("copy-source").addEventListener("click", event => copy(at("source-text").textContent, event.currentTarget));
  at("close-source").addEventListener("click", () => at("source").close());
  at("save-weights").addEventListener("click", () => saveAs("weights"));
  at("save-script").addEventListener("click", () => saveAs("script"));
  at("save-picture").addEventListener("click", () => savePicture(network, shape.plane && at("plane")));
  at("save-page").addEventListener("click", savePage);
  at("stop-saving").addEventListener("click", () => at("saving").close());
  at("copy-link").hidden = !host.hasAddress;
  if (!host.saved) document.addEventListener("keydown", event => {
    const {target, key} = event;
    if (event.altKey || event.ctrlKey || event.metaKey || !(key in actions)) return;
    if (/^(INPUT|SELECT|TEXTAREA|DIALOG|SUMMARY)$/.test(target.tagName) || target.closest("dialog") || key === " " && target.tagName === "BUTTON") return;
    event.preventDefault();
    actions[key]();
  });
  addEventListener("resize", () => inspector.refresh());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const part of [network, plane, curves, settings, editor, inspector, pad]) part.recolor();
    legend(shape.classes);
  });
  if (matchMedia("(max-width: 760px)").matches) for (const details of document.querySelectorAll("#settings details:not(:first-child)")) details.open = false;
}

async function begin() {
  say(host.loading);
  await connection.opened;
  say("");
  hello = await ask({do: "hello"});
  settings = new Settings(hello, {change, brush: label => {
    plane.brush = label;
    at("plane").classList.toggle("painting", label !== null);
  }});
  editor = new ActivationEditor(hello.activations, {ask, use: useFormula});
  const wished = host.settings();
  if (!wished) say("The settings in this address are damaged, so these are the usual ones.");
  await configure({...hello.defaults, ...wished}).catch(error => {
    if (!(error instanceof Refusal)) throw error;
    say(`The settings ${host.hasAddress ? "in this address" : "given"} do not work: ${error.message}`);
    return configure(hello.defaults);
  });
  listen();
  if (host.saved) showSaved(host.saved.view);
  else lesson = new Lesson({configure, isShared: !host.greets, say});
  document.documentElement.dataset.ready = "true";
}

/** Put a formula to work in a layer, or with null in all hidden ones; throws a Refusal, with the old network going on. */
async function useFormula(layer, text) {
  const {activations, layers} = configuration;
  await set(layer === layers.length ? {output_activation: text} : {activations: layer === null ? layers.map(() => text) : activations.map((each, index) => index === layer ? text : each)});
  say("");
  lesson?.happened("formula");
}

begin().catch(error => say(error.message));
