/** The wrong answers: a confusion matrix, and a gallery of the examples with the largest costs. */

import {Refusal} from "./connection.js";
import {at, classWords, inTurn, make, number} from "./dom.js";
import {drawMarker, paintMap, palette, ramp} from "./paint.js";

export class Answers {
  /** `ask(message)` asks the session; `look(which)` inspects an example. */
  constructor({ask, look}) {
    Object.assign(this, {ask, look, box: at("answers")});
    this.refresh = inTurn(() => this.#show());
    this.box.addEventListener("toggle", async () => {
      await this.refresh();
      if (this.box.open) this.box.scrollIntoView({block: "nearest"});
    });
    for (const input of document.querySelectorAll("[name=answers-of]")) input.addEventListener("change", () => this.refresh());
  }

  /** New data with these classes; without test examples the training examples are shown. */
  shape({classes, examples}) {
    this.classes = classes;
    this.box.hidden = !classes.length;
    const [test, training] = document.querySelectorAll("[name=answers-of]");
    test.disabled = !examples.held_out;
    (examples.held_out ? test : training).checked = true;
  }

  recolor() {
    this.refresh();
  }

  async #show() {
    if (!this.box.open || this.box.hidden) return;
    const {classes} = this;
    try {
      const reply = await this.ask({do: "answers", of: document.querySelector("[name=answers-of]:checked").value});
      if (classes !== this.classes) return;
      at("answers-words").textContent = `${reply.wrong} wrong`;
      at("matrix").replaceChildren(this.#matrix(reply));
      at("gallery").replaceChildren(...reply.examples.map((each, place) => this.#example(reply, each, place)));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      at("answers-words").textContent = error.message;
      for (const id of ["matrix", "gallery"]) at(id).replaceChildren();
    }
  }

  #matrix({matrix}) {
    const cells = (row, label) => row.map((count, found) => {
      const cell = make("td", {class: found === label ? "right" : count ? "wrong" : null, text: count || "·"});
      cell.style.setProperty("--share", `${Math.round(75 * count / Math.max(1, ...row))}%`);
      return cell;
    });
    return make("table", {"aria-label": "confusion matrix"},
      make("caption", {text: "rows: the class, columns: the predicted class"}),
      make("thead", {}, make("tr", {}, make("td"), ...this.classes.map(name => make("th", {scope: "col", title: name, text: name})))),
      make("tbody", {}, ...matrix.map((row, label) => make("tr", {}, make("th", {scope: "row", title: this.classes[label], text: this.classes[label]}), ...cells(row, label)))));
  }

  #example({of, pixels}, {index, class: label, prediction, cost}, place) {
    const canvas = make("canvas", {width: 28, height: 28, "aria-hidden": "true"}), colors = palette();
    if (pixels) paintMap(canvas, pixels.subarray(784 * place, 784 * (place + 1)), 28, 28, 1, ramp({negative: colors.ink, zero: colors.paper, positive: colors.ink}, 1));
    else drawMarker(canvas, label, colors);
    const [actual, found] = [label, prediction].map(each => classWords(this.classes[each]).replace(pixels ? "class " : "", "")), words = `${actual}, predicted ${found}`;
    return make("button", {type: "button", class: pixels ? "digit" : null, "aria-label": words, title: `example ${index}: ${words}, cost ${number(cost, 3)}`, onclick: () => this.look({of, index})}, canvas, make("span", {text: pixels ? `${actual} → ${found}` : words}));
  }
}
