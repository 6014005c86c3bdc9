"""The pictures and films of the README and of the book, made anew by the demos: the same bytes each time.

All but the playground's, which is a screenshot.
"""

from pathlib import Path

from demos import activations, book, descent, digits, learning, moons, neuron, nudges

FOLDER = Path(__file__).parents[1] / "docs" / "gallery"


def main() -> None:
    for demo in (neuron, moons, activations, digits, nudges, descent, book):
        demo.main(["--output", str(FOLDER)])
    learning.main(["--output", str(FOLDER), "--data", "moons", "--frames", "18"])


if __name__ == "__main__":
    main()
