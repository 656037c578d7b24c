"""The requests for a notebook's variables; see the package."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any

from alphintra_kernel import output_bound
from alphintra_kernel.variables.aside import LONGEST, Aside
from alphintra_kernel.variables.listing import listing
from alphintra_kernel.variables.pages import Bundle, page

#: Seconds that a request waits for what is done aside; an interrupt may come behind it.
PATIENCE = 0.3
#: Seconds that a list or a view may take.
LIST_SECONDS, VIEW_SECONDS = 10.0, 30.0
#: Views that are being made, or that nobody has fetched.
VIEWS = 4
#: Bytes of a view where the kernel has no bound on its messages, and of what comes around it.
LARGEST, AROUND = 16 << 20, 64 << 10

Message = dict[str, Any]
Body = dict[str, Any]


class RefusedError(Exception):
    """The request cannot be met; the text says why."""


class Requests:
    """Answers requests about the variables of a shell.

    Args:
        shell: IPython's; its ``user_ns`` are the variables.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._list: tuple[str, Aside[Body]] | None = None
        self._views: dict[str, Aside[tuple[Bundle, list[str]]]] = {}
        self._tickets = itertools.count(1)

    async def answer(self, message: Message) -> Message | None:
        """Return the answer to a request of the debug protocol; ``None`` to any other one."""
        handler = {"alphintra/variables": self._variables, "alphintra/view": self._view}.get(message.get("command", ""))
        if handler is None:
            return None
        reply: Message = {
            "type": "response",
            "seq": message.get("seq", 0),
            "request_seq": message.get("seq", 0),
            "command": message["command"],
        }
        given = message.get("arguments")
        arguments = given if isinstance(given, dict) else {}
        try:
            return reply | {"success": True, "body": await handler(arguments)}
        except RefusedError as error:
            return reply | {"success": False, "message": str(error), "body": {}}

    async def _variables(self, arguments: Mapping[str, Any]) -> Body:
        wanted = str(arguments.get("filter") or "")[:LONGEST]
        if self._list is None:
            self._list = wanted, Aside(lambda: self._listing(wanted), LIST_SECONDS)
        asked, making = self._list
        if not await making.wait(PATIENCE):
            return {"state": "working"}  # the next request has it
        self._list = None
        if asked != wanted:
            return await self._variables(arguments)
        if making.value is None:
            raise RefusedError(f"the variables could not be listed: {making.failure}")
        return making.value

    def _listing(self, wanted: str) -> Body:
        return listing(self._names(), self._shell.user_ns_hidden, wanted)

    def _names(self) -> dict[str, Any]:
        # A copy is made in one step of the interpreter: the cell that runs defines names meanwhile.
        found: dict[str, Any] = dict.copy(self._shell.user_ns)
        return found

    async def _view(self, arguments: Mapping[str, Any]) -> Body:
        ticket = arguments.get("ticket")
        if ticket is None:
            ticket = self._begin(arguments.get("name"))
        making = self._views.get(ticket) if isinstance(ticket, str) else None
        if making is None:
            raise RefusedError("there is no such view any more")
        if arguments.get("stop"):
            making.break_off()
            return {"ticket": ticket, "state": "failed", "message": "stopped"}
        if not await making.wait(PATIENCE):
            return {"ticket": ticket, "state": "working"}
        self._views.pop(ticket, None)
        if making.value is None:
            return {"ticket": ticket, "state": "failed", "message": making.failure}
        data, dropped = making.value
        if not data:
            message = f"This view is larger than a message may be ({', '.join(dropped)})."
            return {"ticket": ticket, "state": "failed", "message": message}
        return {"ticket": ticket, "state": "done", "data": data}

    def _begin(self, name: Any) -> str:
        names = self._names()
        if type(name) is not str or name not in names:
            raise RefusedError("there is no variable of this name now")
        for ticket in [ticket for ticket, one in self._views.items() if one.is_done][: -(VIEWS - 1)]:
            del self._views[ticket]
        if sum(not one.is_done for one in self._views.values()) >= VIEWS:
            raise RefusedError(f"{VIEWS} views are being made and have not come to an end")
        ticket, most = f"{next(self._tickets)}", (output_bound.most() or LARGEST) - AROUND
        self._views[ticket] = Aside(_bounded(names[name], name, most), VIEW_SECONDS)
        return ticket


def _bounded(thing: Any, name: str, most: int) -> Callable[[], tuple[Bundle, list[str]]]:
    """The view of an object, as far as it fits into a message: the best of it first."""

    def make() -> tuple[Bundle, list[str]]:
        kept: Bundle = {}
        dropped: list[str] = []
        left = most
        for mime, data in page(thing, name).items():
            size = len(json.dumps(data, allow_nan=False))
            if size > left:
                dropped.append(f"{size / 1e6:.1f} MB of {mime}")
                continue
            kept[mime] = data
            left -= size
        return kept, dropped

    return make
