"""The conversation with a session's kernel: requests of the Debug Adapter Protocol over its control channel.

The kernel runs the trader's code, which can say anything in its place, signed with its key. So what it says is counted
before it is read, and read strictly; what it means is the session's affair.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

if TYPE_CHECKING:
    from jupyter_client.asynchronous.client import AsyncKernelClient

MAX_MESSAGE = 1 << 20
"""Bytes of one part of a message; the kernel's sockets are bounded by it."""
MAX_BYTES, BYTES_PER_SECOND = 64 << 20, 64 << 10
"""What a kernel may say that nobody asked for: in all, and what is added to that with time."""
_HEADER_BYTES = 4 << 10
"""Bytes of a header and of that of the request: dates are looked for in them, which takes long."""
_LEAST_BYTES = 1 << 10
"""What a message counts at least: reading it takes its time."""
_SUBSCRIBED_SECONDS = 0.5


class RefusedError(Exception):
    """The debugger said no, and why."""


class GoneError(Exception):
    """There is no kernel any more to answer."""


class SilentError(Exception):
    """The kernel does not answer in time."""


class Conversation:
    """Requests and answers, events and output of one kernel.

    Args:
        client: Connected to it.
        on_event: Gets the name and body of each event of the debugger.
        on_print: Gets each piece of text that the code prints.
        on_broken: Called once with a code and a sentence where the kernel breaks the rules of the conversation.
    """

    def __init__(
        self,
        client: AsyncKernelClient,
        on_event: Callable[[str, Any], None],
        on_print: Callable[[str], None],
        on_broken: Callable[[str, str], None],
    ) -> None:
        self._client: Any = client
        self._on_event, self._on_print, self._on_broken = on_event, on_print, on_broken
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._numbers = itertools.count(1)
        self._readers: list[asyncio.Task[None]] = []
        self._heard = asyncio.Event()
        self._bytes = 0
        self._began = time.monotonic()
        self._one_at_a_time = asyncio.Lock()
        self._gone: str | None = None

    def open(self) -> None:
        """Begin to listen."""
        client = self._client
        client.session.unpack = _read
        client.start_channels(stdin=False, hb=False)
        for channel, take in (
            (client.control_channel, self._take_answer),
            (client.shell_channel, self._take_answer),
            (client.iopub_channel, self._take_output),
        ):
            self._readers.append(asyncio.create_task(self._listen(channel, take)))

    async def ask(self, command: str, seconds: float, **arguments: Any) -> Any:
        """Ask the debugger; returns the answer's body. One question at a time.

        Raises:
            RefusedError: It says no.
            SilentError: No answer within ``seconds``.
            GoneError: The kernel has ended.
        """
        request = {"type": "request", "seq": next(self._numbers), "command": command, "arguments": arguments}
        async with self._one_at_a_time:
            content = await self._answer("debug_request", request, self._client.control_channel, seconds)
        if content.get("success") is not True:
            raise RefusedError(str(content.get("message") or f"the debugger refuses {command}")[:4_000])
        return content.get("body")

    async def until_heard(self, seconds: float) -> None:
        """Wait until what the kernel sends to everybody arrives here: before that an event would be lost.

        Raises:
            SilentError: It does not within ``seconds``.
            GoneError: The kernel has ended.
        """
        until = asyncio.get_running_loop().time() + seconds
        while not self._heard.is_set():
            left = until - asyncio.get_running_loop().time()
            await self._answer("kernel_info_request", {}, self._client.control_channel, max(left, 0.0))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SUBSCRIBED_SECONDS):
                    await self._heard.wait()

    async def execute(self, code: str, expression: str) -> Any:
        """Run code on the kernel's main thread, for as long as it takes; returns the JSON of an expression after it.

        Raises:
            GoneError: The kernel has ended.
        """
        content = {
            "code": code,
            "silent": False,
            "store_history": False,
            "user_expressions": {"outcome": expression},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        reply = await self._answer("execute_request", content, self._client.shell_channel, None)
        given = reply.get("user_expressions")
        outcome = given.get("outcome") if isinstance(given, dict) else None
        data = outcome.get("data") if isinstance(outcome, dict) else None
        return data.get("application/json") if isinstance(data, dict) else None

    def close(self, why: str) -> None:
        """Hear no more; whoever waits for an answer gets ``GoneError``."""
        if self._gone is not None:
            return
        self._gone = why
        for reader in self._readers:
            reader.cancel()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(GoneError(why))
        for channel in (self._client.control_channel, self._client.shell_channel, self._client.iopub_channel):
            channel.stop()

    async def _answer(self, kind: str, content: dict[str, Any], channel: Any, seconds: float | None) -> dict[str, Any]:
        if self._gone is not None:
            raise GoneError(self._gone)
        message = self._client.session.msg(kind, content)
        number = message["header"]["msg_id"]
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            channel.send(message)
            async with asyncio.timeout(seconds):
                answer = await future
        except TimeoutError:
            raise SilentError(f"no answer within {seconds:g} s") from None
        finally:
            del self._waiting[number]
        return answer if isinstance(answer, dict) else {}

    async def _listen(self, channel: Any, take: Callable[[dict[str, Any], int], None]) -> None:
        session = self._client.session
        try:
            while True:
                parts = await channel.socket.recv_multipart()
                _, message = session.feed_identities(parts)
                if max(map(len, message[1:3])) > _HEADER_BYTES:
                    raise ValueError("a header without end")
                take(session.deserialize(message), sum(map(len, parts)))
                # What has already come is given at once, for as long as there is more: others have their turn.
                await asyncio.sleep(0)
        except Exception as error:  # noqa: BLE001  whatever is wrong with it, it is no message of a kernel of ours
            self._on_broken("PROTOCOL", f"The kernel sent what is not a message ({type(error).__name__}).")

    def _take_answer(self, message: dict[str, Any], size: int) -> None:
        future = self._waiting.get(str(message["parent_header"].get("msg_id")))
        if future is not None and not future.done() and str(message["msg_type"]).endswith("_reply"):
            future.set_result(message["content"])
        else:
            self._count(size)

    def _take_output(self, message: dict[str, Any], size: int) -> None:
        self._heard.set()
        kind, content = message["msg_type"], message["content"]
        if not self._count(size):
            return
        if kind == "debug_event":
            self._on_event(str(content["event"]), content.get("body"))
        elif kind == "stream":
            self._on_print(str(content["text"]))

    def _count(self, size: int) -> bool:
        """Count what nobody asked for; whether there is room for it."""
        self._bytes += max(size, _LEAST_BYTES)
        if self._bytes <= MAX_BYTES + BYTES_PER_SECOND * (time.monotonic() - self._began):
            return True
        self._on_broken("OUTPUT_LIMIT", f"The session printed or sent more than {MAX_BYTES >> 20} MiB.")
        return False


def _read(data: bytes) -> Any:
    """Read JSON: not as deep as to exhaust the stack, no numbers or letters that JSON cannot write again.

    Raises:
        ValueError: It is none.
    """
    return from_json(data.decode("utf-8", "replace"), allow_inf_nan=False)
