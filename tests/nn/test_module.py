"""Modules: where parameters are found, and copies and pickles of models."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import types
from collections import OrderedDict, UserDict, UserList, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd import ParameterLayout, Value, exp, grad, gradcheck, hvp, jacobian, maximum, primitive, relu, sigmoid, softplus, tanh
from nn import MLP, SGD, Layer, Module, Neuron, l2_penalty, squared_error, train
from nn.activations import linear

ROOT = Path(__file__).parents[2]
X = np.random.default_rng(0).normal(size=(60, 2))


class Holder(Module):
    """A model that holds things."""

    def __init__(self, **things: Any) -> None:
        vars(self).update(things)

    def __call__(self, x: Any) -> Any:
        return sum(x) * 1.0


@dataclass
class Pair:
    left: Value
    right: list[Value]


@dataclass(slots=True)
class Slotted:
    value: Value
    number: float = 1.0


class Slots(Module):
    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = Value(1.0)

    def __call__(self, x: Any) -> Any:
        return self.value * x[0]


def values(count: int) -> list[Value]:
    return [Value(float(index)) for index in range(count)]


@pytest.mark.parametrize(
    ("thing", "names"),
    [
        (values(2), ["thing[0]", "thing[1]"]),
        (tuple(values(1)), ["thing[0]"]),
        (np.array([values(2), values(2)]), ["thing[0, 0]", "thing[0, 1]", "thing[1, 0]", "thing[1, 1]"]),
        (np.array(Value(1.0), dtype=object), ["thing[()]"]),
        (np.array([None, [Value(1.0)]], dtype=object), ["thing[1][0]"]),
        ({"a": Value(1.0), 2: values(1)}, ["thing['a']", "thing[2][0]"]),
        (OrderedDict(b=Value(1.0), a=Value(1.0)), ["thing['b']", "thing['a']"]),
        (UserDict(a=Value(1.0)), ["thing['a']"]),
        (types.MappingProxyType({"a": Value(1.0)}), ["thing['a']"]),
        (UserList(values(1)), ["thing[0]"]),
        (deque(values(2)), ["thing[0]", "thing[1]"]),
        (Pair(Value(1.0), values(1)), ["thing.left", "thing.right[0]"]),
        (Slotted(Value(1.0)), ["thing.value"]),
        (Slots(), ["thing.value"]),
        (Neuron(1), ["thing.weights[0]", "thing.bias"]),
        ([np.ones(3), "text", 1, 2.0, None, range(3), Pair, {1, 2}, {"key": {3: "a"}}, tanh], []),
    ],
)  # fmt: skip
def test_parameters_are_found_where_there_is_an_order(thing: Any, names: list[str]) -> None:
    model = Holder(thing=thing)
    assert [name for name, _ in model.named_parameters()] == names
    for name, parameter in model.named_parameters():
        assert eval(f"model.{name}") is parameter


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (set(values(2)), "thing is a set with parameters"),
        (frozenset([Neuron(2)]), "thing is a frozenset with parameters"),
        ([{"a": set(values(1))}], r"thing\[0\]\['a'\] is a set with parameters"),
        ({(1, value): 1.0 for value in values(2)}, "the keys of thing hold parameters"),
        (dict.fromkeys(values(2)).keys(), "thing is a dict_keys with parameters"),
    ],
)
def test_parameters_without_an_order_are_refused(thing: Any, message: str) -> None:
    places = "which have no order there: parameters must be in attributes, and in lists, tuples, values of dicts, arrays of objects"
    for use in (Holder.parameters, Holder.state_dict, Holder.named_parameters, repr):
        with pytest.raises(TypeError, match=f"{message}, {places}"):
            use(Holder(thing=thing))


def test_a_set_may_hold_what_is_found_elsewhere() -> None:
    first, second = values(2)
    model = Holder(frozen={first}, velocity={second: 0.0}, weights=[first, second])
    assert model.parameters() == [first, second]
    assert [name for name, _ in model.named_parameters()] == ["weights[0]", "weights[1]"]


def test_each_parameter_is_found_once_and_cycles_end() -> None:
    circle: list[Any] = [Value(1.0)]
    circle.append({"again": circle})
    model = Holder(circle=circle, tied=circle[0])
    model.itself = model  # type: ignore[attr-defined]
    assert [name for name, _ in model.named_parameters()] == ["circle[0]"]
    assert repr(model) == "Holder with 1 parameters"


def test_a_model_of_object_arrays_learns() -> None:
    class Linear(Module):
        def __init__(self) -> None:
            self.w = np.array([Value(0.0), Value(0.0)])

        def __call__(self, x: Any) -> Any:
            return self.w @ np.array(x)

    model = Linear()
    history = train(model, X, X @ [1.0, -2.0], epochs=30, progress=False)
    assert history.cost[-1] < 1e-3
    assert [value.data for value in model.w] == pytest.approx([1.0, -2.0], abs=0.1)


# Copies and pickles


def swish(x: Any) -> Any:
    return x * sigmoid(x)


class Forgetful(Module):
    """A model that forgets to return what it has computed."""

    def __init__(self) -> None:
        self.weight = Value(1.0)

    def __call__(self, x: Any) -> Any:
        self.weight * x[0]


def test_a_model_that_returns_none_is_refused() -> None:
    message = "^a model must return its outputs for an example, and this one returned None: perhaps its return is missing$"
    with pytest.raises(TypeError, match=message):
        train(Forgetful(), np.ones((3, 1)), np.ones(3), progress=False)
    with pytest.raises(TypeError, match=message):
        Forgetful().predict(np.ones((3, 1)))
    with pytest.raises(TypeError, match=r"got NoneType None: perhaps its return is missing$"):
        Forgetful().predict(np.ones((100, 1)))


@primitive(lambda y, x: 3 * x * x)
def cube(x: Any) -> Any:
    return x * x * x


class Gated(Module):
    """A user's own, with functions of several kinds."""

    def __init__(self) -> None:
        self.layers = [Layer(2, 3, swish), Layer(3, 1, cube)]
        self.gate, self.functions = Value(0.5), (exp, maximum, linear)

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return self.gate * x[0]


MODELS: list[Module] = [
    MLP([2, 3, 1], seed=1),
    MLP([2, 4, 3, 1], activation=[relu, softplus, sigmoid]),
    MLP([2, 3, 2], swish, cube),
    Layer(2, 3),
    Neuron(2),
    Gated(),
]


def by_pickle(model: Any) -> Any:
    return pickle.loads(pickle.dumps(model))


@pytest.mark.parametrize("way", [by_pickle, copy.deepcopy])
@pytest.mark.parametrize("used", [False, True], ids=["new", "used"])
@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_a_copy_is_equal_and_independent(way: Callable[[Any], Any], used: bool, model: Module) -> None:
    if used:
        model.predict(X)
        model.threshold = 0.25
    twin = way(model)
    assert type(twin) is type(model)
    assert repr(twin) == repr(model)
    assert twin.threshold == model.threshold
    assert twin.predict(X).tolist() == model.predict(X).tolist()
    before = model.predict(X).tolist()
    for parameter in twin.parameters():
        parameter.data += 1.0
    assert model.predict(X).tolist() == before
    assert twin.predict(X).tolist() != before


def test_functions_are_pickled_by_reference() -> None:
    for function in (tanh, relu, maximum, linear, swish, cube):
        assert by_pickle(function) is function
        assert copy.deepcopy(function) is function
    twin = by_pickle(Gated())
    assert twin.layers[0].activation is swish
    assert twin.functions == (exp, maximum, linear)


def test_a_model_goes_to_another_process(tmp_path: Path) -> None:
    model = MLP([2, 3, 1], relu, seed=1)
    expected = model.predict(X)
    (tmp_path / "model").write_bytes(pickle.dumps((model, X)))
    script = "import pickle, sys\nmodel, X = pickle.load(open(sys.argv[1], 'rb'))\nprint(model.predict(X).sum().hex())"
    result = subprocess.run([sys.executable, "-c", script, str(tmp_path / "model")], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == expected.sum().hex()


# Models and dicts where lists of Values are


def cost_of(model: Any) -> Any:
    return squared_error(model([0.5, -1.0]), [1.0])


def test_derivatives_by_a_model_are_a_model() -> None:
    model = MLP([2, 3, 1], seed=1)
    before = model.state_dict()
    cost_of(model).backward()
    derivatives = grad(cost_of)(model)
    assert repr(derivatives) == repr(model)
    assert derivatives.state_dict() == {name: parameter.grad for name, parameter in model.named_parameters()}
    assert model.state_dict() == before
    rows = jacobian(lambda model: [cost_of(model), model([0.5, -1.0])[0]])(model)
    assert rows[0].state_dict() == pytest.approx(derivatives.state_dict())
    assert gradcheck(cost_of, model)


def test_a_product_with_the_hessian_by_a_model() -> None:
    model, direction = MLP([2, 2, 1], seed=1), MLP([2, 2, 1], seed=2)
    step, numbers = 1e-5, model.state_dict()
    gradients = []
    for sign in (1, -1):
        model.load_state_dict({name: number + sign * step * direction.state_dict()[name] for name, number in numbers.items()})
        gradients.append(grad(cost_of)(model).state_dict())
    model.load_state_dict(numbers)
    expected = {name: (gradients[0][name] - gradients[1][name]) / (2 * step) for name in numbers}
    assert hvp(cost_of, model, direction).state_dict() == pytest.approx(expected, rel=1e-6, abs=1e-8)
    assert hvp(cost_of, model, list(direction.state_dict().values())).state_dict() == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_optimizers_and_penalties_take_models_and_dicts() -> None:
    one, other, third = (MLP([2, 2, 1], seed=1) for _ in range(3))
    named: dict[str, Any] = {"first": third.layers[0].parameters(), "second": {"third": third.layers[1].parameters()}}
    for model, parameters in ((one, one.parameters()), (other, other), (third, named)):
        cost_of(model).backward()
        SGD(0.1, momentum=0.9).step(parameters)
    assert one.state_dict() == other.state_dict() == third.state_dict()
    assert l2_penalty(one).data == l2_penalty(named).data == pytest.approx(sum(number**2 for number in one.state_dict().values()))
    assert ParameterLayout(one).gather().tolist() == list(one.state_dict().values())
    before = third.state_dict()
    train(third, np.ones((4, 2)), np.ones(4), epochs=1, frozen={"a": named["first"]}, progress=False)
    assert [name for name, number in third.state_dict().items() if number == before[name]] == list(before)[:6]
