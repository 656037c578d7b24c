"""Rows of a stored version that are there twice: a run takes each once, and says so.

Which of two equal rows is taken makes no difference, so nobody has to decide it. Rows of one time that differ stay, and
are refused where they are checked: which of them counts is for a person to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from alphintra.data.market import DAY_US, Note
from alphintra.store.columns import equal, numbers, raw_values


@dataclass
class Repeated:
    """Counts what is left out.

    Attributes:
        rows: How many rows, of all symbols.
        first: Symbol and time of the first one, as text.
    """

    rows: int = field(default=0, init=False)
    first: str = field(default="", init=False)

    def left_out(self, symbol: str, part: Any, time: str, names: Iterable[str]) -> Any:
        """Return an Arrow table without the rows that equal the row before them.

        Args:
            symbol: Whose rows they are.
            part: Rows in the order of time.
            time: Name of the column of times: dates, or microseconds.
            names: The columns that are compared, all that the run reads.
        """
        times = raw_values(part[time])
        again = np.flatnonzero(times[1:] == times[:-1]) + 1
        if not len(again):
            return part
        after, before = numbers(again), numbers(again - 1)
        for name in dict.fromkeys(names):
            column = part[name]
            same = equal(column.take(after).combine_chunks(), column.take(before).combine_chunks())
            again, after, before = again[same], after.take(_places(same)), before.take(_places(same))
        if not len(again):
            return part
        if not self.rows:
            stamp = int(times[again[0]])
            micros = stamp * DAY_US if times.dtype == np.int32 else stamp
            text = np.datetime_as_string(np.datetime64(micros, "us"), unit="D" if times.dtype == np.int32 else "s")
            self.first = f"{symbol}, {text}"
        self.rows += len(again)
        kept = np.ones(len(times), dtype=np.bool_)
        kept[again] = False
        return part.take(_places(kept))

    def notes(self) -> list[Note]:
        """Return what a report says of them."""
        if not self.rows:
            return []
        what = "1 row is" if self.rows == 1 else f"{self.rows:,} rows are"
        text = f"{what} there twice with equal values, and taken once (the first: {self.first})"
        return [Note("repeated_rows", text, "warning")]


def _places(mask: Any) -> Any:
    return numbers(np.flatnonzero(mask))
