/** The steps: step 0 is the whole graph, and a step after it shows what is known by then. */

import {data, shownOf} from "./parts.js";
import {shown, users} from "./picture.js";

export let steps = [], forward = 0, now = 0;  // the steps after step 0, how many of them go forward, and the current step

const compare = (a, b) => a[0] - b[0] || a[1] - b[1];

/** Go to a step, or to the nearest one that there is. */
export function goTo(step) {
  now = Math.max(0, Math.min(steps.length, step));
}

/** Make the steps of the parts that are shown. */
export function makeSteps() {
  const computed = shown.filter(part => part.turn).sort((a, b) => compare(a.turn, b.turn));
  const output = data.output && shownOf(data.output);
  const stepOf = phase => part => ({phase, part, ...part[phase]});
  steps = [given(), ...computed.map(stepOf("forward"))];
  forward = steps.length;
  if (output?.level === "node") {
    const rows = ["The derivative of the output by itself is 1."];
    steps.push({phase: "backward", part: output, starts: true, heading: "Backward, from the output", rows});
  }
  steps.push(...computed.reverse().map(stepOf("backward")));
}

/** The step in which all leaves are given. */
function given() {
  const leaves = shown.filter(part => !part.turn), count = leaves.length;
  const names = leaves.slice(0, 40).map(part => part.level === "node" ? part.forward.heading : part.name);
  const more = count > names.length ? [`and ${count - names.length} more`] : [];
  const words = "Known before anything is computed: inputs, weights, biases. What is computed from them follows, from the inputs on.";
  const heading = count === 1 ? "Given: one leaf" : `Given: ${count || "no"} leaves`;
  return {phase: "forward", leaves, heading, rows: count ? [words, [...names, ...more].join("\n")] : ["What is given is inside the parts that follow."]};
}

/** The turn of the first step inside a part. */
export function firstTurn(part, phase) {
  const turns = part.parts.flatMap(each => each.turn ? [each.turn] : []).sort(compare);
  return phase === "forward" ? turns[0] : turns.at(-1);
}

/** The step of a phase that is at a turn, or the first one after it. */
export function nearest(phase, turn) {
  const late = steps.map((step, index) => [step, index]).filter(([step]) => step.phase === phase && step.part?.turn && !step.starts);
  const sign = phase === "forward" ? 1 : -1, found = late.find(([step]) => sign * compare(step.part.turn, turn) >= 0);
  return (found ?? late.at(-1))[1] + 1;
}

/** Which parts are computed, and which gradients are complete or in progress, at the current step. */
export function standing() {
  const made = new Set(), passed = new Set(), running = new Map();
  for (const step of steps.slice(0, now)) {
    for (const part of step.leaves ?? []) made.add(part);
    if (step.phase === "forward" && step.part) made.add(step.part);
    if (step.phase === "backward" && !step.starts) passed.add(step.part);
    if (step.starts) running.set(step.part.id, {text: step.part.lines.at(-1).text, shade: step.part.shade});
    for (const [id, text, shade] of step.changes ?? []) running.set(id, {text, shade});
  }
  const havePassed = part => users.get(part.id).size > 0 && [...users.get(part.id)].every(each => passed.has(each));
  const isWhole = part => now === 0 || passed.has(part) || ((part.level === "node" || !part.turn) && havePassed(part));  // a group has leaves inside
  const gradient = part => isWhole(part) ? {shade: part.shade, isWhole: true} : running.get(part.id);
  return {isMade: part => now === 0 || made.has(part), gradient};
}
