"""The page in a real browser: training, stepping, keys, colours, and a phone."""

import json
from typing import Any

import numpy as np
import pytest

from playground import Session
from playground.experiment import Experiment
from tests.axe import violations

pytest.importorskip("selenium", reason="pages are tested where selenium is installed")

from selenium.webdriver.common.keys import Keys

from tests.playground.pages import NOTHING, SMALL, Engine, Opener, Page, settled
from tests.serving import running


def test_it_learns_moons_while_the_plane_changes_and_stops_when_paused(opened: Opener) -> None:
    page = opened()
    assert page.step == 0
    assert not page.is_running
    page.wait(lambda: page.text("#cost") != "–")
    before = page.picture("#plane")
    page.click("#play")
    page.wait(lambda: page.accuracy > 95)
    page.wait(lambda: page.text("#rate-words").endswith("frames per second"))
    assert page.picture("#plane") != before
    page.click("#play")
    page.wait(lambda: not page.is_running)
    still, step = page.wait(lambda: settled(page))
    page.run("return new Promise(done => setTimeout(done, 300))")
    assert (page.picture("#plane"), page.step) == (still, step)
    assert step > 10


def test_a_step_is_one_update_and_back_restores_the_numbers(opened: Opener) -> None:
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


LATE = "const now = performance.now.bind(performance); performance.now = () => now() + 4000"  # milliseconds since the page was asked for


def test_pictures_are_coarse_at_first_where_the_page_loads_slowly(browser: Any, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    handle = Session.handle

    def noted(session: Session, text: str | bytes) -> str | bytes:
        message = json.loads(text)
        if message["do"] == "frame":
            sizes.append(message["boundary"])
        return handle(session, text)

    monkeypatch.setattr(Session, "handle", noted)
    script = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": LATE})
    try:
        page = opened({**NOTHING, **SMALL})
        page.wait(lambda: sizes[-1:] == [100])
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
    assert sizes == sorted(sizes)
    assert set(sizes) == {25, 50, 100}


def test_a_page_in_the_background_requests_no_frames(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    page.wait(lambda: settled(page))
    page.listen()
    page.stop_drawing()
    page.click("#play")
    page.wait(lambda: page.is_running)
    page.run("return new Promise(done => setTimeout(done, 1000))")
    assert page.sent("frame") == []


def test_each_drawn_frame_takes_the_chosen_number_of_steps(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("playground.session.FRAME", 60.0)  # seconds: no frame ends early on a busy machine
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


def test_a_bug_in_the_playground_pauses_the_run(opened: Opener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    page = opened({**NOTHING, **SMALL})
    page.click("#play")
    page.wait(lambda: page.step > 2)
    page.listen()

    def fail(*_: Any) -> None:
        raise TypeError("cannot cast")

    with monkeypatch.context() as patch:
        patch.setattr(Experiment, "advance", fail)
        page.wait(lambda: "this is a bug in the playground: TypeError('cannot cast')" in page.text("#notice"))
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
    page.wait(lambda: "69 more in this mini-batch before the update" in page.text("#flow-words"))
    assert page.step == 2
    assert "δ" in page.text("#stage")
    assert "delta" in page.find("[data-neuron='0,0']").get_attribute("aria-label")


def test_divergence_is_explained(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL, "activations": ["x ** 3"], "cost": "squared_error", "rate": 10})
    page.click("#play")
    page.wait(lambda: page.find("#notice").is_displayed())
    assert not page.is_running
    assert "diverge" in page.text("#notice")
    assert np.isfinite(page.number("#cost data"))


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
    assert reading.startswith(f"step 2: training {page.text('#cost')}, test {page.text('#held-out-cost')}")
    page.run("document.querySelector('#curves').blur()")
    assert page.text("#curve-words") == ""
    assert page.picture("#curves") == cost
    page.click("#log")
    assert page.picture("#curves") != cost


def test_the_page_connects_again_and_restores_its_parameters(browser: Any) -> None:
    with running() as server:
        browser.get(f"{server.address}#{json.dumps({**NOTHING, **SMALL})}")
        page = Page(browser)
        for step in ("1", "2", "3"):
            page.press(Keys.ARROW_RIGHT)
            page.wait_for("#step-number", step)
        page.wait(lambda: settled(page))
        cost = page.number("#cost data")
    page.wait(lambda: page.text("#notice").startswith("The connection to the server is lost."))
    assert not page.is_running
    page.click("#by-step")
    assert page.text("#notice").startswith("The connection to the server is lost.")
    with running(port=server.port, token=server.token):
        page.wait_for("#notice", "Connected again. The network has the parameters of step 3; steps count from 0.")
        page.wait(lambda: settled(page))
        assert page.number("#cost data") == cost
        page.press(Keys.ARROW_RIGHT)
        page.wait_for("#step-number", "1")
        browser.get("about:blank")
    browser.get_log("browser")  # the browser reports attempts to connect


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
        for selector in (".controls button", ".segments span", "#settings summary", "#inspector button", "select"):
            all_heights = "return [...document.querySelectorAll(arguments[0])].map(each => each.offsetHeight)"
            heights = filter(None, page.run(all_heights, selector))
            assert min(heights) >= 44, selector
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
        page.inspect("Weight w[0,1,0]", "#inspector tbody button")
        assert violations(page.browser) == []
    finally:
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_dark_mode_and_reduced_motion_are_respected(opened: Opener) -> None:
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


def test_every_control_has_an_accessible_name(opened: Opener) -> None:
    page = opened()
    page.inspect("Neuron a[1,3]", "[data-neuron='1,3']")
    unnamed = page.run(
        "const all = [...document.querySelectorAll('button, input, select, textarea, canvas')];"
        "const used = all.filter(each => !each.closest('[aria-hidden]'));"
        "const named = each => each.ariaLabel || each.textContent.trim() || each.labels?.[0]?.textContent.trim() || each.closest('button');"
        "return used.filter(each => !named(each)).map(each => each.outerHTML);"
    )
    assert unnamed == []


def test_keys_belong_to_the_page_after_a_click(opened: Opener) -> None:
    opened().browser.delete_all_cookies()
    page = opened(None)
    page.click("#lesson-close")
    page.press(Keys.SPACE)
    page.wait(lambda: page.is_running)
    page.press(Keys.SPACE)
    page.wait(lambda: not page.is_running)
    assert not page.find("#lesson").is_displayed()
    page.run("document.querySelector('[name=dataset][value=circles]').click()")
    page.click("[name=dataset][value=xor]")
    page.wait(lambda: "xor" in page.browser.current_url)
    page.press(Keys.ARROW_RIGHT)
    page.wait_for("#step-number", "1")
    page.press(Keys.SPACE)
    page.wait(lambda: page.is_running and page.step > 2)
    assert "xor" in page.browser.current_url


def test_back_undoes_a_new_network_with_its_run(opened: Opener) -> None:
    page = opened({**NOTHING, **SMALL})
    assert page.find("#back").get_property("disabled")
    for _ in range(3):
        page.press(Keys.ARROW_RIGHT)
    page.wait_for("#step-number", "3")
    plane = page.wait(lambda: settled(page))
    cost = page.number("#cost data")
    for selector in ("#restart", "#more-layers", "[name=dataset][value=circles]", "#wipe"):
        page.click(selector)
        page.wait(lambda: page.step == 0 and page.is_settled)
    page.wait_for("#counts", "0 training examples")
    for _ in range(4):
        page.wait(lambda: page.find("#back").is_enabled())
        page.click("#back")
        page.wait(lambda: settled(page))
    page.wait(lambda: settled(page) == plane)
    assert page.number("#cost data") == cost
    assert page.text("#network-words") == "2-3-1, 13 parameters"
    page.click("#back")
    page.wait_for("#step-number", "2")


def test_a_drag_on_the_curve_goes_back_to_its_step(opened: Opener) -> None:
    page, seen = opened({**NOTHING, **SMALL}), []
    page.wait(lambda: settled(page))
    for step in range(1, 9):
        page.press(Keys.ARROW_RIGHT)
        page.wait_for("#step-number", str(step))
        seen.append(page.number("#cost data"))
    page.mouse("mousePressed", "#curves", 0.9)
    for share in (0.75, 0.55, 0.3):
        before = page.step
        page.mouse("mouseMoved", "#curves", share)
        page.wait(lambda: page.step < before and page.number("#cost data") == seen[page.step - 1])  # noqa: B023
    page.mouse("mouseReleased", "#curves", 0.3)
    assert 0 < page.step < 5
    stayed = page.step
    page.swipe("#curves", (0.2, 0.2), (0.21, 0.5), (0.22, 0.9))  # to scroll the page
    page.run("return new Promise(done => setTimeout(done, 100))")
    assert page.step == stayed
    page.swipe("#curves", (0.1, 0.5))  # a tap
    page.wait_for("#step-number", "0")
