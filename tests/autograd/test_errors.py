"""The exceptions: one hierarchy, exported and documented."""

import inspect
import pickle

import pytest

import autograd
import nn
from autograd import NudgeError, errors

PUBLIC = [*(vars(autograd)[name] for name in autograd.__all__), *(vars(nn)[name] for name in nn.__all__)]
EXPORTED = [thing for thing in PUBLIC if inspect.isclass(thing) and issubclass(thing, Exception)]
OWN = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
TREE = [line for line in str(errors.__doc__).splitlines() if "──" in line]


def test_every_exception_is_exported() -> None:
    assert set(OWN) <= set(EXPORTED)


@pytest.mark.parametrize("kind", [kind for kind in EXPORTED if kind is not NudgeError])
def test_every_exception_is_in_the_hierarchy_and_in_its_docstring(kind: type[Exception]) -> None:
    assert issubclass(kind, NudgeError)
    (line,) = [line for line in TREE if f"{kind.__name__} " in line]
    assert ", ".join(base.__name__ for base in kind.__bases__ if base is not NudgeError) in line


@pytest.mark.parametrize("kind", OWN)
def test_exceptions_can_be_pickled(kind: type[Exception]) -> None:
    copy = pickle.loads(pickle.dumps(kind("a message")))
    assert type(copy) is kind
    assert copy.args == ("a message",)
