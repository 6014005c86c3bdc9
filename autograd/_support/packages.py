"""The optional packages, and the one form of the hint for a package that is not installed."""

from __future__ import annotations

from typing import NamedTuple


class Optional(NamedTuple):
    """A package as pip takes it, and the extra of this project that contains it."""

    requirement: str
    extra: str


OPTIONAL = {
    package.requirement.partition(">")[0]: package
    for package in (
        Optional("anywidget>=0.9", "notebook"),
        Optional("jax>=0.6", "jax"),
        Optional("markdown-it-py>=3", "play"),
        Optional("matplotlib", "plots"),
        Optional("narwhals", "frames"),
        Optional("pillow", "demos"),
        Optional("pygraphviz>=2.0", "draw"),
        Optional("scikit-learn", "demos"),
        Optional("tqdm", ""),
        Optional("websockets>=13", "play"),
        Optional("ziglang", "native"),
    )
}


def missing(user: str, *packages: str, what: str = "") -> str:
    """The message that `user`, a function, module or option, needs packages that are not installed.

    The packages have the names on PyPI, and are in `OPTIONAL`. `what` is what they provide, by default the packages themselves.
    The extra `demos` contains the packages of several extras.

    >>> missing("nn.plots", "matplotlib")
    'nn.plots needs matplotlib: pip install matplotlib (the extra `plots`)'
    >>> missing('backend="native"', "ziglang", what="a C compiler")
    'backend="native" needs a C compiler: pip install ziglang (the extra `native`)'
    """
    chosen = [OPTIONAL[package] for package in packages]
    command = " ".join(f'"{each.requirement}"' if ">" in each.requirement else each.requirement for each in chosen)
    extras = {each.extra for each in chosen}
    extra = extras.pop() if len(extras) == 1 else "demos"
    hint = f" (the extra `{extra}`)" if extra else ""
    return f"{user} needs {what or ' and '.join(packages)}: pip install {command}{hint}"
