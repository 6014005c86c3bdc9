/** The scale of the picture: all of it if it is legible then, else a section with a map. */

import {boxes, frame, sketch, svg} from "./picture.js";

const LEGIBLE = {start: 0.6, step: 0.7}, MAP = 180;  // the smallest scales

const stage = document.getElementById("stage"), map = document.getElementById("map");
let scale = 1, zoom = null, miniature = null;

const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** The scale at which all of the picture is visible. */
const whole = () => Math.min(1, stage.clientWidth / frame.width, stage.clientHeight / frame.height);

export const isLegible = () => whole() >= LEGIBLE.start;

/** Scale the picture: to the reader's zoom, else so that it fits, else so that it is legible: just so at the start, and well while stepping. */
export function fit(isStart) {
  scale = zoom ?? (whole() >= LEGIBLE[isStart ? "start" : "step"] ? whole() : isStart ? LEGIBLE.start : 1);
  resize();
}

function resize() {
  svg.setAttribute("width", frame.width * scale);
  svg.setAttribute("height", frame.height * scale);
  frameMap();
}

export function magnify(factor) {
  const middle = [(stage.scrollLeft + stage.clientWidth / 2) / scale, (stage.scrollTop + stage.clientHeight / 2) / scale];
  zoom = Math.min(2, Math.max(0.05, scale * factor));
  fit(false);
  stage.scrollTo({left: middle[0] * scale - stage.clientWidth / 2, top: middle[1] * scale - stage.clientHeight / 2, behavior: "instant"});
}

/** Show all of the picture until the next change of scale. */
export function showAll() {
  zoom = null;
  scale = whole();
  resize();
}

export function center(box) {
  const [x, y] = [(box.center[0] - frame.left) * scale, (box.center[1] - frame.above) * scale];
  stage.scrollTo({left: x - stage.clientWidth / 2, top: y - stage.clientHeight / 2, behavior: isCalm() ? "instant" : "smooth"});
}

export function paintMap() {
  const {left, above, width, height} = frame, small = Math.min(MAP / width, MAP * 0.7 / height);
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

/** Mark the visible section on the map. The map is hidden when all of the picture is visible. */
export function frameMap() {
  const {left, above, width, height} = frame;
  map.toggleAttribute("hidden", width * scale <= stage.clientWidth + 1 && height * scale <= stage.clientHeight + 1);
  const visible = {width: Math.min(width, stage.clientWidth / scale), height: Math.min(height, stage.clientHeight / scale)};
  const place = {x: left + stage.scrollLeft / scale, y: above + stage.scrollTop / scale, ...visible};
  for (const key in place) miniature.setAttribute(key, place[key]);
}

function goOnMap(event) {
  const {left, top, width, height} = map.getBoundingClientRect();
  const [x, y] = [(event.clientX - left) / width * frame.width * scale, (event.clientY - top) / height * frame.height * scale];
  stage.scrollTo({left: x - stage.clientWidth / 2, top: y - stage.clientHeight / 2, behavior: "instant"});
}

stage.addEventListener("scroll", frameMap);
map.addEventListener("pointerdown", event => { map.setPointerCapture(event.pointerId); goOnMap(event); });
map.addEventListener("pointermove", event => { if (event.buttons) goOnMap(event); });
