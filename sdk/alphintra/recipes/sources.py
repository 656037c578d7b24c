"""Rows by symbol: out of a stored version, or out of frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from alphintra.data.arrow import whole
from alphintra.errors import DataError
from alphintra.recipes.rows import KNOWN, PRICES, Rows, Shape, rows_of
from alphintra.store.columns import SYMBOL, check_columns, columns_of
from alphintra.store.converting import by_symbol, to_arrow
from alphintra.store.manifest import About
from alphintra.store.reading import Version, batches, read

_ROLES = (*PRICES, "volume", "price", "sequence", KNOWN, "label", "adj_close")


@dataclass(frozen=True)
class Source:
    """Where rows come from.

    Attributes:
        shape: Their columns.
        symbols: Whose, in the order of their bytes.
        version: The stored version, or ``None``.
        frames: Arrow tables by symbol, where there is no version.
    """

    shape: Shape
    symbols: tuple[str, ...]
    version: Version | None
    frames: Mapping[str, Any]

    def rows(self, symbol: str) -> Rows:
        """Return the rows of a symbol."""
        table = read(self.version, [symbol]) if self.version is not None else self.frames[symbol]
        return rows_of(symbol, self.shape, table)

    def first(self, symbol: str, count: int, start: Any = None, end: Any = None) -> Rows:
        """Return the first rows of a symbol, of a version those of a range; no further row groups are read."""
        if self.version is None:
            return rows_of(symbol, self.shape, self.frames[symbol].slice(0, count))
        import pyarrow as pa

        parts: list[Any] = []
        for _, table in batches(self.version, [symbol], None, start, end):
            parts.append(table)
            if sum(map(len, parts)) >= count:
                break
        whole = pa.concat_tables(parts) if parts else read(self.version, [symbol], None, start, end)
        return rows_of(symbol, self.shape, whole.slice(0, count))

    def each(self) -> Iterator[Rows]:
        """Yield the rows of one symbol after the other."""
        for symbol in self.symbols:
            yield self.rows(symbol)


def source_of(data: Any, about: About | None = None, roles: Mapping[str, str] | None = None) -> Source:
    """Return a source: a version, a frame, an Arrow table, or a dict of these by symbol.

    A frame of several symbols has a column ``symbol``, or a dict names them. Columns of the names open, high, low,
    close, volume, price, sequence, known_at and label have these roles unless others are given.

    Args:
        data: The rows.
        about: What is stated of a frame; left out, nothing is.
        roles: By column, of a frame.

    Raises:
        DataError: It is none of these; a column has a type that is not stored; frames have different columns.
    """
    if isinstance(data, Version):
        manifest = data.manifest
        return Source(Shape(manifest.columns, manifest.about), manifest.symbols, data, {})
    tables = _tables(data)
    first = next(iter(tables.values()))
    named = {name.casefold(): name for name in first.column_names}
    given = {named[role]: role for role in _ROLES if role in named} | dict(roles or {})
    columns = check_columns(columns_of(first.schema, given))
    names = {column.name for column in columns}
    for symbol, table in tables.items():
        if names != set(table.column_names) - {SYMBOL}:
            raise DataError("the frames have different columns", code="BAD_COLUMN", where=symbol)
    symbols = tuple(sorted(tables, key=str.encode))
    return Source(Shape(columns, about or About()), symbols, None, tables)


def chosen(source: Source, symbols: Sequence[str] | None) -> Source:
    """Return a source of some symbols alone.

    Raises:
        UnknownDataset: There is no such symbol.
    """
    if symbols is None:
        return source
    from alphintra.data.instrument import did_you_mean
    from alphintra.errors import UnknownDataset

    wanted = [symbols] if isinstance(symbols, str) else list(symbols)
    for symbol in wanted:
        if symbol not in source.symbols:
            hint = did_you_mean(symbol, source.symbols)
            raise UnknownDataset(f"there is no symbol {symbol!r}", code="UNKNOWN_SYMBOL", where=symbol, hint=hint)
    return replace(source, symbols=tuple(sorted(wanted, key=str.encode)))


def _tables(data: Any) -> dict[str, Any]:
    import pyarrow as pa

    if isinstance(data, Mapping):
        tables = {str(symbol): _with_time(frame) for symbol, frame in data.items()}
        if not tables:
            raise DataError("there are no rows", code="NO_ROWS")
        return tables
    table = _with_time(data)
    if SYMBOL not in table.column_names:
        return {"DATA": table}
    place = table.schema.get_field_index(SYMBOL)
    table = table.set_column(place, SYMBOL, table[SYMBOL].cast(pa.string())).sort_by(SYMBOL)
    table = table.set_column(place, SYMBOL, whole(table[SYMBOL]).dictionary_encode())
    found = {symbol: part.drop_columns([SYMBOL]) for symbol, part in by_symbol(table)}
    if not found:
        raise DataError("there are no rows", code="NO_ROWS")
    return found


def _with_time(frame: Any) -> Any:
    """Return a frame as an Arrow table whose times name a zone: those that name none are UTC."""
    import pyarrow as pa

    if not hasattr(frame, "columns") and not hasattr(frame, "column_names"):
        raise DataError(
            f"a {type(frame).__name__} holds no rows", code="BAD_DATA_TYPE",
            hint="Give a stored version, a pandas or Polars frame, an Arrow table, or a dict of these by symbol.",
        )  # fmt: skip
    if hasattr(frame, "index") and frame.index.name is None and str(frame.index.dtype).startswith("datetime"):
        frame = frame.rename_axis("time")
    table = to_arrow(frame)
    for place, item in enumerate(table.schema):
        if pa.types.is_timestamp(item.type):
            table = table.set_column(place, item.name, table[item.name].cast(pa.timestamp("us", "UTC"), safe=False))
    return table
