/**
 * The page: a cut through the tree of parts as a picture, the steps through it, and words for each step.
 *
 * Nothing is computed here but places and counts: every number comes from the engine.
 */

import {make, number, productsTable, termsTable} from "./numbers.js";
import {layout} from "./layout.js";

const data = JSON.parse(document.getElementById("data").textContent);
const at = id => document.getElementById(id);
const parsed = value => typeof value === "string" ? {inf: Infinity, "-inf": -Infinity, nan: NaN}[value] : value;
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
const PAD = 24, LINE = 16, PACE = 1100, LEGIBLE = 0.7, MOST_BOXES = 600, MAP = 180;

/** A new element of a drawing. */
function sketch(name, attributes, parent, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

// Parts. What is open shows its parts in its place.

const parts = new Map(data.parts.map(part => [part.id, Object.assign(part, {parts: []})]));
for (const part of parts.values()) if (part.parent) parts.get(part.parent).parts.push(part);
const roots = [...parts.values()].filter(part => !part.parent);
const canOpen = part => part.parts.length > 0;
let open = new Set([...parts.values()].filter(part => canOpen(part) && data.open.includes(part.level)).map(part => part.id));
let shown = [];  // the parts that are boxes now

/** The parts that are boxes when these are open: groups, then nodes in the order of the graph. */
function cut(opened) {
  const found = [], waiting = [...roots];
  for (const part of waiting) opened.has(part.id) ? waiting.push(...part.parts) : found.push(part);  // it grows while it is walked
  const isNode = part => part.level === "node", place = part => Number(part.id.slice(1));
  return [...found.filter(part => !isNode(part)), ...found.filter(isNode).sort((a, b) => place(a) - place(b))];
}

/** The box that a part is in: its own, that of the one around it that is shown, or none where it is open. */
function shownOf(id) {
  let outermost = null;
  for (let each = parts.get(id); each; each = parts.get(each.parent)) if (!open.has(each.id)) outermost = each;
  return outermost;
}

// The picture of a cut: drawn anew when something opens or closes; a step only changes classes, texts and fills.

let boxes = new Map(), edges = [], leaving = new Map();  // by id; and for each box the edges that leave it
let users = new Map();  // the parts that take what a part gives
let left = 0, above = 0, width = 1, height = 1, svg = null, miniature = null;

function sizeOf({kind, lines}) {
  const longest = Math.max(...lines.map(line => line.text.length));
  if (kind === "operation") return [Math.max(26, longest * 7 + 14), 26];
  if (kind === "constant" || kind === "more") return [longest * 6.5 + 8, 15 * lines.length + 4];
  return [Math.max(longest * 6.9, 76) + 18, 16 * lines.length + 12];
}

/** The boxes and edges of the parts that are shown. */
function gather() {
  shown = cut(open);
  boxes = new Map();
  edges = [];
  const enters = new Map(), counted = new Map();
  for (const part of shown) {
    boxes.set(part.id, {id: part.id, part, kind: part.kind, lines: part.lines});
    enters.set(part.id, part.id);
    for (const {id, kind, text} of part.around) {
      boxes.set(id, {id, of: part, kind, lines: [{text: text === "weighted_sum" ? "Σ" : text, shows: "always"}]});  // it stands there often
    }
    const operation = part.around.find(each => each.kind === "operation");
    if (operation) enters.set(part.id, operation.id);
    for (const {id, kind} of part.around) {
      if (kind === "operation") continue;
      edges.push(id.startsWith("after") ? {tail: part.id, head: id, count: 1} : {tail: id, head: enters.get(part.id), count: 1});
    }
    if (operation) edges.push({tail: operation.id, head: part.id, count: 1});
  }
  users = new Map(shown.map(part => [part.id, new Set()]));
  for (const {tail, head, count, partial} of data.edges) {
    const [from, to] = [shownOf(tail), shownOf(head)];
    if (!from || !to || from === to) continue;
    users.get(from.id).add(to);
    if (partial !== undefined && from.id === tail && to.id === head) edges.push({tail, head: enters.get(head), count: 1, partial: parsed(partial)});
    else {
      const key = `${from.id} ${to.id}`;
      if (!counted.has(key)) edges.push(counted.set(key, {tail: from.id, head: enters.get(to.id), count: 0}).get(key));
      counted.get(key).count += count;
    }
  }
  for (const {id, lines, to, count} of data.given) {
    const takers = new Set(to.map(shownOf).filter(part => part && part.level !== "node" && part.level !== "batch"));
    if (!takers.size) continue;
    boxes.set(id, {id, kind: "constant", lines: lines.map(line => ({...line, shows: "always"}))});
    for (const taker of takers) edges.push({tail: id, head: taker.id, count});
  }
  leaving = new Map([...boxes.keys()].map(id => [id, []]));
  for (const edge of edges) leaving.get(edge.tail).push(edge);
}

function paint() {
  gather();
  const sizes = new Map([...boxes].map(([id, box]) => [id, box.size = sizeOf(box)]));
  const {places, routes} = layout(sizes, edges.map(edge => [edge.tail, edge.head]));
  for (const [id, box] of boxes) box.center = places.get(id);
  const corner = (axis, sign) => sign * Math.max(...[...boxes.values()].map(box => sign * box.center[axis] + box.size[axis] / 2));
  left = corner(0, -1) - PAD;
  above = corner(1, -1) - PAD;
  width = corner(0, 1) + PAD - left;
  height = corner(1, 1) + PAD - above;
  svg?.remove();
  svg = sketch("svg", {viewBox: `${left} ${above} ${width} ${height}`, role: "group", "aria-label": "the graph"}, at("stage"));
  svg.classList.toggle("dense", edges.length > 150);
  edges.forEach((edge, index) => drawEdge(edge, routes[index]));
  for (const box of boxes.values()) drawBox(box);
  paintMap();
}

function drawEdge(edge, route) {
  const tail = boxes.get(edge.tail), head = boxes.get(edge.head), twins = leaving.get(edge.tail).filter(other => other.head === edge.head);
  const shift = (twins.indexOf(edge) - (twins.length - 1) / 2) * 9;  // the two edges of x * x side by side
  const points = route.map(([x, y]) => [x, y + shift]);
  points[0][0] += tail.size[0] / 2;
  points.at(-1)[0] -= head.size[0] / 2;
  let path = `M${points[0]}`;
  for (let i = 1; i < points.length; i++) {
    const [[x0, y0], [x1, y1]] = [points[i - 1], points[i]], middle = (x0 + x1) / 2;
    path += `C${middle},${y0} ${middle},${y1} ${x1},${y1}`;
  }
  const key = `${edge.tail} ${edge.head}`;
  edge.line = sketch("path", {class: `edge${data.marked.includes(key) ? " marked" : ""}`, d: path, "data-edge": key}, svg);
  if (edge.count > 1 && leaving.get(edge.tail).length <= 4) {
    const [[x0, y0], [x1, y1]] = points;
    sketch("text", {class: "count", x: (x0 + x1) / 2, y: (y0 + y1) / 2 - 4}, svg, edge.count);
  }
}

function drawBox(box) {
  const [x, y] = box.center, [w, h] = box.size, {part} = box;
  box.group = sketch("g", {class: `box ${box.kind}`, "data-box": box.id}, svg);
  if (part) {
    const words = new Set([part.name, ...part.lines.map(line => line.text)].filter(Boolean));
    const named = {tabindex: 0, role: "button", "aria-label": [...words].join(", ")};
    for (const key in named) box.group.setAttribute(key, named[key]);
  }
  box.shape = sketch("rect", {x: x - w / 2, y: y - h / 2, width: w, height: h, rx: box.kind === "operation" ? h / 2 : 7}, box.group);
  box.texts = box.lines.map((line, index) => sketch("text", {x, y: y + (index - (box.lines.length - 1) / 2) * LINE + 4}, box.group, line.text));
  if (part?.level === "node") box.digits = sketch("title", {}, box.group);
  if (!part && !box.of) return;
  box.group.addEventListener("click", () => pick(picked === box.id ? null : box.id));
  if (!part) return;
  if (canOpen(part)) {
    box.group.classList.add("opens");
    const opener = sketch("g", {class: "opener", "data-open": part.id}, box.group);
    sketch("circle", {cx: x + w / 2 - 3, cy: y - h / 2 + 3, r: 10}, opener);
    sketch("text", {x: x + w / 2 - 3, y: y - h / 2 + 7.5}, opener, "+");
    opener.addEventListener("click", event => { event.stopPropagation(); openPart(part); });
    box.group.addEventListener("dblclick", () => openPart(part));
  }
  box.group.addEventListener("keydown", event => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const act = {Enter: () => pick(picked === box.id ? null : box.id), o: () => openPart(part), c: () => closePart(parts.get(part.parent))}[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

// Opening and closing.

/** Open these and no others; the step stays, or goes to the first inside the part that was `entered`. The box called `focus` has it then. */
function change(opened, focus, entered = null) {
  const count = cut(opened).length, isTooMuch = count > MOST_BOXES;
  at("notice").textContent = isTooMuch ? `${count} boxes are too many to show at once: open fewer parts.` : "";
  if (isTooMuch) return markDetail();
  const step = steps[now - 1], phase = step?.phase, isEntered = entered && entered === step?.part;
  const turn = isEntered ? firstTurn(entered, phase) : step?.part?.turn ?? null;
  open = opened;
  markDetail();
  picked = null;
  paint();
  makeSteps();
  fit();
  show(!now ? 0 : turn === null ? 1 : nearest(phase, turn) + 1);  // the leaves, given at once, have no turn
  tellPaths(null);
  const box = focus && boxes.get(focus);
  box?.group?.focus({preventScroll: true});
  if (box) center(box);
}

/** The turn of the first step inside a part. */
function firstTurn(part, phase) {
  const turns = part.parts.flatMap(each => each.turn ? [each.turn] : []).sort(compare);
  return phase === "forward" ? turns[0] : turns.at(-1);
}

/** The step of a phase that is at a part's turn, or the first after it. */
function nearest(phase, turn) {
  const late = steps.map((step, index) => [step, index]).filter(([step]) => step.phase === phase && step.part?.turn && !step.starts);
  const sign = phase === "forward" ? 1 : -1, found = late.find(([step]) => sign * compare(step.part.turn, turn) >= 0);
  return (found ?? late.at(-1))[1];
}

const compare = (a, b) => a[0] - b[0] || a[1] - b[1];

function openPart(part) {
  if (part.sealed) at("notice").textContent = "What is in it is too much for this page: draw a part of the graph, with around=...";
  if (canOpen(part)) change(new Set([...open, part.id]), part.parts[0].id, part);
}

function closePart(part) {
  if (!part) return;
  change(new Set([...open].filter(id => !isWithin(id, part))), part.id);
}

function isWithin(id, part) {
  for (let each = parts.get(id); each; each = parts.get(each.parent)) if (each === part) return true;
  return false;
}

const DETAILS = [["layers", []], ["neurons", ["layer"]], ["nodes", ["layer", "neuron"]], ["every example", ["layer", "neuron", "batch"]]];

/** The details that differ here, as choices. */
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

/** Select the detail that is shown: none where some parts of a kind are open and others are not. */
function markDetail() {
  const options = [...at("detail").options];
  at("detail").selectedIndex = options.findIndex(({ids}) => ids.length === open.size && ids.every(id => open.has(id)));
}

// How large: all of it at the start; when stepping as large as is legible, with a map of where one is.

let scale = 1, zoom = null;

function fit() {
  const {clientWidth, clientHeight} = at("stage"), whole = Math.min(1, clientWidth / width, clientHeight / height);
  scale = zoom ?? (now === 0 || whole >= LEGIBLE ? whole : Math.max(whole, 1));
  svg.setAttribute("width", width * scale);
  svg.setAttribute("height", height * scale);
  frameMap();
}

function magnify(factor) {
  const stage = at("stage"), middle = [(stage.scrollLeft + stage.clientWidth / 2) / scale, (stage.scrollTop + stage.clientHeight / 2) / scale];
  zoom = Math.min(2, Math.max(0.05, scale * factor));
  fit();
  stage.scrollTo({left: middle[0] * scale - stage.clientWidth / 2, top: middle[1] * scale - stage.clientHeight / 2, behavior: "instant"});
}

function center(box) {
  const stage = at("stage"), [x, y] = [(box.center[0] - left) * scale, (box.center[1] - above) * scale];
  stage.scrollTo({left: x - stage.clientWidth / 2, top: y - stage.clientHeight / 2, behavior: calm() ? "instant" : "smooth"});
}

function paintMap() {
  const map = at("map"), small = Math.min(MAP / width, MAP * 0.7 / height);
  map.replaceChildren();
  map.setAttribute("viewBox", `${left} ${above} ${width} ${height}`);
  map.setAttribute("width", Math.max(24, width * small));
  map.setAttribute("height", Math.max(24, height * small));
  for (const box of boxes.values()) {
    const {center: [x, y], size: [w, h]} = box;
    if (box.part) box.dot = sketch("rect", {x: x - w / 2, y: y - h / 2, width: w, height: h}, map);
  }
  miniature = sketch("rect", {class: "frame"}, map);
}

function frameMap() {
  const stage = at("stage"), fits = width * scale <= stage.clientWidth + 1 && height * scale <= stage.clientHeight + 1;
  at("map").toggleAttribute("hidden", fits);
  const seen = {width: Math.min(width, stage.clientWidth / scale), height: Math.min(height, stage.clientHeight / scale)};
  const place = {x: left + stage.scrollLeft / scale, y: above + stage.scrollTop / scale, ...seen};
  for (const key in place) miniature.setAttribute(key, place[key]);
}

function goOnMap(event) {
  const map = at("map").getBoundingClientRect(), stage = at("stage");
  const [x, y] = [(event.clientX - map.left) / map.width * width * scale, (event.clientY - map.top) / map.height * height * scale];
  stage.scrollTo({left: x - stage.clientWidth / 2, top: y - stage.clientHeight / 2, behavior: "instant"});
}

// Steps. Step 0 is the whole graph; a step after it shows what is known by then.

let steps = [], forward = 0, now = 0, playing = null, picked = null;

function makeSteps() {
  const computed = shown.filter(part => part.turn).sort((a, b) => compare(a.turn, b.turn));
  const output = data.output && shownOf(data.output);
  const told = phase => part => ({phase, part, ...part[phase]});
  steps = [given(), ...computed.map(told("forward"))];
  forward = steps.length;
  if (output?.level === "node") {
    const rows = ["The derivative of the output by itself is 1."];
    steps.push({phase: "backward", part: output, starts: true, heading: "Backward, from the output", rows});
  }
  steps.push(...computed.reverse().map(told("backward")));
  at("scrubber").max = steps.length;
}

/** All leaves are known at once. */
function given() {
  const leaves = shown.filter(part => !part.turn), count = leaves.length;
  const told = leaves.slice(0, 40).map(part => part.level === "node" ? part.forward.heading : part.name);
  const more = count > told.length ? [`and ${count - told.length} more`] : [];
  const words = "Known before anything is computed: inputs, weights, biases. What is computed from them follows, from the inputs on.";
  const heading = count === 1 ? "Given: one leaf" : `Given: ${count || "no"} leaves`;
  return {phase: "forward", leaves, heading, rows: count ? [words, [...told, ...more].join("\n")] : ["What is given is inside the parts that follow."]};
}

const OVERVIEW = {
  heading: "The whole graph",
  rows: [
    "Every number is in its place: its data, and the gradient of the output by it.",
    "Step on to see it come about. Forward, each node is computed from its operands. Then backward, from the output: each node passes " +
    "what arrives from above, times its local derivative, to its operands, where the contributions add up.",
  ],
};

/** Which parts are computed, and which gradients are whole or under way, when so many steps are done. */
function standing() {
  const made = new Set(), passed = new Set(), running = new Map();
  for (const step of steps.slice(0, now)) {
    for (const part of step.leaves ?? []) made.add(part);
    if (step.phase === "forward" && step.part) made.add(step.part);
    if (step.phase === "backward" && !step.starts) passed.add(step.part);
    if (step.starts) running.set(step.part.id, {text: step.part.lines.at(-1).text, shade: step.part.shade});
    for (const [id, text, shade] of step.changes ?? []) running.set(id, {text, shade});
  }
  const isAsked = part => users.get(part.id).size > 0 && [...users.get(part.id)].every(each => passed.has(each));
  const isWhole = part => now === 0 || passed.has(part) || ((part.level === "node" || !part.turn) && isAsked(part));  // a group has leaves inside
  const gradient = part => isWhole(part) ? {shade: part.shade, isWhole: true} : running.get(part.id);
  return {isMade: part => now === 0 || made.has(part), gradient};
}

function show(step) {
  const before = now;
  now = Math.max(0, Math.min(steps.length, step));
  if ((before === 0) !== (now === 0)) fit();
  const current = steps[now - 1], {isMade, gradient} = standing();
  for (const box of boxes.values()) {
    const made = ["constant", "more"].includes(box.kind) || isMade(box.part ?? box.of), change = box.part && gradient(box.part);
    box.group.classList.toggle("unborn", !made);
    box.group.classList.toggle("now", Boolean(box.part && (current?.part === box.part || current?.leaves?.includes(box.part))));
    if (!box.part) continue;
    box.group.classList.toggle("colored", Boolean(change));
    box.shape.style.fill = change ? data.shades[change.shade] : "";
    box.dot.style.fill = change ? data.shades[change.shade] : "";
    if (box.digits) box.digits.textContent = [made && `data ${box.part.data}`, change?.isWhole && `grad ${box.part.grad}`].filter(Boolean).join(", ");
    box.dot.setAttribute("class", `${made ? "" : "unborn"} ${current?.part === box.part ? "now" : ""}`);
    box.lines.forEach((line, index) => {
      const text = box.texts[index];
      text.textContent = line.shows === "backward" && change?.text ? change.text : line.text;
      text.style.visibility = line.shows === "forward" && !made || line.shows === "backward" && !change ? "hidden" : "";
    });
  }
  for (const edge of edges) {
    const {part, of, kind} = boxes.get(edge.head);
    edge.line.classList.toggle("flow", Boolean(current?.part) && (part === current.part || (of === current.part && kind === "operation")));
  }
  at("where").textContent = now === 0 ? `the whole, then ${steps.length} steps`
    : current.phase === "forward" ? `forward ${now} of ${forward}` : `backward ${now - forward} of ${steps.length - forward}`;
  at("scrubber").value = now;
  at("scrubber").setAttribute("aria-valuetext", at("where").textContent);
  tell(current);
  if (current?.part) center(boxes.get(current.part.id));
  frameMap();
}

function tell(step) {
  const story = at("story");
  const {heading, rows, terms, shares, part} = step ?? OVERVIEW;
  story.replaceChildren(make("h2", {text: heading}), ...trail(part));
  for (const row of rows) {
    const {rule, times, sum} = typeof row === "string" ? {rule: row} : row;
    const line = (name, text) => text ? make("span", {class: name, text: `\n${text}`}) : null;
    story.append(make("p", {}, make("span", {class: "rule", text: rule}), line("times", times), line("sum", sum)));
  }
  if (terms) story.append(scroller(tableOfTerms(terms)));
  if (shares !== undefined) story.append(scroller(...tableOfShares(part.forward.terms, parsed(shares))));
}

const scroller = (...content) => make("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": "the terms"}, ...content);

function tableOfTerms({rows, others, bias, sum}) {
  const term = (weight, value, input, activation) => ({weight, value, input, activation, product: value * activation});
  return termsTable({
    terms: rows.map(([weight, value, input, activation]) => term(weight, parsed(value), input, parsed(activation))),
    others: others && {count: others[0], sum: parsed(others[1])},
    bias: {name: bias[0], value: parsed(bias[1])},
    sum: {name: sum[0], value: parsed(sum[1])},
  });
}

/** What each operand of a weighted sum gets of what arrives: the input that a weight meets, the weight that an input has, times that. */
function tableOfShares({rows, others, bias}, arriving) {
  const weights = rows.map(([name, , , input]) => [name, parsed(input)]), inputs = rows.map(([, weight, name]) => [name, parsed(weight)]);
  const shares = [...weights, ...inputs, [bias[0], 1]].filter(([name]) => name !== null);  // nothing goes into a constant
  const products = shares.map(([name, partial]) => ({name, value: partial, by: "", factor: arriving, product: partial * arriving}));
  const more = others ? [make("p", {class: "hint", text: `and in the same way what is in ${others[0]} smaller terms`})] : [];
  return [productsTable(["into", "#partial", "", "", "#above", "", "#adds", ""], products, [], 5), ...more];
}

/** Where a part is, with a way to close each thing around it, and to open it. */
function trail(part) {
  if (!part) return [];
  const around = [];
  for (let each = parts.get(part.parent); each; each = parts.get(each.parent)) around.unshift(each);
  const button = (text, onclick) => make("button", {type: "button", class: "small", text, onclick});
  const buttons = around.map(each => button(`close ${each.name}`, () => closePart(each)));
  if (canOpen(part)) buttons.push(button(`open its ${part.parts.length} parts`, () => openPart(part)));
  return buttons.length ? [make("div", {class: "trail"}, ...buttons)] : [];
}

function play(on) {
  clearInterval(playing);
  if (on && now === steps.length) show(0);
  playing = on ? setInterval(() => now < steps.length ? show(now + 1) : play(false), PACE) : null;
  at("play").textContent = on ? "pause" : "play";
  at("play").setAttribute("aria-label", on ? "pause" : "play");
}

// Paths: every way from a box to the output.

function pick(id) {
  picked = id;
  const ahead = new Set(id ? [id] : []);
  for (const each of ahead) for (const edge of leaving.get(each)) ahead.add(edge.head);  // a Set grows while it is walked
  svg.classList.toggle("picking", Boolean(id));
  for (const box of boxes.values()) box.group.classList.toggle("on", ahead.has(box.id));
  for (const edge of edges) edge.line.classList.toggle("on", ahead.has(edge.tail));
  tellPaths(id);
}

function countPaths(id) {
  const counts = new Map(), stack = [id], waiting = new Set(stack);
  while (stack.length) {
    const each = stack.at(-1), heads = leaving.get(each).map(edge => edge.head), missing = heads.filter(head => !counts.has(head) && !waiting.has(head));
    if (missing.length) {
      for (const head of new Set(missing)) { stack.push(head); waiting.add(head); break; }
      continue;
    }
    counts.set(each, heads.length ? heads.reduce((sum, head) => sum + (counts.get(head) ?? 0n), 0n) : 1n);
    stack.pop();
  }
  return counts.get(id);
}

const listPaths = id => leaving.get(id).length === 0 ? [[]] : leaving.get(id).flatMap(edge => listPaths(edge.head).map(path => [edge, ...path]));

const nameOf = id => boxes.get(id).part?.name || boxes.get(id).lines[0].text.replace(/^data /, "");

function tellPaths(id) {
  const section = at("paths");
  section.replaceChildren();
  if (!id) {
    const opens = [...parts.values()].some(canOpen) ? " Where there is a +, or with the key o, a part opens; c closes it again." : "";
    const text = "Arrow keys step, space plays, Home and End jump. Click a node, or press Enter on it, to see every path by which it reaches the output.";
    section.append(make("p", {class: "hint", text: text + opens}));
    return;
  }
  const box = boxes.get(id), count = countPaths(id);
  const ways = count === 1n ? "one path" : `${count.toLocaleString("en")} paths`, isBeside = box.part?.parent === steps[now - 1]?.part?.parent;
  section.append(make("h2", {text: `${nameOf(id)}: ${ways} to the output`}), ...(isBeside && !canOpen(box.part) ? [] : trail(box.part ?? box.of)));
  if (count > 6n || box.part?.level !== "node") return;
  const paths = listPaths(id).filter(path => path.every(edge => edge.partial !== undefined || boxes.get(edge.tail).kind === "operation"));
  if (paths.length < Number(count) || !paths[0].length) return;
  let sum = 0;
  for (const path of paths) {
    const partials = path.map(edge => edge.partial).filter(partial => partial !== undefined), product = partials.reduce((a, b) => a * b, 1);
    sum += product;
    const way = [id, ...path.map(edge => edge.head)].filter(each => boxes.get(each).part).map(nameOf).join(" → ");
    section.append(make("p", {text: `${way}\n${partials.map(each => number(each)).join(" · ")} = ${number(product)}`}));
  }
  if (count > 1n) section.append(make("p", {class: "sum", text: `together ${number(sum)}`}));
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
at("all").addEventListener("click", () => {
  zoom = Math.min(1, at("stage").clientWidth / width, at("stage").clientHeight / height);
  fit();
  zoom = null;
});
at("stage").addEventListener("scroll", frameMap);
at("map").addEventListener("pointerdown", event => { at("map").setPointerCapture(event.pointerId); goOnMap(event); });
at("map").addEventListener("pointermove", event => { if (event.buttons) goOnMap(event); });
addEventListener("resize", fit);

paint();
makeSteps();
offerDetails();
const swatch = shade => make("i", {style: `background: ${shade}`});
at("legend").append("gradient < 0 ", ...data.shades.slice(0, -1).map(swatch), ` > 0, full colour ±${data.steepest}`);
show(0);
fit();
tellPaths(null);
