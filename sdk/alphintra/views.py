"""Views of series that end at the current bar: ``[-1]`` is the latest value, the future cannot be read.

All views of a run share one cursor. A view that has a value at every timestamp reads by one index; one that
does not (a symbol that misses bars, a higher time frame) goes through a map from the run's timestamps to its own.

Where prices split, a view is as of the current bar (F8): it has one whole array for each *basis*, the stretch of
timestamps between two splits, and the run puts it onto the array of now. Reading costs the same as without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ._engine import engine
from .errors import LookAheadError

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


class Cursor:
    """Where the run is: index of the current timestamp, −1 before the first bar."""

    __slots__ = ("i",)

    def __init__(self) -> None:
        self.i = -1


class Timeline:
    """The timestamps at which a series has values, within the run's own.

    Args:
        positions: (n,) indices into the run's timestamps, not decreasing: two bars of a higher time frame can
            become visible at once.
        count: Number of timestamps T of the run.
        owner: Index of the symbol whose bars these are; ``None`` where they belong to several.
    """

    def __init__(self, positions: I64, count: int, owner: int | None = None) -> None:
        self.positions = positions
        self.owner = owner
        every = np.arange(count, dtype=np.int64)
        self.dense = len(positions) == count and bool(np.array_equal(positions, every))
        self.own: I64 = every if self.dense else np.searchsorted(positions, every, side="right").astype(np.int64) - 1
        self.map: memoryview[int] = memoryview(self.own)  # type: ignore[arg-type]


class Bases:
    """A series as it is seen from each stretch of timestamps.

    Args:
        starts: (B,) timestamps at which a basis begins, the first 0.
        array: Basis → (n,) whole array of the series on it; made when it is asked for.
    """

    __slots__ = ("array", "starts")

    def __init__(self, starts: I64, array: Callable[[int], F64]) -> None:
        self.starts = starts
        self.array = array

    def at(self, timestamp: int) -> int:
        """The basis in force at a timestamp; the first one before the run."""
        return max(0, int(np.searchsorted(self.starts, timestamp, side="right")) - 1)


class Series:
    """A series as a strategy sees it; see the module's docstring.

    ``view[-1]`` is a float, ``view[-n:]`` a read-only array of the last n closed values (fewer near the
    start).

    Raises:
        LookAheadError: Reading in ``on_start``, or any index but a negative one or a slice that ends at now.
        IndexError: Fewer values than asked for exist yet.
    """

    #: Why no indicator can be made of it.
    _underivable: ClassVar[str] = ""

    __slots__ = ("_above", "_array", "_bases", "_basis", "_below", "_c", "_mv", "_seen", "name", "timeline")

    def __init__(self, array: F64, cursor: Cursor, timeline: Timeline, name: str, bases: Bases | None = None) -> None:
        self._bases = bases
        self._basis = 0
        self._seen: F64 | None = None
        self._put(array)
        self._c = cursor
        self.timeline = timeline
        self.name = name
        self._above: dict[Any, Any] = {}
        self._below: dict[Any, Any] = {}

    def _put(self, array: F64) -> None:
        values = np.ascontiguousarray(array, dtype=np.float64)
        if values is array:
            values = array.view()
        values.flags.writeable = False
        self._array = values
        self._mv: memoryview[float] = memoryview(values)  # type: ignore[arg-type]

    def __getitem__(self, key: Any) -> Any:
        if key.__class__ is int and key < 0:
            j: int = self._c.i + key + 1
            if j >= 0:
                return self._mv[j]
        return self._read(key)

    def _seek(self, timestamp: int) -> None:
        """Put the view onto the basis of a timestamp; the run does, where prices split."""
        if self._bases is not None:
            basis = self._bases.at(timestamp)
            if basis != self._basis:
                self._put(self._bases.array(basis))
                self._basis = basis

    def _on(self, timestamp: int) -> F64:
        """(n,) whole array on the basis of a timestamp, its future included: for computing, not for deciding."""
        if self._bases is None:
            return self._array
        basis = self._bases.at(timestamp)
        return self._array if basis == self._basis else self._bases.array(basis)

    def _stretches(self) -> Iterator[tuple[int, int, F64]]:
        """Each basis as (first timestamp, timestamp after its last, (n,) array on it)."""
        count = len(self.timeline.own)
        starts = [0] if self._bases is None else self._bases.starts.tolist()
        for start, stop in zip(starts, [*starts[1:], count], strict=True):
            yield start, stop, self._on(start)

    def _as_seen(self, at: I64 | None = None) -> F64:
        """The values as they were when each was the latest: each on the basis of its own timestamp.

        Args:
            at: Timestamps to look at, increasing; those at which the series has values where left out.

        Returns:
            (n,) values of the series, or one for each of ``at``, NaN where there was none yet.
        """
        positions = self.timeline.positions
        if at is not None and not (at is positions or (self.timeline.dense and len(at) == len(positions))):
            out = np.full(len(at), np.nan)
            own = self.timeline.own[at]
            for start, stop, values in self._stretches():
                first, last = np.searchsorted(at, (start, stop))
                out[first:last] = _from(values, own[first:last])
            return out
        if self._bases is None:
            return self._array
        if self._seen is None:
            self._seen = np.empty(len(positions))
            for start, stop, values in self._stretches():
                first, last = np.searchsorted(positions, (start, stop))
                self._seen[first:last] = values[first:last]
        return self._seen

    def _last(self) -> int:
        """Own index of the latest closed value, −1 if there is none."""
        return self._c.i if self.timeline.dense else self.timeline.map[self._c.i]

    def _read(self, key: Any) -> Any:
        if self._c.i < 0:
            raise LookAheadError(
                f"{self.name} has no values in on_start: it is a handle",
                hint="use self.indicator(fn, …) to derive from it, and read it in on_bar",
            )
        last = self._last()
        if isinstance(key, slice):
            start = key.start
            if key.stop is not None or key.step is not None or (start is not None and start >= 0):
                raise LookAheadError(
                    f"{self.name}[{_show(key)}] is not a slice that ends now",
                    hint=f"use {self.name}[-n:] for the last n values",
                )
            return self._part(0 if start is None else max(0, last + 1 + start), last + 1)
        if isinstance(key, int | np.integer):
            if key >= 0:
                raise LookAheadError(
                    f"{self.name}[{key}] counts from the start of the data",
                    hint=f"{self.name}[-1] is the current bar, {self.name}[-2] the one before",
                )
            j = last + int(key) + 1
            return self._value(j) if j >= 0 else self._too_old(int(key), last + 1)
        raise TypeError(f"{self.name}: an index is a negative integer or a slice such as [-20:], not {key!r}")

    def _part(self, first: int, stop: int) -> Any:
        """A copy of the closed values from one own index up to another."""
        return _apart(self._array[first:stop])

    def _value(self, j: int) -> Any:
        """The closed value of an own index."""
        return self._mv[j]

    def _too_old(self, key: int, count: int) -> Any:
        """What reading a value before the first of ``count`` gives."""
        raise IndexError(f"{self.name}[{key}]: only {count} values so far")

    def __len__(self) -> int:
        return 0 if self._c.i < 0 else self._last() + 1

    def __bool__(self) -> bool:
        raise TypeError(f"{self.name} is a series; its current value is {self.name}[-1]")

    def __array__(self, *args: Any, **kwargs: Any) -> F64:
        raise LookAheadError(
            f"{self.name} is a view, not an array", hint="self.indicator(fn, …) or a slice such as [-20:]"
        )

    def __iter__(self) -> Any:
        raise TypeError(f"{self.name} is a view; iterate over a slice such as {self.name}[-20:]")

    def __repr__(self) -> str:
        if self._c.i < 0:
            return f"<series {self.name}: handle>"
        last = self._last()
        return f"<series {self.name}: {self._said(last) if last >= 0 else 'no value yet'}>"

    def _said(self, last: int) -> str:
        return f"{self._value(last):.10g}"

    def _repr_html_(self) -> str | None:
        return None if self._c.i < 0 else str(engine("object_views").series(self))


class SparseSeries(Series):
    """A series that misses some of the run's timestamps."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        if key.__class__ is int and key < 0 and self._c.i >= 0:
            j: int = self.timeline.map[self._c.i] + key + 1
            if j >= 0:
                return self._mv[j]
        return self._read(key)


def series(array: F64, cursor: Cursor, timeline: Timeline, name: str, bases: Bases | None = None) -> Series:
    """The right kind of view for a timeline; ``array`` is that of the first basis where there are several."""
    return (Series if timeline.dense else SparseSeries)(array, cursor, timeline, name, bases)


def _show(key: slice) -> str:
    return ":".join(
        "" if part is None else str(part) for part in (key.start, key.stop, key.step)[: 3 if key.step else 2]
    )


def _from(values: F64, own: I64) -> F64:
    """Values by own index; NaN where that is −1, before the first."""
    return np.concatenate((values, [np.nan]))[own]


def _apart(values: F64) -> F64:
    """A read-only copy: a slice of the whole array would carry it along as its ``base``, the future included."""
    copied = values.copy()
    copied.flags.writeable = False
    return copied


class Panel:
    """One field of all symbols: ``panel[-1]`` is (S,), ``panel[-n:]`` (n, S); NaN before a first bar."""

    __slots__ = ("_array", "_c", "_inverse", "_levels", "name")

    def __init__(
        self, array: F64, cursor: Cursor, name: str, levels: tuple[F64, F64] | None = None, *, inverse: bool = False
    ) -> None:
        array.flags.writeable = False
        self._array = array  # (T, S), the last known value where a symbol has no bar
        self._c = cursor
        # What one share of before the run has become: (T, S) at the bar each value is of, and at each timestamp.
        self._levels = levels
        self._inverse = inverse  # volume, which grows with the number of shares
        self.name = name

    def _rows(self, which: int | slice) -> F64:
        if self._levels is None:
            return _apart(self._array[which])
        of_bar, now = self._levels[0][which], self._levels[1][self._c.i]
        rows: F64 = self._array[which] * (now / of_bar if self._inverse else of_bar / now)
        rows.flags.writeable = False
        return rows

    def __getitem__(self, key: Any) -> F64:
        i = self._c.i
        if i < 0:
            raise LookAheadError(f"panel({self.name!r}) has no values in on_start: read it in on_bar")
        if isinstance(key, slice):
            if key.stop is not None or key.step is not None or (key.start is not None and key.start >= 0):
                raise LookAheadError(f"panel({self.name!r}): only slices that end now, such as [-20:]")
            first = 0 if key.start is None else max(0, i + 1 + key.start)
            return self._rows(slice(first, i + 1))
        if isinstance(key, int | np.integer) and key < 0:
            at = i + 1 + int(key)
            if at < 0:
                raise IndexError(f"panel({self.name!r})[{key}]: only {i + 1} timestamps so far")
            return self._rows(at)
        raise LookAheadError(f"panel({self.name!r})[{key!r}]: [-1] is the current bar")

    def __len__(self) -> int:
        return self._c.i + 1
