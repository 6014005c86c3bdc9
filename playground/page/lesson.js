/**
 * A guided lesson: pages of text, each with something to do. `?lesson=name` opens lessons/name.json, which was written so, or in Markdown
 * (see playground/lessons.py, which checks it):
 *
 *     {"title": "...", "pages": [{"title": "...", "text": ["a paragraph", ...], "configuration": {...}, "point": "#play", "do": "...", "until": "run"}, ...]}
 *
 * `configuration` (see playground/session.py) is set up as the page opens, `point` is what is framed, `do` what the learner is to do, and
 * `until` the event that shows it was done: run, paused, step, epoch, one-example, back, neuron, weight, turned, point, example, gradients,
 * weights, formula, painted, drawn, learned.
 */

import {at, make} from "./dom.js";
import {beside} from "./host.js";

const SEEN = "nudge-story=seen";  // a cookie, because it outlives the port, which is another one each time

export class Lesson {
  /** `say(words)` is for what goes wrong; `configure(configuration)` sets up a page's, in which what is left out is as usual. The story opens by itself on a first visit (unless the address shares settings), and where the address names a lesson. */
  constructor({configure, isShared, say}) {
    Object.assign(this, {configure, say});
    this.box = at("lesson");
    this.place = 0;
    const named = new URLSearchParams(location.search).get("lesson");
    at("lesson-open").addEventListener("click", () => this.open("story"));
    document.addEventListener("keydown", event => { if (event.key === "Escape" && !this.box.hidden && !document.querySelector("dialog[open]")) this.close(); });
    if (named || !isShared && !document.cookie.includes(SEEN)) this.open(/^[\w-]+$/.test(named ?? "") ? named : "story", !named);
  }

  async open(name, quietly = false) {
    const text = await beside(`lessons/${name}.json`);
    if (text === null) return void this.say(`There is no lesson “${name}” here.`);
    this.lesson = JSON.parse(text);
    this.box.hidden = false;
    await this.turn(0, quietly);
  }

  close() {
    this.box.hidden = true;
    this.#point(null);
    document.cookie = `${SEEN}; path=/; max-age=31536000; samesite=strict`;
    at("lesson-open").focus();
  }

  /** Something happened on the page: if it is what this page asked for, it is done. */
  happened(event) {
    const page = this.lesson?.pages[this.place];
    if (this.box.hidden || page?.until !== event || this.done) return;
    this.done = true;
    const task = this.box.querySelector(".todo");
    task?.classList.add("done");
    this.box.querySelector("#lesson-next").classList.add("primary");
  }

  async turn(place, quietly = false) {
    const {pages, title} = this.lesson, page = pages[place], last = place === pages.length - 1;
    this.place = place;
    this.done = !page.until;
    this.box.replaceChildren(
      make("div", {class: "head"}, make("span", {class: "hint", text: `${title}, ${place + 1} of ${pages.length}`}), make("button", {type: "button", class: "quiet", id: "lesson-close", text: "close", onclick: () => this.close()})),
      make("h2", {id: "lesson-title", tabindex: -1, text: page.title}),
      ...page.text.map(text => make("p", {text})),
      page.do ? make("p", {class: "todo", role: "status", text: page.do}) : null,
      make("div", {class: "row"},
        make("button", {type: "button", id: "lesson-back", text: "back", disabled: place === 0, onclick: () => this.turn(place - 1)}),
        make("button", {type: "button", id: "lesson-next", class: this.done ? "primary" : null, text: last ? "finish" : "next", onclick: () => last ? this.close() : this.turn(place + 1)})));
    this.#point(page.point);
    if (!quietly) this.box.querySelector("h2").focus({preventScroll: true});
    if (page.configuration) await this.configure(page.configuration);
  }

  #point(selector) {
    document.querySelector(".pointed")?.classList.remove("pointed");
    const there = selector && document.querySelector(selector);
    there?.classList.add("pointed");
    there?.scrollIntoView({block: "nearest"});
  }
}
