"""The inspector and the drawing pad in a real browser."""

import numpy as np
import pytest

pytest.importorskip("selenium", reason="pages are tested where selenium is installed")

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.playground.pages import NOTHING, SMALL, Engine, Opener, settled


def test_the_inspector_shows_the_engine_s_numbers_of_a_neuron(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.click("#by-step")
    page.wait_for("#step-number", "1")
    page.inspect("Neuron a[0,2]", "[data-neuron='0,2']")
    engine = Engine(1, **SMALL)
    engine.backward()
    neuron, output, x = engine.model.layers[0].neurons[2], engine.model.layers[1].neurons[0], engine.example["x"]
    terms = page.numbers("#inspector .card:first-child tbody .figure")
    products = [weight.data * value for weight, value in zip(neuron.weights, x)]
    total = sum(products) + neuron.bias.data
    expected = [number for weight, value, product in zip(neuron.weights, x, products) for number in (weight.data, value, product)]
    assert terms == pytest.approx([*expected, neuron.bias.data, total], rel=1e-12)
    assert page.number(".activation-card .activation") == pytest.approx(np.tanh(total), rel=1e-12)
    assert page.number(".activation-card .slope") == pytest.approx(1 - np.tanh(total) ** 2, rel=1e-12)
    assert page.number("#inspector .delta") == pytest.approx(neuron.bias.grad, rel=1e-12)
    from_output = page.numbers("#inspector .card:last-child tbody .figure")[:2]
    assert from_output == pytest.approx([output.bias.grad, output.weights[2].data], rel=1e-12)
    assert page.text(".activation-card code") == "tanh(x)"


def test_the_inspector_shows_gradient_paths_and_nudges_of_a_weight(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.click("#by-step")
    page.wait_for("#step-number", "1")
    page.inspect("Weight w[0,2,1]", "[data-neuron='0,2']", "[data-key='w[0,2,1]']")
    engine = Engine(1, **SMALL)
    engine.backward()
    weight = engine.model.layers[0].neurons[2].weights[1]
    assert page.number("#inspector .gradient") == pytest.approx(weight.grad, rel=1e-12)
    paths = page.numbers("#inspector .whole td.number .figure")
    assert paths[-1] == page.number("#inspector .gradient")
    assert sum(paths[:-1]) == pytest.approx(weight.grad, rel=1e-9)
    assert page.number("#inspector .average") == -page.number("#inspector .total")
    assert page.text("#inspector .why").startswith("For this example, the gradient with respect to this weight is ")


def test_a_weight_set_by_hand_changes_the_cost_and_back_undoes_it(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.inspect("Weight w[0,0,0]", "[data-neuron='0,0']", "[data-key='w[0,0,0]']")
    page.wait(lambda: settled(page))
    cost, typed = page.text("#cost"), page.find("[data-key=typed]")
    typed.clear()
    typed.send_keys("3.5", Keys.ENTER)
    page.wait(lambda: page.text("#cost") != cost)
    page.wait(lambda: page.number("#inspector .weight") == 3.5)
    page.click("#back")
    page.wait(lambda: page.text("#cost") == cost)


def test_a_nudge_shows_the_predicted_and_the_actual_change(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.click("#by-step")
    page.inspect("Weight w[0,0,0]", "[data-neuron='0,0']", "[data-key='w[0,0,0]']")
    page.wait(lambda: page.text(".update") and settled(page))
    value, cost = page.number("#inspector .weight"), page.number("#cost data")
    page.click("[data-key=nudge]")
    page.wait(lambda: page.number("#inspector .weight") == value + 0.01)
    page.wait(lambda: len(page.numbers(".nudged .actual")) == 2)
    actual, predicted = page.numbers(".nudged .actual"), page.numbers(".nudged .predicted")
    assert actual[0] == page.number("#cost data") - cost
    assert predicted == pytest.approx(actual, rel=0.2)
    assert page.text(".update") == ""  # the weight was changed by hand since the step
    page.click("#by-step")
    page.wait(lambda: page.text(".nudged") == "" and page.text(".update"))


@pytest.mark.parametrize("nesterov", [False, True])
def test_the_momentum_of_an_update_is_that_of_the_velocity(opened: Opener, nesterov: bool) -> None:
    page = opened({**NOTHING, **SMALL, "optimizer": {"name": "sgd", "momentum": 0.9, "nesterov": nesterov}})
    page.inspect("Weight w[0,0,0]", "[data-neuron='0,0']", "[data-key='w[0,0,0]']")
    velocity = 0.0
    for step in (1, 2):
        page.click("#by-step")
        page.wait(lambda: f"step {step}" in page.text(".card:has(.update) h3"))  # noqa: B023
        gradient, last, velocity = page.numbers(".update data")[0], velocity, 0.9 * velocity + page.numbers(".update data")[0]
        assert page.number(".update .momentum") == pytest.approx(0.9 * (velocity if nesterov else last), rel=1e-9, abs=1e-14)
        assert page.number(".update .direction") == pytest.approx(gradient + page.number(".update .momentum"), rel=1e-12)
        assert ("the new velocity" if nesterov else "the last velocity") in page.text(".update")


def test_an_update_with_a_learning_rate_of_0_has_no_direction(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL, "rate": 0})
    page.inspect("Weight w[0,0,0]", "[data-neuron='0,0']", "[data-key='w[0,0,0]']")
    page.click("#by-step")
    page.wait(lambda: "Why it moved in step 1" in page.text("#inspector"))
    assert "momentum" not in page.text(".update")
    assert page.number(".update .change") == 0


@pytest.mark.parametrize("is_running", [pytest.param(False, marks=pytest.mark.soak), True], ids=["paused", "running"])
def test_the_slider_of_a_weight_is_dragged_through_ten_positions(opened: Opener, is_running: bool) -> None:
    page = opened({**NOTHING, **SMALL, "rate": 0.001})
    page.inspect("Weight w[0,0,0]", "[data-neuron='0,0']", "[data-key='w[0,0,0]']")
    if is_running:
        page.click("#play")
        page.wait(lambda: page.step > 2)
    page.listen()
    page.mouse("mousePressed", "[data-key=slider]", 0.1)
    pictures, values = set[tuple[str, str]](), []

    def new_pictures() -> tuple[str, str] | None:
        shown = page.picture("#plane"), page.picture(".lines")
        return None if shown in pictures else shown

    for position in range(10):
        sent = len(page.sent("weight"))
        page.mouse("mouseMoved", "[data-key=slider]", 0.2 + 0.07 * position)
        page.wait(lambda: len(page.sent("weight")) > sent)  # noqa: B023
        value = page.sent("weight")[-1]["value"]
        page.wait(lambda: page.number("#inspector .weight") == pytest.approx(value, abs=0.05))  # noqa: B023
        pictures.add(page.wait(new_pictures))
        values.append(value)
    page.mouse("mouseReleased", "[data-key=slider]", 0.9)
    assert values == sorted(set(values))
    assert values[-1] - values[0] > 4
    assert page.is_running == is_running


@pytest.mark.parametrize("presses", [6, pytest.param(20, marks=pytest.mark.soak)])
def test_each_press_counts_while_the_network_runs(opened: Opener, presses: int) -> None:
    page = opened({**NOTHING, **SMALL})
    page.inspect("Neuron a[0,0]", "[data-neuron='0,0']")
    page.click("#play")
    page.wait(lambda: page.step > 2)
    for press in range(1, presses // 2 + 1):
        page.hold("[data-key=after]", 0.12)
        page.wait_for("[data-key=example]", f"example {press}")
    for _ in range(presses // 4 + 1):
        page.hold("[data-key='w[0,0,1]']", 0.12)
        page.wait_for("#inspector-title", "Weight w[0,0,1]")
        page.hold("[data-key='a[0,0]']", 0.12)
        page.wait_for("#inspector-title", "Neuron a[0,0]")
    assert page.is_running


def test_a_number_is_typed_while_the_network_runs(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.inspect("Weight w[0,0,0]", "[data-neuron='0,0']", "[data-key='w[0,0,0]']")
    page.click("#play")
    page.wait(lambda: page.step > 2)
    page.listen()
    typed = page.find("[data-key=typed]")
    typed.send_keys(Keys.CONTROL + "a")
    for key in "-1.2345":
        typed.send_keys(key)
        page.run("return new Promise(done => setTimeout(done, 100))")
    assert typed.get_property("value") == "-1.2345"
    typed.send_keys(Keys.ENTER)
    page.wait(lambda: [each["value"] for each in page.sent("weight")] == [-1.2345])


@pytest.mark.parametrize(
    "target", [pytest.param("neuron", marks=pytest.mark.soak), "weight", pytest.param("example", marks=pytest.mark.soak), "digit"]
)
def test_the_elements_of_the_inspector_stay_while_the_network_runs(opened: Opener, target: str) -> None:
    """A property of every element that can be pressed or typed into, whatever is inspected."""
    digits = {"data": {"name": "digits", "n": 100}, "layers": [16], "activations": "tanh(x)"}
    page = opened(digits if target == "digit" else {**NOTHING, **SMALL})
    page.inspect("Neuron a[0,0]", "[data-neuron='0,0']")
    if target == "weight":
        page.inspect("Weight w[0,0,0]", "[data-key='w[0,0,0]']")
    if target == "example":
        page.inspect("Example", "[data-key=example]")
    page.click("#play")
    page.run("window.elements = [...document.querySelectorAll('#inspector [data-key]')];window.elements.at(-1).focus();")
    before, step = page.text("#inspector"), page.step
    page.wait(lambda: page.step > step + 30 and page.text("#inspector") != before)
    assert page.run("return document.activeElement === window.elements.at(-1)")
    if target != "digit":  # where the largest fifty terms are shown, and others may be among them by now
        assert page.run("return window.elements.filter(each => !each.isConnected).length") == 0


@pytest.mark.parametrize("way", ["mouse", "touch", "keys"])
def test_a_digit_is_read_while_it_is_drawn(opened: Opener, way: str) -> None:
    page = opened({"data": {"name": "digits", "n": 200}, "layers": [16, 16], "activations": "tanh(x)"})
    assert page.text("#network-words") == "784-16-16-10, 13,002 parameters"
    if way == "mouse":
        page.drag("#pad", (-50, -80), (100, 0), (-60, 160))
    elif way == "touch":
        page.swipe("#pad", (0.3, 0.2), (0.7, 0.2), (0.45, 0.8))
    else:
        page.find("#pad").send_keys(Keys.SPACE, *[Keys.ARROW_RIGHT] * 6, *[Keys.ARROW_DOWN] * 5)
    page.wait(lambda: page.text("#pad-words").startswith(("Prediction", "row")) and len(page.numbers(".answers data")) == 10)
    assert sum(page.numbers(".answers data")) == pytest.approx(1)
    page.wait_for("#inspector-title", "Drawn digit")
    assert len(page.browser.find_elements(By.CSS_SELECTOR, ".pictures canvas")) == 17  # the pixels, and sixteen neurons
    for digit in (3, 8):
        page.choose_option("target", str(digit))
        page.wait_for_the_cost_of(digit)


def test_a_digit_passes_through_the_network_and_shows_its_nudges(opened: Opener) -> None:
    page = opened({"data": {"name": "digits", "n": 100}, "layers": [16, 16], "activations": "tanh(x)"})
    page.wait(lambda: settled(page))
    seven, network = page.picture("#pad"), page.picture(".maps")
    page.click("#by-example")
    page.wait(lambda: "19 more in this mini-batch" in page.text("#flow-words"))
    assert page.picture("#pad") != seven
    assert page.picture(".maps") != network
    page.inspect("Neuron a[0,3]", "[data-neuron='0,3']")
    assert "smaller terms" in page.text("#inspector")
    page.inspect("Example", "[data-key=example]")
    assert len(page.browser.find_elements(By.CSS_SELECTOR, ".pictures canvas")) == 17
