"""Random scripts of entries, exits and target weights: as ``al.Signals`` they do what they do through ``on_bar``.

The markets, options and invariants are those of the other scripts: splits, contracts, currencies, finer bars, leverage.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import alphintra as al
import numpy as np
import pytest
from alphintra.errors import OrderError
from alphintra_backtest import codes, runner
from alphintra_backtest.session import Session

from ..fuzz import one_in
from . import invariants, play
from .make import ACTIONS, BRACKETS, Case, cases, script

pytestmark = pytest.mark.no_cover

#: What of a script signals can say: an entry ("market"), an exit ("close"), a weight ("target_percent").
SAID = ("market", "close", "target_percent")
ENTER, LEAVE, WEIGH = (ACTIONS.index(a) for a in SAID)
#: The brackets in fractions of the fill price, by the names of their arguments.
DISTANCES = {
    "stop%": ("stop_loss_percent",),
    "target%": ("take_profit_percent",),
    "both%": ("stop_loss_percent", "take_profit_percent"),
    "trail": ("trail_percent", "take_profit_percent"),
}

Rows = dict[tuple[int, int], list[dict[str, Any]]]


def signal_cases(batch: int) -> list[tuple[Case, bool]]:
    """Fifty cases of a batch, and whether each speaks in weights."""
    out = []
    for case in cases(batch, markets=5, each=10):
        weights = case.seed % 3 == 0
        actions = ("target_percent", "close") if weights else ("market", "close")
        count = len(np.unique(np.concatenate([b.close_time for b in case.market.bars.values()])))
        rows = np.concatenate(
            [script(case.seed + n, count, len(case.market.symbols), actions, False) for n in (0, 10_000_000)]
        )
        out.append((Case(case.seed, case.market, case.options, rows), weights))
    return out


def by_place(case: Case) -> Rows:
    """The rows of each bar and symbol, in the order of the script."""
    out: Rows = {}
    for row in case.rows:
        plain = {name: row[name].item() for name in row.dtype.names}
        out.setdefault((plain["at"], plain["symbol"]), []).append(plain)
    return out


def size_of(row: dict[str, Any]) -> float:
    """Share of equity, 0 < share ≤ 1.5."""
    return float(min(1.5, row["amount"] / 100))


def distances(case: Case) -> tuple[str, ...]:
    """Which protective orders the entries of a script have; the same for all, as their arguments are arrays."""
    return DISTANCES.get(BRACKETS[int(case.rows[0]["bracket"])], ())


def as_signals(case: Case, weights: bool) -> type[al.Strategy]:
    """The script as arrays."""
    places, names = by_place(case), distances(case)

    class Said(al.Strategy):
        def signals(self, data: Any) -> Any:
            shape = (len(data.close), len(case.market.symbols))
            given: dict[str, Any] = {}
            if weights:
                given["weights"] = np.full(shape, np.nan)
            else:
                masks = ("entries", "exits", "short_entries", "short_exits")
                given = {name: np.zeros(shape, dtype=bool) for name in masks}
                given |= {name: np.full(shape, np.nan) for name in ("size", *names)}
            for place, rows in places.items():
                for row in rows:
                    long = row["side"] > 0
                    if weights:
                        given["weights"][place] = row["side"] * size_of(row) if row["action"] == WEIGH else 0.0
                    elif row["action"] == LEAVE:
                        given["exits" if long else "short_exits"][place] = True
                    else:
                        given["entries" if long else "short_entries"][place] = True
                        given["size"][place] = size_of(row)
                        for name in names:
                            given[name][place] = 0.005 + row["second"]
            if shape[1] == 1:
                given = {name: array[:, 0] for name, array in given.items()}
            return al.Signals(**given, **({"rebalance": "always"} if weights else {}))

    return Said


def as_on_bar(case: Case, weights: bool) -> type[al.Strategy]:
    """The script as a trader writes it bar by bar."""
    places, names = by_place(case), distances(case)

    class Played(al.Strategy):
        def on_start(self) -> None:
            self.last: dict[str, Any] = {}  # the newest order of each symbol, and its side

        def on_bar(self) -> None:
            for n, symbol in enumerate(self.data.symbols):
                rows = places.get((self.bar_index, n))
                if rows:
                    try:
                        (self.weigh if weights else self.trade)(symbol, rows)
                    except OrderError as error:
                        self.log(error)

        def heading(self, symbol: str) -> tuple[bool, bool, bool]:
            """Whether the symbol is long or about to be, short or about to be, and on its way out."""
            size, (order, side) = self.position(symbol).size, self.last.get(symbol, (None, 0))
            works = order is not None and order.is_working
            return size > 0 or (works and side > 0), size < 0 or (works and side < 0), works and side == 0

        def trade(self, symbol: str, rows: list[dict[str, Any]]) -> None:
            entries = [r for r in rows if r["action"] == ENTER]
            leave = {r["side"] for r in rows if r["action"] == LEAVE}
            sides = sorted({r["side"] for r in entries} - leave)
            long, short, leaving = self.heading(symbol)
            there = {1: long, -1: short}
            if len(sides) == 1 and not there[sides[0]]:
                row, side = entries[-1], sides[0]  # a bar has one size and one distance, for both sides
                away = dict.fromkeys(names, 0.005 + row["second"])
                # A bracket on a target has no verb of its own.
                order = self._run.target("percent", side * size_of(row), symbol, "", **away)
                self.last[symbol] = order, side
            elif not leaving and any(there[side] for side in leave):
                self.last[symbol] = self.order_target_quantity(0, symbol), 0

        def weigh(self, symbol: str, rows: list[dict[str, Any]]) -> None:
            row = rows[-1]
            if row["action"] == WEIGH:
                self.last[symbol] = self.order_target_percent(row["side"] * size_of(row), symbol), row["side"]
                return
            long, short, leaving = self.heading(symbol)
            if (long or short) and not leaving:
                self.last[symbol] = self.order_target_quantity(0, symbol), 0

    return Played


def run(strategy: type, case: Case) -> tuple[Session, int]:
    session, _, end = runner._simulate(strategy, {}, case.market, case.options, None, None)
    session.mirror()  # a compiled run books its round trips only here
    return session, end


@pytest.mark.parametrize("batch", one_in(4, range(90, 98)))
def test_signals_are_the_script_through_on_bar(batch: int) -> None:
    for case, weights in signal_cases(batch):
        session, end = run(as_on_bar(case, weights), case)
        by_bar = play.state(session, end)
        plain = play.state(*run(as_signals(case, weights), case))
        play.assert_same(by_bar, plain, f"{case}, weights {weights}, as signals")
        try:
            invariants.check(case, session, end)
        except AssertionError as error:
            raise AssertionError(f"{case}: {error}") from error


@pytest.mark.parametrize("batch", one_in(2, range(98, 100)))
def test_compiled_signals_are_the_script_through_on_bar(batch: int) -> None:
    for case, weights in signal_cases(batch):
        by_bar = play.state(*run(as_on_bar(case, weights), case))
        with play.compiled():
            fast = play.state(*run(as_signals(case, weights), case))
        play.assert_same(by_bar, fast, f"{case}, weights {weights}, compiled")


def test_the_scripts_reach_what_they_are_for() -> None:
    """Otherwise equality would say little: every refusal and end of an order, splits, brackets and finer bars."""
    events: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    for case, weights in signal_cases(90) + signal_cases(91) + signal_cases(92):
        books = run(as_signals(case, weights), case)[0].books
        rows = books.ev[: int(books.reg[codes.S_EVENTS]), [codes.E_STATE, codes.E_REASON]]
        events.update(f"{codes.STATES[state]} {codes.REASON_NAMES[reason]}" for state, reason in rows.tolist())
        rules.update(codes.RULE_NAMES[r] for r in books.fi[: int(books.reg[codes.S_FILLS]), codes.L_RULE])
    for event in (
        "REJECTED SHORT_NOT_ALLOWED", "REJECTED INSUFFICIENT_FUNDS", "REJECTED DELISTED", "CANCELLED BELOW_MIN_VALUE",
        "CANCELLED INSUFFICIENT_FUNDS_AT_FILL", "CANCELLED REPLACED", "CANCELLED TARGET_REACHED", "CANCELLED OCO",
        "CANCELLED POSITION_CLOSED", "CANCELLED PARENT_CANCELLED", "FILLED FUNDS_TRIMMED", "AMENDED SPLIT",
        "PARTIALLY_FILLED VOLUME_CAP",
    ):  # fmt: skip
        assert events[event] > 2, event
    for rule in ("F1.open", "F1.close", "F2.open", "F2.stop", "F3.detail", "F4.limit", "F5.rest", "F14.trail"):
        assert rules[rule] > 2, rule
