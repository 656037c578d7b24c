"""Feature sets from what ``features=`` names: a dataset, a file, frames, market data."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra.data import catalogue
from alphintra.data.arrow import whole
from alphintra.data.content_hash import Array, content_hash
from alphintra.data.features import FeatureRows, FeatureSet, no_symbol
from alphintra.data.market import I64, MarketData
from alphintra.data.roles import TIME_NAMES, folded
from alphintra.data.tables import RawTable
from alphintra.errors import DataError

if TYPE_CHECKING:
    from alphintra.data.dataset import Dataset
    from alphintra.data.stored import StoredDataset

KNOWN = "known_at"
SYMBOLS = ("symbol", "ticker")
_PRICED = ("close", "price", "bid", "ask")
_BAR = ("open", "high", "low", "close")
_NO_KNOWLEDGE = (
    "Add a column known_at with the time from which each row was known: when a figure was published is not told by "
    "its time."
)
Found = tuple[str | None, FeatureRows]


def read(name: str, source: Any, symbols: tuple[str, ...]) -> FeatureSet:
    """Read a feature set for a run over some symbols.

    Args:
        name: What the strategy calls it.
        source: Name of a dataset or a file; a Dataset, DataFrame, dict of DataFrames by symbol, or MarketData.
        symbols: Those of the run.

    Raises:
        DataError: It cannot be used: no time, no symbol of the run, nothing that says when a row was known.
        UnknownDataset: No dataset or file has the name.
    """
    from alphintra.data.dataset import Dataset, load
    from alphintra.data.given import is_frame
    from alphintra.data.stored import StoredDataset

    if isinstance(source, str) and not _is_file(source):
        source = load(source)
    if isinstance(source, StoredDataset):
        source.check_usable()
        return _stored(name, source, symbols)
    if isinstance(source, Dataset):
        return _market(name, _shipped(source) if source.manifest else source.market(), symbols)
    if isinstance(source, MarketData):
        return _market(name, source, symbols)
    if isinstance(source, str | os.PathLike):
        path = Path(source).expanduser()
        return _given(name, path.name.split(".")[0] or path.name, _parts(_file(path)), symbols)
    if is_frame(source):
        return _given(name, "DATA", _parts(_table(source, "DataFrame")), symbols)
    if isinstance(source, Mapping):
        tables: dict[str | None, RawTable] = {}
        for symbol, frame in source.items():
            if not isinstance(symbol, str) or not is_frame(frame):
                raise DataError(
                    f"{symbol!r} is a {type(frame).__name__}", code="BAD_DATA_TYPE",
                    hint="A dict has a DataFrame for each symbol.",
                )  # fmt: skip
            tables[symbol] = _table(frame, f"DataFrame '{symbol}'")
        if not tables:
            raise DataError("the dict of DataFrames is empty", code="NO_ROWS", hint="Give a frame for each symbol.")
        return _given(name, "DATA", tables, symbols)
    raise DataError(
        f"it is a {type(source).__name__}", code="BAD_DATA_TYPE",
        hint="Give a dataset's name, a path of a CSV or Parquet file, a DataFrame or a dict of DataFrames.",
    )  # fmt: skip


def chosen(there: tuple[str, ...], symbols: tuple[str, ...]) -> dict[str, str | None]:
    """Return which series of a set count, each with the symbol it is for; ``None``: for all.

    Raises:
        DataError: ``FEATURE_SYMBOL``: a symbol of the run has none.
    """
    if not set(there) & set(symbols):
        if len(there) == 1:
            return {there[0]: None}
        raise no_symbol(symbols[0], there)
    for symbol in symbols:
        if symbol not in there:
            raise no_symbol(symbol, there)
    return {symbol: symbol for symbol in symbols}


def _is_file(name: str) -> bool:
    """Whether a text that names nothing that ships is a file that is there."""
    try:
        return not catalogue.is_shipped(name) and "@" not in name and Path(name).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):
        return False


# -- stored datasets and market data


def _stored(name: str, data: StoredDataset, symbols: tuple[str, ...]) -> FeatureSet:
    own = chosen(data.symbols, symbols)
    labels = tuple(column.name for column in data.about.columns if column.role == "label")
    series: dict[str | None, FeatureRows] = {}
    columns: tuple[str, ...] = ()
    for symbol, values, time, known, key in data.rows_with_knowledge(list(own)):
        series[own[symbol]] = FeatureRows(time, known, key, values)
        columns = tuple(values)
    for symbol, wanted in own.items():
        if wanted not in series:
            raise DataError(f"there is no row of {symbol!r}", code="NO_ROWS", where=data.name)
    return FeatureSet(
        name, data.name, data.content_hash, columns, series, labels, data.reference_hash, data.selection
    )  # fmt: skip


def _shipped(data: Dataset) -> MarketData:
    """The bars of a dataset that ships, as they were quoted; adjusted where nothing else is known.

    Raises:
        DataError: ``NO_KNOWLEDGE``: it holds no prices.
    """
    if not data.manifest["tradable"] and not data.manifest["closes_only"]:
        raise DataError(
            f"'{data.name}' holds {data.manifest['holds']}, and nothing says when its rows were known",
            code="NO_KNOWLEDGE", hint=f"Take al.data.load({data.name!r}).to_pandas(). {_NO_KNOWLEDGE}",
        )  # fmt: skip
    try:
        return data.market("raw")
    except DataError as error:
        if error.code != "NO_RAW_PRICES":
            raise
        return data.market()


def _market(name: str, market: MarketData, symbols: tuple[str, ...]) -> FeatureSet:
    """Bars that are read already: each is known at its close."""
    series: dict[str | None, FeatureRows] = {}
    fields = ("close", "volume") if market.closes_only else (*_BAR, "volume")
    columns = tuple(f for f in fields if any(getattr(bars, f) is not None for bars in market.bars.values()))
    for symbol, wanted in chosen(market.symbols, symbols).items():
        bars = market.bars[symbol]
        unknown = np.full(len(bars), np.nan)
        values = {f: unknown if getattr(bars, f) is None else getattr(bars, f) for f in columns}
        series[wanted] = FeatureRows(bars.open_time, bars.close_time, np.arange(len(bars), dtype=np.int64), values)
    return FeatureSet(name, market.name, market.dataset_hash, columns, series)


# -- frames and files


def _file(path: Path) -> RawTable:
    """All columns of a CSV or Parquet file, of the types that their cells have."""
    import pyarrow as pa
    import pyarrow.csv as pacsv

    from alphintra.data.csv_file import delimiter_of
    from alphintra.data.tables import file_suffix, read_file

    if not path.is_file() or not path.stat().st_size or file_suffix(path) not in (".csv", ".csv.gz"):
        return read_file(path)
    try:
        with pa.input_stream(str(path), compression="detect") as file:
            raw = file.read()
        delimiter = delimiter_of(raw[:65_536].decode("utf-8", "replace"))
        table = pacsv.read_csv(pa.BufferReader(raw), parse_options=pacsv.ParseOptions(delimiter=delimiter))
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"the file cannot be read as CSV: {error}", code="BAD_CSV", where=path.name) from error
    return RawTable(path.name, tuple(name.strip() for name in table.column_names), tuple(table.columns))


def _table(frame: Any, source: str) -> RawTable:
    import pandas as pd

    from alphintra.data.tables import from_frame

    if isinstance(frame.index, pd.MultiIndex):
        frame = frame.reset_index()
    return from_frame(frame, source)


def _parts(table: RawTable) -> dict[str | None, RawTable]:
    """The rows of each symbol, where a column tells of symbols."""
    import pyarrow as pa

    place = _place(table, SYMBOLS)
    if place is None:
        return {None: table}
    texts = np.array(table.columns[place].cast(pa.string()).to_pylist(), dtype=object)
    empty = [row for row, text in enumerate(texts) if text is None or not text.strip()]
    if empty:
        raise DataError(
            "the symbol is missing", code="EMPTY_CELL", where=table.where(empty[0], table.names[place]),
            hint="Fill it in, or leave the column out where the rows are for all symbols.",
        )  # fmt: skip
    parts: dict[str | None, RawTable] = {}
    kept = [i for i in range(len(table.names)) if i != place]
    time_index = None if table.time_index is None else kept.index(table.time_index)
    for symbol in dict.fromkeys(texts):
        rows = pa.array(np.flatnonzero(texts == symbol))
        columns = tuple(table.columns[i].take(rows) for i in kept)
        parts[symbol] = RawTable(
            f"{table.source}, '{symbol}'", tuple(table.names[i] for i in kept), columns, time_index
        )  # fmt: skip
    return parts


def _place(table: RawTable, names: tuple[str, ...]) -> int | None:
    """Position of the one column of these names.

    Raises:
        DataError: There are two.
    """
    found = [i for i, name in enumerate(table.names) if folded(name) in names and i != table.time_index]
    if len(found) > 1:
        raise DataError(
            f"several columns could be the {names[0].replace('_', ' ')}: "
            + " and ".join(f"'{table.names[i]}'" for i in found),
            code="DUPLICATE_COLUMN", where=table.source, hint="Keep one of them.",
        )  # fmt: skip
    return found[0] if found else None


def _time_place(table: RawTable) -> int:
    place = table.time_index if table.time_index is not None else _place(table, TIME_NAMES)
    if place is None and table.names and folded(table.names[0]) == "":
        place = 0
    if place is None:
        shown = ", ".join(f"'{name}'" for name in table.names[:20]) or "none"
        raise DataError(
            "there is no time column", code="MISSING_COLUMN", where=table.source,
            hint=f"The time is a DatetimeIndex or a column named {', '.join(TIME_NAMES)}. It has {shown}.",
        )  # fmt: skip
    return place


def _given(
    name: str, stem: str, tables: Mapping[str | None, RawTable], symbols: tuple[str, ...]
) -> FeatureSet:  # fmt: skip
    own: dict[Any, str | None] = {None: None}
    if None not in tables:
        own = dict(chosen(tuple(str(symbol) for symbol in tables), symbols))
    series: dict[str | None, FeatureRows] = {}
    for symbol, wanted in own.items():
        series[wanted] = _rows(tables[symbol])
    columns = tuple(dict.fromkeys(column for rows in series.values() for column in rows.values))
    for wanted, rows in series.items():
        missing = [column for column in columns if column not in rows.values]
        if missing:
            raise DataError(
                f"there is no column '{missing[0]}'", code="MISSING_COLUMN", where=f"{wanted}",
                hint="Each symbol's frame has the same columns.",
            )  # fmt: skip
    return FeatureSet(name, stem, _identity(series), columns, series)


def _rows(table: RawTable) -> FeatureRows:
    from alphintra.data.checks import check_order
    from alphintra.data.times import parse_times

    place = _time_place(table)
    if not len(table):
        raise DataError("there are no rows", code="NO_ROWS", where=table.source, hint="Leave the feature out.")
    late = _place(table, (KNOWN,))
    # A column without a name is an index that only counts the rows.
    rest = [i for i in range(len(table.names)) if i not in (place, late) and folded(table.names[i])]
    if not rest:
        raise DataError(
            "there is no column beside the time", code="MISSING_COLUMN", where=table.source,
            hint="A feature has one column at least.",
        )  # fmt: skip
    for i in rest:
        if table.names.count(table.names[i]) > 1:
            raise DataError(
                f"two columns have the name '{table.names[i]}'", code="DUPLICATE_COLUMN", where=table.source,
                hint="Keep one of them, or rename it.",
            )  # fmt: skip
    times = parse_times(table, place)
    values = {table.names[i]: values_of(table.columns[i]) for i in rest}
    if late is not None:
        known = _said(table, late)
        if known is None:
            raise DataError(
                f"no cell of '{table.names[late]}' is filled", code="NO_KNOWLEDGE", where=table.source,
                hint=_NO_KNOWLEDGE,
            )  # fmt: skip
        early = np.flatnonzero(known < times.utc)
        if len(early):
            raise DataError(
                "a row was known before its time", code="KNOWN_BEFORE_TIME",
                where=table.where(int(early[0]), table.names[late]), hint="Check the column and its time zone.",
            )  # fmt: skip
        order = np.argsort(times.utc, kind="stable")
        time = times.utc[order]
        return FeatureRows(
            time, known[order], numbered(time), {column: own[order] for column, own in values.items()}
        )  # fmt: skip
    check_order(times.utc, table, table.names[place] or "index")
    return FeatureRows(times.utc.copy(), _ends(table, times), np.arange(len(table), dtype=np.int64), values)


def _ends(table: RawTable, times: Any) -> I64:
    """When each row of bars or quotes was known: a bar at its end, a price at its time.

    Raises:
        DataError: ``NO_KNOWLEDGE``: the rows are neither.
    """
    from alphintra.data.timeframe import find_frame

    names = {folded(name) for name in table.names}
    if "close" in names:
        return find_frame({"": times}).spans[""].close_time.copy()
    if names & set(_PRICED) and not times.midnight:
        return np.array(times.utc)
    raise DataError("nothing says when its rows were known", code="NO_KNOWLEDGE", where=table.source,
                    hint=_NO_KNOWLEDGE)  # fmt: skip


def _said(table: RawTable, place: int) -> I64 | None:
    """The times of ``known_at``, of dates their ends; ``None`` where all are missing.

    Raises:
        DataError: One is missing, or no time.
    """
    from alphintra.data.market import DAY_US
    from alphintra.data.times import parse_times

    column = table.columns[place]
    if column.null_count == len(column):
        return None
    times = parse_times(table, place)
    dates = times.midnight and times.assumed_utc
    return (times.session.astype(np.int64) + 1) * DAY_US if dates else times.utc.copy()


def numbered(*keys: Array) -> I64:
    """(n,) number of each row's key among the different ones; keys are sorted."""
    changed = np.zeros(len(keys[0]), dtype=np.bool_)
    for key in keys:
        changed[1:] |= key[1:] != key[:-1]
    return np.cumsum(changed, dtype=np.int64)


def values_of(column: Any) -> Array:
    """Return an Arrow column as float64 (NaN where missing), or as objects (``None``) where it holds no numbers."""
    import pyarrow as pa

    column = whole(column)
    kind = column.type
    if pa.types.is_boolean(kind):
        column, kind = column.cast(pa.int8()), pa.int8()
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        from alphintra.store.columns import raw_values, validity

        if not len(column):
            return np.empty(0)
        found = np.array(raw_values(column.cast(pa.float64(), safe=False)))
        there = validity(column)
        return found if there is None else np.where(there, found, np.nan)
    out = np.empty(len(column), dtype=object)
    out[:] = column.to_pylist()
    return out


def _identity(series: Mapping[str | None, FeatureRows]) -> str:
    """Return the hash of rows given directly: times, when they were known, and values."""
    return content_hash({symbol or "": dict(_hashable(rows)) for symbol, rows in series.items()})


def _hashable(rows: FeatureRows) -> Iterator[tuple[str, Array]]:
    yield "\0time", rows.time
    yield "\0known", rows.known
    for name, values in rows.values.items():
        if values.dtype == object:
            values = np.array(["" if value is None else f"={value}" for value in values.tolist()], dtype=object)
        yield name, values
