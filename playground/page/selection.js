/** What is selected: a neuron or a weight, and an example. */

import {app, happened, say} from "./app.js";
import {host} from "./host.js";
import {isSame} from "./saved.js";

/** Inspect a neuron, a weight or an example; null for nothing. */
export function choose(target) {
  if (target?.layer < 0) target = {what: "example"};
  if (target) app.inspector.show(target);  // the session answers while the network is drawn
  app.network.choose(target && "layer" in target ? target : null);
  if (!target) return;
  happened(target.what === "example" ? "example" : target.input === undefined ? "neuron" : "weight");
}

/** Inspect an example, {of, index}, and mark it in the plane. */
export function lookAt(which) {
  if (host.saved && !isSame(which, host.saved.example)) return void say("This saved page contains the numbers of one example only, and this is another one.");
  app.inspector.example = which;
  if (which.of !== "drawn") app.plane.choose(which.index + (which.of === "held_out" ? app.shape.examples.training : 0));
  if (app.inspector.target) app.inspector.refresh();
  else choose({what: "example"});
}

/** A point of the plane was clicked. The points are the training examples, then the test examples. */
export function pickPoint(index) {
  const {training} = app.shape.examples;
  pickExample(index < training ? {of: "training", index} : {of: "held_out", index: index - training});
}

/** An example, {of, index}, was clicked, in the plane or elsewhere. */
export function pickExample(which) {
  lookAt(which);
  happened("point");
}
