"""Percentiles of many paths: of their curves point by point, and of each metric."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from alphintra.resampling import BANDS

from alphintra_backtest.plain_json import plain as plain_json

if TYPE_CHECKING:
    import pandas as pd
    from alphintra.resampling import MonteCarlo

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

#: Numbers that are kept of one curve of all paths; where there are more, it is looked at in fewer points.
MOST_CELLS = 8_000_000


class Fan:
    """Equity and drawdown of many paths, kept at as many points as fit into memory."""

    def __init__(self, count: int, paths: int, starting: float) -> None:
        """``count`` points of ``paths`` paths that all begin at ``starting``."""
        kept = min(count, max(2, MOST_CELLS // max(paths, 1)))
        self.points: I64 = np.unique(np.linspace(0, count - 1, kept).round().astype(np.int64))
        self._starting = starting
        self._equity = np.empty((len(self.points), paths))
        self._drawdown = np.empty((len(self.points), paths))
        self._next = 0

    def add(self, equity: F64) -> F64:
        """Take the curves of some paths, shape (count, some); returns their deepest drawdown, shape (some,)."""
        best = np.maximum(np.maximum.accumulate(equity, axis=0), self._starting)
        drawdown = equity / best - 1.0
        here = slice(self._next, self._next + equity.shape[1])
        self._equity[:, here] = equity[self.points]
        self._drawdown[:, here] = drawdown[self.points]
        self._next = here.stop
        deepest: F64 = np.minimum(drawdown.min(axis=0), 0.0) + 0.0
        return deepest

    def curves(self) -> dict[str, F64]:
        """Percentiles of what was taken, each of shape (5, points)."""
        kept = {"equity": self._equity[:, : self._next], "drawdown": self._drawdown[:, : self._next]}
        return {name: np.percentile(values, BANDS, axis=1) for name, values in kept.items()}


def table(found: MonteCarlo) -> pd.DataFrame:
    """One row a metric: actual, percentiles, share of paths below the actual, number of undefined paths."""
    import pandas as pd

    rows = {}
    for name, values in found.values.items():
        known = values[np.isfinite(values)]
        actual = found.own_values.get(name, math.nan)
        middle = np.percentile(known, BANDS).tolist() if len(known) else [math.nan] * len(BANDS)
        below = float(np.mean(known < actual)) if len(known) and math.isfinite(actual) else math.nan
        rows[name] = [actual, *middle, below, len(values) - len(known)]
    columns = ["actual", *BANDS, "below", "undefined"]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return frame.rename_axis("metric").astype({"undefined": "int64"})


def plain(found: MonteCarlo) -> dict[str, Any]:
    """The bands as plain values."""
    bands = found.bands.rename(columns={n: f"p{n}" for n in BANDS})
    content: dict[str, Any] = plain_json(
        {
            "run": dict(found.run),
            "method": found.method,
            "paths": found.paths,
            "seed": found.seed,
            "block": found.block,
            "noise": found.noise,
            "failed": found.failed,
            "metrics": {name: row.to_dict() for name, row in bands.iterrows()},
            "probability_of_loss": found.probability_of_loss,
            "notes": list(found.notes),
        }
    )
    return content
