/** The current run and earlier ones, whose curves stay for comparison. */

import {app} from "./app.js";
import {Run} from "./curves.js";
import {at, make, number} from "./dom.js";

const KEPT = 5;
let before = [];  // the lists of runs of earlier networks, to go back to

/** Start a new run; keep the curves of the last one, which had the configuration `old`, if their costs can be compared. */
export function newRun(old) {
  const {curves, configuration} = app, last = curves.runs.find(each => each.current);
  if (last) {
    before = [...before, curves.runs].slice(-app.hello.limits.networks);
    Object.assign(last, {current: false, settings: old});
    if (last.steps.length < 3) curves.runs = curves.runs.filter(each => each !== last);
  }
  const kept = curves.runs.filter(each => each.about === about(configuration)).slice(-KEPT), used = new Set(kept.map(each => each.color));
  for (const each of kept) each.color ??= [4, 2, 3, 5, 6, 7].find(color => !used.has(color));
  curves.runs = [...kept, Object.assign(new Run(), {about: about(configuration)})];
  listRuns();
}

/** Continue with the run before the last `newRun`. */
export function previousRun() {
  app.curves.runs = before.pop() ?? [new Run()];
  for (const each of app.curves.runs) each.current = each === app.curves.runs.at(-1);
  listRuns();
}

/** What two runs must have in common for their costs to be comparable. */
const about = ({data, cost}) => `${data.name} ${cost}`;

/** The name of a run: for an earlier one, what it had that is different now. */
export const nameOf = run => run.current ? "this run" : difference(run.settings, app.configuration);

function difference(old, now) {
  const [before, after] = [described(old), described(now)];
  return Object.keys(before).filter(key => before[key] !== after[key]).map(key => `${key.replaceAll("_", " ")} ${before[key]}`).join(", ") || "the same settings, before the reset";
}

/** The settings that are short, as words. */
function described({data, optimizer, schedule, layers, parameters, ...others}) {
  const named = (what, {name, ...settings}) => ({[what]: name, ...settings});
  const all = {...others, layers: layers.join("-") || "none", ...named("data", data), ...named("optimizer", optimizer), ...named("schedule", schedule)};
  const words = value => Array.isArray(value) ? [...new Set(value)].join(", ") : typeof value === "number" ? number(value) : String(value ?? "none");
  return Object.fromEntries(Object.entries(all).map(([key, value]) => [key, words(value)]).filter(([, value]) => value.length < 60));
}

export function listRuns() {
  const {curves} = app, hasEarlier = curves.runs.some(each => !each.current);
  at("runs").replaceChildren(...(hasEarlier ? curves.runs : []).map(each => {
    const name = nameOf(each), line = make("span", {class: "line", "aria-hidden": "true"});
    line.style.borderTopColor = curves.color(each);
    const remove = () => {
      curves.runs.splice(curves.runs.indexOf(each), 1);
      listRuns();
    };
    return make("li", {}, line, make("span", {class: "name", text: name, title: name}), each.current ? null : make("button", {type: "button", text: "×", "aria-label": `Remove ${name}`, onclick: remove}));
  }));
  curves.draw();
}
