"""train: fit a model, with progress, checkpoints, early stopping and callbacks."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd import Value
from autograd._support import check_whole
from nn.costs import Cost, squared_error
from nn.frames import Inputs
from nn.keywords import suggests_names
from nn.module import Module
from nn.optimizers import Optimizer
from nn.sequences import Sequences
from nn.training.file_arrays import ArrayInFile
from nn.training.history import History, Step
from nn.training.loop import SECONDS_PER_CALL
from nn.training.progress import Progress
from nn.training.run import Training
from nn.training.validation import Noise, check_callbacks

Callback = Callable[[Module, History], Any]


@suggests_names
def train(
    model: Module,
    X: Inputs | ArrayInFile | Sequences,
    Y: npt.ArrayLike | Sequences,
    *,
    cost: Cost = squared_error,
    optimizer: Optimizer | None = None,
    batch_size: int | None = 32,
    epochs: int = 10,
    seed: int = 0,
    validation: Sequence[Any] | None = None,
    patience: int | None = None,
    clip: float | None = None,
    measure_accuracy: bool = True,
    compiled: bool = True,
    backend: str = "numpy",
    threads: int | None = None,
    progress: bool = True,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    callbacks: Sequence[Callback] = (),
    noise: Noise | None = None,
    frozen: Iterable[Module | Value] | Mapping[str, Any] = (),
    sample_weight: npt.ArrayLike | None = None,
    class_weight: Mapping[Any, float] | str | None = None,
) -> History:
    """Fit a model to inputs and targets by mini-batch gradient descent.

    The model always holds what has been learned, also after an exception. Ctrl-C finishes the current steps, about a twentieth of a
    second of them, writes the checkpoint, and returns the history so far.

    Parameters
    ----------
    model : Module
        The model to fit, for example an `MLP`.
    X : array of shape (examples, inputs), a table, or Sequences
        The inputs. A table is a frame of pandas, polars or pyarrow, a dict of columns or a list of dicts; the model keeps the names of its
        columns. A model with a `preprocessing` takes raw rows. Arrays in files work too: those of `numpy.load(path, mmap_mode="r")`,
        h5py and zarr. If such an array is larger than 64 MB as float64, only that much is in memory at a time. `Sequences` for inputs of
        different lengths.
    Y : array of shape (examples,) or (examples, targets), or Sequences
        The targets: for each example a row, a number or a class label. Labels are strings, bools or whole numbers: the model keeps
        them as `model.classes`, in the order of its outputs, and `model.classify` returns them. `Sequences` for targets at each position.

    cost : function, default squared_error
        `cost(outputs, target)` of one example. Training minimizes its mean.
    optimizer : Optimizer, default SGD()
        How the parameters move along the gradient of the mean cost of a mini-batch.
    batch_size : int or None, default 32
        The number of examples in a mini-batch. None takes all examples, 1 is stochastic gradient descent.
    epochs : int, default 10
        The number of epochs. In each of them every example is seen once.
    seed : int, default 0
        The seed of all randomness: the order of the examples in each epoch, and the noise. The same seed gives the same run.
    clip : float or None, default None
        The largest norm of a gradient. Longer gradients are scaled down to it.
    noise : function or None, default None
        `noise(rng, n)` returns an array with a row for each of n examples. It is drawn for each mini-batch, and training calls
        `model(x, noise)`, for example for dropout. Measuring and predicting call `model(x)`. A model cannot draw random numbers
        itself, because it is recorded once.
    frozen : list of Module and Value, or dict of Values, default ()
        Parts of the model whose parameters do not change.
    sample_weight : array of shape (examples,) or None, default None
        The weight of each example. Costs and accuracies are weighted means, so that the weight 2 means the same as a repeated row.
        Examples with the weight 0 are left out, except in arrays in files, where they have no effect on the cost.
    class_weight : "balanced", dict or None, default None
        The weight of each class, by its label; 1 for labels that are not in the dict. It multiplies `sample_weight`. "balanced" is
        examples / (classes * examples of the class), as in scikit-learn.

    validation : pair (X, Y), or (X, Y, sample_weight), or None, default None
        Examples to measure the cost and the accuracy on, after each epoch.
    patience : int or None, default None
        Training stops after this number of epochs without a lower validation cost. The model then gets the parameters of its best epoch.
    measure_accuracy : bool, default True
        Whether to measure the accuracy after each epoch, if the targets are classes.
    callbacks : list of functions, default ()
        Each is called with the model and the history after each epoch. If one returns True, training stops. Callbacks may change the
        parameters' data, X, and everything that the model, the cost and the optimizer's rule read: training continues with that.
    progress : bool, default True
        Whether to show a progress bar, or lines if there is no terminal or notebook.

    checkpoint : path or None, default None
        A file that is written at the start and after each epoch. It must not exist, unless `resume` is True.
    resume : bool, default False
        Whether to continue from the checkpoint, if it exists, to the same bits as an uninterrupted run.

    compiled : bool, default True
        Whether to run as an array program. False runs on scalar Values, several hundred times slower. So does a cost that cannot be
        recorded, with a warning.
    backend : {"numpy", "native", "jax"}, default "numpy"
        What runs the program: NumPy, C compiled for this machine, or JAX on all devices of all its processes. Each of several
        processes (see `nn.launch`) runs the same script and returns the same history. The first one shows progress, writes the
        checkpoint and decides with its callbacks.
    threads : int or None, default None
        The number of threads of the back end "native". None: all processors.

    Returns
    -------
    History
        The measurements of each epoch and each step, and why training stopped.

    Raises
    ------
    TypeError, ValueError
        If the data or the settings do not fit. Nothing is changed.
    FileExistsError
        If the checkpoint exists and `resume` is False.
    DivergenceError
        If the cost is not finite any more. The model has the parameters of the end of the last epoch.

    See Also
    --------
    Training : A run that is driven from outside, a step or an example at a time.

    Examples
    --------
    >>> import numpy as np
    >>> from nn import MLP, SGD
    >>> X = np.linspace(-1, 1, 8)[:, None]
    >>> model = MLP([1, 1])
    >>> history = train(model, X, 3 * X - 1, optimizer=SGD(0.1), epochs=100, progress=False)
    >>> model
    MLP([1, 1])
    >>> history.cost[-1] < 1e-6
    True
    >>> len(history.cost), history.stopped
    (100, 'finished')
    """
    calls, epochs = check_callbacks(callbacks), check_whole("epochs", epochs)
    if patience is not None:
        check_whole("patience", patience)
        if validation is None:
            raise ValueError("patience needs a validation cost: write validation=(X, Y) too")
    if resume and checkpoint is None:
        raise ValueError("resume=True needs a checkpoint to continue from: write checkpoint=path too")
    run = Training(
        model, X, Y, cost=cost, optimizer=optimizer, batch_size=batch_size, seed=seed, validation=validation, clip=clip,
        measure_accuracy=measure_accuracy, compiled=compiled, backend=backend, threads=threads, noise=noise, frozen=frozen,
        sample_weight=sample_weight, class_weight=class_weight,
    )  # fmt: skip
    if checkpoint is not None:
        _open(run, checkpoint, resume)
    _run(
        run,
        epochs,
        patience,
        Progress(progress and run.processes.is_first, epochs, len(run.X), sum(run.history.steps.examples)),
        checkpoint,
        calls,
    )
    if patience is not None and run.history.stopped != "interrupted":
        run.assign(run.best)
    return run.history


def _run(
    run: Training,
    epochs: int,
    patience: int | None,
    shown: Progress,
    checkpoint: str | os.PathLike[str] | None,
    callbacks: Sequence[Callback],
) -> None:
    """Take the steps of the epochs that are left, and note in the history why it stopped."""
    history, processes = run.history, run.processes
    history.stopped = "no improvement" if processes.agreed(_is_stuck(history, patience)) else ""
    with interruptible() as interrupts, shown:

        def watch(step: Step) -> bool:
            shown.step(step)
            return bool(interrupts)

        while len(history.cost) < epochs and not history.stopped:
            if run._loop.take_epoch(watch, every=SECONDS_PER_CALL):
                shown.epoch(history)
                if processes.agreed(_call(callbacks, run)):
                    history.stopped = "callback"
                elif processes.agreed(_is_stuck(history, patience)):
                    history.stopped = "no improvement"
            if any(processes.each(bool(interrupts))) and not history.stopped:
                history.stopped = "interrupted"
            if checkpoint is not None:
                run.save(checkpoint)
    history.stopped = history.stopped or "finished"


def _open(run: Training, path: str | os.PathLike[str], resume: bool) -> None:
    """Continue from the checkpoint, or write it for the first time."""
    if not run.processes.agreed(Path(path).exists()):
        run.save(path)
    elif resume:
        run.load(path)
    else:
        raise FileExistsError(f"{os.fspath(path)} exists: write resume=True to continue from it, or remove it to start again")


def _call(callbacks: Sequence[Callback], run: Training) -> bool:
    """Call the callbacks, and read what they changed. Return whether one of them returned True."""
    if not callbacks:
        return False
    results = [callback(run.model, run.history) for callback in callbacks]
    run.take_up()
    return any(isinstance(result, (bool, np.bool_)) and bool(result) for result in results)  # file.write() returns 1, which is not True


def _is_stuck(history: History, patience: int | None) -> bool:
    costs = history.validation_cost
    return patience is not None and costs != [] and len(costs) - 1 - costs.index(min(costs)) >= patience


@contextmanager
def interruptible() -> Iterator[Sequence[int]]:
    """Within the context, the first Ctrl-C is appended to the list, and the second one raises KeyboardInterrupt.

    Nothing changes, and the list stays empty, if Ctrl-C has another handler or is ignored (as a shell does for background jobs), and in
    threads other than the main one.
    """
    caught: list[int] = []

    def note(number: int, frame: Any) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)

    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield caught
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield caught
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
