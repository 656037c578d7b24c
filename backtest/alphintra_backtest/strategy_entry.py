"""Where a strategy's ``on_bar`` begins in its source."""

from __future__ import annotations


def first_line(strategy: type) -> tuple[str, int] | None:
    """File and line of the first statement of ``on_bar``; ``None`` where it has no code."""
    code = getattr(getattr(strategy, "on_bar", None), "__code__", None)
    if code is None:
        return None
    lines = sorted({line for _, _, line in code.co_lines() if line and line > code.co_firstlineno})
    return code.co_filename, lines[0] if lines else code.co_firstlineno
