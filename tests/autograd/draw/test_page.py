"""The page in a real browser: it steps, tells the engine's numbers, obeys the keyboard, and asks nobody for anything."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autograd import Value, chain_rule, mean, tanh, weighted_sum
from autograd.draw import draw
from nn import MLP, cross_entropy, squared_error
from tests.axe import violations

pytest.importorskip("selenium", reason="pages are tested where selenium is installed")

from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

Opener = Callable[..., "Page"]


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Opener]:
    """Opens a value's page; at the end no error may be in the console, and no request may have left the page."""

    def open_page(value: Value, **options: Any) -> Page:
        path = draw(value, **options).save(tmp_path / "graph.html")
        browser.get_log("browser")
        browser.get_log("performance")
        browser.get(path.as_uri())
        return Page(browser)

    yield open_page
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [each["params"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    requests = [each["request"]["url"] for each in sent if each["documentURL"].startswith("file:")]  # not the browser's own
    assert requests
    assert all(url.startswith(("file:", "data:")) for url in requests), requests


class Page:
    """The open page, as its reader sees and uses it."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser

    def press(self, *keys: str) -> None:
        for key in keys:
            self.browser.switch_to.active_element.send_keys(key)

    def click(self, selector: str) -> None:
        self.browser.find_element(By.CSS_SELECTOR, selector).click()

    @property
    def where(self) -> str:
        return str(self.browser.find_element(By.ID, "where").text)

    @property
    def words(self) -> str:
        return str(self.browser.find_element(By.ID, "story").text)

    def texts(self, box: str) -> list[str]:
        """The lines of a box that can be seen."""
        lines = self.browser.find_elements(By.CSS_SELECTOR, f"[data-box='{box}'] text")
        return [line.get_property("textContent") for line in lines if line.value_of_css_property("visibility") == "visible"]

    def highlighted(self) -> set[str]:
        return {each.get_attribute("data-box") for each in self.browser.find_elements(By.CSS_SELECTOR, ".box.on")}

    def box(self, name: str) -> str:
        """The box of the part that is called so."""
        (box,) = self.browser.find_elements(By.CSS_SELECTOR, f'.box[aria-label^="{name}, "]')
        return str(box.get_attribute("data-box"))

    def focus(self, box: str) -> None:
        self.browser.execute_script("document.querySelector(arguments[0]).focus()", f"[data-box={box}]")

    def numbers(self) -> list[float]:
        """The figures in the story's table, with all of their digits."""
        return [float(each.get_attribute("value")) for each in self.browser.find_elements(By.CSS_SELECTOR, "#story td data")]

    def in_view(self, box: str) -> bool:
        """Whether a box is inside the stage, once it has stopped moving."""
        return bool(
            self.browser.execute_async_script(
                "const [id, done] = arguments, stage = document.getElementById('stage').getBoundingClientRect();"
                "let before = null;"
                "(function look() { const {left, right} = document.querySelector(`[data-box=${id}] rect`).getBoundingClientRect();"
                "if (left !== before) { before = left; setTimeout(look, 100); }"
                "else done(left >= stage.left && right <= stage.right); })();",
                box,
            )
        )

    def now(self) -> list[str]:
        return [each.get_attribute("data-box") for each in self.browser.find_elements(By.CSS_SELECTOR, ".box.now")]


def example() -> tuple[Value, list[Value]]:
    """tanh(w x + b) squared, and its nodes in the order of evaluation."""
    w, x, b = Value(-0.5, "w"), Value(2.0, "x"), Value(0.3, "b")
    product = w * x
    sum_ = product + b
    out = tanh(sum_)
    out.label = "out"
    cost = out * out
    cost.label = "cost </script><script>alert(1)</script>"
    return cost, [w, x, product, b, sum_, out, cost]


def test_it_opens_on_the_whole_graph_with_every_number_in_place(opened: Opener) -> None:
    cost, nodes = example()
    cost.backward()
    page = opened(cost)
    assert page.where == "the whole, then 10 steps"
    for position, node in enumerate(nodes):
        label = [node.label] if node.label else []
        assert page.texts(f"v{position}") == [*label, f"data {node.data:.4g}", f"grad {node.grad:.4g}"]
    stage = page.browser.find_element(By.ID, "stage").rect
    picture = page.browser.find_element(By.CSS_SELECTOR, "#stage svg").rect
    assert picture["width"] <= stage["width"]
    assert picture["height"] <= stage["height"]
    hover = page.browser.find_element(By.CSS_SELECTOR, "[data-box=v4] title").get_property("textContent")
    assert hover == f"data {nodes[4].data}, grad {nodes[4].grad}"


def test_colours_are_the_drawings(opened: Opener) -> None:
    cost, _ = example()
    cost.backward()
    page = opened(cost)
    picture = draw(cost).picture
    for box in picture.boxes:
        if box.kind == "value":
            fill = page.browser.find_element(By.CSS_SELECTOR, f"[data-box={box.id}] rect").get_attribute("style")
            color = picture.color(box).removeprefix("#")
            assert f"rgb({', '.join(str(int(color[at : at + 2], 16)) for at in (0, 2, 4))})" in fill


def test_all_leaves_are_given_at_once_and_then_nodes_are_computed_one_by_one(opened: Opener) -> None:
    cost, nodes = example()
    page = opened(cost)
    page.press(Keys.ARROW_RIGHT)
    assert page.where == "forward 1 of 5"
    assert page.now() == ["v0", "v1", "v3"]
    assert "Given: 3 leaves" in page.words
    assert "w = -0.5\nx = 2\nb = 0.3" in page.words
    for step, position in enumerate((2, 4, 5, 6)):
        node = nodes[position]
        assert page.texts(f"v{position}") == ([node.label] if node.label else [])
        page.press(Keys.ARROW_RIGHT)
        assert page.where == f"forward {step + 2} of 5"
        assert page.now() == [f"v{position}"]
        assert f"data {node.data:.4g}" in page.texts(f"v{position}")
        assert f"{node.data:.4g}" in page.words
    assert "= tanh(-0.7)" not in page.words
    page.press(Keys.ARROW_LEFT)
    assert "= tanh(-0.7)" in page.words
    assert page.texts("v6") == [cost.label]


def test_backward_shows_the_engines_gradients_and_the_rules(opened: Opener) -> None:
    cost, nodes = example()
    cost.backward()
    page = opened(cost)
    page.press(Keys.END)
    assert page.where == "backward 5 of 5"
    for position, node in enumerate(nodes):
        assert page.texts(f"v{position}")[-2:] == [f"data {node.data:.4g}", f"grad {node.grad:.4g}"]
    assert f"d(*)/da = b = 2\ntimes {nodes[2].grad:.4g} from above = {nodes[0].grad:.4g}" in page.words
    page.press(*[Keys.ARROW_LEFT] * 3)
    assert page.now() == ["v6"]
    half, whole = f"{nodes[5].data:.4g}", f"{nodes[5].grad:.4g}"
    assert f"into out: 0 + {half} = {half}" in page.words
    assert f"into out: {half} + {half} = {whole}" in page.words
    assert page.texts("v5")[-1] == f"grad {whole}"
    assert page.texts("v4")[-1].startswith("data")


def test_keys_buttons_and_scrubber_agree(opened: Opener) -> None:
    page = opened(example()[0])
    page.press(Keys.END)
    assert page.where == "backward 5 of 5"
    page.press(Keys.ARROW_RIGHT)
    assert page.where == "backward 5 of 5"
    page.press(Keys.HOME)
    assert page.where.startswith("the whole")
    page.press(Keys.ARROW_LEFT)
    assert page.where.startswith("the whole")
    page.click("#next")
    page.click("#next")
    assert page.where == "forward 2 of 5"
    page.click("#back")
    assert page.where == "forward 1 of 5"
    page.click("#last")
    assert page.where == "backward 5 of 5"
    page.click("#first")
    assert page.where.startswith("the whole")
    scrubber = page.browser.find_element(By.ID, "scrubber")
    page.browser.execute_script("arguments[0].value = 7; arguments[0].dispatchEvent(new Event('input'))", scrubber)
    assert page.where == "backward 2 of 5"
    scrubber.send_keys(Keys.ARROW_RIGHT)
    assert page.where == "backward 3 of 5"
    assert scrubber.get_attribute("value") == "8"


def test_space_plays_and_pauses(opened: Opener) -> None:
    page = opened(example()[0])
    page.press(Keys.SPACE)
    play = page.browser.find_element(By.ID, "play")
    assert play.get_attribute("aria-label") == "pause"
    page.browser.execute_async_script(
        "const [done] = arguments, where = document.getElementById('where');"
        "(function look() { where.textContent.startsWith('forward') ? done() : setTimeout(look, 50); })();"
    )
    page.press(Keys.SPACE)
    assert play.get_attribute("aria-label") == "play"
    assert page.where.startswith("forward")


def test_a_click_or_enter_shows_every_path_to_the_output(opened: Opener) -> None:
    cost, nodes = example()
    cost.backward()
    page = opened(cost)
    page.click("[data-box=v3]")
    assert page.highlighted() == {"v3", "o4", "v4", "o5", "v5", "o6", "v6"}
    paths = page.browser.find_element(By.ID, "paths").text
    assert "b: 2 paths to the output" in paths
    assert f"together {nodes[3].grad:.4g}".replace("-", "−") in paths
    page.press(Keys.ESCAPE)
    assert page.highlighted() == set()
    page.browser.find_element(By.CSS_SELECTOR, "[data-box=v5]").send_keys(Keys.ENTER)
    assert page.highlighted() == {"v5", "o6", "v6"}


def test_an_operation_can_be_picked_before_the_first_step(opened: Opener) -> None:
    page = opened(example()[0])
    page.click("[data-box=o5]")
    assert page.highlighted() == {"o5", "v5", "o6", "v6"}
    assert "tanh: 2 paths to the output" in page.browser.find_element(By.ID, "paths").text


def test_what_the_drawing_highlights_stands_out(opened: Opener) -> None:
    cost, nodes = example()
    page = opened(cost, highlight=chain_rule(cost, nodes[3]).edges)
    marked = [each.get_attribute("data-edge") for each in page.browser.find_elements(By.CSS_SELECTOR, ".edge.marked")]
    assert set(marked) == {"v3 o4", "o4 v4", "v4 o5", "o5 v5", "v5 o6", "o6 v6"}


def test_paths_are_counted_and_not_walked(opened: Opener) -> None:
    x = y = Value(1.0, "x")
    for _ in range(30):
        y = y + y
    page = opened(y)
    page.browser.find_element(By.CSS_SELECTOR, "[data-box=v0]").send_keys(Keys.ENTER)
    assert f"x: {2**30:,} paths to the output" in page.browser.find_element(By.ID, "paths").text
    assert x.data == 1.0


def test_labels_are_text_and_controls_have_names(opened: Opener) -> None:
    cost, _ = example()
    page = opened(cost)
    assert page.browser.title == cost.label
    assert page.browser.find_element(By.TAG_NAME, "h1").text == cost.label
    for each in page.browser.find_elements(By.CSS_SELECTOR, "footer button, input, #tools button"):
        assert each.get_attribute("aria-label")


@pytest.mark.parametrize("large", [False, True])
def test_it_fits_a_phone(opened: Opener, large: bool) -> None:
    page = opened(moons()[1] if large else example()[0])
    size = {"width": 360, "height": 720, "deviceScaleFactor": 1, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page.press(Keys.END)
        assert page.browser.execute_script("return document.documentElement.scrollWidth") <= 360
        for selector in ("#first", "#back", "#play", "#next", "#last", "#scrubber", "#story h2"):
            box = page.browser.find_element(By.CSS_SELECTOR, selector).rect
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 360
            assert box["y"] + box["height"] <= 720
        assert page.browser.find_element(By.ID, "next").rect["height"] >= 40
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


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


def moons(examples: int = 3) -> tuple[MLP, Value]:
    """A network for two moons, and its cost of a few examples, with gradients."""
    model = MLP([2, 16, 16, 1], tanh, seed=1)
    cost = mean([squared_error(model([each / 5, 0.3 - each / 7]), (-1.0) ** each) for each in range(examples)])
    cost.label = "cost"
    cost.backward()
    return model, cost


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


def test_a_closed_neuron_tells_its_terms(opened: Opener) -> None:
    model = MLP([2, 3, 1], tanh, seed=1)
    output = model([0.5, -0.75])[0]
    output.backward()
    page = opened(output, model=model, detail="neuron")
    page.press(Keys.HOME, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert page.words.startswith("layer 0, neuron 0")
    figures = page.numbers()
    first, second = model.layers[0].neurons[0].weights
    assert figures[:6] == [first.data, 0.5, first.data * 0.5, second.data, -0.75, second.data * -0.75]


def test_a_weighted_sum_shows_its_terms_and_what_each_gets(opened: Opener) -> None:
    w, x, b = Value(0.5, "w"), Value(-4.0, "x"), Value(0.25, "b")
    z = weighted_sum([w], [x], b)
    cost = z * 3.0
    cost.backward()
    page = opened(cost)
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert page.numbers() == [0.5, -4.0, -2.0, 0.25, z.data]
    page.press(Keys.END)
    assert page.numbers() == [-4.0, 3.0, w.grad, 0.5, 3.0, x.grad, 1.0, 3.0, b.grad]


def test_what_does_not_fit_has_a_map_and_stays_in_view(opened: Opener) -> None:
    x = y = Value(1.0, "x")
    for _ in range(16):
        y = tanh(y)
    page = opened(y, detail="node")
    there = page.browser.find_element(By.ID, "map")
    assert not there.is_displayed()
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


def test_what_is_not_finite_is_told_too(opened: Opener) -> None:
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


def test_nothing_glides_for_who_wants_no_motion(opened: Opener) -> None:
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
def test_axe_finds_nothing(opened: Opener, scheme: str) -> None:
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
