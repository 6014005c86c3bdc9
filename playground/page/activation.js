/** The editor of an activation function: it draws the formula and its derivatives while you type, and marks the position of an error. */

import {Refusal} from "./connection.js";
import {drawFunctions} from "./curves.js";
import {at, make} from "./dom.js";
import {palette} from "./paint.js";

export class ActivationEditor {
  /** `ask(message)` asks the session; `use(layer, text)` applies the formula, or throws a Refusal. */
  constructor(offers, {ask, use}) {
    this.ask = ask;
    this.use = use;
    this.box = at("activation");
    this.input = make("input", {type: "text", id: "formula", spellcheck: "false", autocapitalize: "off", autocomplete: "off", maxlength: 300, "aria-describedby": "formula-problem", oninput: () => this.#try()});
    this.caret = make("pre", {class: "caret", "aria-hidden": "true"});
    this.problem = make("p", {class: "problem", id: "formula-problem", role: "status"});
    this.canvas = make("canvas", {role: "img", "aria-label": "the activation function with its first and second derivative"});
    this.title = make("h2", {id: "activation-title"});
    this.whole = make("input", {type: "checkbox", id: "formula-all"});
    this.box.append(
      make("div", {class: "head"}, this.title, make("button", {type: "button", class: "quiet", id: "formula-close", text: "Close", onclick: () => this.close()})),
      make("div", {class: "body"},
        make("div", {},
          make("label", {for: "formula", class: "hint", text: "a formula of x"}), this.input, this.caret, this.problem,
          make("div", {class: "chips", role: "group", "aria-label": "suggested formulas"}, ...offers.map(text => make("button", {type: "button", text, onclick: () => this.#fill(text)}))),
          make("div", {class: "row"}, make("button", {type: "button", class: "primary", id: "formula-use", text: "Apply", onclick: () => this.#use()}), make("label", {class: "check"}, this.whole, " in all hidden layers")),
        ),
        make("div", {}, this.canvas, make("p", {class: "keyed"}, key("first", "f"), key("second", "f′"), key("third", "f″"))),
      ),
    );
    this.input.addEventListener("keydown", event => {
      if (event.key === "Enter") this.#use();
      if (event.key !== "Escape") return;
      event.stopPropagation();  // a lesson stays open
      this.close();
    });
    new ResizeObserver(() => this.#draw()).observe(this.canvas);
  }

  open(layer, text, isOutput, opener) {
    Object.assign(this, {layer, opener});
    this.title.textContent = isOutput ? "Activation of the output" : `Activation of layer ${layer}`;
    this.whole.parentElement.hidden = isOutput;
    this.whole.checked = false;
    this.box.hidden = false;
    this.#fill(text);
    this.box.scrollIntoView({block: "nearest"});
    this.input.focus({preventScroll: true});
    this.input.select();
  }

  close() {
    this.box.hidden = true;
    if (document.contains(this.opener)) this.opener.focus();
  }

  recolor() {
    this.#draw();
  }

  #fill(text) {
    this.input.value = text;
    this.#try();
  }

  async #try() {
    const text = this.input.value, mine = this.last = Symbol("the formula asked for last");
    try {
      const sampled = await this.ask({do: "formula", text, from: -5, to: 5, points: 201});
      if (this.last !== mine) return;
      this.sampled = sampled;
      this.#say(null);
    } catch (error) {
      if (this.last === mine) this.#say(error);
    }
    this.#draw();
  }

  /** Show an error, or with null no error. */
  #say(error) {
    if (error && !(error instanceof Refusal)) throw error;
    this.input.setAttribute("aria-invalid", String(Boolean(error)));
    at("formula-use").disabled = Boolean(error);
    this.problem.textContent = error?.message ?? "";
    this.caret.hidden = typeof error?.position !== "number";
    this.caret.textContent = this.caret.hidden ? "" : `${this.input.value}\n${" ".repeat([...this.input.value].slice(0, error.position).length)}^`;
    this.canvas.classList.toggle("stale", Boolean(error));
  }

  async #use() {
    try {
      await this.use(this.whole.checked && !this.whole.parentElement.hidden ? null : this.layer, this.input.value);
    } catch (error) {
      this.#say(error);
    }
  }

  #draw() {
    if (this.box.hidden || !this.sampled) return;
    const {x, f, first, second} = this.sampled, colors = palette(), orNaN = value => value ?? NaN;
    drawFunctions(this.canvas, {xs: x, most: 5, functions: [
      {values: second.map(orNaN), color: colors.faint, dash: [2, 3]},
      {values: first.map(orNaN), color: colors.now, dash: [6, 3]},
      {values: f.map(orNaN), color: colors.ink},
    ]});
  }
}

const key = (name, text) => make("span", {}, make("span", {class: `line ${name}`}), text);
