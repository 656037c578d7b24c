"""A debugger's client: it speaks DAP with a kernel over the control channel, as JupyterLab does."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

from .kernels import Client

SECONDS = 180


class Dap:
    """Asks, and hears events; what the cell printed, raised or returned is kept."""

    def __init__(self, kernel: Client) -> None:
        self.client = kernel.client
        self.seq = itertools.count(1)
        self.events: list[dict[str, Any]] = []
        self.printed = ""
        self.shown: list[str] = []
        self.raised: list[str] = []
        self.cell = ""
        self.thread = 1
        #: Gets each message of the kernel as well.
        self.overhear: Callable[[dict[str, Any]], None] = lambda message: None

    def reply(self, command: str, **arguments: Any) -> dict[str, Any]:
        """The whole answer to a request."""
        request = {"type": "request", "seq": next(self.seq), "command": command, "arguments": arguments}
        message = self.client.session.msg("debug_request", request)
        self.client.control_channel.send(message)
        while True:
            reply = self.client.get_control_msg(timeout=SECONDS)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                return reply["content"]

    def ask(self, command: str, **arguments: Any) -> Any:
        """The body of an answer that must succeed."""
        reply = self.reply(command, **arguments)
        assert reply.get("success", True), reply
        return reply.get("body")

    def refused(self, command: str, **arguments: Any) -> str:
        """What an answer says that must not succeed."""
        reply = self.reply(command, **arguments)
        assert reply["success"] is False, reply
        return reply["message"]

    def start(self) -> None:
        """Switch the debugger on."""
        self.ask("initialize", clientID="jupyterlab", adapterID="", pathFormat="path", linesStartAt1=True)
        self.ask("attach")

    def breakpoints(self, path: str, *lines: int) -> list[dict[str, Any]]:
        """Set a file's breakpoints as JupyterLab does: lines alone."""
        given = [{"line": line} for line in lines]
        body = self.ask("setBreakpoints", source={"path": path}, breakpoints=given, sourceModified=False)
        return body["breakpoints"]

    def dump(self, code: str) -> str:
        """The path of a cell's code."""
        return self.ask("dumpCell", code=code)["sourcePath"]

    def run(self, code: str) -> None:
        """Run a cell; do not wait for it."""
        self.dump(code)
        self.printed, self.shown, self.raised = "", [], []
        self.cell = self.client.execute(code)

    def _hear(self, done: Any) -> Any:
        end = time.monotonic() + SECONDS
        while True:
            message = self.client.get_iopub_msg(timeout=max(0.01, end - time.monotonic()))
            kind, content = message["msg_type"], message["content"]
            self.overhear(message)
            if kind == "debug_event":
                self.events.append(content)
            elif message["parent_header"].get("msg_id") == self.cell:
                if kind == "stream":
                    self.printed += content["text"]
                elif kind == "execute_result":
                    self.shown.append(content["data"]["text/plain"])
                elif kind == "error":
                    self.raised.append(content["evalue"])
            if (found := done(kind, content, message)) is not None:
                return found

    def stopped(self) -> dict[str, Any]:
        """Wait until the run stops; what the event says."""

        def stop(kind: str, content: Any, message: Any) -> Any:
            if kind == "status" and content["execution_state"] == "idle":
                assert message["parent_header"].get("msg_id") != self.cell, (self.raised, self.printed)
            return content["body"] if kind == "debug_event" and content["event"] == "stopped" else None

        body: dict[str, Any] = self._hear(stop)
        self.thread = body["threadId"]
        return body

    def finished(self) -> None:
        """Wait until the cell has ended."""
        self._hear(
            lambda kind, content, message: (
                True
                if kind == "status"
                and content["execution_state"] == "idle"
                and message["parent_header"].get("msg_id") == self.cell
                else None
            )
        )

    def frame(self) -> dict[str, Any]:
        """The innermost frame."""
        frames = self.ask("stackTrace", threadId=self.thread)["stackFrames"]
        assert frames, (self.thread, self.ask("threads"), self.ask("debugInfo")["stoppedThreads"], self.events[-5:])
        return frames[0]

    def value(self, expression: str) -> str:
        """An expression's value where the run stands."""
        return self.ask("evaluate", expression=expression, frameId=self.frame()["id"], context="repl")["result"]

    def go(self, command: str, **arguments: Any) -> tuple[int, str]:
        """Move and wait for the stop; the line, and the bar."""
        self.ask(command, threadId=self.thread, **arguments)
        self.stopped()
        return self.here()

    def here(self) -> tuple[int, str]:
        """The line and the bar."""
        return self.frame()["line"], self.value("self.bar_index")
