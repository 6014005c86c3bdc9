"""Lessons: Markdown files that lead through the playground, checked and converted for the page.

A lesson is a title, and for each of its pages a heading, paragraphs, and a block of lines `name: value`:

    # Lines and curves

    ## A straight line

    Without a hidden layer there is one weighted sum, and where it is zero is a straight line.
    So these two moons cannot be told apart.

    ```
    data: moons
    data.noise: 0.2
    layers: []
    point: #plane
    do: Press the big button, and watch the line turn.
    until: run
    ```

A page may also have a block with a question, see playground/questions/reading.py. docs/how-to/lesson.md describes the names in the blocks.
The page reads a lesson as JSON, which `published` makes:

    {"title": "...", "pages": [{"title": "...", "text": "<p>a paragraph</p>...", "configuration": {...}, "question": "...", "point": "#play", "show": "#plane", "inspect": "weight", "do": "...", "until": "run"}, ...]}

It finds the lessons in lessons/index.json, a list of {"name": "...", "title": "...", "pages": 9, "questions": [3, 5, 8]}, with the places of
the pages that have a question.
"""  # noqa: E501

from __future__ import annotations

import base64
import json
import re
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NoReturn

from autograd._support import missing
from playground import configuration as configurations
from playground.experiment import Experiment
from playground.mathml import MathError, mathml
from playground.messages import Fields, RefusedError, no_number, shown
from playground.questions import QuestionError, ask, read_question, read_rows
from playground.questions.reading import joined

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

EVENTS = (
    "run", "paused",
    "step", "epoch", "one-example", "back", "neuron", "weight", "nudged", "turned", "point", "example", "gradients", "weights",
    "formula", "painted", "drawn", "learned",
)  # fmt: skip
LESSON, PAGES, TEXT, PARAGRAPH, LINE, PICTURE = 500_000, 100, 3_000_000, 3000, 300, 1_000_000  # characters and how many
PICTURES = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".gif": "gif", ".webp": "webp"}
FOLDER = "lessons/"  # in the folder of the page
INDEX = f"{FOLDER}index.json"

SETTINGS = tuple(field.name for field in fields(configurations.Configuration))
WITH_PARTS = ("data", "optimizer", "schedule")
WITHOUT_BRACKETS = ("layers", "features")
OF_THE_PAGE = ("do", "until", "point", "show", "inspect")

TITLE, PAGE = "a line such as: # Lines and curves", "a line such as: ## A straight line"
NAME = re.compile(r"[A-Za-z0-9_-]+")  # what an address can ask for
_WORD = "[A-Za-z_][A-Za-z0-9_-]*"
FORMULA = re.compile(r"(\$\$?)(?=\S)([^$\n]*[^$\s])\1(?!\d)")  # so that $5 and $6 are prices
SELECTOR = re.compile(rf"(?:{_WORD})?(?:[#.]{_WORD}|\[{_WORD}(?:={_WORD})?\])+")

Lesson = dict[str, Any]


class LessonError(ValueError):
    """An invalid lesson; the message says in which file and line, and what is wrong."""

    def __init__(self, problem: str, *places: str) -> None:
        super().__init__(f"{', '.join(places)}: {problem}" if places else problem)
        self.problem, self.places = problem, places


def add_option(options: ArgumentParser) -> None:
    """Add the option --lesson to a command."""
    text = "your own lesson, a Markdown file; may be given several times"
    options.add_argument("--lesson", metavar="FILE", action="append", default=[], type=Path, help=text)


def published(files: Mapping[str, bytes], more: Iterable[Path] = ()) -> dict[str, bytes]:
    """The page's files, with the lessons in lessons/ and those in `more` converted to JSON, and an index of them.

    Those in `more` are checked, and those of the playground are not, because tests check them.

    Raises LessonError, which names the file and the line, and OSError if a file cannot be read.
    """
    served: dict[str, bytes] = {}
    index: list[dict[str, Any]] = []
    own: list[tuple[str, bytes, Path | None]] = [(f"{FOLDER}{path.name}", path.read_bytes(), path.parent) for path in more]
    for name, content, folder in [*((name, content, None) for name, content in files.items()), *own]:
        if name.startswith(FOLDER):
            file = name.removeprefix(FOLDER)
            name = f"{FOLDER}{name_of(file)}.json"
            if name in served:
                raise LessonError("there already is a lesson with this name: rename the file", file)
            lesson = parsed(file, content, folder, checks=folder is not None)
            index.append({"name": name_of(file), **described(lesson)})
            content = json.dumps(lesson).encode()
        served[name] = content
    return {**served, INDEX: json.dumps(sorted(index, key=lambda lesson: order_of(lesson["name"]))).encode()}


def described(lesson: Lesson) -> dict[str, Any]:
    """The entry of a lesson in the index."""
    return {"title": lesson["title"], "pages": len(lesson["pages"]), "questions": questions_in(lesson)}


def questions_in(lesson: Lesson) -> list[int]:
    """The places of the pages with a question."""
    return [place for place, page in enumerate(lesson["pages"]) if "question" in page]


def order_of(name: str) -> tuple[int, str]:
    """The place of a lesson in the index: lessons without a number first, then by their numbers."""
    number = re.match(r"\d+", name)
    return int(number[0]) if number else 0, name


def name_of(file: str) -> str:
    """The name of a lesson in the page's address. Raises LessonError if the file name is invalid."""
    path = PurePosixPath(file)
    if path.suffix != ".md":
        raise LessonError("a lesson is a Markdown file: its name must end in .md", file)
    if not NAME.fullmatch(path.stem) or path.stem == "index":
        raise LessonError("the file name becomes part of an address: use the letters a to z, digits, - and _, and not index", file)
    return path.stem


@lru_cache(64)
def parsed(file: str, content: bytes, folder: Path | None = None, checks: bool = True) -> Lesson:
    """The lesson in a file, with pictures from a folder. It is shared, so do not change it. Raises LessonError, which names the file.

    If `checks`, its networks and questions are made, to find mistakes in them. This takes about as long as opening each of its pages.
    """
    try:
        text = content.decode("utf-8-sig")  # some editors begin with a mark
    except UnicodeDecodeError as error:
        raise LessonError("this is not UTF-8 text", file, f"line {content[: error.start].count(10) + 1}") from None
    try:
        return from_markdown(text, folder, checks)
    except LessonError as error:
        raise LessonError(error.problem, file, *error.places) from None


def from_markdown(text: str, folder: Path | None = None, checks: bool = True) -> Lesson:
    r"""The lesson in a Markdown text, with pictures from a folder. Raises LessonError, which names the line. See `parsed` for `checks`.

    >>> from_markdown("# Lines and curves\n\n## A straight line\n\nOne weighted sum.")
    {'title': 'Lines and curves', 'pages': [{'title': 'A straight line', 'text': '<p>One weighted sum.</p>\n'}]}
    """
    if len(text) > LESSON:
        raise LessonError(f"a lesson has at most {LESSON:,} characters, got {len(text):,}")
    reader = _Reader(text, folder)
    lesson = {"title": reader.title, "pages": reader.pages}
    try:
        if checks:
            _check(Fields(lesson))
    except RefusedError as error:
        _wrong(reader.line_of(error.field), re.sub(r"^(?:pages\[\d+\]\.)?(?:configuration\.)?", "", error.problem))  # the line is enough
    return lesson


def _check(lesson: Fields) -> None:
    """Raise RefusedError for texts that are empty or too long, and for configurations that do not work."""
    _text(lesson, "title", LINE)
    for index, given in enumerate(lesson.list("pages", 1, PAGES)):
        page = Fields(given, f"pages[{index}]")
        _text(page, "title", LINE)
        _text(page, "text", TEXT)
        if "configuration" in given:
            try:
                Experiment(configurations.read(given["configuration"]))
            except RefusedError as error:
                raise RefusedError(error.problem, page.at(error.field or "configuration"), error.position) from None
            except (ValueError, ArithmeticError) as error:
                raise RefusedError(str(error), page.at("configuration")) from None
        if "question" in given:
            try:
                ask(read_question(given["question"]), 0, given.get("configuration"))
            except QuestionError as error:
                raise RefusedError(str(error), page.at("question")) from None
        for name in filter(given.__contains__, OF_THE_PAGE):
            _text(page, name, PARAGRAPH)
        if "until" in given:
            page.choice("until", EVENTS, "")
            if "do" not in given:
                page.refuse("until", "needs a task: add a line such as do: Press the big button")
        if "inspect" in given:
            page.choice("inspect", ("neuron", "weight"), "")
        if "point" in given and not SELECTOR.fullmatch(given["point"]):
            page.refuse("point", f"must be a selector for a part of the page, such as #plane or #play; got {shown(given['point'])}")
        if "show" in given and not all(SELECTOR.fullmatch(each.strip()) for each in given["show"].split(",")):
            page.refuse("show", f"must be selectors for parts of the page, such as #plane, #stage; got {shown(given['show'])}")


def _text(fields: Fields, name: str, longest: int) -> None:
    if not fields.text(name, longest).strip():
        fields.refuse(name, "is empty")


def _wrong(line: int, problem: str) -> NoReturn:
    raise LessonError(problem, f"line {line}")


def _parser() -> MarkdownIt:
    """A parser for CommonMark with formulas, without HTML and underlined headings. Raises ImportError without markdown-it-py."""
    try:
        from markdown_it import MarkdownIt
    except ImportError as error:
        raise ImportError(missing("a lesson", "markdown-it-py")) from error
    parser = MarkdownIt("commonmark", {"html": False}).disable("lheading")
    parser.inline.ruler.before("escape", "formula", _formula)
    parser.add_render_rule("formula", lambda _, tokens, place, *more: tokens[place].content)
    return parser


def _formula(state: StateInline, silent: bool) -> bool:
    """The rule of the parser for a formula such as $a_1$, or $$a_1$$ in the middle of a line of its own."""
    found = FORMULA.match(state.src, state.pos)
    if found and not silent:
        token = state.push("formula", "", 0)
        token.markup, token.content = found[1], found[2]
    state.pos = found.end() if found else state.pos
    return bool(found)


class _Reader:
    """Reads Markdown into a title and pages, unchecked. `lines` has the line number of each field."""

    def __init__(self, text: str, folder: Path | None) -> None:
        self.title: str | None = None
        self.pages: list[dict[str, Any]] = []
        self.lines: dict[str, int] = {"": 1}
        self.rows = re.split(r"\r\n?|\n", text)
        self.markdown, self.folder = _parser(), folder
        self.content: list[Token] = []  # of the current page, from its last heading or block on
        tokens = iter(self.markdown.parse(text))
        for token in tokens:
            number = token.map[0] + 1 if token.map else len(self.rows)
            if token.type == "heading_open" and token.level == 0:
                self._heading(number, int(token.tag[1]), next(tokens).content.strip())
                next(tokens)  # its end
            elif self.title is None:
                _wrong(number, f"a lesson must begin with its title, {TITLE}")
            elif not self.pages:
                _wrong(number, f"this is before the first page, which begins with {PAGE}")
            elif token.type == "fence" and token.level == 0:
                read = self._question if token.info.strip() == "question" else self._block
                read(number, self._fenced(token))
            else:
                self._content(number, token)
        if not self.pages:
            _wrong(1, f"a lesson begins with its title, {TITLE}, and each page with {PAGE}; there is no page here")
        self._render()

    def line_of(self, field: str) -> int:
        """The line number of a field, or of the part that it belongs to."""
        while field not in self.lines:
            shorter = re.sub(r"[.\[][^.\[]*$", "", field)
            field = "" if shorter == field else shorter
        return self.lines[field]

    @property
    def _here(self) -> str:
        return f"pages[{len(self.pages) - 1}]"

    def _heading(self, number: int, depth: int, text: str) -> None:
        if depth == 1:
            if self.title is not None:
                _wrong(number, "the lesson already has a title: a page begins with ##")
            self.title = text
            self.lines |= {"title": number, "pages": number}
        elif depth == 2:
            if self.title is None:
                _wrong(number, f"a lesson must begin with its title, {TITLE}")
            self._render()
            self.pages.append({"title": text, "text": ""})
            self.lines[self._here] = number
        else:
            _wrong(number, "there are two kinds of headings: # for the lesson's title, ## for each page")

    def _content(self, number: int, token: Token) -> None:
        """A part of the text of a page. Pictures become part of it, links open another tab, and formulas become MathML."""
        self.lines.setdefault(f"{self._here}.text", number)
        for each in token.children or ():
            if each.type == "link_open":
                each.attrSet("target", "_blank")
                each.attrSet("rel", "noopener")
            elif each.type == "image":
                each.attrSet("src", self._picture(number, str(each.attrGet("src"))))
            elif each.type == "formula":
                try:
                    each.content = mathml(each.content, is_display=each.markup == "$$")
                except MathError as error:
                    _wrong(number, str(error))
            number += each.type in ("softbreak", "hardbreak")
        self.content.append(token)

    def _picture(self, number: int, name: str) -> str:
        """A picture next to the lesson, as a data URI."""
        path = self.folder / name if self.folder else Path(name)
        kind = PICTURES.get(path.suffix)
        if not kind or path.name != name:
            _wrong(number, f"a picture must be a file next to the lesson, {', '.join(PICTURES)}; got {shown(name)}")
        if not path.is_file() or path.stat().st_size > PICTURE:
            _wrong(number, f"there must be a picture {shown(name)} of at most {PICTURE:,} bytes next to the lesson")
        return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"

    def _render(self) -> None:
        """Give the last page its text, as HTML."""
        if self.pages:
            if not self.content:
                _wrong(self.lines[self._here], "this page has no text")
            self.pages[-1]["text"] = self.markdown.renderer.render(self.content, self.markdown.options, {})
            self.content = []

    def _fenced(self, token: Token) -> list[tuple[int, str]]:
        """The lines of a block. Raises LessonError if it has no end."""
        start, end = token.map or [0, 0]
        if end - start < 2 or not re.fullmatch(rf" {{0,3}}{token.markup}{token.markup[0]}*\s*", self.rows[end - 1]):
            _wrong(start + 1, f"the block that begins here has no end: add a line {token.markup}")
        return list(enumerate(token.content.split("\n")[:-1], start + 2))

    def _question(self, start: int, block: list[tuple[int, str]]) -> None:
        """The question of a page."""
        if "question" in self.pages[-1]:
            _wrong(start, "a page has at most one question: begin another page before this one")
        try:
            read_rows(block)
        except QuestionError as error:
            _wrong(max(start, error.line), str(error))
        self.pages[-1]["question"] = "\n".join(row for _, row in block)
        self.lines[f"{self._here}.question"] = start

    def _block(self, start: int, block: list[tuple[int, str]]) -> None:
        """The settings and the task of a page."""
        for number, row in joined(block):
            name, colon, value = row.partition(":")
            if not colon:
                _wrong(number, f"a line in a block must be a name, a colon and a value, such as layers: 4, 4; got {shown(row)}")
            self._set(number, name.strip(), value.strip())

    def _set(self, number: int, name: str, value: str) -> None:
        page, (whole, dot, part) = self.pages[-1], name.partition(".")
        if whole in OF_THE_PAGE and not dot:
            place, key, read, field = page, name, value, f"{self._here}.{name}"
        elif whole in SETTINGS and (not dot or whole in WITH_PARTS):
            place, key, read, field = page.setdefault("configuration", {}), name, _value(name, value), f"{self._here}.configuration.{name}"
            self.lines.setdefault(f"{self._here}.configuration", number)
            if whole in WITH_PARTS and (dot or not isinstance(read, dict)):
                place, key = place.setdefault(whole, {}), part or "name"
                self.lines.setdefault(f"{self._here}.configuration.{whole}", number)
                field = f"{self._here}.configuration.{whole}.{key}"
        else:
            _wrong(number, f"unknown name {shown(name)}; the names are {', '.join((*OF_THE_PAGE, *SETTINGS))}")
        if key in place:
            _wrong(number, f"{name} is already set on line {self.line_of(field)}")
        place[key] = read
        self.lines[field] = number


def _value(name: str, text: str) -> Any:
    """The value of a text: as JSON if it is JSON, otherwise the text itself."""
    if name in WITHOUT_BRACKETS and not text.startswith("["):
        return [_value("", each.strip()) for each in text.split(",") if text]
    try:
        return json.loads(text, parse_constant=no_number)
    except (ValueError, RecursionError):
        return text
