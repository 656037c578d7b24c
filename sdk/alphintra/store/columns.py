"""The types that a stored column may have: their names, in Arrow, and in the content hash."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra.data.arrow import whole
from alphintra.errors import DataError

#: Name of a type in the manifest → its kind in the content hash.
KINDS = {
    "double": "double",
    "int64": "int64",
    "bool": "bool",
    "date32": "date",
    "timestamp[us, UTC]": "int64",
    "string": "string",
}
TIME_TYPES = ("timestamp[us, UTC]", "date32")
SYMBOL = "symbol"
"""Name of the column of symbols in every file; no other column has it."""
MOST_COLUMNS = 2_000


@dataclass(frozen=True)
class Column:
    """One column of a dataset version, beside the symbol.

    Attributes:
        name: Its name, at most 200 characters.
        type: A key of :data:`KINDS`.
        role: ``time`` (exactly one column), ``sequence`` (orders rows of equal time), ``open``,
            ``high``, ``low``, ``close``, ``volume``, ``price``, ``feature``, ``label``, …; or ``None``.
        unit: ``USD``, ``shares``, …; or ``None``.
    """

    name: str
    type: str
    role: str | None = None
    unit: str | None = None

    @property
    def kind(self) -> str:
        """Kind in the content hash."""
        return KINDS[self.type]


def arrow_type(name: str) -> Any:
    """Return the Arrow type of a manifest's type."""
    import pyarrow as pa

    return {
        "double": pa.float64(),
        "int64": pa.int64(),
        "bool": pa.bool_(),
        "date32": pa.date32(),
        "timestamp[us, UTC]": pa.timestamp("us", "UTC"),
        "string": pa.string(),
    }[name]


def arrow_schema(columns: tuple[Column, ...]) -> Any:
    """Return the schema of a version's files: the symbol, then the columns."""
    import pyarrow as pa

    symbol = pa.field(SYMBOL, pa.dictionary(pa.int32(), pa.string()), nullable=False)
    return pa.schema([symbol, *(pa.field(c.name, arrow_type(c.type), nullable=c.role != "time") for c in columns)])


def columns_of(schema: Any, roles: dict[str, str] | None = None) -> tuple[Column, ...]:
    """Return the columns of an Arrow schema, the symbol left out.

    Args:
        schema: The schema of rows to be stored.
        roles: By column name; without one for ``time``, the column ``time`` or ``date`` has it.

    Raises:
        DataError: A column has a type that is not stored.
    """
    import pyarrow as pa

    given = dict(roles or {})
    if "time" not in given.values():
        given |= {name: "time" for name in ("time", "date") if name in schema.names}
    names = {
        pa.float64(): "double",
        pa.float32(): "double",
        pa.bool_(): "bool",
        pa.date32(): "date32",
        pa.string(): "string",
        pa.large_string(): "string",
        pa.string_view(): "string",
    }
    found = []
    for field in schema:
        if field.name == SYMBOL:
            continue
        kind = field.type
        name = names.get(kind)
        if pa.types.is_timestamp(kind) and kind.tz is not None:
            name = "timestamp[us, UTC]"
        elif pa.types.is_integer(kind) and kind != pa.uint64():
            name = "int64"
        elif pa.types.is_dictionary(kind):
            name = names.get(kind.value_type)
        if name is None:
            raise DataError(
                f"a column of type {kind} cannot be stored",
                code="BAD_COLUMN",
                where=field.name,
                hint="Stored are double, int64, bool, text, dates, and times with a zone.",
            )
        found.append(Column(field.name, name, given.get(field.name)))
    return tuple(found)


def time_column(columns: tuple[Column, ...]) -> Column:
    """Return the column that rows of a symbol are sorted by."""
    return next(column for column in columns if column.role == "time")


def check_columns(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Check names, types and roles.

    Raises:
        DataError: Names the column.
    """
    if not 1 <= len(columns) <= MOST_COLUMNS:
        raise DataError(f"{len(columns):,} columns", code="BAD_COLUMN", hint=f"Between 1 and {MOST_COLUMNS:,}.")
    seen: set[str] = set()
    for column in columns:
        if not column.name or len(column.name) > 200 or not column.name.isprintable():
            raise DataError("a column's name is empty, too long, or not printable", code="BAD_COLUMN",
                            where=repr(column.name[:200]))  # fmt: skip
        if column.name in seen or column.name == SYMBOL:
            raise DataError("two columns have this name", code="BAD_COLUMN", where=column.name)
        if column.type not in KINDS:
            raise DataError(f"there is no type {column.type!r}", code="BAD_COLUMN", where=column.name)
        seen.add(column.name)
    times = [column for column in columns if column.role == "time"]
    if len(times) != 1 or times[0].type not in TIME_TYPES:
        raise DataError(
            "one column has to be the time",
            code="BAD_COLUMN",
            hint="Give the role 'time' to one column of type timestamp or date.",
        )
    for column in columns:
        if column.role == "known_at" and column.type not in TIME_TYPES:
            raise DataError(
                f"a column that says when rows were known holds {column.type}", code="BAD_COLUMN", where=column.name,
                hint="Make times or dates of it, or give it another role.",
            )  # fmt: skip
    return columns


def raw_values(array: Any) -> npt.NDArray[Any]:
    """Return the values of an Arrow array, without a copy where that can be; what stands for a null is undefined.

    float64, int64 (also for times, in microseconds), int32 (dates, in days) or bool. Not ``to_numpy``, which
    imports pandas.
    """
    import pyarrow as pa

    array = whole(array)
    if pa.types.is_boolean(array.type):
        return _bits(array.buffers()[1], array.offset, len(array))
    width = array.type.bit_width // 8
    kind = "f8" if pa.types.is_floating(array.type) else f"i{width}"
    return np.frombuffer(array.buffers()[1], dtype=kind, count=len(array), offset=array.offset * width)


def equal(left: Any, right: Any) -> npt.NDArray[np.bool_]:
    """Tell which values of two Arrow arrays are equal: NaN and null are, to each other as well."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(left.type) or pa.types.is_dictionary(left.type) or pa.types.is_boolean(left.type):
        found = pc.fill_null(pc.equal(left, right), False)
        return np.asarray(pc.or_(found, pc.and_(pc.is_null(left), pc.is_null(right))))
    a, b = raw_values(left), raw_values(right)
    same = a == b
    if a.dtype == np.float64:
        gone_a, gone_b = np.isnan(a), np.isnan(b)
    else:
        gone_a, gone_b = np.zeros(len(a), dtype=bool), np.zeros(len(b), dtype=bool)
    valid_a, valid_b = validity(left), validity(right)
    gone_a = gone_a if valid_a is None else gone_a | ~valid_a
    gone_b = gone_b if valid_b is None else gone_b | ~valid_b
    out: npt.NDArray[np.bool_] = np.where(gone_a | gone_b, gone_a & gone_b, same)
    return out


def numbers(values: npt.NDArray[Any]) -> Any:
    """Return int32, int64 or float64 as an Arrow array, without a copy. Not ``pyarrow.array``: it imports pandas."""
    import pyarrow as pa

    kind = {"i4": pa.int32(), "i8": pa.int64(), "f8": pa.float64()}[values.dtype.str[1:]]
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def named(symbols: list[str], index: npt.NDArray[np.int32]) -> Any:
    """Return the column of symbols: which of ``symbols`` each row has."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(numbers(index), texts(symbols))


def texts(values: Iterable[str]) -> Any:
    """Return texts as an Arrow array. Not ``pyarrow.array``: it imports pandas."""
    import pyarrow as pa

    raw = [value.encode() for value in values]
    offsets = np.cumsum([0, *map(len, raw)], dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(raw))]
    return pa.Array.from_buffers(pa.string(), len(raw), buffers)


def validity(array: Any) -> npt.NDArray[np.bool_] | None:
    """Tell which values of an Arrow array are there; ``None`` if all are."""
    if not array.null_count:
        return None
    return _bits(array.buffers()[0], array.offset, len(array))


def _bits(buffer: Any, offset: int, count: int) -> npt.NDArray[np.bool_]:
    first = offset // 8
    raw = np.frombuffer(buffer, dtype=np.uint8, offset=first, count=(offset + count + 7) // 8 - first)
    return np.unpackbits(raw, bitorder="little")[offset % 8 :][:count].astype(np.bool_)
