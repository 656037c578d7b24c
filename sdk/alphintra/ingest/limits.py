"""What reading a file may cost: every bound in one place."""

from __future__ import annotations

from dataclasses import dataclass

from alphintra.errors import DataError

MIB = 1 << 20
WIDE_COLUMNS = 1_000
"""Of tables with more columns a row takes so much room that they are read by one thread, which has twice the memory."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one file, whatever it claims about itself.

    Attributes:
        unpacked: Bytes of a file after unpacking, and of all members of an archive together.
        ratio: Unpacked bytes for each packed one, above the first MiB.
        members: Entries of an archive.
        rows: Rows of all members together.
        columns: Columns of a table, and of what is made of one.
        instrument_columns: Columns of a table in which each instrument has its own.
        cell: Bytes of one cell.
        line: Bytes of one line of text.
        depth: Levels of lists and objects in JSON.
        symbols: Different symbols.
        sheet_cells: Cells of the rectangle that a spreadsheet's used cells span: what its reader allocates.
        rejects: Rows or cells that cannot be read before reading stops.
        places: Places kept for each rule; all are counted.
        memory: Bytes for DuckDB, beyond which it goes to disk.
        threads: Threads of DuckDB.
    """

    unpacked: int = 64 << 30
    ratio: int = 100
    members: int = 4_096
    rows: int = 2_000_000_000
    columns: int = 2_000
    instrument_columns: int = 5_000
    cell: int = 64 << 10
    line: int = MIB
    depth: int = 16
    symbols: int = 100_000
    sheet_cells: int = 10_000_000
    rejects: int = 100_000
    places: int = 1_000
    memory: int = 300 * MIB
    threads: int = 2


DEFAULT = Limits()


def too_wide(columns: int, limits: Limits, where: str) -> DataError:
    """Return the error of a table of more columns than are read."""
    return DataError(
        f"there are {columns:,} columns, more than {limits.columns:,}",
        code="COLUMN_LIMIT",
        where=where,
        hint=f"Give fewer in a file; of many instruments, up to {limits.instrument_columns:,} that are named by "
        "instrument and field (AAPL.Close), or a row for each symbol and time.",
    )


def no_rows(where: str) -> DataError:
    """Return the error of a table that is a header alone."""
    return DataError(
        "there are no rows below the header",
        code="NO_ROWS",
        where=where,
        hint="Save it again with its rows; the first row that is full is taken for the header.",
    )
