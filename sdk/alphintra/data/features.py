"""Further series of a run, of any frequency: rows with the time from which each was known (``features=``)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra.data.content_hash import Array
from alphintra.data.instrument import did_you_mean
from alphintra.data.market import I64, MarketData
from alphintra.errors import DataError

MOST_SETS = 64
"""Feature sets of one run."""
MOST_NAME = 64


@dataclass(frozen=True, eq=False)
class FeatureRows:
    """Rows of one series, sorted by time; all arrays of length n.

    Attributes:
        time: Time of each row as it is stamped, int64 microseconds since 1970 UTC.
        known: Time from which each row was known, int64 microseconds.
        key: Which row is another one's revision: rows with equal keys are, and keys do not decrease; int64.
        values: Columns by name: float64, or objects (texts, dates, times) with ``None`` where one is missing.
        revised: Whether rows were revised, or became known in another order than that of their times.
    """

    time: I64
    known: I64
    key: I64
    values: Mapping[str, Array]
    revised: bool = field(init=False)

    def __post_init__(self) -> None:
        self.seal()
        orderly = (np.diff(self.known) >= 0).all() and (np.diff(self.key) > 0).all()
        object.__setattr__(self, "revised", not bool(orderly))

    def seal(self) -> None:
        """Make the arrays read-only, which a pickle forgets."""
        for array in (self.time, self.known, self.key, *self.values.values()):
            array.flags.writeable = False

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.time)

    def until(self, time: int) -> FeatureRows:
        """Return the rows that were known at a time; they stay ``revised`` where all of them are."""
        kept = self.known <= time
        some = FeatureRows(
            self.time[kept], self.known[kept], self.key[kept], {name: own[kept] for name, own in self.values.items()}
        )
        object.__setattr__(some, "revised", self.revised)
        return some


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """Further series beside the bars of a run.

    Attributes:
        name: What ``self.features[name]`` calls it.
        dataset: What it was read from: ``news@3``, a file's stem, ``DATA``.
        content_hash: ``sha256:…`` over the values, by the rule of ``MarketData.dataset_hash``.
        reference_hash: That of the reference data it was loaded with, or ``None``.
        columns: Names of the columns.
        labels: Names of columns that are left out: what is to be predicted is no feature.
        series: Rows by symbol, or under ``None`` those of all symbols.
        selection: What was chosen of the dataset, for the identity of a run; empty where all was.
    """

    name: str
    dataset: str
    content_hash: str
    columns: tuple[str, ...]
    series: Mapping[str | None, FeatureRows]
    labels: tuple[str, ...] = ()
    reference_hash: str | None = None
    selection: str = ""

    @property
    def shared(self) -> bool:
        """Whether it is one series for all symbols."""
        return None in self.series

    def of(self, symbol: str) -> FeatureRows:
        """Return the rows that count for a symbol."""
        return self.series[None if self.shared else symbol]

    def told(self) -> dict[str, str]:
        """Return what a run records of it."""
        found = {"dataset": self.dataset, "content_hash": self.content_hash}
        more = {"reference_hash": self.reference_hash, "selection": self.selection}
        return found | {name: value for name, value in more.items() if value}


def with_features(market: MarketData, given: Any) -> MarketData:
    """Return market data together with further series for the strategy.

    Args:
        market: The bars of the run.
        given: By name what ``al.backtest`` takes as ``features``.

    Raises:
        DataError: ``BAD_FEATURES``: no mapping, a name that is none or is taken; else why one of them cannot be used.
            The error names the feature.
        UnknownDataset: No dataset or file has the name.
    """
    from alphintra.data.feature_reading import read

    if not isinstance(given, Mapping):
        raise DataError(
            f"features is a {type(given).__name__}", code="BAD_FEATURES", where="features",
            hint='Give datasets by name: features={"vix": "vix@1"}.',
        )  # fmt: skip
    if len(given) + len(market.features) > MOST_SETS:
        raise DataError(
            f"{len(given) + len(market.features)} feature sets", code="BAD_FEATURES", where="features",
            hint=f"At most {MOST_SETS}: put columns that belong together into one dataset.",
        )  # fmt: skip
    found = dict(market.features)
    for name, source in given.items():
        check_name(name)
        if name in found:
            raise DataError(
                f"the data has a feature {name!r} already", code="BAD_FEATURES", where=f"features[{name!r}]",
                hint="Choose another name.",
            )  # fmt: skip
        try:
            found[name] = read(name, source, market.symbols)
        except DataError as error:
            place = f"features[{name!r}]" + (f", {error.where}" if error.where else "")
            raise type(error)(error.message, code=error.code, hint=error.hint, where=place) from error
    if not given:
        return market
    return replace(market, features=found, dataset_hash=hashed(market.dataset_hash, given, found))


def check_name(name: Any) -> str:
    """Check the name of a feature set.

    Raises:
        DataError: ``BAD_FEATURES``.
    """
    if not isinstance(name, str) or not name.strip() or len(name) > MOST_NAME or not name.isprintable():
        raise DataError(
            f"{name!r} is no name of a feature", code="BAD_FEATURES", where="features",
            hint=f"A name is a text of 1 to {MOST_NAME} printable characters.",
        )  # fmt: skip
    return name


def hashed(dataset_hash: str, names: Any, sets: Mapping[str, FeatureSet]) -> str:
    """Return the identity of data together with the feature sets of some names; their order does not count."""
    digest = hashlib.sha256(dataset_hash.encode())
    for name in sorted(names):
        own = sets[name]
        parts = (name, own.content_hash, own.reference_hash, own.selection, own.shared)
        digest.update(f"features {parts!r}".encode())
    return "sha256:" + digest.hexdigest()


def known_until(sets: Mapping[str, FeatureSet], time: int) -> dict[str, FeatureSet]:
    """Return feature sets with the rows that were known at a time."""
    return {
        name: replace(own, series={symbol: rows.until(time) for symbol, rows in own.series.items()})
        for name, own in sets.items()
    }


def no_symbol(missing: str, there: tuple[str, ...]) -> DataError:
    """The error for a symbol of the run that a set of several series lacks."""
    shown = ", ".join(there[:20]) + (f" and {len(there) - 20} more" if len(there) > 20 else "")
    return DataError(
        f"there is no series of {missing!r}", code="FEATURE_SYMBOL",
        hint=did_you_mean(missing, there) + f"It has {shown}. Each symbol of the run needs one; rows without a symbol, "
        "or a single series of another symbol, are for all.",
    )  # fmt: skip


def latest(rows: FeatureRows, times: I64) -> npt.NDArray[np.int64]:
    """(T,) the row that is the latest known at each of increasing times, −1 where none is.

    Of the rows known by then (``known`` ≤ time) that of the latest time, in the revision known last.
    """
    order = np.argsort(rows.known, kind="stable")
    counts = np.searchsorted(rows.known[order], times, side="right")
    if not len(order):
        return np.full(len(times), -1, dtype=np.int64)
    # Row and moment of learning it in one number: the running maximum is the newest row, in its last revision.
    size = len(order)
    newest = np.maximum.accumulate(rows.key[order] * size + np.arange(size)) % size
    return np.where(counts > 0, order[newest[counts - 1]], -1)
