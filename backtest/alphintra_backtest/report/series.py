"""Lines of a report's figures: dates as text, values thinned by their extremes and rounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra_backtest.formats import stamp
from alphintra_backtest.view_series import extremes, shown

POINTS = 4_000


def moments(seconds: npt.ArrayLike) -> list[str]:
    """Return seconds since 1970 as the ISO text that a date axis reads."""
    return [stamp(int(moment)) for moment in np.asarray(seconds).tolist()]


def kept(series: Sequence[npt.ArrayLike], limit: int = POINTS) -> npt.NDArray[np.int64]:
    """Return the indices at which curves of one length are drawn."""
    return extremes([np.asarray(values, dtype=np.float64) for values in series], limit)


def thinned(count: int, keep: npt.NDArray[np.int64], what: str = "bars") -> str:
    """Say how far a curve was thinned, nothing where it was not."""
    if len(keep) >= count:
        return ""
    return f"{len(keep):,} of {count:,} {what} are drawn; extremes are kept.".replace(",", "\u202f")


def line(x: Sequence[Any], y: npt.ArrayLike, name: str, color: str, **more: Any) -> dict[str, Any]:
    """Return a line; ``more`` are further keys of Plotly's trace, ``width`` its width."""
    width = more.pop("width", 1.6)
    style = {"color": color, "width": width, **more.pop("line", {})}
    return {
        "type": "scatter", "mode": "lines", "x": list(x), "y": shown(y), "name": name, "line": style, **more,
    }  # fmt: skip


def level(y: float, color: str = "@muted") -> dict[str, Any]:
    """Return a line across the whole figure at ``y``."""
    return {
        "type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": y, "y1": y,
        "line": {"color": color, "width": 1, "dash": "dot"},
    }  # fmt: skip
