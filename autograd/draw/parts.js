/** The tree of parts, and the cut through it that is shown: an open part is replaced by the parts in it. */

export const data = JSON.parse(document.getElementById("data").textContent);

/** A number of the data: JSON has no infinities and no NaN, so these are strings. */
export const parsed = value => typeof value === "string" ? {inf: Infinity, "-inf": -Infinity, nan: NaN}[value] : value;

export const parts = new Map(data.parts.map(part => [part.id, Object.assign(part, {parts: []})]));
for (const part of parts.values()) if (part.parent) parts.get(part.parent).parts.push(part);
const roots = [...parts.values()].filter(part => !part.parent);

export const canOpen = part => part.parts.length > 0;

export let open = new Set([...parts.values()].filter(part => canOpen(part) && data.open.includes(part.level)).map(part => part.id));

export function setOpen(opened) {
  open = opened;
}

/** The parts that are boxes when these are open: groups, then nodes in the order of the graph. */
export function cut(opened) {
  const found = [], waiting = [...roots];
  for (const part of waiting) opened.has(part.id) ? waiting.push(...part.parts) : found.push(part);  // the loop also visits what it appends
  const isNode = part => part.level === "node", place = part => Number(part.id.slice(1));
  return [...found.filter(part => !isNode(part)), ...found.filter(isNode).sort((a, b) => place(a) - place(b))];
}

/** The box that shows a part: its own, or that of the outermost closed part around it; null if the part is open. */
export function shownOf(id) {
  let outermost = null;
  for (let each = parts.get(id); each; each = parts.get(each.parent)) if (!open.has(each.id)) outermost = each;
  return outermost;
}

export function isWithin(id, part) {
  for (let each = parts.get(id); each; each = parts.get(each.parent)) if (each === part) return true;
  return false;
}
