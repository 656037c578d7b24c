"""The kernel's debugger, for runs that can go back: steps back a bar, runs to a date, keeps conditions.

It answers, over the control channel, what Jupyter's own debugger answers, and

========================  ==================================================================================
``stepBack``              ``{threadId}``: to the first line of ``on_bar``, one bar earlier
``alphintra/runTo``       ``{time}`` or ``{bar}``: to the first line of that bar's ``on_bar``, on or back
``alphintra/condition``   ``{path, line, condition, hitCondition}``: what a breakpoint depends on; empty: nothing
``alphintra/market``      ``{}``: where the run is, and what it holds
``alphintra/stop``        ``{}``: ends the run after the bar in progress
``alphintra/folder``      ``{}``: ``path``, the folder that the kernel was started in
========================  ==================================================================================
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import itertools
import sys
import threading
from collections.abc import Coroutine, Mapping
from pathlib import Path
from types import CodeType
from typing import Any

from alphintra_backtest.replay import debugging
from ipykernel.debugger import Debugger
from IPython.core.getipython import get_ipython

from alphintra_kernel import code_lines, debugpy_seams, trading_types
from alphintra_kernel.conditions import Conditions
from alphintra_kernel.rich_view import Within, together

#: Seconds within which debugpy answers a request of the run's own thread.
ANSWER = 10.0
#: What lets a run that stands go on.
_ONWARD = ("continue", "next", "stepIn", "stepOut")
#: Lists that Lab reads of an answer without looking whether it was refused: a frame may be gone when it is asked for.
_LISTS = {
    "stackTrace": "stackFrames", "scopes": "scopes", "variables": "variables", "inspectVariables": "variables",
}  # fmt: skip

Request = dict[str, Any]


class ReplayDebugger(Debugger):
    """See the module."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.started_debug_handlers |= {
            "stepBack": self.step_back,
            "alphintra/runTo": self.run_to,
            "alphintra/stop": self.stop_run,
        }
        self.static_debug_handlers |= {
            "alphintra/condition": self.condition,
            "alphintra/folder": self.folder,
            "alphintra/market": self.market,
        }
        self.conditions = Conditions()
        self._within = Within()
        self._seq = itertools.count(1_000_000)
        self._one_at_a_time = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._aside = False
        self._armed: str | None = None
        self._raised: str | None = None
        self._client = ""
        self._folder = str(Path.cwd())

    # -- the way to debugpy
    # ----------------------------------------------------------------------------------------------

    async def process_request(self, message: Request) -> Request:
        """Answer a request of the control channel."""
        self._loop = asyncio.get_running_loop()
        if message["command"] == "initialize":
            self._client = str((message.get("arguments") or {}).get("clientID", ""))
        elif message["command"] in _ONWARD:
            self._raised = None
        try:
            reply: Request = await super().process_request(message)
        except Exception as error:  # noqa: BLE001 - whoever asked waits for an answer
            reply = answer(message, error=f"the debugger failed ({type(error).__name__}: {error})")
        held = _LISTS.get(message["command"])
        if held is not None and not reply.get("success"):
            reply["body"] = {held: []} | (reply.get("body") or {})
        if message["command"] == "attach" and reply.get("success"):
            debugpy_seams.adjust(self._condition_raised)
        if message["command"] == "disconnect":
            self._aside, self._armed, self._raised = False, None, None
        return reply

    async def _forward_message(self, msg: Request) -> Request:
        # Answers come in the order of the questions only where one waits for the other.
        async with self._one_at_a_time:
            reply: Request = await super()._forward_message(msg)
        return reply

    async def _ask(self, command: str, **arguments: Any) -> Request:
        return await self._forward_message(
            {"type": "request", "seq": next(self._seq), "command": command, "arguments": arguments}
        )

    async def _put(self, path: str, breakpoints: list[Request]) -> Request:
        return await self._ask("setBreakpoints", source={"path": path}, breakpoints=breakpoints, sourceModified=False)

    def _condition_raised(self, text: str) -> None:
        """On the run's own thread, before it stops."""
        self._raised = text

    async def handle_stopped_event(self) -> None:
        """Bring the trader's breakpoints back before anybody hears that the run has stopped where it was sent."""
        event = await self.stopped_queue.get()
        if self._armed is not None:
            await self._bring_back()
        if self._raised is not None:
            event["body"] |= {"description": self._raised, "text": self._raised}
        self.stopped_queue.put_nowait(event)
        await super().handle_stopped_event()

    # -- breakpoints
    # -----------------------------------------------------------------------------------------------------

    async def setBreakpoints(self, message: Request) -> Request:  # noqa: N802 - DAP's name
        """Set a file's breakpoints with the conditions that are kept for them; each says whether it was moved."""
        arguments = message["arguments"]
        path = arguments["source"]["path"]
        code = code_of(path)
        asked = [int(b["line"]) for b in arguments["breakpoints"]]
        lines = asked if code is None else [code_lines.nearest(code, line) for line in asked]
        for before, after, given in zip(asked, lines, arguments["breakpoints"], strict=True):
            self.conditions.take(path, before, after, given)
        arguments["breakpoints"] = self.conditions.on(path, lines)
        if self._aside:
            # The run is on its way to a bar; they are set when it arrives.
            self.breakpoint_list[path] = [{"line": line} for line in lines]
            reply = answer(
                message,
                {"breakpoints": [{"line": line, "verified": True, "source": {"path": path}} for line in lines]},
            )
        else:
            reply = await super().setBreakpoints(message)
            once = dict.fromkeys(b["line"] for b in self.breakpoint_list[path])  # two may have been moved to one
            self.breakpoint_list[path] = [{"line": line} for line in once]
        for before, is_set in zip(asked, reply.get("body", {}).get("breakpoints", []), strict=False):
            line = is_set.get("line", before)
            is_set |= self.conditions.of(path, line)
            if line != before:
                is_set["message"] = f"line {before} has no code to stop at: moved to line {line}"
        return reply

    async def variables(self, message: Request) -> Request:
        """Say what a frame or an object holds."""
        reply: Request = await super().variables(message)
        self._within.note(reply.get("body", {}).get("variables", ()))
        return self._in_a_line(reply)

    async def inspectVariables(self, message: Request) -> Request:  # noqa: N802 - DAP's name
        """Say what the notebook holds."""
        reply: Request = await super().inspectVariables(message)
        return self._in_a_line(reply)

    async def richInspectVariables(self, message: Request) -> Request:  # noqa: N802 - DAP's name
        """Draw a variable; where its name is known within others, or there as well, all that it may be is drawn.

        What there is not in the frame is drawn as nothing: ipykernel's own leaves such a request without an answer.
        """
        if not self.stopped_threads:
            reply: Request = await super().richInspectVariables(message)
            return reply
        arguments = message["arguments"]
        name = str(arguments["variableName"])
        views = {}
        for expression in [name, *self._within.of(name)] if name.isidentifier() else self._within.of(name):
            code = f"get_ipython().display_formatter.format({expression})"
            made = await self._ask("evaluate", expression=code, frameId=arguments.get("frameId"), context="clipboard")
            # What it raised comes as if it were its value, and is no literal.
            with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
                views[expression] = ast.literal_eval(made["body"]["result"] if made["success"] else "")
        if list(views) == [name]:
            data, metadata = views[name]
            return answer(message, {"data": data, "metadata": {k: v for k, v in metadata.items() if k in data}})
        drawn = together({expression: data for expression, (data, _) in views.items()}) if views else {}
        return answer(message, {"data": drawn, "metadata": {}})

    def _in_a_line(self, reply: Request) -> Request:
        """JupyterLab's tree has the class of an object in place of its line, where it knows the class."""
        if self._client == "jupyterlab":
            ours = trading_types.names()
            for variable in reply.get("body", {}).get("variables", ()):
                if variable.get("type") in ours:
                    del variable["type"]
        return reply

    async def debugInfo(self, message: Request) -> Request:  # noqa: N802 - DAP's name
        """Say what is set, with the conditions."""
        reply: Request = await super().debugInfo(message)
        for file in reply["body"]["breakpoints"]:
            file["breakpoints"] = self.conditions.on(file["source"], [b["line"] for b in file["breakpoints"]])
        return reply

    async def condition(self, message: Request) -> Request:
        """Keep what a breakpoint depends on, and set it where the breakpoint is in force."""
        given = message.get("arguments") or {}
        try:
            path, line = self.conditions.change(given)
        except ValueError as error:
            return answer(message, error=str(error))
        lines = [b["line"] for b in self.breakpoint_list.get(path, ())]
        if self.is_started and line in lines and not self._aside:
            await self._put(path, self.conditions.on(path, lines))
        return answer(message, {"path": path, "line": line, "set": line in lines, **self.conditions.of(path, line)})

    async def _set_aside(self) -> None:
        if not self._aside:
            self._aside = True
            for path in self.breakpoint_list:
                await self._put(path, [])

    async def _arm(self, path: str, line: int) -> None:
        await self._set_aside()
        self._armed = path
        await self._put(path, [{"line": line}])

    async def _bring_back(self) -> None:
        if not self._aside:
            return
        armed, self._armed, self._aside = self._armed, None, False
        if armed is not None and armed not in self.breakpoint_list:
            await self._put(armed, [])
        for path, breakpoints in self.breakpoint_list.items():
            await self._put(path, self.conditions.on(path, [b["line"] for b in breakpoints]))

    # -- what a run asks, on its own thread (debugging.Stops)
    # ------------------------------------------------------------

    @property
    def is_on(self) -> bool:
        """See ``debugging.Stops``."""
        return bool(self.is_started)

    def stops_in(self, path: str) -> bool:
        """See ``debugging.Stops``."""
        return bool(self.breakpoint_list.get(path))

    def set_aside(self) -> None:
        """See ``debugging.Stops``."""
        self._wait(self._set_aside())

    def arm(self, path: str, line: int) -> None:
        """See ``debugging.Stops``."""
        self._wait(self._arm(path, line))

    def bring_back(self) -> None:
        """See ``debugging.Stops``."""
        self._wait(self._bring_back())

    def follow(self, yes: bool) -> None:
        """See ``debugging.Stops``."""
        import debugpy  # not before somebody debugs

        if self.is_started:
            debugpy.trace_this_thread(yes)

    def _wait(self, work: Coroutine[Any, Any, None]) -> None:
        from alphintra.errors import ReplayError

        assert self._loop is not None  # it has answered a request: somebody has switched it on
        doing = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            doing.result(ANSWER)
        except TimeoutError:
            doing.cancel()
            raise ReplayError("the debugger does not answer", hint="restart the kernel") from None

    # -- moving
    # --------------------------------------------------------------------------------------------------------

    async def step_back(self, message: Request) -> Request:
        """Go one bar back."""
        run = running()
        if run is None or not self.stopped_threads:
            return answer(message, error="no replay is paused in a bar")
        bar = run.replay.in_progress - 1
        if bar < run.replay.first:
            return answer(message, error="this is the first bar of the run")
        return await self._go(message, run, bar)

    async def run_to(self, message: Request) -> Request:
        """Go to a bar."""
        from alphintra.errors import AlphintraError

        run = running()
        if run is None:
            return answer(message, error="no replay is being debugged")
        arguments = message.get("arguments") or {}
        try:
            bar = run.bar_of(arguments.get("time") if arguments.get("bar") is None else arguments["bar"])
        except AlphintraError as error:
            return answer(message, error=str(error))
        return await self._go(message, run, bar)

    async def _go(self, message: Request, run: debugging.DebugRun, bar: int) -> Request:
        await self._set_aside()
        run.go(bar)
        await self._continue()
        return answer(message, {"bar": bar})

    async def stop_run(self, message: Request) -> Request:
        """End the run after the bar in progress."""
        run = running()
        if run is None:
            return answer(message, error="no replay is being debugged")
        await self._set_aside()
        run.end()
        await self._continue()
        return answer(message)

    async def _continue(self) -> None:
        self._raised = None
        if self.stopped_threads:
            await self._ask("continue", threadId=min(self.stopped_threads))  # all of them go on

    async def folder(self, message: Request) -> Request:
        """Say where the kernel was started: beside its notebook."""
        return answer(message, {"path": self._folder})

    async def market(self, message: Request) -> Request:
        """Say where the run is."""
        run = debugging.current
        if run is None:
            return answer(message, {"status": "none"})
        paused = bool(self.stopped_threads)
        status = "done" if not run.running else "paused" if paused else "running"
        body: Request = {"status": status, "error": None, "line": None}
        body |= {"bar": run.replay.in_progress, "first": run.replay.first, "count": run.replay.count}
        if status == "running":  # there is no state that holds still
            return answer(message, body | {"time": None, "state": None})
        state = run.replay.state(1)
        for name in ("candles", "indicators", "fills"):
            del state[name]
        if status == "paused":
            body |= {"line": line_of(run.entry[0]), "error": self._raised}
        return answer(message, body | {"time": state["time"], "state": state})


def running() -> debugging.DebugRun | None:
    """The run that is being debugged."""
    run = debugging.current
    return run if run is not None and run.running else None


def code_of(path: str) -> CodeType | None:
    """The compiled source of a file or of a cell; None where it cannot be read or compiled."""
    with contextlib.suppress(OSError, SyntaxError, ValueError):
        source = Path(path).read_text(encoding="utf-8")
        with contextlib.suppress(SyntaxError):
            return compile(source, path, "exec", dont_inherit=True)
        shell = get_ipython()
        if shell is not None:  # a cell with magics
            return compile(shell.transform_cell(source), path, "exec", dont_inherit=True)
    return None


def line_of(path: str) -> int | None:
    """The line of a file at which the main thread stands."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None and frame.f_code.co_filename != path:
        frame = frame.f_back
    return None if frame is None else frame.f_lineno


def answer(message: Request, body: Mapping[str, Any] | None = None, *, error: str | None = None) -> Request:
    """A DAP response."""
    reply = {
        "type": "response", "seq": message["seq"], "request_seq": message["seq"], "command": message["command"],
        "success": error is None, "body": dict(body or {}),
    }  # fmt: skip
    return reply if error is None else reply | {"message": error}
