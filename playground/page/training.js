/** Training: run, pause, step, and the frames. One frame at a time is requested and drawn, and none while nothing changes. */

import {app, ask, attempt, happened, isDue, say, whenLost} from "./app.js";
import {Refusal} from "./connection.js";
import {at, figure, number, percent} from "./dom.js";
import {unfold} from "./frames.js";
import {host} from "./host.js";
import {largest} from "./paint.js";
import {choose, lookAt} from "./selection.js";

const BOUNDARY = 100, SLOW = 400, FAST = 150;  // cells across the plane; milliseconds for a frame, beyond and below which its pictures get coarser and finer
const INSPECT_EVERY = 250, PAD_EVERY = 500, LINES_EVERY = 80;  // milliseconds between updates of what changes little, or takes long to draw, while the network trains

let generation = 0;  // of the network: a frame that was requested for an earlier network is not shown
let wanted = false, isPumping = false, due = 0;  // a frame is wanted; frames are being requested; when the next steps are due, in milliseconds
let detail = 1;  // of the pictures, from 0.25 to 1: coarse while frames take long, and at first on a slow connection
let drawn = [];  // when frames were drawn in the last second

whenLost(() => showMoment({...app.moment, running: false}));

/** Do not show frames that were requested before now. */
export function startGeneration() {
  generation++;
}

export async function run(on) {
  app.network.settle();
  const reply = await attempt(() => ask({do: on ? "run" : "pause"}));
  if (!reply) return;
  showMoment({...app.moment, step: reply.step, running: reply.is === "running"});
  happened(on ? "run" : "paused");
  moved();
}

export async function step(by) {
  app.network.settle();
  const reply = await attempt(() => ask({do: "step", by, count: 1}));
  if (!reply) return;
  showMoment(reply);
  app.inspector.forget();
  if (reply.example) showExample(reply);
  moved();
  happened(by === "example" ? "one-example" : by);
}

/** Animate one example through the network: forward, then backward. */
function showExample({example, left, pixels}) {
  const {index} = example.example, {network, inspector, plane, pad} = app;
  inspector.example = example.example;
  plane.choose(index);
  if (inspector.target) inspector.refresh();
  const rest = left ? `${left} more in this mini-batch before the update` : "the last one of the mini-batch: the parameters are updated";
  const tell = words => { at("flow-words").textContent = words || `example ${index}: cost ${number(example.cost)}; ${rest}`; };
  network.animate({inputs: example.x, layers: example.layers.map(layer => ({activations: layer.a, deltas: layer.delta})), cost: example.cost}, tell);
  if (!pixels) return;
  pad.show(pixels, example);
  drawActivations(example.layers, pixels);
}

/** Something has changed: request a frame even if the network is paused. */
export function moved() {
  wanted = true;
  pump();
}

/**
 * Request frames and draw one whenever the browser does. The next frame is requested before the last one is drawn, so that the session computes meanwhile.
 * A browser draws nothing of a page in the background, so such a page requests nothing.
 */
async function pump() {
  if (isPumping || !app.shape) return;
  isPumping = true;
  let asked = null;  // the next frame
  try {
    while (asked || wanted || app.moment.running) {
      const found = await asked;
      await new Promise(requestAnimationFrame);
      asked = nextFrame();
      if (found?.mine === generation) draw(found.reply);
    }
  } finally {
    isPumping = false;
  }
}

/** Request the next frame; null if it is not due. */
function nextFrame() {
  const [steps, pause = 0] = at("speed").value.split("/").map(Number), now = performance.now(), areDue = app.moment.running && now >= due;
  if (!wanted && !areDue) return null;
  if (areDue) due = now + pause;
  wanted = false;
  return askFrame(areDue ? steps : 0);
}

/** The frame after some steps, whose numbers are shown at once. If it is refused, pause, because the next one would be refused too. */
async function askFrame(steps) {
  const mine = generation, {plane} = app.shape, begun = performance.now();
  const pictures = plane ? {boundary: Math.round(detail * BOUNDARY), maps: Math.max(8, Math.round(detail * app.network.cells))} : {};
  try {
    const reply = await ask({do: "frame", steps, ...pictures, parameters: true, gradient: true});
    if (mine !== generation) return null;
    adapt(performance.now() - begun);
    showMoment(reply);
    return {mine, reply};
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (app.moment.running) await ask({do: "pause"});
    showMoment({...app.moment, running: false});
    say(error.message);
    return null;
  }
}

/** Let the first pictures be coarse if the page and the first reply, a small one, took several seconds to arrive. */
export function startCoarse(took) {
  if (took > 3000) detail = 0.25;
}

/** Let the pictures of the next frame be coarser or finer. While the network is paused they become finer step by step. */
function adapt(took) {
  if (app.moment.running && took > SLOW) detail = Math.max(0.25, detail / 2);
  else if (detail < 1 && (!app.moment.running || took < FAST)) {
    detail = Math.min(1, 2 * detail);
    wanted = true;
  }
}

function draw(reply) {
  if (app.moment.running) app.inspector.forget();
  const {network, plane, inspector, pad, shape, configuration} = app;
  app.frame = unfold(reply, shape.layers, {picture: configuration.data.name === "digits", before: app.frame?.maps});
  network.draw(app.frame, isDue("lines", LINES_EVERY));
  if (reply.boundary) plane.draw(reply.boundary, reply.shapes.boundary[1]);
  if (isDue("inspector", INSPECT_EVERY)) {
    inspector.refresh();
    app.answers.refresh();
    network.relight();
  }
  if (shape.plane === null && isDue("pad", PAD_EVERY)) pad.refresh();
  const now = performance.now();
  drawn = [...drawn.filter(each => now - each < 1000), now];
  at("rate-words").textContent = app.moment.running ? `${drawn.length} ${drawn.length === 1 ? "frame" : "frames"} per second` : "";
}

/** For a digit, each neuron after the first layer shows its activation, and the first column shows the digit. */
export function drawActivations(layers, pixels) {
  const {frame} = app;
  if (!frame) return;
  frame.maps[0] = [{values: pixels, width: 28, height: 28, limit: 1}];
  layers.forEach(({a}, depth) => {
    if (depth > 0) frame.maps[depth + 1] = a.map(value => ({values: [value], width: 1, height: 1, limit: largest(a)}));
  });
  app.network.draw(frame);
  app.network.glow(layers.map(({a}) => a));
}

const MOMENT = ["step", "epoch", "running", "cost", "held_out_cost", "penalty", "accuracy", "held_out_accuracy", "rate", "gradient_norm", "can_go_back"];

/** Show the numbers at the top of the page, and add them to the curves. */
export function showMoment(reply) {
  const {running} = reply, wasRunning = app.moment.running, moment = app.moment = Object.fromEntries(MOMENT.map(key => [key, reply[key] ?? null]));
  at("step-number").textContent = number(moment.step, 9);
  const isMeasured = moment.cost !== null || !running;  // large data are not measured for each frame
  if (isMeasured && isDue("readings", LINES_EVERY)) showReadings(moment);
  at("play").setAttribute("aria-pressed", String(Boolean(running)));
  at("play").setAttribute("aria-label", running ? "Pause" : "Run");
  at("back").disabled = !moment.can_go_back || Boolean(host.saved);
  if (running && !wasRunning) at("flow-words").textContent = "";
  if (moment.cost !== null) {
    app.curves.runs.find(each => each.current)?.add(moment);
    if (isDue("curves", LINES_EVERY)) app.curves.draw();
  }
  if (reply.stopped) showStopped(reply.stopped);
  if (moment.accuracy > 0.95) happened("learned");
}

function showReadings(moment) {
  at("epoch").textContent = moment.epoch === null ? "0" : number(Math.floor(moment.epoch), 9);
  at("cost").replaceChildren(figure(moment.cost, 4));
  at("held-out-cost").replaceChildren(figure(moment.held_out_cost, 4));
  at("accuracy").textContent = percent(moment.accuracy);
  at("held-out-accuracy").textContent = percent(moment.held_out_accuracy);
  at("gap").textContent = gapWords(moment.accuracy, moment.held_out_accuracy, app.shape?.examples.held_out);
  at("moment-words").textContent = [["learning rate", moment.rate], ["gradient norm", moment.gradient_norm], ["penalty", moment.penalty || null]].filter(([, value]) => value !== null).map(([name, value]) => `${name} ${number(value, 3)}`).join(", ");
}

/** Why fewer of the test examples are right, if the difference is larger than twice what chance explains. */
function gapWords(accuracy, heldOut, count) {
  if (!(accuracy - heldOut > 2 * Math.sqrt(heldOut * (1 - heldOut) / count))) return "";
  return `${percent(accuracy)} of the training examples are right, but only ${percent(heldOut)} of the test examples, which are new to the network. It knows some training examples by heart. With more examples the difference gets smaller, with fewer it gets larger.`;
}

function showStopped({problem, neuron, example}) {
  say(problem);
  if (typeof example === "number") lookAt({of: "training", index: example});
  if (neuron) choose({layer: neuron[0], neuron: neuron[1]});
}
