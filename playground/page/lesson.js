/**
 * A lesson: pages of text, each with a task. `?lesson=name` opens lessons/name.json, which playground/lessons.py makes of a Markdown file:
 *
 *     {"title": "...", "pages": [{"title": "...", "text": "<p>a paragraph</p>...", "configuration": {...}, "question": "...", "point": "#play", "show": "#plane, #stage", "inspect": "weight", "do": "...", "until": "run"}, ...]}
 *
 * When a page opens, its `configuration` is set up, the element `point` is highlighted, and the elements `show` are visible. `inspect` is "neuron" or "weight":
 * the inspector then shows one. `do` is the task, and `until` the event that completes it. A `question` is a task too: question.js asks it.
 */

import {contents} from "./contents.js";
import {at, make} from "./dom.js";
import {beside, host} from "./host.js";
import {isRight} from "./progress.js";
import {Question} from "./question.js";

const SEEN = "nudge-story=seen";  // a cookie, because the storage of a browser belongs to a port, and the server may get another one

export class Lesson {
  /** `configure(configuration)` makes a network, `inspect(what)` opens the inspector of a neuron or a weight, and `say(words)` shows a problem. A lesson opens if the address names it, at `page` if it has a number; the story opens on a first visit, unless the address contains settings. */
  constructor({configure, inspect, isShared, say}) {
    Object.assign(this, {configure, inspect, say});
    this.box = at("lesson");
    this.place = 0;
    const address = new URLSearchParams(location.search), [named = null, page = 1] = host.lesson ?? [address.get("lesson"), address.get("page") ?? 1];
    at("lesson-open").addEventListener("click", () => this.#contents());
    document.addEventListener("keydown", event => { if (event.key === "Escape" && !this.box.hidden && !document.querySelector("dialog[open]")) this.close(); });
    if (named || !isShared && !document.cookie.includes(SEEN)) this.open(/^[\w-]+$/.test(named ?? "") ? named : "story", !named, Number(page) - 1);
  }

  async open(name, quietly = false, place = 0) {
    const text = await beside(`lessons/${name}.json`);
    if (text === null) return void this.say(`There is no lesson “${name}” here.`);
    this.lesson = JSON.parse(text);
    this.name = name;
    this.box.hidden = false;
    await this.turn(Math.max(0, Math.min(this.lesson.pages.length - 1, Math.floor(place) || 0)), quietly);
  }

  /** Show the list of lessons. */
  async #contents() {
    const lessons = JSON.parse(await beside("lessons/index.json") ?? "[]");
    this.lesson = this.question = null;
    this.#point(null);
    this.box.replaceChildren(...contents(lessons, {open: name => this.open(name), close: () => this.close()}));
    this.box.hidden = false;
    at("lesson-title").focus({preventScroll: true});
  }

  close() {
    this.box.hidden = true;
    this.#point(null);
    document.cookie = `${SEEN}; path=/; max-age=31536000; samesite=strict`;
    at("network-title").focus({preventScroll: true});
  }

  /** An event happened on the page. If it is the one that the lesson waits for, the task is done. */
  happened(event) {
    this.question?.happened(event);
    const page = this.lesson?.pages[this.place];
    if (this.box.hidden || page?.until !== event || this.done) return;
    this.box.querySelector(".todo")?.classList.add("done");
    this.#complete();
  }

  #complete() {
    this.done = true;
    this.box.querySelector("#lesson-next").classList.add("primary");
  }

  /** After the last page: the list of lessons, if this one has questions. */
  #finish() {
    if (this.lesson.pages.some(({question}) => question)) this.#contents();
    else this.close();
  }

  async turn(place, quietly = false) {
    const {pages, title} = this.lesson, page = pages[place], last = place === pages.length - 1;
    this.place = place;
    this.done = !page.until && (!page.question || isRight(this.name, place));
    const question = this.question = page.question ? new Question({lesson: this.name, place, page, configure: next => this.question === question && this.configure(next), solved: () => this.question === question && this.#complete()}) : null;
    const text = make("div", {class: "text"});
    text.innerHTML = page.text;  // made by playground/lessons.py, without HTML from the author
    this.box.replaceChildren(
      make("div", {class: "head"}, make("span", {class: "hint", text: `${title}, ${place + 1} of ${pages.length}`}), make("span", {}, make("button", {type: "button", class: "quiet", id: "lesson-all", text: "Lessons", onclick: () => this.#contents()}), make("button", {type: "button", class: "quiet", id: "lesson-close", text: "Close", onclick: () => this.close()}))),
      make("h2", {id: "lesson-title", tabindex: -1, text: page.title}),
      text,
      ...[page.do && make("p", {class: "todo", role: "status", text: page.do}), question?.box].filter(Boolean),
      make("div", {class: "row"},
        make("button", {type: "button", id: "lesson-back", text: "Back", disabled: place === 0, onclick: () => this.turn(place - 1)}),
        make("button", {type: "button", id: "lesson-next", class: this.done ? "primary" : null, text: last ? "Finish" : "Next", onclick: () => last ? this.#finish() : this.turn(place + 1)})));
    if (!quietly) this.box.querySelector("h2").focus({preventScroll: true});
    if (question) await question.ask();
    else if (page.configuration) await this.configure(page.configuration);
    if (this.place === place && !this.box.hidden) await this.#show(page);
  }

  /** Bring what the page names onto the screen, and highlight what it points to. */
  async #show({point, show, inspect}) {
    const named = [show, point].filter(Boolean).join(",");
    if (inspect) await this.inspect(inspect);
    this.#point(point);
    for (const each of named ? document.querySelectorAll(named) : []) {
      for (let details = each.closest("details"); details; details = details.parentElement.closest("details")) details.open = true;
      each.scrollIntoView({block: "nearest"});
    }
  }

  #point(selector) {
    document.querySelector(".pointed")?.classList.remove("pointed");
    if (selector) document.querySelector(selector)?.classList.add("pointed");
  }
}
