"""The playground in a notebook: the page in a cell, and its sessions in the kernel.

    from playground import widget
    widget(layers=[4], data={"name": "circles"})

The page is shown as one file in a frame. Each place where the widget is shown has its own session. Over the widget's comm, the page
sends {"conversation": name, "text": message}. The kernel replies with the same fields, or for a packet with {"conversation": name} and
the packet in a buffer. Instead of a text, "over" says that the conversation has ended; from the kernel it has the reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograd._support import missing
from playground import bundle
from playground import configuration as configurations
from playground.course import course
from playground.messages import plain
from playground.session import Session

if TYPE_CHECKING:
    from anywidget import AnyWidget

FRONT_END = Path(__file__).parent / "widget.js"
PLACE = '"the page, put here by playground/notebook.py"'
STYLE = ".nudge-playground { display: block; width: 100%; height: 52rem; border: 0; resize: vertical; }"
SESSIONS = 16


def widget(lesson: str = "", page: int = 1, **configuration: Any) -> AnyWidget:
    """The playground as a widget for a notebook, with these settings; docs/reference/playground-protocol.md lists them.

    Parameters
    ----------
    lesson : str, default ""
        The name of a lesson to open, such as ``"7-wishes"``; by default none.
    page : int, default 1
        The page of the lesson, counted from 1.
    **configuration
        Settings of the playground, such as ``layers=[4]``. Defaults replace missing ones.

    Returns
    -------
    AnyWidget
        The widget. Its attribute `configuration` has the current settings.

    Raises
    ------
    ImportError
        If anywidget or markdown-it-py is missing.
    ValueError
        If a setting is invalid, or there is no such lesson.
    """
    try:
        from anywidget import AnyWidget
        from traitlets import Dict, List
    except ImportError as error:
        raise ImportError(missing("the playground in a notebook", "anywidget")) from error

    class Playground(AnyWidget):
        _esm = front_end()
        _css = STYLE
        configuration = Dict().tag(sync=True)
        lesson: Any = List().tag(sync=True)

    if lesson and lesson not in course():
        raise ValueError(f"there is no lesson {lesson!r}; the lessons are {', '.join(course())}")
    settings = plain(configurations.read(configuration).complete())
    shown: AnyWidget = Playground(configuration=settings, lesson=[lesson, page] if lesson else [])
    conversations = Conversations()
    shown.on_msg(lambda _, content, buffers: conversations.answer(content, shown.send))
    return shown


def front_end() -> str:
    """The module that anywidget loads into the notebook."""
    return bundle.replaced(FRONT_END.read_text(encoding="utf-8"), PLACE, json.dumps(bundle.page()))


class Conversations:
    """The sessions of a widget, by the names of their conversations. Beyond `most` sessions, the one that was idle for longest ends."""

    def __init__(self, most: int = SESSIONS) -> None:
        self.most = most
        self.sessions: dict[str, Session] = {}  # in the order of their last messages

    def answer(self, content: Any, send: Callable[[dict[str, str], list[bytes] | None], object]) -> None:
        """Answer a message from the comm. Messages that do not come from the page are ignored."""
        if not isinstance(content, dict) or not isinstance(name := content.get("conversation"), str):
            return
        session = self.sessions.pop(name, None)
        if content.get("over"):
            return
        self.sessions[name] = session = session or Session()
        for idle in list(self.sessions)[: -self.most]:
            del self.sessions[idle]
            send({"conversation": idle, "over": f"This widget is shown in more than {self.most} places"}, None)
        reply = session.handle(content.get("text", ""))
        if isinstance(reply, str):
            send({"conversation": name, "text": reply}, None)
        else:
            send({"conversation": name}, [reply])
