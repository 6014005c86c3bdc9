"""The session: all of the playground's logic, without a socket, a thread or a page. A message comes in, and its reply goes out.

docs/reference/playground-protocol.md describes each message and its reply.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np

from playground import configuration as configurations
from playground import places
from playground.answers import answers
from playground.bundle import page, page_files
from playground.experiment import Experiment, Stopped
from playground.inspector import Inspector, sampled
from playground.lessons import FOLDER
from playground.messages import Arrays, Fields, RefusedError, Reply, as_json, identity, packet, parsed, shown
from playground.questions import asked, judged
from playground.script import script
from playground.standalone import LIBRARIES, standalone

MESSAGE = 2_000_000  # characters
STEPS = 1000  # the largest number of steps that one message may ask for
EARLIER, BYTES = 8, 2**26  # the largest number of networks to go back to, and the memory that their states and data may take
FRAME = 0.1  # seconds that the steps of one frame may take


class Session:
    """One learner's playground. `clock` returns seconds; it limits the steps of a frame."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.clock = clock
        self.earlier: list[tuple[Experiment, Inspector]] = []  # to go back to
        self.is_configured = False
        self._begin(Experiment(configurations.read({})))

    def handle(self, text: str | bytes) -> str | bytes:
        """The reply to one message. It never raises: what is wrong with a message is the reply's `problem`."""
        known: dict[str, Any] = {}
        try:
            message = parsed(text, MESSAGE)
            known = identity(message)
            reply = self._answer(message)
        except RefusedError as error:
            found = {"field": error.field or None, "position": error.position}
            reply = {"is": "error", "problem": error.problem, **{name: each for name, each in found.items() if each is not None}}
        except (ValueError, ArithmeticError) as error:
            reply = {"is": "error", "problem": " ".join(str(error).split())}
        except Exception as error:  # a bug must not end the lesson
            logging.getLogger(__name__).exception("a message could not be answered")
            reply = {"is": "error", "problem": f"this is a bug in the playground: {error!r:.200}"}
        if isinstance(reply, tuple):
            return packet({**reply[0], **known}, reply[1])
        return as_json({**reply, **known})

    def _answer(self, message: dict[str, Any]) -> Reply:
        do = message.pop("do", None)
        if not isinstance(do, str) or do not in ANSWERS:
            raise RefusedError(f"do must be one of {', '.join(ANSWERS)}; got {shown(do)}", "do")
        return ANSWERS[do](self, Fields(message))

    # Settings

    def _hello(self, given: Fields) -> Reply:
        given.end()
        return {
            "is": "hello",
            "version": 1,
            "defaults": configurations.read({}).complete(),
            "data": [{"name": name, "classes": list(span)} for name, span in configurations.CLASSES.items()],
            "features": list(configurations.FEATURES),
            "live": configurations.LIVE,
            "costs": configurations.COSTS,
            "optimizers": configurations.OPTIMIZERS,
            "schedules": configurations.SCHEDULES,
            "activations": configurations.ACTIVATIONS,
            "roles": configurations.ROLES,
            "limits": {"message": MESSAGE, "steps": STEPS, "networks": EARLIER, **configurations.LIMITS},
        }

    def _configure(self, given: Fields) -> Reply:
        chosen = given.any("configuration", {})
        given.end()
        experiment, before = Experiment(configurations.read(chosen)), (self.experiment, self.inspector)
        self._begin(experiment)
        if self.is_configured:
            self.earlier = [*self.earlier, before][-EARLIER:]
            while self._size_of_earlier() > BYTES and len(self.earlier) > 1:
                del self.earlier[0]
        self.is_configured = True
        return self._configured()

    def _size_of_earlier(self) -> int:
        """About how many bytes the earlier networks take. Networks may share their data."""
        problems = {id(old.problem): old.problem for old, _ in self.earlier}
        return sum(old.past_size for old, _ in self.earlier) + sum(problem.size for problem in problems.values())

    def _configured(self) -> dict[str, Any]:
        """What the page needs to know about a new network and its data."""
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
            "columns": problem.columns and problem.columns.described(),
        }

    def _begin(self, experiment: Experiment) -> None:
        self.experiment, self.inspector, self.running, self.frames = experiment, Inspector(experiment), False, 0

    def _set(self, given: Fields) -> Reply:
        self.experiment.set(configurations.changed(self.experiment.configuration, given))
        return {"is": "set", "configuration": self.experiment.configuration.complete()}

    # Training

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
        parameters, gradient = given.flag("parameters", False), given.flag("gradient", False)
        given.end()
        for name, side in (("boundary", boundary), ("maps", maps)):
            if 0 < side < 8:
                given.refuse(name, f"must be 0 or at least 8, got {side}")
        experiment, stopped = self.experiment, None
        if self.running and steps:
            end = self.clock() + FRAME
            stopped = experiment.advance(steps, lambda: self.clock() < end)
        self.frames += 1
        is_due = self.frames % experiment.frames_per_measurement == 0
        moment, has_plane = self._moment(stopped, is_due), experiment.problem.plane is not None
        arrays: Arrays = {}
        if boundary and has_plane:
            arrays["boundary"] = experiment.programs.boundary(boundary)
        if maps and has_plane:
            arrays["maps"] = experiment.programs.maps(maps)
        if parameters:
            arrays["parameters"] = experiment.layout.gather()
        if gradient:
            arrays["gradient"] = experiment.gradient
        return {"is": "frame", **moment}, arrays

    def _moment(self, stopped: Stopped | None = None, is_due: bool = True) -> dict[str, Any]:
        """What the protocol calls MOMENT. A run that stopped by itself is paused. A running network is measured if that is due."""
        self.running = self.running and stopped is None
        reason = None
        if stopped is not None:
            found = stopped.undefined
            place = {"neuron": [found.layer, found.neuron], "example": found.example} if found else {"neuron": None, "example": None}
            reason = {"problem": stopped.problem, **place}
        moment = self.experiment.moment(is_due or not self.running)
        return {**moment, "can_go_back": moment["can_go_back"] or bool(self.earlier), "running": self.running, "stopped": reason}

    def _step(self, given: Fields) -> Reply:
        by = given.choice("by", ("example", "step", "epoch"), "step")
        count = given.whole("count", 1, STEPS if by == "step" else 1, 1)
        given.end()
        experiment = self.experiment
        experiment.require_examples()
        self.running = False
        if by != "example":
            stopped = experiment.advance(count if by == "step" else experiment.run.steps_left)
            return {"is": "stepped", **self._moment(stopped)}
        found = experiment.example()
        if isinstance(found, Stopped):
            return {"is": "stepped", **self._moment(found)}
        example, before = found
        which = {"of": "training", "index": example.index}
        try:
            with experiment.temporarily(before):
                details, arrays = self.inspector.example(which)
        except ArithmeticError:
            experiment.back()
            raise
        self.inspector.looked = which
        left = 0 if example.step is not None else experiment.left
        reply = {"is": "stepped", **self._moment(), "example": details, "left": left}
        return (reply, arrays) if arrays else reply

    def _back(self, given: Fields) -> Reply:
        to = None if given.any("to") is None else given.whole("to", 0, 2**53)
        given.end()
        configured = None
        if to is None and not self.experiment.past and self.earlier:
            self.experiment, self.inspector = self.earlier.pop()
            configured = self._configured()
        else:
            self.experiment.back(to)
        self.running = False
        return {"is": "back", **self._moment(), "configuration": self.experiment.configuration.complete(), "configured": configured}

    def _weight(self, given: Fields) -> Reply:
        index = self.experiment.index_of(*places.weight(given, self.experiment.model.sizes))
        value = given.number("value", -configurations.LARGE, configurations.LARGE)
        given.end()
        self.experiment.set_parameter(index, value)
        return {"is": "weighted", **self._moment()}

    def _nudge(self, given: Fields) -> Reply:
        nudge = self.inspector.nudge(given)
        return {"is": "nudged", **self._moment(), "nudge": nudge}

    def _judge(self, given: Fields) -> Reply:
        verdict = judged(given, self.experiment, self.inspector.looked)
        self.running = False
        return {**verdict, **self._moment()}

    def _answers(self, given: Fields) -> Reply:
        of = given.choice("of", ("training", "held_out"), "training")
        given.end()
        reply, arrays = answers(self.experiment, of)
        return (reply, arrays) if arrays else reply

    # Files and functions

    def _formula(self, given: Fields) -> Reply:
        text = configurations.formula_in(given, "text", given.any("text"))
        low, high = (given.number(name, -1e6, 1e6, default) for name, default in (("from", -5.0), ("to", 5.0)))
        points = given.whole("points", 2, 1001, 201)
        given.end()
        if not low < high:
            given.refuse("to", f"must be more than from, {low:g}; got {high:g}")
        f, x = configurations.activation_of(text), np.linspace(low, high, points)
        return {"is": "formula", "text": text, "x": x, "f": sampled(f, x), "first": sampled(f, x, 1), "second": sampled(f, x, 2)}

    def _source(self, given: Fields) -> Reply:
        given.end()
        self.experiment.require_examples()
        return {"is": "source", "text": self.experiment.programs.source()}

    def _save(self, given: Fields) -> Reply:
        what = given.choice("what", ("weights", "script", *LIBRARIES, "page"), "weights")
        given.end()
        if what == "weights":
            content, suffix, kind = saved(self.experiment), "npz", "application/octet-stream"
        elif what == "script":
            content, suffix, kind = script(self.experiment).encode(), "py", "text/x-python"
        elif what in LIBRARIES:
            content, suffix, kind = standalone(self.experiment, LIBRARIES[what]).encode(), f"{what}.py", "text/x-python"
        else:
            files = {name: each for name, each in page_files().items() if not name.startswith(FOLDER)}  # a saved page has no lessons
            content, suffix, kind = page(files).encode(), "html", "text/html"
        name = f"nudge-{self.experiment.configuration.data['name']}.{suffix}"
        return {"is": "saved", "name": name, "type": kind}, {"content": np.frombuffer(content, dtype=np.uint8)}


def saved(experiment: Experiment) -> bytes:
    """The file that `MLP.save` writes, with the names of the classes and of the inputs, or the preprocessing of raw rows."""
    named, preprocessing = copy(experiment.model), experiment.problem.preprocessing  # with the same parameters
    named.classes, named.feature_names = experiment.problem.classes or None, experiment.problem.inputs
    if preprocessing is not None:
        named.preprocessing = preprocessing
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.npz"
        named.save(path)
        return path.read_bytes()


ANSWERS: dict[str, Callable[[Session, Fields], Reply]] = {
    "hello": Session._hello,
    "configure": Session._configure,
    "set": Session._set,
    "run": Session._run,
    "pause": Session._pause,
    "frame": Session._frame,
    "step": Session._step,
    "back": Session._back,
    "inspect": lambda session, given: session.inspector.inspect(given),
    "weight": Session._weight,
    "nudge": Session._nudge,
    "answers": Session._answers,
    "ask": lambda _, given: asked(given),
    "judge": Session._judge,
    "draw": lambda session, given: session.inspector.draw(given),
    "formula": Session._formula,
    "source": Session._source,
    "save": Session._save,
}
