/** The configuration: changes of data, network and settings, and what the page shows about them. */

import {app, ask, attempt, happened, say} from "./app.js";
import {showColumns} from "./columns.js";
import {at, classWords, make, pretty} from "./dom.js";
import {host} from "./host.js";
import {drawMarker, palette} from "./paint.js";
import {listRuns, newRun, previousRun} from "./runs.js";
import {moved, run, showMoment, startGeneration} from "./training.js";

/** Change some settings: live ones during training, all others with a new network. */
export async function change(part) {
  const {configuration, hello} = app, isLive = Object.keys(part).every(key => hello.live.includes(key));
  const next = {...configuration, parameters: null, ...part};
  const isNew = part.data && part.data.name !== configuration.data.name;
  if (isNew && !part.cost && (configuration.data.name === "waves" || part.data.name === "digits" && next.cost === "hinge")) Object.assign(next, {cost: "cross_entropy", output_activation: "x"});
  const done = await attempt(() => isLive ? set(part) : configure(next));
  if (!done) app.settings.show(app.configuration, app.shape);
  return done;
}

async function set(part) {
  const reply = await ask({do: "set", ...part});
  showConfiguration(reply.configuration);
  keep();
  moved();
  return reply;
}

/** Use a formula in a layer, or with null in all hidden layers. Throws a Refusal, and the network stays as it was. */
export async function useFormula(layer, text) {
  const {activations, layers} = app.configuration;
  await set(layer === layers.length ? {output_activation: text} : {activations: activations.map((each, index) => layer === null || index === layer ? text : each)});
  say("");
  happened("formula");
}

/** Undo the last change or step, also a new network; or with a step all that came after it. */
export async function back(to = null) {
  app.network.settle();
  app.inspector.forget();
  const reply = await attempt(() => ask({do: "back", to}));
  if (!reply) return;
  if (reply.configured) {
    startGeneration();
    app.configuration = reply.configuration;
    app.shape = reply.configured;
    previousRun();
    showNetwork();
    keep();
  } else showConfiguration(reply.configuration);
  showMoment(reply);
  moved();
  happened("back");
}

/** The same settings with new random parameters. */
export const reset = () => attempt(() => configure({...app.configuration, parameters: null}));

/** A new network and new data, with its settings in the address. Throws a Refusal, and the network stays as it was. */
export async function configure(next, keepRunning = false) {
  const reply = await makeNetwork(next, keepRunning);
  keep();
  return reply;
}

/** A new network and new data; the address stays as it is, with the weights of a shared link. Throws a Refusal, and the network stays as it was. */
export async function makeNetwork(next, keepRunning = false) {
  const wasRunning = app.moment.running, main = document.querySelector("main");
  startGeneration();
  showMoment({...app.moment, running: false});  // at once: the run button now means the new network
  main.setAttribute("aria-busy", "true");
  try {
    const reply = await ask({do: "configure", configuration: next}), old = app.configuration;
    app.configuration = reply.configuration;
    app.shape = reply;
    newRun(old);
    showNetwork();
    showMoment({step: 0, epoch: 0, running: false, can_go_back: Boolean(old)});
    await (wasRunning && keepRunning ? run(true) : moved());
    return reply;
  } catch (error) {
    showMoment({...app.moment, running: wasRunning});
    moved();
    throw error;
  } finally {
    main.removeAttribute("aria-busy");
  }
}

function showConfiguration(configuration) {
  app.configuration = configuration;
  app.settings.show(configuration, app.shape);
  columns();
  listRuns();
}

/** Show the new network and its data. */
function showNetwork() {
  const {configuration, network, plane, pad, inspector, shape} = app, {layers, inputs, classes, points, plane: area} = shape;
  const isDigits = configuration.data.name === "digits", {training, held_out: heldOut} = shape.examples;
  app.frame = null;
  app.settings.show(configuration, shape);
  columns();
  network.shape({sizes: layers, inputs: inputs.map(pretty), outputs: outputWords(classes), picture: isDigits});
  at("network-words").textContent = `${layers.join("-")}, ${shape.parameters.toLocaleString("en")} parameters`;
  at("plane-box").hidden = !area;
  at("pad-box").hidden = !isDigits;
  if (isDigits) pad.begin();
  if (area) {
    const list = (part, held) => part.x.map((x, index) => ({x, y: part.y[index], label: part.class[index], held}));
    plane.shape({points: [...list(points.training, false), ...list(points.held_out, true)], bounds: {left: area.x[0], right: area.x[1], bottom: area.y[0], top: area.y[1]}, classes, axes: area.axes.map(pretty)});
    legend();
  }
  at("counts").textContent = `${training} training examples${heldOut ? `, ${heldOut} test examples` : ""}`;
  app.answers.shape(shape);
  inspector.count = {training, held_out: heldOut};
  inspector.example = null;
  inspector.empty();
  network.choose(null);
  if (app.editor) at("activation").hidden = true;
}

/** What each output stands for. */
function outputWords(classes) {
  return !classes.length ? ["prediction"] : classes.length === 2 ? [`${classWords(classes[1])} if > 0`] : classes;
}

/** Let the address of the page have the current settings. */
function keep() {
  host.keep(app.configuration, app.hello.defaults);
}

function columns() {
  const {configuration, hello, shape} = app, hidden = configuration.layers;
  showColumns({sizes: shape.layers, activations: configuration.activations, output: configuration.output_activation, limits: {neurons: hello.limits.neurons}, fixed: configuration.data.name === "digits"}, {
    resize: (layer, count) => change({layers: hidden.map((each, index) => index === layer ? count : each)}),
    edit: (layer, opener) => app.editor.open(layer, layer < hidden.length ? configuration.activations[layer] : configuration.output_activation, layer === hidden.length, opener),
  });
  at("fewer-layers").disabled = hidden.length === 0 || Boolean(host.saved);
  at("more-layers").disabled = hidden.length >= hello.limits.layers || Boolean(host.saved);
}

export function legend() {
  const colors = palette();
  at("discrete").parentElement.hidden = !app.shape.classes.length;
  at("class-legend").replaceChildren(...app.shape.classes.map((name, label) => {
    const canvas = make("canvas", {width: 28, height: 28, "aria-hidden": "true"});
    drawMarker(canvas, label, colors);
    return make("span", {}, canvas, ` ${classWords(name)}`);
  }), ...(app.shape.classes.length ? [] : [make("span", {text: "blue = positive, orange = negative"})]), ...(app.shape.examples.held_out ? [make("span", {text: "hollow = test points"})] : []));
}

/** Add the points of a brush stroke to the data, and continue training with all of them. */
export function paint(stroke) {
  if (!stroke.length) return;
  const {plane, frame, shape} = app, all = [...plane.points, ...stroke.map(([x, y]) => ({x, y, label: plane.brush}))];
  plane.points = all;
  const data = {name: "points", X: all.map(({x, y}) => [x, y]), y: all.map(({label}) => label)};
  const parameters = Math.max(...data.y) < shape.classes.length && frame ? Array.from(frame.parameters) : null;
  attempt(async () => {
    await configure({...app.configuration, data, parameters}, true);
    happened("painted");
  }).then(() => plane.choose(null));
}
