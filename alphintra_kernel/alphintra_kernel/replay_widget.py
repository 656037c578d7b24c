"""A replay in a cell: the picture of its bar, and buttons that move it.

The kernel tells the browsers what changed (:mod:`alphintra_kernel.replay_picture`); a browser asks for a movement with
a message. All of it happens on the kernel's main thread, between cells: a browser's messages come on a thread of their
own where the kernel has subshells, and a cell may be moving the same replay.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import alphintra_backtest.replay
import anywidget
from alphintra.errors import AlphintraError
from alphintra_backtest.replay import debugging
from alphintra_backtest.widgets.turns import later
from IPython.core.getipython import get_ipython
from traitlets import Dict, Unicode

from alphintra_kernel import replay_code
from alphintra_kernel.replay_picture import Picture
from alphintra_kernel.replay_still import still

if TYPE_CHECKING:
    from alphintra_backtest.replay import Replay

#: Bars that a view gets when it opens and after a jump.
BARS = 400
#: Most bars that one request of a playing browser may ask for: two seconds of the highest speed.
MOST_AT_ONCE = 1000
#: Seconds that a search runs before the kernel looks for other messages, such as one that stops it.
SLICE = 0.1
#: Seconds between two pictures while a cell moves the replay.
BETWEEN = 0.05
#: Seconds between two looks at what the copies take: there are hundreds.
WEIGHED = 1.0

MIME_TYPE = "application/vnd.alphintra.replay.v1+json"
"""What tells the Lab extension that an output is a replay, so that it keeps the last picture with the notebook."""

_EVENTS = {"order": "order", "fill": "fill", "trade": "closed trade", "refusal": "refused order"}
_SPARKS = {"spark", "equity_spark", "drawdown_spark"}
_IDLE: dict[str, Any] = {"play": None, "busy": None, "problem": None}


class ReplayWidget(anywidget.AnyWidget):
    """A replay that is seen; everything else of it is the replay's own, such as ``step()`` and ``strategy``.

    Args:
        replay: What is walked through.
    """

    _esm = replay_code.LOADER
    _own = Unicode().tag(sync=True)
    _code = Unicode().tag(sync=True)
    _scene = Dict().tag(sync=True)
    _move = Dict().tag(sync=True)
    _status = Dict(_IDLE).tag(sync=True)

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._symbol: str | None = None
        self._weighed, self._weighed_at = 0.0, -2
        self._copies = 0
        self._picture = Picture(*self._state(BARS))
        self._at = replay.bar
        self._acting = False
        self._sent = 0.0
        self._due = False
        self._goal: str | None = None
        self._stops = 0
        super().__init__(_code=replay_code.shared().model_id, _scene=self._picture.whole())
        self._own = self.model_id
        if hasattr(self.comm, "_reply_subshell_for"):
            # A browser's messages come on the thread that they name. Otherwise ipykernel has them wait for the one
            # that sent last, the main one, and "stop" would come when there is nothing left to stop.
            self.comm._reply_subshell_for = lambda _, named: named
        self.on_msg(self._on_message)
        self._unwatch: Callable[[], None] | None = replay.watch(self._on_movement)
        self._shell: Any = get_ipython()
        if self._shell is not None:
            # A cell may have changed a variable of the strategy.
            self._shell.events.register("post_run_cell", self._after_cell)

    @property
    def replay(self) -> Replay:
        """What is walked through."""
        return self._replay

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__} has no attribute {name}")
        return getattr(self._replay, name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(name for name in dir(self._replay) if not name.startswith("_"))})

    def __repr__(self) -> str:
        return repr(self._replay)

    def close(self) -> None:
        """Take the view away; the replay itself stays as it is."""
        self._goal = None
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None
            if self._shell is not None:
                with contextlib.suppress(ValueError):
                    self._shell.events.unregister("post_run_cell", self._after_cell)
        super().close()

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:
        """What a browser gets that comes later, or what a notebook keeps: the picture as it is now."""
        state = super().get_state(key, drop_defaults)
        if key is None:
            state |= {"_scene": self._picture.whole(), "_move": {}}
        return state

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        shown: tuple[dict[str, Any], dict[str, Any]] | None = super()._repr_mimebundle_(**kwargs)
        if shown is None:
            return None
        data, metadata = shown
        return {**data, MIME_TYPE: {"model_id": self.model_id}, "text/html": still(self._picture)}, metadata

    # What the browsers see.

    def _state(self, bars: int) -> tuple[list[list[Any]], list[dict[str, Any]], dict[str, Any]]:
        facts = self._replay.state(bars=bars, symbol=self._symbol)
        for owner in (facts["account"], *facts["variables"]):
            for name in _SPARKS & owner.keys():
                # As exact as twenty pixels can show it.
                owner[name] = [None if v is None else float(f"{v:.5g}") for v in owner[name]]
        for row in facts["log"]:
            row["file"] = _beside(row["file"])
        facts["snapshot_bytes"], facts["snapshot_limit"] = self._snapshot_bytes(), self._replay.snapshot_limit
        facts["can_debug"] = alphintra_backtest.replay.debug_hook is not None
        return facts.pop("candles"), facts.pop("indicators"), facts

    def _snapshot_bytes(self) -> int:
        """Bytes of the copies, as they were at the last look at them."""
        now = time.monotonic()
        if self._replay.bar != self._weighed_at and now - self._weighed > WEIGHED:
            self._weighed, self._weighed_at = now, self._replay.bar
            self._copies = self._replay.snapshot_bytes
        return self._copies

    def _show(self) -> None:
        """Tell the browsers what has changed."""
        self._sent, self._due = time.monotonic(), False
        moved = abs(self._replay.bar - self._at)
        self._at = self._replay.bar
        move = None
        if moved < BARS:
            candles, lines, facts = self._state(moved + 1)
            move = self._picture.move(candles, lines, facts)
        if move is None:
            self._scene = self._picture.renew(*self._state(BARS))
        elif move:
            self._move = move

    def _say(self, **changes: Any) -> None:
        """Change the status."""
        self._status = {**self._status, **changes}

    def _fail(self, error: BaseException) -> None:
        problem: dict[str, str] | None
        if getattr(error, "code", None) == "CANCELLED":
            problem = None  # somebody asked for it
        elif isinstance(error, KeyboardInterrupt):
            problem = {"title": "Interrupted", "text": f"The replay stands at bar {self._replay.bar}.", "hint": ""}
        elif isinstance(error, AlphintraError):
            where = f" ({error.where})" if error.where else ""
            problem = {"title": error.message + where, "text": error.code, "hint": error.hint or ""}
        else:
            problem = {"title": type(error).__name__, "text": str(error), "hint": ""}
        self._say(problem=problem, play=None, busy=None)

    # What moves the replay.

    def _on_movement(self, _: Any) -> None:
        """A movement from anywhere; those of a cell are shown as often as one can see."""
        if self._acting:
            return
        if time.monotonic() - self._sent >= BETWEEN:
            self._show()
        elif not self._due:
            self._due = True
            later(self._show_due)

    def _show_due(self) -> None:
        if self._due:
            self._show()

    def _after_cell(self, *_: Any) -> None:
        if self.comm is not None and self._goal is None:
            self._show()

    def _on_message(self, _: Any, content: Any, __: Any) -> None:
        if not isinstance(content, dict):
            return
        if content.get("action") == "stop":
            # On a thread of its own it comes while the movement that it is to stop is under way.
            self._stops += 1
            run = debugging.current
            if run is not None and run.running and run.replay is self._replay:
                run.end()  # nothing breaks in where the debugger holds the thread
            else:
                self._replay.cancel()
        stops = self._stops
        # What was asked for before somebody said stop, and has not begun, is not begun any more.
        later(lambda: self._answer(content if stops == self._stops else {"id": content.get("id")}))

    def _answer(self, request: dict[str, Any]) -> None:
        """Do what a browser asks for; whatever comes of it, it is told that it is done."""
        if self.comm is None:
            return
        action = getattr(self, f"_do_{request.get('action')}", None)
        self._acting = True
        try:
            if action is not None:
                action(request)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever it is, it is shown
            self._fail(error)
        finally:
            self._acting = False
        try:
            if self._goal is None:  # a search shows where it ends
                self._show()
        finally:
            self.send({"kind": "done", "of": request.get("id")})

    def _do_step(self, request: dict[str, Any]) -> None:
        self._halt()
        self._replay.step(_bars(request))

    def _do_back(self, request: dict[str, Any]) -> None:
        self._halt()
        self._replay.back(_bars(request))

    def _do_to(self, request: dict[str, Any]) -> None:
        self._halt()
        self._replay.to(request["when"])

    def _do_play(self, request: dict[str, Any]) -> None:
        self._halt()
        self._say(play={"by": str(request["by"]), "rate": float(request["rate"])})

    def _do_pause(self, _: dict[str, Any]) -> None:
        self._halt()

    def _do_next(self, request: dict[str, Any]) -> None:
        """The next bars of a play; one that was paused meanwhile gets none."""
        if self._status["play"] is None:
            return
        if not self._replay.done:
            self._replay.step(_bars(request))
        if self._replay.done:
            self._say(play=None)

    def _do_until(self, request: dict[str, Any]) -> None:
        self._halt()
        self._goal = str(request["what"])
        self._seek(self._goal, 1)

    def _do_stop(self, _: dict[str, Any]) -> None:
        self._halt()

    def _do_dismiss(self, _: dict[str, Any]) -> None:
        self._say(problem=None)

    def _do_scene(self, _: dict[str, Any]) -> None:
        self._scene = self._picture.renew(*self._state(BARS))

    def _do_symbol(self, request: dict[str, Any]) -> None:
        self._symbol = str(request["symbol"])
        self._scene = self._picture.renew(*self._state(BARS))

    def _do_still(self, _: dict[str, Any]) -> None:
        self.send({"kind": "still", "html": still(self._picture)})

    def _do_compare(self, _: dict[str, Any]) -> None:
        self._halt()
        shown = self._replay.compare()._repr_mimebundle_()
        self.send({"kind": "comparison", "html": shown["text/html"]})

    def _do_debug(self, request: dict[str, Any]) -> None:
        self._halt()
        hook = alphintra_backtest.replay.debug_hook
        if hook is None:
            return
        self._say(busy={"text": "In the debugger: its panel moves the replay", "bar": self._replay.bar, "held": True})
        try:
            hook(self._replay, True)
            self._halt()
        finally:
            # It went to and fro, and the trader may have changed what it passed.
            self._at = self._replay.bar
            self._do_scene(request)

    def _halt(self) -> None:
        """End what goes on; another movement was asked for."""
        self._goal = None
        if self._status != _IDLE:
            self._status = dict(_IDLE)

    def _seek(self, goal: str, bars: int) -> None:
        """Run on for a moment, and again after other messages have been looked at."""
        if self._goal is not goal or self.comm is None:
            return
        began = time.monotonic()
        self._acting = True
        try:
            found = self._replay.until(goal, limit=bars)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever it is, it is shown
            self._goal = None
            self._fail(error)
            self._show()
            return
        finally:
            self._acting = False
        if not found and not self._replay.done:
            spent = max(time.monotonic() - began, 1e-6)
            more = int(max(1, min(bars * SLICE / spent, bars * 8)))
            self._say(busy={"text": f"Running to the next {_words(goal)}", "bar": self._replay.bar})
            later(lambda: self._seek(goal, more))
            return
        self._goal = None
        nothing = {"title": f"No {_words(goal)} up to the end of the data", "text": "", "hint": ""}
        self._status = {**_IDLE, "problem": None if found else nothing}
        self._show()


def _words(goal: str) -> str:
    return _EVENTS.get(goal, f"bar where {goal}")


def _beside(file: str | None) -> str | None:
    """Path of a source file from where the kernel works, which is its notebook's folder; ``None`` for a cell."""
    here = f"{Path.cwd()}/"
    return file.removeprefix(here) if file is not None and file.startswith(here) else None


def _bars(request: dict[str, Any]) -> int:
    return max(1, min(int(request.get("bars", 1)), MOST_AT_ONCE))
