"""What the columns of a file are likely to be: each guess with how sure it is, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from alphintra.ingest import habits
from alphintra.ingest.findings import shown
from alphintra.ingest.habits import Habit, folded, symbol_of
from alphintra.ingest.mapping import RESERVED, Column, Format, Mapping, Resolution, Role
from alphintra.ingest.sniffing import Table, notation_of
from alphintra.ingest.stamps import Stamp, Stamps

_PRICES: tuple[Role, ...] = ("open", "high", "low", "close", "adj_close")
_NUMBERS: tuple[Role, ...] = (*_PRICES, "volume", "price", "size", "bid", "ask", "bid_size", "ask_size")
_TICK_ROLES = {"price", "bid", "ask"}


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


@dataclass(frozen=True)
class Guess:
    """A mapping, why it is so, and what is left to ask.

    Attributes:
        mapping: May not pass its own check while questions are open.
        reasons: One for each guess.
        questions: What has to be answered before the file is read.
    """

    mapping: Mapping
    reasons: tuple[Reason, ...]
    questions: tuple[Question, ...]

    @property
    def confidence(self) -> float:
        """That of the least sure guess."""
        return min((reason.confidence for reason in self.reasons), default=0.0)


@dataclass
class _Draft:
    """A guess in the making."""

    table: Table
    roles: list[Role]
    names: list[str]
    reasons: list[Reason] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    def say(self, field: str, value: str, confidence: float, reason: str) -> None:
        self.reasons.append(Reason(field, value, confidence, reason))

    def claim(self, place: int, role: Role, confidence: float, reason: str) -> None:
        self.roles[place] = role
        self.say(f"columns[{place}].role", role, confidence, reason)


def guess(table: Table, form: Format, stem: str, stamps: Stamps, confirm: Callable[[int, Stamp], Stamp]) -> Guess:
    """Guess what a file is.

    Args:
        table: Its sample.
        form: Its format.
        stem: Its name without folders and suffixes.
        stamps: Recognises times in cells.
        confirm: Decides over all of a column which of several formats its times are in.
    """
    width = len(table.names)
    draft = _Draft(table, ["ignore"] * width, [name.strip() for name in table.names])
    habit = _habit(table, stem, stamps)
    if habit is not None and habit.roles is not None:
        for place, role in enumerate(habit.roles[:width]):
            draft.claim(place, role, 0.9, f"the layout of {habit.name}")
        if habit is habits.BINANCE:
            draft.names = list(habits.BINANCE_NAMES)
    stamp = _times(draft, stamps, confirm, stem, habit)
    if habit is None or habit.roles is None:
        _by_name(draft)
        if not table.header:
            _by_shape(draft)
    _rest(draft)
    resolution: Resolution = "date" if stamp is None or stamp.daily else "time"
    kind = _kind(draft, resolution)
    columns = _columns(draft, stamp, habit)
    _symbol(draft, stem)
    _zone(draft, stamp, resolution, habit)
    _label_and_adjustment(draft, kind, resolution, habit)
    words = {cell.strip() for row in table.rows for cell in row if cell} & set(habits.NULL_WORDS)
    mapping = Mapping(
        format=form,
        columns=columns,
        kind=kind,
        resolution=resolution,
        dialect=table.dialect,
        null_values=tuple(sorted(words - {"nan", "NaN"})),
        date_in_name=stamp is not None and stamp.in_name,
        **draft.extra,
    )
    return Guess(mapping, tuple(draft.reasons), tuple(draft.questions))


def _habit(table: Table, stem: str, stamps: Stamps) -> Habit | None:
    """Return the layout that a file is in, if it is a known one."""
    width = len(table.names)
    names = {folded(name) for name in table.names}
    if table.header:
        if {"date", "open", "high", "low", "close", "adj_close", "volume"} <= names:
            return habits.YAHOO
        if "gmt_time" in names:
            return habits.DUKASCOPY
        if {"<date>", "<open>"} <= {name.casefold() for name in table.names}:
            return Habit("MetaTrader", None, "open")
        if {"open_time", "close_time", "open", "taker_buy_volume"} <= names:
            return Habit("Binance klines", None, "open", "raw", "UTC")
        return None
    epoch = stamps.epoch(table.column(0)) if width else None
    if width == 12 and epoch and stamps.epoch(table.column(6)):
        return habits.BINANCE
    if width == 7 and stamps.epoch(table.column(4)) and set(table.column(6)) <= {"True", "False", "true", "false"}:
        return habits.BINANCE_TRADES
    if width in (7, 8) and stamps.epoch(table.column(5)) and set(table.column(6)) <= {"True", "False", "true", "false"}:
        return habits.BINANCE_AGGREGATED
    whole = width == 6 and all(cell.isdigit() for place in range(1, 5) for cell in table.column(place))
    if whole and (stamps.in_name(stem) or re.match(r"\d{8} \d{2}:\d{2}$", (table.column(0) or [""])[0])):
        return habits.LEAN
    if width == 7 and stamps.is_date(table.column(0)) and stamps.is_clock(table.column(1)):
        return habits.METATRADER
    return None


def _times(
    draft: _Draft, stamps: Stamps, confirm: Callable[[int, Stamp], Stamp], stem: str, habit: Habit | None
) -> Stamp | None:
    """Find the column or columns that hold the time."""
    found = stamps.find(draft.table, stem, habit)
    if found is None:
        draft.questions.append(Question("columns", "Which column holds the time?", tuple(draft.names[:50])))
        return None
    if len(found.formats) > 1:
        found = confirm(found.place, found)
        if len(found.formats) > 1:
            first = draft.table.column(found.place)[0]
            text = f"Is {shown(first, 24)} {found.formats[0]} or {found.formats[1]}? All dates could be either."
            draft.questions.append(Question(f"columns[{found.place}].format", text, found.formats))
    for role in ("time", "date", "clock"):
        for place, own in enumerate(draft.roles):
            if own == role:
                draft.roles[place] = "ignore"
    if found.clock is not None:
        if not found.in_name:
            draft.claim(found.place, "date", found.confidence, found.reason)
        draft.claim(found.clock, "clock", found.confidence, "it holds times of day")
    else:
        draft.claim(found.place, "time", found.confidence, found.reason)
    return found


def _by_name(draft: _Draft) -> None:
    """Give roles by the names of columns."""
    table = draft.table
    keys = [folded(name) for name in table.names]
    has_bars = any(key in habits.NAMES["open"] or key in habits.NAMES["high"] for key in keys)
    for role in ("symbol", *_NUMBERS, "known_at"):
        if role in ("price", "size", "bid", "ask", "bid_size", "ask_size") and has_bars and role != "price":
            continue
        if role in ("volume",) and not has_bars and {"price", "bid"} & set(draft.roles):
            continue
        for name in habits.NAMES[role]:
            place = next((p for p, key in enumerate(keys) if key == name and draft.roles[p] == "ignore"), None)
            if place is None or not _suits(table, place, role):
                continue
            if role == "volume" and set(table.column(place)) <= {"0", "0.0"}:
                continue  # MetaTrader's volume where a broker knows ticks alone
            if role == "price" and has_bars:
                if "close" in draft.roles:
                    break
                draft.claim(place, "close", 0.9, "it is called price, and no other column is the close")
            else:
                cells = table.column(place)
                numbers = role == "symbol" or notation_of(cells, table.dialect)[1] == 1 or table.kinds[place] == "number"
                sure = 0.6 if not numbers else 0.98 if len(name) > 1 else 0.9
                draft.claim(place, role, sure, f"it is called {shown(table.names[place])}")
            break


def _suits(table: Table, place: int, role: Role) -> bool:
    """Tell whether the cells of a column can be what its name says."""
    if table.kinds[place] not in ("text", "number"):
        return role == "known_at"
    cells = table.column(place)
    share = 1.0 if table.kinds[place] == "number" else notation_of(cells, table.dialect)[1]
    if role == "known_at":
        return False
    if role == "symbol":
        few = len(set(cells)) <= max(20, len(cells) // 2)
        return bool(cells) and few and (share < 1 or all(len(cell) == len(cells[0]) for cell in cells))
    return not cells or share > 0


def _by_shape(draft: _Draft) -> None:
    """Give roles to columns without names: four numbers that are a bar, then its volume."""
    table = draft.table
    free = [p for p, role in enumerate(draft.roles) if role == "ignore"]
    texts = [p for p in free if table.column(p) and notation_of(table.column(p), table.dialect)[1] < 0.5]
    if texts and _suits(table, texts[0], "symbol"):
        draft.claim(texts[0], "symbol", 0.7, "it is the first column of text")
    numbers = [p for p in free if p not in texts and table.column(p)]
    if len(numbers) >= 4 and _is_bar(table, numbers[:4]):
        bar: tuple[Role, ...] = ("open", "high", "low", "close", "volume")
        for place, role in zip(numbers, bar, strict=False):
            draft.claim(place, role, 0.8, "no name, but four numbers in a row are a bar in all rows")


def _is_bar(table: Table, places: Sequence[int]) -> bool:
    for row in table.rows:
        try:
            opened, high, low, close = (float(row[place] or "nan") for place in places)
        except ValueError:
            return False
        if not low <= min(opened, close) <= max(opened, close) <= high:
            return False
    return True


def _rest(draft: _Draft) -> None:
    """Decide about the columns that have no role: numbers are features."""
    table = draft.table
    seen: dict[str, int] = {}
    for place, role in enumerate(draft.roles):
        key = folded(table.names[place])
        named = any(reason.field == f"columns[{place}].role" for reason in draft.reasons)
        if role == "ignore" and not named:
            _one(draft, place, key)
        if draft.roles[place] in ("feature", "label", "text"):
            own = draft.names[place].casefold()
            if own and own in seen:
                draft.claim(place, "ignore", 0.5, f"column {seen[own] + 1} has the same name")
            seen.setdefault(own, place)


def _one(draft: _Draft, place: int, key: str) -> None:
    table = draft.table
    cells = table.column(place)
    if key == "ignore" or (not cells and not key):
        draft.claim(place, "ignore", 0.95, "it has no name and no cells" if not key else "its name says so")
    elif not key and table.header and _counts(cells):
        draft.claim(place, "ignore", 0.9, "it has no name and counts rows")
    elif table.kinds[place] not in ("text", "number") or key in (*habits.NAMES["time"], *habits.NAMES["date"]):
        draft.claim(place, "ignore", 0.7, "it is another time")
    elif habits.LABELS.search(key):
        draft.claim(place, "label", 0.6, "its name says that it looks ahead: strategies do not see it")
    else:
        share = 1.0 if table.kinds[place] == "number" else notation_of(cells, table.dialect)[1]
        if share > 0.5:
            text = "its cells are numbers" if share == 1 else f"{share:.0%} of its cells are numbers"
            draft.claim(place, "feature", 0.9 if share == 1 else 0.6, text)
        elif cells:
            draft.claim(place, "text", 0.8, "its cells are text")
        else:
            draft.claim(place, "feature", 0.5, "its cells are empty")


def _counts(cells: Sequence[str]) -> bool:
    """Tell whether cells are numbers that rise by one, as far as the first rows show."""
    head = cells[:250]
    return all(cell.isdigit() for cell in head) and [int(cell) - int(head[0]) for cell in head] == list(range(len(head)))


def _kind(draft: _Draft, resolution: str) -> Any:
    roles = set(draft.roles)
    if "close" in roles:
        draft.say("kind", "bars", 0.95, "there is a close")
        return "bars"
    if {"bid", "ask"} <= roles or ("price" in roles and ("size" in roles or resolution == "time")):
        draft.say("kind", "ticks", 0.85, "there are prices without open, high and low")
        return "ticks"
    if "price" in roles:
        draft.claim(draft.roles.index("price"), "close", 0.7, "one price a day is a close")
        return "bars"
    for place, role in enumerate(draft.roles):
        if role in _NUMBERS:
            draft.roles[place] = "feature"
    draft.say("kind", "features", 0.7, "there are no prices")
    return "features"


def _columns(draft: _Draft, stamp: Stamp | None, habit: Habit | None) -> tuple[Column, ...]:
    table = draft.table
    columns = []
    taken: set[str] = set()
    for place, role in enumerate(draft.roles):
        name: str = "" if role in ("ignore", "symbol", "time", "date", "clock") else role
        if role in ("feature", "label", "text"):
            name = _free_name(draft.names[place].strip("<>") or f"column_{place + 1}", taken)
        taken.add(name.casefold())
        own: dict[str, Any] = {}
        if stamp is not None and role in ("time", "date"):
            own["format"] = stamp.formats[0]
        elif stamp is not None and role == "clock":
            own["format"] = stamp.clock_format
        elif role in (*_NUMBERS, "feature", "label") and table.kinds[place] == "text":
            own["notation"] = notation_of(table.column(place), table.dialect)[0]
        if habit is habits.LEAN and role in _PRICES:
            own["divisor"] = 10_000.0
            draft.say(f"columns[{place}].divisor", "10000", 0.85, "LEAN writes prices in ten-thousandths")
        columns.append(Column(place, table.names[place], role, name, **own))
    return tuple(columns)


def _free_name(name: str, taken: set[str]) -> str:
    """Return a name for a column that no other has."""
    clean = "".join(sign if sign.isprintable() else "_" for sign in name)[:100].strip() or "column"
    if clean.casefold() in RESERVED or clean.startswith("_"):
        clean = f"x_{clean}"
    number = 2
    own = clean
    while own.casefold() in taken:
        own, number = f"{clean}_{number}", number + 1
    return own


def _symbol(draft: _Draft, stem: str) -> None:
    if "symbol" in draft.roles:
        draft.extra["symbol_from"] = "column"
        return
    if draft.table.symbol:
        draft.extra |= {"symbol_from": "fixed", "symbol": draft.table.symbol}
        draft.say("symbol", draft.table.symbol, 0.95, "the rows above the data name it")
        return
    symbol = symbol_of(stem)
    draft.extra["symbol_from"] = "name"
    if habits.says_a_symbol(stem):
        draft.say("symbol_from", "name", 0.85, f"no column holds symbols; the file is called {shown(symbol)}")
    else:
        draft.say("symbol_from", "name", 0.3, "no column holds symbols, and the file's name is none")
        draft.questions.append(Question("symbol", "Which instrument is this?"))


def _zone(draft: _Draft, stamp: Stamp | None, resolution: str, habit: Habit | None) -> None:
    if stamp is None or resolution == "date" or stamp.zoned:
        return
    name = draft.table.names[stamp.place].casefold() if not stamp.in_name else ""
    if habit is not None and habit.zone is not None:
        draft.extra["zone"] = habit.zone
        draft.say("zone", habit.zone, 0.9, f"{habit.name} writes times so")
    elif re.search(r"\b(utc|gmt)\b", name.replace("_", " ")):
        draft.extra["zone"] = "UTC"
        draft.say("zone", "UTC", 0.95, f"the column is called {shown(name)}")
    else:
        choices = ("UTC", "America/New_York", "Europe/London", "Europe/Berlin", "Asia/Tokyo", "Etc/GMT+5")
        draft.questions.append(Question("zone", "On which zone's clocks are these times?", choices))


def _label_and_adjustment(draft: _Draft, kind: str, resolution: str, habit: Habit | None) -> None:
    if kind == "bars":
        label = "unknown" if habit is None else habit.label
        if resolution == "time" and label == "unknown":
            ask = "Do times say when a bar opens or when it closes?"
            draft.questions.append(Question("label", ask, ("open", "close")))
        elif habit is not None and label != "unknown":
            draft.say("label", label, 0.9, f"{habit.name} stamps bars at their {label}")
        draft.extra["label"] = label
        state = "unknown" if habit is None else habit.adjustment
        if habit is not None and state != "unknown":
            draft.say("adjustment", state, 0.85, f"prices of {habit.name} are so")
        draft.extra["adjustment"] = state
