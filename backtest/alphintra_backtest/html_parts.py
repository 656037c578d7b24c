"""Pieces of HTML that the notebook's static form and the report share; everything in them is escaped."""

from __future__ import annotations

from html import escape
from typing import Any

from alphintra_backtest.formats import duration, text
from alphintra_backtest.look import ERROR, WARNING

View = dict[str, Any]

MUTED = "opacity:.72"
_CHIP = "display:inline-block;padding:1px 9px;border-radius:10px;margin:0 6px 4px 0"
_LEFT = {"text", "time"}


def header(view: View, tag: str) -> str:
    """Return strategy, data, dates, parameters, profile and time of the run."""
    head = view["header"]
    bars = f"{text(head['bars'], 'integer')} bar{'' if head['bars'] == 1 else 's'}"
    dates = f"{head['start']} → {head['end']}"
    facts = " · ".join((head["dataset"], dates, bars, duration(head["seconds"])))
    chips = [*head["parameters"].items(), ("profile", head["profile"])]
    chip_html = "".join(
        f'<span style="{_CHIP};border:1px solid rgba(128,128,128,.45)">{escape(str(name))} '
        f"<b>{escape(_parameter(value))}</b></span>"
        for name, value in chips
    )
    made = f"run {head['run_id']} · {head['created_at']} · times in {head['timezone']}"
    return (
        f'<{tag} style="margin:0;font-size:1.3em">{escape(head["strategy"])}</{tag}>'
        f'<div style="{MUTED};margin:2px 0 6px">{escape(facts)}</div>'
        f"<div>{chip_html}</div>"
        f'<div style="{MUTED};font-size:.85em">{escape(made)}</div>'
    )


def _parameter(value: Any) -> str:
    """Write a parameter as the trader wrote it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def warnings(view: View) -> str:
    """Return the warnings: errors on red, warnings on brown, white text on both in any theme."""
    chips = []
    for warning in view["warnings"]:
        color = ERROR if warning["level"] == "error" else WARNING
        chip = f'<span style="{_CHIP};background:{color};color:#fff">{escape(warning["text"])}</span>'
        items = "".join(f"<li>{escape(item)}</li>" for item in warning["items"])
        if items:
            chip = (
                f'<details style="display:inline-block;vertical-align:top"><summary>{chip}</summary>'
                f'<ul style="margin:2px 0 6px">{items}</ul></details>'
            )
        chips.append(chip)
    return f'<div style="margin:8px 0">{"".join(chips)}</div>' if chips else ""


def figures(view: View) -> str:
    """Return the headline figures, each with the benchmark's, its note and its definition."""
    cells = []
    for figure in view["figures"]:
        value = text(figure["value"], figure["format"], signed=figure["signed"])
        below = [figure["reason"]] if figure["value"] is None and figure["reason"] else []
        if figure["benchmark"] is not None:
            other = text(figure["benchmark"], figure["format"], signed=figure["signed"])
            below.append(f"bench {other}")
        if figure["note"]:
            below.append(figure["note"])
        cells.append(
            f'<div style="flex:1 1 96px;padding:4px 10px 4px 0" title="{escape(figure["definition"])}">'
            f'<div style="{MUTED};font-size:.85em">{escape(figure["label"])}</div>'
            f'<div style="font-size:1.25em;font-weight:600;white-space:nowrap">{escape(value)}</div>'
            f'<div style="{MUTED};font-size:.8em">{escape(" · ".join(below))}</div></div>'
        )
    border = "border-top:1px solid rgba(128,128,128,.35);border-bottom:1px solid rgba(128,128,128,.35)"
    return (
        f'<div style="display:flex;flex-wrap:wrap;{border};padding:4px 0;'
        f'font-variant-numeric:tabular-nums">{"".join(cells)}</div>'
    )


def table(content: View, rows: list[list[Any]], caption: str) -> str:
    """Return a table of the view, numbers right-aligned."""
    columns = content["columns"]
    aligned = ["left" if column["format"] in _LEFT else "right" for column in columns]
    head = "".join(
        f'<th scope="col" style="text-align:{side};padding:2px 8px">{escape(column["label"])}</th>'
        for column, side in zip(columns, aligned, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="text-align:{side};padding:2px 8px">'
            f"{escape(text(cell, column['format'], signed=column['signed']))}</td>"
            for cell, column, side in zip(row, columns, aligned, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    note = f'<caption style="text-align:left;padding:4px 8px;{MUTED}">{escape(caption)}</caption>'
    return (
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;font-size:.9em;'
        f'font-variant-numeric:tabular-nums;white-space:nowrap">{note}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def omissions(view: View) -> str:
    """Return what the charts leave out, in a sentence."""
    left = view["charts"]["omitted"]
    if not left:
        return ""
    return f'<div style="{MUTED};font-size:.85em">Not drawn: {escape("; ".join(left))}.</div>'


def counted(number: int, noun: str) -> str:
    """Return ``1 trade``, ``12 trades``."""
    return f"{text(number, 'integer')} {noun}{'' if number == 1 else 's'}"
