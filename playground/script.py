"""The script of an experiment: Python that makes the same data and network, and trains it with the same changes to the same numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import autograd
import nn
from autograd import Operation
from nn import Preprocessing, linear
from playground.configuration import CLASSES, COMPUTED, FEATURES, LIVE, Configuration, activation_of
from playground.experiment import Experiment
from playground.messages import RefusedError
from playground.problem import columns_of


def script(experiment: Experiment) -> str:
    """The script. Raises RefusedError if there are no examples, or if the run was changed more often than is remembered."""
    if experiment.changes is None:
        raise RefusedError("this run was changed too often for a script: reset the network and save earlier")
    experiment.require_examples()
    body = "\n".join(_body(experiment))
    return "\n".join([*_imports(body), "", body, ""])


def _body(experiment: Experiment) -> Iterator[str]:
    start, outputs = experiment.start, experiment.problem.outputs
    yield from _data(start, experiment)
    yield f"model = MLP({experiment.model.sizes}, activation={_functions(start)}, seed={start.seed})"
    if start.parameters is not None:
        yield f"for parameter, number in zip(model.parameters(), {_listed(start.parameters)}):"
        yield "    parameter.data = number"
    yield "weights = [weight for layer in model.layers for neuron in layer.neurons for weight in neuron.weights]"
    yield ""
    yield from _run(start, outputs)
    now, step = start, 0
    for change in experiment.changes or ():
        if change.step > step:
            yield f"train({change.step - step})"
        step = change.step
        if isinstance(change.to, Configuration):
            yield from _changed(now, change.to, outputs)
            now = change.to
        else:
            place, number = change.to
            yield f"model.parameters()[{place}].data = {number!r}"
    if experiment.step > step:
        yield f"train({experiment.step - step})"
    yield ""
    yield from _figures(now, experiment)


def _figures(now: Configuration, experiment: Experiment) -> Iterator[str]:
    """Print the figures at the top of the page: costs without penalties, and accuracies."""
    outputs = experiment.problem.outputs
    yield f"costs = vectorize(lambda x, target: {_cost_name(now, outputs)}(model(x), target))"
    yield ""
    yield "def figures(X, targets, y):"
    yield "    outputs = model.predict(X)"
    if experiment.problem.classes:
        yield f"    right = {'outputs.argmax(axis=1)' if outputs > 1 else '(outputs[:, 0] > 0)'} == y"
        yield '    return f"cost {costs(X, targets).mean():.4g}, accuracy {100 * right.mean():.1f} %"'
    else:
        yield '    return f"cost {costs(X, targets).mean():.4g}"'
    yield ""
    yield f'print("training:", figures(X, {_targets(now, outputs)}, y))'
    if len(experiment.problem.held_out):
        yield f'print("test:", figures(X_held_out, {_targets(now, outputs, "y_held_out")}, y_held_out))'


def _imports(body: str) -> list[str]:
    """The import lines for the names that the script uses."""
    home = {
        "autograd": [name for name, each in vars(autograd).items() if isinstance(each, Operation)] + ["total", "vectorize"],
        "nn": [name for name in nn.__all__ if name != "train"],  # the script has a function with this name
    }
    code = re.sub(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'', "", body)
    used = set(re.findall(r"\b[A-Za-z_]\w*", code))
    lines = ["import io", ""] if "io" in used else []
    lines += ["import numpy as np", ""]
    for module, names in home.items():
        if wanted := sorted(used & set(names), key=lambda name: (not name.isupper(), not name[0].isupper(), name)):
            lines.append(f"from {module} import {', '.join(wanted)}")
    return lines


def _data(start: Configuration, experiment: Experiment) -> Iterator[str]:
    data, problem = start.data, experiment.problem
    name = data["name"]
    if name == "csv":
        arguments = "".join(f", {name}={each!r}" for name, each in columns_of(data).arguments(raw=True).items())
        yield f"X, y = read_csv(io.StringIO({data['text']!r}){arguments})"
        yield "classes, y = np.unique(y, return_inverse=True)"
        assert problem.preprocessing is not None
        yield f"preprocessing = {Preprocessing(categorical=problem.preprocessing.categorical)!r}.fit(X)"
    elif name == "points":
        yield f"X, y = np.array({[list(each) for each in data['X']]}), np.array({list(data['y'])})"
    elif name == "digits":
        yield f"X, y = digits({data['n']}, seed={start.seed})"
    else:
        classes = f", classes={data['classes']}" if "classes" in data and CLASSES[name] != (2, 2) else ""
        yield f"X, y = {name}({data['n']}, noise={data['noise']!r}, seed={start.seed}{classes})"
    if len(problem.held_out):
        yield f"(X, y), (X_held_out, y_held_out) = split(X, y, test={start.held_out!r}, seed={start.seed})"
    if name == "csv":
        if len(problem.held_out):
            yield "words = [column.words for column in preprocessing.columns]  # of all rows; means are those of the training rows"
            yield "preprocessing.columns = [column._replace(words=each) for column, each in zip(preprocessing.fit(X).columns, words)]"
            yield "X_held_out = preprocessing.transform(X_held_out)"
        yield "X = preprocessing.transform(X)"
    elif name != "digits" and start.features != ("x1", "x2"):
        yield ""
        yield "def features(x1, x2):"
        yield f"    return np.column_stack([{', '.join(FEATURES[each] for each in start.features)}])"
        yield ""
        yield "X = features(*X.T)"
        if len(problem.held_out):
            yield "X_held_out = features(*X_held_out.T)"


def _run(now: Configuration, outputs: int) -> Iterator[str]:
    """The cost, the run, and a function that trains it."""
    yield from _cost(now, outputs)
    yield f"run = Training({_training(now, outputs)})"
    yield ""
    yield "def train(steps):"
    yield "    for _ in run.steps(steps):"
    yield "        pass"
    yield ""


def _training(now: Configuration, outputs: int) -> str:
    return (
        f"model, X, {_targets(now, outputs)}, cost=cost, optimizer={now.new_optimizer()}, batch_size={now.batch_size}, "
        f"seed={now.seed}, clip={now.clip!r}, measure_accuracy=False"
    )


def _cost(now: Configuration, outputs: int) -> Iterator[str]:
    parts = [f"{now.l1!r} * total(abs(weight) for weight in weights)"] if now.l1 else []
    parts += [f"{now.l2!r} * l2_penalty(weights)"] if now.l2 else []
    yield "def cost(outputs, target):"
    yield f"    return {_cost_name(now, outputs)}(outputs, target){' + (' + ' + '.join(parts) + ')' if parts else ''}"
    yield ""


def _cost_name(now: Configuration, outputs: int) -> str:
    return "binary_cross_entropy" if now.cost == "cross_entropy" and outputs == 1 else now.cost


def _targets(now: Configuration, outputs: int, y: str = "y") -> str:
    if outputs == 1:
        return y if not now.has_classes or now.cost == "cross_entropy" else f"2 * {y} - 1"
    return f"one_hot({y}, {outputs})" if now.cost == "squared_error" else y


def _changed(old: Configuration, new: Configuration, outputs: int) -> Iterator[str]:
    """The change from one configuration to another during a run."""
    if any(getattr(old, name) != getattr(new, name) for name in COMPUTED):
        yield "state = run.state()"
        if old.formulas != new.formulas:
            yield f"for layer, activation in zip(model.layers, {_functions(new)}):"
            yield "    for neuron in layer.neurons:"
            yield "        neuron.activation = activation"
        yield from _cost(new, outputs)
        if old.cost != new.cost:
            yield "model.classes = None  # the targets change"
        yield f"run = Training({_training(new, outputs)})"
        yield "run.restore(state)"
    if any(getattr(old, name) != getattr(new, name) for name in LIVE if name not in COMPUTED):
        optimizer = f", optimizer={new.new_optimizer()}" if old.optimizer != new.optimizer else ""
        yield f"run.set(rate={new.schedule_of_rates()}, batch_size={new.batch_size}, clip={new.clip!r}{optimizer})"


def _functions(now: Configuration) -> str:
    return f"[{', '.join(_function(text) for text in now.formulas)}]"


def _function(text: str) -> str:
    function = activation_of(text)
    if function is linear:
        return "linear"
    return function.name if isinstance(function, Operation) else f"formula({text!r})"


def _listed(numbers: Any) -> str:
    return f"[{', '.join(map(repr, numbers))}]"
