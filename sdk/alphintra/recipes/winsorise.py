"""Bound a column's extremes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alphintra.errors import ParameterError
from alphintra.recipes import parameters
from alphintra.recipes.rows import F64, Rows, Shape
from alphintra.recipes.step import Context, Numbers, Outcome
from alphintra.recipes.trained import Trained, features, without_training
from alphintra.recipes.windows import MOST_ROWS, array, one_way, rolling
from alphintra.store.columns import Column, numbers


@dataclass(frozen=True, kw_only=True)
class Winsorise(Trained):
    """Bring numbers beyond two quantiles to these quantiles, or beyond two bounds to these bounds.

    Quantiles are those of the last rows (this one included), or of a training part of each symbol; numbers with fewer
    than `least` rows to go by stay as they are. Between two values quantiles are interpolated linearly.
    """

    kind: ClassVar[str] = "winsorise"
    refuses: ClassVar[str] = "quantiles of the whole; a centred window"

    columns: tuple[str, ...] = parameters.columns("Which; none: all features.")
    lower: float = parameters.number("Lower quantile.", 0.01, low=0, high=0.5)
    upper: float = parameters.number("Upper quantile.", 0.99, low=0.5, high=1)
    window: int | None = parameters.whole("Length of the window.", low=2, high=MOST_ROWS, unit="rows")
    fit_until: str | None = parameters.text("End of the training part: a date or an instant.", None, kind="instant")
    low: float | None = parameters.number("Lower bound, instead of quantiles.")
    high: float | None = parameters.number("Upper bound, instead of quantiles.")
    least: int = parameters.whole("Fewest numbers that quantiles are taken of.", 20, low=2, high=MOST_ROWS, unit="rows")
    centred: bool = parameters.never(
        "A window with rows on both sides.", "Half of a centred window is later rows: leave centred out."
    )

    def check(self) -> None:
        """See :class:`Step`."""
        if self.low is None and self.high is None:
            one_way(self.window, self.fit_until, "winsorising by quantiles")
        elif self.window is not None or self.fit_until is not None:
            raise ParameterError("bounds and quantiles are two ways", where="low, high", hint="Give one of them.")
        elif self.low is not None and self.high is not None and self.low > self.high:
            raise ParameterError(f"low ({self.low:g}) is above high ({self.high:g})", where="low, high")
        super().check()

    def plan(self, shape: Shape, context: Context) -> Shape:
        """See :class:`Step`."""
        chosen = features(shape, self.columns)
        return shape.having(*(Column(c.name, "double", c.role, c.unit) for c in chosen))

    def figures(self, values: F64) -> list[float]:
        """Return the two quantiles."""
        return [float(v) for v in np.quantile(values, (self.lower, self.upper))]

    def run(self, rows: Rows, shape: Shape, context: Context, fitted: Numbers) -> Outcome:
        """See :class:`Step`."""
        arrays = dict(rows.arrays)
        unfitted = []
        for column in features(rows.shape, self.columns):
            values = rows.numbers(column.name)
            if self.window is not None:
                ends = rolling(values, self.window, self.least)
                low, high = (array(ends.quantile(q)) for q in (self.lower, self.upper))
                # Where there are too few rows, nothing is bounded: fmax and fmin pass over NaN.
                low, high = np.where(np.isnan(values), np.nan, low), np.where(np.isnan(values), np.nan, high)
                values = np.fmin(np.fmax(values, low), high)
            elif self.fit_until is not None:
                if column.name in fitted:
                    low, high = (np.asarray(bound) for bound in fitted[column.name])
                    values = np.clip(values, low, high)
                else:
                    unfitted.append(column.name)
            else:
                values = np.clip(values, self.low, self.high)
            arrays[column.name] = numbers(values)
        return Outcome(arrays, note=without_training(rows.symbol, unfitted, self.fit_until, "left as it is"))
