"""Digits in a real browser: the pad, glowing neurons, the picture of a neuron's weights; and the wrong answers of all data."""

from typing import Any

import pytest

pytest.importorskip("selenium", reason="pages are tested where selenium is installed")

from selenium.webdriver.common.by import By

from tests.playground.pages import NOTHING, SMALL, Opener

DIGITS: dict[str, Any] = {"data": {"name": "digits", "n": 100}, "layers": [5, 4], "activations": "tanh(x)"}
GLOWS = "return [...document.querySelectorAll('.neuron')].map(each => each.style.getPropertyValue('--glow')).filter(each => each).length"


def test_digits_begin_with_a_drawn_7_that_lights_the_network(opened: Opener) -> None:
    page = opened(DIGITS)
    page.wait(lambda: page.run(GLOWS) == 5 + 4 + 10)
    page.wait(lambda: page.text("#pad-words").startswith("Prediction"))
    assert page.find("#target").get_attribute("value") == "7"
    assert not page.find("#inspector").is_displayed()
    seven = page.picture("#pad")
    labels = [each.text for each in page.browser.find_elements(By.CSS_SELECTOR, ".neuron .answer")]
    assert labels == [str(digit) for digit in range(10)]
    page.click("#by-step")
    page.wait_for("#step-number", "1")
    assert page.picture("#pad") == seven
    page.drag("#pad", (-50, -80), (0, 160))
    page.wait_for("#inspector-title", "Drawn digit")
    ink = "const {data} = document.querySelector('#pad').getContext('2d').getImageData(19, 7, 1, 1); return data[0] > 200"
    assert page.run(ink)  # the stroke removed the 7: there is paper in its corner


def test_the_page_explains_why_fewer_test_digits_are_right(opened: Opener) -> None:
    page = opened(DIGITS)
    assert page.text("#gap") == ""
    page.run("for (let epoch = 0; epoch < 6; epoch++) document.querySelector('#by-epoch').click()")
    page.wait_for("#step-number", "24")
    training, test = page.text("#accuracy"), page.text("#held-out-accuracy")
    assert page.text("#gap").startswith(f"{training} of the training examples are right, but only {test} of the test examples, which")


def test_each_digit_has_its_bar_and_its_probability_in_one_row(opened: Opener) -> None:
    page = opened(DIGITS)
    page.wait(lambda: page.text("#pad-words").startswith("Prediction"))
    rows = page.run(
        "return [...document.querySelector('.answers').children].map(each => each.getBoundingClientRect().top + each.clientHeight / 2)"
    )
    assert len(rows) == 30
    assert all(max(rows[place : place + 3]) - min(rows[place : place + 3]) < 8 for place in range(0, 30, 3))


def test_an_example_on_the_pad_is_sent_as_it_is_also_after_a_step(opened: Opener) -> None:
    page = opened(DIGITS)
    page.wait(lambda: page.text("#pad-words").startswith("Prediction"))
    page.click("#pad-example")
    page.wait_for("#inspector-title", "Drawn digit")
    page.listen()
    page.click("#by-step")
    page.wait(lambda: page.sent("draw"))
    assert {each["centre"] for each in page.sent("draw")} == {False}


def test_a_pixel_of_the_picture_of_weights_opens_its_weight(opened: Opener) -> None:
    page = opened(DIGITS)
    page.inspect("Neuron a[0,2]", "[data-neuron='0,2']")
    canvas = page.find("canvas.weights")
    assert canvas.size["width"] > 150
    page.run(
        "const {left, top, width} = arguments[0].getBoundingClientRect();"
        "const there = {clientX: left + width * 9.5 / 28, clientY: top + width * 3.5 / 28, bubbles: true};"
        "arguments[0].dispatchEvent(new MouseEvent('click', there))",
        canvas,
    )
    page.wait_for("#inspector-title", f"Weight w[0,2,{3 * 28 + 9}]")


@pytest.mark.parametrize("data", [{"name": "blobs", "n": 60, "noise": 1.5}, DIGITS["data"]], ids=lambda data: data["name"])
def test_wrong_answers_have_a_matrix_and_a_gallery(opened: Opener, data: dict[str, Any]) -> None:
    page = opened({**NOTHING, **SMALL, "data": data})
    page.run("document.querySelector('#answers').open = true")
    page.wait(lambda: page.text("#answers-words").endswith(" wrong"))
    texts = page.run("return [...document.querySelectorAll('#matrix tbody td')].map(each => each.textContent)")
    cells = [int(each.replace("·", "0")) for each in texts]
    test_examples = int(page.text("#counts").split(", ")[1].split()[0])
    assert sum(cells) == test_examples
    wrong = int(page.text("#answers-words").removesuffix(" wrong"))
    assert len(page.browser.find_elements(By.CSS_SELECTOR, "#gallery button")) == min(24, wrong) > 0
    page.click("[name=answers-of][value=training]")
    page.listen()
    page.click("#by-epoch")
    page.wait(lambda: page.sent("answers") and page.sent("answers")[-1]["of"] == "training")
    page.click("#gallery button")
    page.wait(lambda: page.text("#inspector-title") == "Example")
    assert page.text("[data-key=example]").startswith("example ")
