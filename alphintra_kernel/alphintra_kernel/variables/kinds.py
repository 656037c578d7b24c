"""What a trading object is: which classes are listed, in which group, and what is said of each."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from alphintra_kernel.variables import tables, trading
from alphintra_kernel.variables.described import Described, counted, listed
from alphintra_kernel.variables.reading import bases, class_name, trusted

#: Groups in the order in which they are shown.
GROUPS = ("result", "study", "replay", "strategy", "data", "model", "table", "job")


@dataclass(frozen=True)
class Kind:
    """A kind of trading object.

    Attributes:
        group: One of :data:`GROUPS`.
        describe: Says what an object is. Raises whatever it likes where that changes just now.
        exact: Whether objects of classes that come of it are something else: what they do is not known.
        name: What its class is called, where that is not its name.
    """

    group: str
    describe: Callable[[Any], Described]
    exact: bool = True
    name: str = ""


@dataclass(frozen=True)
class Entry:
    """An object of the list: its group, what its class is called, and how it is described."""

    group: str
    type: str
    describe: Callable[[Any], Described]


_ENGINE = "alphintra_backtest"
#: By module and name: a class that nobody has loaded has no objects.
KINDS: dict[tuple[str, str], Kind] = {
    ("alphintra.result", "Result"): Kind("result", trading.result),
    ("alphintra.sweeping", "Sweep"): Kind("study", trading.sweep),
    ("alphintra.walking", "WalkForward"): Kind("study", trading.study),
    ("alphintra.resampling", "MonteCarlo"): Kind("study", trading.study),
    ("alphintra.comparing", "Comparison"): Kind("study", trading.study),
    ("alphintra.testing", "CheckRun"): Kind("study", trading.study),
    ("alphintra.checking", "Check"): Kind("study", trading.study),
    ("alphintra.verifying", "Verification"): Kind("study", trading.study),
    ("alphintra.overfitting", "Judgement"): Kind("study", trading.study),
    ("alphintra.overfitting", "HalfSplits"): Kind("study", trading.study),
    (f"{_ENGINE}.replay.replay", "Replay"): Kind("replay", trading.replay),
    ("alphintra_kernel.replay_widget", "ReplayWidget"): Kind("replay", trading.seen_replay, False, "Replay"),
    (f"{_ENGINE}.handles", "Position"): Kind("replay", trading.position),
    (f"{_ENGINE}.handles", "Order"): Kind("replay", trading.order),
    (f"{_ENGINE}.handles", "Fill"): Kind("replay", trading.fill),
    (f"{_ENGINE}.handles", "RoundTrip"): Kind("replay", trading.round_trip),
    ("alphintra.strategy", "Strategy"): Kind("strategy", trading.strategy, exact=False),
    ("alphintra.signals", "Signals"): Kind("strategy", trading.study),
    ("alphintra.data.dataset", "Dataset"): Kind("data", trading.dataset),
    ("alphintra.data.dataset", "DatasetList"): Kind("data", trading.datasets),
    ("alphintra.data.market", "MarketData"): Kind("data", trading.market),
    ("sklearn.base", "BaseEstimator"): Kind("model", tables.model, exact=False),
    ("pandas", "DataFrame"): Kind("table", tables.frame, exact=False),
    ("pandas", "Series"): Kind("table", tables.series, exact=False),
    ("polars.dataframe.frame", "DataFrame"): Kind("table", tables.polars_frame),
    ("pyarrow.lib", "Table"): Kind("table", tables.arrow_table),
    ("numpy", "ndarray"): Kind("table", tables.numpy_array),
    ("alphintra.job", "Job"): Kind("job", trading.job),
    ("alphintra.job", "JobResult"): Kind("result", trading.job_result),
}
_STRATEGY = ("alphintra.strategy", "Strategy")
_COLLECTIONS = (list, tuple, dict)


class Known:
    """The classes that are loaded now."""

    def __init__(self) -> None:
        # By identity: a class may have a metaclass with a comparison and a hash of its own.
        self._kinds: dict[int, Kind] = {}
        self._strategy: Any = None
        for (module, name), kind in KINDS.items():
            found = sys.modules.get(module)
            cls = None if found is None else vars(found).get(name)
            if cls is not None:
                self._kinds[id(cls)] = kind
                if (module, name) == _STRATEGY:
                    self._strategy = cls
        # What objects of a class are, and the class itself, which must not go while this is known.
        self._seen: dict[int, tuple[type, Entry | None]] = {}

    def entry(self, thing: Any) -> Entry | None:
        """How an object is listed; ``None`` where it is no trading object."""
        if any(type(thing) is kind for kind in _COLLECTIONS):
            return self._collection(thing)
        return self._single(thing)

    def _single(self, thing: Any) -> Entry | None:
        cls = type(thing)
        if id(cls) not in self._seen:
            self._seen[id(cls)] = cls, self._of_class(cls)
        entry = self._seen[id(cls)][1]
        if entry is None:
            return None
        if entry.describe is trading.strategy_class:
            is_theirs = any(base is self._strategy for base in bases(thing)[1:]) and not trusted(thing)
            return entry if self._strategy is not None and is_theirs else None
        if entry.describe is tables.numpy_array and not tables.is_data(thing):
            return None
        if entry.describe is tables.frame and tables.has_prices(thing):
            return Entry("data", entry.type, entry.describe)
        return entry

    def _of_class(self, cls: type) -> Entry | None:
        for at, base in enumerate(bases(cls)):
            if base is type:  # the object is a class, maybe one of a strategy
                return Entry("strategy", "Strategy", trading.strategy_class)
            kind = self._kinds.get(id(base))
            if kind is not None:
                describe = _own_kind(class_name(base)) if kind.exact and at else kind.describe
                return Entry(kind.group, kind.name or class_name(cls), describe)
        return None

    def _collection(self, things: Any) -> Entry | None:
        first = next(iter(things.values() if type(things) is dict else things), None)
        entry = None if first is None else self._single(first)
        if entry is None:
            return None
        return Entry(entry.group, f"{class_name(type(things))} of {entry.type}", self._many)

    def _many(self, things: Any) -> Described:
        """How many, by which names, or what the last one is."""
        size = counted(len(things), "item")
        if type(things) is dict:
            return Described(size, None, listed([name for name, _ in zip(things, range(20), strict=False)]))
        entry = self._single(things[-1])
        return Described(size, None, f"last: {entry.describe(things[-1]).summary}" if entry is not None else "")


def _own_kind(name: str) -> Callable[[Any], Described]:
    return lambda _: Described(summary=f"a {name} of a class of your own")
