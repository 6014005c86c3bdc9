"""The playground in a notebook: the page in a cell, and its sessions in the kernel.

    from playground import widget
    widget(layers=[4], data={"name": "circles"})

The page is the one that the server serves, as one file, in a frame. Each place where the widget is shown has a session of its own. What
comes in from the page, over the widget's comm, is {"conversation": name, "text": message}, and what goes out is the same with the reply,
or, of a packet, {"conversation": name} with the packet in a buffer. With "over" instead of a text the page says that it will not ask
again, and the kernel why it will not answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograd._support import missing
from playground import bundle
from playground import configuration as configurations
from playground.messages import plain
from playground.session import Session

if TYPE_CHECKING:
    from anywidget import AnyWidget

FRONT_END = Path(__file__).parent / "widget.js"
PLACE = '"the page, put here by playground/notebook.py"'
STYLE = ".nudge-playground { display: block; width: 100%; height: 52rem; border: 0; resize: vertical; }"
SESSIONS = 16


def widget(**configuration: Any) -> AnyWidget:
    """The playground, to be shown in a notebook's cell, beginning with these settings, as playground/session.py has them.

    Its `configuration` are the settings that the page has at the moment. Raises ImportError, saying what to install, without
    anywidget, and ValueError for settings that do not work.
    """
    try:
        from anywidget import AnyWidget
        from traitlets import Dict
    except ImportError as error:
        raise ImportError(missing("the playground in a notebook", "anywidget")) from error

    class Playground(AnyWidget):
        _esm = front_end()
        _css = STYLE
        configuration = Dict().tag(sync=True)

    shown: AnyWidget = Playground(configuration=plain(configurations.read(configuration).complete()))
    conversations = Conversations()
    shown.on_msg(lambda _, content, buffers: conversations.answer(content, shown.send))
    return shown


def front_end() -> str:
    """The module that anywidget loads into the notebook."""
    return bundle.replaced(FRONT_END.read_text(encoding="utf-8"), PLACE, json.dumps(bundle.page()))


class Conversations:
    """The sessions of a widget, by the names of their conversations; of more than `most`, the one that was silent longest ends."""

    def __init__(self, most: int = SESSIONS) -> None:
        self.most = most
        self.sessions: dict[str, Session] = {}  # the one that spoke last is last

    def answer(self, content: Any, send: Callable[[dict[str, str], list[bytes] | None], object]) -> None:
        """Answer what came in over the comm; what did not come from the page is left alone."""
        if not isinstance(content, dict) or not isinstance(name := content.get("conversation"), str):
            return
        session = self.sessions.pop(name, None)
        if content.get("over"):
            return
        self.sessions[name] = session = session or Session()
        for silent in list(self.sessions)[: -self.most]:
            del self.sessions[silent]
            send({"conversation": silent, "over": f"This widget is shown in more than {self.most} places"}, None)
        reply = session.handle(content.get("text", ""))
        if isinstance(reply, str):
            send({"conversation": name, "text": reply}, None)
        else:
            send({"conversation": name}, [reply])
