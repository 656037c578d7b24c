"""DuckDB, locked: bounded threads and memory, no file but those named, no network, no extension, no settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from alphintra.errors import DataError
from alphintra.ingest.findings import shown
from alphintra.ingest.limits import Limits

BATCH = 122_880
WIDE_BATCH = 2_048
"""Of rows with thousands of cells: as many as DuckDB has in hand at once."""
_GLOB = "*?[]{}"


def connect(limits: Limits, files: Sequence[Path], folder: Path) -> duckdb.DuckDBPyConnection:
    """Open a connection that reads some files and writes below one folder.

    Args:
        limits: Threads and memory; what does not fit is written below ``folder``.
        files: The only files outside of ``folder`` that it may read.
        folder: Its own; made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / "duckdb"
    connection = duckdb.connect(
        config={
            "threads": limits.threads,
            "async_threads": 0,  # for files of a network; those that it starts by itself look for work all the time
            "memory_limit": f"{limits.memory}B",
            "temp_directory": str(temporary),
            "autoload_known_extensions": False,
            "autoinstall_known_extensions": False,
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET streaming_buffer_size = '16MB'")
    connection.execute(f"SET allowed_paths = [{', '.join(literal(str(file)) for file in files)}]")
    connection.execute(f"SET allowed_directories = [{literal(f'{folder}/')}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def stream(
    connection: duckdb.DuckDBPyConnection, statement: str, name: str, rows: int = BATCH
) -> Iterator[Any]:
    """Yield the record batches of a query, in its order.

    Raises:
        DataError: DuckDB cannot read the file; names it.
    """
    try:
        yield from connection.sql(statement).to_arrow_reader(rows)
    except (duckdb.Error, pa.ArrowException) as error:
        raise DataError(
            f"the file cannot be read: {shown(str(error), 160)}",
            code="UNREADABLE",
            where=name,
            hint="Check what kind of file it is, its delimiter and its quotes.",
        ) from error


def readable_path(path: Path, folder: Path) -> Path:
    """Return a path that DuckDB takes for one file: a link below ``folder`` if the name looks like a pattern."""
    if not any(sign in str(path) for sign in _GLOB):
        return path
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "source"
    if not link.is_symlink():
        link.symlink_to(path.resolve())
    return link


def literal(text: str) -> str:
    """Return text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def file_literal(path: Path) -> str:
    """Return a path as a literal, which DuckDB would expand if it held the signs of a pattern.

    Raises:
        ValueError: It does; the caller names its own files.
    """
    if any(sign in str(path) for sign in _GLOB):
        raise ValueError(f"a path of a file to read holds one of {_GLOB}: {path}")
    return literal(str(path))
