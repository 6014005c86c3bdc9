"""What the network answers for many examples: a confusion matrix, and the wrong answers."""

from __future__ import annotations

from typing import Any

import numpy as np

from playground.experiment import Experiment
from playground.messages import Arrays, RefusedError
from playground.problem import predicted

WRONG = 24  # the largest number of wrong answers in a reply


def answers(experiment: Experiment, of: str) -> tuple[dict[str, Any], Arrays]:
    """The reply to a message `answers`: how often each class was predicted for each class, and the wrong answers with the largest costs."""
    part, count = experiment.part(of), len(experiment.problem.classes)
    if not count:
        raise RefusedError("these targets are numbers: there are no classes, and no wrong answers")
    if not len(part):
        raise RefusedError(f"there are no {'training' if of == 'training' else 'test'} examples", "of")
    costs, outputs = experiment.programs.answered(part)
    found, matrix = predicted(outputs), np.zeros((count, count), dtype=np.int64)
    np.add.at(matrix, (part.y, found), 1)
    wrong = np.flatnonzero(found != part.y)
    shown = wrong[np.argsort(-costs[wrong], kind="stable")][:WRONG]
    examples = [{"index": each, "class": part.y[each], "prediction": found[each], "cost": costs[each]} for each in shown.tolist()]
    reply = {"is": "answers", "of": of, "matrix": matrix, "wrong": len(wrong), "examples": examples}
    is_digits = experiment.configuration.data["name"] == "digits"
    return reply, {"pixels": part.X[shown].astype(np.float32).reshape(-1, 28, 28)} if is_digits else {}
