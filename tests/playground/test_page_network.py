"""The pictures of the network and the plane in a real browser: the paths of a weight, colours, axes, and classes only."""

import pytest

pytest.importorskip("selenium", reason="pages are tested where selenium is installed")

from selenium.webdriver.common.keys import Keys

from tests.playground.pages import NOTHING, Opener, Page, settled

DEEP = {**NOTHING, "layers": [3, 2], "activations": "tanh(x)"}
MOVE = """
    const lines = document.querySelector(".lines");
    const place = each => document.querySelector(`[data-neuron='${each}']`).getBoundingClientRect();
    const [from, to] = [...arguments].map(place);
    const there = {clientX: (from.right + to.left) / 2, clientY: (from.top + from.bottom + to.top + to.bottom) / 4, bubbles: true};
    lines.dispatchEvent(new PointerEvent("pointermove", there));
"""
TEXTS = """
    const {fillText} = CanvasRenderingContext2D.prototype;
    window.texts = [];
    CanvasRenderingContext2D.prototype.fillText = function (words, ...place) {
        if (this.canvas.matches(".flows")) window.texts.push(words);
        return fillText.call(this, words, ...place);
    };
"""


def is_lit(page: Page) -> bool:
    """Whether something is drawn above the network."""
    empty = "const {width, height} = document.querySelector('.flows'), empty = document.createElement('canvas');"
    return page.picture(".flows") != str(page.run(f"{empty} Object.assign(empty, {{width, height}}); return empty.toDataURL()"))


def drawn(page: Page) -> list[str]:
    """The words that were drawn above the network since the last call."""
    return page.run("return window.texts.splice(0)")  # type: ignore[no-any-return]


def test_a_weight_under_the_pointer_shows_its_number_and_the_factors_of_its_largest_path(opened: Opener) -> None:
    page = opened(DEEP)
    page.wait(lambda: settled(page))
    page.listen()
    page.run(TEXTS)
    assert not is_lit(page)
    page.run(MOVE, "-1,0", "0,1")
    page.wait(lambda: len(drawn(page)) > 1)
    (asked,) = page.sent("inspect")
    assert (asked["what"], asked["layer"], asked["neuron"], asked["input"]) == ("weight", 0, 1, 0)
    page.run(MOVE, "-1,1", "0,2")
    words = list[str]()

    def has_factors() -> bool:
        words.extend(drawn(page))
        return any(each.startswith("∂C/∂a ") for each in words)

    page.wait(has_factors)
    weight = page.run("return document.querySelector('.lines').title.match(/weight (.*),/)[1]")
    shown = [each.removeprefix("w = ") for each in words if each.startswith("w = ")][-1]
    assert float(shown.replace("−", "-")) == pytest.approx(float(weight.replace("−", "-")), rel=0.01)
    assert sum(each.startswith("× ") for each in words) >= 5  # the input, two slopes and two weights
    assert is_lit(page)
    page.run("document.querySelector('.lines').dispatchEvent(new PointerEvent('pointerleave'))")
    assert not is_lit(page)
    page.inspect("Weight w[1,0,2]", "[data-neuron='1,0']", "[data-key='w[1,0,2]']")
    page.wait(lambda: is_lit(page))
    page.click("[data-key='a[1,0]']")
    page.wait(lambda: not is_lit(page))


def test_a_colour_stands_for_a_sign_or_for_a_class(opened: Opener) -> None:
    page = opened(DEEP)
    for theme in ("light", "dark"):
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}]})
        names = ["positive", "negative", "path", "now", *(f"class-{index}" for index in range(8))]
        colors = page.run(
            "return arguments[0].map(each => getComputedStyle(document.documentElement).getPropertyValue(`--${each}`))", names
        )
        assert len(set(colors)) == len(names)
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize("name", ["moons", "blobs"])
def test_the_plane_shows_its_range_and_on_request_classes_only(opened: Opener, name: str) -> None:
    page = opened({**DEEP, "data": {"name": name, "n": 40}})
    page.wait(lambda: settled(page))
    page.run(TEXTS.replace(".flows", "#plane"))
    shades = page.picture("#plane")
    page.click("#discrete")
    assert page.picture("#plane") != shades
    assert [each[:5] for each in drawn(page)][:3:2] == ["x₁ = ", "x₂ = "]
    page.click("#discrete")
    assert page.picture("#plane") == shades


def test_outputs_are_labelled(opened: Opener) -> None:
    page = opened(DEEP)
    assert page.text(".neuron .plate.under") == "class 1 if > 0"
    assert page.find("[data-neuron='2,0']").get_attribute("aria-label").startswith("output class 1 if > 0, a[2,0]")


def test_waves_are_learned_as_numbers(opened: Opener) -> None:
    page = opened(DEEP)
    page.click("[name=dataset][value=waves]")
    page.wait_for("#class-legend", "blue = positive, orange = negativehollow = test points")
    page.wait(lambda: settled(page))  # the cost is that of the waves
    cost = page.number("#cost data")
    page.click("#by-epoch")
    page.wait(lambda: page.number("#cost data") < cost)
    assert page.text("#accuracy") == "–"
    assert not page.find("#answers").is_displayed()
    page.click("#plane")
    page.press(Keys.ARROW_DOWN)
    page.wait_for("#inspector-title", "Example")
    assert page.text("#inspector .card p").startswith("target ")
    page.click("[name=dataset][value=moons]")
    page.wait_for("#class-legend", " class 0 class 1hollow = test points")
    assert page.find("#answers").is_displayed()
    assert page.find("[name=cost]").get_property("value") == "cross-entropy"
    assert page.text("#notice") == ""
