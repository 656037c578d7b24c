"""Columns of another dataset, as they were known."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from alphintra.errors import DataError, ParameterError
from alphintra.recipes import parameters
from alphintra.recipes.derive import check_new
from alphintra.recipes.rows import I64, KNOWN, LABEL, Rows, Shape, rows_of
from alphintra.recipes.step import Context, Numbers, Outcome, Step, looks_ahead
from alphintra.store.as_of import says_when_known
from alphintra.store.columns import Column

_PINNED = re.compile(r"[^@]+@[^@/]+\Z")
_SPAN = re.compile(r"([1-9]\d{0,5})(min|h|d)\Z")
_UNITS = {"min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}


@dataclass(frozen=True, kw_only=True)
class Join(Step):
    """Add columns of another dataset's version, each row with what was known of it when the row was known.

    Of the rows of the other that were known then, the last by time counts, in its last revision.
    """

    kind: ClassVar[str] = "join"
    refuses: ClassVar[str] = "labels of the other; rows of which nothing says when they were known"

    dataset: str = parameters.text("The other dataset with its version: `name@3`.", kind="dataset")
    columns: tuple[str, ...] = parameters.columns("Which of its columns; none: all but times and labels.")
    symbol: str | None = parameters.text("The symbol of the other that all rows take; left out: each its own.", None)
    prefix: str = parameters.text("Put before the names of the columns.", "")
    oldest: str | None = parameters.text(
        "How long ago the other may have become known: `90min`, `12h`, `5d`; else it is missing.", None, most=10
    )

    known_at_time: bool = parameters.yes(
        "State that the rows of the other were known at their time (a date when it is over), where it does not say."
    )

    def check(self) -> None:
        """See :class:`Step`."""
        if not _PINNED.match(self.dataset):
            raise ParameterError(
                f"{self.dataset!r} names no version", where="dataset",
                hint="Write name@3: a recipe says what exactly it is made of.",
            )  # fmt: skip
        if self.oldest is not None and not _SPAN.match(self.oldest):
            raise ParameterError(f"{self.oldest!r} is no span", where="oldest", hint="Write 90min, 12h or 5d.")

    def plan(self, shape: Shape, context: Context) -> Shape:
        """See :class:`Step`."""
        manifest = context.version(self.dataset).manifest
        if not self.known_at_time and not says_when_known(manifest):
            raise DataError(
                f"{self.dataset} does not say when its rows were known", code="NO_KNOWLEDGE", where="dataset",
                hint="Give a column of it the role 'known_at'; or known_at_time=True, if no row was published later.",
            )  # fmt: skip
        if self.symbol is not None and self.symbol not in manifest.symbols:
            raise DataError(f"{self.dataset} has no symbol {self.symbol!r}", code="UNKNOWN_SYMBOL", where="symbol")
        columns = []
        for column in self._chosen(context):
            name = self.prefix + column.name
            check_new(shape, name)
            if name in shape.names:
                raise ParameterError(
                    f"there is a column {name!r} already", where=f"column {name!r}", hint="Give a prefix."
                )
            role = "feature" if column.type in ("double", "int64", "bool") else None
            columns.append(replace(column, name=name, role=role))
        return shape.having(*columns)

    def run(self, rows: Rows, shape: Shape, context: Context, fitted: Numbers) -> Outcome:
        """See :class:`Step`."""
        import pyarrow as pa

        symbol = self.symbol or rows.symbol
        chosen = self._chosen(context)
        other = self._rows(symbol, chosen, context)
        arrays = dict(rows.arrays)
        if other is None or not len(other):
            from alphintra.store.columns import arrow_type

            for column in chosen:
                empty: Any = pa.nulls(len(rows), arrow_type(column.type))
                arrays[self.prefix + column.name] = empty.fill_null(float("nan")) if column.type == "double" else empty
            return Outcome(arrays, note=f"{symbol} is not in {self.dataset}: its columns are missing")
        places = as_of(rows.known, other)
        if self.oldest is not None:
            old = (places >= 0) & (rows.known - other.known[places] > _span(self.oldest))
            places = np.where(old, -1, places)
        taken = other.taken(places)
        return Outcome(arrays | {self.prefix + column.name: taken[column.name] for column in chosen})

    def _chosen(self, context: Context) -> tuple[Column, ...]:
        manifest = context.version(self.dataset).manifest
        other = Shape(manifest.columns, manifest.about)
        if not self.columns:
            return tuple(c for c in other.columns if c.role not in ("time", "sequence", KNOWN, LABEL))
        found = tuple(other.column(name) for name in self.columns)
        for column in found:
            if column.role == LABEL:
                looks_ahead(
                    f"{column.name!r} of {self.dataset} is a label: it holds what comes later",
                    "Leave it out of columns.",
                )
            if column.role == "time":
                raise ParameterError(f"{column.name!r} is the time", where="columns", hint="Leave it out.")
        return found

    def _rows(self, symbol: str, chosen: tuple[Column, ...], context: Context) -> Rows | None:
        from alphintra.store.reading import read

        version = context.version(self.dataset)
        manifest = version.manifest
        if symbol not in manifest.symbols:
            return None
        # Other columns are not read; which rows count is told by the times alone.
        needed = {column.name for column in chosen}
        columns = tuple(c for c in manifest.columns if c.name in needed or c.role in ("time", "sequence", KNOWN))
        table = read(version, [symbol], [column.name for column in columns if column.role != "time"])
        return rows_of(symbol, Shape(columns, manifest.about), table)


def as_of(known: I64, other: Rows) -> I64:
    """Return for each time the place of the row that counted then, −1 where none was known.

    Of what is known, the row last in time counts; of one time, the one that became known last.
    """
    count = len(other)
    # Rows come sorted by time: among rows of one time, the later known has the higher rank.
    by_rank = np.lexsort((other.known, other.times))
    rank = np.empty(count, dtype=np.int64)
    rank[by_rank] = np.arange(count)
    order = np.argsort(other.known, kind="stable")
    best = np.maximum.accumulate(rank[order])
    reached = np.searchsorted(other.known[order], known, side="right") - 1
    return np.where(reached >= 0, by_rank[best[np.maximum(reached, 0)]], -1)


def _span(text: str) -> int:
    match = _SPAN.match(text)
    assert match is not None
    return int(match[1]) * _UNITS[match[2]]
