"""Setting a session's breakpoints: the kernel keeps their conditions, and moves those on lines without code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..models.debug import Breakpoint, BreakpointGiven
from . import answers

if TYPE_CHECKING:
    from .dap import Conversation


async def put(
    talk: Conversation, path: str, given: list[BreakpointGiven], before: list[Breakpoint], seconds: float
) -> list[Breakpoint]:
    """Set the breakpoints of a file, all of them.

    Args:
        talk: With the kernel.
        path: Of the file, as the kernel sees it.
        given: Where they are wanted.
        before: Those that are set now.
        seconds: Within which each request is answered.

    Returns:
        What became of each of ``given``.

    Raises:
        RefusedError: The debugger refuses them.
        SilentError: It does not answer.
        GoneError: The kernel has ended.
        NotUnderstoodError: It answers what makes no sense.
    """
    conditional = {item.line for item in given if item.condition is not None}
    for line in {item.line for item in before if item.condition is not None} - conditional:
        await talk.ask("alphintra/condition", seconds, path=path, line=line, condition="")
    body = await talk.ask(
        "setBreakpoints",
        seconds,
        source={"path": path},
        breakpoints=[item.model_dump(exclude_none=True) for item in given],
        sourceModified=False,
    )
    taken = answers.read(answers.AllTaken, body).breakpoints
    if len(taken) != len(given):
        raise answers.NotUnderstoodError("The debugger took other breakpoints than those it was given.")
    return [_shown(asked, made) for asked, made in zip(given, taken, strict=True)]


def _shown(asked: BreakpointGiven, taken: answers.Taken) -> Breakpoint:
    line = asked.line if taken.line is None else taken.line
    message = None
    if line != asked.line:
        message = f"Line {asked.line} has no code to stop at: moved to line {line}."
    elif not taken.verified:
        message = answers.plain(taken.message or f"The debugger cannot stop at line {line}.")
    return Breakpoint(
        line=line, asked_line=asked.line, condition=asked.condition, verified=taken.verified, message=message
    )
