"""Progress: a bar in terminals and notebooks, lines in logs."""

from __future__ import annotations

import sys
import time
from typing import Any

from autograd._support import missing
from nn.training.history import History, Step


class Progress:
    """A progress bar in a terminal or a notebook; otherwise a line at the end of an epoch, at most every ten seconds.

    A run of `epochs` epochs with `examples` examples each has seen `done` examples before.
    """

    def __init__(self, wanted: bool, epochs: int, examples: int, done: int) -> None:
        self.epochs, self.examples = epochs, examples
        self.bar = _bar(epochs * examples, done) if wanted and (sys.stderr.isatty() or _in_notebook()) else None
        self.logged = wanted and self.bar is None
        self.shown = time.perf_counter()

    def step(self, step: Step) -> None:
        if self.bar is not None:
            if step.epoch == 1:
                self.bar.set_postfix_str(f"cost {step.cost:.4g}", refresh=False)
            self.bar.update(step.examples)

    def epoch(self, history: History) -> None:
        epoch, now = len(history.cost), time.perf_counter()
        words = f"epoch {epoch}/{self.epochs}, cost {history.cost[-1]:.4g}"
        for name in ("accuracy", "validation_cost", "validation_accuracy"):
            if numbers := getattr(history, name):
                words += f", {name.replace('_', ' ')} " + (f"{numbers[-1]:.2%}" if "accuracy" in name else f"{numbers[-1]:.4g}")
        if self.logged and (epoch == self.epochs or now - self.shown > 10):
            print(f"{words}, {self.examples / history.seconds[-1]:,.0f} examples/s", file=sys.stderr, flush=True)
            self.shown = now
        elif self.bar is not None:
            self.bar.set_postfix_str(words, refresh=False)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()


def _in_notebook() -> bool:
    """Return whether this is the running kernel of a notebook. Any script may have imported IPython."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def _bar(examples: int, done: int) -> Any:
    """Return a bar for a number of examples; None, with a message, if tqdm is not installed."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        print(missing("a progress bar", "tqdm") + ". Progress is printed as lines instead", file=sys.stderr)
        return None
    return tqdm(total=examples, initial=done, unit=" examples", unit_scale=True, dynamic_ncols=True)
