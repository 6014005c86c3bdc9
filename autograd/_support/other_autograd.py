"""The check for another package of the name autograd in the same environment.

Importing this module raises ImportError if `autograd` is the other one.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

if hasattr(sys.modules["autograd"], "elementwise_grad"):  # HIPS autograd was installed after Nudge, into the same folder
    raise ImportError(
        f"{Path(__file__).parents[2]} has the package autograd of PyPI (HIPS autograd), which has replaced files of Nudge: run "
        f"`pip uninstall autograd` and install Nudge again, or use an environment for each"
    )


def warn_of_other_autograd() -> None:
    """Warn if the files of the package autograd on PyPI (HIPS) are in a folder that Python imports from.

    Both packages have one name, so that only one of them can be imported. Installed into one folder, they overwrite each other's files.
    """
    for folder in map(Path, sys.path):
        if (folder / "autograd" / "tracer.py").exists():
            warnings.warn(
                f"{folder} also holds the package autograd of PyPI (HIPS autograd), and only one of the two can be imported. This is "
                f"Nudge's: run `pip uninstall autograd` and install Nudge again, or use an environment for each",
                RuntimeWarning,
                stacklevel=3,
            )
