"""The GPT of `demos.transformer` with one layer, as an expert writes it by hand in numpy: the gradient derived on paper, buffers reused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from demos.transformer import EPSILON
from tests.benchmarks.by_hand import Array


class Norm:
    """Rows scaled so that the mean of their squares is 1."""

    def __init__(self, rows: int, width: int) -> None:
        self.out, self.change = np.empty((rows, width)), np.empty((rows, width))
        self.scale, self.along = np.empty((rows, 1)), np.empty((rows, 1))
        self.mean = np.full((width, 1), 1 / width)

    def forward(self, x: Array) -> Array:
        np.multiply(x, x, out=self.out)
        np.dot(self.out, self.mean, out=self.scale)
        np.add(self.scale, EPSILON, out=self.scale)
        np.sqrt(self.scale, out=self.scale)
        np.reciprocal(self.scale, out=self.scale)
        return np.multiply(x, self.scale, out=self.out)

    def backward(self, change: Array) -> Array:
        """The derivative by x, from that by the scaled rows, which is overwritten: scale * (change - out * mean(change * out))."""
        np.multiply(change, self.out, out=self.change)
        np.dot(self.change, self.mean, out=self.along)
        np.multiply(self.out, self.along, out=self.change)
        np.subtract(change, self.change, out=self.change)
        return np.multiply(self.change, self.scale, out=self.change)


class GPT:
    """The buffers and views for a batch of documents of one length: the mean cost, its gradient, and steps of Adam.

    The vector of parameters has the order of the model's `parameters()`. An array of positions has one row for each position of each
    document; those of attention have the shape (batch, heads, positions, positions), and the key is the last axis but one, so that
    maxima and sums run over whole rows.
    """

    def __init__(self, vocabulary: int, width: int, heads: int, block: int, batch: int, length: int) -> None:
        n, hidden, size = batch * length, 4 * width, width // heads
        shapes = [(vocabulary, width), (block, width), *[(width, width)] * 4, (hidden, width), (width, hidden), (vocabulary, width)]
        count = sum(rows * columns for rows, columns in shapes)
        self.batch, self.length, self.width = batch, length, width
        self.parameters, self.gradient, self.mean, self.square, self.move, self.root = np.zeros((6, count))
        self.steps = 0
        self.tokens, self.positions, *square, self.hidden, self.output, self.scores = _views(self.parameters, shapes)
        self.d_tokens, self.d_positions, *d_square, self.d_hidden, self.d_output, self.d_scores = _views(self.gradient, shapes)
        self.mix, self.d_mix = square[3], d_square[3]
        start = (vocabulary + block) * width
        self.three, self.d_three = (
            each[start : start + 3 * width**2].reshape(3 * width, width) for each in (self.parameters, self.gradient)
        )
        self.x, self.read, self.after, self.last = (np.empty((n, width)) for _ in range(4))
        self.d_mixed, self.d_read, self.d_x = (np.empty((n, width)) for _ in range(3))
        self.made, self.d_made = np.empty((n, 3 * width)), np.empty((n, 3 * width))
        self.first, self.second, self.third = (Norm(n, width) for _ in range(3))
        self.z, self.d_z, self.mask = np.empty((n, hidden)), np.empty((n, hidden)), np.empty((n, hidden), bool)
        self.p, self.targets, self.given = np.empty((n, vocabulary)), np.empty((n, vocabulary)), np.empty((n, vocabulary))
        self.top, self.whole, self.rows = np.empty((n, 1)), np.empty((n, 1)), np.arange(n)
        self.ones, self.by_vocabulary = np.ones(n), np.ones((vocabulary, 1))
        parts = (batch, length, 3, heads, size)
        self.q, self.k, self.v = self.made.reshape(parts).transpose(2, 0, 3, 1, 4)
        self.d_q, self.d_k, self.d_v = self.d_made.reshape(parts).transpose(2, 0, 3, 1, 4)
        self.read_by_head = self.read.reshape(batch, length, heads, size).transpose(0, 2, 1, 3)
        self.d_read_by_head = self.d_read.reshape(batch, length, heads, size).transpose(0, 2, 1, 3)
        self.attention, self.d_attention = (np.empty((batch, heads, length, length)) for _ in range(2))
        self.along = np.empty((batch, heads, 1, length))
        self.future = np.where(np.arange(length)[:, None] > np.arange(length), -np.inf, 0.0)  # a key after the query
        self.narrow = 1 / size**0.5

    def value_and_gradient(self, documents: Array) -> float:
        """The mean cost of documents, integers of shape (batch, length + 1). The gradient is left in `gradient`."""
        given, targets = documents[:, :-1].ravel(), documents[:, 1:].ravel()
        self.forward(given)
        cost = self.surprise(targets)
        self.backward(given)
        return cost

    def forward(self, given: Array) -> None:
        x = self.x
        self.tokens.take(given, axis=0, out=x, mode="clip")
        in_documents = x.reshape(self.batch, self.length, self.width)
        np.add(in_documents, self.positions[: self.length], out=in_documents)
        np.dot(self.first.forward(x), self.three.T, out=self.made)
        self.attend()
        np.dot(self.read, self.mix.T, out=self.after)
        np.add(self.after, x, out=self.after)
        np.dot(self.second.forward(self.after), self.hidden.T, out=self.z)
        np.greater(self.z, 0, out=self.mask)
        np.multiply(self.z, self.mask, out=self.z)
        np.dot(self.z, self.output.T, out=self.last)
        np.add(self.last, self.after, out=self.last)
        np.dot(self.third.forward(self.last), self.scores.T, out=self.p)

    def attend(self) -> None:
        weights, along = self.attention, self.along
        np.multiply(self.made[:, : self.width], self.narrow, out=self.made[:, : self.width])
        np.matmul(self.k, self.q.swapaxes(-1, -2), out=weights)
        np.add(weights, self.future, out=weights)
        np.maximum.reduce(weights, axis=-2, keepdims=True, out=along)
        np.subtract(weights, along, out=weights)
        np.exp(weights, out=weights)
        np.add.reduce(weights, axis=-2, keepdims=True, out=along)
        np.divide(weights, along, out=weights)
        np.matmul(weights.swapaxes(-1, -2), self.v, out=self.read_by_head)

    def surprise(self, targets: Array) -> float:
        """The mean cost. The scores become its derivative by them."""
        p, n = self.p, len(targets)
        np.maximum.reduce(p, axis=1, keepdims=True, out=self.top)
        np.subtract(p, self.top, out=p)
        self.targets.fill(0.0)
        self.targets[self.rows, targets] = 1.0
        right = float(np.dot(p.ravel(), self.targets.ravel()))
        np.exp(p, out=p)
        np.dot(p, self.by_vocabulary, out=self.whole)
        np.divide(p, self.whole, out=p)
        np.log(self.whole, out=self.whole)
        cost = (float(np.dot(self.ones, self.whole[:, 0])) - right) / n
        np.subtract(p, self.targets, out=p)
        np.multiply(p, 1 / n, out=p)
        return cost

    def backward(self, given: Array) -> None:
        np.dot(self.p.T, self.third.out, out=self.d_scores)
        d_last = self.third.backward(np.dot(self.p, self.scores, out=self.d_x))
        np.dot(d_last.T, self.z, out=self.d_output)
        np.dot(d_last, self.output, out=self.d_z)
        np.multiply(self.d_z, self.mask, out=self.d_z)
        np.dot(self.d_z.T, self.second.out, out=self.d_hidden)
        d_after = np.add(self.second.backward(np.dot(self.d_z, self.hidden, out=self.d_x)), d_last, out=self.d_mixed)
        np.dot(d_after.T, self.read, out=self.d_mix)
        np.dot(d_after, self.mix, out=self.d_read)
        self.attend_backward()
        np.dot(self.d_made.T, self.first.out, out=self.d_three)
        d_x = np.add(self.first.backward(np.dot(self.d_made, self.three, out=self.d_x)), d_after, out=self.d_x)
        self.given.fill(0.0)
        self.given[self.rows, given] = 1.0
        np.dot(self.given.T, d_x, out=self.d_tokens)
        in_documents = d_x.reshape(self.batch, self.length, self.width)
        np.add.reduce(in_documents, axis=0, out=self.d_positions[: self.length])

    def attend_backward(self) -> None:
        weights, change, along = self.attention, self.d_attention, self.along
        np.matmul(weights, self.d_read_by_head, out=self.d_v)
        np.matmul(self.v, self.d_read_by_head.swapaxes(-1, -2), out=change)
        np.multiply(change, weights, out=change)
        np.add.reduce(change, axis=-2, keepdims=True, out=along)
        np.multiply(weights, along, out=weights)
        np.subtract(change, weights, out=change)
        np.matmul(change.swapaxes(-1, -2), self.k, out=self.d_q)
        np.matmul(change, self.q, out=self.d_k)
        np.multiply(self.d_made[:, : self.width], self.narrow, out=self.d_made[:, : self.width])

    def step(self, documents: Array, rate: float, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> float:
        """One step of Adam; the mean cost before it."""
        cost = self.value_and_gradient(documents)
        self.steps += 1
        gradient, mean, square, move, root = self.gradient, self.mean, self.square, self.move, self.root
        np.multiply(mean, beta1, out=mean)
        np.multiply(gradient, 1 - beta1, out=move)
        np.add(mean, move, out=mean)
        np.multiply(gradient, gradient, out=move)
        np.multiply(move, 1 - beta2, out=move)
        np.multiply(square, beta2, out=square)
        np.add(square, move, out=square)
        np.sqrt(square, out=root)
        whole = (1 - beta2**self.steps) ** 0.5
        np.add(root, epsilon * whole, out=root)
        np.divide(mean, root, out=move)
        np.multiply(move, rate * whole / (1 - beta1**self.steps), out=move)
        np.subtract(self.parameters, move, out=self.parameters)
        return cost


def _views(vector: Array, shapes: Sequence[tuple[int, int]]) -> list[Array]:
    """The matrices of these shapes, one after another in a vector."""
    found, start = [], 0
    for rows, columns in shapes:
        found.append(vector[start : start + rows * columns].reshape(rows, columns))
        start += rows * columns
    return found
