"""Derivatives of functions: grad, value_and_grad, jacobian, hessian, and their products with vectors: vjp, jvp, hvp."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import numpy as np

from autograd import modes, ops
from autograd.backward import adjoints, topological_order
from autograd.modes import mode
from autograd.ops import Node
from autograd.value import Value, make_constant


def value_and_grad(f: Callable[..., Any], argnum: int = 0) -> Callable[..., tuple[Any, Any]]:
    """Make a function that returns the value and the gradient of `f`.

    Parameters
    ----------
    f : callable
        A function that returns a scalar.
    argnum : int, default 0
        The position of the argument to differentiate by. It is a real number, a Value, or a list, tuple, named tuple, dict or
        numpy array of these, nested to any depth, or a model. The derivative by a model is a model whose parameters are derivatives.

    Returns
    -------
    callable
        A function with the arguments of `f`. It returns a pair: the value, and the gradient in the structure of the argument.
        Both consist of floats. If the argument contains Values, or `f` closes over Values, they consist of Values of that graph.

    Raises
    ------
    TypeError
        If `f` is not a function. The function returned raises TypeError if `f` does not return a scalar.

    Examples
    --------
    >>> value_and_grad(lambda x, y: x * x * y)(3.0, 2.0)
    (18.0, 12.0)
    """
    _check_is_function(f)

    def derived(*arguments: Any, **options: Any) -> tuple[Any, Any]:
        frame = _Frame(f, argnum, arguments, options)
        if not isinstance(frame.output, (Node, Real)):
            kind = type(frame.output).__name__
            raise TypeError(f"grad needs a function that returns one scalar, this one returned {kind}. For several outputs use jacobian")
        result = frame.value(frame.output), frame.gradient(frame.output)
        frame.close()
        return result

    return derived


def grad(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """Make a function that returns the gradient of `f`. `grad(grad(f))` is the second derivative.

    Parameters
    ----------
    f : callable
        A function that returns a scalar.
    argnum : int, default 0
        The position of the argument to differentiate by, of a kind that `value_and_grad` takes.

    Returns
    -------
    callable
        A function with the arguments of `f`. It returns the gradient as `value_and_grad` does.

    Raises
    ------
    TypeError
        If `f` is not a function. The function returned raises TypeError if `f` does not return a scalar.

    Examples
    --------
    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    """
    both = value_and_grad(f, argnum)
    return lambda *arguments, **options: both(*arguments, **options)[1]


def jacobian(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """Make a function that returns the gradient of each scalar that `f` returns.

    Parameters
    ----------
    f : callable
        A function that returns a scalar, or a list, tuple, dict or array of scalars, nested to any depth.
    argnum : int, default 0
        The position of the argument to differentiate by, of a kind that `value_and_grad` takes.

    Returns
    -------
    callable
        A function with the arguments of `f`. It returns the structure of `f`'s result, in which each scalar is replaced by its
        gradient: for lists of m outputs and n inputs, m lists of n.

    Raises
    ------
    TypeError
        If `f` is not a function. The function returned raises TypeError if `f` returns anything other than real numbers or Values.

    Examples
    --------
    >>> jacobian(lambda v: [v[0] * v[1], v[0] + v[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]
    """
    _check_is_function(f)

    def derived(*arguments: Any, **options: Any) -> Any:
        frame = _Frame(f, argnum, arguments, options)
        result = map_structure(frame.gradient, frame.output)
        frame.close()
        return result

    return derived


def hessian(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """Make a function that returns the second derivatives of `f`.

    Parameters
    ----------
    f : callable
        A function that returns a scalar.
    argnum : int, default 0
        The position of the argument to differentiate by, of a kind that `value_and_grad` takes.

    Returns
    -------
    callable
        A function with the arguments of `f`. For a list of n inputs it returns the symmetric n by n matrix as a list of lists.

    Raises
    ------
    TypeError
        If `f` is not a function. The function returned raises TypeError if `f` does not return a scalar.

    Examples
    --------
    >>> hessian(lambda v: v[0] ** 2 * v[1])([3.0, 2.0])
    [[4.0, 6.0], [6.0, 0.0]]
    """
    return jacobian(grad(f, argnum), argnum)


def vjp(f: Callable[..., Any], x: Any, v: Any) -> tuple[Any, Any]:
    """Return `f(x)` and the product of `v` with the Jacobian of `f` at `x`: one backward sweep, however many outputs there are.

    Parameters
    ----------
    f : callable
        A function of one argument that returns a scalar, or a list, tuple, dict or array of scalars, nested to any depth.
    x : real number, Value, or a structure of them
        The argument.
    v : real number, Value, or a structure of them
        One number for each output, in the structure of the result. An output whose number is 0 has no part in the product.

    Returns
    -------
    value
        The result of `f`.
    product
        The derivative of the sum of v * output, in the structure of `x`.

    Raises
    ------
    ValueError
        If `v` has not one number for each output.

    Examples
    --------
    >>> vjp(lambda x: [x[0] * x[1], x[0] + x[1]], [2.0, 3.0], [1.0, 10.0])
    ([6.0, 5.0], [13.0, 12.0])
    """
    _check_is_function(f)
    frame = _Frame(f, 0, (x,), {})
    result = map_structure(frame.value, frame.output), frame.gradient(_dot(v, frame.output, "output"))
    frame.close()
    return result


def jvp(f: Callable[..., Any], x: Any, v: Any) -> tuple[Any, Any]:
    """Return `f(x)` and the product of the Jacobian of `f` at `x` with `v`: how fast the outputs change in the direction `v`.

    It differentiates `vjp(f, x, u)`, which is linear in u, by u [1]_. `f` is called twice.

    Parameters
    ----------
    f : callable
        A function of one argument that returns a scalar, or a list, tuple, dict or array of scalars, nested to any depth.
    x : real number, Value, or a structure of them
        The argument.
    v : real number, Value, or a structure of them
        The direction, in the structure of `x`. An input whose number is 0 has no part in the product.

    Returns
    -------
    value
        The result of `f`.
    product
        One derivative for each output, in the structure of the result.

    Raises
    ------
    ValueError
        If `v` has not one number for each input.

    References
    ----------
    .. [1] J. Townsend, "A new trick for calculating Jacobian vector products", 2017.

    Examples
    --------
    >>> jvp(lambda x: [x[0] * x[1], x[0] + x[1]], [2.0, 3.0], [1.0, 10.0])
    ([6.0, 5.0], [23.0, 11.0])
    """
    _check_is_function(f)
    value = f(x)
    return value, grad(lambda u: _dot(v, vjp(f, x, u)[1], "input"))(map_structure(lambda _: 0.0, value))


def hvp(f: Callable[..., Any], x: Any, v: Any) -> Any:
    """Return the product of the Hessian of `f` at `x` with `v`, without the Hessian: the derivative of v * gradient.

    Parameters
    ----------
    f : callable
        A function of one argument that returns a scalar.
    x : real number, Value, or a structure of them
        The argument.
    v : real number, Value, or a structure of them
        The vector, in the structure of `x`. An input whose number is 0 has no part in the product.

    Returns
    -------
    product
        One number for each input, in the structure of `x`.

    Raises
    ------
    ValueError
        If `v` has not one number for each input.

    Examples
    --------
    >>> hvp(lambda x: x[0] ** 2 * x[1], [3.0, 2.0], [1.0, 10.0])
    [64.0, 6.0]
    """
    return grad(lambda x: _dot(v, grad(f)(x), "input"))(x)


def _dot(v: Any, structure: Any, name: str) -> Any:
    """The sum of v * scalar over a structure, without the scalars whose v is the number 0."""
    numbers, scalars = flatten(v), flatten(structure)
    if len(numbers) != len(scalars):
        raise ValueError(f"v must have one number for each {name}: got {len(numbers)} numbers and {len(scalars)} {name}s")
    pairs = [(number, scalar) for number, scalar in zip(numbers, scalars) if isinstance(number, Node) or number != 0.0]
    return ops.weighted_sum([number for number, _ in pairs], [scalar for _, scalar in pairs])


def _check_is_function(f: Any) -> None:
    if isinstance(f, Node):
        raise TypeError(f"expected a function to differentiate, got {f!r:.60}. For a Value call .backward() and read .grad of its operands")
    if not callable(f):
        raise TypeError(f"expected a function to differentiate, got {type(f).__name__} {f!r:.60}")


class _Frame:
    """One call of `f` on new input nodes, and the sweeps from its outputs back to them.

    For an input that is a node, the new node is its identity, so that the result stays in the caller's graph. For an input that is a
    number, the new node is a leaf until `close`, and a constant afterwards; in a recorded function it is a constant from the beginning.
    """

    def __init__(self, f: Callable[..., Any], argnum: int, arguments: Sequence[Any], options: dict[str, Any]) -> None:
        if not -len(arguments) <= argnum < len(arguments):
            raise TypeError(f"no argument number {argnum} to differentiate by: got {len(arguments)} positional argument(s)")
        given = list(arguments)
        self.inputs = given[argnum] = map_structure(_fresh, given[argnum])
        self.leaves = set(flatten(self.inputs))
        self.givens = {node for leaf in self.leaves for node in leaf.operands}
        self.output = f(*given, **options)

    def close(self) -> None:
        for leaf in self.leaves:
            if leaf.op is None:
                make_constant(leaf)

    def value(self, output: Any) -> Any:
        """An output for the caller: a float if it was computed from plain numbers alone."""
        is_plain = isinstance(output, Node) and self._is_plain(self._order(output))
        return output.data if is_plain else output

    def gradient(self, output: Any) -> Any:
        """The derivative of one output by each input, in the structure of the inputs. One sweep, which stops at the inputs."""
        if not isinstance(output, Node):
            if not isinstance(output, (Real, np.number)):
                raise TypeError(f"a function to differentiate returns real numbers or Values, got {type(output).__name__}")
            return map_structure(lambda _: 0.0, self.inputs)
        order = self._order(output)
        among = set(self.leaves)  # the nodes that depend on the inputs
        for node in order:
            if any(operand in among for operand in node.operands if type(operand) is not float):
                among.add(node)
        if output not in among:
            return map_structure(lambda _: 0.0, self.inputs)
        plain = self._is_plain(order)
        order = [node for node in order if node in among]
        found = adjoints(order, among, nodes=not plain)
        if not plain:
            return map_structure(lambda leaf: _node(found.get(leaf, 0.0)), self.inputs)
        if mode.anomaly:
            modes.check_gradients(order, found)
        return map_structure(lambda leaf: found.get(leaf, 0.0), self.inputs)

    def _order(self, output: Node) -> list[Any]:
        return topological_order(output, within=self.leaves | self.givens)

    def _is_plain(self, order: Sequence[Any]) -> bool:
        return not self.givens and all(node.op is not None or node in self.leaves for node in order)


def _fresh(given: Any) -> Any:
    if isinstance(given, Node) or mode.recording:  # a leaf in a recorded function is a parameter
        return Value.apply(ops.identity, (given,))
    return Value(given)


def _node(adjoint: Any) -> Any:
    """An adjoint as a node, also if it is a constant."""
    return adjoint if isinstance(adjoint, Node) else Value.apply(ops.identity, (adjoint,))


def map_structure(f: Callable[[Any], Any], structure: Any) -> Any:
    """Apply `f` to every scalar in a structure, and return the results in a structure of the same types.

    A structure is a scalar, or a list, tuple, named tuple, dict (its values, in its order) or array of structures, or a model: an object
    whose `map_parameters(f)` returns a copy of it with other parameters.
    """
    if isinstance(structure, (Node, float)):
        return f(structure)
    if isinstance(structure, dict):
        mapped = structure.copy()
        mapped.update({key: map_structure(f, each) for key, each in structure.items()})
        return mapped
    if isinstance(structure, (list, tuple)):
        items = [map_structure(f, each) for each in structure]
        return structure._make(items) if hasattr(structure, "_make") else type(structure)(items)
    if isinstance(structure, np.ndarray):
        items = [f(each) for each in structure.flat]
        kind = object if any(isinstance(each, Node) for each in items) else None
        return np.array(items, dtype=kind).reshape(structure.shape + np.shape(items[0]) if items else structure.shape)
    return structure.map_parameters(f) if hasattr(type(structure), "map_parameters") else f(structure)


def flatten(structure: Any) -> list[Any]:
    """The scalars in a structure (see `map_structure`), in order."""
    scalars: list[Any] = []
    map_structure(scalars.append, structure)
    return scalars
