"""The playground's page in a real browser: it learns, pauses, goes on and back, tells the engine's numbers, and asks no other host."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd import Value
from nn import MLP, binary_cross_entropy
from playground.experiment import Experiment
from playground.session import Session
from tests import PATIENCE
from tests.axe import violations

pytest.importorskip("websockets", reason="the playground needs websockets")
pytest.importorskip("selenium", reason="pages are tested where selenium is installed")

from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.serving import serving

NOTHING = {"seed": 0}  # settings like the usual ones, in an address that therefore shows no story


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving() as address:
        yield address


Opener = Callable[..., "Page"]


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Opener]:
    """Opens the page; at the end no error may be in the console, and no request may have gone to another host."""

    def open_page(configuration: dict[str, Any] | None = NOTHING, query: str = "") -> Page:
        browser.get("about:blank")  # an address that differs in what is behind the # only would not be loaded anew
        browser.get_log("browser")
        browser.get_log("performance")
        browser.get(address + query + (f"#{json.dumps(configuration)}" if configuration is not None else ""))
        return Page(browser)

    yield open_page
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    assert any(url.endswith("main.js") for url in sent)
    assert all(url.startswith((address, "about:", "blob:")) for url in sent if not url.startswith("chrome")), sent
    sockets = [each["params"]["url"] for each in messages if each["method"] == "Network.webSocketCreated"]
    assert sockets == [address.replace("http", "ws", 1) + "socket"]


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

    def wait_for_another(self, selector: str, text: str) -> None:
        self.wait(lambda: self.text(selector) != text)

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


NEURON, WEIGHT, NOWHERE = ("[data-neuron='0,0']", [Keys.ENTER]), ("[data-key='w[0,0,1]']", [Keys.ENTER]), "#network-title"
STORY: list[tuple[Any, ...]] = [  # of each page its title, and what is to be done: which keys on which element
    ("Two kinds of points", ("#plane", [Keys.ARROW_DOWN])),
    ("A neuron holds a number", NEURON),
    ("A weighted sum", WEIGHT),
    ("Squishing", ("[data-formula='0']", [Keys.ENTER]), ("#formula", ["x * sigmoid(x)", Keys.ENTER])),
    ("All those dials", NEURON, WEIGHT, ("[data-key=slider]", [Keys.ARROW_RIGHT])),
    ("How bad is it? The cost", (NOWHERE, ["e"])),
    ("The average", (NOWHERE, ["n"])),
    ("Downhill", (NOWHERE, [Keys.SPACE])),
    ("Drunk, and careful", (NOWHERE, [Keys.SPACE])),
    ("Nudges", (NOWHERE, [Keys.SPACE]), NEURON, WEIGHT),
    ("The chain rule", ("[name=shows]:checked", [Keys.ARROW_RIGHT])),
    (
        "Your turn",
        ("[name=dataset]:checked", [Keys.ARROW_RIGHT]),
        ("[name=dataset]:checked", [Keys.ARROW_RIGHT]),
        ("#pad", [Keys.SPACE, Keys.ARROW_DOWN]),
    ),
]
SMALL = {"layers": [3], "activations": ["tanh(x)"]}


def test_it_learns_moons_while_the_plane_changes_and_stops_when_paused(opened: Opener) -> None:
    page = opened()
    assert page.step == 0
    assert not page.is_running
    page.wait(lambda: page.text("#cost") != "–")
    before = page.picture("#plane")
    page.click("#play")
    page.wait(lambda: page.accuracy > 95)
    page.wait(lambda: page.text("#rate-words").endswith("frames a second"))
    assert page.picture("#plane") != before
    page.click("#play")
    page.wait(lambda: not page.is_running)
    still, step = page.wait(lambda: settled(page))
    page.run("return new Promise(done => setTimeout(done, 300))")
    assert (page.picture("#plane"), page.step) == (still, step)
    assert step > 10


def settled(page: Page) -> tuple[str, int] | None:
    """The plane and the step, where two looks at them find the same."""
    looks = []
    for _ in range(2):
        looks.append((page.picture("#plane"), page.step))
        page.run("return new Promise(done => setTimeout(done, 100))")
    return looks[0] if looks[0] == looks[1] else None


def test_a_step_is_one_update_and_the_way_back_leads_to_the_same_numbers(opened: Opener) -> None:
    page, engines = opened({**NOTHING, **SMALL}), [Engine(steps, **SMALL) for steps in range(3)]
    page.inspect("Weight w[0,1,0]", "[data-neuron='0,1']", "[data-key='w[0,1,0]']")

    def check(steps: int) -> None:
        weight = engines[steps].model.layers[0].neurons[1].weights[0].data
        page.wait_for("#step-number", str(steps))
        page.wait(lambda: page.number("#inspector .weight") == weight)
        assert page.number("#cost data") == engines[steps].moment["cost"]

    for steps in (1, 2):
        page.click("#by-step")
        check(steps)
    for steps in (1, 0):
        page.click("#back")
        check(steps)
    assert page.find("#back").get_property("disabled")


def test_a_page_in_the_background_asks_for_no_frames(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.wait(lambda: settled(page))
    page.listen()
    page.stop_drawing()
    page.click("#play")
    page.wait(lambda: page.is_running)
    page.run("return new Promise(done => setTimeout(done, 1000))")
    assert page.sent("frame") == []


def test_each_drawn_frame_takes_the_chosen_number_of_steps(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.wait(lambda: settled(page))
    page.listen()
    page.stop_drawing()
    page.click("#play")
    for frame, (speed, step) in enumerate([("1 step per frame", 1), ("1 step per frame", 2), ("5 per frame", 7), ("20 per frame", 27)], 1):
        page.choose_option("speed", speed)
        page.draw_a_frame()
        page.wait_for("#step-number", str(step))
        assert len(page.sent("frame")) == frame


def test_a_mistake_in_the_playground_pauses_the_run(
    opened: Opener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    page = opened({**NOTHING, **SMALL})
    page.click("#play")
    page.wait(lambda: page.step > 2)
    page.listen()

    def fail(*_: Any) -> None:
        raise TypeError("cannot cast")

    with monkeypatch.context() as patch:
        patch.setattr(Experiment, "advance", fail)
        page.wait(lambda: "this is a mistake in the playground itself: TypeError('cannot cast')" in page.text("#notice"))
        assert not page.is_running
        asked = len(page.sent("frame"))
        page.run("return new Promise(done => setTimeout(done, 300))")
        assert len(page.sent("frame")) == asked
    assert [each.message for each in caplog.records] == ["a message could not be answered"]
    step = page.step
    page.click("#play")
    page.wait(lambda: page.step > step)


def test_an_epoch_and_the_examples_of_a_mini_batch(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL, "batch_size": 70})
    page.click("#by-epoch")
    page.wait_for("#step-number", "2")
    assert page.text("#epoch") == "1"
    page.click("#by-example")
    page.wait(lambda: "69 more in this mini-batch, then the update" in page.text("#flow-words"))
    assert page.step == 2
    assert "δ" in page.text("#stage")
    assert "delta" in page.find("[data-neuron='0,0']").get_attribute("aria-label")


def test_the_inspector_tells_a_neuron_s_numbers_as_the_engine_has_them(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.click("#by-step")
    page.wait_for("#step-number", "1")
    page.inspect("Neuron a[0,2]", "[data-neuron='0,2']")
    engine = Engine(1, **SMALL)
    engine.backward()
    neuron, output, x = engine.model.layers[0].neurons[2], engine.model.layers[1].neurons[0], engine.example["x"]
    terms = page.numbers("#inspector .sum-card tbody .figure")
    products = [weight.data * value for weight, value in zip(neuron.weights, x)]
    total = sum(products) + neuron.bias.data
    expected = [number for weight, value, product in zip(neuron.weights, x, products) for number in (weight.data, value, product)]
    assert terms == pytest.approx([*expected, neuron.bias.data, total], rel=1e-12)
    assert page.number(".squish-card .activation") == pytest.approx(np.tanh(total), rel=1e-12)
    assert page.number(".squish-card .slope") == pytest.approx(1 - np.tanh(total) ** 2, rel=1e-12)
    assert page.number(".delta-card .delta") == pytest.approx(neuron.bias.grad, rel=1e-12)
    assert page.numbers(".delta-card tbody .figure")[:2] == pytest.approx([output.bias.grad, output.weights[2].data], rel=1e-12)
    assert page.text(".squish-card code") == "tanh(x)"


def test_the_inspector_tells_a_weight_s_gradient_its_paths_and_its_wishes(opened: Opener) -> None:
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
    assert "w[0,2,1]" in page.text("#inspector .why")


def test_a_weight_turned_by_hand_changes_the_answer_and_back_undoes_it(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.inspect("Weight w[0,0,0]", "[data-neuron='0,0']", "[data-key='w[0,0,0]']")
    cost, typed = page.text("#cost"), page.find("[data-key=typed]")
    typed.clear()
    typed.send_keys("3.5", Keys.ENTER)
    page.wait(lambda: page.text("#cost") != cost)
    page.wait(lambda: page.number("#inspector .weight") == 3.5)
    page.click("#back")
    page.wait(lambda: page.text("#cost") == cost)


@pytest.mark.parametrize("is_running", [False, True], ids=["paused", "running"])
def test_the_slider_of_a_weight_is_dragged_through_ten_positions(opened: Opener, is_running: bool) -> None:
    page = opened({**NOTHING, **SMALL, "rate": 0.001})
    page.inspect("Weight w[0,0,0]", "[data-neuron='0,0']", "[data-key='w[0,0,0]']")
    if is_running:
        page.click("#play")
        page.wait(lambda: page.step > 2)
    page.listen()
    page.mouse("mousePressed", "[data-key=slider]", 0.1)
    pictures, values = set(), []
    for position in range(10):
        sent = len(page.sent("weight"))
        page.mouse("mouseMoved", "[data-key=slider]", 0.2 + 0.07 * position)
        page.wait(lambda: len(page.sent("weight")) > sent)  # noqa: B023
        value = page.sent("weight")[-1]["value"]
        page.wait(lambda: page.number("#inspector .weight") == pytest.approx(value, abs=0.05))  # noqa: B023
        page.wait(lambda: (page.picture("#plane"), page.picture(".lines")) not in pictures)
        pictures.add((page.picture("#plane"), page.picture(".lines")))
        values.append(value)
    page.mouse("mouseReleased", "[data-key=slider]", 0.9)
    assert values == sorted(set(values))
    assert values[-1] - values[0] > 4
    assert page.is_running == is_running


def test_one_step_back_undoes_a_drag(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.inspect("Weight w[0,0,0]", "[data-neuron='0,0']", "[data-key='w[0,0,0]']")
    weight = page.number("#inspector .weight")
    page.drag("[data-key=slider]", (0, 0), (30, 0), (30, 0), (30, 0))
    page.wait(lambda: page.number("#inspector .weight") > 1)
    page.click("#back")
    page.wait(lambda: page.number("#inspector .weight") == weight)


def test_each_of_twenty_presses_counts_while_the_network_runs(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.inspect("Neuron a[0,0]", "[data-neuron='0,0']")
    page.click("#play")
    page.wait(lambda: page.step > 2)
    for press in range(1, 11):
        page.hold("[data-key=after]", 0.12)
        page.wait_for("[data-key=example]", f"example {press}")
    for _ in range(5):
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
        page.run("return new Promise(done => setTimeout(done, 300))")
    assert typed.get_property("value") == "-1.2345"
    typed.send_keys(Keys.ENTER)
    page.wait(lambda: [each["value"] for each in page.sent("weight")] == [-1.2345])


@pytest.mark.parametrize("target", ["neuron", "weight", "example", "digit"])
def test_the_elements_of_the_inspector_stay_while_the_network_runs(opened: Opener, target: str) -> None:
    """A property of every element that can be pressed or typed into, whatever is inspected."""
    digits = {"data": {"name": "digits", "n": 100}, "layers": [16], "activations": "tanh(x)"}
    page = opened(digits if target == "digit" else {**NOTHING, **SMALL})
    page.inspect("Neuron a[0,0]", "[data-neuron='0,0']")
    if target == "weight":
        page.inspect("Weight w[0,0,0]", "[data-key='w[0,0,0]']")
    if target == "example":
        page.inspect("One example", "[data-key=example]")
    page.click("#play")
    page.run("window.elements = [...document.querySelectorAll('#inspector [data-key]')];window.elements.at(-1).focus();")
    before, step = page.text("#inspector"), page.step
    page.wait(lambda: page.step > step + 30 and page.text("#inspector") != before)
    assert page.run("return document.activeElement === window.elements.at(-1)")
    if target != "digit":  # where the largest fifty terms are shown, and others may be among them by now
        assert page.run("return window.elements.filter(each => !each.isConnected).length") == 0


def test_a_formula_is_drawn_while_typed_a_mistake_gets_a_caret_and_the_network_goes_on(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.click("[data-formula='0']")
    formula = page.find("#formula")
    page.wait(lambda: page.find("#formula-use").is_enabled())
    drawn = page.picture("#activation canvas")
    formula.clear()
    formula.send_keys("x * sgmoid(x)")
    page.wait(lambda: "did you mean sigmoid?" in page.text("#formula-problem"))
    assert page.text("#activation .caret") == "x * sgmoid(x)\n    ^"
    assert not page.find("#formula-use").is_enabled()
    formula.send_keys(Keys.ENTER)
    page.wait(lambda: "did you mean sigmoid?" in page.text("#formula-problem"))
    assert page.text("[data-formula='0']") == "tanh(x)"
    page.click("#by-step")
    page.wait_for("#step-number", "1")
    formula.clear()
    formula.send_keys("x * sigmoid(x)")
    page.wait(lambda: page.find("#formula-use").is_enabled() and page.text("#formula-problem") == "")
    page.wait(lambda: page.picture("#activation canvas") != drawn)
    formula.send_keys(Keys.ENTER)
    page.wait_for("[data-formula='0']", "x * sigmoid(x)")
    assert page.step == 1
    assert "sigmoid" in page.browser.current_url


def test_painted_points_are_learned_from(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL, "held_out": 0})
    page.click("#wipe")
    page.wait(lambda: page.text("#counts").startswith("0 examples"))
    page.click("#play")
    page.wait(lambda: "no examples to learn from yet" in page.text("#notice"))
    assert not page.is_running
    for label, start in (("0", (-100, -60)), ("1", (40, 80))):
        page.click(f".brush[data-label='{label}']")
        before = page.text("#counts")
        page.drag("#plane", start, (30, 0), (30, 10))
        page.wait_for_another("#counts", before)
    count = int(page.text("#counts").split()[0])
    assert count >= 8
    page.click("#play")
    page.wait(lambda: page.accuracy == 100)
    page.drag("#plane", (-100, 60), (20, 20))
    page.wait(lambda: int(page.text("#counts").split()[0]) > count)
    page.wait(lambda: page.is_running)  # it goes on, with the new points and the old weights


def test_points_of_a_file_s_text(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.click("[value=csv]")
    page.find("#csv-text").send_keys("width,height,kind\n" + "".join(f"{i},{i % 3},{'ab'[i % 2]}\n" for i in range(10)))
    page.click("#csv-use")
    page.wait_for("#counts", "7 examples to learn from, 3 held out")
    assert "line 1 is the header" in page.text("#because")
    assert [each.text for each in page.browser.find_elements(By.CSS_SELECTOR, "#class-legend span")] == ["a", "b", "hollow: held out"]
    page.find("#csv-text").send_keys("1,2\n")
    page.click("#csv-use")
    page.wait(lambda: page.find("#notice").is_displayed())
    assert page.text("#counts") == "7 examples to learn from, 3 held out"


def test_divergence_is_explained(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL, "activations": ["x ** 3"], "cost": "squared_error", "rate": 10})
    page.click("#play")
    page.wait(lambda: page.find("#notice").is_displayed())
    assert not page.is_running
    assert "diverge" in page.text("#notice")
    assert np.isfinite(page.number("#cost data"))


@pytest.mark.parametrize("way", ["mouse", "touch", "keys"])
def test_a_digit_is_read_while_it_is_drawn(opened: Opener, way: str) -> None:
    page = opened({"data": {"name": "digits", "n": 200}, "layers": [16, 16], "activations": "tanh(x)"})
    assert page.text("#network-words") == "784-16-16-10, 13,002 parameters"
    if way == "mouse":
        page.drag("#pad", (-50, -80), (100, 0), (-60, 160))
    elif way == "touch":
        page.run("arguments[0].scrollIntoView({block: 'center'})", page.find("#pad"))
        box = page.run("const {left, top, width} = arguments[0].getBoundingClientRect(); return [left, top, width]", page.find("#pad"))
        for kind, points in (("touchStart", [(0.3, 0.2)]), ("touchMove", [(0.7, 0.2)]), ("touchMove", [(0.45, 0.8)]), ("touchEnd", [])):
            where = [{"x": box[0] + x * box[2], "y": box[1] + y * box[2]} for x, y in points]
            page.browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": where})
    else:
        page.find("#pad").send_keys(Keys.SPACE, *[Keys.ARROW_RIGHT] * 6, *[Keys.ARROW_DOWN] * 5)
    page.wait(lambda: page.text("#pad-words").startswith(("The network says", "row")) and len(page.numbers(".answers data")) == 10)
    assert sum(page.numbers(".answers data")) == pytest.approx(1)
    page.wait_for("#inspector-title", "The digit as drawn")
    assert len(page.browser.find_elements(By.CSS_SELECTOR, ".pictures canvas")) == 17  # the pixels, and sixteen neurons
    for digit in (3, 8):
        page.choose_option("target", str(digit))
        page.wait_for_the_cost_of(digit)


def test_a_digit_passes_through_the_network_and_shows_what_it_wishes(opened: Opener) -> None:
    page = opened({"data": {"name": "digits", "n": 100}, "layers": [16, 16], "activations": "tanh(x)"})
    page.wait(lambda: settled(page))
    empty, network = page.picture("#pad"), page.picture("[data-neuron='1,3'] canvas")
    page.click("#by-example")
    page.wait(lambda: "19 more in this mini-batch" in page.text("#flow-words"))
    assert page.picture("#pad") != empty
    assert page.picture("[data-neuron='1,3'] canvas") != network
    page.inspect("Neuron a[0,3]", "[data-neuron='0,3']")
    assert "smaller ones, together" in page.text("#inspector")
    page.inspect("One example", "[data-key=example]")
    assert len(page.browser.find_elements(By.CSS_SELECTOR, ".pictures canvas")) == 17


def test_keys_run_pause_step_and_move_about_the_network(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    page.wait_for("#step-number", "2")
    page.press(Keys.ARROW_LEFT)
    page.wait_for("#step-number", "1")
    page.press(Keys.SPACE)
    page.wait(lambda: page.is_running and page.step > 3)
    page.press(Keys.SPACE)
    page.wait(lambda: not page.is_running)
    page.run("document.querySelector('[data-neuron=\"0,0\"]').focus()")
    page.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ENTER)
    page.wait_for("#inspector-title", "Neuron a[0,2]")
    page.press(Keys.ARROW_RIGHT, Keys.ENTER)
    page.wait_for("#inspector-title", "Neuron a[1,0]")
    page.run("document.querySelector('#plane').focus()")
    page.press(Keys.ARROW_DOWN)
    page.wait(lambda: "example 0" in page.text("#inspector"))


def test_settings_are_in_the_address_and_earlier_runs_beside_the_new_one(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    for _ in range(4):
        page.press(Keys.ARROW_RIGHT)
    page.wait_for("#step-number", "4")
    page.click("#more-layers")
    page.wait(lambda: page.text("#network-words").startswith("2-3-3-1"))
    assert page.step == 0
    assert "moons 3 tanh(x) sgd 0.1" in page.text("#runs")
    page.choose_option("rate", "0.03")
    page.wait(lambda: "0.03" in page.browser.current_url)
    page.browser.refresh()
    again = Page(page.browser)
    assert again.text("#network-words").startswith("2-3-3-1")
    assert again.find("select[name=rate]").get_property("value") == "0.03"
    page.browser.get_log("performance")  # two sockets by now: the fixture looks at the last one only
    page.browser.refresh()
    Page(page.browser)


def test_lines_show_gradients_too_and_curves_are_read_under_the_pointer(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    page.wait_for("#step-number", "2")
    page.wait(lambda: settled(page))
    weights, cost = page.picture(".lines"), page.picture("#curves")
    page.click("[name=shows][value=gradients]")
    assert page.picture(".lines") != weights
    page.click("[name=shows][value=weights]")
    assert page.picture(".lines") == weights
    page.run("document.querySelector('#curves').focus()")
    page.press(*[Keys.ARROW_RIGHT] * 30)
    reading = page.text("#curve-words")
    assert reading.startswith(f"step 2: training {page.text('#cost')}, held out {page.text('#held-out-cost')}")
    page.run("document.querySelector('#curves').blur()")
    assert page.text("#curve-words") == ""
    assert page.picture("#curves") == cost
    page.click("#log")
    assert page.picture("#curves") != cost


def test_a_session_that_is_gone_is_missed(browser: Any) -> None:
    with serving() as address:
        browser.get(f"{address}#{json.dumps(NOTHING)}")
        page = Page(browser)
        page.click("#play")
        page.wait(lambda: page.is_running)
    page.wait(lambda: page.find("#notice").is_displayed())
    assert not page.is_running
    page.click("#by-step")
    assert page.text("#notice").startswith("The session is gone")
    assert browser.get_log("browser") == []


def test_the_address_can_name_a_lesson(opened: Opener) -> None:
    page = opened(query="?lesson=story")
    page.wait_for("#lesson-title", "Two kinds of points")
    page = opened(query="?lesson=nowhere")
    page.wait_for("#notice", "There is no lesson “nowhere” here.")
    assert len(page.browser.get_log("browser")) == 1  # the browser's own word on a file that is not there


def test_a_teachers_lesson_leads_the_page(browser: Any, tmp_path: Path) -> None:
    text = "# Lines\n\n## One\n\nA line.\n\n```\nlayers: 3\npoint: #by-step\ndo: Step.\nuntil: step\n```\n\n## Two\n\nThe end.\n"
    (tmp_path / "lines.md").write_text(text)
    with serving(tmp_path / "lines.md") as address:
        browser.get(f"{address}?lesson=lines")
        page = Page(browser)
        page.wait_for("#lesson-title", "One")
        page.wait(lambda: page.text("#network-words").startswith("2-3-1"))
        assert page.text("#lesson .todo") == "Step."
        assert "pointed" in page.find("#by-step").get_attribute("class")
        page.click("#by-step")
        page.wait(lambda: "done" in page.find("#lesson .todo").get_attribute("class"))
        page.click("#lesson-next")
        page.wait_for("#lesson-title", "Two")
        assert page.text("#network-words").startswith("2-3-1")  # it goes on
        assert page.text("#step-number") == "1"
    assert browser.get_log("browser") == []


def test_an_address_that_does_not_work_says_so(opened: Opener) -> None:
    page = opened({"layers": [0]})
    page.wait(lambda: page.text("#network-words").startswith("2-16-16-1"))
    assert "do not work" in page.text("#notice")


def test_the_program_and_the_files_of_this_very_network(opened: Opener, browser: Any, tmp_path: Path) -> None:
    page = opened({**NOTHING, **SMALL})
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    page.run("document.querySelector('#show-source').closest('details').open = true")
    page.click("#show-source")
    page.wait(lambda: "import numpy as np" in page.text("#source-text"))
    page.click("#close-source")
    page.click("#save-weights")
    page.wait(lambda: list(tmp_path.glob("*.npz")))
    (path,) = tmp_path.glob("*.npz")
    page.wait(lambda: path.stat().st_size > 0)
    assert MLP.load(path).sizes == [2, 3, 1]


def test_a_first_visit_is_led_through_the_story_by_keys_alone(opened: Opener) -> None:
    opened().browser.delete_all_cookies()
    page = opened(None)
    for title, *keys in STORY:
        page.wait_for("#lesson-title", title)
        page.wait(lambda: page.is_settled)
        assert "done" not in page.find("#lesson .todo").get_attribute("class")
        for selector, pressed in keys:
            page.wait_until_there(selector)
            page.run("document.querySelector(arguments[0]).focus()", selector)
            page.press(*pressed)
            page.wait(lambda: page.is_settled)
        page.wait(lambda: "done" in page.find("#lesson .todo").get_attribute("class"))
        page.run("document.querySelector('#lesson-next').focus()")
        page.press(Keys.ENTER)
    assert not page.find("#lesson").is_displayed()
    page = opened(None)
    assert not page.find("#lesson").is_displayed()  # it was led through once, and that is enough


@pytest.mark.parametrize("width", [360, 390])
def test_it_fits_a_phone(opened: Opener, width: int) -> None:
    page = opened()
    size = {"width": width, "height": 780, "deviceScaleFactor": 1, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page.inspect("Neuron a[0,3]", "[data-neuron='0,3']")
        assert page.run("return document.documentElement.scrollWidth") <= width
        for selector in ("#play", "#by-epoch", "#speed", "#plane", "#curves"):
            box = page.find(selector).rect
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        assert page.find("#play").rect["height"] >= 40
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(opened: Opener, scheme: str) -> None:
    page = opened({**NOTHING, **SMALL})
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    try:
        page.click("#by-step")
        assert violations(page.browser) == []
        page.inspect("Neuron a[0,1]", "[data-neuron='0,1']")
        assert violations(page.browser) == []
        page.inspect("Weight w[0,1,0]", "#inspector .sum-card tbody button")
        assert violations(page.browser) == []
    finally:
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_it_is_dark_at_night_and_still_for_those_who_want_that(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    day = page.picture("#plane")
    features = [{"name": "prefers-color-scheme", "value": "dark"}, {"name": "prefers-reduced-motion", "value": "reduce"}]
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        page.wait(lambda: page.picture("#plane") != day)
        assert page.run("return getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 26)"
        page.click("#by-example")
        page.wait(lambda: "more in this mini-batch" in page.text("#flow-words"))
        seen = page.run(
            "const flows = document.querySelector('.flows'), {width, height} = flows;"
            "return flows.getContext('2d').getImageData(0, 0, width, height).data.some(Boolean);"
        )
        assert not seen
    finally:
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_everything_that_can_be_used_has_a_name(opened: Opener) -> None:
    page = opened()
    page.inspect("Neuron a[1,3]", "[data-neuron='1,3']")
    unnamed = page.run(
        "const all = [...document.querySelectorAll('button, input, select, textarea, canvas')];"
        "const used = all.filter(each => !each.closest('[aria-hidden]'));"
        "const named = each => each.ariaLabel || each.textContent.trim() || each.labels?.[0]?.textContent.trim() || each.closest('button');"
        "return used.filter(each => !named(each)).map(each => each.outerHTML);"
    )
    assert unnamed == []
