"""Tables of the view as tables of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alphintra_backtest.study import Column, Table


def from_view(
    content: Mapping[str, Any], name: str, title: str, *, without: Sequence[str] = (), note: str = "", ends: bool = True
) -> Table:
    """Return a table of the view's payload.

    Args:
        content: ``{columns, rows, total, omitted}``.
        name: Short identifier.
        title: Its caption.
        without: Columns to leave out; also left out are those without any value.
        note: A sentence below it.
        ends: Whether the total is that of the view.
    """
    columns, rows = content["columns"], content["rows"]
    keep = [
        i
        for i, column in enumerate(columns)
        if column["name"] not in without and (not rows or any(row[i] not in (None, "") for row in rows))
    ]
    said = f"{content['omitted'][0].upper()}{content['omitted'][1:]}." if content.get("omitted") and ends else ""
    return Table(
        name,
        title,
        [Column(columns[i]["name"], columns[i]["label"], columns[i]["format"], columns[i]["signed"]) for i in keep],
        [[row[i] for i in keep] for row in rows],
        note=" ".join(part for part in (said, note) if part),
    )
