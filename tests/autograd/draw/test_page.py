"""The page in a browser: steps, numbers, keyboard and paths."""

import pytest

from autograd import Value, chain_rule
from autograd.draw import draw

pytest.importorskip("selenium", reason="pages are tested where selenium is installed")

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.autograd.draw.pages import Opener, example, moons


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


def test_colours_are_those_of_the_drawing(opened: Opener) -> None:
    cost, _ = example()
    cost.backward()
    page = opened(cost)
    picture = draw(cost).picture
    for box in picture.boxes:
        if box.kind == "value":
            fill = page.browser.find_element(By.CSS_SELECTOR, f"[data-box={box.id}] rect").get_attribute("style")
            color = picture.color(box).removeprefix("#")
            assert f"rgb({', '.join(str(int(color[at : at + 2], 16)) for at in (0, 2, 4))})" in fill


def test_the_first_step_gives_the_leaves_and_later_steps_compute_a_node(opened: Opener) -> None:
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
    assert f"d(w * x)/dw = x = 2\ntimes {nodes[2].grad:.4g} from above = {nodes[0].grad:.4g}" in page.words
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


def test_highlighted_edges_are_marked_on_the_page(opened: Opener) -> None:
    cost, nodes = example()
    page = opened(cost, highlight=chain_rule(cost, nodes[3]).edges)
    marked = [each.get_attribute("data-edge") for each in page.browser.find_elements(By.CSS_SELECTOR, ".edge.marked")]
    assert set(marked) == {"v3 o4", "o4 v4", "v4 o5", "o5 v5", "v5 o6", "o6 v6"}


def test_many_paths_are_counted(opened: Opener) -> None:
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
