/** The paths from a box to the output. */

import {make, number} from "./numbers.js";
import {canOpen, parts} from "./parts.js";
import {boxes, edges, leaving, svg} from "./picture.js";
import {trail} from "./words.js";

const MOST_LISTED = 6n;

/** Mark a box and everything on its paths to the output; unmark all if `id` is null. */
export function mark(id) {
  const ahead = new Set(id ? [id] : []);
  for (const each of ahead) for (const edge of leaving.get(each)) ahead.add(edge.head);  // the loop also visits what it adds
  svg.classList.toggle("picking", Boolean(id));
  for (const box of boxes.values()) box.group.classList.toggle("on", ahead.has(box.id));
  for (const edge of edges) edge.line.classList.toggle("on", ahead.has(edge.tail));
}

/** The number of paths from a box: counted from the output on, as there may be more than can be walked. */
function countPaths(id) {
  const counts = new Map(), stack = [id], waiting = new Set(stack);
  while (stack.length) {
    const each = stack.at(-1), heads = leaving.get(each).map(edge => edge.head);
    const missing = heads.find(head => !counts.has(head) && !waiting.has(head));
    if (missing !== undefined) {
      stack.push(missing);
      waiting.add(missing);
      continue;
    }
    counts.set(each, heads.length ? heads.reduce((sum, head) => sum + (counts.get(head) ?? 0n), 0n) : 1n);
    stack.pop();
  }
  return counts.get(id);
}

const listPaths = id => leaving.get(id).length === 0 ? [[]] : leaving.get(id).flatMap(edge => listPaths(edge.head).map(path => [edge, ...path]));

const nameOf = id => boxes.get(id).part?.name || boxes.get(id).lines[0].text.replace(/^data /, "");

/** Show the paths from the box that the reader picked, or how to pick one. The trail is left out beside the `current` part, which has it. */
export function tellPaths(id, current, acts) {
  const section = document.getElementById("paths");
  section.replaceChildren();
  if (!id) {
    const opens = [...parts.values()].some(canOpen) ? ["The + of a box, or the key o, opens it; c closes it."] : [];
    const keys = ["Click a node, or press Enter on it, for its paths to the output.", "Arrow keys step, space plays, Home and End jump.", ...opens];
    section.append(make("details", {class: "hint"}, make("summary", {text: "Keys and clicks"}), ...keys.map(text => make("p", {text}))));
    return;
  }
  const box = boxes.get(id), part = box.part ?? box.of, count = countPaths(id), hasTrail = canOpen(part) || part.parent !== current?.parent;
  const ways = count === 1n ? "one path" : `${count.toLocaleString("en")} paths`;
  section.append(make("h2", {text: `${nameOf(id)}: ${ways} to the output`}), ...(hasTrail ? trail(part, acts) : []));
  if (count > MOST_LISTED || box.part?.level !== "node") return;
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
