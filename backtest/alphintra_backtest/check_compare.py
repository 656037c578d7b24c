"""Where two runs of a check first differ: indicators, recorded values, orders and what became of them (F12)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import codes
from .handles import stamp
from .watch import Line, State

if TYPE_CHECKING:
    from .session import Session

#: Equal within this, relative to the larger of the two (F12).
RELATIVE = 1e-9
#: Below this part of a series' usual size a difference is rounding: a value near zero has no other scale.
ROUNDING = 1e-12

#: Columns of the order table that are fixed when an order is submitted.
SUBMITTED = (
    *(codes.I_SYMBOL, codes.I_TYPE, codes.I_SIZE, codes.I_TIF),
    *(codes.I_BAR, codes.I_PARENT, codes.I_ROLE),
)


@dataclass(frozen=True)
class Found:
    """The first difference of one kind between a run on all data and one on data up to a bar.

    Attributes:
        kind: ``indicator``, ``recorded``, ``order`` or ``event``.
        what: Name of the indicator or recorded value; ``order 3`` otherwise.
        symbol: The symbol it belongs to, ``None`` where there is not one.
        bar: Index of the timestamp; −1 is ``on_start``.
        whole: With all data: the value, what the order or event is, ``None`` where there is none.
        part: With data up to the cut.
    """

    kind: str
    what: str
    symbol: str | None
    bar: int
    whole: float | str | None
    part: float | str | None


def equal(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Tell which values are equal within 1e-9 relative; NaN equals NaN. Both of one shape."""
    with np.errstate(invalid="ignore", over="ignore"):
        size = np.abs(a[np.isfinite(a)])
        floor = ROUNDING * float(np.median(size)) if len(size) else 0.0
        return _near(a, b) | (np.abs(a - b) <= floor)


def compare(whole: State, part: State, session: Session, *, settled: bool = False) -> Iterator[Found]:
    """First differences of two states after the same bar, one for each indicator and recorded value.

    Args:
        whole: Of the run on all data.
        part: Of the other.
        session: A session of the symbols of both, for names and lots.
        settled: The states were read from the ends of the runs: what an order carries that can change after its
            submission is not compared.
    """
    yield from lines(whole.indicators, part.indicators, "indicator")
    yield from _recorded(whole, part)
    order = _order(whole, part, session, settled)
    if order is not None:
        yield order
    event = _event(whole, part, session)
    # What becomes of another order, or after it, follows from it.
    if event is not None and (order is None or event.bar < order.bar):
        yield event


def lines(whole: tuple[Line, ...], part: tuple[Line, ...], kind: str) -> Iterator[Found]:
    """First difference of each series, in the order of declaration."""
    for n in range(max(len(whole), len(part))):
        if n >= len(whole) or n >= len(part):
            line = (whole if n < len(whole) else part)[n]
            there = (_shown(line.values[0]) if len(line.values) else "declared", None)
            a, b = there if n < len(whole) else (None, there[0])
            yield Found(kind, line.name, line.symbol, int(line.bars[0]) if len(line.bars) else 0, a, b)
            return
        a_line, b_line = whole[n], part[n]
        count = min(len(a_line.values), len(b_line.values))
        same = equal(a_line.values[:count], b_line.values[:count])
        if not same.all():
            j = int(np.argmin(same))
            yield Found(
                kind, a_line.name, a_line.symbol, int(a_line.bars[j]),
                _shown(a_line.values[j]), _shown(b_line.values[j]),
            )  # fmt: skip


def _shown(value: Any) -> float:
    return float(value)


def _recorded(whole: State, part: State) -> Iterator[Found]:
    for name in {**whole.recorded, **part.recorded}:
        a, b = (dict(zip(*s.recorded.get(name, ([], [])), strict=True)) for s in (whole, part))
        bars = sorted({*a, *b})
        if not bars:
            continue
        x, y = (np.array([kept.get(bar, np.nan) for bar in bars]) for kept in (a, b))
        there = np.array([(bar in a) == (bar in b) for bar in bars])
        same = equal(x, y) & there
        if not same.all():
            j = int(np.argmin(same))
            yield Found("recorded", name, None, bars[j], a.get(bars[j]), b.get(bars[j]))


def _order(whole: State, part: State, session: Session, settled: bool) -> Found | None:
    """The first order by its number that was submitted in another way, or else that stands differently.

    ``I_PEEK`` and ``F_PEEK`` are the core's scratch paper, where it searches ahead for the next bar to stop at: no
    strategy reads them.
    """
    count = min(len(whole.oi), len(part.oi))
    columns = list(SUBMITTED) if settled else [n for n in range(whole.oi.shape[1]) if n != codes.I_PEEK]
    floats = [codes.F_SIZE] if settled else [n for n in range(whole.of.shape[1]) if n != codes.F_PEEK]
    whole_i, part_i = whole.oi[:count][:, columns], part.oi[:count][:, columns]
    whole_f, part_f = whole.of[:count][:, floats], part.of[:count][:, floats]
    same_i, same_f = whole_i == part_i, _near(whole_f, part_f)
    tags = np.array([whole.tags.get(o) == part.tags.get(o) for o in range(count)], dtype=np.bool_)
    same = same_i.all(axis=1) & same_f.all(axis=1) & tags
    o = count if same.all() else int(np.argmin(same))
    rows = [s.oi[o] if o < len(s.oi) else None for s in (whole, part)]
    known = [row for row in rows if row is not None]
    if not known:
        return None
    a, b = (
        None if row is None else describe(session, row, s.of[o], s.tags.get(o, ""))
        for row, s in zip(rows, (whole, part), strict=True)
    )
    if a == b and o < count:  # the description leaves out what differs
        names = [_column("I_", columns[n]) for n in np.flatnonzero(~same_i[o])]
        values = [(whole_i[o, n], part_i[o, n]) for n in np.flatnonzero(~same_i[o])]
        names += [_column("F_", floats[n]) for n in np.flatnonzero(~same_f[o])]
        values += [(whole_f[o, n], part_f[o, n]) for n in np.flatnonzero(~same_f[o])]
        a, b = (
            f"{text}, {', '.join(f'{name} {pair[side]:.10g}' for name, pair in zip(names, values, strict=True))}"
            for side, text in enumerate((a, b))
        )
    symbols = {session.symbols[row[codes.I_SYMBOL]] for row in known}
    symbol = symbols.pop() if len(symbols) == 1 else None
    return Found("order", f"order {o}", symbol, min(int(row[codes.I_BAR]) for row in known), a, b)


def _column(prefix: str, number: int) -> str:
    """How ``codes`` calls a column of the order table."""
    return next(n for n, v in vars(codes).items() if n.startswith(prefix) and v == number)[2:].lower()


def _near(x: Any, y: Any) -> npt.NDArray[np.bool_]:
    """Which values are equal within 1e-9 relative; NaN equals NaN."""
    with np.errstate(invalid="ignore"):
        near = np.abs(x - y) <= RELATIVE * np.maximum(np.abs(x), np.abs(y))
    found: npt.NDArray[np.bool_] = (x == y) | (near & np.isfinite(x) & np.isfinite(y)) | (np.isnan(x) & np.isnan(y))
    return found


def describe(session: Session, row: Any, floats: Any, tag: str = "") -> str:
    """An order in words, such as ``BUY target_percent 0.95 AAPL MARKET``."""
    size = codes.SIZES[row[codes.I_SIZE]]
    s = int(row[codes.I_SYMBOL])
    amount = float(floats[codes.F_SIZE])
    if row[codes.I_PARENT] >= 0:
        asked = f"{codes.ROLES[row[codes.I_ROLE]]} of order {row[codes.I_PARENT]}"
    elif size == "quantity":
        asked = f"{row[codes.I_QTY] * float(session.grid.lots[s]):.10g}"
    else:
        asked = f"{size} {amount:.10g}"
    prices = "".join(
        f" {name} {floats[column]:.10g}"
        for name, column in (("limit", codes.F_LIMIT), ("stop", codes.F_STOP))
        if floats[column] == floats[column]
    )
    side = "BUY" if row[codes.I_SIDE] > 0 else "SELL"
    bar = int(row[codes.I_BAR])
    decided = f"decided {stamp(int(session.grid.time[bar])):%Y-%m-%d %H:%M}" if bar >= 0 else "submitted in on_start"
    what = f"{side} {asked} {session.symbols[s]} {codes.TYPES[row[codes.I_TYPE]]}{prices}"
    return f"{what}{f' tag {tag}' if tag else ''}, {decided}"


def _event(whole: State, part: State, session: Session) -> Found | None:
    """The first change of an order's state that differs, its price included."""
    a, b = (_event_rows(s) for s in (whole, part))
    count = min(len(a), len(b))
    same = _near(a[:count], b[:count]).all(axis=1)
    e = count if same.all() else int(np.argmin(same))
    known = [(s, rows[e]) for s, rows in ((whole, a), (part, b)) if e < len(rows)]
    if not known:
        return None
    first, row = min(known, key=lambda pair: float(pair[1][codes.E_BAR]))
    o = int(row[codes.E_ORDER])
    symbol = session.symbols[int(first.oi[o, codes.I_SYMBOL])]
    texts = [_told(session, state, rows[e]) if e < len(rows) else None for state, rows in ((whole, a), (part, b))]
    return Found("event", f"order {o}", symbol, int(row[codes.E_BAR]), *texts)


def _event_rows(state: State) -> npt.NDArray[np.float64]:
    """Events with price, fee and slippage of those that are fills."""
    out = np.zeros((len(state.ev), codes.N_E + codes.N_LF))
    out[:, : codes.N_E] = state.ev[:, : codes.N_E]
    filled = np.flatnonzero(np.isin(state.ev[:, codes.E_STATE], (codes.FILLED, codes.PARTIAL)))
    count = min(len(filled), len(state.ff))
    out[filled[:count], codes.N_E :] = state.ff[:count, : codes.N_LF]
    return out


def _told(session: Session, state: State, row: Any) -> str:
    """An event in words."""
    order = state.oi[int(row[codes.E_ORDER])]
    units = float(row[codes.E_LOTS]) * float(session.grid.lots[order[codes.I_SYMBOL]])
    name = codes.STATES[int(row[codes.E_STATE])]
    text = f"order {int(row[codes.E_ORDER])} {name} {units:.10g}"
    if row[codes.E_STATE] in (codes.FILLED, codes.PARTIAL):
        return f"{text} at {row[codes.N_E + codes.L_PRICE]:.10g} ({codes.RULE_NAMES[int(row[codes.E_RULE])]})"
    reason = codes.REASON_NAMES[int(row[codes.E_REASON])]
    return f"{text} {reason}".rstrip()
