"""The page of a drawing in a browser, as a reader sees and uses it."""

from collections.abc import Callable
from typing import Any

import pytest

from autograd import Value, mean, tanh
from nn import MLP, squared_error

pytest.importorskip("selenium", reason="pages are tested where selenium is installed")

from selenium.webdriver.common.by import By


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


def moons(examples: int = 3) -> tuple[MLP, Value]:
    """A network for two moons, and its cost of a few examples, with gradients."""
    model = MLP([2, 16, 16, 1], tanh, seed=1)
    cost = mean([squared_error(model([each / 5, 0.3 - each / 7]), (-1.0) ** each) for each in range(examples)])
    cost.label = "cost"
    cost.backward()
    return model, cost


Opener = Callable[..., Page]
