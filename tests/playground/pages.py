"""What the tests of the page share: the page in a browser, and the same network in Python."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Value
from nn import MLP, binary_cross_entropy
from playground.session import Session
from tests import PATIENCE

pytest.importorskip("websockets", reason="the playground needs websockets")
pytest.importorskip("selenium", reason="pages are tested where selenium is installed")

from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

NOTHING = {"seed": 0}  # settings like the usual ones, in an address that therefore shows no story
SMALL = {"layers": [3], "activations": ["tanh(x)"]}


class Page:
    """The open page, as its reader sees and uses it."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser
        self.wait(lambda: self.run("return document.documentElement.dataset.ready"))

    def run(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(script, *arguments)

    def wait(self, condition: Callable[[], Any]) -> Any:
        return WebDriverWait(self.browser, PATIENCE, 0.05).until(lambda _: condition())

    def wait_for(self, selector: str, text: str) -> None:
        self.wait(lambda: self.text(selector) == text)

    def wait_until_there(self, selector: str) -> None:
        self.wait(lambda: self.browser.find_elements(By.CSS_SELECTOR, selector))

    def find(self, selector: str) -> Any:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def click(self, selector: str) -> None:
        self.run("arguments[0].scrollIntoView({block: 'center'})", self.find(selector))
        self.find(selector).click()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.browser.switch_to.active_element.send_keys(key)

    def text(self, selector: str) -> str:
        return str(self.run("return document.querySelector(arguments[0])?.textContent ?? ''", selector))

    def number(self, selector: str) -> float:
        """The number in a <data> element, all of it."""
        return self.numbers(selector)[0]

    def numbers(self, selector: str) -> list[float]:
        """All of them, read at one moment: what moves is made anew at any time."""
        found = self.run("return [...document.querySelectorAll(arguments[0])].map(each => each.value)", selector)
        return [float(each) if each else float("nan") for each in found]

    @property
    def step(self) -> int:
        return int(self.text("#step-number"))

    @property
    def accuracy(self) -> float:
        return float(self.text("#accuracy").removesuffix(" %"))

    @property
    def is_running(self) -> bool:
        return bool(self.find("#play").get_attribute("aria-pressed") == "true")

    @property
    def is_settled(self) -> bool:
        """No other network is being made."""
        return bool(self.find("main").get_attribute("aria-busy") is None)

    @property
    def is_answered(self) -> bool:
        """The session has replied to every message of the page."""
        return bool(self.run("return import(new URL('app.js', location).href).then(({connection}) => connection.waiting.length === 0)"))

    def picture(self, selector: str) -> str:
        return str(self.run("return document.querySelector(arguments[0]).toDataURL()", selector))

    def choose_option(self, name: str, text: str) -> None:
        self.run(
            "const [name, text] = arguments, select = document.querySelector(`select[name='${name}'], #${CSS.escape(name)}`);"
            "select.selectedIndex = [...select.options].findIndex(each => each.text === text); select.dispatchEvent(new Event('change'));",
            name, text,
        )  # fmt: skip

    def inspect(self, title: str, *clicks: str) -> None:
        """Click one after the other, until the inspector has the title."""
        for selector in clicks:
            self.wait_until_there(selector)
            self.click(selector)
        self.wait(lambda: self.text("#inspector-title") == title)

    def wait_for_the_cost_of(self, digit: int) -> None:
        """Until the cost shown below the pad is the cross-entropy of the answer shown for the digit."""
        self.wait(lambda: self.number("#pad-cost data") == pytest.approx(-np.log(self.numbers(".answers data")[digit]), rel=1e-9))

    def drag(self, selector: str, *offsets: tuple[int, int]) -> None:
        """Press the mouse at an offset from an element's middle, move by the others, and let go."""
        self.run("arguments[0].scrollIntoView({block: 'center'})", self.find(selector))
        chain = ActionChains(self.browser, duration=20).move_to_element_with_offset(self.find(selector), *offsets[0]).click_and_hold()
        for offset in offsets[1:]:
            chain = chain.move_by_offset(*offset)
        chain.release().perform()

    def hold(self, selector: str, seconds: float) -> None:
        """Press the mouse on an element, and let go some time later."""
        self.run("arguments[0].scrollIntoView({block: 'center'})", self.find(selector))
        ActionChains(self.browser, duration=20).move_to_element(self.find(selector)).click_and_hold().pause(seconds).release().perform()

    def mouse(self, event: str, selector: str, share: float) -> None:
        """One event of the mouse, at a share of an element's width: a driver's actions end a drag where they end."""
        self.run("arguments[0].scrollIntoView({block: 'center'})", self.find(selector))
        left, top, width, height = self.run(
            "const {left, top, width, height} = arguments[0].getBoundingClientRect(); return [left, top, width, height]",
            self.find(selector),
        )
        where = {"x": left + share * width, "y": top + height / 2, "button": "left", "buttons": 1, "clickCount": 1}
        self.browser.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": event, **where})

    def swipe(self, selector: str, *shares: tuple[float, float]) -> None:
        """Move a finger over these places, in shares of an element's width and height, and lift it."""
        self.run("arguments[0].scrollIntoView({block: 'center'})", self.find(selector))
        left, top, width, height = self.run(
            "const {left, top, width, height} = arguments[0].getBoundingClientRect(); return [left, top, width, height]",
            self.find(selector),
        )
        for index, (x, y) in enumerate([*shares, (0, 0)]):
            is_last = index == len(shares)
            kind = "touchEnd" if is_last else "touchMove" if index else "touchStart"
            points = [] if is_last else [{"x": left + x * width, "y": top + y * height}]
            self.browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def sent(self, do: str) -> list[dict[str, Any]]:
        """The messages of one kind that were sent since `listen`."""
        return [each for each in map(json.loads, self.run("return window.sent")) if each["do"] == do]

    def listen(self) -> None:
        """Note the messages that are sent from here on."""
        self.run(
            "window.sent = []; const {send} = WebSocket.prototype;"
            "WebSocket.prototype.send = function (text) { window.sent.push(text); return send.call(this, text); };"
        )

    def stop_drawing(self) -> None:
        """Draw no more frames, as a browser does for a page in the background, but those of `draw_a_frame`."""
        self.run("window.waiting = []; window.requestAnimationFrame = draw => window.waiting.push(draw);")

    def draw_a_frame(self) -> None:
        self.wait(lambda: self.run("return window.waiting.length"))
        self.run("for (const draw of window.waiting.splice(0)) draw(performance.now())")


class Engine:
    """The same network, in this process: a session that was sent the same messages, and scalar Values with its parameters."""

    def __init__(self, steps: int, **configuration: Any) -> None:
        session = Session()
        self.configured = self.ask(session, do="configure", configuration={**NOTHING, **configuration})
        for _ in range(steps):
            self.ask(session, do="step", by="step", count=1)
        self.example = self.ask(session, do="inspect", what="example", example={"of": "training", "index": 0})
        frame = session.handle(json.dumps({"do": "frame", "steps": 0, "boundary": 0, "maps": 0, "parameters": True, "gradient": False}))
        assert isinstance(frame, bytes)
        self.moment = json.loads(frame[8 : 8 + int.from_bytes(frame[4:8], "little")])
        ((_, _, (count,), offset),) = self.moment["arrays"]
        self.model = MLP(self.configured["layers"])
        for parameter, number in zip(self.model.parameters(), np.frombuffer(frame, np.float64, count, offset).tolist()):
            parameter.data = number

    def ask(self, session: Session, **message: Any) -> Any:
        reply = json.loads(session.handle(json.dumps(message)))
        assert reply["is"] != "error", reply
        return reply

    def backward(self) -> Value:
        """The cost of the first training example, with every gradient of it in the model's parameters."""
        cost: Value = binary_cross_entropy(self.model(self.example["x"]), self.example["target"])
        cost.backward()
        return cost


def settled(page: Page) -> tuple[str, int] | None:
    """The plane and the step, if all messages are answered and two looks find the same; otherwise None."""
    looks = []
    for _ in range(2):
        if not (page.is_settled and page.is_answered):
            return None
        looks.append((page.picture("#plane"), page.step))
        page.run("return new Promise(done => setTimeout(done, 100))")
    return looks[0] if looks[0] == looks[1] and page.is_answered else None


Opener = Callable[..., "Page"]
