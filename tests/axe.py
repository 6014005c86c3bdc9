"""Axe: what keeps people out of a page that a browser shows, by the rules of axe-core."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def violations(browser: Any, iframes: bool = True) -> list[tuple[str, list[str]]]:
    """The rules that are broken, each with the elements that break it. The test that asks skips where axe is not installed."""
    package = pytest.importorskip("axe_core_python", reason="axe comes with the extra `test`")
    browser.execute_script((Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    found = browser.execute_async_script(
        "const [iframes, done] = arguments; axe.run({iframes}).then(found => done(found.violations.map("
        "each => [each.id, each.nodes.map(node => node.html.slice(0, 200))])))",
        iframes,
    )
    return [(rule, nodes) for rule, nodes in found]
