/** The picture of a cut: it is drawn again when a part opens or closes. A step only changes classes, texts and fills. */

import {layout} from "./layout.js";
import {canOpen, cut, data, open, parsed, parts, shownOf} from "./parts.js";

const PAD = 24, LINE = 16, ARROW = 8;

export let boxes = new Map();  // by id
export let edges = [], leaving = new Map();  // all edges, and for each box the edges that leave it
export let shown = [];  // the parts that are boxes
export let users = new Map();  // for each part that is shown, the parts that use its values
let reach = new Map();  // half the width of each rank, by its centre
export let frame = {left: 0, above: 0, width: 1, height: 1}, svg = null;

/** A new element of a drawing. */
export function sketch(name, attributes, parent, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

/** Draw the cut. The `acts` are what a reader can do with a box: pick, openPart, closePart. */
export function paint(acts) {
  gather();
  const sizes = new Map([...boxes].map(([id, box]) => [id, box.size = sizeOf(box)]));
  const {places, routes} = layout(sizes, edges.map(edge => [edge.tail, edge.head]));
  reach = new Map();
  for (const [id, box] of boxes) {
    const [x] = box.center = places.get(id);
    reach.set(x, Math.max(reach.get(x) ?? 0, box.size[0] / 2));
  }
  const corner = (axis, sign) => sign * Math.max(...[...boxes.values()].map(box => sign * box.center[axis] + box.size[axis] / 2));
  const left = corner(0, -1) - PAD, above = corner(1, -1) - PAD;
  frame = {left, above, width: corner(0, 1) + PAD - left, height: corner(1, 1) + PAD - above};
  svg?.remove();
  const attributes = {viewBox: `${left} ${above} ${frame.width} ${frame.height}`, role: "group", "aria-label": "the graph"};
  svg = sketch("svg", attributes, document.getElementById("stage"));
  svg.classList.toggle("dense", edges.length > 150);
  edges.forEach((edge, index) => drawEdge(edge, routes[index]));
  for (const box of boxes.values()) drawBox(box, acts);
}

/** Collect the boxes and edges of the parts that are shown. */
function gather() {
  shown = cut(open);
  boxes = new Map();
  edges = [];
  users = new Map(shown.map(part => [part.id, new Set()]));
  const enters = new Map();  // the box that edges to a part lead to: its operation's, or its own
  for (const part of shown) {
    boxes.set(part.id, {id: part.id, part, kind: part.kind, lines: part.lines});
    enters.set(part.id, part.around.find(each => each.kind === "operation")?.id ?? part.id);
    gatherAround(part, enters.get(part.id));
  }
  gatherEdges(enters);
  for (const {id, lines, to, count} of data.given) {
    const takers = new Set(to.map(shownOf).filter(part => part && part.level !== "node" && part.level !== "batch"));
    if (!takers.size) continue;
    boxes.set(id, {id, kind: "constant", lines: lines.map(line => ({...line, shows: "always"}))});
    for (const taker of takers) edges.push({tail: id, head: taker.id, count});
  }
  leaving = new Map([...boxes.keys()].map(id => [id, []]));
  for (const edge of edges) leaving.get(edge.tail).push(edge);
}

/** The boxes around a part (its operation, its constants, what is left out) and the edges between them. */
function gatherAround(part, entry) {
  for (const {id, kind, text} of part.around) {
    boxes.set(id, {id, of: part, kind, lines: [{text, shows: "always"}]});
    if (kind !== "operation") edges.push(id.startsWith("after") ? {tail: part.id, head: id, count: 1} : {tail: id, head: entry, count: 1});
  }
  if (entry !== part.id) edges.push({tail: entry, head: part.id, count: 1});
}

/** The edges between parts: one for each operand between nodes that are shown, one with a count between other parts. */
function gatherEdges(enters) {
  const counted = new Map();
  for (const {tail, head, count, partial} of data.edges) {
    const [from, to] = [shownOf(tail), shownOf(head)];
    if (!from || !to || from === to) continue;
    users.get(from.id).add(to);
    if (partial !== undefined && from.id === tail && to.id === head) {
      edges.push({tail, head: enters.get(head), count: 1, partial: parsed(partial)});
      continue;
    }
    const key = `${from.id} ${to.id}`;
    if (!counted.has(key)) edges.push(counted.set(key, {tail: from.id, head: enters.get(to.id), count: 0}).get(key));
    counted.get(key).count += count;
  }
}

function sizeOf({kind, lines}) {
  const longest = Math.max(...lines.map(line => line.text.length));
  if (kind === "operation") return [Math.max(26, longest * 7 + 14), 26];
  if (kind === "constant" || kind === "more") return [longest * 6.5 + 8, 15 * lines.length + 4];
  return [Math.max(longest * 6.9, 76) + 18, 16 * lines.length + 12];
}

function drawEdge(edge, route) {
  const tail = boxes.get(edge.tail), head = boxes.get(edge.head), twins = leaving.get(edge.tail).filter(other => other.head === edge.head);
  const shift = (twins.indexOf(edge) - (twins.length - 1) / 2) * 9;  // the two edges of x * x are side by side
  const points = route.flatMap(([x, y]) => [[x - (reach.get(x) ?? 0) - ARROW, y + shift], [x + (reach.get(x) ?? 0), y + shift]]);
  points[0][0] = route[0][0] + tail.size[0] / 2;
  points.at(-1)[0] = route.at(-1)[0] - head.size[0] / 2 - ARROW;
  let path = `M${points[0]}`;
  for (let i = 1; i < points.length; i++) {  // straight beside the boxes of a rank, and curved between ranks
    const [[x0, y0], [x1, y1]] = [points[i - 1], points[i]], middle = (x0 + x1) / 2;
    path += `C${middle},${y0} ${middle},${y1} ${x1},${y1}`;
  }
  const key = `${edge.tail} ${edge.head}`;
  edge.line = sketch("g", {class: `edge${data.marked.includes(key) ? " marked" : ""}`, "data-edge": key}, svg);
  sketch("path", {class: "line", d: path}, edge.line);
  sketch("path", {class: "tip", d: `M${points.at(-1)}l0,-3.5 ${ARROW},3.5 -${ARROW},3.5z`}, edge.line);
  if (edge.count > 1 && leaving.get(edge.tail).length <= 4) {
    const [, [x0, y0], [x1, y1]] = points;
    sketch("text", {class: "count", x: (x0 + x1) / 2, y: (y0 + y1) / 2 - 4}, svg, edge.count);
  }
}

function drawBox(box, acts) {
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
  if (part || box.of) box.group.addEventListener("click", () => acts.pick(box.id));
  if (part) listen(box, acts);
}

/** Open a part by its sign +, a double click or a key. */
function listen({group, part, center: [x, y], size: [w, h]}, acts) {
  if (canOpen(part)) {
    group.classList.add("opens");
    const opener = sketch("g", {class: "opener", "data-open": part.id}, group);
    sketch("circle", {cx: x + w / 2 - 3, cy: y - h / 2 + 3, r: 10}, opener);
    sketch("text", {x: x + w / 2 - 3, y: y - h / 2 + 7.5}, opener, "+");
    opener.addEventListener("click", event => { event.stopPropagation(); acts.openPart(part); });
    group.addEventListener("dblclick", () => acts.openPart(part));
  }
  group.addEventListener("keydown", event => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const act = {Enter: () => acts.pick(part.id), o: () => acts.openPart(part), c: () => acts.closePart(parts.get(part.parent))}[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
