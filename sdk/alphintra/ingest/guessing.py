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
from alphintra.ingest.mapping import (
    EX_DATE,
    KNOWN,
    RESERVED,
    WIDE,
    Column,
    Format,
    LabelAt,
    Mapping,
    Resolution,
    fingerprint,
    zone_names,
)
from alphintra.ingest.roles import (
    NUMBERS,
    PRICED,
    Draft,
    Question,
    Reason,
    by_cells,
    by_event,
    by_name,
    by_shape,
    kind_of,
)
from alphintra.ingest.sniffing import Table, either_decimal, notation_of
from alphintra.ingest.stamps import Stamp, Stamps
from alphintra.ingest.symbols import by_rows, candidates, is_ticker
from alphintra.ingest.time_formats import swapped
from alphintra.ingest.vendors import habit_of
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
    habit = habit_of(table, stem, stamps)
    if habit is not None and habit.roles is not None:
        for place, role in enumerate(habit.roles[:width]):
            draft.claim(place, role, 0.9, f"the layout of {habit.name}")
        if habit is habits.BINANCE:
            draft.names = list(habits.BINANCE_NAMES)
    elif habit is not None:
        for place, key in enumerate(map(folded, table.names)):
            if key in dict(habit.named):
                draft.claim(place, dict(habit.named)[key], 0.9, f"{habit.name} means no more by it")
    stamp = _times(draft, stamps, confirm, stem, habit)
    if habit is None or habit.roles is None:
        by_event(draft, stamps)
        by_name(draft, stamps)
        if not table.header:
            by_shape(draft, stamp)
        by_rows(draft, stamp)
    by_cells(draft)
    resolution: Resolution = "date" if stamp is None or stamp.daily else "time"
    kind = kind_of(draft, resolution)
    columns = _columns(draft, stamp, habit)
    _symbol(draft, stem)
    _zone(draft, stamp, resolution, habit)
    _label_and_adjustment(draft, kind, resolution, habit)
    either = either_decimal(table)
    if either:
        few, many = either.replace(",", "."), re.sub("[.,]", "", either)
        both = (few, many) if either[-4] == "," else (many, few)
        ask = (
            f"Is {either} the number {both[0]} (decimal separator ,) or {both[1]} (decimal separator .)? "
            "All numbers of a column are written so."
        )
        draft.questions.append(Question("dialect.decimal", ask, (",", ".")))
    if kind == "reference" and "known_at" not in draft.roles:
        ask = "No column says from when these events were known: each from its own date on, or all from one date on?"
        draft.questions.append(Question("known_from", ask, (EX_DATE,)))
    nothing = {*habits.NULL_WORDS, *(() if habit is None else habit.nulls)}
    # Also as they stand between white space: whoever parses numbers at once compares whole cells.
    words = {cell for row in table.rows for cell in row if cell and cell.strip() in nothing}
    words |= {word.strip() for word in words} | (set() if habit is None else set(habit.nulls))
    mapping = Mapping(
        format=form,
        columns=columns,
        kind=kind,
        resolution=resolution,
        dialect=table.dialect,
        null_values=tuple(sorted(own for own in words if own.strip() not in ("nan", "NaN"))[:32]),
        date_in_name=stamp is not None and stamp.in_name,
        **draft.extra,
    )
    return Guess(mapping, tuple(draft.reasons.values()), tuple(draft.questions))


def _times(
    draft: Draft, stamps: Stamps, confirm: Callable[[int, Stamp], Stamp], stem: str, habit: Habit | None
) -> Stamp | None:
    """Find the column or columns that hold the time."""
    found = stamps.find(draft.table, stem, habit)
    if found is None:
        ask = f"Which column holds the time?{_unread(draft.table)}"
        draft.questions.append(Question("columns", ask, tuple(draft.names[:50])))
        return None
    if len(found.formats) > 1 and habit is not None and habit.day_first:
        found = replace(found, formats=tuple(form for form in found.formats if form.startswith("%d"))[:1])
    elif len(found.formats) > 1:
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
    lost = _lost_clock(draft, found)
    if lost is not None:
        cell = shown((draft.table.column(lost) or [""])[0], 32)
        ask = (
            f"Several rows have one day, and column '{shown(draft.names[lost], 40)}' may hold their times of day, "
            f"which are in no format that is known: '{cell}'. Which column holds the time?"
        )
        draft.questions.append(Question("columns", ask, tuple(draft.names[:50])))
    return found


def _unread(table: Table) -> str:
    """Tell of the column that is called a time, or is the first, how its cells are written."""
    keys = [folded(name) for name in table.names]
    called = (*habits.NAMES["time"], *habits.NAMES["date"], "month", "quarter", "year", "datenum")
    if len(keys) == 1:
        return " All of a line is one cell: commas, semicolons, tabs and bars tell cells apart, and none is there."
    place = next((place for place, key in enumerate(keys) if key in called and table.column(place)), None)
    if place is None:
        return ""
    return (
        f" '{shown(table.names[place].strip(), 40)}' is called so, but '{shown(table.column(place)[0], 32)}' is in no "
        "format that is known: write days as 2020-01-31 and times as 2020-01-31 09:30:00 (a month as its last day)."
    )


def _lost_clock(draft: Draft, found: Stamp) -> int | None:
    """Return a column that is called a time of day and was not read, where days alone do not tell rows apart."""
    table = draft.table
    if not found.daily or found.clock is not None:
        return None
    keys = [folded(name) for name in table.names]
    places = [place for place, key in enumerate(keys) if key in habits.NAMES["clock"] and place != found.place]
    lost = next((place for place in places if len(set(table.column(place))) > 1), None)
    days = [row[found.place] for row in table.rows]
    return lost if lost is not None and 2 * len(set(days)) < len(days) else None


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
            own["stated"] = habit is not None and habit.day_first
        elif stamp is not None and role == "clock":
            own["format"] = stamp.clock_format
        elif role in KNOWN:
            own["format"] = draft.formats[place]
        elif role in (*NUMBERS, *WIDE, "value", "feature", "label") and table.kinds[place] == "text":
            own["notation"] = notation_of(table.column(place), table.dialect)[0]
        if habit is not None and habit.divisor != 1 and (role in PRICED or "_px_" in folded(table.names[place])):
            own["divisor"] = habit.divisor
            text = f"{habit.name} writes prices in whole numbers, {habit.divisor:,.0f} for 1"
            draft.say(f"columns[{place}].divisor", f"{habit.divisor:.0f}", 0.85, text)
        if habit is not None and habit.lots != 1 and role == "volume":
            own["divisor"] = 1 / habit.lots
            draft.say(f"columns[{place}].divisor", f"{1 / habit.lots:g}", 0.8, habit.name)
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
        choices = tuple(dict.fromkeys((*candidates(draft.table), *habits.likely_symbols(stem))))[:3]
        draft.questions.append(Question("symbol", "Which instrument is this?", choices))


def _zone(draft: Draft, stamp: Stamp | None, resolution: str, habit: Habit | None) -> None:
    if stamp is None or resolution == "date" or stamp.zoned:
        return
    name = draft.table.names[stamp.place].casefold() if not stamp.in_name else ""
    inside = re.search(r"\(([A-Za-z]+/[A-Za-z_/]+|EET|CET|WET)\)", draft.table.names[stamp.place])
    if stamp.zone:
        draft.extra["zone"] = stamp.zone
        draft.say("zone", stamp.zone, 0.95, "it is written behind each time")
    elif inside is not None and inside[1] in zone_names() and not stamp.in_name:
        draft.extra["zone"] = inside[1]
        draft.say("zone", inside[1], 0.95, f"the column is called {shown(draft.table.names[stamp.place])}")
    elif habit is not None and habit.zone is not None:
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
        label: LabelAt = "unknown" if habit is None else habit.label
        named = _label_of(draft)
        if label == "unknown" and named is not None:
            label = named
            draft.say("label", label, 0.9, f"the column of times is called the {label} of a bar")
        elif resolution == "time" and label == "unknown":
            ask = "Do times say when a bar opens or when it closes?"
            draft.questions.append(Question("label", ask, ("open", "close")))
        elif habit is not None and label != "unknown":
            draft.say("label", label, 0.9, f"{habit.name} stamps bars at their {label}")
        draft.extra["label"] = label
        state = "unknown" if habit is None else habit.adjustment
        if habit is not None and state != "unknown":
            draft.say("adjustment", state, 0.85, f"prices of {habit.name} are so")
        draft.extra["adjustment"] = state


def _label_of(draft: Draft) -> LabelAt | None:
    """Return at which end of a bar the name of the column of times says that it is."""
    place = next((place for place, role in enumerate(draft.roles) if role == "time"), None)
    key = "" if place is None else folded(draft.table.names[place])
    return "open" if key in habits.OPENS else "close" if key in habits.CLOSES else None


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
    if wide is None and _names(new) != _names(remembered):
        return guess  # of instruments with columns of their own the fingerprint has the fields alone
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
    open_still = ("symbol", "dialect.encoding", "dialect.decimal", "known_from")
    questions = tuple(own for own in guess.questions if own.field in open_still or not _answered(mapping, own.field))
    if mapping.symbol_from in ("column", "columns"):
        questions = tuple(own for own in questions if own.field != "symbol")
    elif new.by_instrument:
        questions = (*questions, Question("symbol", "Which instrument is this?", ()))
    reason = Reason("mapping", "remembered", 1.0, "a file with these columns was mapped before")
    return Guess(mapping, (reason,), questions)


def _names(mapping: Mapping) -> str:
    return fingerprint([column.source for column in mapping.columns])


def _answered(mapping: Mapping, name: str) -> bool:
    """Tell whether a mapping answers a question."""
    if name == "zone":
        return mapping.zone is not None
    if name == "label":
        return mapping.label != "unknown"
    if name == "symbol_from":
        return True
    return bool(mapping.of("time", "date", "clock"))
