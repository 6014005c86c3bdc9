"""Training on sequences of different lengths: grouped or padded, it equals training on one sequence after another."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd import Value, log, lookup, sigmoid, tanh, total, weighted_sum
from nn import SGD, Module, Sequences, Training, binary_cross_entropy, softmax, squared_error, train
from nn.training.processes import Processes
from tests.programs import installed

DOCUMENTS = [[1, 2, 0], [2], [0, 1], [2, 2, 1, 0], [1], [0, 2, 1]]
FOLLOWING = [[2, 0, 1], [1], [1, 1], [2, 1, 0, 0], [0], [2, 1, 2]]
MARKS = {"numpy": (), "native": (installed("native"), pytest.mark.soak)}  # C takes seconds to compile
EVERY_WAY = [pytest.param({"backend": name}, padding, id=f"{name}-{padding}", marks=MARKS[name]) for name in MARKS for padding in (None, 1)]


class Reader(Module):
    """A recurrent net that gives each symbol that may come next a score, after each symbol. Late positions have parameters of their own."""

    def __init__(self) -> None:
        rng = np.random.default_rng(3)
        self.vectors, self.scores = ([[Value(each) for each in row] for row in rng.normal(size=(3, 2)).tolist()] for _ in range(2))
        self.places = [Value(each) for each in rng.normal(size=5).tolist()]

    def __call__(self, symbols: Any) -> list[list[Any]]:
        state: list[Any] = [0.0, 0.0]
        found = []
        for symbol, place in zip(symbols, self.places):
            state = [tanh(a + 0.5 * b + place) for a, b in zip(lookup(self.vectors, symbol), state)]
            found.append([weighted_sum(row, state) for row in self.scores])
        return found


class Judge(Reader):
    """Reads a document and gives one number."""

    def __call__(self, symbols: Any) -> Any:
        return sigmoid(total(super().__call__(symbols)[-1]))


def surprise(scores: Any, symbol: Any) -> Any:
    return -log(lookup(softmax(scores), symbol))


def following(padding: int | None = None, count: int = 6, **settings: Any) -> Training:
    X, Y = Sequences(DOCUMENTS[:count], padding=padding), Sequences(FOLLOWING[:count])
    return Training(Reader(), X, Y, cost=surprise, optimizer=SGD(0.3), batch_size=4, seed=1, **settings)


def one_by_one() -> tuple[list[float], list[float]]:
    """The costs of the steps, and the parameters after them, from gradients of single documents."""
    model, costs = Reader(), []
    order = [list(np.random.default_rng([1, epoch]).permutation(len(DOCUMENTS))) for epoch in range(2)]
    for rows in [part for each in order for part in (each[:4], each[4:])]:
        model.zero_grad()
        cost = sum(
            total(surprise(*each) for each in zip(model(DOCUMENTS[row]), FOLLOWING[row])) / len(DOCUMENTS[row]) / len(rows) for row in rows
        )
        assert isinstance(cost, Value)
        cost.backward()
        costs.append(cost.data)
        for parameter in model.parameters():
            parameter.data -= 0.3 * parameter.grad
    return costs, [parameter.data for parameter in model.parameters()]


@pytest.mark.parametrize(("settings", "padding"), [*EVERY_WAY, pytest.param({"compiled": False}, None, id="on Values")])
def test_it_equals_gradients_of_one_document_after_another(settings: dict[str, Any], padding: int | None) -> None:
    costs, parameters = one_by_one()
    run = following(padding, **settings)
    assert [run.epoch(), run.epoch()] == [True, True]
    np.testing.assert_allclose(run.history.steps.cost, costs, rtol=1e-12)
    np.testing.assert_allclose(run.parameters, parameters, rtol=1e-12)


def test_one_target_for_each_document_has_an_accuracy() -> None:
    labels = np.array([1, 0, 0, 1, 0, 1])
    for compiled in (True, False):
        model = Judge()
        X = Sequences(DOCUMENTS)
        history = train(model, X, labels, optimizer=SGD(1.0), epochs=3, validation=(X, labels), compiled=compiled, progress=False)
        costs = [squared_error([model(document)], label).data for document, label in zip(DOCUMENTS, labels.tolist())]
        assert history.validation_cost[-1] == pytest.approx(np.mean(costs), rel=1e-12)
        right = [(model(document).data > 0.5) == label for document, label in zip(DOCUMENTS, labels.tolist())]
        assert history.accuracy[-1] == np.mean(right)


def test_labels_of_documents_are_classes() -> None:
    labels = np.array(["no", "yes", "no", "yes", "no", "yes"])
    X = Sequences(DOCUMENTS)
    model, expected = Judge(), Judge()
    settings: dict[str, Any] = {"cost": binary_cross_entropy, "epochs": 2, "progress": False}
    history = train(model, X, labels, validation=(X, labels.tolist()), **settings)
    same = train(expected, X, labels == "yes", validation=(X, labels == "yes"), **settings)
    assert (model.classes, model.state_dict()) == (["no", "yes"], expected.state_dict())
    assert history.validation_accuracy == same.validation_accuracy
    with pytest.raises(ValueError, match="validation Y has labels that are not classes of the model, such as 'maybe'"):
        train(model, X, labels, validation=(X, ["maybe"] * 6), **settings)


def test_rows_with_a_mask_are_the_same_sequences() -> None:
    longest = max(map(len, DOCUMENTS))
    mask = [[1] * len(row) + [0] * (longest - len(row)) for row in DOCUMENTS]
    for rows, whole in ((DOCUMENTS, Sequences(DOCUMENTS)), (FOLLOWING, Sequences(FOLLOWING))):
        padded = [[*row, *[7] * (longest - len(row))] for row in rows]
        np.testing.assert_array_equal(Sequences(padded, mask=mask).numbers, whole.numbers)
    points = Sequences([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]])
    assert points.numbers.shape == (2, 2, 2)
    assert not points.are_whole


def test_a_run_continues_from_a_checkpoint_and_shows_an_example(tmp_path: Path) -> None:
    run = following()
    run.epoch()
    run.save(tmp_path / "run.npz")
    example = run.example()
    assert example.outputs.size == 3 * np.isfinite(example.x).sum()
    run.epoch()
    other = following()
    other.load(tmp_path / "run.npz")
    other.epoch()
    assert other.parameters.tolist() == run.parameters.tolist()
    with pytest.raises(ValueError, match="its data is"):
        following(count=4).load(tmp_path / "run.npz")


def test_several_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Processes, "__init__", lambda self, backend: self.__dict__.update(index=0, count=2))
    with pytest.raises(ValueError, match="sequences are trained by one process, and this run has 2"):
        following()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sequences([]), "no examples"),
        (lambda: Sequences([[1], []]), "row 1 is empty"),
        (lambda: Sequences([[1], [np.nan]]), "row 1 is not finite"),
        (lambda: Sequences([[1], [2, 3]], padding=0.5), "padding must be a whole number, as the sequences are, got 0.5"),
        (lambda: Sequences([[1], ["a"]]), "row 1 is an array of <U1"),
        (lambda: Sequences([[1, 2], [3, 0]], mask=[[1, 1], [0, 1]]), "1s for the positions of an example, followed by 0s"),
        (lambda: Sequences([[1, 2], [3, 0]], mask=[[1], [1]]), r"the mask must have one number for each position of the rows, \(2, 2\)"),
        (lambda: Training(Reader(), Sequences(DOCUMENTS), Sequences(FOLLOWING[:3])), "of the same lengths"),
        (lambda: Training(Reader(), Sequences(DOCUMENTS, padding=0), np.zeros(6)), "padding needs targets for each position"),
        (lambda: Training(Reader(), Sequences(DOCUMENTS), np.zeros(5)), "6 examples and 5 targets"),
        (lambda: Training(Judge(), Sequences(DOCUMENTS), Sequences(FOLLOWING)), "got 1 for 1 positions|outputs for each"),
        (lambda: Training(Reader(), Sequences([[5]]), Sequences([[1]]), cost=surprise), "index 5 of a table with 3 rows"),
        (lambda: following(noise=lambda rng, n: rng.normal(size=n)), "without noise"),
    ],
)
def test_errors_say_what_does_not_fit(make: Any, message: str) -> None:
    with pytest.raises((ValueError, IndexError), match=message):
        make()
