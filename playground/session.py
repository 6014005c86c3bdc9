r"""The session: all that the playground does, without a socket, a thread or a page. A message comes in, its reply goes out.

The protocol
============

`Session().handle(text)` takes one message, a JSON object, and returns one reply: a `str`, which is a JSON object, or `bytes`,
a packet (below) where the reply has arrays. There is exactly one reply to each message, in the order of the messages, and none
without one: the page asks for each frame, so a slow page never falls behind. A message has `do`, and may have `id`, a whole
number or a short string, which its reply repeats. A reply has `is`. JSON is strict, both ways: a number that is not finite is
`null`. Numbers are float64 in the shortest form that reads back the same, so they are the engine's to the last bit.

Layers are counted from 0, the first hidden layer, to the output layer; neurons, inputs and examples from 0 too. Parameters
are in the order of `model.parameters()`: layer by layer, neuron by neuron, its weights and then its bias. Names are those of
`chain_rule`: `w[0,3,2]` is the weight of layer 0, neuron 3, input 2; `b[0,3]` its bias, `z[0,3]` its weighted sum, `a[0,3]`
its activation. `C` is the cost of one example, penalties left out.

Any message can be answered by an error, with everything as it was before (a field or a position where one can be named):

    {"is": "error", "id": 7, "problem": "...", "field": "activations[1]", "position": 4}

`position` is that of a character in a formula (0-based, may be its length), to put a caret under; `field` is the path to the
part of the message that is wrong. Both are absent where they make no sense. `problem` is one sentence to show as it is, in one line.

Packets
-------

    4 bytes   "NDG1"
    4 bytes   uint32, little-endian: H, the length of the header, a multiple of 8
    H bytes   the reply as JSON in UTF-8, filled up with spaces; it has "arrays": [[name, type, shape, offset], ...]
    ...       the arrays, little-endian, row by row, at their offsets from the start of the packet, each a multiple of 8

The type is "float32", "float64" or "uint8". So `new Float32Array(buffer, offset, count)` is an array without a copy.

hello
-----

    {"do": "hello"}
    {"is": "hello", "version": 1, "defaults": CONFIGURATION, "data": [{"name": "moons", "classes": [2, 2]}, ...],
     "features": ["x1", ...], "costs": [...], "optimizers": [...], "schedules": [...], "activations": ["tanh", ...],
     "functions": ["abs", ...], "constants": ["e", "pi"], "limits": {"message": 2000000, "rows": 5000, ...}}

`data[].classes` are the fewest and the most that can be asked for. `activations` are formulas to offer; any formula is taken.

configure
---------

    {"do": "configure", "configuration": CONFIGURATION}
    {"is": "configured", "configuration": COMPLETE, "layers": [2, 16, 16, 1], "inputs": ["x1", "x2"], "classes": ["0", "1"],
     "parameters": 337, "steps_per_epoch": 7, "examples": {"training": 140, "held_out": 60}, "plane": PLANE or null,
     "points": {"training": POINTS, "held_out": POINTS} or null, "because": "line 1 is the header: ..." (a CSV's)}

Makes the data and a new network, and is paused at step 0. A CONFIGURATION has any of these; what is left out is as shown:

    "data": {"name": "moons", "n": 200, "noise": 0.1, "classes": 2}     moons, circles, xor: 2 classes; spirals, blobs: 2 to 6
            {"name": "digits", "n": 1000}                               784 pixels, 10 classes
            {"name": "points", "X": [[x, y], ...], "y": [0, 1, ...]}    painted; classes 0 ... 5
            {"name": "csv", "text": "...", "target": null}              a column's name, or null: the last one
    "held_out": 0.3            the share of examples kept for validation, 0 to 0.9
    "features": ["x1", "x2"]   of "x1", "x2", "x1^2", "x2^2", "x1*x2", "sin(4*x1)", "sin(4*x2)"; digits and csv have their own
    "layers": [16, 16]         neurons of each hidden layer; [] is allowed. The outputs: 1 for two classes, else one a class
    "activations": ["tanh(x)", "tanh(x)"]    a formula for each hidden layer; one alone, as a string, is meant for all
    "output_activation": "x"   "x" is none; cross_entropy takes no other
    "cost": "cross_entropy"    "squared_error", "cross_entropy", "hinge"
    "optimizer": {"name": "sgd", "momentum": 0.9, "nesterov": false}  or  {"name": "adam"}
    "rate": 0.1
    "schedule": {"name": "constant"}, {"name": "step_decay", "factor": 0.5, "every": 10}, {"name": "inverse_time", "decay": 0.1}
                or {"name": "cosine", "epochs": 100}
    "batch_size": 20           null: all
    "l1": 0, "l2": 0           times the sum of |w|, and of w², over all weights (not the biases), is added to each example's cost
    "clip": null               the largest norm of the gradient, 1e-9 or more
    "seed": 0                  of data, network and order
    "parameters": null         numbers to begin with, for all parameters, instead of random ones

COMPLETE has every field, so that it can be kept in a link. PLANE is {"x": [low, high], "y": [low, high], "axes": ["x1", "x2"]}; of a CSV
with more columns the first two are drawn, and the others are at their mean; its columns are standardized. POINTS is
{"x": [...], "y": [...], "class": [...]}, drawn coordinates; for digits plane and points are null. Of painted points the plane is a square
around 0 that reaches 1.5 each way, or as far as they do. There may be none, to begin with: a network without a run, whose frames have
`null` for costs, and that cannot be run, stepped or inspected. Where the share to hold out of a few examples is none, none is.

set
---

    {"do": "set", "rate": 0.03, ...}
    {"is": "set", "configuration": COMPLETE}

Goes on with other settings, from the next step on: any of rate, schedule, optimizer, batch_size, clip, l1, l2, cost, activations,
output_activation. The parameters, the step and the history stay; `back` undoes it. Refused, with a sentence that names the neuron,
where an activation has no value at what it would meet.

run, pause, frame
-----------------

    {"do": "run"}, {"do": "pause"}
    {"is": "running" or "paused", "step": 120}                   (refused where there are no examples)

    {"do": "frame", "steps": 7, "boundary": 100, "maps": 50, "parameters": true, "gradient": false}
    {"is": "frame", MOMENT, "arrays": [...]}                     (always a packet)

While running, a frame first takes up to `steps` steps (0 to 1000; it takes fewer where they last longer than a tenth of a second,
but one at least). MOMENT is in each reply that tells of the run's state:

    "step": 120, "epoch": 17.14, "running": true,
    "cost": 0.21, "held_out_cost": 0.25, "penalty": 0.0, "accuracy": 0.93, "held_out_accuracy": 0.91,
    "rate": 0.1, "gradient_norm": 0.4, "can_go_back": true, "stopped": null

Costs are means over all the training or held-out examples with the parameters of this moment, penalties left out, and `penalty` is
what L1 and L2 add to each; null where nothing is held out. `rate` and `gradient_norm` are those of the last step, null before.
`stopped` is null, or why the run has paused of its own accord, in this reply alone: {"problem": "training diverged ...",
"neuron": [1, 3] or null, "example": 12 or null}; the parameters are then the last ones that gave finite numbers. A neuron is
named where its activation has no value at a weighted sum that it met.

The arrays, those that were asked for:

    "boundary"    float32 (outputs, g, g)  the outputs over the plane; g as asked, 8 to 200; 0: not wanted
    "maps"        float32 (neurons, m, m)  the activations of all neurons over the plane, layer by layer; m 8 to 100; 0: not wanted
    "parameters"  float64 (parameters,)
    "gradient"    float64 (parameters,)    the one that the last step went by, 0 before the first

Row 0 is the top of the plane, and an entry belongs to the middle of its cell. One output is above 0 for class 1; of several, the largest
is the class. Where there is no plane, boundary and maps are left out.

step, back
----------

    {"do": "step", "by": "example" or "step" or "epoch", "count": 1}
    {"is": "stepped", MOMENT}                                              by step (count up to 1000) or epoch (count 1)
    {"is": "stepped", MOMENT, "example": EXAMPLE, "left": 12}              by example; `left` in this mini-batch, before its update

Pauses, and moves on. By example looks at the next example of the mini-batch: the parameters stay, until the last of them makes the
update, bit for bit the one that a step makes; then `left` is 0. EXAMPLE is what `inspect` an example gives (of a digit in a packet); where
the update diverges there is none, and `stopped` says why.

    {"do": "back"}
    {"is": "back", MOMENT, "configuration": COMPLETE}

Pauses, and is as it was before the last frame with steps, step, set or weight; several writes to one weight at the same step count as
one. Some hundred such moments are remembered.

inspect
-------

`example` says which: {"of": "training" or "held_out", "index": 5}, or {"of": "drawn"}, the last drawn digit; left out, the training
example that was looked at last. Each reply has it as "example".

    {"do": "inspect", "what": "example", "example": ...}
    {"is": "example", "example": ..., "x": [...], "target": 1, "class": 1, "prediction": 0, "cost": 0.7,
     "layers": [{"z": [...], "a": [...], "slope": [...], "delta": [...]}, ...], "outputs": [...], "output_wishes": [...],
     "probabilities": [0.4, 0.6] or null, "gradient": [...]}

`target` is what the cost is given: a number or a list; `class` the true class. delta is ∂C/∂z. `output_wishes` are -∂C/∂a of the
outputs, `gradient` is that of this cost by all parameters. Of a digit it is a packet, without "x" and with

    "pixels"         float32 (28, 28)
    "weights"        float32 (neurons, 28, 28)   the first layer's
    "weight_wishes"  float32 (neurons, 28, 28)   how this example would like them to change
    "pixel_wishes"   float32 (28, 28)            how it would like the pixels to
    "gradient"       float64 (parameters,)

    {"do": "inspect", "what": "neuron", "layer": 1, "neuron": 3, "example": ...}
    {"is": "neuron", "example": ..., "name": "a[1,3]",
     "terms": [{"weight": "w[1,3,0]", "value": -0.5, "input": "a[0,0]", "activation": 0.9, "product": -0.45}, ...],
     "bias": {"name": "b[1,3]", "value": 0.1}, "sum": {"name": "z[1,3]", "value": 0.3}, "formula": "tanh(x)", "activation": 0.29,
     "slope": 0.91, "curve": {"x": [...], "f": [...], "slope": [...]},
     "wish": {"value": 0.2, "parts": [{"neuron": "z[2,0]", "delta": 0.4, "weight": "w[2,0,3]", "value": 0.5, "product": 0.2}, ...]},
     "delta": 0.18}

The sum is of the terms' products and the bias. `wish.value` is ∂C/∂a, the sum of what the neurons of the next layer ask for, each
its delta times the weight to it; of an output `parts` is null, as it comes from the cost itself. delta = wish.value * slope. An input is
named "x1" and so on, as in `inputs`. Terms beyond the 50 with the largest products are left out: `others` is {"count": 734, "sum": 0.02}.
The curve is of the activation and its derivative around this z, 121 points, null where they have no value.

    {"do": "inspect", "what": "weight", "layer": 1, "neuron": 3, "input": 2 or null for the bias, "example": ...}
    {"is": "weight", "example": ..., "name": "w[1,3,2]", "index": 57, "value": 0.5, "gradient": 0.12,
     "count": "16 paths", "paths": [{"product": 0.1, "factors": [{"name": "∂C/∂a[2,0]", "derivative": 0.4}, ...]}, ...], "rest": 0.0,
     "rule": {"delta": -0.2, "activation": -0.6, "input": "a[0,2]"},
     "why": {"verdict": "ordinary", "text": "..."},
     "wishes": [{"index": 5, "class": 1, "wish": -0.12}, ...], "average": 0.03, "examples": 140, "penalty": 0.0, "total": -0.03}

`gradient` is ∂C/∂w of this example: delta of the neuron times the activation that the weight meets (`rule`; 1 for a bias), or the sum
over the paths, the ten largest one by one (the largest first) and the `rest`; between C and the outputs the names are words of the
cost's formula, such as `error²`. `why` says it in words, with the verdict "zero", "tiny", "huge", "ordinary", "cancelled", "nan",
"infinite" or "unconnected". A wish is minus an example's gradient: `wishes` are those of up to 200 training examples, spread evenly,
and `average` the mean over all of them; `total` = penalty - average is the gradient of the whole cost by this weight.

weight
------

    {"do": "weight", "layer": 1, "neuron": 3, "input": 2 or null, "value": 0.5}
    {"is": "weighted", MOMENT}

Sets a weight, or a bias, by hand.

draw
----

    {"do": "draw", "pixels": [784 numbers from 0 (paper) to 1 (ink), row by row], "target": 3 or null, "centre": true}
    {"is": "drawn", what an example has}                         (a packet)

What the network makes of a digit: its activations, and the cost of "it should have said `target`" (null: what it says). With
`centre` the ink is moved to the middle first; "pixels" are what the network has seen. Only where the data are digits.

formula
-------

    {"do": "formula", "text": "x * sigmoid(x)", "from": -5, "to": 5, "points": 201}
    {"is": "formula", "text": "x * sigmoid(x)", "x": [...], "f": [...], "first": [...], "second": [...]}

A formula with its first two derivatives, sampled for drawing while it is typed, null where they have no value. Nothing changes.

source, save
------------

    {"do": "source"}
    {"is": "source", "text": "import numpy as np\n..."}          the numpy program of this very network's cost and gradient

    {"do": "save", "what": "weights" or "script" or "page"}
    {"is": "saved", "name": "nudge-moons.npz", "type": "application/octet-stream", "arrays": [["content", "uint8", [n], offset]]}

Always a packet. Weights are what `MLP.load` reads; the script is Python that makes the same data and network, and trains it to the same
numbers, by way of the same changes; the page is the playground's own in one HTML file, into which the page that asks for it puts what it
has been replied (see page/saved.js). Nothing is written on this machine: the page hands the content to the browser to keep.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd import FUNCTIONS, grad
from nn import FormulaError, formula
from nn.data import Array
from nn.formula import CONSTANTS
from playground import configuration as configurations
from playground.bundle import page
from playground.experiment import Experiment, Stopped, source
from playground.inspector import Inspector, Which, sampled
from playground.messages import Arrays, Fields, RefusedError, as_json, packet, parsed, shown
from playground.script import script

MESSAGE = 2_000_000  # characters
STEPS = 1000  # that one message may ask for
FRAME = 0.1  # seconds that the steps of one frame may take

Reply = dict[str, Any] | tuple[dict[str, Any], Arrays]


class Session:
    """One learner's playground. `clock` tells the seconds that the steps of a frame take."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.clock = clock
        self._begin(Experiment(configurations.read({})))
        self.answers: dict[str, Callable[[Fields], Reply]] = {
            "hello": self._hello,
            "configure": self._configure,
            "set": self._set,
            "run": self._run,
            "pause": self._pause,
            "frame": self._frame,
            "step": self._step,
            "back": self._back,
            "inspect": self._inspect,
            "weight": self._weight,
            "draw": self._draw,
            "formula": self._formula,
            "source": self._source,
            "save": self._save,
        }

    def handle(self, text: str | bytes) -> str | bytes:
        """The reply to one message, which is text; see the top of this file. It never raises."""
        known: dict[str, Any] = {}
        try:
            message = parsed(text, MESSAGE)
            known = _id(message)
            reply = self._answer(message)
        except RefusedError as error:
            found = {"field": error.field or None, "position": error.position}
            reply = {"is": "error", "problem": error.problem, **{name: each for name, each in found.items() if each is not None}}
        except (ValueError, ArithmeticError) as error:
            reply = {"is": "error", "problem": " ".join(str(error).split())}
        except Exception as error:  # a mistake of ours must not end the lesson
            logging.getLogger(__name__).exception("a message could not be answered")
            reply = {"is": "error", "problem": f"this is a mistake in the playground itself: {error!r:.200}"}
        if isinstance(reply, tuple):
            return packet({**reply[0], **known}, reply[1])
        return as_json({**reply, **known})

    def _answer(self, message: dict[str, Any]) -> Reply:
        do = message.pop("do", None)
        if not isinstance(do, str) or do not in self.answers:
            raise RefusedError(f"do must be one of {', '.join(self.answers)}; got {shown(do)}", "do")
        return self.answers[do](Fields(message))

    # Settings

    def _hello(self, given: Fields) -> Reply:
        given.end()
        return {
            "is": "hello",
            "version": 1,
            "defaults": configurations.read({}).complete(),
            "data": [{"name": name, "classes": list(span)} for name, span in configurations.CLASSES.items()],
            "features": configurations.FEATURES,
            "costs": configurations.COSTS,
            "optimizers": configurations.OPTIMIZERS,
            "schedules": configurations.SCHEDULES,
            "activations": configurations.ACTIVATIONS,
            "functions": sorted(FUNCTIONS),
            "constants": sorted(CONSTANTS),
            "limits": {"message": MESSAGE, "steps": STEPS, **configurations.LIMITS},
        }

    def _configure(self, given: Fields) -> Reply:
        chosen = given.any("configuration", {})
        given.end()
        self._begin(Experiment(configurations.read(chosen)))
        problem, plane = self.experiment.problem, self.experiment.problem.plane
        parts = {"training": problem.training, "held_out": problem.held_out}
        return {
            "is": "configured",
            "configuration": self.experiment.configuration.complete(),
            "layers": self.experiment.model.sizes,
            "inputs": problem.inputs,
            "classes": problem.classes,
            "parameters": len(self.experiment.parameters),
            "steps_per_epoch": self.experiment.run.steps_left if len(problem.training) else 0,
            "examples": {name: len(part) for name, part in parts.items()},
            "plane": plane and {"x": plane.x, "y": plane.y, "axes": plane.axes},
            "points": plane and {name: {"x": part.at[:, 0], "y": part.at[:, 1], "class": part.y} for name, part in parts.items()},
            "because": problem.because,
        }

    def _begin(self, experiment: Experiment) -> None:
        self.experiment, self.inspector, self.running = experiment, Inspector(experiment), False
        self.looked: Which = {"of": "training", "index": 0}

    def _set(self, given: Fields) -> Reply:
        self.experiment.set(configurations.changed(self.experiment.configuration, given))
        return {"is": "set", "configuration": self.experiment.configuration.complete()}

    # Moving on

    def _run(self, given: Fields) -> Reply:
        given.end()
        self.experiment.require_examples()
        self.running = True
        return {"is": "running", "step": self.experiment.step}

    def _pause(self, given: Fields) -> Reply:
        given.end()
        self.running = False
        return {"is": "paused", "step": self.experiment.step}

    def _frame(self, given: Fields) -> Reply:
        steps, boundary, maps = given.whole("steps", 0, STEPS, 0), given.whole("boundary", 0, 200, 0), given.whole("maps", 0, 100, 0)
        wanted = {name: given.flag(name, False) for name in ("parameters", "gradient")}
        given.end()
        for name, side in (("boundary", boundary), ("maps", maps)):
            if 0 < side < 8:
                given.refuse(name, f"must be 0 or at least 8, got {side}")
        experiment, stopped = self.experiment, None
        if self.running and steps:
            end = self.clock() + FRAME
            stopped = experiment.advance(steps, lambda: self.clock() < end)
        arrays: Arrays = {}
        moment = self._moment(stopped)
        if experiment.problem.plane is not None:
            arrays |= {"boundary": experiment.drawn(experiment.boundary, boundary)} if boundary else {}
            arrays |= {"maps": experiment.drawn(experiment.maps, maps)} if maps else {}
        arrays |= {"parameters": experiment.layout.gather()} if wanted["parameters"] else {}
        arrays |= {"gradient": experiment.gradient} if wanted["gradient"] else {}
        return {"is": "frame", **moment}, arrays

    def _moment(self, stopped: Stopped | None = None) -> dict[str, Any]:
        """What the protocol calls MOMENT; a run that has stopped of its own accord is paused."""
        self.running = self.running and stopped is None
        why_stopped = None
        if stopped is not None:
            found = stopped.undefined
            place = {"neuron": [found.layer, found.neuron], "example": found.example} if found else {"neuron": None, "example": None}
            why_stopped = {"problem": stopped.problem, **place}
        return {**self.experiment.moment(), "running": self.running, "stopped": why_stopped}

    def _step(self, given: Fields) -> Reply:
        by = given.choice("by", ("example", "step", "epoch"), "step")
        count = given.whole("count", 1, STEPS if by == "step" else 1, 1)
        given.end()
        experiment = self.experiment
        experiment.require_examples()
        self.running = False
        if by != "example":
            stopped = experiment.advance(count) if by == "step" else experiment.to_the_end_of_the_epoch()
            return {"is": "stepped", **self._moment(stopped)}
        found = experiment.example()
        if isinstance(found, Stopped):
            return {"is": "stepped", **self._moment(found)}
        example, before = found
        which = {"of": "training", "index": example.index}
        try:
            with experiment.as_it_was(before):
                told, arrays = self.inspector.example(which)
        except ArithmeticError:
            experiment.back()
            raise
        self.looked = which
        left = 0 if example.step is not None else experiment.left
        reply = {"is": "stepped", **self._moment(), "example": told, "left": left}
        return (reply, arrays) if arrays else reply

    def _back(self, given: Fields) -> Reply:
        given.end()
        self.experiment.back()
        self.running = False
        return {"is": "back", **self._moment(), "configuration": self.experiment.configuration.complete()}

    def _weight(self, given: Fields) -> Reply:
        layer, neuron, place = self._parameter(given)
        value = given.number("value", -configurations.LARGE, configurations.LARGE)
        given.end()
        self.experiment.set_parameter(self.experiment.place_of(layer, neuron, place), value)
        return {"is": "weighted", **self._moment()}

    def _parameter(self, given: Fields) -> tuple[int, int, int | None]:
        """The layer and the neuron, and which of its inputs a weight is for; None for the bias."""
        layer, neuron = self._neuron(given)
        inputs = self.experiment.model.sizes[layer]
        return layer, neuron, None if given.any("input") is None else given.whole("input", 0, inputs - 1)

    def _neuron(self, given: Fields) -> tuple[int, int]:
        sizes = self.experiment.model.sizes
        layer = given.whole("layer", 0, len(sizes) - 2)
        return layer, given.whole("neuron", 0, sizes[layer + 1] - 1)

    # Looking inside

    def _inspect(self, given: Fields) -> Reply:
        what = given.choice("what", ("example", "neuron", "weight"), "example")
        which = self._which(given)
        if what == "example":
            given.end()
            told, arrays = self.inspector.example(which)
            reply: Reply = (told, arrays) if arrays else told
        elif what == "neuron":
            layer, neuron = self._neuron(given)
            given.end()
            reply = self.inspector.neuron(which, layer, neuron)
        else:
            place = self._parameter(given)
            given.end()
            reply = self.inspector.weight(which, *place)
        self.looked = which
        return reply

    def _which(self, given: Fields) -> Which:
        """The example that a message means, or else the one that was looked at last."""
        asked = given.any("example")
        if asked is None:
            return self.looked
        fields = Fields(asked, "example")
        of = fields.choice("of", ("training", "held_out", "drawn"), "training")
        if of == "drawn":
            fields.end()
            if self.inspector.drawn is None:
                fields.refuse("of", "is drawn, and nothing has been drawn yet")
            return {"of": "drawn"}
        part = self.experiment.part(of)
        if not len(part):
            fields.refuse("of", f"is {of}, and there are no such examples")
        index = fields.whole("index", 0, len(part) - 1, 0)
        fields.end()
        return {"of": of, "index": index}

    def _draw(self, given: Fields) -> Reply:
        pixels = np.array(given.numbers("pixels", 784, 784, 0.0, 1.0))
        target = None if given.any("target") is None else given.whole("target", 0, 9)
        centre = given.flag("centre", True)
        given.end()
        if self.experiment.configuration.data["name"] != "digits":
            raise RefusedError("drawing is for the digits: choose them as the data first")
        drawn, which = self.inspector.drawn, {"of": "drawn"}
        self.inspector.drawn = _centred(pixels) if centre else pixels, target
        try:
            told, arrays = self.inspector.example(which)
        except ArithmeticError:
            self.inspector.drawn = drawn
            raise
        self.looked = which
        return {**told, "is": "drawn"}, arrays

    def _formula(self, given: Fields) -> Reply:
        text = given.any("text")
        low, high = (given.number(name, -1e6, 1e6, default) for name, default in (("from", -5.0), ("to", 5.0)))
        points = given.whole("points", 2, 1001, 201)
        given.end()
        if not isinstance(text, str):
            given.refuse("text", f"must be a formula of x, such as tanh(x); got {shown(text)}")
        if not low < high:
            given.refuse("to", f"must be more than from, {low:g}; got {high:g}")
        try:
            f = formula(text)
        except FormulaError as error:
            raise RefusedError(error.problem, "text", error.position) from None
        x = np.linspace(low, high, points)
        return {
            "is": "formula",
            "text": text,
            "x": x,
            "f": sampled(f, x),
            "first": sampled(grad(f), x),
            "second": sampled(grad(grad(f)), x),
        }

    # Taking away

    def _source(self, given: Fields) -> Reply:
        given.end()
        return {"is": "source", "text": source(self.experiment)}

    def _save(self, given: Fields) -> Reply:
        what = given.choice("what", ("weights", "script", "page"), "weights")
        given.end()
        name = self.experiment.configuration.data["name"]
        if what == "weights":
            content, file, kind = self.experiment.saved(), f"nudge-{name}.npz", "application/octet-stream"
        elif what == "script":
            content, file, kind = script(self.experiment).encode(), f"nudge-{name}.py", "text/x-python"
        else:
            content, file, kind = page().encode(), f"nudge-{name}.html", "text/html"
        return {"is": "saved", "name": file, "type": kind}, {"content": np.frombuffer(content, dtype=np.uint8)}


def _id(message: dict[str, Any]) -> dict[str, Any]:
    """The `id` that a message wants to see again; it is taken out."""
    if "id" not in message:
        return {}
    given = message.pop("id")
    is_whole = isinstance(given, int) and not isinstance(given, bool) and abs(given) < 2**53
    if not is_whole and not (isinstance(given, str) and len(given) <= 100):
        raise RefusedError(f"id must be a whole number or up to 100 characters, got {shown(given)}", "id")
    return {"id": given}


def _centred(pixels: Array) -> Array:
    """A drawing, (784,), moved so that the ink is in the middle."""
    picture = pixels.reshape(28, 28)
    rows, columns = (np.flatnonzero(picture.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return pixels
    moves = [(27 - int(places[0]) - int(places[-1])) // 2 for places in (rows, columns)]
    return np.roll(picture, moves, axis=(0, 1)).ravel()
