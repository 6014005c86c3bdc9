"""The layout of the page in a real browser: what a reader needs at the same time is on the screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from playground.bundle import page_files
from playground.lessons import FOLDER, parsed

pytest.importorskip("selenium", reason="pages are tested where selenium is installed")

from tests.playground.pages import NOTHING, Opener, Page

SIZES = [(1440, 900), (1280, 720), (1024, 768), (390, 844)]
LESSONS = {name.removeprefix(FOLDER): content for name, content in page_files().items() if name.startswith(FOLDER)}

VISIBLE = """
return [...arguments].map(selector => {
  const each = document.querySelector(selector);
  if (!each) return 0;
  const {left, top, width, height} = each.getBoundingClientRect(), steps = [...Array(9).keys()];
  const seen = (x, y) => {
    const there = document.elementFromPoint(x, y);
    return each.contains(there) || there?.contains(each) || there?.closest("label")?.contains(each);
  };
  return steps.flatMap(i => steps.map(j => seen(left + (i + 0.5) / 9 * width, top + (j + 0.5) / 9 * height))).filter(Boolean).length / 81;
});
"""  # the share of each element that can be clicked


@contextmanager
def sized(page: Page, width: int, height: int) -> Iterator[None]:
    """The page in a window of this size; narrow ones are phones."""
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    try:
        yield
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def named(lesson: dict[str, Any], place: int) -> list[str]:
    """The selectors of what a page of a lesson points to and shows."""
    page = lesson["pages"][place]
    return [each.strip() for name in ("point", "show") if name in page for each in page[name].split(",")]


@pytest.mark.parametrize("size", SIZES, ids="{0[0]}x{0[1]}".format)
@pytest.mark.parametrize("name", [name if name == "story.md" else pytest.param(name, marks=pytest.mark.soak) for name in LESSONS])
def test_each_page_of_a_lesson_shows_what_it_names(opened: Opener, name: str, size: tuple[int, int]) -> None:
    lesson, page = parsed(name, LESSONS[name]), opened(None, f"?lesson={name.removesuffix('.md')}")
    with sized(page, *size):
        for place in range(len(lesson["pages"])):
            page.wait(lambda: page.text("#lesson-title") == lesson["pages"][place]["title"] and page.is_settled)  # noqa: B023
            wanted = named(lesson, place)
            page.wait(lambda: min([1, *page.run(VISIBLE, *wanted)]) > 0.6)  # noqa: B023
            page.run("document.querySelector('#lesson-next').click()")


@pytest.mark.parametrize("size", SIZES, ids="{0[0]}x{0[1]}".format)
def test_plane_network_and_inspector_are_on_one_screen(opened: Opener, size: tuple[int, int]) -> None:
    page = opened(NOTHING)
    with sized(page, *size):
        page.run("document.querySelector('[data-neuron=\"0,3\"]').click()")
        page.wait_for("#inspector-title", "Neuron a[0,3]")
        page.wait(lambda: min(page.run(VISIBLE, "#plane", "#stage", "#inspector", "#play", "#cost")) > 0.9)
        assert page.run("return document.documentElement.scrollWidth") <= size[0]


SHOW_MOMENT = """
const [moment, done] = arguments;
import(new URL("training.js", location).href).then(({showMoment}) => {
  showMoment(moment);
  done(["header", "#play", "#cost", "#held-out-accuracy", "main"].map(each => {
    const {left, top} = document.querySelector(each).getBoundingClientRect();
    return [left, top];
  }));
});
"""


@pytest.mark.parametrize("size", SIZES, ids="{0[0]}x{0[1]}".format)
def test_the_header_does_not_move_while_its_numbers_grow(opened: Opener, size: tuple[int, int]) -> None:
    page = opened(NOTHING)
    small = {"step": 0, "epoch": 0, "cost": 1.0, "held_out_cost": 1.0, "accuracy": 0.5, "held_out_accuracy": 0.5, "running": False}
    large = {"step": 123_456, "epoch": 12_345.0, "cost": 1.2345e-7, "held_out_cost": 0.0123456, "accuracy": 1.0, "held_out_accuracy": 1.0}
    with sized(page, *size):
        places = [page.browser.execute_async_script(SHOW_MOMENT, {**small, **each}) for each in ({}, large, {"running": True})]
        assert places[0] == places[1] == places[2]
        assert page.run("return document.querySelector('header').scrollWidth <= innerWidth")
