"""The pictures that the README shows, made anew by the demos: the same bytes each time."""

from pathlib import Path

from demos import activations, digits, moons, neuron

FOLDER = Path(__file__).parent / "gallery"


def main() -> None:
    for demo in (neuron, moons, activations, digits):
        demo.main(["--output", str(FOLDER)])


if __name__ == "__main__":
    main()
