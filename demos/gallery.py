"""Draw the pictures and animations of the README and of the book again. The same seed gives the same bytes.

The pictures of the playground are screenshots and are not drawn here.
"""

from collections.abc import Sequence
from pathlib import Path

from demos import activations, book, descent, digits, estimate, gpt, learning, moons, neuron, nudges
from demos.common import parser

FOLDER = Path(__file__).parents[1] / "docs" / "gallery"


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser(__doc__, output=FOLDER).parse_args(arguments)
    usual = ["--output", str(given.output), "--seed", str(given.seed)]
    for demo in (neuron, moons, activations, digits, nudges, descent, estimate, gpt, book):
        demo.main(usual)
    learning.main([*usual, "--data", "moons", "--frames", "14"])


if __name__ == "__main__":
    main()
