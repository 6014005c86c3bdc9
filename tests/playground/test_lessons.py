"""Lessons: what a Markdown file may contain, and errors with their lines."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground import lessons
from playground.bundle import PAGE
from playground.configuration import Configuration
from playground.lessons import EVENTS, LessonError, from_markdown, parsed, published
from tests.playground.players import Player

ROOT = Path(__file__).parents[2]
STORY = (PAGE / "lessons" / "story.md").read_bytes()
GUIDE = (ROOT / "docs" / "how-to" / "lesson.md").read_text(encoding="utf-8")
EXAMPLE, ASKING = re.findall(r"^````markdown\n(.*?)^````$", GUIDE, re.DOTALL | re.MULTILINE)


def page_of(*lines: str) -> dict[str, Any]:
    """The only page of a lesson, the lines of whose block begin on line 8."""
    (page,) = from_markdown("\n".join(["# Title", "", "## Page", "", "Text.", "", "```", *lines, "```"]))["pages"]
    return page  # type: ignore[no-any-return]


def configured(*lines: str) -> dict[str, Any]:
    return page_of(*lines)["configuration"]  # type: ignore[no-any-return]


# What is read


def test_the_story_has_its_pages_and_tasks() -> None:
    story = parsed("story.md", STORY)
    assert len(story["pages"]) == 13
    assert all(page["do"] and page["point"] and page["until"] in EVENTS for page in story["pages"])
    assert story["pages"][9]["configuration"]["batch_size"] == 5


def test_the_example_of_the_guide_and_of_the_module() -> None:
    told = from_markdown(EXAMPLE)
    assert [page["title"] for page in told["pages"]] == ["A straight line", "Three lines"]
    assert told["pages"][0]["configuration"] == {"data": {"name": "moons", "noise": 0.2}, "layers": []}
    assert told["pages"][1] == {
        "title": "Three lines",
        "text": "<p>Each hidden neuron has its own line. The output combines three of them into a curve.</p>\n",
        "configuration": {"layers": [3], "activations": "tanh(x)"},
        "point": "#stage",
        "do": "Run until more than 95 % are right. Then click a neuron of the hidden layer. Which line belongs to it?",
        "until": "neuron",
    }
    shown = re.findall(r"^    (.*)$|^()$", str(lessons.__doc__).partition("\ndocs/how-to")[0], re.MULTILINE)
    (page,) = from_markdown("\n".join(line for line, _ in shown).lstrip("\n"))["pages"]
    assert page["configuration"] == told["pages"][0]["configuration"]


def test_the_guide_names_all_events_and_all_parts_of_the_page_that_it_names_are_there() -> None:
    row = next(line for line in GUIDE.splitlines() if line.startswith("| `until`"))
    assert set(re.findall(r"`([\w-]+)`", row)) == {"until", *EVENTS}
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    parts = re.findall(r"`#([\w-]+)`", GUIDE)
    assert len(parts) > 8
    for each in parts:
        assert f'id="{each}"' in page


def test_the_page_reports_exactly_the_events_of_lessons() -> None:
    script = "\n".join(path.read_text(encoding="utf-8") for path in sorted(PAGE.glob("*.js")))
    index = (PAGE / "index.html").read_text(encoding="utf-8")
    told = set(re.findall(r'"([\w-]+)"', " ".join(re.findall(r"happened\((.*?)\)", script))))
    told |= set(re.findall(r'name="shows" value="(\w+)"', index)) | set(re.findall(r'step\("(\w+)"\)', script))
    assert told - {"example"} == set(EVENTS) - {"example"}
    assert "example" in told


@pytest.mark.parametrize(
    ("lines", "configuration"),
    [
        (["data: spirals"], {"data": {"name": "spirals"}}),
        (["data.name: spirals", "data.n: 50", "data.classes: 3"], {"data": {"name": "spirals", "n": 50, "classes": 3}}),
        (['data: {"name": "spirals"}', "data.n: 50"], {"data": {"name": "spirals", "n": 50}}),
        (["optimizer: adam", "schedule: cosine", "schedule.epochs: 5"],
         {"optimizer": {"name": "adam"}, "schedule": {"name": "cosine", "epochs": 5}}),
        (["layers: 8, 4"], {"layers": [8, 4]}),
        (["layers: [8, 4]"], {"layers": [8, 4]}),
        (["layers: 8"], {"layers": [8]}),
        (["layers:"], {"layers": []}),
        (["features: x1, x1*x2, sin(4*x1)"], {"features": ["x1", "x1*x2", "sin(4*x1)"]}),
        (["layers: 2, 2", 'activations: ["tanh(x)",', '  "where(x > 0, x, 0.1 * x)"]'],
         {"layers": [2, 2], "activations": ["tanh(x)", "where(x > 0, x, 0.1 * x)"]}),
        (["activations: where(x > 0, x, 0.1 * x)"], {"activations": "where(x > 0, x, 0.1 * x)"}),
        (["batch_size: null", "", "rate:0.3"], {"batch_size": None, "rate": 0.3}),
        (['data: csv', r'data.text: "1,2,a\n3,4,b\n5,6,a"'], {"data": {"name": "csv", "text": "1,2,a\n3,4,b\n5,6,a"}}),
    ],
)  # fmt: skip
def test_settings_in_a_block(lines: list[str], configuration: dict[str, Any]) -> None:
    assert configured(*lines) == configuration
    Player(**configuration)  # which the session takes as it is


def test_each_setting_of_a_configuration_can_be_set() -> None:
    for name, usual in Player().configured["configuration"].items():
        if name != "activations":  # a list of two, for two layers
            text = ", ".join(map(str, usual)) if isinstance(usual, list) else json.dumps(usual)
            assert configured(f"{name}: {text}") == {name: usual}
    assert set(lessons.SETTINGS) == set(Configuration.__dataclass_fields__)


def test_line_endings_and_fences_of_other_editors_are_read() -> None:
    expected = from_markdown(EXAMPLE)
    assert from_markdown(EXAMPLE.replace("\n", "\r\n")) == from_markdown(EXAMPLE.replace("\n", "\r")) == expected
    assert from_markdown(EXAMPLE.replace("```\n", "~~~~yaml\n", 1).replace("```\n", "~~~~~\n", 1)) == expected
    assert parsed("lines.md", b"\xef\xbb\xbf" + EXAMPLE.encode()) == expected
    text = from_markdown("# A\n## B\none\n two\n\nthree\n```\n```\nfour")["pages"][0]["text"]
    assert text == "<p>one\ntwo</p>\n<p>three</p>\n<p>four</p>\n"


# What is refused


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", f"line 1: a lesson begins with its title, {lessons.TITLE}, and each page with {lessons.PAGE}; there is no page here"),
        ("\nHello", "line 2: a lesson must begin with its title, a line such as: # Lines and curves"),
        ("#Hello", "line 1: a lesson must begin with its title, a line such as: # Lines and curves"),
        ("## Page", "line 1: a lesson must begin with its title, a line such as: # Lines and curves"),
        ("# A\nHello", "line 2: this is before the first page, which begins with a line such as: ## A straight line"),
        ("# A\n```\n```", "line 2: this is before the first page, which begins with a line such as: ## A straight line"),
        ("# A\n\n# B", "line 3: the lesson already has a title: a page begins with ##"),
        ("# A\n## B\ntext\n### C", "line 4: there are two kinds of headings: # for the lesson's title, ## for each page"),
        ("# A\n## B\ntext\n## C", "line 4: this page has no text"),
        ("#\n## B\ntext", "line 1: title is empty"),
        ("# A\n##\ntext", "line 2: title is empty"),
        ("# A\n## B\ntext\n\n![p](../p.png)",
         'line 5: a picture must be a file next to the lesson, .png, .jpg, .jpeg, .gif, .webp; got "../p.png"'),
        ("# A\n## B\n![p](p.svg)", 'line 3: a picture must be a file next to the lesson, .png, .jpg, .jpeg, .gif, .webp; got "p.svg"'),
        ("# A\n## B\n![p](p.png)", 'line 3: there must be a picture "p.png" of at most 1,000,000 bytes next to the lesson'),
        ("# A\n## B\n[a]: https://a.org", "line 2: this page has no text"),
        ("# A\n## B\ntext\n```question\nnumber: 1?\n```", "line 5: the question has no answer: add a line `answer: ...`"),
        ("# A\n## B\ntext\n```question\nnumber: 1?\nanswer: 1\ndraw: a\n```", "line 7: draw must look like `a = 0.2 .. 2`, with a letter "),
        ("# A\n## B\ntext\n```question\nnumber: 1?\nanswer: b\n```", "line 4: the question has an invalid formula: unknown name 'b'"),
        ("# A\n## B\ntext\n```question\npoint: 1?\nanswer: largest weight\n```", "line 4: a question about the network needs "),
        ("# A\n## B\ntext\n```question\nnumber: 1?\nanswer: 1\n```\n```question\n```", "line 8: a page has at most one question"),
        ("# A\n## B\ntext\n\n~~~\nrate: 1\n```", "line 5: the block that begins here has no end: add a line ~~~"),
        ("# A\n" + "## B\nx\n" * 101, "line 1: pages must be a list of 1 to 100 elements, got 101"),
        ("# " + "A" * 301 + "\n## B\nx", "line 1: title has 301 characters, more than 300"),
        ("#" + " " * 500_000, "a lesson has at most 500,000 characters, got 500,001"),
    ],
)  # fmt: skip
def test_invalid_markdown_is_refused(text: str, problem: str) -> None:
    with pytest.raises(LessonError) as caught:
        from_markdown(text)
    assert str(caught.value).startswith(problem)


def test_a_page_may_have_markdown_without_html() -> None:
    text = "# A\n## B\n**bold** and *soft*, a [link](https://example.org)\n\n"
    text += "- one\n- <b onclick=x>two</b>\n\n> said\n\n[no](javascript:alert)\n"
    (page,) = from_markdown(text)["pages"]
    assert page["text"] == (
        '<p><strong>bold</strong> and <em>soft</em>, a <a href="https://example.org" target="_blank" rel="noopener">link</a></p>\n'
        "<ul>\n<li>one</li>\n<li>&lt;b onclick=x&gt;two&lt;/b&gt;</li>\n</ul>\n<blockquote>\n<p>said</p>\n</blockquote>\n"
        "<p>[no](javascript:alert)</p>\n"
    )


def test_a_picture_becomes_part_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "dot.png").write_bytes(b"dots")
    (page,) = parsed("a.md", b"# A\n## B\n![a dot](dot.png)", tmp_path)["pages"]
    assert page["text"] == '<p><img src="data:image/png;base64,ZG90cw==" alt="a dot"></p>\n'.replace('">', '" />')


def test_a_question_is_a_block_of_its_page() -> None:
    lesson = from_markdown("# A\n## B\ntext\n```question\nnumber: 1?\nanswer: 1\n```\n```\nlayers: 3\n```\n## C\ntext")
    assert lesson["pages"][0]["question"] == "number: 1?\nanswer: 1"
    assert lesson["pages"][0]["configuration"] == {"layers": [3]}
    assert from_markdown(f"# A\n{ASKING}")["pages"][0]["question"].startswith("number: A weight multiplies the activation {a}.")
    assert lessons.described(lesson) == {"title": "A", "pages": 2, "questions": [0]}


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["rate 0.1"], 'line 8: a line in a block must be a name, a colon and a value, such as layers: 4, 4; got "rate 0.1"'),
        (["rate: 0.1", "", "rates: 0.1"], 'line 10: unknown name "rates"; the names are do, until, point, show, inspect, data, held_out, '),
        (["rate.x: 0.1"], 'line 8: unknown name "rate.x"; the names are do, until, point, show, inspect, data, held_out, '),
        (["rate: 0.1", "rate: 0.2"], "line 9: rate is already set on line 8"),
        (["data: moons", 'data: {"n": 5}'], "line 9: data is already set on line 8"),
        (["data: xor", "data.name: moons"], "line 9: data.name is already set on line 8"),
        (["rate: fast"], 'line 8: rate must be a number from 0 to 1e+06, got "fast"'),
        (["rate: NaN"], 'line 8: rate must be a number from 0 to 1e+06, got "NaN"'),
        (["seed: 1", "layers: 4, 65"], "line 9: layers[1] must be a whole number from 1 to 64, got 65"),
        (["data: moons", "data.noise: 11"], "line 9: data.noise must be a number from 0 to 10, got 11"),
        (["data: mons"], "line 8: data.name must be one of moons, circles, xor, spirals, blobs, digits, waves, points, csv; got \"mons\""),
        (["data: moons", "data.noises: 1"], 'line 9: unknown field "noises"; the fields are name, n, noise, classes'),
        (["activations: tanh(y)"], "line 8: unknown name 'y'; known are "),
        (["data: digits", "data.n: 20", "layers: 64,64,64,64"], "line 10: a network of [784, 64, 64, 64, 64, 10] has 63,370 parameters"),
        (["seed: 1", "data: csv", "data.text: 1,2,3"], "line 10: the target has 1 different values; use 2 to 10 classes"),
        (["do: this", "until: ran"], "line 9: until must be one of run, paused, step, "),
        (["until: run"], "line 8: until needs a task: add a line such as do: Press the big button"),
        (["do:"], "line 8: do is empty"),
        (["point: the plane"], 'line 8: point must be a selector for a part of the page, such as #plane or #play; got "the plane"'),
        (["show: #plane, a b"], 'line 8: show must be selectors for parts of the page, such as #plane, #stage; got "#plane, a b"'),
        (["inspect: bias"], 'line 8: inspect must be one of neuron, weight; got "bias"'),
        (["do: a", "do: b"], "line 9: do is already set on line 8"),
    ],
)  # fmt: skip
def test_invalid_blocks_are_refused(lines: list[str], problem: str) -> None:
    with pytest.raises(LessonError) as caught:
        page_of(*lines)
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    "selector", ["#plane", "main", "#stage canvas", ".plane:hover", "#1", "[x=1]", "a[b", "", "[name=shows][value=gradients]"]
)
def test_a_point_must_be_a_css_selector(selector: str) -> None:
    works = selector in ("#plane", "[name=shows][value=gradients]")
    if works:
        assert page_of(f"point: {selector}")["point"] == selector
    else:
        with pytest.raises(LessonError):
            page_of(f"point: {selector}")


PIECES = [
    "# A", "## B", "## ", "### C", "", "text", "  text", "- text", "```", "~~~", ":", "do", "\ud800", "do: b", "until: run", "point: #a",
    "layers: 3", "layers:", "layers: 3, x", "data: xor", "data: {}", "data.n: 9", "data.n.n: 1", "data: [", "optimizer: adam",
    "optimizer.name: sgd", 'schedule: {"name": 3}', 'cost: "\\ud800"', "activations: exp(-x^2", "seed: 1e999", "seed: " + "1" * 5000,
    "rate:" + "[" * 5000,
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=20), max_size=12))
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_lesson_or_raises_an_error_with_its_line(lines: list[str]) -> None:
    for text in ("\n".join(lines), "\n".join(["# A", "## B", "text", *lines]), "\n".join(["# A", "## B", "text", "```", *lines, "```"])):
        try:
            lesson, problem = from_markdown(text), ""
        except LessonError as error:
            lesson, problem = {}, str(error)
        assert re.match(r"line \d+: .", problem) if problem else json.loads(json.dumps(lesson)) == lesson


# How the page gets them


def test_markdown_is_served_as_json(tmp_path: Path) -> None:
    path = tmp_path / "more.md"
    path.write_text(EXAMPLE.replace("straight", "stráight"), encoding="utf-8")
    files = {"main.js": b"...", "notes.md": b"no lesson", "lessons/story.md": STORY, "lessons/lines.md": EXAMPLE.encode()}
    served = published(files, [path])
    assert served.keys() == {"main.js", "notes.md", "lessons/story.json", "lessons/lines.json", "lessons/more.json", "lessons/index.json"}
    assert json.loads(served["lessons/index.json"])[1] == {"name": "more", "title": "Lines and curves", "pages": 2, "questions": []}
    assert served["main.js"] == b"..."
    assert json.loads(served["lessons/story.json"]) == parsed("story.md", STORY)
    assert json.loads(served["lessons/lines.json"]) == from_markdown(EXAMPLE)
    assert json.loads(served["lessons/more.json"])["pages"][0]["title"] == "A stráight line"


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("story.md", EXAMPLE.encode(), "story.md: there already is a lesson with this name: rename the file"),
        ("notes.txt", EXAMPLE.encode(), "notes.txt: a lesson is a Markdown file: its name must end in .md"),
        ("my lesson.md", EXAMPLE.encode(),
         "my lesson.md: the file name becomes part of an address: use the letters a to z, digits, - and _"),
        ("lines.md", b"# A\n## B\nna\xefve", "lines.md, line 3: this is not UTF-8 text"),
        ("lines.md", b"# A\n## B\n### a", "lines.md, line 3: there are two kinds of headings: "),
        ("lines.json", b'{"title": "A"}', "lines.json: a lesson is a Markdown file: its name must end in .md"),
    ],
)  # fmt: skip
def test_invalid_lesson_files_are_refused(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(LessonError) as caught:
        published({"lessons/story.md": STORY}, [path])
    assert str(caught.value).startswith(problem)


def test_a_missing_parser_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "markdown_it", None)
    with pytest.raises(ImportError, match=r'^a lesson needs markdown-it-py: pip install "markdown-it-py>=3" \(the extra `play`\)$'):
        from_markdown("# A\n## B\ntext")
