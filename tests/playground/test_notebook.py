"""The playground in a notebook, as far as Python goes: conversations and their sessions, and the settings of the widget."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from playground import Session, widget
from playground.notebook import Conversations, front_end
from tests import PATIENCE

ROOT = Path(__file__).parents[2]
HELLO = json.dumps({"do": "hello"})
STEP = json.dumps({"do": "step"})
FRAME = json.dumps({"do": "frame", "parameters": True})
WHY_OVER = "This widget is shown in more than 2 places"


class Comm:
    """A comm's end: what was sent through it."""

    def __init__(self) -> None:
        self.sent: list[tuple[dict[str, str], list[bytes] | None]] = []

    def __call__(self, content: dict[str, str], buffers: list[bytes] | None) -> None:
        self.sent.append((content, buffers))

    def step(self) -> int:
        """The step that the last reply told of."""
        return int(json.loads(self.sent[-1][0]["text"])["step"])


def test_each_conversation_has_its_own_session() -> None:
    conversations, comm = Conversations(), Comm()
    steps = []
    for name in ("one", "two", "one"):
        conversations.answer({"conversation": name, "text": STEP}, comm)
        assert comm.sent[-1][0]["conversation"] == name
        steps.append(comm.step())
    assert steps == [1, 1, 2]
    conversations.answer({"conversation": "one", "over": True}, comm)
    assert len(comm.sent) == 3
    conversations.answer({"conversation": "one", "text": STEP}, comm)
    assert comm.step() == 1


def test_a_packet_is_sent_in_a_buffer() -> None:
    conversations, comm = Conversations(), Comm()
    conversations.answer({"conversation": "one", "text": FRAME}, comm)
    assert comm.sent == [({"conversation": "one"}, [Session().handle(FRAME)])]


def test_too_many_conversations_end_the_one_idle_for_longest() -> None:
    conversations, comm = Conversations(most=2), Comm()
    for name in ("one", "two", "one", "three"):
        conversations.answer({"conversation": name, "text": HELLO}, comm)
    assert list(conversations.sessions) == ["one", "three"]
    assert [content for content, _ in comm.sent if "over" in content] == [{"conversation": "two", "over": WHY_OVER}]


@pytest.mark.parametrize("content", [None, "text", [], {}, {"conversation": 3, "text": HELLO}, {"text": HELLO}])
def test_messages_from_elsewhere_are_ignored(content: Any) -> None:
    conversations, comm = Conversations(), Comm()
    conversations.answer(content, comm)
    assert (comm.sent, conversations.sessions) == ([], {})


def test_invalid_messages_are_refused_by_the_session() -> None:
    conversations, comm = Conversations(), Comm()
    conversations.answer({"conversation": "one", "text": 3}, comm)
    assert json.loads(comm.sent[0][0]["text"])["problem"] == "a message is text, got int"


# The widget


@pytest.fixture
def anywidget() -> None:
    pytest.importorskip("anywidget", reason="the extra `notebook` is not installed")


@pytest.mark.usefixtures("anywidget")
def test_settings_that_do_not_work_are_refused_in_the_cell() -> None:
    with pytest.raises(ValueError, match=r"neurons|layers"):
        widget(layers=[0])
    assert widget(layers=[3]).configuration == {
        **json.loads(str(Session().handle(HELLO)))["defaults"],
        "layers": [3],
        "activations": ["tanh(x)"],
    }


def test_a_missing_anywidget_is_reported() -> None:
    script = "import sys\nsys.modules['anywidget'] = None\nfrom playground import Session, widget\nSession()\nwidget()"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.stderr.splitlines()[-1] == (
        'ImportError: the playground in a notebook needs anywidget: pip install "anywidget>=0.9" (the extra `notebook`)'
    )


def test_the_front_end_is_the_same_each_time() -> None:
    assert front_end() == front_end()


def test_an_unknown_lesson_is_refused() -> None:
    pytest.importorskip("anywidget")
    with pytest.raises(ValueError, match="there is no lesson 'none'; the lessons are story, 1-a-number, "):
        widget(lesson="none")
