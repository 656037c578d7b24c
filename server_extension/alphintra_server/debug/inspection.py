"""What may be asked about a run that stands: it runs the trader's code, which may raise, or never end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

from ..errors import Invalid
from ..models.debug import DebugVariable
from . import answers, dap
from .stack import Stack

_ANSWER_SECONDS = 20.0
_GRACE_SECONDS = 3.0
"""How long what was interrupted has to end."""


class UnendingError(Exception):
    """What was asked can neither be answered nor interrupted."""


class Inspection:
    """Asks one thing after the other; each may raise what :meth:`Conversation.ask` does, and ``NotUnderstoodError``.

    Args:
        talk: With the kernel.
        interrupt: Interrupts what runs in it.
        stack: Of the run that stands.
        seconds: After which the kernel interrupts what it evaluates.
    """

    def __init__(
        self, talk: dap.Conversation, interrupt: Callable[[], Awaitable[None]], stack: Stack, seconds: float
    ) -> None:
        self._talk, self._interrupt, self._stack, self._seconds = talk, interrupt, stack, seconds

    async def evaluate(self, expression: str, frame: int) -> answers.Value:
        """Evaluate an expression in a function on the stack.

        Raises:
            Invalid: It raised, or it was interrupted.
            UnendingError: It was not even interrupted.
        """
        number = self._stack.frame(frame)
        began = time.monotonic()
        try:
            body = await self._ask_code("evaluate", expression=expression, frameId=number, context="repl")
        except dap.RefusedError as error:
            raise self._raised(answers.plain(str(error)).strip(), time.monotonic() - began) from None
        return answers.read(answers.Value, body)

    def _raised(self, text: str, seconds: float) -> Invalid:
        if text.endswith("KeyboardInterrupt") and seconds >= self._seconds:
            message = f"did not end within {self._seconds:g} s and was interrupted"
            return Invalid.field("expression", message, code="EXPRESSION_TIMEOUT")
        last = text.splitlines()[-1] if text else "failed"
        return Invalid.field("expression", last, code="EXPRESSION_RAISED", extra={"traceback": text})

    async def variables(self, frame: int, reference: int | None) -> list[DebugVariable]:
        """List the variables of a function on the stack, or what is in one of them.

        Raises:
            Invalid: There is no such function or variable.
            UnendingError: To show one never ends.
        """
        number = self._stack.frame(frame)
        try:
            if reference is None:
                body = await self._talk.ask("scopes", _ANSWER_SECONDS, frameId=number)
                scopes = answers.read(answers.Scopes, body).scopes
                reference = next((scope.reference for scope in scopes if scope.name == "Locals"), 0)
            body = await self._ask_code("variables", variablesReference=reference)
        except dap.RefusedError as error:
            text = f"cannot be shown: {answers.plain(str(error))}"
            raise Invalid.field("reference", text, code="NO_VARIABLE") from None
        return self._stack.shown(answers.read(answers.Variables, body))

    async def _ask_code(self, command: str, **arguments: Any) -> Any:
        most = self._seconds + _GRACE_SECONDS
        asking = asyncio.ensure_future(self._talk.ask(command, most + _GRACE_SECONDS, **arguments))
        await asyncio.wait({asking}, timeout=most)
        if not asking.done():
            with contextlib.suppress(RuntimeError):  # it has just ended
                await self._interrupt()
        try:
            return await asking
        except dap.SilentError:
            raise UnendingError from None
