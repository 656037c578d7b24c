"""Splits and dividends in columns of their own, 0 where nothing happened: beside prices (as of Yahoo), or alone."""

from __future__ import annotations

import re

from alphintra.ingest import habits
from alphintra.ingest.expressions import RATIO
from alphintra.ingest.findings import shown
from alphintra.ingest.habits import keys_of
from alphintra.ingest.mapping import Role
from alphintra.ingest.sniffing import Table, notation_of

_RATIO = re.compile(RATIO, re.IGNORECASE)
_PRICES = {
    name for role in ("open", "high", "low", "close", "adj_close", "price", "bid", "ask") for name in habits.NAMES[role]
} - {"first", "last", "max", "min"}  # fmt: skip
_TIMES = {name for role in ("time", "date", "known_at") for name in habits.NAMES[role]}


def event_columns(table: Table) -> dict[int, Role]:
    """Return which columns hold a kind of event each."""
    keys = keys_of(table.names)
    found: dict[int, Role] = {}
    roles: tuple[tuple[Role, tuple[str, ...]], ...] = (("split", habits.SPLITS), ("dividend", habits.DIVIDENDS))
    for role, names in roles:
        named = (place for name in names for place, key in enumerate(keys) if key == name)
        place = next((place for place in named if _holds(table, place)), None)
        if place is not None:
            found[place] = role
    if not found:  # a ratio by how its cells are written
        values = [place for place, key in enumerate(keys) if key in habits.NAMES["value"]]
        written = [place for place in values if 2 * len(_ratios(table, place)) > len(table.column(place))]
        found |= dict.fromkeys(written[:1], "split")
    return found


def events_alone(table: Table) -> bool:
    """Tell whether columns of splits and dividends are all that a table has of numbers, beside its times."""
    found = event_columns(table)
    keys = keys_of(table.names)
    if not found or not _PRICES.isdisjoint(keys):
        return False
    known = {*_TIMES, *habits.EX_DATES, *habits.ANNOUNCED, *habits.OTHER_DAYS, *habits.NAMES["symbol"]}
    others = (place for place, key in enumerate(keys) if place not in found and key and key not in known)
    return all(not table.column(place) or _share(table, place) < 0.5 for place in others)


def ratio_of(table: Table, place: int) -> str | None:
    """Return how the ratios of a column are to be understood, by its first one that is written as such."""
    cells = _ratios(table, place)
    parts = _RATIO.fullmatch(cells[0]) if cells else None
    return None if parts is None else f"{shown(cells[0])} is {parts[1]} new shares for {parts[2]} old"


def _holds(table: Table, place: int) -> bool:
    cells = table.column(place)
    return not cells or _share(table, place) + len(_ratios(table, place)) / len(cells) > 0.5


def _share(table: Table, place: int) -> float:
    if table.kinds[place] not in ("text", "number"):
        return 0.0
    return 1.0 if table.kinds[place] == "number" else notation_of(table.column(place), table.dialect)[1]


def _ratios(table: Table, place: int) -> list[str]:
    if table.kinds[place] != "text":
        return []
    return [cell for cell in table.column(place) if _RATIO.fullmatch(cell.replace(table.dialect.decimal, "."))]
