"""The part of a view that shows what came of its work: that it is under way, its error, or its result."""

from __future__ import annotations

import threading
from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets
from alphintra.errors import AlphintraError

from .turns import later

#: Seconds that a change waits for others: a slider that is dragged on, keys that are held.
REST = 0.05
#: Of the Lab extension's style where there is one; what it says is plain without it.
PROBLEM, MUTED, STALE = "alphintra-Problem", "alphintra-muted", "alphintra-mod-stale"


class Screen(ipywidgets.VBox):  # type: ignore[misc]
    """Shows the latest of several pieces of work; what was overtaken by other work is not shown.

    Attributes:
        error: What the last piece of work raised; ``None`` where it came to its end.
        busy: Whether there is work that has not come to its end.
    """

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.busy = False
        # A browser asks on a thread of its own; what it asks for is done on the main one.
        self._lock = threading.Lock()
        self._due: tuple[int, Callable[[], Any]] | None = None
        self._asked = 0
        # As high as a line also where it is empty, so that nothing below moves.
        self._status = ipywidgets.HTML(layout={"min_height": "28px"})
        self._output = ipywidgets.Output()
        super().__init__([self._status, self._output])
        self.add_class("alphintra-Screen")

    @property
    def status(self) -> str:
        """HTML of the line above what is shown."""
        return str(self._status.value)

    @property
    def shown(self) -> dict[str, Any]:
        """What is shown, by MIME type; empty where nothing is."""
        return dict(self._output.outputs[0]["data"]) if self._output.outputs else {}

    def ask(self, work: Callable[[], Any], doing: str) -> None:
        """Have something done soon, and show what it returns, as a cell would show it; None shows nothing.

        Args:
            work: Called on the notebook's main thread, unless other work is asked for before.
            doing: What the reader sees meanwhile.
        """
        with self._lock:
            self._asked, self._due = self._asked + 1, None
            number = self._asked
        self.busy = True
        self._say(f'<span role="status" class="{MUTED}">{escape(doing)}</span>')
        self._output.add_class(STALE)
        with self._lock:
            # Last of all: a turn of the work before, which comes on another thread, must not take it meanwhile.
            if number == self._asked:
                self._due = number, work
        later(self._take_turn, REST)

    def _take_turn(self) -> None:
        with self._lock:
            due, self._due = self._due, None
        if due is None:
            return
        asked, work = due
        error: BaseException | None = None
        outputs: tuple[dict[str, Any], ...] = ()
        try:
            outputs = _outputs(work())
        except (Exception, KeyboardInterrupt) as raised:  # noqa: BLE001 - whatever it is, it is shown
            error = raised
        if self._asked != asked:
            return  # other work comes next
        if error is None:
            self._put(outputs)
        else:
            self.fail(error)

    def show(self, made: Any) -> None:
        """Show an object in the place of what is shown."""
        self._put(_outputs(made))

    def _put(self, outputs: tuple[dict[str, Any], ...]) -> None:
        self.error, self.busy = None, False
        self._output.outputs = outputs
        self._output.remove_class(STALE)
        self._say("")

    def fail(self, error: BaseException) -> None:
        """Say what went wrong; what is shown stays, and is said to be from before."""
        self.error, self.busy = error, False
        title, rest = f"{type(error).__name__}: {error}", ""
        if isinstance(error, KeyboardInterrupt):
            title = "Interrupted"
        elif isinstance(error, AlphintraError):
            title = error.message + (f" ({error.where})" if error.where else "")
            rest = f"<div>{escape(error.hint)}</div>" if error.hint else ""
        before = "<div>What is shown below is from before.</div>" if self._output.outputs else ""
        self._output.add_class(STALE)
        self._say(f'<div role="alert" class="{PROBLEM}"><strong>{escape(title)}</strong>{rest}{before}</div>')

    def _say(self, html: str) -> None:
        self._status.value = html


def _outputs(made: Any) -> tuple[dict[str, Any], ...]:
    """What a cell would have of it; without the picture, which is for who cannot draw the rest."""
    if made is None:
        return ()
    data = made._repr_mimebundle_(exclude={"image/png"})
    return ({"output_type": "display_data", "data": data, "metadata": {}},)
