"""What the columns of a file are likely to be: each guess with how sure it is, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alphintra.ingest import habits
from alphintra.ingest.findings import shown
from alphintra.ingest.habits import Habit, folded, symbol_of
from alphintra.ingest.instruments import Layout
from alphintra.ingest.mapping import EX_DATE, KNOWN, RESERVED, WIDE, Column, Format, Mapping, Resolution
from alphintra.ingest.roles import (
    NUMBERS,
    PRICES,
    Draft,
    Question,
    Reason,
    by_cells,
    by_event,
    by_name,
    by_shape,
    kind_of,
)
from alphintra.ingest.sniffing import Table, notation_of
from alphintra.ingest.stamps import Stamp, Stamps
from alphintra.ingest.symbols import by_rows, candidates, is_ticker
from alphintra.ingest.time_formats import swapped
from alphintra.ingest.widening import asked_of, of_many, recalled_columns


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


def guess(
    table: Table,
    form: Format,
    stem: str,
    stamps: Stamps,
    confirm: Callable[[int, Stamp], Stamp],
    layout: Layout | None = None,
) -> Guess:
    """Guess what a file is.

    Args:
        table: Its sample.
        form: Its format.
        stem: Its name without folders and suffixes.
        stamps: Recognises times in cells.
        confirm: Decides over all of a column which of several formats its times are in.
        layout: Whose its columns are, where instruments have columns of their own.
    """
    if layout is None or not layout.proposed:
        found = _of_one(table, form, stem, stamps, confirm)
        return found if layout is None else asked_of(found, layout, is_ticker(symbol_of(stem)))
    one, places = layout.reduced(table)
    own = _of_one(one, form, stem, stamps, lambda place, stamp: confirm(places[place], stamp))
    if own.mapping.kind == "reference":
        return _of_one(table, form, stem, stamps, confirm)
    return of_many(own, table, layout, places)


def _of_one(
    table: Table, form: Format, stem: str, stamps: Stamps, confirm: Callable[[int, Stamp], Stamp]
) -> Guess:
    """Guess what a file is whose columns are all of one instrument, or of those that a column names."""
    width = len(table.names)
    draft = Draft(table, ["ignore"] * width, [name.strip() for name in table.names])
    habit = _habit(table, stem, stamps)
    if habit is not None and habit.roles is not None:
        for place, role in enumerate(habit.roles[:width]):
            draft.claim(place, role, 0.9, f"the layout of {habit.name}")
        if habit is habits.BINANCE:
            draft.names = list(habits.BINANCE_NAMES)
    stamp = _times(draft, stamps, confirm, stem, habit)
    if habit is None or habit.roles is None:
        by_event(draft, stamps)
        by_name(draft, stamps)
        if not table.header:
            by_shape(draft)
        by_rows(draft, stamp)
    by_cells(draft)
    resolution: Resolution = "date" if stamp is None or stamp.daily else "time"
    kind = kind_of(draft, resolution)
    columns = _columns(draft, stamp, habit)
    _symbol(draft, stem)
    _zone(draft, stamp, resolution, habit)
    _label_and_adjustment(draft, kind, resolution, habit)
    if kind == "reference" and "known_at" not in draft.roles:
        ask = "No column says from when these events were known: each from its own date on, or all from one date on?"
        draft.questions.append(Question("known_from", ask, (EX_DATE,)))
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
    return Guess(mapping, tuple(draft.reasons.values()), tuple(draft.questions))


def _habit(table: Table, stem: str, stamps: Stamps) -> Habit | None:
    """Return the layout that a file is in, if it is a known one."""
    width = len(table.names)
    names = {folded(name) for name in table.names}
    if table.header:
        if table.vendor == "yfinance":
            return habits.YAHOO if "adj_close" in names else habits.YFINANCE
        if {"date", "open", "high", "low", "close", "adj_close", "volume"} <= names:
            return habits.YAHOO
        if {"open", "high", "low", "close", "dividends", "stock_splits"} <= names and "adj_close" not in names:
            return habits.YFINANCE
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
    draft: Draft, stamps: Stamps, confirm: Callable[[int, Stamp], Stamp], stem: str, habit: Habit | None
) -> Stamp | None:
    """Find the column or columns that hold the time."""
    found = stamps.find(draft.table, stem, habit)
    if found is None:
        draft.questions.append(Question("columns", "Which column holds the time?", tuple(draft.names[:50])))
        return None
    if len(found.formats) > 1:
        found = confirm(found.place, found)
        if len(found.formats) > 1:
            text = _either(draft.table.column(found.place), found.formats)
            draft.questions.append(Question(f"columns[{found.place}].format", text, found.formats))
    for place, role in enumerate(draft.roles):
        if role in ("time", "date", "clock"):
            draft.claim(place, "ignore", 0.5, "it is no time")
    if found.clock is not None:
        if not found.in_name:
            draft.claim(found.place, "date", found.confidence, found.reason)
        draft.claim(found.clock, "clock", found.confidence, "it holds times of day")
    else:
        draft.claim(found.place, "time", found.confidence, found.reason)
    return found


def _either(cells: Sequence[str], formats: tuple[str, ...]) -> str:
    """Ask which of two formats is meant, by a cell that is another day in each."""
    for cell in cells:
        try:
            days = [datetime.strptime(cell, form).date() for form in formats[:2]]
        except ValueError:
            continue
        if days[0] != days[1]:
            both = " or ".join(f"{day} ({form})" for day, form in zip(days, formats, strict=False))
            return f"Is {shown(cell, 24)} the day {both}? All dates could be either."
    return f"Is {shown(cells[0], 24)} {formats[0]} or {formats[1]}? All dates could be either."


def _columns(draft: Draft, stamp: Stamp | None, habit: Habit | None) -> tuple[Column, ...]:
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
        elif role in KNOWN:
            own["format"] = draft.formats[place]
        elif role in (*NUMBERS, *WIDE, "value", "feature", "label") and table.kinds[place] == "text":
            own["notation"] = notation_of(table.column(place), table.dialect)[0]
        if habit is habits.LEAN and role in PRICES:
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


def _symbol(draft: Draft, stem: str) -> None:
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
        draft.questions.append(Question("symbol", "Which instrument is this?", candidates(draft.table)))


def _zone(draft: Draft, stamp: Stamp | None, resolution: str, habit: Habit | None) -> None:
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


def _label_and_adjustment(draft: Draft, kind: str, resolution: str, habit: Habit | None) -> None:
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


def recalled(guess: Guess, remembered: Mapping) -> Guess:
    """Take over what a user decided for a file with the same columns.

    What such files share is the user's: roles, names, zone, label, adjustment. What a file has of its own is guessed
    anew: delimiter, sheet, forms of times (unless day and month can be exchanged), and a symbol that no column holds.

    Args:
        guess: Of the new file.
        remembered: A mapping with the same fingerprint.
    """
    new = guess.mapping
    wide = recalled_columns(new, remembered) if new.by_instrument and remembered.by_instrument else None
    if wide is None and len(new.columns) != len(remembered.columns):
        return guess
    columns = []
    for own, old in zip(new.columns, wide or remembered.columns, strict=True):
        kept = replace(old, source=own.source, notation=old.notation if own.notation == "plain" else own.notation)
        if own.role == old.role and own.format and swapped(own.format) != old.format:
            kept = replace(kept, format=own.format, stated=old.stated and own.format == old.format)
        columns.append(kept)
    by_column = any(column.role == "symbol" for column in columns)
    elsewhere = "name" if new.symbol_from in ("column", "columns") else new.symbol_from
    elsewhere = "columns" if remembered.by_instrument else elsewhere
    mapping = replace(
        new,
        columns=tuple(columns),
        kind=remembered.kind,
        resolution=remembered.resolution,
        zone=remembered.zone,
        label=remembered.label,
        adjustment=remembered.adjustment,
        symbol_from="column" if by_column else elsewhere,
        symbol="" if by_column else new.symbol,
        null_values=tuple(sorted({*new.null_values, *remembered.null_values})),
    )
    open_still = ("symbol", "dialect.encoding", "known_from")
    questions = tuple(own for own in guess.questions if own.field in open_still or not _answered(mapping, own.field))
    reason = Reason("mapping", "remembered", 1.0, "a file with these columns was mapped before")
    return Guess(mapping, (reason,), questions)


def _answered(mapping: Mapping, name: str) -> bool:
    """Tell whether a mapping answers a question."""
    if name == "zone":
        return mapping.zone is not None
    if name == "label":
        return mapping.label != "unknown"
    if name == "symbol_from":
        return True
    return bool(mapping.of("time", "date", "clock"))
