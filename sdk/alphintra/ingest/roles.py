"""Which role each column is likely to have: by its name, by its shape, by its cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from alphintra.ingest import habits, symbols
from alphintra.ingest.findings import shown
from alphintra.ingest.habits import folded, keys_of
from alphintra.ingest.instruments import names_none
from alphintra.ingest.mapping import OF_EVENTS, RATIOS, WIDE, Kind, Role
from alphintra.ingest.sniffing import Table, notation_of
from alphintra.ingest.stamps import Stamp, Stamps, events_place
from alphintra.ingest.wide_events import event_columns, events_alone, ratio_of

PRICES: tuple[Role, ...] = ("open", "high", "low", "close", "adj_close")
PRICED: tuple[Role, ...] = (*PRICES, "price", "bid", "ask")
NUMBERS: tuple[Role, ...] = (*PRICES, "volume", "price", "size", "bid", "ask", "bid_size", "ask_size")
_QUOTES: tuple[Role, ...] = ("size", "bid", "ask", "bid_size", "ask_size")
_LETTERS = {"o", "h", "l", "c"}
#: Orders in which bars without names are written: everybody's, Bitfinex' (and KuCoin's, Huobi's), Coinbase's.
_ORDERS: tuple[tuple[Role, ...], ...] = (
    ("open", "high", "low", "close"), ("open", "close", "high", "low"), ("low", "high", "open", "close"),
)  # fmt: skip
_QUOTED: tuple[Role, ...] = ("bid", "ask")
#: What a column is called whose numbers are names.
_IDENTIFIER = re.compile(r"(id|seq|sequence|number|nr|no|ref)$")
#: What numbers alone could be, and no symbol is: the name of a coin.
_NO_CODES = ("name", "market", "pair", "asset")


@dataclass(frozen=True)
class Reason:
    """Why a guess is as it is.

    Attributes:
        field: What was guessed: ``zone``, or ``columns[2].role``.
        value: The guess.
        confidence: From 0 to 1; below 0.9 it should be looked at.
        reason: Why, in one sentence.
    """

    field: str
    value: str
    confidence: float
    reason: str


@dataclass(frozen=True)
class Question:
    """What only the user knows.

    Attributes:
        field: The field of the mapping.
        text: The question.
        choices: Some answers.
    """

    field: str
    text: str
    choices: tuple[str, ...] = ()


@dataclass
class Draft:
    """A guess in the making."""

    table: Table
    roles: list[Role]
    names: list[str]
    reasons: dict[str, Reason] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    formats: dict[int, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def say(self, field: str, value: str, confidence: float, reason: str) -> None:
        """Give the reason for a guess; the last one counts."""
        self.reasons[field] = Reason(field, value, confidence, reason)

    def claim(self, place: int, role: Role, confidence: float, reason: str) -> None:
        """Give a column a role."""
        self.roles[place] = role
        self.say(f"columns[{place}].role", role, confidence, reason)

    def free(self, place: int) -> bool:
        """Tell whether nothing was said of a column yet."""
        return f"columns[{place}].role" not in self.reasons


def by_event(draft: Draft, stamps: Stamps) -> None:
    """Give roles to the columns of a table of events."""
    table = draft.table
    kind = events_place(table)
    if kind is None:
        _by_columns(draft, stamps)
        return
    draft.claim(kind, "event", 0.95, "its cells are kinds of events")
    keys = keys_of(table.names)
    roles: tuple[Role, ...] = ("value", "new_symbol", "source")
    for role in roles:
        named = (place for name in habits.NAMES[role] for place, key in enumerate(keys) if key == name)
        place = next((place for place in named if draft.free(place)), None)
        ratio = None if place is None or role != "value" else ratio_of(table, place)
        if place is not None and (role != "value" or ratio is not None or _suits(table, place, role, "")):
            draft.claim(place, role, 0.9, f"it is called {shown(table.names[place])}")
            _say_ratio(draft, place)
    _known(draft, stamps, keys)


def _by_columns(draft: Draft, stamps: Stamps) -> None:
    """Give roles to columns of one kind of event each; beside prices they are left out, and said."""
    table = draft.table
    alone = events_alone(table)
    for place, role in event_columns(table).items():
        called = f"it is called {shown(table.names[place])}"
        if alone:
            draft.claim(place, role, 0.9, called)
            _say_ratio(draft, place)
        elif not habits.BARS.isdisjoint(keys_of(table.names)):
            what = f"{role}s are no prices: to trade through them, have the file read a second time as reference data"
            draft.claim(place, "ignore", 0.9, what)
            draft.say(f"columns[{place}].event", role, 0.9, called)
    if alone:
        _known(draft, stamps, keys_of(table.names))


def _say_ratio(draft: Draft, place: int) -> None:
    ratio = ratio_of(draft.table, place) if draft.roles[place] in RATIOS else None
    if ratio is not None:
        draft.say(f"columns[{place}].ratio", draft.roles[place], 0.95, ratio)


def _known(draft: Draft, stamps: Stamps, keys: Sequence[str]) -> None:
    """Find from when, and until when, the events of a table were known."""
    table = draft.table
    known: tuple[tuple[Role, tuple[str, ...]], ...] = (
        ("known_at", (*habits.NAMES["known_at"], *habits.ANNOUNCED)), ("known_to", habits.NAMES["known_to"]),
    )  # fmt: skip
    for role, names in known:
        for place, key in enumerate(keys):
            stamp = stamps.of(table, place, key) if key in names and draft.free(place) else None
            if stamp is not None and role not in draft.roles:
                draft.claim(place, role, 0.9, f"it is called {shown(table.names[place])}")
                draft.formats[place] = stamp.formats[0]


def by_name(draft: Draft, stamps: Stamps) -> None:
    """Give roles by the names of columns."""
    table = draft.table
    keys = keys_of(table.names)
    letters = set(keys) >= _LETTERS
    bars = {name for name in (*habits.NAMES["open"], *habits.NAMES["high"]) if len(name) > 1}
    has_bars = letters or not bars.isdisjoint(keys)
    has_quotes = any(key in habits.NAMES["bid"] for key in keys)
    roles: tuple[Role, ...] = ("symbol", *NUMBERS)
    for role in roles:
        if (role in _QUOTES and has_bars) or (role == "close" and has_quotes and not has_bars):
            continue
        for name in habits.NAMES[role]:
            place = next((p for p, key in enumerate(keys) if key == name and draft.free(p)), None)
            alone = len(name) == 1 and name.isascii() and not letters
            if place is None or alone or not _suits(table, place, role, name):
                continue
            if role == "volume" and set(table.column(place)) <= {"0", "0.0"}:
                continue  # MetaTrader's volume where a broker knows ticks alone
            if role != "price" or not has_bars:
                sure = 0.98 if role == "symbol" or _share(table, place) == 1 else 0.6
                draft.claim(place, role, sure, f"it is called {shown(table.names[place])}")
            elif "close" not in draft.roles:
                draft.claim(place, "close", 0.9, "it is called price, and no other column is the close")
            break
    if "volume" not in draft.roles and "close" in draft.roles:
        for place, key in enumerate(keys):
            coin = habits.BASE_VOLUME.fullmatch(key)
            if coin is None or names_none(coin["coin"]):
                continue
            if draft.free(place) and _suits(table, place, "volume", key):
                draft.claim(place, "volume", 0.85, f"it is called {shown(table.names[place])}, and no other the volume")
                break
    if "symbol" not in draft.roles:
        for place, key in enumerate(keys):
            if symbols.is_strong(key) and draft.free(place) and _suits(table, place, "symbol", key):
                draft.claim(place, "symbol", 0.9, f"it is called {shown(table.names[place])}")
                break
    for place, key in enumerate(keys):
        stamp = stamps.of(table, place, key) if key in habits.NAMES["known_at"] and draft.free(place) else None
        # FRED's realtime_start is the day of the download, unless vintages were asked for.
        one = key == "realtime_start" and len(set(table.column(place))) == 1 < len(table.rows)
        if stamp is not None and not one and "known_at" not in draft.roles:
            draft.claim(place, "known_at", 0.8, f"it is called {shown(table.names[place])}")
            draft.formats[place] = stamp.formats[0]


def by_shape(draft: Draft, stamp: Stamp | None) -> None:
    """Give roles to columns without names: four numbers that are a bar, then its volume; or a bid and an ask."""
    table = draft.table
    free = [place for place in range(len(table.names)) if draft.free(place)]
    texts = [place for place in free if symbols.cells_of(table, place) and _share(table, place) < 0.5]
    if texts and _suits(table, texts[0], "symbol", ""):
        draft.claim(texts[0], "symbol", 0.7, "it is the first column of text")
    numbers = [place for place in free if place not in texts and table.column(place)]
    order = next((own for own in _ORDERS if len(numbers) >= 4 and _ordered(table, numbers, own)), None)
    if order is not None:
        what = "open, high, low, close" if order == _ORDERS[0] else ", ".join(order)
        sure = 0.8 if order == _ORDERS[0] else 0.6
        for place, role in zip(numbers, order, strict=False):
            draft.claim(place, role, sure, f"no name, but four numbers in a row are a bar in all rows: {what}")
        rest = numbers[4:]
        bar = sorted(numbers[:4], key=lambda place: ("open", "high", "low", "close").index(draft.roles[place]))
        if len(rest) > 1 and is_bar(table, (rest[0], *bar[1:3], rest[0])):
            draft.claim(rest[0], "feature", 0.7, "it is between low and high in all rows: an average price, no volume")
            rest = rest[1:]
        if rest:
            draft.claim(rest[0], "volume", sure, "no name, but four numbers before it are a bar in all rows")
    elif stamp is not None and not stamp.daily and len(numbers) in (2, 3) and _are_quotes(table, numbers):
        for place, role in zip(numbers, _QUOTED, strict=False):
            draft.claim(place, role, 0.6, "no name, but the second of two numbers is just above the first in all rows")


def by_cells(draft: Draft) -> None:
    """Decide about the columns that have no role: numbers are features."""
    seen: dict[str, int] = {}
    for place, name in enumerate(draft.table.names):
        if draft.free(place):
            _by_cells(draft, place, folded(name))
        if draft.roles[place] in ("feature", "label", "text"):
            own = draft.names[place].casefold()
            if own and own in seen:
                draft.claim(place, "ignore", 0.5, f"column {seen[own] + 1} has the same name")
            seen.setdefault(own, place)


def kind_of(draft: Draft, resolution: str) -> Kind:
    """Decide whether a table is bars, ticks, features or reference data, and give back what does not fit."""
    roles = set(draft.roles)
    if roles & {"event", *WIDE}:
        for place, role in enumerate(draft.roles):
            if role not in ("time", "date", "symbol", "known_at", *OF_EVENTS, "ignore"):
                draft.claim(place, "ignore", 0.7, "events have no such column")
        each = "a column says what kind of event each row is"
        draft.say("kind", "reference", 0.95, each if "event" in roles else "its columns are splits or dividends")
        return "reference"
    if "close" in roles:
        draft.say("kind", "bars", 0.95, "there is a close")
        return "bars"
    # One price a day with a volume is a bar, whatever is called a size is that of a trade.
    traded = "price" in roles and (resolution == "time" or "size" in roles)
    if {"bid", "ask"} <= roles or traded:
        if "volume" in roles and "size" not in roles:
            draft.claim(draft.roles.index("volume"), "size", 0.8, "the volume of one trade is its size")
        draft.say("kind", "ticks", 0.85, "there are prices without open, high and low")
        return "ticks"
    if "price" in roles and "known_at" not in roles:
        draft.claim(draft.roles.index("price"), "close", 0.7, "one price a day is a close")
        draft.say("kind", "bars", 0.7, "there is one price a day")
        return "bars"
    for place, role in enumerate(draft.roles):
        if role in NUMBERS:
            draft.claim(place, "feature", 0.7, "it is called a price, but there is no close")
    draft.say("kind", "features", 0.7, "there are no prices")
    return "features"


def _share(table: Table, place: int) -> float:
    """Return the share of cells that are numbers."""
    return 1.0 if table.kinds[place] == "number" else notation_of(table.column(place), table.dialect)[1]


def _suits(table: Table, place: int, role: Role, name: str) -> bool:
    """Tell whether the cells of a column can be what its name says."""
    if table.kinds[place] not in ("text", "number"):
        return False
    if role == "symbol":
        found, strong = symbols.cells_of(table, place), symbols.is_strong(name)
        few = strong or len(set(found)) <= max(20, len(found) // 2)
        alike = len({len(cell) for cell in found}) == 1 and name not in _NO_CODES
        codes = _share(table, place) < 1 or strong or alike
        return bool(found) and few and codes
    cells = table.column(place)
    return not cells or _share(table, place) > 0


def _ordered(table: Table, numbers: Sequence[int], order: Sequence[Role]) -> bool:
    return is_bar(table, [numbers[order.index(role)] for role in ("open", "high", "low", "close")])


def _are_quotes(table: Table, places: Sequence[int]) -> bool:
    """Tell whether the second of two numbers is above the first, by two in a hundred at most, in all rows."""
    some = False
    for row in table.rows:
        try:
            bid, ask = (float(row[place] or "nan") for place in places[:2])
        except ValueError:
            return False
        if not 0 < bid <= ask <= 1.02 * bid:
            return False
        some = some or bid < ask
    return some


def is_bar(table: Table, places: Sequence[int]) -> bool:
    """Tell whether four columns are open, high, low and close of bars in all rows."""
    for row in table.rows:
        try:
            opened, high, low, close = (float(row[place] or "nan") for place in places)
        except ValueError:
            return False
        if not low <= min(opened, close) <= max(opened, close) <= high:
            return False
    return True


def _by_cells(draft: Draft, place: int, key: str) -> None:
    table = draft.table
    cells = table.column(place)
    kind = table.kinds[place]
    if key == "ignore" or (not cells and not key):
        draft.claim(place, "ignore", 0.95, "its name says so" if key else "it has no name and no cells")
    elif not key and table.header and _counts(cells):
        draft.claim(place, "ignore", 0.9, "it has no name and counts rows")
    elif kind in ("nested", "binary"):
        draft.claim(place, "ignore", 0.95, f"it is {kind}")
    elif kind not in ("text", "number") or key in (*habits.NAMES["time"], *habits.NAMES["date"]):
        draft.claim(place, "ignore", 0.7, "it is another time")
    elif habits.LABELS.search(key) and _share(table, place) > 0.5:
        draft.claim(place, "label", 0.6, "its name says that it looks ahead: strategies do not see it")
    elif not cells:
        draft.claim(place, "feature", 0.5, "its cells are empty")
    elif _IDENTIFIER.search(key) and any(_is_large(cell) for cell in cells) and _share(table, place) == 1:
        draft.claim(place, "text", 0.7, "its numbers are names, too long for numbers that are kept to 15 digits")
    elif (share := _share(table, place)) > 0.5:
        text = "its cells are numbers" if share == 1 else f"{share:.0%} of its cells are numbers"
        draft.claim(place, "feature", 0.9 if share == 1 else 0.6, text)
    else:
        draft.claim(place, "text", 0.8, "its cells are text")


def _is_large(cell: str) -> bool:
    """Tell whether a cell is a whole number that a double does not hold to the last digit."""
    return len(cell) >= 16 and cell.isdecimal() and int(cell) >= 1 << 53


def _counts(cells: Sequence[str]) -> bool:
    """Tell whether cells are numbers that rise by one, as far as the first rows show."""
    head = cells[:250]
    if not all(cell.isdigit() for cell in head):
        return False
    return [int(cell) - int(head[0]) for cell in head] == list(range(len(head)))
