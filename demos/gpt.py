"""Train a small GPT, written in scalars, on a list of names, write new names with it, and show what it looks at."""

import argparse
import math
import random
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import pyplot
from matplotlib.axes import Axes
from tqdm import tqdm

from autograd import Value, Vectorized, draw, log, lookup, relu, vectorize, why
from demos.common import add_backend, backend, parser, positive, save
from demos.transformer import GPT, Memory, added, normed, product, softmax
from nn import Adam, Cosine, plots

Array = npt.NDArray[Any]
BOUNDARY, LENGTH, CHUNK = 0, 16, 20  # the token before and after a document, the largest number of positions, steps between two reports
STARTS = [*"bcdfghjklmnprstvwxyz", "br", "ch", "dr", "gr", "ph", "qu", "sh", "st", "th", "tr"]
VOWELS = [*"aeiou"]
ENDS = ["", "l", "m", "n", "nd", "r", "s", "th", "x"]
RULE = re.compile(rf"((?:{'|'.join(STARTS)})(?:{'|'.join(VOWELS)})){{2,3}}(?:{'|'.join(ENDS)})")


def invented(count: int, rng: random.Random) -> list[str]:
    """Different names: two or three syllables, each a start and a vowel, and an end."""
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(rng.choice(part) for part in [STARTS, VOWELS] * rng.choice((2, 3)) + [ENDS])] = None
    return list(found)


def least_cost(names: Sequence[str]) -> float:
    """The mean cost of names for a reader who knows how they were invented. No model can be below it for long."""
    costs = []
    for name in names:
        syllables = sum(letter in VOWELS for letter in name.replace("qu", "q"))
        choices = 2 * (len(STARTS) * len(VOWELS)) ** syllables * len(ENDS)
        costs.append(math.log(choices) / (len(name) + 1))
    return float(np.mean(costs))


class Letters:
    """The letters of some documents, as tokens from 1. Token 0 is the boundary before and after a document."""

    def __init__(self, documents: Sequence[str]) -> None:
        self.known = ["·", *sorted(set("".join(documents)))]
        self.tokens = {letter: token for token, letter in enumerate(self.known)}
        self.longest = max(map(len, documents))

    def __len__(self) -> int:
        return len(self.known)

    def encoded(self, document: str) -> list[int]:
        return [BOUNDARY, *(self.tokens[letter] for letter in document), BOUNDARY]

    def rows(self, documents: Sequence[str]) -> tuple[Array, Array]:
        """The tokens of the documents, padded with the boundary to one length, and a weight for each position that is not padding.

        The weights of a document add up to 1. A position sees only those before it, so padding changes nothing but the time.
        """
        tokens = np.full((len(documents), self.longest + 2), BOUNDARY)
        weights = np.zeros((len(documents), self.longest + 1))
        for row, document in enumerate(documents):
            tokens[row, : len(document) + 2] = self.encoded(document)
            weights[row, : len(document) + 1] = 1 / (len(document) + 1)
        return tokens, weights


def main(arguments: Sequence[str] | None = None) -> None:
    given = options().parse_args(arguments)
    rng = random.Random(given.seed)
    documents = read(given.file) if given.file else invented(given.names, rng)
    letters = Letters(documents)
    rng.shuffle(documents)
    kept = max(1, len(documents) // 10)
    held_out, training = documents[:kept], documents[kept:] or documents
    model = GPT(len(letters), length=LENGTH, seed=given.seed)
    print(f"{len(training)} names for training, such as {', '.join(training[:3])}; {len(held_out)} held out")
    print(f"a GPT with {len(model.parameters()):,} parameters for {len(letters)} tokens: {len(letters) - 1} letters and the boundary")

    try:
        program, costs, seconds = learn(model, letters.rows(training), given)
    except KeyboardInterrupt:
        sys.exit("demos.gpt: stopped, and nothing was written")
    alone = eager_seconds(model, letters.encoded(training[0]))
    print(f"trained for {given.steps} steps of {given.batch} names in {seconds:.1f} s, {seconds / given.steps * 1000:.2g} ms a step")
    print(f"with Values, and no program, one name alone takes {alone * 1000:.0f} ms a step\n")
    measured = float(np.mean(program(*letters.rows(held_out))))
    best = None if given.file else least_cost(held_out)
    print(f"cost of the names held out: {measured:.3f}, and {math.log(len(letters)):.3f} for a guess among {len(letters)} tokens")
    if best is not None:
        print(f"with knowledge of the rule by which the names were invented: {best:.3f}")

    written = [write(model, letters, rng) for _ in range(given.samples)]
    print(f"\n{given.samples} new names:\n" + "\n".join(in_columns(written)))
    report(written, documents, given.file)
    explain(model, letters, written[0] or training[0], given.output)
    figure(model, letters, max(held_out, key=len), (costs, measured, best), given.output / "gpt.png")


def options() -> argparse.ArgumentParser:
    every = parser(__doc__)
    every.add_argument("--file", type=Path, help="your own text to learn, with one document of at most 15 letters per line")
    every.add_argument("--names", type=positive, default=5000, help="number of names to invent")
    every.add_argument("--steps", type=positive, default=1500, help="number of steps")
    every.add_argument("--batch", type=positive, default=32, help="number of names in a step")
    every.add_argument("--samples", type=positive, default=20, help="number of new names to write")
    add_backend(every, usual="numpy")
    return every


def read(path: Path) -> list[str]:
    """The different lines of a file, without those that are empty or too long. Exits with a message if there are none."""
    try:
        lines = list(dict.fromkeys(line.strip().lower() for line in path.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        sys.exit(f"demos.gpt: cannot read {path}: {error}")
    found = [line for line in lines if 0 < len(line) < LENGTH]
    if len(found) < len(lines):
        print(f"{path}: {len(lines) - len(found)} lines are empty or have more than {LENGTH - 1} letters and are left out")
    if not found:
        sys.exit(f"demos.gpt: {path} has no line of 1 to {LENGTH - 1} letters")
    return found


def learn(model: GPT, rows: tuple[Array, Array], given: argparse.Namespace) -> tuple[Vectorized, list[float], float]:
    """Train the model. Return the program of the cost, the cost of each step, and the seconds without those for compiling."""

    def cost(tokens: Any, weights: Any) -> Any:
        return sum(weight * surprise for weight, surprise in zip(weights, model.surprises(tokens)))

    tokens, weights = rows
    program = vectorize(cost, backend=backend(given)).record(*rows)
    theta = program.parameter_vector()
    optimizer, rng = Adam(Cosine(0.01, given.steps)), np.random.default_rng(given.seed)
    descent = program.descent(optimizer.update_rule, tokens, weights, parameters=theta, memory=[np.zeros_like(theta), np.zeros_like(theta)])
    costs: list[float] = []
    started = time.perf_counter()
    with tqdm(total=given.steps, unit=" steps", disable=None) as bar:
        while len(costs) < given.steps:
            steps = range(len(costs), min(len(costs) + CHUNK, given.steps))
            rates = [optimizer.schedule(step) for step in steps]
            costs += descent.take(rates, rng.integers(len(tokens), size=(len(steps), given.batch)), first=len(costs) + 1)[0].tolist()
            bar.set_postfix_str(f"cost {np.mean(costs[-CHUNK:]):.3f}", refresh=False)
            bar.update(len(steps))
            if len(steps) == len(costs):
                started = time.perf_counter()  # the first steps compile
    seconds = (time.perf_counter() - started) * given.steps / max(given.steps - CHUNK, 1)
    program.layout.assign(theta)
    return program, costs, seconds


def eager_seconds(model: GPT, tokens: Sequence[int]) -> float:
    """The time of the cost of one document and its gradient with Values."""
    started = time.perf_counter()
    model.cost(tokens).backward()
    model.zero_grad()
    return time.perf_counter() - started


def write(model: GPT, letters: Letters, rng: random.Random) -> str:
    """A new document: each letter is drawn with the probability that the model gives it."""
    token, found, memories = BOUNDARY, "", model.memories()
    for position in range(LENGTH):
        chances = [each.data for each in softmax(model.next(token, position, memories))]
        (token,) = rng.choices(range(len(letters)), chances)
        if token == BOUNDARY:
            break
        found += letters.known[token]
    return found


def in_columns(names: Sequence[str], width: int = 5) -> list[str]:
    return ["  " + "".join(f"{name:18}" for name in names[start : start + width]).rstrip() for start in range(0, len(names), width)]


def report(written: Sequence[str], documents: Sequence[str], is_own: bool) -> None:
    """Print what the new names show of what was learned."""
    fresh = sum(name not in documents for name in written)
    print(f"\n{fresh} of {len(written)} are not in the list", end="")
    if not is_own:
        lawful = sum(bool(RULE.fullmatch(name)) for name in written)
        print(f"; {lawful} of {len(written)} obey the rule: two or three syllables and an end", end="")
    print()


def explain(model: GPT, letters: Letters, name: str, folder: Path) -> None:
    """Draw the graph of the last position of a name, and say why one of its weights has the gradient that it has."""
    *seen, token, following = letters.encoded(name)
    memories = model.memories()
    for position, each in enumerate(seen):
        model.next(each, position, memories)
    for memory in memories:  # what earlier positions left is a number in this graph
        for rows in (memory.keys, memory.values):
            rows[:] = [[each.data for each in row] for row in rows]
    chances = label("probabilities", softmax(labelled_scores(model, token, len(seen), memories)))
    cost = -log(lookup(chances, following))
    cost.label = "surprise"
    cost.backward()
    weight = max(model.tokens[token], key=lambda each: abs(each.grad))
    print(f"\nThe surprise that {name} ends after {name[-1]}, and one number in the vector of {name[-1]}:")
    print(f"{why(cost, weight, model=model)}\n")
    print(f"wrote {draw(cost, detail='layer', model=model).save(folder / 'gpt.svg')}")
    model.zero_grad()


def labelled_scores(model: GPT, token: int, position: int, memories: Sequence[Memory]) -> list[Any]:
    """The scores of `GPT.next`, with labels by which `draw` folds the graph: one for each norm and each head."""
    x = label("embedding", added(lookup(model.tokens, token), model.positions[position]))
    for layer, (block, memory) in enumerate(zip(model.blocks, memories)):
        read = block.attend(label(f"layer {layer}, first norm", normed(x)), memory)
        size = len(read) // block.heads
        for head in range(block.heads):
            label(f"layer {layer}, head {head}", read[head * size : (head + 1) * size])
        x = label(f"layer {layer}, after attention", added(x, product(block.mix, read)))
        hidden = [relu(each) for each in product(block.hidden, label(f"layer {layer}, second norm", normed(x)))]
        x = label(f"layer {layer}, output", added(x, product(block.output, hidden)))
    return product(model.scores, label("last norm", normed(x)))


def label(name: str, nodes: Sequence[Value]) -> list[Value]:
    """Label the nodes and what they were computed from, back to nodes with labels and to weighted sums of parameters."""
    waiting, count = list(nodes), 0
    while waiting:
        node = waiting.pop()
        parts = [each for each in node.operands if isinstance(each, Value)]
        if node.op and not node.label and not any(map(is_weighted, parts)):
            node.label = f"{name}[{count}]"
            count += 1
            waiting += parts
    return list(nodes)


def is_weighted(node: Value) -> bool:
    """Whether this is a product of a parameter, which is a leaf without a label."""
    of_parameter = any(isinstance(each, Value) and not each.op and not each.label for each in node.operands)
    return of_parameter and node.op is not None and node.op.name == "multiply"


def figure(model: GPT, letters: Letters, name: str, run: tuple[list[float], float, float | None], path: Path) -> None:
    """Draw where each head looks in one name, the probabilities of the next letters, and the cost during training."""
    tokens, memories = letters.encoded(name)[:-1], model.memories()
    chances = np.array([[each.data for each in softmax(model.next(*each, memories))] for each in zip(tokens, range(len(tokens)))])
    shown = pyplot.figure(figsize=(15, 9.5), layout="constrained")
    parts: Any = shown.subfigures(2, 1, height_ratios=[1, 1.5])
    above, below = parts
    above.suptitle(f"where the heads look: from each letter of {name} to those before it")
    for head, ax in enumerate(above.subplots(1, model.blocks[0].heads, squeeze=False)[0]):
        attend(ax, [letters.known[token] for token in tokens], memories[0], head)
    left, right = below.subplots(1, 2, width_ratios=[1.5, 1])
    foresee(left, letters, name, chances)
    learning(right, len(letters), *run)
    save(shown, path)
    pyplot.close(shown)


def attend(ax: Axes, said: Sequence[str], memory: Memory, head: int) -> None:
    paid = np.full((len(said), len(said)), np.nan)
    for position, heads in enumerate(memory.attention):
        paid[position, : position + 1] = [each.data for each in heads[head]]
    ax.imshow(paid, cmap="Blues", vmin=0, vmax=1)
    ax.set(title=f"head {head}", xticks=range(len(said)), yticks=range(len(said)), xticklabels=said, yticklabels=said)
    ax.set_xlabel("looks at")
    ax.set_ylabel("from")


def foresee(ax: Axes, letters: Letters, name: str, chances: Array) -> None:
    """Show the probability of each letter after each position. A ring is around the letter that comes."""
    ax.imshow(chances, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for position, token in enumerate(letters.encoded(name)[1:]):
        ax.plot(token, position, "o", markersize=11, markerfacecolor="none", markeredgecolor=plots.NEGATIVE, markeredgewidth=1.5)
        ax.text(len(letters) - 0.4, position, f"{chances[position, token]:.0%}", va="center", fontsize=9)
    seen = ["·" + name[:end] for end in range(len(name) + 1)]
    ax.set(title="the probabilities of the next letter; rings: the letter that comes", yticks=range(len(seen)), yticklabels=seen)
    ax.set(xticks=range(len(letters)), xticklabels=letters.known)


def learning(ax: Axes, tokens: int, costs: Sequence[float], measured: float, best: float | None) -> None:
    size = max(1, len(costs) // 50)
    means = [np.mean(costs[start : start + size]) for start in range(0, len(costs) - size + 1, size)]
    ax.plot(costs, color=plots.POSITIVE, alpha=0.25, linewidth=0.8)
    ax.plot(np.arange(len(means)) * size + size / 2, means, color=plots.POSITIVE, linewidth=2, label="cost of a step")
    ax.axhline(math.log(tokens), color=plots.GREY, linestyle=":", label="a guess")
    ax.axhline(measured, color=plots.NEGATIVE, label="names held out, at the end")
    if best is not None:
        ax.axhline(best, color=plots.GREY, linestyle="--", label="with knowledge of the rule")
    ax.set(title="training", xlabel="step", ylabel="cost", ylim=(None, 1.1 * math.log(tokens)))
    ax.legend(fontsize=9, loc="upper right")


if __name__ == "__main__":
    main()
