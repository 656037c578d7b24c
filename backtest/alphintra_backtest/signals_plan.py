"""From ``al.Signals`` to the flat arrays that the driver reads; see ``core_signals``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from .core_signals import SIG_COVER, SIG_ENTRY, SIG_EXIT, SIG_SHORT, SIG_WEIGHT

if TYPE_CHECKING:
    from alphintra.signals import Signals

_BITS = (SIG_ENTRY, SIG_EXIT, SIG_SHORT, SIG_COVER)
_NO_MASK = np.empty(0, dtype=np.uint8)
_NO_PERCENT = np.full(1, np.nan)


@dataclass(eq=False, slots=True)
class Plan:
    """The driver's arrays: ``code`` (T · S,) uint8, the others (1,) or (T · S,) float64.

    ``trails`` says that ``loss`` is the distance of a trailing stop.
    """

    code: Any
    amount: Any
    loss: Any
    gain: Any
    trails: bool = False

    @property
    def brackets(self) -> bool:
        """Whether entries have protective orders."""
        return self.loss is not _NO_PERCENT or self.gain is not _NO_PERCENT


def plan(asked: Signals, first: int, shape: tuple[int, int], code: Any = None) -> Plan:
    """Lay signals out for a run whose first decision is at timestamp ``first``; ``code`` is where to, else new."""
    t, s = shape
    if asked.weights is not None:
        weights = _flat(asked.weights)
        acting = _acting(weights.reshape(t, s), first, asked.rebalance == "always")
        if code is not None:
            code[:] = acting
        return Plan(acting if code is None else code, weights, _NO_PERCENT, _NO_PERCENT)
    if code is None:
        code = np.empty(t * s, dtype=np.uint8)
    _pack((asked.entries, asked.exits, asked.short_entries, asked.short_exits), first * s, code)
    size = 1 / s if asked.size is None else asked.size
    trails = asked.trail_percent is not None
    stop = asked.trail_percent if trails else asked.stop_loss_percent
    return Plan(code, _flat(size), _flat(stop), _flat(asked.take_profit_percent), trails)


def _bytes(mask: Any) -> Any:
    flat = mask if mask.ndim == 1 else mask.reshape(-1)
    return (flat if flat.flags.c_contiguous else flat.copy()).view(np.uint8)


def _pack(masks: tuple[Any, ...], first: int, code: Any) -> None:
    """One byte for each timestamp and symbol, from the four masks (None: never); 0 before place ``first``."""
    flags = [_NO_MASK if m is None else _bytes(m) for m in masks]
    if "alphintra_backtest.compiled" in sys.modules:
        _compiled()(*flags, first, code)
        return
    code[:] = 0
    for mask, bit in zip(flags, _BITS, strict=True):
        if len(mask):
            code |= mask * np.uint8(bit)
    code[:first] = 0


@cache
def _compiled() -> Any:
    from . import compiled

    kind = compiled.one_dimension(np.uint8)
    return compiled.entry("pack", kind, kind, kind, kind, compiled.WHOLE_NUMBER, kind)


def _flat(value: Any) -> Any:
    """One number as (1,), an array as (T · S,), none as NaN; writeable, as the compiled code is made for that."""
    if value is None:
        return _NO_PERCENT
    if not isinstance(value, np.ndarray):
        return _one(value)
    return np.require(value.reshape(-1), dtype=np.float64, requirements=["C", "W"])


@lru_cache(256)
def _one(value: float) -> Any:
    """One number as (1,), which is only ever read: a sweep asks for the same one for each variant."""
    return np.full(1, value, dtype=np.float64)


def _acting(weights: Any, first: int, always: bool) -> Any:
    """Where a weight is an order: it is given, and differs from the one before it (0 before the first)."""
    weights = weights.copy()
    weights[:first] = np.nan
    given = ~np.isnan(weights)
    if not always:
        rows = np.where(given, np.arange(len(weights))[:, None], -1)
        rows = np.maximum.accumulate(rows, axis=0)
        before = np.full(weights.shape, -1, dtype=np.int64)
        before[1:] = rows[:-1]
        last = np.where(before >= 0, np.take_along_axis(weights, np.maximum(before, 0), axis=0), 0.0)
        given &= weights != last
    return (given * np.uint8(SIG_WEIGHT)).reshape(-1)
