"""A check for look-ahead as text and as static HTML; everything in it is escaped."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

from .html_parts import MUTED
from .look import ERROR, GAIN, WARNING

if TYPE_CHECKING:
    from alphintra.checking import Check, Difference

BOX = "font-family:system-ui,sans-serif;font-size:14px;line-height:1.45;max-width:1100px"
CHIP = "display:inline-block;padding:1px 9px;border-radius:10px;color:#fff"
CELL = "padding:2px 10px 2px 0;text-align:left;vertical-align:top"


def when(time: datetime) -> str:
    """A time in UTC, to the minute unless it has seconds."""
    return f"{time:%Y-%m-%d %H:%M:%S}".removesuffix(":00") + " UTC"


def shown(value: float | str | None) -> str:
    """A value of one side."""
    if value is None:
        return "–"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def plain(check: Check) -> str:
    """Return the verdict, then each difference and note on a line of its own."""
    lines = [f"<Check {check.strategy} on {check.data}: {_verdict(check)}>"]
    for found in check.differences:
        lines.append(f"- {found.text} {found.hint}")
        if found.kind != "error":
            lines.append(f"  all data: {shown(found.whole)}; {_second(found)}: {shown(found.part)}")
    return "\n".join([*lines, *(f"- {note}" for note in check.notes)])


def _verdict(check: Check) -> str:
    return f"{'passed' if check.passed else 'FAILED'}, {check.summary}"


def _second(found: Difference) -> str:
    return "the second time" if found.cut is None else f"data up to {when(found.cut)}"


def html(check: Check) -> str:
    """Return the same as static HTML without scripts or style sheets; text takes the page's own colour."""
    colour = ERROR if check.differences else GAIN if check.passed and not check.notes else WARNING
    word = "passed" if check.passed else "failed" if check.differences else "not checked"
    parts = [
        f'<div style="{BOX}"><div><span style="{CHIP};background:{colour}">{word}</span> '
        f"<b>{escape(check.strategy)}</b> on {escape(check.data)}: {escape(check.summary)}</div>"
    ]
    for found in check.differences:
        parts.append(f'<div style="border-left:3px solid {ERROR};padding-left:8px;margin:6px 0">')
        parts.append(f"{escape(found.text)} {escape(found.hint)}")
        if found.kind != "error":
            parts.append(
                f'<div style="{MUTED};font-variant-numeric:tabular-nums">{escape(when(found.time))}: '
                f"all data: {escape(shown(found.whole))}; {escape(_second(found))}: {escape(shown(found.part))}</div>"
            )
        parts.append("</div>")
    for note in check.notes:
        parts.append(f'<div style="border-left:3px solid {WARNING};padding-left:8px;margin:6px 0">{escape(note)}</div>')
    if check.points:
        rows = "".join(
            f'<tr><td style="{CELL}">{escape(when(p.time))}</td><td style="{CELL}">{escape(p.why)}</td>'
            f'<td style="{CELL}">{"same" if p.ok else "different"}</td></tr>'
            for p in check.points
        )
        head = "".join(f'<th scope="col" style="{CELL}">{name}</th>' for name in ("Data up to", "Chosen for", "Result"))
        parts.append(
            f'<table style="border-collapse:collapse;font-size:.9em;font-variant-numeric:tabular-nums">'
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )
    return "".join([*parts, "</div>"])
