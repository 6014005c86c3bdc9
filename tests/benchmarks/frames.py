"""A frame of the playground: 2-16-16-1 takes 7 steps, tells its costs, and draws 33 maps of 50 x 50 and a boundary of 100 x 100."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import numpy as np

from playground import Session
from playground.experiment import Experiment
from tests.benchmarks import by_hand
from tests.benchmarks.page import page
from tests.benchmarks.race import race, ratio, rows, seconds, table

STEPS, MAP, BOUNDARY = 7, 50, 100
ASKS = {
    "a frame": {"steps": STEPS, "maps": MAP, "boundary": BOUNDARY},
    f"{STEPS} steps": {"steps": STEPS},
    f"33 maps of {MAP}": {"maps": MAP},
    f"boundary of {BOUNDARY}": {"boundary": BOUNDARY},
    "its costs alone": {},
}


class Frames:
    """What a session's frame takes by numpy alone: the steps, what is measured and what is drawn of an experiment, as bytes."""

    def __init__(self, experiment: Experiment) -> None:
        problem, sizes, plane = experiment.problem, experiment.model.sizes, experiment.problem.plane
        assert plane is not None
        self.rng = np.random.default_rng(0)
        chosen = experiment.configuration
        self.rate, self.momentum, batch = chosen.rate, chosen.optimizer["momentum"], chosen.batch_size or len(problem.training)
        self.parts = [(part.X, part.y.astype(float), by_hand.Scores(sizes, len(part))) for part in (problem.training, problem.held_out)]
        self.batch = by_hand.Scores(sizes, batch)
        self.batch.set(experiment.layout.gather())
        self.velocity = np.zeros_like(self.batch.gradient)
        self.x, self.y = np.empty((batch, sizes[0])), np.empty(batch)
        self.order, self.place = self.rng.permutation(len(problem.training)), 0
        self.cells = {side: plane.cells(side).astype(np.float32) for side in (MAP, BOUNDARY)}
        self.drawn = {side: by_hand.Scores(sizes, side * side, np.float32) for side in (MAP, BOUNDARY)}
        self.maps = np.concatenate([self.cells[MAP].T, np.empty((sum(sizes[1:]), MAP * MAP), np.float32)])

    def step(self) -> None:
        """A mini-batch's, with momentum."""
        X, y, _ = self.parts[0]
        if self.place + len(self.x) > len(self.order):
            self.order, self.place = self.rng.permutation(len(X)), 0
        chosen = self.order[self.place : self.place + len(self.x)]
        self.place += len(self.x)
        X.take(chosen, axis=0, out=self.x, mode="clip")
        y.take(chosen, out=self.y, mode="clip")
        self.batch.value_and_gradient(self.x, self.y)
        np.multiply(self.velocity, self.momentum, out=self.velocity)
        np.add(self.velocity, self.batch.gradient, out=self.velocity)
        np.multiply(self.velocity, self.rate, out=self.batch.update)
        np.subtract(self.batch.parameters, self.batch.update, out=self.batch.parameters)

    def measured(self) -> list[tuple[float, float]]:
        """The mean cost and the accuracy over the training and the held-out examples."""
        found = []
        for X, y, network in self.parts:
            network.take(self.batch)
            scores = network.activate(X)
            found.append((network.cost(y), float(((scores > 0) == (y > 0)).mean())))
        return found

    def draw(self, side: int) -> by_hand.Scores:
        network = self.drawn[side]
        network.take(self.batch)
        network.activate(self.cells[side])
        return network

    def frame(self, steps: int = 0, maps: int = 0, boundary: int = 0) -> bytes:
        """The costs and the arrays of a frame, the boundary first."""
        for _ in range(steps):
            self.step()
        content = [json.dumps(self.measured()).encode()]
        if boundary:
            content.append(self.draw(boundary).activations[2].tobytes())
        if maps:
            start = self.cells[maps].shape[1]
            for each in self.draw(maps).activations:
                self.maps[start : start + each.shape[1]] = each.T
                start += each.shape[1]
            content.append(self.maps.tobytes())
        return b"".join([*content, self.batch.parameters.tobytes(), self.batch.gradient.tobytes()])


def asking(session: Session, **what: int) -> Callable[[], object]:
    """What asks a session for a frame as the page does."""
    message = json.dumps({"do": "frame", **what, "parameters": True, "gradient": True})
    return partial(session.handle, message)


def playground() -> None:
    columns = {}
    for name, what in ASKS.items():
        session = Session()
        session.handle('{"do": "run"}')
        by_numpy = Frames(session.experiment)
        columns[name] = race({"numpy by hand": partial(by_numpy.frame, **what), "Session.handle": asking(session, **what)})
    table("playground, 2-16-16-1", columns, baseline="numpy by hand")
    times = columns["a frame"]
    body = [[name, seconds(each), f"{1 / each:.0f}", ratio(each / times["numpy by hand"])] for name, each in times.items()]
    rows(["a frame", "time", "frames a second", "times numpy by hand"], body)
    page()
