"""The compiled form: a strategy as whole arrays of signals, and the ``on_bar`` that says what they mean.

A class that defines ``signals(self, data)`` runs as compiled code. :func:`reference` gives the same strategy in
the other form; the two have equal orders, events and fills.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._engine import engine
from .errors import SignalsError
from .strategy import Strategy

F64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LARGEST_SIZE = 50.0
"""Upper bound of sizes and weights, in multiples of equity: beyond it somebody meant percent (95 for 0.95)."""

MASKS = ("entries", "exits", "short_entries", "short_exits")
PERCENTS = ("stop_loss_percent", "take_profit_percent", "trail_percent")


class Signals:
    """What a strategy does at each bar, as arrays of shape (T,), or (T, S) for S > 1 symbols in universe order.

    Decisions are those of the bar's close, orders work from the symbol's next bar. Per symbol, in universe order:

    - An entry is one order to the target of ``size`` × equity (short: −``size``), sized at the fill. It is ignored
      while a position, or a working order, of the same side exists; from the opposite side it is one order to the
      new target.
    - An exit is one order to a target of 0. It is ignored without a position, or a working order, of its side.
    - On one bar an exit wins over the entry of the same side, and entries of both sides cancel each other.
    - A weight is an order to that share of equity: NaN holds, 0 is flat.

    Args:
        entries: bool; go long.
        exits: bool; end a long position.
        short_entries: bool; go short.
        short_exits: bool; end a short position.
        weights: float; target shares of equity (negative: short), instead of the four above.
        size: Fraction of equity per position, above 0; a number or an array, by default 1 / S.
        stop_loss_percent: Distance of a protective stop as a fraction of the fill price, in (0, 1); a number or
            an array.
        take_profit_percent: Distance of a target, likewise.
        trail_percent: Distance of a trailing stop, likewise.
        rebalance: ``"change"`` orders where a weight differs from the one before it (NaN aside; 0 before the
            first), ``"always"`` at every weight that is not NaN.

    Raises:
        SignalsError: An array of another type or shape, contradictory arguments, a size out of bounds; names the
            argument.
    """

    def __init__(
        self,
        entries: Any = None,
        exits: Any = None,
        short_entries: Any = None,
        short_exits: Any = None,
        *,
        weights: Any = None,
        size: Any = None,
        stop_loss_percent: Any = None,
        take_profit_percent: Any = None,
        trail_percent: Any = None,
        rebalance: str = "change",
    ) -> None:
        # Each is looked at here whether it is given: a sweep makes thousands of these, with most of them left out.
        self.entries = None if entries is None else _mask("entries", entries)
        self.exits = None if exits is None else _mask("exits", exits)
        self.short_entries = None if short_entries is None else _mask("short_entries", short_entries)
        self.short_exits = None if short_exits is None else _mask("short_exits", short_exits)
        self.weights = None if weights is None else _weights(weights)
        self.size = None if size is None else _numbers("size", size, LARGEST_SIZE)
        loss, gain, trail = stop_loss_percent, take_profit_percent, trail_percent
        self.stop_loss_percent = None if loss is None else _percent("stop_loss_percent", loss)
        self.take_profit_percent = None if gain is None else _percent("take_profit_percent", gain)
        self.trail_percent = None if trail is None else _percent("trail_percent", trail)
        self.rebalance = rebalance
        #: The arguments that are arrays, by name.
        self.arrays: dict[str, npt.NDArray[Any]] = {
            n: a for n, a in self.__dict__.items() if a.__class__ is np.ndarray
        }
        self._agree()
        first: Any = None
        for array in self.arrays.values():
            if first is not None and array.shape != first.shape:
                told = ", ".join(f"{n} {a.shape}" for n, a in self.arrays.items())
                raise SignalsError(f"the arrays have different shapes: {told}", hint="all have that of data.close")
            first = array

    def _agree(self) -> None:
        """Refuse arguments that contradict each other."""
        if self.rebalance not in ("change", "always"):
            raise SignalsError(f"rebalance={self.rebalance!r} is not one of ['change', 'always']", where="rebalance")
        if self.weights is not None:
            beside = [n for n in (*MASKS, "size", *PERCENTS) if getattr(self, n) is not None]
            if beside:
                raise SignalsError(
                    f"weights= and {beside[0]}= exclude each other", where=beside[0],
                    hint="weights are target shares of equity; entries take a size and protective orders",
                )  # fmt: skip
            return
        if self.rebalance != "change":
            raise SignalsError("rebalance= goes with weights=", where="rebalance")
        if self.stop_loss_percent is not None and self.trail_percent is not None:
            raise SignalsError(
                "stop_loss_percent= and trail_percent= exclude each other", where="trail_percent",
                hint="a trailing stop is the stop of the bracket",
            )  # fmt: skip
        if self.entries is None and self.short_entries is None:
            raise SignalsError("neither entries=, short_entries= nor weights= is given", where="entries")
        if self.exits is not None and self.entries is None:
            raise SignalsError("exits= without entries= has nothing to end", where="exits")
        if self.short_exits is not None and self.short_entries is None:
            raise SignalsError("short_exits= without short_entries= has nothing to end", where="short_exits")

    def fit(self, shape: tuple[int, int]) -> None:
        """Check all arrays against (T, S) timestamps and symbols, and what is read where an entry stands.

        Raises:
            SignalsError: Names the argument, its shape and the expected one, or the row of a bad number.
        """
        t, s = shape
        for name, array in self.arrays.items():
            if array.shape != shape and not (s == 1 and array.shape == (t,)):
                expected = f"({t},)" if s == 1 else f"({t}, {s}): {t} timestamps, {s} symbols"
                raise SignalsError(
                    f"{name} has shape {array.shape}, expected {expected}", where=name,
                    hint="the shape of data.close",
                )  # fmt: skip
        for name, values in self.arrays.items():
            if name == "size" or name in PERCENTS:
                most = LARGEST_SIZE if name == "size" else 1.0
                bad = ~((values > 0) & (values <= most) & ((values < most) | (name == "size")))
                at = np.argwhere(bad & self.enters())
                if len(at):
                    row = tuple(at[0].tolist())
                    raise SignalsError(
                        f"{name} is {values[row]} in row {row[0]}, where an entry stands", where=name,
                        hint=f"a number above 0, {'at most 50' if name == 'size' else 'below 1'}",
                    )  # fmt: skip

    def enters(self) -> Mask:
        """Where an entry of either side stands."""
        if self.entries is None or self.short_entries is None:
            only = self.entries if self.entries is not None else self.short_entries
            assert only is not None
            return only
        return self.entries | self.short_entries

    def __repr__(self) -> str:
        given = [f"{n} {a.shape}" for n, a in self.arrays.items()]
        return f"<signals: {', '.join(given)}>"


def _mask(name: str, value: Any) -> Mask:
    array = value if value.__class__ is np.ndarray else np.asarray(value)
    if array.dtype.char != "?":
        raise SignalsError(
            f"{name} holds {array.dtype}, expected bool", where=name, hint="a comparison such as fast > slow"
        )
    mask: Mask = _dimensions(name, array)
    return mask


def _dimensions(name: str, array: npt.NDArray[Any]) -> Any:
    if array.ndim not in (1, 2):
        raise SignalsError(f"{name} has shape {array.shape}, expected (T,), or (T, S) for several symbols", where=name)
    return array


def _floats(name: str, value: Any) -> F64:
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise SignalsError(f"{name} holds {array.dtype}, expected numbers", where=name)
    return array.astype(np.float64, copy=False)


def _weights(value: Any) -> F64:
    array: F64 = _dimensions("weights", _floats("weights", value))
    bad = np.argwhere(np.abs(array) > LARGEST_SIZE)
    if len(bad):
        row = tuple(bad[0].tolist())
        raise SignalsError(
            f"weights is {array[row]} in row {row[0]}", where="weights",
            hint="fractions of equity: 0.95 is 95 %, NaN holds, 0 is flat",
        )  # fmt: skip
    return array


def _numbers(name: str, value: Any, most: float) -> float | F64:
    """A number within (0, most], or an array that is looked at where entries stand."""
    if isinstance(value, bool) or (not isinstance(value, int | float) and np.ndim(value) == 0):
        if isinstance(value, np.ndarray | np.number) and np.asarray(value).dtype.kind in "iuf":
            value = float(value)
        else:
            raise SignalsError(f"{name} must be a number or an array, got {value!r}", where=name)
    if isinstance(value, int | float):
        if not 0 < value <= most:
            raise SignalsError(f"{name}={value!r} is outside (0, {most:g}]", where=name, hint="a fraction: 0.05 is 5 %")
        return float(value)
    array: F64 = _dimensions(name, _floats(name, value))
    return array


def _percent(name: str, value: Any) -> float | F64:
    number = _numbers(name, value, 1.0)
    if isinstance(number, float) and number == 1.0:
        raise SignalsError(f"{name}={value!r} is outside (0, 1)", where=name, hint="a fraction: 0.05 is 5 %")
    return number


class SignalsReference(Strategy):
    """What signals mean, bar by bar; :func:`reference` puts it in front of a strategy class."""

    _runs_by_bar = True
    _asked: Signals

    def on_start(self) -> None:
        """Ask for the signals of all bars."""
        self._asked = engine("signals_data").ask(self, self._run)
        self._newest: dict[str, tuple[Any, int]] = {}
        self._weight: dict[str, float] = {}

    def on_bar(self) -> None:
        """Act on this timestamp's row, symbol by symbol."""
        for s, symbol in enumerate(self.data.symbols):
            size = self.position(symbol).size
            order, goes_for = self._newest.get(symbol, (None, 0))
            goal = goes_for if order is not None and order.is_working else None
            act = self._rebalance if self._asked.weights is not None else self._signal
            done = act(s, symbol, size, goal)
            if done is not None:
                self._newest[symbol] = done

    def on_fill(self, fill: Any) -> None:
        """Nothing: signals are known beforehand."""

    def on_order(self, order: Any) -> None:
        """Nothing, likewise."""

    def on_stop(self) -> None:
        """Nothing, likewise."""

    def _at(self, name: str, s: int) -> Any:
        """Value of an argument for the current timestamp and a symbol; None where it is not given."""
        value = getattr(self._asked, name)
        if not isinstance(value, np.ndarray):
            return value
        return value[self.bar_index] if value.ndim == 1 else value[self.bar_index, s]

    def _signal(self, s: int, symbol: str, size: float, goal: int | None) -> tuple[Any, int] | None:
        """``goal`` is what a working order goes for: 1 long, −1 short, 0 flat, None without one."""
        leave, cover = bool(self._at("exits", s)), bool(self._at("short_exits", s))
        enter = bool(self._at("entries", s)) and not leave
        short = bool(self._at("short_entries", s)) and not cover
        is_long, is_short = size > 0 or goal == 1, size < 0 or goal == -1
        side = 0
        if enter and not short and not is_long:
            side = 1
        elif short and not enter and not is_short:
            side = -1
        if side:
            share = self._at("size", s)
            share = 1 / len(self.data.symbols) if share is None else float(share)
            order = self._run.target(
                "percent", side * share, symbol, "",
                stop_loss_percent=self._at("stop_loss_percent", s),
                take_profit_percent=self._at("take_profit_percent", s), trail_percent=self._at("trail_percent", s),
            )  # fmt: skip
            return order, side
        if ((leave and is_long) or (cover and is_short)) and goal != 0:
            return self.order_target_quantity(0, symbol), 0
        return None

    def _rebalance(self, s: int, symbol: str, size: float, goal: int | None) -> tuple[Any, int] | None:
        weight = float(self._at("weights", s))
        if weight != weight:
            return None
        before = self._weight.get(symbol, 0.0)
        self._weight[symbol] = weight
        if self._asked.rebalance == "change" and weight == before:
            return None
        if weight:
            return self.order_target_percent(weight, symbol), 1 if weight > 0 else -1
        if goal == 0 or (goal is None and not size):
            return None
        return self.order_target_quantity(0, symbol), 0


def reference(strategy: type[Strategy]) -> type[Strategy]:
    """The ``on_bar`` form of a strategy that defines ``signals``: same name, same parameters, same orders.

    Raises:
        SignalsError: The class defines no ``signals``.
    """
    if not callable(getattr(strategy, "signals", None)):
        raise SignalsError(f"{strategy.__name__} defines no signals(self, data)")
    return type(strategy.__name__, (SignalsReference, strategy), {"__module__": strategy.__module__})
