"""Which sessions or trades each path consists of."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

#: Numbers in one matrix of observations × paths.
CELLS = 262_144
#: Most paths in one part: between two parts somebody is told how far it is.
_MOST = 50


def block_length(returns: F64) -> float:
    """Return the mean length of blocks that suits the series (Politis and White 2004, by ``arch``), at least 1.

    A series that does not vary, or whose best length is unknown, is drawn one by one; none is longer than the series.
    """
    from arch.bootstrap import optimal_block_length

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        found = float(optimal_block_length(returns)["stationary"].iloc[0])
    return min(max(found, 1.0), float(len(returns))) if math.isfinite(found) else 1.0


def stationary(count: int, block: float, paths: int, seed: int) -> Iterator[I64]:
    """Indices of the stationary bootstrap, in parts of shape (count, some of the paths)."""
    from arch.bootstrap import StationaryBootstrap

    rng = np.random.default_rng(seed)
    # Annotated as int, but any mean length is drawn: the chance that a block ends is 1 / block.
    source = StationaryBootstrap(block, np.empty(count), seed=rng)  # type: ignore[arg-type]
    for width in _widths(count, paths):
        part = np.empty((width, count), dtype=np.int64)
        for row in part:
            row[:] = source.update_indices()
        yield part.T


def replaced(count: int, paths: int, seed: int) -> Iterator[I64]:
    """Indices drawn with replacement, each by itself, in parts of shape (count, some of the paths)."""
    rng = np.random.default_rng(seed)
    for width in _widths(count, paths):
        yield rng.integers(0, count, size=(width, count)).T


def permuted(count: int, paths: int, seed: int) -> Iterator[I64]:
    """Indices in random order, each once, in parts of shape (count, some of the paths)."""
    rng = np.random.default_rng(seed)
    for width in _widths(count, paths):
        yield rng.permuted(np.broadcast_to(np.arange(count), (width, count)), axis=1).T


def _widths(count: int, paths: int) -> Iterator[int]:
    most = max(1, min(_MOST, CELLS // max(count, 1)))
    for first in range(0, paths, most):
        yield min(most, paths - first)
