"""Formulas of lessons: LaTeX to MathML, also inside the text of a page."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.lessons import LessonError, from_markdown
from playground.mathml import BRACES, FUNCTIONS, SYMBOLS, MathError, mathml


def text_of(formula: str) -> str:
    return "".join(ET.fromstring(mathml(formula)).itertext())


def tags_of(formula: str) -> list[str]:
    return [each.tag for each in ET.fromstring(mathml(formula)).iter()][1:]


def page_text(text: str) -> str:
    return str(from_markdown(f"# Title\n\n## Page\n\n{text}\n")["pages"][0]["text"])


@pytest.mark.parametrize(
    ("formula", "text", "tags"),
    [
        ("z = 1.5x - b", "z=1.5x−b", ["mi", "mo", "mn", "mi", "mo", "mi"]),
        ("a_1", "a1", ["msub", "mi", "mn"]),
        ("x^{n - 1}", "xn−1", ["msup", "mi", "mrow", "mi", "mo", "mn"]),
        ("w_{k,j}^2", "wk,j2", ["msubsup", "mi", "mrow", "mi", "mo", "mi", "mn"]),
        ("w^2_1", "w12", ["msubsup", "mi", "mn", "mn"]),
        (r"\sigma'(z)", "σ′(z)", ["msup", "mi", "mo", "mo", "mi", "mo"]),
        (r"\frac{\partial C}{2}", "∂C2", ["mfrac", "mrow", "mi", "mi", "mrow", "mn"]),
        (r"\sqrt{2}", "2", ["msqrt", "mrow", "mn"]),
        (r"\sum_i a", "∑ia", ["munder", "mo", "mi", "mi"]),
        (r"\sum^n a", "∑na", ["mover", "mo", "mi", "mi"]),
        (r"\sum_i^n a", "∑ina", ["munderover", "mo", "mi", "mi", "mi"]),
        (r"\tanh z", "tanhz", ["mi", "mi"]),
        (r"\text{cost of <b>} < 3 & 4", "cost of <b><3&4", ["mtext", "mo", "mn", "mo", "mn"]),
    ],
)
def test_a_formula_becomes_mathml(formula: str, text: str, tags: list[str]) -> None:
    assert (text_of(formula), tags_of(formula)) == (text, tags)


@pytest.mark.parametrize("name", [*SYMBOLS, *FUNCTIONS])
def test_each_name_is_one_symbol(name: str) -> None:
    assert text_of(f"\\{name}") == SYMBOLS.get(name, name)
    assert len(tags_of(f"\\{name}")) == 1


@pytest.mark.parametrize(
    ("formula", "problem"),
    [
        (r"\frc{a}{b}", r"has an unknown command \frc; the commands are \frac, \sqrt, \text, "),
        (r"\frac a b", r"\frac in the formula '\\frac a b' needs braces, as in \frac{a}{b}"),
        ("a_", "ends too early"),
        ("{a", "has a { without its }"),
        ("a}", "has a } with nothing before it"),
        ("^2", "has a ^ with nothing before it"),
        ("a_1_2", "has two _ for one part"),
        ("a'^2", "has two ^ for one part"),
        ("{" * (BRACES + 1), f"has more than {BRACES} pairs of braces"),
    ],
)
def test_an_invalid_formula_names_the_mistake(formula: str, problem: str) -> None:
    with pytest.raises(MathError) as error:
        mathml(formula)
    assert problem in str(error.value)


@given(st.text(alphabet=r"\fracsumtextsigma{}_^'ab12<>&\"+ ", max_size=40))
def test_any_text_gives_well_formed_mathml_or_an_error(text: str) -> None:
    try:
        found = mathml(text)
    except MathError:
        return
    assert {each.tag for each in ET.fromstring(found).iter()} <= {
        "math", "mi", "mn", "mo", "mrow", "mtext", "mfrac", "msqrt", "msub", "msup", "msubsup", "munder", "mover", "munderover",
    }  # fmt: skip


def test_formulas_are_part_of_the_text_of_a_lesson() -> None:
    assert page_text("An *a* is $a_1 * b_1 * c$.") == f"<p>An <em>a</em> is {mathml('a_1 * b_1 * c')}.</p>\n"
    assert page_text("$$a = b$$") == f"<p>{mathml('a = b', is_display=True)}</p>\n"
    for text in ("It costs $5 or $6.", "It costs $5-$6.", "A $ sign, and another $."):
        assert page_text(text) == f"<p>{text}</p>\n"
    assert page_text(r"\$a$ and `$a$`") == "<p>$a$ and <code>$a$</code></p>\n"


def test_an_invalid_formula_in_a_lesson_names_its_line() -> None:
    with pytest.raises(LessonError, match=r"line 6: the formula 'a_' ends too early"):
        page_text("Some text\nwith $a_$.")
