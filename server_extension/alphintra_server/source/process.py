"""The parser process: reads requests from its input, answers on its output, dies with the server.

Parsing is not running, but a parser can be made to work for ever, to fill the memory or to crash. So it
happens in a child with limits of its own, which is replaced when it fails.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

_MAX_MESSAGE = 32 << 20

_CHILD = """\
import sys
sys.path.extend({path!r})
from alphintra_server.source.process import serve
serve()
"""


def _roots() -> list[str]:
    """Where this package and the SDK are, also when they run from a clone: ``-I`` ignores PYTHONPATH."""
    from alphintra import __file__ as sdk

    return [str(Path(file).resolve().parents[1]) for file in (Path(__file__).parent, sdk)]


class ParserFailedError(Exception):
    """The parser crashed or took too long over this text."""


class Parser:
    """Asks the parser process, which is started at the first question.

    Args:
        seconds: How long one answer may take.
    """

    def __init__(self, *, seconds: float = 20) -> None:
        self._seconds = seconds
        self._process: asyncio.subprocess.Process | None = None
        self._one_at_a_time = asyncio.Lock()

    async def ask(self, question: str, **request: Any) -> dict[str, Any]:
        """Ask one of ``source.requests.REQUESTS``.

        Raises:
            ParserFailedError: The process died or was too slow; the next question gets a new one.
        """
        line = json.dumps({"ask": question, **request}).encode() + b"\n"
        async with self._one_at_a_time:
            process = await self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(line)
                await process.stdin.drain()
                async with asyncio.timeout(self._seconds):
                    reply = await process.stdout.readline()
            except (TimeoutError, ValueError, BrokenPipeError, ConnectionResetError):
                reply = b""
            except asyncio.CancelledError:
                # Its answer would be taken for the next question's.
                await self._discard()
                raise
            if not reply.endswith(b"\n"):
                await self._discard()
                raise ParserFailedError("the code could not be parsed: too large or nested too deeply")
        answer: dict[str, Any] = json.loads(reply)
        if "failure" in answer:
            raise ParserFailedError(answer["failure"])
        return answer

    async def close(self) -> None:
        """End the process."""
        async with self._one_at_a_time:
            await self._discard()

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-c",
                _CHILD.format(path=_roots()),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={"LANG": "C.UTF-8"},
                limit=_MAX_MESSAGE,
            )
        return self._process

    async def _discard(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.wait()
        # Closes the pipes now rather than when the loop is already gone.
        process._transport.close()  # type: ignore[attr-defined]


def serve() -> None:
    """Answer requests until the input ends."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))
    from .requests import REQUESTS

    for line in sys.stdin.buffer:
        request = json.loads(line)
        try:
            answer = REQUESTS[request.pop("ask")](request)
        except Exception as error:  # noqa: BLE001  the next text must still be read
            answer = {"failure": f"the code could not be analysed ({type(error).__name__})"}
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()
