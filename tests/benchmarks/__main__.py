"""`python -m tests.benchmarks [section ...]`: Nudge beside its peers, in one run, on one thread."""

from __future__ import annotations

import argparse

from tests.benchmarks.one_thread import one_thread

one_thread()

from tests.benchmarks import sections  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("section", nargs="*", help=f"what to time: {', '.join(sections.SECTIONS)} (all of them unless told)")
    chosen = parser.parse_args().section or list(sections.SECTIONS)
    unknown = [name for name in chosen if name not in sections.SECTIONS]
    if unknown:
        parser.error(f"no section {unknown[0]}: choose from {', '.join(sections.SECTIONS)}")
    for name in chosen:
        sections.SECTIONS[name]()


if __name__ == "__main__":
    main()
