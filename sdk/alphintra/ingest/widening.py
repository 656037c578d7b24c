"""From the guess of one instrument's columns to that of all, where each instrument has columns of its own."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from alphintra.ingest.findings import shown
from alphintra.ingest.instruments import Layout
from alphintra.ingest.mapping import Column, Mapping, Notation
from alphintra.ingest.roles import Question, Reason
from alphintra.ingest.sniffing import Table, notation_of

if TYPE_CHECKING:
    from alphintra.ingest.guessing import Guess

_PLACE = re.compile(r"columns\[(\d+)\]")
_WAYS = {
    "header": "the header has a row of instruments",
    "names": "the names of columns begin or end with an instrument",
}
_LOOKED_AT = 50


def of_many(one: Guess, table: Table, layout: Layout, places: list[int]) -> Guess:
    """Return the guess of a whole table.

    Args:
        one: The guess of its first instrument, as :meth:`Layout.reduced` has it.
        table: All of it.
        layout: Whose its columns are.
        places: Where in it the columns of ``one`` are.
    """
    at = {place: own for own, place in enumerate(places)}
    of_field = {layout.owners[place][1]: own for place, own in at.items() if layout.owners[place][0]}
    notations = _notations(table, layout, one.mapping, of_field)
    why = dict(layout.left_out)
    columns: list[Column] = []
    for place, (symbol, field) in enumerate(layout.owners):
        own = at.get(place) if not symbol else of_field.get(field)
        if own is None or place in why:
            columns.append(Column(place, table.names[place], "ignore", symbol=symbol))
            continue
        column = replace(one.mapping.columns[own], position=place, source=table.names[place], symbol=symbol)
        columns.append(replace(column, notation=notations.get(field, column.notation)) if symbol else column)

    def moved(field: str) -> str:
        return _PLACE.sub(lambda found: f"columns[{places[int(found[1])]}]", field)

    kept = (own for own in one.reasons if own.field not in ("symbol", "symbol_from"))
    reasons = [replace(own, field=moved(own.field)) for own in kept]
    reasons += [Reason(f"columns[{place}].role", "ignore", 0.5, text) for place, text in why.items()]
    way = _WAYS.get(layout.way, "all are called as instruments are, and hold prices")
    sure = 0.5 if layout.asked else 0.9
    reasons.append(Reason("symbol_from", "columns", sure, f"{way}: {_some(layout)}"))
    questions = [replace(own, field=moved(own.field)) for own in one.questions if own.field != "symbol"]
    if layout.asked:
        questions.append(_question(layout))
    mapping = replace(one.mapping, columns=tuple(columns), symbol_from="columns", symbol="")
    return replace(one, mapping=mapping, reasons=tuple(reasons), questions=tuple(questions))


def asked_of(found: Guess, layout: Layout, is_named: bool) -> Guess:
    """Return a guess that takes columns for one instrument's, with the question whether each is of its own.

    Args:
        found: The guess.
        layout: Whose they may be.
        is_named: Whether the file is called after an instrument.
    """
    questions = found.questions
    if not is_named and all(own.field != "symbol" for own in questions):
        questions = (*questions, Question("symbol", "Which instrument is this?", layout.instruments[:3]))
    return replace(found, questions=(*questions, _question(layout)))


def _question(layout: Layout) -> Question:
    several = _some(layout)
    text = f"Is each column ({several}) the close of an instrument of that name, or are they features of one?"
    if len(set(layout.fields)) > 1:
        text = f"Are {several} instruments, which have columns of their own, or are all columns features of one?"
    return Question("symbol_from", text, ("columns", "name"))


def _some(layout: Layout) -> str:
    names = layout.instruments
    return ", ".join(shown(name, 24) for name in names[:3]) + (f", … ({len(names):,})" if len(names) > 3 else "")


def _notations(table: Table, layout: Layout, mapping: Mapping, of_field: dict[str, int]) -> dict[str, Notation]:
    """Return how numbers of fields are written: as those of one instrument, unless those of others say more."""
    found: dict[str, Notation] = {}
    for place, (symbol, field) in enumerate(layout.owners):
        own = of_field.get(field) if symbol else None
        if own is None or table.kinds[place] != "text" or mapping.columns[own].notation != "plain" or field in found:
            continue
        notation, share = notation_of(table.column(place)[:_LOOKED_AT], table.dialect)
        if notation != "plain" and share > 0.5 and mapping.columns[own].role not in ("ignore", "text"):
            found[field] = notation
    return found


def recalled_columns(new: Mapping, old: Mapping) -> tuple[Column, ...] | None:
    """Return the columns of a file as those of one with the same fields were read, of the same instruments or others.

    Args:
        new: The guess of the file.
        old: The mapping of the other one.

    Returns:
        The columns; ``None`` if the files do not have the same fields.
    """
    ours, theirs = (_of_fullest(mapping) for mapping in (new, old))
    if len(ours) != len(theirs):
        return None
    fields = {_field(own): then for own, then in zip(ours, theirs, strict=True)}
    sources = {column.source: column for column in old.columns}
    columns = []
    for column in new.columns:
        own = sources.get(column.source)
        if column.symbol and own is not None and own.role == "ignore" and not own.symbol:
            columns.append(replace(column, role="ignore", name="", symbol=""))  # it was left out
            continue
        then = fields.get(_field(column)) if column.symbol else own
        if then is None or (column.role == "ignore" and not any(_field(column) == _field(own) for own in ours)):
            columns.append(column)
            continue
        symbol = column.symbol and (own.symbol if own is not None and own.symbol else column.symbol)
        columns.append(replace(then, position=column.position, source=column.source, symbol=symbol))
    return tuple(columns)


def _of_fullest(mapping: Mapping) -> list[Column]:
    counts = Counter(column.symbol for column in mapping.columns if column.symbol)
    most = max(counts, key=lambda symbol: counts[symbol], default="")
    return [column for column in mapping.columns if most and column.symbol == most]


def _field(column: Column) -> str:
    """Return what the name of a column says beside its instrument."""
    whole, at = column.source, column.source.find(column.symbol)
    ends = whole.endswith(column.symbol)
    return whole[: len(whole) - len(column.symbol)] if ends else whole[at + len(column.symbol) :] if at >= 0 else whole
