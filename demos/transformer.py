"""A small GPT in plain scalars: lists of Values, one position after another.

It runs on Values as it stands, and `vectorize(model.cost)` compiles the same lines. Two functions make this possible. In a program for
Values alone, `lookup(table, i)` could be `table[i]`, and `largest` could be `max`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from autograd import Value, exp, largest, log, lookup, relu
from nn import Module

Matrix = list[list[Value]]
EPSILON = 1e-5  # keeps the norm of a row of zeros finite


def product(matrix: Matrix, x: Sequence[Any]) -> list[Any]:
    """The weighted sum of x for each row of a matrix."""
    return [sum(weight * each for weight, each in zip(row, x)) for row in matrix]


def added(x: Sequence[Any], y: Sequence[Any]) -> list[Any]:
    return [a + b for a, b in zip(x, y)]


def normed(x: Sequence[Any]) -> list[Any]:
    """The vector x, scaled so that the mean of its squares is 1."""
    scale = (sum(each * each for each in x) / len(x) + EPSILON) ** -0.5
    return [each * scale for each in x]


def softmax(scores: Sequence[Any]) -> list[Any]:
    """Probabilities in proportion to exp(score). The largest score is subtracted first, so that exp cannot overflow."""
    top = largest(score.data for score in scores)
    powers = [exp(score - top) for score in scores]
    whole = sum(powers)
    return [power / whole for power in powers]


@dataclass
class Memory:
    """What one layer keeps of the positions so far: a key and a value for each, and the attention that each paid, by head."""

    keys: list[list[Any]] = field(default_factory=list)
    values: list[list[Any]] = field(default_factory=list)
    attention: list[list[list[Any]]] = field(default_factory=list)


@dataclass
class Block:
    """One layer: attention to the positions so far, then a network with one hidden layer. Each adds to the vector of its position."""

    query: Matrix
    key: Matrix
    value: Matrix
    mix: Matrix
    hidden: Matrix
    output: Matrix
    heads: int

    def __call__(self, x: list[Any], memory: Memory) -> list[Any]:
        x = added(x, product(self.mix, self.attend(normed(x), memory)))
        return added(x, product(self.output, [relu(each) for each in product(self.hidden, normed(x))]))

    def attend(self, x: list[Any], memory: Memory) -> list[Any]:
        """What the heads read, one after another: for each, the mean of the values so far, weighted by its attention."""
        query = product(self.query, x)
        memory.keys.append(product(self.key, x))
        memory.values.append(product(self.value, x))
        size, found, seen = len(x) // self.heads, [], []
        for start in range(0, len(x), size):
            part = slice(start, start + size)
            scores = [sum(q * k for q, k in zip(query[part], key[part])) / size**0.5 for key in memory.keys]
            attention = softmax(scores)
            found += [sum(a * v for a, v in zip(attention, column)) for column in zip(*[value[part] for value in memory.values])]
            seen.append(attention)
        memory.attention.append(seen)
        return found


class GPT(Module):
    """A model that reads a document token by token and gives each token that could be next a score.

    Parameters
    ----------
    vocabulary : int
        The number of tokens, which are whole numbers from 0.
    width : int, default 16
        The length of the vector of a position. A multiple of `heads`.
    heads : int, default 4
        The number of heads of a layer.
    layers : int, default 1
        The number of layers.
    length : int, default 16
        The largest number of positions.
    seed : int, default 0
        The seed of the parameters, which are normal with a standard deviation of 0.08.
    """

    def __init__(self, vocabulary: int, width: int = 16, heads: int = 4, layers: int = 1, length: int = 16, seed: int = 0) -> None:
        normal = random.Random(seed).gauss

        def matrix(rows: int, columns: int) -> Matrix:
            return [[Value(normal(0, 0.08)) for _ in range(columns)] for _ in range(rows)]

        self.tokens, self.positions = matrix(vocabulary, width), matrix(length, width)
        self.blocks = [
            Block(
                query=matrix(width, width),
                key=matrix(width, width),
                value=matrix(width, width),
                mix=matrix(width, width),
                hidden=matrix(4 * width, width),
                output=matrix(width, 4 * width),
                heads=heads,
            )
            for _ in range(layers)
        ]
        self.scores = matrix(vocabulary, width)

    def __call__(self, tokens: Sequence[Any]) -> list[list[Any]]:
        """The scores of each token as the next one, after each token of a document."""
        memories = self.memories()
        return [self.next(token, position, memories) for position, token in enumerate(tokens)]

    def memories(self) -> list[Memory]:
        """Empty memories, one for each layer."""
        return [Memory() for _ in self.blocks]

    def next(self, token: Any, position: int, memories: Sequence[Memory]) -> list[Any]:
        """The scores of each token as the one after `token`, which is added to the memories."""
        x = added(lookup(self.tokens, token), self.positions[position])
        for block, memory in zip(self.blocks, memories):
            x = block(x, memory)
        return product(self.scores, normed(x))

    def surprises(self, tokens: Sequence[Any]) -> list[Any]:
        """-log(probability) of each token after the first one, as the model saw it coming."""
        return [-log(lookup(softmax(scores), token)) for scores, token in zip(self(tokens[:-1]), tokens[1:])]

    def cost(self, tokens: Sequence[Any]) -> Any:
        """The mean surprise of a document."""
        surprises = self.surprises(tokens)
        return sum(surprises) / len(surprises)
