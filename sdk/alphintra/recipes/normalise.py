"""Bring columns to one scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alphintra.errors import ParameterError
from alphintra.recipes import parameters
from alphintra.recipes.derive import check_new
from alphintra.recipes.rows import F64, PRICES, Rows, Shape
from alphintra.recipes.step import Context, Numbers, Outcome
from alphintra.recipes.trained import Trained, features, without_training
from alphintra.recipes.windows import MOST_ROWS, array, one_way, rolling
from alphintra.store.columns import Column, numbers


@dataclass(frozen=True, kw_only=True)
class Normalise(Trained):
    """Bring numbers to one scale: less a middle, divided by a spread.

    `zscore`: mean and standard deviation (n − 1). `minmax`: the least becomes 0 and the greatest 1. `robust`: median
    and the distance of the quartiles. They are those of the last rows (this one included), or of a training part of
    each symbol. Where there is no spread, or too few numbers, the result is missing.
    """

    kind: ClassVar[str] = "normalise"
    refuses: ClassVar[str] = "figures of the whole; a centred window"

    columns: tuple[str, ...] = parameters.columns("Which; none: all features.")
    method: str = parameters.choice("How.", ("zscore", "minmax", "robust"), "zscore")
    window: int | None = parameters.whole("Length of the window.", low=2, high=MOST_ROWS, unit="rows")
    fit_until: str | None = parameters.text("End of the training part: a date or an instant.", None, kind="instant")
    least: int = parameters.whole("Fewest numbers that figures are taken of.", 20, low=2, high=MOST_ROWS, unit="rows")
    suffix: str = parameters.text("Put after the name of the new column; empty: the column is replaced.", "_norm")
    centred: bool = parameters.never(
        "A window with rows on both sides.", "Half of a centred window is later rows: leave centred out."
    )

    def check(self) -> None:
        """See :class:`Step`."""
        one_way(self.window, self.fit_until, "normalising")
        super().check()

    def plan(self, shape: Shape, context: Context) -> Shape:
        """See :class:`Step`."""
        new = []
        for column in features(shape, self.columns):
            if not self.suffix and column.role in (*PRICES, "volume", "price", "adj_close"):
                raise ParameterError(
                    f"{column.name!r} would be traded at its normalised values", where="suffix",
                    hint="Give a suffix, so that the prices stay.",
                )  # fmt: skip
            if self.suffix:
                check_new(shape, column.name + self.suffix)
            role = (column.role or "feature") if not self.suffix else "feature"
            new.append(Column(column.name + self.suffix, "double", role))
        return shape.having(*new)

    def run(self, rows: Rows, shape: Shape, context: Context, fitted: Numbers) -> Outcome:
        """See :class:`Step`."""
        arrays = dict(rows.arrays)
        unfitted = []
        for column in features(rows.shape, self.columns):
            values = rows.numbers(column.name)
            if self.window is not None:
                middle, spread = self._rolling(values)
            else:
                middle, spread = (np.array(v) for v in fitted.get(column.name, (np.nan, np.nan)))
                if column.name not in fitted:
                    unfitted.append(column.name)
            with np.errstate(all="ignore"):
                found = np.where(spread > 0, (values - middle) / spread, np.nan)
            arrays[column.name + self.suffix] = numbers(found)
        return Outcome(arrays, note=without_training(rows.symbol, unfitted, self.fit_until, "missing"))

    def figures(self, values: F64) -> list[float]:
        """Return the middle and the spread."""
        if self.method == "zscore":
            return [float(values.mean()), float(values.std(ddof=1))]
        if self.method == "minmax":
            return [float(values.min()), float(values.max() - values.min())]
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
        return [float(middle), float(high - low)]

    def _rolling(self, values: F64) -> tuple[F64, F64]:
        assert self.window is not None
        last = rolling(values, self.window, self.least)
        if self.method == "zscore":
            return array(last.mean()), array(last.std())
        if self.method == "minmax":
            low = array(last.min())
            return low, array(last.max()) - low
        low, middle, high = (array(last.quantile(q)) for q in (0.25, 0.5, 0.75))
        return middle, high - low
