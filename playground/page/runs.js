/** The current run and earlier ones, whose curves stay for comparison. */

import {app} from "./app.js";
import {Run} from "./curves.js";
import {at, make, number} from "./dom.js";

const KEPT = 5;
const before = [];  // the lists of runs of earlier networks, to go back to

/** Start a new run; keep the curves of the last one, which had the configuration `old`, if their costs can be compared. */
export function newRun(old) {
  const {curves, configuration} = app, last = curves.runs.find(each => each.current);
  if (last) before.push(curves.runs);
  if (last) {
    last.current = false;
    if (last.steps.length < 3) curves.runs = curves.runs.filter(each => each !== last);
    else last.name = described(old);
  }
  const kept = curves.runs.filter(each => each.about === about(configuration)).slice(-KEPT), used = new Set(kept.map(each => each.color));
  for (const each of kept) each.color ??= [4, 2, 3, 5, 6, 7, 0].find(color => !used.has(color));
  curves.runs = [...kept, Object.assign(new Run("this run"), {about: about(configuration)})];
  listRuns();
}

/** Continue with the run before the last `newRun`. */
export function previousRun() {
  app.curves.runs = before.pop() ?? [new Run("this run")];
  for (const each of app.curves.runs) each.current = each === app.curves.runs.at(-1);
  listRuns();
}

/** What two runs must have in common for their costs to be comparable. */
const about = ({data, cost}) => `${data.name} ${cost}`;

const described = ({data, layers, activations, optimizer, rate}) => `${data.name} ${layers.join("-")} ${[...new Set(activations)].join(" ")} ${optimizer.name} ${number(rate)}`;

export function listRuns() {
  const {curves} = app, hasEarlier = curves.runs.some(each => !each.current);
  at("runs").replaceChildren(...(hasEarlier ? curves.runs : []).map(each => {
    const line = make("span", {class: "line", "aria-hidden": "true"});
    line.style.borderTopColor = curves.color(each);
    const remove = () => {
      curves.runs.splice(curves.runs.indexOf(each), 1);
      listRuns();
    };
    return make("li", {}, line, make("span", {class: "name", text: each.name, title: each.name}), each.current ? null : make("button", {type: "button", text: "×", "aria-label": `Remove ${each.name}`, onclick: remove}));
  }));
  curves.draw();
}
