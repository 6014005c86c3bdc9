/**
 * The inspector: all numbers of a neuron, a weight or an example.
 *
 * All numbers come from the session's reply; only the lengths of bars are computed here. The `value` of a <data> element has all digits of its number.
 *
 * While the network trains, the elements stay and only their content changes, so that a press, a drag and typing continue. A listener therefore reads
 * what it needs from this object or from its element when it is called. A canvas has a function `paint`.
 */

import {Refusal} from "./connection.js";
import {drawFunctions} from "./curves.js";
import {at, figure, inTurn, make, number, pretty, update} from "./dom.js";
import {head, productsTable, termsTable} from "./numbers.js";
import {largest, paintMap, palette, ramp, sharp} from "./paint.js";

const NUDGE = 0.01;  // what a nudge adds to a weight

export class Inspector {
  /** `ask(message)` asks the session; `choose(target)`, `example(which)` and `weight(target, value)` are called by its buttons; `nudge(target, by)` returns what a nudge did. */
  constructor({ask, choose, example, weight, nudge}) {
    Object.assign(this, {ask, choose, chooseExample: example, nudge, nudged: null});
    this.box = at("inspector");
    this.target = null;
    this.example = null;
    this.count = {training: 0, held_out: 0};
    this.refresh = inTurn(() => this.#look());  // ask again: the numbers have moved on
    this.turn = inTurn((target, value) => weight(target, value));
    this.empty();
  }

  /** Inspect nothing. */
  empty() {
    this.target = null;
    this.box.hidden = true;
    this.box.replaceChildren();
  }

  recolor() {
    if (this.target) this.refresh();
  }

  /** The run has moved on: what a nudge did is no longer about these numbers. */
  forget() {
    this.nudged = null;
  }

  /** Show a target: {layer, neuron} or {layer, neuron, input}, where input null is the bias; {what: "example"} for the whole example. */
  show(target) {
    this.target = target;
    return this.refresh();
  }

  async #look() {
    const {target} = this, example = this.example ?? undefined;
    if (!target) return;
    const what = target.what ?? (target.layer < 0 ? "example" : "input" in target && target.input !== undefined ? "weight" : "neuron");
    try {
      const reply = await this.ask({do: "inspect", what, ...(what === "example" ? {} : {layer: target.layer, neuron: target.neuron}), ...(what === "weight" ? {input: target.input} : {}), example});
      if (this.target !== target) return;
      if (what === "neuron") this.#neuron(reply);
      else if (what === "weight") this.#weight(reply);
      else this.#example(reply);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#put("Inspector", [make("p", {text: error.message})]);
    }
  }

  /** Show this content. Elements with the same title are updated in place; otherwise they are replaced, and the focus stays on the same key. */
  #put(title, content) {
    const close = make("button", {type: "button", class: "quiet", text: "Close", "data-key": "close", onclick: () => { this.choose(null); this.empty(); }});
    const next = make("div", {}, make("div", {class: "head"}, make("h2", {id: "inspector-title"}, title), make("div", {class: "row"}, this.#stepper(), close)), ...content);
    this.box.hidden = false;
    if (this.box.querySelector("#inspector-title")?.textContent === title) update(this.box.firstElementChild, next);
    else {
      const key = this.box.contains(document.activeElement) ? document.activeElement.dataset.key : null;
      this.box.replaceChildren(next);
      this.box.scrollTop = 0;
      if (key) this.box.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({preventScroll: true});
    }
    for (const canvas of this.box.querySelectorAll("canvas")) canvas.paint(canvas);
  }

  /** The current example, with buttons for the previous and the next one. */
  #stepper() {
    const {of = "training", index = 0} = this.shown ?? {};
    if (of === "drawn") return make("span", {class: "hint", text: "for the drawn digit"});
    const move = by => {
      const {of: part = "training", index: here = 0} = this.shown ?? {}, count = this.count[part] ?? 0;
      this.chooseExample({of: part, index: (here + by + count) % count});
    };
    return make("span", {class: "row"},
      make("button", {type: "button", text: "‹", "aria-label": "previous example", "data-key": "before", onclick: () => move(-1)}),
      make("button", {type: "button", class: "quiet", "data-key": "example", onclick: () => this.choose({what: "example"})}, `${of === "held_out" ? "test example" : "example"} ${index}`),
      make("button", {type: "button", text: "›", "aria-label": "next example", "data-key": "after", onclick: () => move(1)}));
  }

  #link(text, target) {
    return make("button", {type: "button", class: "link", "data-key": text, "data-target": JSON.stringify(target), text, onclick: event => this.#follow(event)});
  }

  #follow({currentTarget}) {
    this.choose(JSON.parse(currentTarget.dataset.target));
  }

  #neuron(reply) {
    this.shown = reply.example;
    const {layer, neuron} = this.target, terms = reply.terms.map(term => ({...term,
      weight: this.#link(term.weight, {layer, neuron, input: lastIndex(term.weight)}),
      input: layer > 0 ? this.#link(term.input, {layer: layer - 1, neuron: lastIndex(term.input)}) : pretty(term.input)}));
    const bias = {...reply.bias, name: this.#link(reply.bias.name, {layer, neuron, input: null})};
    const sumTable = termsTable({terms, others: reply.others, bias, sum: reply.sum});

    const curve = make("canvas", {class: "curve", role: "img", "aria-label": `${reply.formula} with its tangent at ${number(reply.sum.value)}`});
    const activation = card("Activation", make("div", {class: "body"}, curve, make("div", {},
      make("p", {class: "hint"}, "f(x) = ", make("code", {text: reply.formula})),
      equation(reply.name, " = f(", figure(reply.sum.value), ") = ", figure(reply.activation, 5, "result activation")),
      equation("slope f′(", figure(reply.sum.value), ") = ", figure(reply.slope, 5, "result slope")))));
    const delta = this.#delta(reply), pictures = reply.weights ? [this.#picture(reply)] : [];
    activation.classList.add("activation-card");
    const sum = card("Weighted sum", make("div", {class: "scroll", tabindex: terms.length > 10 ? 0 : null}, sumTable));
    curve.paint = canvas => drawFunctions(canvas, {xs: reply.curve.x, most: 8, functions: [
      {values: reply.curve.slope.map(orNaN), color: palette().now, dash: [6, 3]},
      {values: reply.curve.f.map(orNaN), color: palette().ink},
    ], point: {x: reply.sum.value, y: reply.activation, slope: reply.slope}});
    this.#put(`Neuron ${reply.name}`, [make("div", {class: "cards"}, ...pictures, sum, activation, delta)]);
  }

  /** The weights of a neuron that sees a picture, as a picture. */
  #picture({weights, shapes: {weights: [height, width]}, name}) {
    const canvas = make("canvas", {class: "weights", role: "img", "aria-label": `the weights of ${name} as a picture; the table below lists the largest ones`});
    canvas.paint = shown => paintMap(shown, weights, width, height, largest(weights), ramp(palette()));
    canvas.addEventListener("click", ({clientX, clientY, currentTarget}) => {
      const {left, top, width: across, height: down} = currentTarget.getBoundingClientRect();
      const [row, column] = [(clientY - top) / down * height, (clientX - left) / across * width].map(Math.floor);
      this.choose({layer: 0, neuron: this.target.neuron, input: row * width + column});
    });
    return card("Weight of each pixel", canvas, make("p", {class: "hint", text: "blue = positive, orange = negative; click a pixel to inspect its weight"}));
  }

  #delta({wish, slope, delta, name, sum}) {
    const above = `∂C/∂${name}`, parts = [];
    if (wish.parts) {
      const rows = wish.parts.map(part => ({...part,
        name: this.#link(part.neuron, {layer: this.target.layer + 1, neuron: lastIndex(part.neuron)}), value: part.delta,
        by: this.#link(part.weight, {layer: this.target.layer + 1, neuron: lastIndex(part.neuron), input: this.target.neuron}), factor: part.value}));
      const table = productsTable(["from", "#delta", "×", "weight", "", "", "#product", ""], rows, [{words: [above], value: wish.value, result: ""}]);
      parts.push(make("div", {class: "scroll", tabindex: rows.length > 11 ? 0 : null}, table));
    } else parts.push(equation(`${above} = `, figure(wish.value), ", directly from the cost"));
    return card("Backward: delta, the error signal", ...parts,
      equation("δ = ", `∂C/∂${sum.name} = `, figure(wish.value), " × ", figure(slope), " = ", figure(delta, 5, "result delta")),
      make("p", {class: "hint", text: delta ? `+${NUDGE} here ${delta > 0 ? "raises" : "lowers"} the cost by ${Number((NUDGE * Math.abs(delta)).toPrecision(2))}` : "a small change here does not change the cost"}));
  }

  #weight(reply) {
    this.shown = reply.example;
    const {layer, neuron, input} = this.target, {rule} = reply;
    const isBias = input === null, slider = make("input", {type: "range", min: -4, max: 4, step: 0.01, value: reply.value, "aria-label": `set ${reply.name}`, "data-key": "slider"});
    const typed = make("input", {type: "number", step: "any", value: Number(reply.value.toPrecision(6)), "aria-label": `${reply.name} as a number`, "data-key": "typed"});
    slider.addEventListener("input", () => { typed.value = slider.value; this.turn(this.target, Number(slider.value)); });
    typed.addEventListener("change", () => { if (typed.value !== "" && Number.isFinite(Number(typed.value))) this.turn(this.target, Number(typed.value)); });
    const cards = [
      card("Value", equation(`${reply.name} = `, figure(reply.value, 6, "result weight"), " ", make("button", {type: "button", class: "primary", "data-key": "nudge", text: `Nudge it: +${NUDGE}`, onclick: () => this.#nudge()})),
        ...this.#nudgeLines(),
        make("div", {class: "weight-by-hand"}, slider, typed),
        make("p", {class: "hint", text: "Move the slider and watch the predictions. “Back” undoes the change."})),
      card(isBias ? "Gradient: the error signal" : "Gradient: error signal × input",
        equation(`∂C/∂${reply.name} = δ of `, this.#link(`a[${layer},${neuron}]`, {layer, neuron}), " × ", isBias ? "1" : pretty(rule.input), " = ", figure(rule.delta), " × ", figure(rule.activation), " = ", figure(reply.gradient, 5, "result gradient")),
        make("p", {class: "why", "data-verdict": reply.why.verdict, text: reply.why.text})),
      this.#wishes(reply),
      ...updateCard(reply),
      ...reply.paths ? [this.#paths(reply)] : [],
    ];
    this.#put(`${isBias ? "Bias" : "Weight"} ${reply.name}`, [make("div", {class: "cards"}, ...cards)]);
  }

  async #nudge() {
    const {target} = this, nudge = await this.nudge(target, NUDGE);
    if (!nudge || this.target !== target) return;
    this.nudged = {target, nudge};
    this.refresh();
  }

  /** What the last nudge of this weight did: predicted and actual changes of the costs, and the outputs. */
  #nudgeLines() {
    if (this.nudged?.target !== this.target) return [];
    const {all, one, outputs, example} = this.nudged.nudge, name = example.of === "drawn" ? "the drawn digit" : `example ${example.index}`;
    const line = (of, {predicted, before, after}) => make("p", {class: "equation nudged"}, `cost of ${of}: `, figure(before, 4), " → ", figure(after, 4), ", changed by ", figure(after - before, 3, "actual"), ", predicted ", figure(predicted, 3, "predicted"));
    const most = outputs.before.map((value, index) => [Math.abs(outputs.after[index] - value), index]).sort((a, b) => b[0] - a[0])[0][1];
    return [line("the training examples", all), line(name, one), make("p", {class: "equation nudged"}, `output${outputs.before.length > 1 ? ` ${most}` : ""} for ${name}: `, figure(outputs.before[most], 5), " → ", figure(outputs.after[most], 5))];
  }

  #paths(reply) {
    const whole = card(`The chain rule: ${reply.count} to the cost`, make("div", {class: "scroll", tabindex: 0}, make("table", {}, make("tbody", {},
      ...reply.paths.map(path => make("tr", {}, make("td", {}, make("span", {class: "equation"}, ...path.factors.flatMap((factor, index) => [index ? " · " : "", make("span", {class: "hint", text: `${factor.name} `}), figure(factor.derivative, 3)]))), make("td", {class: "number"}, "= ", figure(path.product)))),
      reply.rest ? make("tr", {}, make("td", {text: "all other paths"}), make("td", {class: "number"}, figure(reply.rest))) : null,
      make("tr", {class: "sum"}, make("td", {text: `sum = ∂C/∂${reply.name}`}), make("td", {class: "number"}, figure(reply.gradient)))))));
    whole.classList.add("whole");
    return whole;
  }

  /** A bar for the nudge of each example, up or down, and their average. */
  #wishes({wishes, average, examples, penalty, total, name}) {
    const sums = [
      equation("average of ", String(examples), " nudges = ", figure(average, 5, "result average")),
      equation(`gradient of the whole cost = ${penalty ? "penalty − average = " : "− average = "}`, figure(total, 5, "total")),
    ];
    if (!wishes) return card("Nudges", ...sums);
    const canvas = make("canvas", {class: "curve", role: "img", "aria-label": `nudges of ${wishes.length} examples for ${name}: ${wishes.filter(each => each.wish > 0).length} up, ${wishes.filter(each => each.wish < 0).length} down, average ${number(average)}`});
    this.wishes = wishes;
    canvas.addEventListener("click", ({clientX, currentTarget}) => {
      const each = this.wishes[Math.floor((clientX - currentTarget.getBoundingClientRect().left) / currentTarget.clientWidth * this.wishes.length)];
      if (each) this.chooseExample({of: "training", index: each.index});
    });
    canvas.paint = shown => this.#paintWishes(shown, wishes, average);
    return card("Nudges: how each example would change it", canvas, ...sums);
  }

  #paintWishes(canvas, wishes, average) {
    const {context, width, height} = sharp(canvas), colors = palette(), most = largest(wishes.map(each => each.wish)) || 1, room = width / wishes.length, middle = height / 2;
    wishes.forEach((each, index) => {
      const rise = each.wish / most * (middle - 4);
      context.fillStyle = colors.classes[each.class % 8] ?? colors.line;
      context.globalAlpha = this.shown?.of === "training" && this.shown.index === each.index ? 1 : 0.6;
      context.fillRect(index * room, Math.min(middle, middle - rise), Math.max(1, room - 0.6), Math.abs(rise));
    });
    context.globalAlpha = 1;
    context.fillStyle = colors.line;
    context.fillRect(0, middle, width, 1);
    context.setLineDash([5, 3]);
    context.strokeStyle = colors.now;
    context.lineWidth = 2;
    context.strokeRect(0, middle - average / most * (middle - 4), width, 0);
  }

  #example(reply) {
    this.shown = reply.example;
    const colors = palette(), cards = [
      card("Target and prediction",
        equation("target ", Array.isArray(reply.target) ? `class ${reply.class}` : figure(reply.target), ...reply.class === null ? [", prediction ", figure(reply.prediction)] : [", predicted class ", String(reply.prediction)]),
        equation("outputs ", ...reply.layers.at(-1).a.flatMap((value, index) => [index ? ", " : "", figure(value)])),
        reply.probabilities ? equation("probabilities ", ...reply.probabilities.flatMap((value, index) => [index ? ", " : "", figure(value, 3)])) : null,
        equation("cost of this example ", figure(reply.cost, 5, "result cost")),
        equation("nudges of the outputs ", ...reply.output_wishes.flatMap((value, index) => [index ? ", " : "", figure(value)]))),
    ];
    reply.layers.forEach((layer, depth) => cards.push(card(depth === reply.layers.length - 1 ? "Outputs" : `Layer ${depth}`, make("div", {class: "scroll"}, make("table", {},
      head("neuron", "#sum z", "#a = f(z)", "#slope", "#delta"),
      make("tbody", {}, ...layer.z.map((z, neuron) => make("tr", {}, make("td", {}, this.#link(`a[${depth},${neuron}]`, {layer: depth, neuron})), ...[z, layer.a[neuron], layer.slope[neuron], layer.delta[neuron]].map(value => make("td", {class: "number"}, figure(value, 3)))))))))));
    if (reply.weight_wishes) cards.unshift(wishPictures(reply, colors, event => this.#follow(event)));
    this.#put(this.shown?.of === "drawn" ? "Drawn digit" : "Example", [make("div", {class: "cards"}, ...cards)]);
  }
}

/** Pictures of the nudges of one digit: of the first layer's weights, and of the pixels. */
function wishPictures(reply, colors, follow) {
  const shades = ramp(colors), [neurons, height, width] = reply.shapes.weight_wishes, size = height * width;
  const most = largest(reply.weight_wishes);
  const picture = (values, limit, words, neuron = null) => {
    const canvas = make("canvas", {role: "img", "aria-label": words});
    canvas.paint = shown => paintMap(shown, values, width, height, limit, shades);
    return make("figure", neuron === null ? {} : {"data-target": JSON.stringify({layer: 0, neuron}), onclick: follow}, canvas, make("figcaption", {text: words}));
  };
  const box = card("Nudges of this example for the first layer's weights",
    make("div", {class: "pictures"}, picture(reply.pixel_wishes, largest(reply.pixel_wishes), "pixels"), ...Array.from({length: neurons}, (_, neuron) => picture(reply.weight_wishes.subarray(neuron * size, (neuron + 1) * size), most, `a[0,${neuron}]`, neuron))),
    make("p", {class: "hint", text: "blue = increase, orange = decrease"}));
  box.classList.add("whole");
  return box;
}

/** How the last step changed a weight, a line for each part. */
function updateCard({update: last, name}) {
  if (!last) return [];
  const {step, examples, batch, penalty, clipped, gradient, optimizer, momentum, nesterov, direction, rate, old, new: now, change} = last;
  const row = (words, value, className = "") => make("tr", {}, make("td", {text: words}), make("td", {class: "number"}, figure(value, 5, className)));
  const rows = [
    row(`gradient, the average of ${examples} ${examples === 1 ? "example" : "examples"}`, batch),
    penalty ? row("+ penalty", penalty) : null,
    clipped < 1 ? row("gradient after clipping: × ", clipped) : null,
    penalty || clipped < 1 ? row("= gradient", gradient) : null,
    ...(direction === null ? [] : optimizer === "adam" ? [row("Adam: running average ÷ its size", direction)] : momentum ? [
      row(nesterov ? `Nesterov momentum: ${number(momentum)} × the new velocity` : `momentum: ${number(momentum)} × the last velocity`, direction - gradient, "momentum"),
      row(nesterov ? "= direction" : "= velocity", direction, "direction"),
    ] : []),
    row("× −learning rate", -rate),
    row("= change", change, "result change"),
    row(`old ${name}`, old),
    row(`new ${name}`, now, "result"),
  ];
  return [card(`Why it moved in step ${step}`, make("table", {class: "update"}, make("tbody", {}, ...rows.filter(Boolean))))];
}

const orNaN = value => value ?? NaN;
const lastIndex = name => Number(name.match(/(\d+)\]$/)?.[1] ?? 0);
const card = (title, ...content) => make("div", {class: "card"}, make("h3", {text: title}), ...content);

const equation = (...parts) => make("p", {class: "equation"}, ...parts);
