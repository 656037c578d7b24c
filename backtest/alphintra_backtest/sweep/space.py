"""What a sweep varies: the values of each parameter, and the combinations of them in order."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any

from alphintra_backtest.sweep.constraint import Constraint

#: Combinations that a grid may have, and those that may be left of it to run.
MOST_COMBINATIONS, MOST_VARIANTS = 1_000_000, 100_000
#: Decimals of an interval's steps: 0.2 + 0.1 is 0.3.
DECIMALS = 12

Values = dict[str, Any]


@dataclass(frozen=True)
class Axis:
    """One parameter that is varied.

    Attributes:
        name: Its name.
        values: Its values in the order they were given; empty for an interval.
        low: Lower end of an interval.
        high: Upper end, included.
        step: Distance of an interval's values; None: any number between the ends.
        whole: Whether an interval is of whole numbers.
    """

    name: str
    values: tuple[Any, ...] = ()
    low: float = math.nan
    high: float = math.nan
    step: float | None = None
    whole: bool = False

    @property
    def count(self) -> int | None:
        """How many values there are, None where any number between two ends is one."""
        if self.values:
            return len(self.values)
        return None if self.step is None else 1 + math.floor((self.high - self.low) / self.step + 1e-9)

    def at(self, place: int) -> Any:
        """Return the value at a place of a counted axis."""
        if self.values:
            return self.values[place]
        assert self.step is not None
        value = self.low + place * self.step
        return int(value) if self.whole else round(value, DECIMALS)


@dataclass(frozen=True)
class Space:
    """What is varied, in order, and what is not.

    Attributes:
        axes: The parameters that are varied; the last one varies fastest.
        rest: All other parameters with their values.
        constraint: Which combinations are allowed.
    """

    axes: tuple[Axis, ...]
    rest: Values
    constraint: Constraint

    @property
    def count(self) -> int | None:
        """How many combinations there are before the constraint, None where they cannot be counted."""
        counts = [axis.count for axis in self.axes]
        return None if None in counts else math.prod(c for c in counts if c is not None)

    def whole(self, chosen: Mapping[str, Any]) -> Values:
        """Return all parameters of a variant, the varied ones first."""
        return {**{axis.name: chosen[axis.name] for axis in self.axes}, **self.rest}

    def all(self) -> Iterator[Values]:
        """Yield every allowed combination in grid order."""
        for places in itertools.product(*(range(axis.count or 0) for axis in self.axes)):
            values = self.whole({axis.name: axis.at(i) for axis, i in zip(self.axes, places, strict=True)})
            if self.constraint.allows(values):
                yield values


def space_of(strategy: type, grid: Mapping[str, Any] | None, constraint: Any, *, drawn: bool) -> Space:
    """Read a grid.

    Args:
        strategy: The class whose parameters are varied.
        grid: Name → value or values: a range, list, tuple or array. Where variants are drawn, a pair of numbers is
            an interval, and a parameter that the grid leaves out is drawn between its own bounds, if it has any.
        constraint: See :class:`Constraint`.
        drawn: Whether variants are drawn (``random``, ``optuna``) instead of counted up.

    Raises:
        ParameterError: A parameter does not exist or has no such value, or there is nothing to vary.
    """
    from alphintra.errors import ParameterError
    from alphintra.params import bind, declared

    given = {} if grid is None else grid
    if not isinstance(given, Mapping):
        raise ParameterError(
            f"the grid must be a mapping of parameters to values, got {type(grid).__name__}",
            where="grid",
            hint='write {"fast": range(5, 50, 5)}',
        )
    known = declared(strategy)
    defaults = bind(strategy, None)
    for name in given:
        if name not in known:
            bind(strategy, {str(name): None})  # which says so, and names the nearest
    axes = [_axis(known[name], value, drawn) for name, value in given.items()]
    if drawn:
        axes += [axis for name, p in known.items() if name not in given and (axis := _own_bounds(p)) is not None]
    if not axes:
        hint = 'write {"fast": range(5, 50, 5)}'
        if not known:
            hint = f"{strategy.__name__} has no parameters: declare some with al.Param"
        raise ParameterError("the grid is empty: there is nothing to vary", code="EMPTY_GRID", where="grid", hint=hint)
    names = {axis.name for axis in axes}
    rest = {name: value for name, value in defaults.items() if name not in names}
    return Space(tuple(axes), rest, Constraint(constraint, tuple(known)))


def _axis(param: Any, given: Any, drawn: bool) -> Axis:
    from alphintra.errors import ParameterError

    if drawn and _is_pair(given) and type(param.default) in (int, float):
        low, high = (param.check(_plain(v)) for v in given)
        if low >= high:
            raise ParameterError(
                f"{param.name}: the interval {given!r} is empty", code="EMPTY_GRID", where=param.name,
                hint="write (low, high), or a list of values",
            )  # fmt: skip
        return _interval(param, low, high)
    values = tuple(dict.fromkeys(param.check(_plain(v)) for v in _listed(param.name, given)))
    if not values:
        raise ParameterError(
            f"the grid is empty: {param.name} has no values", code="EMPTY_GRID", where=param.name,
            hint=f"give at least one, such as {param.name}=[{param.default!r}]",
        )  # fmt: skip
    return Axis(param.name, values)


def _own_bounds(param: Any) -> Axis | None:
    """The axis that a parameter's own declaration gives."""
    if param.choices is not None:
        return Axis(param.name, tuple(param.choices))
    if isinstance(param.default, bool):
        return Axis(param.name, (False, True))
    if isinstance(param.default, str) or param.low is None or param.high is None or param.low >= param.high:
        return None
    return _interval(param, param.low, param.high)


def _interval(param: Any, low: float, high: float) -> Axis:
    whole = isinstance(param.default, int)
    if whole:
        low, high = math.ceil(low), math.floor(high)
        return Axis(param.name, low=low, high=high, step=max(1, round(param.step or 1)), whole=True)
    return Axis(param.name, low=float(low), high=float(high), step=param.step)


def _is_pair(given: Any) -> bool:
    return (
        isinstance(given, tuple)
        and len(given) == 2
        and all(isinstance(_plain(v), int | float) and not isinstance(_plain(v), bool) for v in given)
    )


def _plain(value: Any) -> Any:
    """A number of numpy's as Python's own."""
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value


def _listed(name: str, given: Any) -> Sequence[Any]:
    """The values of a grid's entry; what is no collection is the only value."""
    from alphintra.errors import ParameterError

    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        return [given]
    if getattr(given, "ndim", 1) == 0:
        return [given]
    if isinstance(given, Sized) and len(given) > MOST_COMBINATIONS:
        raise too_large(len(given))
    if isinstance(given, Mapping):
        raise ParameterError(f"{name}: its values are a mapping, not a list", where=name, hint="give a list or a range")
    return list(itertools.islice(given, MOST_COMBINATIONS + 1))


def too_large(count: int) -> Exception:
    """Return the error of a grid that nobody would wait for."""
    from alphintra.errors import ParameterError

    return ParameterError(
        f"the grid has {count:,} combinations",
        code="GRID_TOO_LARGE",
        where="grid",
        hint=f'{MOST_COMBINATIONS:,} can be tested and {MOST_VARIANTS:,} run: take larger steps, or method="random" '
        "with trials=",
    )
