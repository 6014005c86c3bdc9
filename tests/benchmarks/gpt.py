"""A step of a small GPT: our scalars, eager and on each back end, numpy by hand, PyTorch and JAX."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest import mock

import numpy as np

from autograd import vectorize
from demos.transformer import EPSILON, GPT
from nn import Adam
from tests.benchmarks import gpt_by_hand
from tests.benchmarks.by_hand import Array
from tests.benchmarks.peers import Ready, back_ends, installed
from tests.benchmarks.race import race, table

VOCABULARY, WIDTH, HEADS = 27, 16, 4
LENGTHS, BATCHES = (8, 16, 32, 64), (1, 32)
RATE = 1e-4
Work = Callable[[], object]
Made = tuple[Work, Work | None]  # a step, and for Nudge's programs the gradient alone


def gpt() -> None:
    for batch in BATCHES:
        title = f"GPT, {batch} document{'s' if batch > 1 else ''}"
        steps: dict[str, dict[str, float]] = {}
        gradients: dict[str, dict[str, float]] = {}
        ready = Ready()
        for length in LENGTHS:
            column = f"{length} positions"
            model, documents = example(batch, length)
            hand = by_hand(model, batch, length)
            taken: dict[str, Work] = {"numpy by hand": partial(hand.step, documents, RATE)}
            derived: dict[str, Work] = {"numpy by hand": partial(hand.value_and_gradient, documents)}
            for name, make in makers(model, documents).items():
                if (made := ready.made(name, column, make)) is not None:
                    taken[name], gradient = made
                    derived |= {name: gradient} if gradient else {}
            steps[column], gradients[column] = race(taken, rounds=5), race(derived, rounds=5)
            if batch == 1:
                steps[column] |= race({"nudge, eager": eager_step(model, documents)}, rounds=1)  # a step takes up to a second
        table(f"{title}, a step of Adam", steps, baseline="numpy by hand")
        table(f"{title}, cost and gradient", gradients, baseline="numpy by hand")
        ready.print(f"{title}, until the first step is done")


def example(batch: int, length: int) -> tuple[GPT, Array]:
    """A model with room for documents of this length, and random documents, (batch, length + 1)."""
    model = GPT(VOCABULARY, WIDTH, HEADS, length=max(16, length), seed=1)
    return model, np.random.default_rng(0).integers(VOCABULARY, size=(batch, length + 1))


def makers(model: GPT, documents: Array) -> dict[str, Callable[[], Made]]:
    """For each contestant that needs time to begin, what prepares it and takes its first step."""
    made: dict[str, Callable[[], Made]] = {f"nudge, {name}": partial(compiled, model, documents, name) for name in back_ends()}
    if installed("torch"):
        made["pytorch"] = partial(torch_step, model, documents)
    if installed("jax"):
        made["jax.jit"] = partial(jax_step, model, documents)
    return made


def matrices(model: GPT) -> list[Array]:
    """The parameters of a model with one layer, in their order: tokens, positions, query, key, value, mix, hidden, output, scores."""
    (block,) = model.blocks
    own = (block.query, block.key, block.value, block.mix, block.hidden, block.output)
    return [np.array([[w.data for w in row] for row in each]) for each in (model.tokens, model.positions, *own, model.scores)]


def by_hand(model: GPT, batch: int, length: int) -> gpt_by_hand.GPT:
    """The model in numpy, for a batch of documents of this length."""
    made = gpt_by_hand.GPT(VOCABULARY, WIDTH, HEADS, len(model.positions), batch, length)
    made.parameters[:] = np.concatenate([each.ravel() for each in matrices(model)])
    return made


def eager_step(model: GPT, documents: Array) -> Work:
    """The mean of the costs of the documents as one graph of Values, and Adam on Values."""
    parameters, optimizer, given = model.parameters(), Adam(RATE), documents.tolist()

    def step() -> None:
        cost = sum(model.cost(each) for each in given) / len(given)
        model.zero_grad()
        cost.backward()
        optimizer.step(parameters)

    return step


def compiled(model: GPT, documents: Array, backend: str) -> Made:
    """A step of Adam and the gradient alone, compiled from nothing, the step once taken."""
    with tempfile.TemporaryDirectory() as cache, mock.patch.dict(os.environ, NUDGE_CACHE=cache):
        program = vectorize(model.cost, backend=backend).record(documents)
        theta = program.parameter_vector()
        memory = np.zeros_like(theta), np.zeros_like(theta)
        step = partial(program.descent(Adam(RATE).update_rule, documents, parameters=theta, memory=memory).take, [RATE])
        step()
    kept, gradient = theta.copy(), np.empty_like(theta)
    return step, partial(program.value_and_gradient, documents, parameters=kept, out=gradient)


def torch_step(model: GPT, documents: Array) -> Made:
    """Eager PyTorch, as its users write it."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(1)
    parameters = [torch.tensor(each, requires_grad=True) for each in matrices(model)]
    tokens, positions, query, key, value, mix, hidden, output, scores = parameters
    optimizer = torch.optim.Adam(parameters, lr=RATE)
    given, targets = torch.tensor(documents[:, :-1]), torch.tensor(documents[:, 1:]).flatten()
    batch, length = given.shape

    def heads(x: Any) -> Any:
        return x.view(batch, length, HEADS, WIDTH // HEADS).transpose(1, 2)

    def normed(x: Any) -> Any:
        return functional.rms_norm(x, (WIDTH,), eps=EPSILON)

    def step() -> float:
        x = functional.embedding(given, tokens) + positions[:length]
        a = normed(x)
        read = functional.scaled_dot_product_attention(heads(a @ query.T), heads(a @ key.T), heads(a @ value.T), is_causal=True)
        x = x + read.transpose(1, 2).reshape(batch, length, WIDTH) @ mix.T
        x = x + functional.relu(normed(x) @ hidden.T) @ output.T
        cost = functional.cross_entropy((normed(x) @ scores.T).flatten(0, 1), targets)
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
        return float(cost.detach())

    step()
    return step, None


def jax_step(model: GPT, documents: Array) -> Made:
    """The whole step, Adam included, in one compiled function that may reuse its parameters' memory."""
    import jax
    import jax.numpy as jnp

    given, targets = jnp.asarray(documents[:, :-1]), jnp.asarray(documents[:, 1:])
    batch, length = given.shape
    past = jnp.tril(jnp.ones((length, length), bool))

    def normed(x: Any) -> Any:
        return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + EPSILON)

    def cost(parameters: Any) -> Any:
        tokens, positions, query, key, value, mix, hidden, output, scores = parameters
        x = tokens[given] + positions[:length]
        a = normed(x)
        q, k, v = ((a @ each.T).reshape(batch, length, HEADS, WIDTH // HEADS) for each in (query, key, value))
        weights = jnp.einsum("bqhs,bkhs->bhqk", q, k) / (WIDTH // HEADS) ** 0.5
        weights = jax.nn.softmax(jnp.where(past, weights, -jnp.inf))
        x = x + jnp.einsum("bhqk,bkhs->bqhs", weights, v).reshape(batch, length, WIDTH) @ mix.T
        x = x + jax.nn.relu(normed(x) @ hidden.T) @ output.T
        surprise = -jax.nn.log_softmax(normed(x) @ scores.T)
        return jnp.take_along_axis(surprise, targets[..., None], -1).mean()

    def update(state: Any) -> Any:
        parameters, mean, square, count = state
        value, gradient = jax.value_and_grad(cost)(parameters)
        count = count + 1
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
        square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, square, gradient)

        def moved(p: Any, m: Any, s: Any) -> Any:
            return p - RATE * (m / (1 - 0.9**count)) / (jnp.sqrt(s / (1 - 0.999**count)) + 1e-8)

        return value, (jax.tree.map(moved, parameters, mean, square), mean, square, count)

    run = jax.jit(update, donate_argnums=0)
    start = [jnp.asarray(each) for each in matrices(model)]
    state = [(start, [jnp.zeros_like(each) for each in start], [jnp.zeros_like(each) for each in start], jnp.zeros(()))]

    def step() -> float:
        value, state[0] = run(state[0])
        return float(value)

    step()
    return step, None
