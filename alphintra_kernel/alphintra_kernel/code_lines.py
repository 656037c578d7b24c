"""Where a breakpoint can stop: the lines of a source that have code."""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType


def nearest(code: CodeType, line: int) -> int:
    """The line to stop at in place of ``line``: itself where it has code, else the next one of the same function.

    Where nothing follows in the function, the last one before; the line itself where the source has no code at all.
    """
    span = _innermost(code, line)
    lines = sorted(_own_lines(span))
    after = next((n for n in lines if n >= line), None)
    if after is not None:
        return after
    return lines[-1] if lines else line


def _innermost(code: CodeType, line: int) -> CodeType:
    """The function around a line, or the module."""
    for inner in _functions(code):
        lines = _all_lines(inner)
        if inner.co_firstlineno < line <= max(lines, default=0):
            return _innermost(inner, line)
    return code


def _functions(code: CodeType) -> Iterator[CodeType]:
    return (c for c in code.co_consts if isinstance(c, CodeType))


def _own_lines(code: CodeType) -> set[int]:
    """Lines at which the code itself stops: not the ``def`` that it begins with, nor what is inside of it."""
    lines = {line for _, _, line in code.co_lines() if line}
    return lines if code.co_name == "<module>" else lines - {code.co_firstlineno} or lines


def _all_lines(code: CodeType) -> set[int]:
    lines = {line for _, _, line in code.co_lines() if line}
    for inner in _functions(code):
        lines |= _all_lines(inner)
    return lines
