/**
 * A lesson: pages of text, each with a task. `?lesson=name` opens lessons/name.json, which playground/lessons.py makes of a Markdown file:
 *
 *     {"title": "...", "pages": [{"title": "...", "text": ["a paragraph", ...], "configuration": {...}, "point": "#play", "show": "#plane, #stage", "inspect": "weight", "do": "...", "until": "run"}, ...]}
 *
 * When a page opens, its `configuration` is set up, the element `point` is highlighted, and the elements `show` are visible. `inspect` is "neuron" or "weight":
 * the inspector then shows one. `do` is the task, and `until` the event that completes it.
 */

import {at, make} from "./dom.js";
import {beside} from "./host.js";

const SEEN = "nudge-story=seen";  // a cookie, because the storage of a browser belongs to a port, and the server may get another one

export class Lesson {
  /** `configure(configuration)` makes a network, `inspect(what)` opens the inspector of a neuron or a weight, and `say(words)` shows a problem. A lesson opens if the address names it; the story opens on a first visit, unless the address contains settings. */
  constructor({configure, inspect, isShared, say}) {
    Object.assign(this, {configure, inspect, say});
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
    at("network-title").focus({preventScroll: true});
  }

  /** An event happened on the page. If it is the one that the lesson waits for, the task is done. */
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
      make("div", {class: "head"}, make("span", {class: "hint", text: `${title}, ${place + 1} of ${pages.length}`}), make("button", {type: "button", class: "quiet", id: "lesson-close", text: "Close", onclick: () => this.close()})),
      make("h2", {id: "lesson-title", tabindex: -1, text: page.title}),
      ...page.text.map(text => make("p", {text})),
      page.do ? make("p", {class: "todo", role: "status", text: page.do}) : null,
      make("div", {class: "row"},
        make("button", {type: "button", id: "lesson-back", text: "Back", disabled: place === 0, onclick: () => this.turn(place - 1)}),
        make("button", {type: "button", id: "lesson-next", class: this.done ? "primary" : null, text: last ? "Finish" : "Next", onclick: () => last ? this.close() : this.turn(place + 1)})));
    if (!quietly) this.box.querySelector("h2").focus({preventScroll: true});
    if (page.configuration) await this.configure(page.configuration);
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
