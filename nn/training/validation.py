"""What may be given to a run: settings and data are looked at before anything is done, and each error says what to write instead."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from difflib import get_close_matches
from functools import wraps
from numbers import Real
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from autograd import TraceError, Value, vectorize
from nn.activations import name_of
from nn.costs import Cost
from nn.inputs import Array, examples
from nn.module import Module, outputs_of, require_parameters, require_width
from nn.optimizers import Optimizer
from nn.training.file_arrays import stored
from nn.training.objectives import Noise

# Settings

OTHER_NAMES = {  # of other libraries, and what to write here
    "lr": "optimizer=SGD({})", "learning_rate": "optimizer=SGD({})", "learning_rate_init": "optimizer=SGD({})",
    "rate": "optimizer=SGD({})", "eta": "optimizer=SGD({})", "eta0": "optimizer=SGD({})", "solver": "optimizer=SGD(0.1)",
    "momentum": "optimizer=SGD(0.1, momentum={})", "weight_decay": "optimizer=SGD(0.1, weight_decay={})",
    "alpha": "optimizer=SGD(0.1, weight_decay={})",
    "betas": "optimizer=Adam(0.001, betas={})", "optim": "optimizer={}", "opt": "optimizer={}",
    "n_epochs": "epochs={}", "num_epochs": "epochs={}", "nb_epoch": "epochs={}", "epoch": "epochs={}", "max_epochs": "epochs={}",
    "max_iter": "epochs={}", "n_iter": "epochs={}", "iterations": "epochs={}", "steps": "epochs={}",
    "loss": "cost=squared_error", "loss_fn": "cost=squared_error", "loss_function": "cost=squared_error", "criterion": "cost=squared_error",
    "objective": "cost=squared_error", "cost_function": "cost=squared_error",
    "callback": "callbacks=[...]", "on_epoch_end": "callbacks=[...]", "metrics": "measure_accuracy=True",
    "bs": "batch_size={}", "batch": "batch_size={}", "batchsize": "batch_size={}", "mini_batch_size": "batch_size={}",
    "random_state": "seed={}", "random_seed": "seed={}", "rng": "seed=0",
    "verbose": "progress={}", "validation_data": "validation=(X, Y)", "val": "validation=(X, Y)", "test": "validation=(X, Y)",
    "validation_split": "validation=(X, Y), as nn.split(X, Y, test={}) gives it",
    "clip_norm": "clip={}", "max_norm": "clip={}", "grad_clip": "clip={}", "early_stopping": "patience=10",
    "n_iter_no_change": "patience={}", "device": 'backend="jax"', "jit": "compiled={}", "compile": "compiled={}", "n_jobs": "threads={}",
    "x": "X={}", "y": "Y={}", "freeze": "frozen=[...]", "checkpoint_path": "checkpoint={}",
}  # fmt: skip
Function = TypeVar("Function", bound=Callable[..., Any])


def explains_other_names(function: Function) -> Function:
    """Decorate a function so that the TypeError for an unknown keyword says which one to write instead."""
    known, called = list(inspect.signature(function).parameters), function.__qualname__.removesuffix(".__init__")

    @wraps(function)
    def call(*arguments: Any, **settings: Any) -> Any:
        for name, given in settings.items():
            if name not in known:
                raise TypeError(f"{called}() got an unexpected keyword argument {name!r}: {_instead(name, given, known)}")
        return function(*arguments, **settings)

    return call  # type: ignore[return-value]


def _instead(name: str, given: Any, known: Sequence[str]) -> str:
    if name.lower() in OTHER_NAMES and OTHER_NAMES[name.lower()].partition("=")[0] in known:
        return f"write {OTHER_NAMES[name.lower()].format(f'{given!r:.40}')}"
    close = get_close_matches(name.lower(), known, 1)
    return f"do you mean {close[0]}?" if close else f"the settings are {', '.join(each for each in known if each != 'self')}"


def a_model(model: Any) -> Module:
    if not isinstance(model, Module):
        raise TypeError(f"train fits a Module, such as MLP([2, 16, 1]), got {type(model).__name__} {model!r:.60}")
    require_parameters(model)
    return model


def a_cost(cost: Any) -> Cost:
    if not callable(cost):
        raise TypeError(f"cost is a function of the outputs and a target, such as nn.squared_error, got {cost!r:.60}")
    return cost  # type: ignore[no-any-return]


def an_optimizer(optimizer: Any) -> Optimizer:
    if isinstance(optimizer, type) and issubclass(optimizer, Optimizer):
        raise TypeError(f"optimizer={optimizer.__name__} is the class: write optimizer={optimizer.__name__}(), with its settings inside")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer is an Optimizer, such as nn.SGD(0.1) or nn.Adam(0.001), got {optimizer!r:.60}")
    return optimizer


def a_noise(noise: Any) -> Noise | None:
    if noise is not None and not callable(noise):
        raise TypeError(
            f"noise is a function of a generator and a number of examples, such as lambda rng, n: rng.random((n, 4)), got {noise!r:.60}"
        )
    return noise  # type: ignore[no-any-return]


def a_list_of_callbacks(callbacks: Any) -> list[Callable[..., Any]]:
    if callable(callbacks) or isinstance(callbacks, str) or not all(map(callable, callbacks)):
        raise TypeError(f"callbacks is a list of functions of the model and the history, as in callbacks=[print], got {callbacks!r:.60}")
    return list(callbacks)


def a_whole_number(name: str, number: Any, least: int = 1) -> int:
    if not isinstance(number, (int, np.integer)) or isinstance(number, bool) or number < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {number!r}")
    return int(number)


def a_limit(clip: Any) -> float | None:
    """The gradient's largest norm as a float, so that 1 is the same as 1.0."""
    if clip is not None and not (isinstance(clip, Real) and not isinstance(clip, bool) and 0 < float(clip) < math.inf):
        raise ValueError(f"clip is the largest norm a gradient may have, a finite number above 0: got {clip!r}")
    return None if clip is None else float(clip)


def seconds(every: Any) -> float:
    """A time between calls."""
    if not isinstance(every, Real) or isinstance(every, bool) or not 0 <= float(every) < math.inf:
        raise ValueError(f"every is a number of seconds, 0 for after each step: got {every!r}")
    return float(every)


def places(model: Module, frozen: Iterable[Module | Value]) -> tuple[int, ...]:
    """Where the frozen parameters stand among the model's."""
    index = {parameter: place for place, parameter in enumerate(model.parameters())}
    still: list[Value] = []
    if not isinstance(frozen, (Iterable, Module, Value)):
        raise TypeError(f"frozen is a list of Modules and Values of the model, such as [model.layers[0]], got {frozen!r:.60}")
    for each in [frozen] if isinstance(frozen, (Module, Value)) else frozen:
        still += each.parameters() if isinstance(each, Module) else [each]
    for each in still:
        if each not in index:
            raise ValueError(f"frozen holds {each!r:.60}, which is no parameter of the model: give Modules and Values that are in it")
    return tuple(sorted({index[each] for each in still}))


# Data


def a_pair(x_name: str, X: Any, y_name: str, Y: npt.ArrayLike) -> tuple[Any, Array]:
    """Inputs, shape (examples, inputs), an array or `Stored`, and as many targets."""
    x, y = stored(x_name, X) or examples(x_name, X), examples(y_name, Y)
    if x.ndim != 2:
        raise ValueError(f"{x_name} must have the shape (examples, inputs), got {x.shape}: for single inputs write X[:, None]")
    if len(x) != len(y):
        hint = f": a row of {x_name} is an example, write {x_name}.T" if x.shape[1] == len(y) and x_name.isidentifier() else ""
        raise ValueError(f"{x_name} and {y_name} must be equally long: got {len(x)} examples and {len(y)} targets{hint}")
    return x, y


def held_out(validation: Any) -> tuple[Array, Array] | None:
    """The pair to measure on, if there is one."""
    if validation is None:
        return None
    if not isinstance(validation, Sequence) or isinstance(validation, str) or len(validation) != 2:
        found = f"{len(validation)} things" if isinstance(validation, (list, tuple)) else repr(validation)
        raise TypeError(
            f"validation is a pair (X, Y), got {found:.60}: for a share of the data, (X, Y), validation = nn.split(X, Y, test=0.2)"
        )
    return a_pair("validation X", validation[0], "validation Y", validation[1])


def drawn(noise: Noise, rng: np.random.Generator, count: int) -> Array:
    """The noise for so many examples. Raises ValueError where it has not a row or a number for each."""
    numbers = examples("the noise", noise(rng, count))
    if len(numbers) != count:
        raise ValueError(f"noise(rng, {count}) must have a row for each of {count} examples, got the shape {numbers.shape}")
    return numbers


def try_out(model: Module, cost: Cost, name: str, X: Any, Y: Array, is_learned: bool = True) -> int:
    """The number of outputs, after showing the cost one target of each kind, and what it requires all of them.

    Raises TypeError for a cost that cannot be computed or is no number, and where it is to be learned from for one without a gradient.
    """
    require_width(name, model, X)
    outputs, results = outputs_of(model(X[0].tolist())), []
    for target in np.unique(Y, axis=0)[:1000].tolist():
        try:
            result = cost(outputs, target)
        except TypeError as error:
            if type(error) is not TypeError:
                raise  # which says itself what to do
            raise TypeError(
                f"the cost {name_of(cost)}, given {len(outputs)} output(s) in a list and the target {target!r:.60}: {error}. "
                f"A single output is outputs[0], and functions of it are autograd's, such as exp and abs, not math's"
            ) from error
        if not isinstance(result, (Value, float, int)):
            raise TypeError(f"a cost is one number for an example: {name_of(cost)} returned {type(result).__name__} {result!r:.60}")
        results.append(result)
    if is_learned and any(isinstance(each, Value) for each in outputs) and not any(isinstance(each, Value) for each in results):
        raise TypeError(
            f"there is nothing to learn from the cost {name_of(cost)}: it returned {results[0]!r:.60}, which remembers no outputs. "
            f"Write it with the outputs themselves, not with their .data"
        )
    numbers = [output.data if isinstance(output, Value) else output for output in outputs]
    with suppress(TraceError):  # and every target, where the cost can be asked of all at once
        vectorize(lambda y: cost(numbers, y)).check(Y)
    return len(outputs)
