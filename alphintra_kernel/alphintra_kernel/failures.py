"""What a cell shows below the traceback of a strategy that raised: its line, the bar, and the way to stand there.

IPython's ``post_run_cell`` event calls it, so that tracebacks, ``%tb``, ``%debug`` and handlers of a trader's own are
as they were. Where Lab's extension is not, HTML says what to run.
"""

from __future__ import annotations

import linecache
from html import escape
from typing import Any

from alphintra.errors import StrategyError
from IPython.core.getipython import get_ipython
from IPython.display import display

MIME_TYPE = "application/vnd.alphintra.failure+json"
#: The cell that stands at the bar.
CODE = "al.post_mortem()"
#: Lines of source before and after the one that raised.
AROUND = 2
#: Characters of a line of source, and of a message.
LONGEST = 300


def show(result: Any) -> None:
    """Take the outcome of a cell: one that ended in a strategy's error is told of."""
    error = getattr(result, "error_in_exec", None)
    if isinstance(error, StrategyError) and error.file and error.line:
        display(bundle(error), raw=True)  # type: ignore[no-untyped-call]


def bundle(error: StrategyError) -> dict[str, Any]:
    """The failure as data for Lab, as HTML without a script, and as text."""
    facts = _facts(error)
    return {MIME_TYPE: facts, "text/html": _html(facts), "text/plain": _text(facts)}


def _facts(error: StrategyError) -> dict[str, Any]:
    from alphintra.repeating import last_failed

    failed = last_failed()
    stands = failed is not None and failed.is_about(error) and error.bar >= 0
    return {
        "version": 1,
        "message": _short(error.message),
        "place": _place(str(error.file)),
        "line": error.line,
        "source": _source(str(error.file), int(error.line or 0)),
        "bar": error.bar,
        "bar_time": error.bar_time,
        "stands": stands,
    }


def _place(file: str) -> str:
    """How a trader knows the file: the cell's number, as the traceback has it."""
    shell = get_ipython()
    cell = None if shell is None else shell.compile.format_code_name(file)
    return file if cell is None else " ".join(cell)


def _source(file: str, line: int) -> list[list[Any]]:
    """``[number, text]`` of the line and those around it, as far as they can be read."""
    lines = linecache.getlines(file)
    first, last = max(1, line - AROUND), min(len(lines), line + AROUND)
    return [[n, _short(lines[n - 1].rstrip("\n"))] for n in range(first, last + 1)]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _when(facts: dict[str, Any]) -> str:
    time = facts["bar_time"]
    return "before the first bar" if time is None else f"at the bar of {time[:16].replace('T', ' ')} UTC"


def _text(facts: dict[str, Any]) -> str:
    told = f"{facts['message']}\n{facts['place']}, line {facts['line']}, {_when(facts)}"
    return told + (f"\n{CODE} stands at the bar before." if facts["stands"] else "")


def _html(facts: dict[str, Any]) -> str:
    rows = "".join(
        f'<div style="{"font-weight:600" if n == facts["line"] else "opacity:.72"}">'
        f"{'→' if n == facts['line'] else ' '} {n:>4}  {escape(text)}</div>"
        for n, text in facts["source"]
    )
    hint = f"<div>Run <code>{CODE}</code> in a cell to stand at the bar before.</div>" if facts["stands"] else ""
    return (
        '<div style="border-left:3px solid #b3261e;padding:2px 0 2px 10px">'
        f"<div><b>{escape(facts['message'])}</b></div>"
        f"<div>{escape(facts['place'])}, line {facts['line']}, {escape(_when(facts))}</div>"
        f'<pre style="margin:4px 0">{rows}</pre>{hint}</div>'
    )
