"""The page in a browser: parts that open and close, large graphs, tables, the map, and accessibility."""

from pathlib import Path

import pytest

from autograd import Value, tanh, weighted_sum
from nn import MLP, cross_entropy
from tests.axe import violations

pytest.importorskip("selenium", reason="pages are tested where selenium is installed")

from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from tests.autograd.draw.pages import Opener, moons


def test_a_collapsed_graph_steps_box_by_box(opened: Opener) -> None:
    values = [Value(float(each), f"x{each}") for each in range(200)]
    cost = sum((value * value for value in values), 0.0)
    assert isinstance(cost, Value)
    cost.backward()
    page = opened(cost, detail="layer")
    assert "grad 0 to 398" in page.texts("l0")
    page.press(Keys.ARROW_RIGHT)
    assert page.where == "forward 1 of 3"
    assert "x0 … x199" in page.words
    assert "data 0 to 199" in page.texts("l0")
    page.press(Keys.ARROW_RIGHT)
    assert "data 0 to 3.96e+04" in page.words
    assert "grad" not in page.words
    page.press(Keys.ARROW_LEFT)
    assert "grad 0 to 398" not in page.texts("l0")
    page.press(Keys.END)
    assert "grad 0 to 398" in page.texts("l0")


def test_parts_open_and_close_and_the_step_stays(opened: Opener) -> None:
    model, cost = moons()
    page = opened(cost, model=model)
    layer = page.box("layer 1")
    page.press(Keys.HOME, *[Keys.ARROW_RIGHT] * 3)
    assert page.words.startswith("layer 1")
    page.browser.find_element(By.CSS_SELECTOR, f"[data-open={layer}]").click()
    assert page.box("layer 1, neuron 15")
    assert page.words.startswith("layer 1, neuron 0")
    page.focus(page.box("layer 1, neuron 3"))
    page.press("o")
    weight = page.box("layer 1, neuron 3, w2")
    parameter = model.layers[1].neurons[3].weights[2]
    page.press(Keys.END)
    assert page.texts(weight) == ["w[1,3,2]", f"data {parameter.data:.4g}", f"grad {parameter.grad:.4g}"]
    page.focus(weight)
    page.press("c")
    neuron = page.box("layer 1, neuron 3")
    assert page.browser.switch_to.active_element.get_attribute("data-box") == neuron
    page.focus(neuron)
    page.press("c")
    assert page.box("layer 1") == layer
    assert page.where.startswith("backward")


def test_every_detail_of_the_drawing_can_be_chosen(opened: Opener) -> None:
    model, cost = moons(5)
    page = opened(cost, model=model)
    select = Select(page.browser.find_element(By.ID, "detail"))
    assert [each.text for each in select.options] == ["layers", "neurons", "nodes", "every example"]
    assert select.first_selected_option.text == "layers"
    select.select_by_visible_text("neurons")
    assert page.box("layer 0, neuron 15")
    select.select_by_visible_text("every example")
    assert "boxes are too many to show at once" in page.browser.find_element(By.ID, "notice").text
    assert page.box("layer 0, neuron 15")
    assert select.first_selected_option.text == "neurons"
    page.focus(page.box("layer 0, neuron 15"))
    page.press("o")
    assert not select.all_selected_options  # some neurons are open, and others are not


def test_a_closed_neuron_lists_its_terms(opened: Opener) -> None:
    model = MLP([2, 3, 1], tanh, seed=1)
    output = model([0.5, -0.75])[0]
    output.backward()
    page = opened(output, model=model, detail="neuron")
    page.press(Keys.HOME, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert page.words.startswith("layer 0, neuron 0")
    figures = page.numbers()
    first, second = model.layers[0].neurons[0].weights
    assert figures[:6] == [first.data, 0.5, first.data * 0.5, second.data, -0.75, second.data * -0.75]


def test_a_weighted_sum_lists_its_terms_and_contributions(opened: Opener) -> None:
    w, x, b = Value(0.5, "w"), Value(-4.0, "x"), Value(0.25, "b")
    z = weighted_sum([w], [x], b)
    cost = z * 3.0
    cost.backward()
    page = opened(cost)
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert page.numbers() == [0.5, -4.0, -2.0, 0.25, z.data]
    page.press(Keys.END)
    assert page.numbers() == [-4.0, 3.0, w.grad, 0.5, 3.0, x.grad, 1.0, 3.0, b.grad]


def test_a_large_graph_has_a_map_and_its_step_stays_in_view(opened: Opener) -> None:
    x = y = Value(1.0, "x")
    for _ in range(16):
        y = tanh(y)
    page = opened(y, detail="node")
    there = page.browser.find_element(By.ID, "map")
    assert there.is_displayed()
    page.press(Keys.END, *[Keys.ARROW_LEFT] * 6)
    assert there.is_displayed()
    assert page.in_view(page.now()[0])
    page.click("#all")
    assert not there.is_displayed()
    for _ in range(4):
        page.click("#closer")
    assert there.is_displayed()
    ActionChains(page.browser).move_to_element_with_offset(there, -there.size["width"] // 2 + 3, 0).click().perform()
    assert page.in_view("v0")
    assert x.data == 1.0


def test_it_opens_with_text_that_can_be_read(opened: Opener) -> None:
    model = MLP([2, 5, 1], tanh, seed=1)
    size = "return document.querySelector('.box text').getBoundingClientRect().height"
    page = opened(model([1.0, 2.0]), model=model)
    assert page.browser.execute_script(size) >= 8
    assert page.box("layer 0, neuron 0")
    page = opened(model([1.0, 2.0]), model=model, detail="node")
    assert page.browser.execute_script(size) >= 8
    assert page.box("layer 0, neuron 0, w0")


def test_arrows_point_at_the_boxes(opened: Opener) -> None:
    page = opened(Value(2.0, "x") * 3.0)
    tip, box = (page.browser.find_element(By.CSS_SELECTOR, each).rect for each in ('[data-edge="v0 o1"] .tip', "[data-box=o1] rect"))
    assert tip["x"] + tip["width"] == pytest.approx(box["x"], abs=2)
    assert tip["y"] + tip["height"] / 2 == pytest.approx(box["y"] + box["height"] / 2, abs=2)


def test_infinite_gradients_are_shown(opened: Opener) -> None:
    x = Value(0.0, "x")
    y = x**0.5
    y.backward()
    page = opened(y)
    assert "grad inf" in page.texts("v0")
    page.focus("v0")
    page.press(Keys.ENTER)
    assert page.browser.find_element(By.ID, "paths").text.endswith("x → 0\n∞ = ∞")


def test_a_network_of_13002_parameters_opens(opened: Opener, tmp_path: Path) -> None:
    model = MLP([784, 16, 16, 10], tanh, seed=1)
    cost = cross_entropy(model([each / 784 for each in range(784)]), 3)
    cost.backward()
    page = opened(cost, model=model)
    assert (tmp_path / "graph.html").stat().st_size < 1_000_000
    page.focus(page.box("layer 0"))
    page.press("o")
    page.focus(page.box("layer 0, neuron 2"))
    page.press("o")
    assert "too many nodes for the page" in page.browser.find_element(By.ID, "notice").text
    page.focus(page.box("layer 2"))
    page.press("o")
    page.focus(page.box("layer 2, neuron 9"))
    page.press("o")
    bias = model.layers[2].neurons[9].bias
    assert page.texts(page.box("layer 2, neuron 9, b"))[-1] == f"grad {bias.grad:.4g}"


def test_reduced_motion_is_respected(opened: Opener) -> None:
    model, cost = moons()
    page = opened(cost, model=model)
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]})
    try:
        moved = page.browser.execute_async_script(
            "const [done] = arguments, stage = document.getElementById('stage'), scrubber = document.getElementById('scrubber');"
            "scrubber.value = 4; scrubber.dispatchEvent(new Event('input'));"
            "const before = stage.scrollLeft; setTimeout(() => done([before, stage.scrollLeft]), 300);"
        )
    finally:
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert moved[0] == moved[1] > 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violations(opened: Opener, scheme: str) -> None:
    model, cost = moons()
    page = opened(cost, model=model)
    features = [{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}]
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        for key in (Keys.HOME, Keys.ARROW_RIGHT, Keys.END):
            page.press(key)
            assert violations(page.browser) == []
    finally:
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
