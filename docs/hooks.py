"""MkDocs hooks of the book: interactive pages of graphs, code and pictures that fit the page, and accessibility."""

from __future__ import annotations

import html
import json
import re
import struct
from pathlib import Path
from typing import Any

from autograd import Value, draw, tanh
from nn import MLP, squared_error
from playground.course import course
from playground.lessons import Lesson, questions_in
from playground.printed import answers, sheets
from playground.questions import read_question

PRINTED = {"<!-- the answers of all questions -->": answers, "<!-- the sheets of all lessons -->": sheets}
ASKS = """

!!! question "Questions"
    The lesson “{title}” of the playground asks questions about this chapter: start `python -m playground` and press “Lessons”. In Python,
    `from playground import ask` and `ask({chapter}, 1)` show the first one. Some are also on a [sheet of paper](../sheets.md).
"""
EXERCISES = "## Three things to try"
EXERCISE = re.compile(r"^(\d+)\. .*$", re.MULTILINE)
WIDEST = 125  # characters; longer lines are wrapped rather than made smaller
PICTURE = re.compile(r'<img alt="([^"]*)" src="([^"]*gallery/([^"]*))" />')
CODE = re.compile(r"<pre>(.*?)</pre>", re.DOTALL)


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Put the questions and answers of the lessons into the pages that have a place for them; name the questions of each chapter."""
    name = Path(page.file.src_uri).stem
    lesson = course().get(name)
    if lesson:
        markdown = with_questions(markdown, name, lesson, config["extra"].get("playground"))
        markdown += ASKS.format(title=lesson["title"], chapter=name.partition("-")[0])
    for place, printed in PRINTED.items():
        markdown = markdown.replace(place, printed()) if place in markdown else markdown
    return markdown


def with_questions(markdown: str, name: str, lesson: Lesson, playground: str | None) -> str:
    """Name the question of the lesson that belongs to each exercise of a chapter, with a link if the address of a playground is known."""
    pages = questions_in(lesson)
    numbers = {read_question(lesson["pages"][page]["question"]).exercise: number for number, page in enumerate(pages, 1)}

    def asked(found: re.Match[str]) -> str:
        number = numbers[int(found[1])]
        words = f"question {number} of the lesson"
        if playground:
            words = f"[{words}]({playground}?lesson={name}&page={pages[number - 1] + 1})"
        return f"{found[0]} *(See {words}.)*"

    text, heading, exercises = markdown.partition(EXERCISES)
    return text + heading + EXERCISE.sub(asked, exercises)


def on_page_content(content: str, config: Any, **_: Any) -> str:
    """Make each picture a link to its file, show its panels one by one on small screens, and tell the style sheet how wide code is."""

    def linked(found: re.Match[str]) -> str:
        alt, source, name = found.groups()
        shown = panels(Path(config["docs_dir"], "gallery", name))
        parts = "".join(part(panel, source) for panel in shown) if len(shown) > 1 else ""
        kind = "picture has-panels" if parts else "picture"
        whole = f'<a class="{kind}" href="{source}" title="Open the picture"><img alt="{alt}" src="{source}"></a>'
        return whole + (f'<span class="panels">{parts}</span>' if parts else "")

    def measured(found: re.Match[str]) -> str:
        columns = max(map(len, html.unescape(re.sub(r"<[^>]*>", "", found[1])).splitlines()), default=1)
        return f'<pre style="--columns: {min(columns, WIDEST)}">{found[1]}</pre>'

    return CODE.sub(measured, PICTURE.sub(linked, content))


def panels(path: Path) -> list[dict[str, Any]]:
    """Return the panels of a picture, as `demos.common.save` wrote them into the PNG; none for other pictures."""
    data, place = path.read_bytes(), 8
    while data.startswith(b"\x89PNG") and place < len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        name, _, text = data[place + 8 : place + 8 + length].partition(b"\0")
        if kind == b"tEXt" and name == b"panels":
            width, height = struct.unpack(">II", data[16:24])
            return [{**panel, "ratio": width / height} for panel in json.loads(text)]
        place += 12 + length
    return []


def part(panel: dict[str, Any], source: str) -> str:
    """Return the HTML that shows one panel of a picture: the whole picture, moved behind a window of the panel's size."""
    left, top, width, height = panel["box"]
    window = f"aspect-ratio: {panel['ratio'] * width / height:.3f}"
    moved = f"width: {100 / width:.1f}%; margin-left: {-100 * left / width:.1f}%; margin-top: {-100 * top / width / panel['ratio']:.1f}%"
    title = html.escape(" ".join(panel["texts"][:1]))
    return f'<a href="{source}" style="{window}"><img alt="{title}" src="{source}" loading="lazy" style="{moved}"></a>'


def on_post_page(output: str, **_: Any) -> str:
    """Label the search of the theme, and make wide code blocks scrollable with the keyboard."""
    named = output.replace('data-md-component="search" role="dialog"', 'data-md-component="search" role="dialog" aria-label="Search"')
    return named.replace("<pre ", '<pre tabindex="0" ')


def on_post_build(config: Any) -> None:
    """Write the interactive pages that the chapters contain."""
    folder = Path(config["site_dir"]) / "story"
    for name, (value, model) in {"neuron.html": (neuron(), None), "paths.html": paths()}.items():
        value.backward()
        draw(value, model=model).save(folder / name)


def neuron() -> Value:
    """Return the neuron of chapter 2."""
    x1, x2, w1, w2, b = (Value(number, label) for number, label in zip((2.0, -1.0, 0.3, 0.8, 0.4), ("x1", "x2", "w1", "w2", "b")))
    output: Value = tanh(w1 * x1 + w2 * x2 + b)
    output.label = "output"
    return output


def paths() -> tuple[Value, MLP]:
    """Return the cost and the network of chapter 9."""
    model = MLP([1, 1, 2, 1], tanh, seed=5)
    cost: Value = squared_error(model([0.7]), 1.0)
    cost.label = "cost"
    return cost, model
