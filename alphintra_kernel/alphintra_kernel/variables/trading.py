"""What the list says of Alphintra's own objects.

An object of exactly such a class has no code of the trader's in what is read of it; a strategy has, so its attributes
are read as they lie there.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from alphintra_backtest.formats import text

from alphintra_kernel.variables.described import Described, bytes_of, counted, joined, listed, named
from alphintra_kernel.variables.reading import (
    attributes,
    bases,
    class_attributes,
    class_name,
    plain,
    shortened,
    trusted,
)

#: Lines that were made once, of objects that stay as they are: figures have to be computed for them.
_lines: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def once(thing: Any) -> str:
    """The first line of the text of an object that stays as it is."""
    line = _lines.get(thing)
    if line is None:
        line = line_of(thing)
        name = f"{class_name(type(thing))}("
        if line.startswith(name) and line.endswith(")"):  # the class is said beside it
            line = line[len(name) : -1]
        _lines[thing] = line
    return line


def line_of(thing: Any) -> str:
    """The first line of an object's text, without the brackets around it."""
    return repr(thing).partition("\n")[0].removeprefix("<").removesuffix(">")


def _dates(first: int, last: int) -> str:
    return f"{np.datetime64(int(first), 'D')} to {np.datetime64(int(last), 'D')}"


def result(thing: Any) -> Described:
    """A run: bars, memory, strategy, data and figures."""
    curves = attributes(attributes(thing)["curves"])
    # Tables that nobody has asked for are not made for this.
    tables = attributes(thing.columns).get("_made") or {}
    held = bytes_of(curves.values()) + sum(bytes_of(columns.values()) for columns in tables.copy().values())
    return Described(counted(len(curves["time"]), "bar"), held, _news_first(once(thing).removeprefix("Result ")))


def study(thing: Any) -> Described:
    """A sweep, walk-forward, comparison, check or the like."""
    return Described(summary=once(thing))


def sweep(thing: Any) -> Described:
    """A sweep: its variants and the best of them."""
    run, _, found = once(thing).split(", ", 2)
    return Described(counted(len(thing.variants), "variant"), None, joined(found, run, by=" · "))


def market(thing: Any) -> Described:
    """Bars ready for a run."""
    bars = list(thing.bars.values())
    held = sum(bytes_of(attributes(one).values()) for one in bars)
    what = f"{listed(thing.symbols)}; {thing.timeframe}, {_dates(thing.first_session, thing.last_session)}"
    return Described(counted(sum(len(one.close) for one in bars), "bar"), held, f"{what}, prices {thing.prices}")


def dataset(thing: Any) -> Described:
    """A dataset as it is opened: of a shipped one the data is read when it is needed."""
    if not thing.manifest:
        return market(thing._given)
    own = [entry for entry in thing.manifest["symbols"] if entry["name"] in thing.symbols]
    dates = f"{min(entry['first'] for entry in own)} to {max(entry['last'] for entry in own)}"
    what = f"{thing.name}: {listed(thing.symbols)}; {thing.manifest['timeframe']}, {dates}"
    stored = thing._stored or {}
    held = sum(bytes_of(columns.values()) for columns in stored.values())
    return Described(counted(sum(entry["rows"] for entry in own), "row"), held or None, what)


def datasets(thing: Any) -> Described:
    """A list of datasets."""
    return Described(counted(len(thing.items), "dataset"), None, listed(item.name for item in thing.items))


def parameters(cls: type) -> list[tuple[str, Any]]:
    """Parameters of a strategy's class and their defaults, those of its bases first."""
    from alphintra.params import Param

    found: dict[str, Any] = {}
    for base in reversed(bases(cls)):
        for name, value in class_attributes(base).copy().items():
            if type(value) is Param:
                found[name] = attributes(value).get("default")
    return list(found.items())


def strategy_class(cls: type) -> Described:
    """A strategy as it is written: its parameters, and what its docstring says first."""
    declared = parameters(cls)
    told = class_attributes(cls).get("__doc__")
    said = shortened(told.strip().partition("\n")[0], 160) if type(told) is str else ""
    return Described(counted(len(declared), "parameter"), None, joined(said, named(declared), by=" · "))


def strategy(thing: Any) -> Described:
    """A strategy in a run: where it stands, what it holds and its own numbers."""
    from alphintra_backtest.replay.strategy_state import OF_THE_RUN

    found = attributes(thing)
    own = [(name, value) for name, value in found.items() if name not in OF_THE_RUN and not name.startswith("_")]
    session, where = found.get("_run"), "not in a run"
    if session is not None:
        at = session.cursor.i
        held = [f"{size:g} {symbol}" for symbol, size in zip(session.symbols, list(session.sizes), strict=True) if size]
        time = "before the first bar" if at < 0 else f"at {_time(session.grid.time[at])}"
        where = f"{time}, {listed(held) or 'flat'}"
    return Described(summary=joined(where, named(own)))


def replay(thing: Any) -> Described:
    """A replay and where it stands."""
    return Described(counted(thing.count, "bar"), None, _news_first(line_of(thing).removeprefix("replay of ")))


def seen_replay(thing: Any) -> Described:
    """The replay in a widget."""
    shown = attributes(thing).get("_replay")  # widgets make classes as they go, so this one's is not exactly known
    return replay(shown) if trusted(type(shown)) else Described()


def _news_first(line: str) -> str:
    """``SmaCross on DATA: what is new``, the other way round: a narrow panel shows how it begins."""
    run, _, found = line.partition(": ")
    return joined(found, run, by=" · ")


def position(thing: Any) -> Described:
    """A position as it is now."""
    return Described(summary=line_of(thing).removeprefix("position "))


def order(thing: Any) -> Described:
    """An order as it is now."""
    # Not its text: that brings a trailing stop up to date, which is the run's to do.
    what = f"{thing.side} {thing.quantity:g} {thing.symbol} {thing.type}"
    return Described(summary=joined(f"order {thing.id}: {what}, {thing.state}", thing.reason, by=" "))


def fill(thing: Any) -> Described:
    """A fill."""
    what = f"{thing.side} {thing.quantity:g} {thing.symbol} at {text(thing.price, 'price')}"
    return Described(summary=f"{what}, {thing.time:%Y-%m-%d %H:%M}")


def round_trip(thing: Any) -> Described:
    """A closed trade."""
    dates = f"{thing.entry_time:%Y-%m-%d} to {thing.exit_time:%Y-%m-%d}"
    what = f"{thing.side} {thing.quantity:g} {thing.symbol}, {dates}"
    return Described(summary=f"{what}, P&L {text(thing.pnl, 'money', signed=True)}")


def job(thing: Any) -> Described:
    """A job of the server, as it was when it was last looked at."""
    return Described(summary=line_of(thing).removeprefix("Job "))


def job_result(thing: Any) -> Described:
    """What a job led to."""
    return Described(summary=joined(plain(thing.name) or "", f"job {plain(thing.job_id)}", by=", "))


def _time(microseconds: Any) -> str:
    return str(np.datetime64(int(microseconds), "us").astype("M8[m]")).replace("T", " ")
