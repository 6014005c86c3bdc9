/**
 * The page: a cut through the tree of parts as a picture, the steps through it, and words for each step.
 *
 * Nothing is computed here but places and counts: every number comes from the engine.
 */

import {make} from "./numbers.js";
import {canOpen, cut, data, isWithin, open, parts, setOpen} from "./parts.js";
import {mark, tellPaths} from "./paths.js";
import {boxes, edges, paint} from "./picture.js";
import {firstTurn, forward, goTo, makeSteps, nearest, now, standing, steps} from "./steps.js";
import {center, fit, frameMap, isLegible, magnify, paintMap, showAll} from "./view.js";
import {tell} from "./words.js";

const PACE = 1100, MOST_BOXES = 600, FEWEST_BOXES = 3;
const at = id => document.getElementById(id);
const acts = {pick: id => pick(picked === id ? null : id), openPart, closePart};
let playing = null, picked = null;

const current = () => steps[now - 1];

function pick(id) {
  picked = id;
  mark(id);
  tellPaths(id, current()?.part, acts);
}

// Opening and closing.

/** Draw the cut, and make its steps. */
function draw() {
  paint(acts);
  paintMap();
  makeSteps();
  at("scrubber").max = steps.length;
  fit(now === 0);
}

/** Open these parts and no others. The step stays, or goes to the first step inside the part `entered`. The box `focus` gets the focus. */
function change(opened, focus, entered = null) {
  const count = cut(opened).length, isTooMuch = count > MOST_BOXES;
  at("notice").textContent = isTooMuch ? `${count} boxes are too many to show at once: open fewer parts.` : "";
  if (isTooMuch) return markDetail();
  const step = current(), phase = step?.phase, isEntered = entered && entered === step?.part;
  const turn = isEntered ? firstTurn(entered, phase) : step?.part?.turn ?? null;
  setOpen(opened);
  markDetail();
  draw();
  show(!now ? 0 : turn === null ? 1 : nearest(phase, turn));  // the step that gives the leaves has no turn
  pick(null);
  const box = focus && boxes.get(focus);
  box?.group?.focus({preventScroll: true});
  if (box) center(box);
}

function openPart(part) {
  if (part.sealed) at("notice").textContent = "This part has too many nodes for the page: draw a part of the graph, with around=...";
  if (canOpen(part)) change(new Set([...open, part.id]), part.parts[0].id, part);
}

function closePart(part) {
  if (part) change(new Set([...open].filter(id => !isWithin(id, part))), part.id);
}

const DETAILS = [["layers", []], ["neurons", ["layer"]], ["nodes", ["layer", "neuron"]], ["every example", ["layer", "neuron", "batch"]]];

/** Offer the details that differ in this graph. */
function offerDetails() {
  const select = at("detail"), seen = new Set();
  for (const [name, levels] of DETAILS) {
    const ids = [...parts.values()].filter(part => canOpen(part) && levels.includes(part.level)).map(part => part.id), key = ids.join(" ");
    if (seen.has(key)) continue;
    seen.add(key);
    const option = make("option", {text: name, value: name});
    option.ids = ids;
    select.append(option);
  }
  markDetail();
  at("details").hidden = seen.size < 2;
  select.addEventListener("change", () => change(new Set(select.selectedOptions[0].ids), null));
}

/** Select the detail that is shown: none if some parts of a level are open and others are not. */
function markDetail() {
  const options = [...at("detail").options];
  at("detail").selectedIndex = options.findIndex(({ids}) => ids.length === open.size && ids.every(id => open.has(id)));
}

// Steps.

function show(step) {
  const before = now;
  goTo(step);
  if ((before === 0) !== (now === 0)) fit(now === 0);
  const there = current(), state = standing();
  for (const box of boxes.values()) showBox(box, there, state);
  for (const edge of edges) {
    const {part, of, kind} = boxes.get(edge.head);
    edge.line.classList.toggle("flow", Boolean(there?.part) && (part === there.part || (of === there.part && kind === "operation")));
  }
  at("where").textContent = now === 0 ? `the whole, then ${steps.length} steps`
    : there.phase === "forward" ? `forward ${now} of ${forward}` : `backward ${now - forward} of ${steps.length - forward}`;
  at("scrubber").value = now;
  at("scrubber").setAttribute("aria-valuetext", at("where").textContent);
  tell(there, acts);
  if (there?.part) center(boxes.get(there.part.id));
  frameMap();
}

/** Show what is known of a box at a step. */
function showBox(box, step, {isMade, gradient}) {
  const made = ["constant", "more"].includes(box.kind) || isMade(box.part ?? box.of), change = box.part && gradient(box.part);
  box.group.classList.toggle("unborn", !made);
  box.group.classList.toggle("now", Boolean(box.part && (step?.part === box.part || step?.leaves?.includes(box.part))));
  if (!box.part) return;
  box.group.classList.toggle("colored", Boolean(change));
  box.shape.style.fill = box.dot.style.fill = change ? data.shades[change.shade] : "";
  if (box.digits) box.digits.textContent = [made && `data ${box.part.data}`, change?.isWhole && `grad ${box.part.grad}`].filter(Boolean).join(", ");
  box.dot.setAttribute("class", `${made ? "" : "unborn"} ${step?.part === box.part ? "now" : ""}`);
  box.lines.forEach((line, index) => {
    const text = box.texts[index];
    text.textContent = line.shows === "backward" && change?.text ? change.text : line.text;
    text.style.visibility = line.shows === "forward" && !made || line.shows === "backward" && !change ? "hidden" : "";
  });
}

function play(on) {
  clearInterval(playing);
  if (on && now === steps.length) show(0);
  playing = on ? setInterval(() => now < steps.length ? show(now + 1) : play(false), PACE) : null;
  at("play").textContent = on ? "pause" : "play";
  at("play").setAttribute("aria-label", on ? "pause" : "play");
}

// Keys and buttons.

const keys = {ArrowRight: () => show(now + 1), ArrowLeft: () => show(now - 1), Home: () => show(0), End: () => show(steps.length), Escape: () => pick(null)};
document.addEventListener("keydown", event => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.tagName === "SELECT") return;
  if (event.key === " " && event.target.tagName !== "BUTTON") {
    event.preventDefault();
    play(!playing);
  }
  if (!(event.key in keys)) return;
  event.preventDefault();
  play(false);
  keys[event.key]();
});
for (const [id, key] of [["first", "Home"], ["back", "ArrowLeft"], ["next", "ArrowRight"], ["last", "End"]]) {
  at(id).addEventListener("click", () => { play(false); keys[key](); });
}
at("play").addEventListener("click", () => play(!playing));
at("scrubber").addEventListener("input", event => { play(false); show(Number(event.target.value)); });
at("closer").addEventListener("click", () => magnify(1.4));
at("farther").addEventListener("click", () => magnify(1 / 1.4));
at("all").addEventListener("click", showAll);
addEventListener("resize", () => fit(now === 0));

/** Draw the nodes, or if they are too small to read, the neurons or the layers, unless the drawing has a chosen detail. */
function drawLegibly() {
  draw();
  const groups = [...parts.values()].filter(canOpen);
  for (const levels of data.isChosen ? [] : [["layer"], []]) {
    const opened = new Set(groups.filter(part => levels.includes(part.level)).map(part => part.id));
    if (isLegible() || opened.size >= open.size || cut(opened).length < FEWEST_BOXES) continue;
    setOpen(opened);
    draw();
  }
}

drawLegibly();
offerDetails();
const swatch = shade => make("i", {style: `background: ${shade}`});
at("legend").append("gradient < 0 ", ...data.shades.slice(0, -1).map(swatch), ` > 0, full colour ±${data.steepest}`);
show(0);
pick(null);
