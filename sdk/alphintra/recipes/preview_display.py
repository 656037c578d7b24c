"""How a preview looks in a cell: what each step did, and what has to be known."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from alphintra.data.display import BOX, bundle_of, table

if TYPE_CHECKING:
    from alphintra.recipes.effects import Effect
    from alphintra.recipes.leaking import Leak
    from alphintra.recipes.previewing import Preview

_HEADINGS = ("Step", "Kind", "Rows in", "Rows out", "Added", "Removed", "Cells changed", "New columns")
_WARNING = '<div style="border-left:3px solid #c9731f;padding-left:8px;margin:4px 0">{}</div>'
_MOST_COLUMNS = 5


def text(preview: Preview) -> str:
    """Return a line for each step, and for each that looks ahead."""
    lines = [_line(effect) for effect in preview.effects]
    return "\n".join([*lines, *_warnings(preview)])


def bundle(preview: Preview, include: Any = None, exclude: Any = None) -> dict[str, Any]:
    """Return text and HTML of a preview, as IPython asks for them."""
    return bundle_of({"text/plain": lambda: text(preview), "text/html": lambda: html(preview)}, include, exclude)


def plain(rows: Any, most: int) -> dict[str, Any]:
    """Return the first rows of an Arrow table as JSON's values: times as text, what is missing as null."""
    from alphintra.store.sampling import cells

    some = rows.slice(0, most)
    kinds = {"date32[day]": "date32", "timestamp[us, tz=UTC]": "timestamp[us, UTC]"}
    columns = [cells(some[field.name], kinds.get(str(field.type), "")) for field in some.schema]
    return {"columns": some.column_names, "rows": [list(row) for row in zip(*columns, strict=True)]}


def html(preview: Preview) -> str:
    """Return a table of the steps as static HTML."""
    rows = [
        (
            str(effect.step), effect.kind, f"{effect.rows_in:,}", f"{effect.rows_out:,}",
            *(f"{count:,}" if count else "" for count in (effect.rows_added, effect.rows_removed)),
            _cells(effect), _few(effect.columns_added),
        )
        for effect in preview.effects
    ]  # fmt: skip
    notes = _warnings(preview) + [note for effect in preview.effects for note in effect.notes]
    parts = [f'<div style="{BOX}">', table(_HEADINGS, rows, right=(0, 2, 3, 4, 5))]
    return "".join([*parts, *(_WARNING.format(escape(note)) for note in notes), "</div>"])


def _warnings(preview: Preview) -> list[str]:
    if not preview.tried:
        return ["whether a step looks ahead was not tried: the sample has no rows after the training part, or too few"]
    return [_leak(leak) for leak in preview.leaks]


def _line(effect: Effect) -> str:
    parts = [f"step {effect.step} ({effect.kind}): {effect.rows_in:,} rows in, {effect.rows_out:,} out"]
    if effect.cells_changed:
        parts.append(f"cells changed: {_cells(effect)}")
    if effect.columns_added:
        parts.append(f"new: {_few(effect.columns_added)}")
    return "; ".join([*parts, *effect.notes])


def _cells(effect: Effect) -> str:
    return _few([f"{name} {count:,}" for name, count in effect.cells_changed.items()])


def _few(items: list[str]) -> str:
    more = len(items) - _MOST_COLUMNS
    return ", ".join(items[:_MOST_COLUMNS]) + (f" and {more} more" if more > 0 else "")


def _leak(leak: Leak) -> str:
    what = f"column {leak.column}, first at {leak.time}" if leak.column else "which rows there are"
    return (
        f"step {leak.step} ({leak.kind}) looks ahead: on {leak.symbol}, {what} changed "
        f"with what became known after {leak.until}"
    )
