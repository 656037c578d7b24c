"""What JupyterLab needs to draw a chart of a dataset itself: which dataset of the server's, and which part of it.

The chart in a cell then pans and zooms through all rows, of which only those that are looked at are read. No row
is in the notebook. Where nobody draws it, in an exported notebook for one, the HTML beside it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from alphintra.data.bounds import parse_bound

MIME = "application/vnd.alphintra.dataset.v1+json"
STATIC = "alphintra-StaticChart"
"""Class of the HTML that such a chart takes the place of."""
MOST_SYMBOLS = 1_000
"""More are not there to choose from; a chart of each is drawn with its own ``symbol=``."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class OnServer:
    """Which dataset of the server's one is.

    Attributes:
        dataset: Its name there, or its id.
        version: Number of its version; ``None`` for what ships.
        version_id: Id of the version: another dataset may have the name by the time that the notebook is opened.
    """

    dataset: str
    version: int | None = None
    version_id: str | None = None


def live(
    of: OnServer, symbols: Sequence[str], start: Any = None, end: Any = None, column: str | None = None
) -> dict[str, Any]:
    """Return what Lab draws a chart from.

    Args:
        of: Which dataset.
        symbols: Those that there are to choose from; the first is drawn.
        start: First time of what is shown at first: a date or an instant; ``None`` for all. What lies before it can be
            panned to.
        end: Last time, included.
        column: A column of numbers; ``None`` for the prices.
    """
    return {
        "dataset": of.dataset,
        "version": of.version,
        "version_id": of.version_id,
        "symbols": list(symbols[:MOST_SYMBOLS]),
        "start": _written(start, "start"),
        "end": _written(end, "end"),
        "column": column,
    }


def _written(value: Any, argument: str) -> str | None:
    """Write a bound as the server reads it."""
    bound = parse_bound(value, argument)
    if bound is None:
        return None
    if bound.instant is None:
        return str((_EPOCH + timedelta(days=bound.session)).date())
    return (_EPOCH + timedelta(microseconds=bound.instant)).isoformat()
