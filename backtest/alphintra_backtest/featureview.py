"""``self.features``: further series as views that end with what is known now, or whole for ``signals``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from .handles import stamp

if TYPE_CHECKING:
    from alphintra.data.features import FeatureRows, FeatureSet

    from .session import Session

#: Names that a feature has beside its columns.
OWN = ("age", "column", "columns", "known_at", "name", "per_bar", "symbol", "time")


class Features(dict[str, Any]):
    """What a run was given as ``features``, by name: ``self.features["vix"].close[-1]``.

    A dict, as it is read at each bar; it belongs to the run and is not to be changed.
    """

    def __missing__(self, name: Any) -> Any:
        raise _unknown(name, tuple(self))

    def __setitem__(self, name: str, value: Any) -> None:
        raise TypeError("the features of a run are not changed")

    def __repr__(self) -> str:
        return f"<features: {', '.join(self) or 'none'}>"


class Feature:
    """One further series; its columns are series of ``self.data``'s kind: ``vix.close[-1]``, ``vix.close[-20:]``.

    Attributes:
        name: As in ``features=``.
        symbol: Whose rows they are; ``None`` where they are for all.
        columns: Names of the columns.
    """

    def __init__(self, session: Session, of: FeatureSet, symbol: str | None) -> None:
        self.name = of.name
        self.symbol = symbol
        self.columns = of.columns
        self._session = session
        self._of = of
        self._table = Joined.of(session, of, symbol)
        several = symbol is not None and len(session.symbols) > 1
        self._label = f"features[{of.name!r}]" + (f"[{symbol!r}]" if several else "")
        self._kept: dict[str, Any] = {}
        self._per_bar: PerBar | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self.columns:
            raise _no_column(self._label if "_label" in vars(self) else "", name, vars(self).get("_of"))
        series = self.column(name)
        setattr(self, name, series)  # found without coming here from now on
        return series

    def column(self, name: str) -> Any:
        """A column by its name, whatever characters it has."""
        if name not in self._kept:
            if name not in self.columns:
                raise _no_column(self._label, name, self._of)
            self._kept[name] = self._table.series(name, f"{self._label}.{name}")
        return self._kept[name]

    @property
    def per_bar(self) -> PerBar:
        """The same columns with one value for each bar of the run: the latest that was known at its end."""
        if self._per_bar is None:
            self._per_bar = PerBar(self)
        return self._per_bar

    @property
    def time(self) -> datetime | None:
        """Time of the latest row that is known, as it is stamped, UTC; ``None`` while none is."""
        return self._stamp(self._table.rows.time)

    @property
    def known_at(self) -> datetime | None:
        """When the latest row became known, UTC; ``None`` while none is."""
        return self._stamp(self._table.rows.known)

    @property
    def age(self) -> timedelta:
        """Time from that of the latest row that is known to now; ``timedelta.max`` while none is."""
        time = self.time
        return timedelta.max if time is None else self._session.now() - time

    def _stamp(self, times: Any) -> datetime | None:
        self._session.now()  # not in on_start
        row = self._table.latest_map[self._session.cursor.i]
        return None if row < 0 else stamp(int(times[row]))

    def __getitem__(self, symbol: str) -> Feature:
        """The rows of a symbol; those for all symbols are each one's."""
        self._session._symbol(symbol)
        if self.symbol not in (None, symbol):
            raise _no_column(self._label, symbol, self._of)
        return self

    def __len__(self) -> int:
        return len(self.column(self.columns[0]))

    def __repr__(self) -> str:
        if self._session.cursor.i < 0:
            return f"<{self._label}: {', '.join(self.columns)}>"
        return f"<{self._label}: {len(self)} rows known, the latest of {self.time}>"


class SeveralFeature:
    """Further series of several symbols: ``self.features["news"]["AAPL"].score[-1]``."""

    def __init__(self, session: Session, of: FeatureSet) -> None:
        self.name = of.name
        self.symbols = session.symbols
        self.columns = of.columns
        self._session = session
        self._of = of
        self._kept: dict[str, Feature] = {}

    def __getitem__(self, symbol: str) -> Feature:
        if symbol not in self._kept:
            self._session._symbol(symbol)
            self._kept[symbol] = Feature(self._session, self._of, symbol)
        return self._kept[symbol]

    def __getattr__(self, name: str) -> Any:
        from alphintra.errors import OrderError

        own = vars(self)
        label = f"features[{own.get('name')!r}]"
        if name in own.get("columns", ()) or (name in OWN and not name.startswith("_")):
            first = self.symbols[0]
            raise OrderError(
                f"self.{label}.{name} of which symbol? The run has {len(self.symbols)}",
                hint=f"self.{label}[{first!r}].{name}",
            )
        raise _no_column(label, name, own.get("_of"))

    def __repr__(self) -> str:
        return f"<features[{self.name!r}] of {len(self.symbols)} symbols: {', '.join(self.columns[:8])}>"


class PerBar:
    """One value a bar of each column: as of ``self.data``, with indicators; NaN while nothing was known."""

    def __init__(self, feature: Feature) -> None:
        self._feature = feature
        self._kept: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        series = self.column(name)
        setattr(self, name, series)
        return series

    def column(self, name: str) -> Any:
        """A column by its name."""
        feature = self._feature
        if name not in feature.columns:
            raise _no_column(f"{feature._label}.per_bar", name, feature._of)
        if name not in self._kept:
            self._kept[name] = feature._table.per_bar(name, f"{feature._label}.per_bar.{name}")
        return self._kept[name]

    def __repr__(self) -> str:
        return f"<{self._feature._label}, one value a bar>"


class Joined:
    """Rows of one series laid over the timestamps of a run: joined once, before the first bar."""

    def __init__(self, session: Session, rows: FeatureRows, owner: int | None) -> None:
        from alphintra.data.features import latest
        from alphintra.views import Timeline

        self.session = session
        self.rows = rows
        self.latest = latest(rows, session.grid.time)
        self.latest_map = memoryview(self.latest)  # type: ignore[arg-type]
        every = np.arange(len(session.grid.time), dtype=np.int64)
        self.dense = Timeline(every, len(every), owner)
        order = np.argsort(rows.known, kind="stable")
        visible = np.searchsorted(session.grid.time, rows.known[order], side="left")
        self.count = int(np.searchsorted(visible, len(every)))  # rows that are known before the end
        self.order = order[: self.count]
        self.timeline = Timeline(visible[: self.count].astype(np.int64), len(every), owner)
        self.vintages: Any = None

    @classmethod
    def of(cls, session: Session, of: FeatureSet, symbol: str | None) -> Joined:
        """The rows of a symbol (``None``: those for all), joined once a run."""
        key = ("feature", of.name, symbol)
        if key not in session._cache:
            rows = of.of(session.symbols[0] if symbol is None else symbol)
            session._cache[key] = cls(session, rows, None if symbol is None else session.index[symbol])
        found: Joined = session._cache[key]
        return found

    def aligned(self, name: str) -> Any:
        """(T,) the latest value known at each timestamp; NaN or ``None`` where nothing was."""
        values = self.rows.values[name]
        text = values.dtype == object
        missing: Any = None if text else np.nan
        out = np.append(values, missing)[self.latest]
        out.flags.writeable = False
        return out

    def series(self, name: str, label: str) -> Any:
        """The rows as a series."""
        from alphintra.feature_views import FeatureSeries, RevisedSeries, RevisedTexts, TextSeries, Vintages

        values, cursor = self.rows.values[name], self.session.cursor
        text = values.dtype == object
        if not self.rows.revised:
            known = values[: self.count]
            return (TextSeries if text else FeatureSeries)(known, cursor, self.timeline, label)
        if self.vintages is None:
            counts = np.searchsorted(self.timeline.positions, np.arange(len(self.session.grid.time)), side="right")
            self.vintages = Vintages(self.order, self.rows.key[self.order], counts.astype(np.int64))
        kind = RevisedTexts if text else RevisedSeries
        return kind(values, self.vintages, self.aligned(name), cursor, self.dense, label)

    def per_bar(self, name: str, label: str) -> Any:
        """One value a timestamp as a series."""
        from alphintra.feature_views import FeatureSeries, TextSeries

        values = self.aligned(name)
        kind = TextSeries if values.dtype == object else FeatureSeries
        return kind(values, self.session.cursor, self.dense, label)


def features_view(session: Session) -> Features:
    """``self.features`` of a run."""
    sets = session.market.features
    return Features({name: _view(session, of) for name, of in sets.items()})


def _view(session: Session, of: FeatureSet) -> Feature | SeveralFeature:
    if of.shared:
        return Feature(session, of, None)
    if len(session.symbols) == 1:
        return Feature(session, of, session.symbols[0])
    return SeveralFeature(session, of)


class WholeFeature:
    """A further series for ``signals``: each column a whole array of what was known at each timestamp.

    (T,) for one symbol, (T, S) for several, as those of ``data``; read-only, NaN or ``None`` where nothing was known.

    Attributes:
        name: As in ``features=``.
        columns: Names of the columns.
    """

    def __init__(self, session: Session, of: FeatureSet, symbol: str | None = None) -> None:
        self.name = of.name
        self.columns = of.columns
        self._of = of
        self._session = session
        self._only = symbol
        self._kept: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.column(name)

    def column(self, name: str) -> Any:
        """A column by its name."""
        if name not in self.columns:
            raise _no_column(f"features[{self.name!r}]", name, self._of)
        return self._array(name, lambda table: table.aligned(name))

    @property
    def time(self) -> Any:
        """Time of the latest row known at each timestamp, datetime64[µs] in UTC, NaT where none was."""
        return self._array("\0time", lambda table: _times(table.rows.time, table.latest))

    @property
    def known_at(self) -> Any:
        """When that row became known, likewise."""
        return self._array("\0known", lambda table: _times(table.rows.known, table.latest))

    def _array(self, key: str, make: Any) -> Any:
        if key not in self._kept:
            session, of = self._session, self._of
            symbols = session.symbols if self._only is None else (self._only,)
            tables = [Joined.of(session, of, None if of.shared else symbol) for symbol in symbols]
            columns = [make(table) for table in tables]
            found = columns[0] if len(columns) == 1 else np.stack(columns, axis=1)
            found.flags.writeable = False
            found = self._kept.setdefault(key, found)  # one array, whichever thread was first
            from .signals_data import kept

            keep = kept()
            if keep is not None:
                keep.know(found)
        return self._kept[key]

    def __getitem__(self, symbol: str) -> WholeFeature:
        """The columns of one symbol, (T,)."""
        key = f"\0symbol {symbol}"
        if key not in self._kept:
            self._session._symbol(symbol)
            self._kept[key] = WholeFeature(self._session, self._of, symbol)
        found: WholeFeature = self._kept[key]
        return found

    def __repr__(self) -> str:
        return f"<features[{self.name!r}]: {', '.join(self.columns[:8])}>"


def whole_features(session: Session) -> Features:
    """``self.features`` within ``signals``."""
    sets = session.market.features
    return Features({name: WholeFeature(session, of) for name, of in sets.items()})


def _times(times: Any, latest: Any) -> Any:
    return np.append(times.view("datetime64[us]"), np.datetime64("NaT", "us"))[latest]


def _unknown(name: Any, there: tuple[str, ...]) -> Exception:
    from alphintra.data.instrument import did_you_mean
    from alphintra.errors import DataError

    if not there:
        hint = f'al.backtest(…, features={{"{name}": dataset}}) gives it one.'
    else:
        hint = f"{did_you_mean(str(name), there)}It has {', '.join(there)}."
    return DataError(f"the run has no feature {name!r}", code="UNKNOWN_FEATURE", where="self.features", hint=hint)


def _no_column(label: str, name: str, of: FeatureSet | None) -> Exception:
    """The error for a column that is not there: a label is left out on purpose."""
    from alphintra.data.instrument import did_you_mean
    from alphintra.errors import DataError

    if of is None or name.startswith("_"):
        return AttributeError(name)
    if name in of.labels:
        return DataError(
            f"'{name}' of {of.dataset} is a label: what is to be predicted is not known at a bar",
            code="FEATURE_LABEL", where=f"self.{label}",
            hint="Fit a model to it outside of the run, on a training part.",
        )  # fmt: skip
    there = f"{did_you_mean(name, of.columns)}It has {', '.join(of.columns[:20])}."
    return DataError(f"there is no column '{name}'", code="UNKNOWN_COLUMN", where=f"self.{label}", hint=there)
