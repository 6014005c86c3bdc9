/** The list of lessons with the reader's progress, and the button that hands in the answers. */

import {make} from "./dom.js";
import {handIn, nameOfReader, rightIn, setName} from "./progress.js";
import {download} from "./share.js";

/** The content of the lesson's box: `lessons` is lessons/index.json, `open(name)` opens one, and `close()` closes the box. */
export function contents(lessons, {open, close}) {
  const right = lessons.reduce((sum, lesson) => sum + rightIn(lesson), 0), all = lessons.reduce((sum, {questions}) => sum + questions.length, 0);
  return [
    make("div", {class: "head"}, make("h2", {id: "lesson-title", tabindex: -1, text: "Lessons"}), make("button", {type: "button", class: "quiet", id: "lesson-close", text: "Close", onclick: close})),
    make("ul", {class: "lessons"}, ...lessons.map(lesson => make("li", {}, make("button", {type: "button", "data-lesson": lesson.name, onclick: () => open(lesson.name)},
      make("span", {text: lesson.title}), ...share(lesson))))),
    all ? make("form", {id: "hand-in", onsubmit: event => { event.preventDefault(); save(); }},
      make("p", {class: "hint", text: `${right} of ${all} questions are answered right. Your answers are kept in this browser only. To hand them in, give your teacher the file.`}),
      make("label", {class: "wide"}, "Your name", make("input", {type: "text", id: "reader-name", required: true, maxlength: 80, autocomplete: "name", value: nameOfReader(), oninput: event => setName(event.target.value)})),
      make("button", {id: "hand-in-button", class: "primary", text: "Hand in: download the file"})) : null,
  ].filter(Boolean);
}

/** How many questions of a lesson are answered right, as text and as a bar. */
function share(lesson) {
  const count = lesson.questions.length, right = rightIn(lesson);
  if (!count) return [];
  const bar = make("i");
  bar.style.width = `${100 * right / count}%`;
  return [make("span", {class: "hint", text: right === count ? `✓ ${right} of ${count}` : `${right} of ${count}`}), make("span", {class: "share", "aria-hidden": "true"}, bar)];
}

function save() {
  const content = handIn(), name = content.name.match(/[\p{L}\p{N}]+/gu)?.join("-") ?? "answers";
  download(`nudge-${name}.json`, "application/json", JSON.stringify(content, null, 1));
}
