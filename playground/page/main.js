/** The playground's page: it makes the views, connects buttons and keys, and asks the session for the first network. */

import {ActivationEditor} from "./activation.js";
import {Answers} from "./answers.js";
import {app, ask, attempt, connection, happened, say, whenAgain} from "./app.js";
import {Refusal} from "./connection.js";
import {CurvesView} from "./curves.js";
import {at, inTurn} from "./dom.js";
import {back, change, configure, legend, makeNetwork, paint, reset, useFormula} from "./configuration.js";
import {listenForExports, showSaved} from "./export.js";
import {host} from "./host.js";
import {Inspector} from "./inspector.js";
import {Lesson} from "./lesson.js";
import {NetworkView} from "./network.js";
import {Pad} from "./pad.js";
import {PlaneView} from "./plane.js";
import {nameOf} from "./runs.js";
import {choose, pickExample, pickPoint} from "./selection.js";
import {Settings} from "./settings.js";
import {drawActivations, moved, run, showMoment, startCoarse, step} from "./training.js";

app.network = new NetworkView(at("stage"), {pick: choose, explain, resized: moved});
app.plane = new PlaneView(at("plane"), {pick: pickPoint, paint});
app.curves = new CurvesView(at("curves"), {name: nameOf, read: words => { at("curve-words").textContent = words; }, scrub: inTurn(back)});
app.inspector = new Inspector({ask, choose, example: pickExample, weight: setWeight, nudge});
app.pad = new Pad({ask, told: showDrawn});
app.answers = new Answers({ask, look: pickExample});

async function setWeight({layer, neuron, input}, value) {
  const reply = await attempt(() => ask({do: "weight", layer, neuron, input, value}));
  if (!reply) return;
  showMoment(reply);
  moved();
  happened("turned");
}

async function nudge({layer, neuron, input}, by) {
  const reply = await attempt(() => ask({do: "nudge", layer, neuron, input, by, example: app.inspector.example ?? undefined}));
  if (!reply) return null;
  showMoment(reply);
  moved();
  happened("nudged");
  return reply.nudge;
}

/** The session's reply about a weight, or null if it has none. */
function explain({layer, neuron, input}) {
  return ask({do: "inspect", what: "weight", layer, neuron, input, example: app.inspector.example ?? undefined}).catch(error => {
    if (error instanceof Refusal) return null;
    throw error;
  });
}

/** Inspect the first neuron, or its first weight, unless one is inspected already. */
function lookInside(what) {
  const {target} = app.inspector, there = {layer: 0, neuron: 0, ...(what === "weight" ? {input: 0} : {})};
  if (target && (what !== "weight" || "input" in target)) return undefined;
  app.network.choose(there);
  return app.inspector.show(there);
}

/** Show the activations for a drawn digit; if it `isNew`, in the inspector too. */
function showDrawn(reply, isNew) {
  if (!reply.pixels) return;
  if (!isNew) return void drawActivations(reply.layers, reply.pixels);
  const {inspector, network} = app;
  inspector.example = {of: "drawn"};
  network.settle();
  drawActivations(reply.layers, reply.pixels);
  if (!inspector.target || inspector.target.what) inspector.show({what: "example"});
  else inspector.refresh();
  happened("drawn");
}

const actions = {
  " ": () => run(!app.moment.running), ArrowRight: () => step("step"), ArrowLeft: () => !at("back").disabled && back(),
  e: () => step("example"), n: () => step("epoch"), r: reset,
};

function listen() {
  at("play").addEventListener("click", actions[" "]);
  at("by-example").addEventListener("click", actions.e);
  at("by-step").addEventListener("click", actions.ArrowRight);
  at("by-epoch").addEventListener("click", actions.n);
  at("back").addEventListener("click", () => back());
  at("restart").addEventListener("click", reset);
  at("fewer-layers").addEventListener("click", () => {
    const {layers, activations} = app.configuration;
    change({layers: layers.slice(0, -1), activations: activations.slice(0, -1)});
  });
  at("more-layers").addEventListener("click", () => {
    const {layers, activations} = app.configuration;
    change({layers: [...layers, layers.at(-1) ?? 4], activations: [...activations, activations.at(-1) ?? "tanh(x)"]});
  });
  for (const input of document.querySelectorAll("[name=shows]")) {
    input.addEventListener("change", () => {
      app.network.show(input.value);
      happened(input.value);
    });
  }
  for (const input of document.querySelectorAll("[name=curves]")) input.addEventListener("change", () => app.curves.show({what: input.value, log: input.value === "cost" && at("log").checked}));
  at("discrete").addEventListener("change", ({target}) => app.plane.discretize(target.checked));
  at("log").addEventListener("change", () => app.curves.show({log: at("log").checked}));
  listenForExports();
  at("copy-link").hidden = !host.hasAddress;
  if (!host.saved) document.addEventListener("keydown", press);
  document.addEventListener("click", release);
  addEventListener("resize", () => app.inspector.refresh());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const part of ["network", "plane", "curves", "settings", "editor", "inspector", "pad", "answers"]) app[part].recolor();
    legend();
  });
  if (matchMedia("(max-width: 760px)").matches) for (const details of document.querySelectorAll("#settings details:not(:first-child)")) details.open = false;
}

/** After a click the keys belong to the page, not to the button, tile or box that was clicked. With the keyboard the focus stays. */
function release({detail}) {
  const {activeElement} = document;
  if (detail && !activeElement.closest("dialog") && activeElement.matches("button, [type=radio], [type=checkbox]")) activeElement.blur();
}

/** A key outside of the fields. */
function press(event) {
  const {target, key} = event;
  if (event.altKey || event.ctrlKey || event.metaKey || !(key in actions)) return;
  if (/^(INPUT|SELECT|TEXTAREA|DIALOG|SUMMARY)$/.test(target.tagName) || target.closest("dialog") || key === " " && target.tagName === "BUTTON") return;
  event.preventDefault();
  actions[key]();
}

/** A new session, after one that has ended: give it the settings and the parameters that the page shows. */
async function connectAgain() {
  if (!app.configuration) return location.reload();
  const {configuration, frame} = app, {step} = app.moment;
  await attempt(() => makeNetwork({...configuration, parameters: frame ? Array.from(frame.parameters) : null}));
  return say(`Connected again. The network has the parameters of step ${step}; steps count from 0.`);
}

async function begin() {
  whenAgain(connectAgain);
  say(host.loading);
  await connection.opened;
  say("");
  app.hello = await ask({do: "hello"});
  startCoarse(performance.now());
  connection.most = app.hello.limits.message;
  app.settings = new Settings(app.hello, {change, brush: label => {
    app.plane.brush = label;
    at("plane").classList.toggle("painting", label !== null);
  }});
  app.editor = new ActivationEditor(app.hello.activations, {ask, use: useFormula});
  const wished = host.settings();
  if (!wished) say("The settings in this address are damaged. The page uses the defaults.");
  await makeNetwork(wished ?? {}).catch(error => {
    if (!(error instanceof Refusal)) throw error;
    say(`The settings ${host.hasAddress ? "in this address" : "given"} do not work: ${error.message}`);
    return makeNetwork(app.hello.defaults);
  });
  listen();
  if (host.saved) showSaved(host.saved.view);
  else app.lesson = new Lesson({configure, inspect: lookInside, isShared: !host.greets, say});
  document.documentElement.dataset.ready = "true";
}

begin().catch(error => say(error.message));
