"""Datasets in ``make bench``: what must be equal, then the times and the memory beside their targets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import candles
import dataset_list
import ingest
import stored_datasets
import upload
from table import Table

#: Rows of the file where results are compared and nothing is measured.
CHECKED = 200_000


@dataclass(frozen=True)
class DatasetBench:
    """What was measured so far.

    Attributes:
        folder: Where files are written.
        rows: Rows of the CSV, and as many are hashed; where there are fewer than in the file of the targets, the
            other sets are smaller as well.
    """

    folder: Path
    rows: int = ingest.ROWS

    @cached_property
    def ingested(self) -> list[ingest.Measured]:
        """A CSV that becomes a version, beside DuckDB's ``COPY``."""
        return ingest.run(self.rows)

    @cached_property
    def stored(self) -> stored_datasets.Measured:
        """What a version takes to be written, hashed, and read in part."""
        hashed, universe = stored_datasets.HASHED, stored_datasets.UNIVERSE
        most = self.rows // hashed[0]
        folder = self.folder / "stored"
        return stored_datasets.measure(folder, (hashed[0], most), (universe[0], min(universe[1], most)))

    @cached_property
    def drawn(self) -> candles.Timed:
        """A symbol as a chart sees it."""
        folder = self.folder / "candles"
        candles.made(folder, min(candles.ROWS, self.rows))
        return candles.measure(folder)


def problem(bench: DatasetBench) -> str | None:
    """Say what is not equal, and print what is."""
    found = ingest.problem(bench.ingested) or bench.stored.problem
    if found:
        return found
    stored = bench.stored
    print(
        f"equal: the hash of {stored.rows:,} stored rows and of arrays, a symbol of {stored.symbols} and what it was "
        f"made of, the candles of {bench.drawn.rows:,} bars and those of pandas"
    )
    return None


def show(bench: DatasetBench, table: Table) -> None:
    """Measure what is left and print all."""
    ingest.show(bench.ingested, table)
    stored_datasets.show(bench.stored, table)
    candles.show(bench.drawn, table)
    upload.show(upload.measure(), table)
    dataset_list.show(dataset_list.measure(), table)
