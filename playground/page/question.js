/**
 * A question on a page of a lesson. The session draws its numbers, judges the answer with the live network, and explains it; playground/questions reads and
 * judges questions. There is one kind of field for each kind of question: FIELDS.
 */

import {app, ask, attempt} from "./app.js";
import {make} from "./dom.js";
import {answerOf, answered, note, reader, renew} from "./progress.js";
import {choose} from "./selection.js";
import {moved, showMoment} from "./training.js";

const NAME = /`[^`]+`|\b[abwz]\[\d+(?:,\d+)+\]/;  // what is shown as code
const IS_TEACHER = Boolean(document.querySelector("meta[name=teacher]"));

export class Question {
  /** `configure(configuration)` makes the network of the question, and `solved()` is called after a right answer. */
  constructor({lesson, place, page, configure, solved}) {
    Object.assign(this, {lesson, place, page, configure, solved});
    this.box = make("section", {id: "question", "aria-labelledby": "question-text"});
  }

  get answer() {
    return answerOf(this.lesson, this.place);
  }

  /** What identifies the question and its numbers in a message. */
  get #identity() {
    return {question: this.page.question, configuration: this.page.configuration ?? null, reader: reader(), page: this.place, attempt: this.answer.attempt};
  }

  /** Ask the session for the question, show it, and make its network. */
  async ask() {
    const reply = await attempt(() => ask({do: "ask", ...this.#identity, teacher: IS_TEACHER}));
    if (!reply) return;
    this.reply = reply;
    this.#show();
    if (reply.configuration ?? this.page.configuration) await this.configure(reply.configuration ?? this.page.configuration);
  }

  /** The question is about a part of the network, and the reader has selected one. */
  happened(event) {
    if (this.reply?.kind !== "point" || !["neuron", "weight", "point"].includes(event)) return;
    const {target, example} = app.inspector;
    const name = event === "point" ? example?.of === "training" && `example ${example.index}` : partName(target);
    if (name) this.field.set(name);
  }

  #show() {
    const {kind, text, hints, solution} = this.reply, {right, given, tries} = this.answer;
    this.field = FIELDS[kind](this.reply, words => this.#say(words));
    this.verdict = make("div", {id: "question-verdict", role: "status", "aria-live": "polite"});
    this.hints = make("ol", {id: "question-hints", "aria-live": "polite"});
    this.hint = make("button", {type: "button", id: "question-hint", hidden: !hints.length, onclick: () => this.#hint()});
    const form = make("form", {autocomplete: "off", novalidate: true, onsubmit: event => { event.preventDefault(); this.#judge(); }},
      this.field.element,
      make("div", {class: "row"},
        make("button", {id: "question-check", class: "primary", text: BUTTONS[kind] ?? "Check"}),
        this.hint,
        make("button", {type: "button", id: "question-new", text: "New numbers", title: "Ask the same question with other numbers", onclick: () => this.#renew()})));
    this.box.replaceChildren(
      make("p", {id: "question-text"}, ...rich(text)), form, this.hints, this.verdict,
      ...(solution ? [make("p", {id: "question-solution"}, make("b", {text: "Teacher: "}), ...rich(solution))] : []));
    this.shown = 0;
    for (let hint = 0; hint < this.answer.hints; hint++) this.#reveal();
    this.#nameHint();
    if (tries && right) this.#say(given ? `You answered: ${given.replaceAll("\n", ", ")}` : "You did it.", "right");
  }

  #nameHint() {
    const {hints} = this.reply;
    this.hint.textContent = this.shown < hints.length ? `Hint ${this.shown + 1} of ${hints.length}` : "No more hints";
    this.hint.disabled = this.shown >= hints.length;
  }

  #reveal() {
    const text = this.reply.hints[this.shown];
    if (text === undefined) return;
    this.shown++;
    this.hints.append(make("li", {}, ...rich(text)));
  }

  #hint() {
    this.#reveal();
    note(this.lesson, this.place, {hints: this.shown});
    this.#nameHint();
  }

  /** The same question with other numbers. */
  async #renew() {
    renew(this.lesson, this.place);
    await this.ask();
    this.box.querySelector("input, button")?.focus();
  }

  async #judge() {
    const given = this.field.value(), before = this.answer;
    const reply = await attempt(() => ask({do: "judge", ...this.#identity, given, records: this.reply.kind === "goal" && !before.right ? before.records : []}));
    if (!reply) return;
    showMoment(reply);
    answered(this.lesson, this.place, {attempt: before.attempt, given, right: reply.right, records: reply.records});
    if (this.answer.attempt !== before.attempt) return;
    if (reply.target) choose(reply.target);
    if (LIVE.includes(this.reply.kind)) moved();
    this.#say(reply.text, reply.right || reply.records.length > before.records.length && this.reply.kind === "goal" ? "right" : "wrong");
    if (reply.right) this.solved();
  }

  #say(words, verdict = "") {
    this.verdict.className = verdict;
    const [first, ...code] = words.split("\n");  // an error in a formula shows the formula, with a mark below the place
    this.verdict.replaceChildren(make("p", {}, ...rich(first)), ...code.length ? [make("pre", {text: code.join("\n")})] : []);
    this.verdict.scrollIntoView({block: "nearest"});
  }
}

const LIVE = ["point", "predict", "goal"];
const BUTTONS = {predict: "Do it and see", goal: "Check the network"};

/** The field for an answer by the kind of its question: {element, value()}, and `set(text)` for a field that the page fills. */
const FIELDS = {
  number: () => typed("Your answer, a number", {inputmode: "text"}),
  formula: () => typed("Your answer, a formula of x", {class: "formula"}),
  point: () => typed("Click it, or type its name", {placeholder: "nothing selected yet"}),
  choice: ({options}) => chosen(options),
  predict: ({options}) => chosen(options),
  order: ({options}, say) => ordered(options, say),
  goal: () => ({element: null, value: () => ""}),
};

function typed(label, attributes) {
  const input = make("input", {type: "text", id: "question-answer", spellcheck: "false", autocapitalize: "off", maxlength: 300, "aria-describedby": "question-text", ...attributes});
  return {element: make("label", {class: "wide"}, label, input), value: () => input.value, set: text => { input.value = text; }};
}

function chosen(options) {
  const radios = options.map(option => make("input", {type: "radio", name: "question-answer", value: option}));
  const labels = radios.map((radio, place) => make("label", {}, radio, make("span", {}, ...rich(options[place]))));
  return {element: make("div", {class: "options", role: "radiogroup", "aria-labelledby": "question-text"}, ...labels), value: () => radios.find(({checked}) => checked)?.value ?? ""};
}

/** Steps with buttons that move them. The other step moves, so that the focus stays on the button. */
function ordered(options, say) {
  const list = make("ol", {class: "steps", "aria-labelledby": "question-text"});
  const move = (item, by) => {
    const other = by < 0 ? item.previousElementSibling : item.nextElementSibling;
    if (!other) return;
    list.insertBefore(other, by < 0 ? item.nextElementSibling : item);
    say(`“${item.dataset.step}” is now step ${[...list.children].indexOf(item) + 1} of ${options.length}.`);
  };
  for (const step of options) {
    const item = make("li", {"data-step": step}), button = (by, sign, way) => make("button", {type: "button", text: sign, "aria-label": `Move ${way}: ${step}`, onclick: () => move(item, by)});
    item.append(make("span", {}, ...rich(step)), button(-1, "↑", "up"), button(1, "↓", "down"));
    list.append(item);
  }
  return {element: list, value: () => [...list.children].map(item => item.dataset.step).join("\n")};
}

/** The name of a selected neuron, weight or bias. */
function partName(target) {
  if (!target || target.what || target.layer < 0) return null;
  const {layer, neuron, input} = target;
  return input === undefined ? `a[${layer},${neuron}]` : input === null ? `b[${layer},${neuron}]` : `w[${layer},${neuron},${input}]`;
}

/** A text with `code` and names such as w[0,1,0] as code. */
function rich(text) {
  const parts = [];
  for (let found; (found = text.match(NAME)); text = text.slice(found.index + found[0].length)) parts.push(text.slice(0, found.index), make("code", {text: found[0].replaceAll("`", "")}));
  return [...parts, text];
}
