"""Where the best variant stands in its grid: at an edge, and how its neighbours did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alphintra_backtest.sweep import ranking
from alphintra_backtest.sweep.space import Axis
from alphintra_backtest.sweep.variant import Variant


@dataclass(frozen=True)
class Neighbours:
    """How the variants did that are one step away in one or more parameters.

    Attributes:
        count: How many of them have the metric.
        mean: Their mean.
        worst: The worst of them.
    """

    count: int
    mean: float
    worst: float


def neighbours(
    variants: Sequence[Variant], axes: Sequence[Axis], best: int, metric: str, maximize: bool
) -> Neighbours | None:
    """Return how the neighbours of a variant did; ``None`` where there are none, or no steps."""
    if any(not axis.values or not _ordered(axis) for axis in axes):
        return None
    places = np.column_stack([_places(variants, axis) for axis in axes])
    near = (np.abs(places - places[best]) <= 1).all(axis=1)
    near[best] = False
    values = ranking.values_of(variants, metric)[near]
    values = values[~np.isnan(values)]
    if not len(values):
        return None
    return Neighbours(len(values), float(values.mean()), float(values.min() if maximize else values.max()))


def edges(variants: Sequence[Variant], axes: Sequence[Axis], best: int) -> list[tuple[str, str]]:
    """Return the parameters whose best value is the smallest or largest that was tried, of three or more."""
    found = []
    for axis in axes:
        if not _ordered(axis) or (axis.values and len(axis.values) < 3):
            continue
        value = variants[best].params[axis.name]
        tried = {v.params[axis.name] for v in variants}
        if len(tried) >= 3 and value in (min(tried), max(tried)):
            found.append((axis.name, "smallest" if value == min(tried) else "largest"))
    return found


def _ordered(axis: Axis) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in axis.values)


def _places(variants: Sequence[Variant], axis: Axis) -> np.ndarray:
    place = {value: i for i, value in enumerate(sorted(axis.values))}
    return np.array([place[v.params[axis.name]] for v in variants])
