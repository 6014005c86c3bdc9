"""Keywords: what to write instead of a keyword that a function does not take."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import wraps
from typing import Any, TypeVar

OTHER_NAMES = {  # keywords of other libraries, and what to write instead: the first one that the function takes
    "lr": "learning_rate={}; optimizer=SGD({})", "learning_rate": "optimizer=SGD({})",
    "learning_rate_init": "learning_rate={}; optimizer=SGD({})", "rate": "learning_rate={}; optimizer=SGD({})",
    "eta": "learning_rate={}; optimizer=SGD({})", "eta0": "learning_rate={}; optimizer=SGD({})", "solver": "optimizer=SGD(0.1)",
    "momentum": "optimizer=SGD(0.1, momentum={})", "weight_decay": "optimizer=SGD(0.1, weight_decay={})",
    "alpha": "weight_decay={}; optimizer=SGD(0.1, weight_decay={})", "l2": "weight_decay={}; optimizer=SGD(0.1, weight_decay={})",
    "betas": "optimizer=Adam(0.001, betas={})", "beta1": "betas=({}, 0.999)", "beta_1": "betas=({}, 0.999)", "beta2": "betas=(0.9, {})",
    "beta_2": "betas=(0.9, {})", "eps": "epsilon={}", "optim": "optimizer={}", "opt": "optimizer={}",
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
    "layers": "sizes={}", "units": "sizes={}", "nonlinearity": "activation={}", "act": "activation={}",
    "in_features": "inputs={}", "out_features": "outputs={}", "nin": "inputs={}", "nout": "outputs={}",
}  # fmt: skip
Function = TypeVar("Function", bound=Callable[..., Any])


def suggests_names(function: Function) -> Function:
    """Decorate a function: its TypeError for an unknown keyword suggests a known one."""
    known, called = list(inspect.signature(function).parameters), function.__qualname__.removesuffix(".__init__")

    @wraps(function)
    def call(*arguments: Any, **settings: Any) -> Any:
        for name, given in settings.items():
            if name not in known:
                raise TypeError(f"{called}() got an unexpected keyword argument {name!r}: {_instead(name, given, known)}")
        return function(*arguments, **settings)

    return call  # type: ignore[return-value]


def _instead(name: str, given: Any, known: Sequence[str]) -> str:
    for instead in OTHER_NAMES.get(name.lower(), "").split("; "):
        if instead.partition("=")[0] in known:
            return f"write {instead.format(f'{given!r:.40}')}"
    close = get_close_matches(name.lower(), known, 1)
    return f"did you mean {close[0]}?" if close else f"the settings are {', '.join(each for each in known if each != 'self')}"
