"""Adjusted closes that do not follow from the closes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import Facts
from alphintra.rules.places import Place
from alphintra.rules.rule import Parameter, Rule

ADJUSTED = Rule(
    "ADJ_INCONSISTENT",
    "error",
    "The adjusted close as a share of the close is smaller than in the row before, beyond what rounding explains: it "
    "can only rise, with each dividend and split. Or it rises on a day of none, where their days are known and rows "
    "are daily, by date; else, in more than that share of a symbol's rows: between such days it stands still.",
    "A reverse split, where it falls to within 2 % of 1/n.",
    (
        Parameter("rounding", 0.01, 0, 1e6, "price step to which both are rounded"),
        Parameter("share", 0.1, 0, 1, "share of rows in which it may rise where no days are known"),
        Parameter("rows", 20, 2, 1e9, "rows that a symbol needs for that", whole=True),
    ),
)
_NEVER = np.iinfo(np.int64).min


class Adjusted(Check):
    """Compares the shares of neighbours."""

    rules = (ADJUSTED,)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """It needs both closes."""
        return {ADJUSTED.id: facts.without("close", "adj_close")}

    def prepare(self) -> None:
        """Name the column."""
        self._name = self.facts.name("adj_close")

    def begin(self, symbol: str) -> None:
        """Forget the row before."""
        self._close = self._adjusted = np.nan
        self._rises = self._rows = 0
        # A time of day may be of the day before by UTC, and a longer bar is stamped on another day than the dividend's.
        dated = self.facts.time.type == "date32" and self.facts.timeframe == "1d"
        known = self.facts.ex_dates.get(symbol) if dated else None
        self._known = None if known is None else np.array(sorted(known), dtype=np.int64)
        self._day = _NEVER

    def see(self, batch: Batch) -> None:
        """Compare."""
        close, adjusted = batch.of("close"), batch.of("adj_close")
        assert close is not None
        assert adjusted is not None
        before = np.append(self._close, close[:-1])
        adjusted_before = np.append(self._adjusted, adjusted[:-1])
        self._close, self._adjusted = float(close[-1]), float(adjusted[-1])
        change = (adjusted / close) / (adjusted_before / before)
        least = np.minimum(np.minimum(close, before), np.minimum(adjusted, adjusted_before))
        slack = 1e-6 + 2 * self.value(ADJUSTED, "rounding") / least
        times = 1 / change
        whole = np.round(times)
        reverse = (whole >= 2) & (np.abs(times / whole - 1) <= 0.02 + slack)
        rows = np.flatnonzero((change < 1 - slack) & ~reverse)
        rises = change > 1 + slack
        self._rises += int(rises.sum())
        self._rows += len(batch)
        self.found.rows(
            ADJUSTED.id, batch, rows, lambda i: f"the share of the close fell by {1 - change[rows[i]]:.2%}", self._name
        )
        if self._known is None:
            return
        # A day without a row counts for the row after it.
        days = batch.days
        since, self._day = np.append(self._day, days[:-1]), int(days[-1])
        known = np.searchsorted(self._known, days, side="right") > np.searchsorted(self._known, since, side="right")
        odd = np.flatnonzero(rises & ~known)
        self.found.rows(
            ADJUSTED.id,
            batch,
            odd,
            lambda i: f"the share of the close rises by {change[odd[i]] - 1:.2%}, and no dividend or split is known",
            self._name,
        )

    def end(self, symbol: str) -> None:
        """Decide whether it stands still most of the time, where nothing tells when it may not."""
        if self._known is not None or self._rows < self.value(ADJUSTED, "rows"):
            return
        if self._rises > self.value(ADJUSTED, "share") * self._rows:
            message = f"the share of the close rises in {self._rises:,} of {self._rows:,} rows"
            self.found.add(ADJUSTED.id, [Place(column=self._name, symbol=symbol, message=message)])
