"""Steps that take figures of numbers: of the last rows, or of a training part of each symbol, never of the whole."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from alphintra.errors import ParameterError
from alphintra.recipes.rows import F64, LABEL, Rows, Shape
from alphintra.recipes.step import Numbers, Step, looks_ahead
from alphintra.recipes.windows import training
from alphintra.store.columns import Column


class Trained(Step):
    """What such steps share. Their parameters stand with them, in the order of their forms.

    Attributes:
        columns: Which; none: all features.
        window: Rows of the window, or ``None``.
        fit_until: End of the training part, or ``None``.
        least: Fewest numbers that figures are taken of.
    """

    columns: tuple[str, ...]
    window: int | None
    fit_until: str | None
    least: int

    def check(self) -> None:
        """See :class:`Step`."""
        if self.window is not None and self.window < self.least:
            raise ParameterError(
                f"a window of {self.window} rows never holds {self.least}", where="least", hint="Give a lesser least."
            )

    @property
    def fit_end(self) -> str | None:
        """See :class:`Step`."""
        return self.fit_until

    @property
    def mixes_rows(self) -> bool:
        """See :class:`Step`."""
        return self.window is not None

    def fit(self, rows: Rows) -> Numbers:
        """Return the figures of each column in the training part; none for a column with too few numbers."""
        out = {}
        part = training(rows, self.fit_until or "")
        for column in features(rows.shape, self.columns):
            values = rows.numbers(column.name)[part]
            values = values[np.isfinite(values)]  # as a window: an infinity has no mean and no spread
            if len(values) >= self.least:
                out[column.name] = self.figures(values)
        return out

    @abstractmethod
    def figures(self, values: F64) -> list[float]:
        """Return the figures of numbers, all of them finite."""


def features(shape: Shape, chosen: tuple[str, ...]) -> tuple[Column, ...]:
    """Return the columns chosen; none: all features.

    Raises:
        DataError: There is no such column, it holds no numbers, or there are no features.
        LookAheadError: A label is chosen.
    """
    if not chosen:
        names = [c.name for c in shape.columns if c.role in ("feature", None) and c.type in ("double", "int64")]
        if not names:
            raise ParameterError("there are no features", where="columns", hint="Name the columns.")
        return shape.numeric(names)
    found = shape.numeric(chosen)
    labels = [column.name for column in found if column.role == LABEL]
    if labels:
        looks_ahead(
            f"the label {labels[0]!r} holds what comes later, so figures over it would as well",
            "Choose other columns; bound or scale labels where a model is trained.",
        )
    return found


def without_training(symbol: str, columns: list[str], end: str | None, what: str) -> str | None:
    """Return what has to be known of columns that nothing was fitted on."""
    if not columns:
        return None
    return f"{symbol} has too few numbers until {end}, {what}: {', '.join(columns[:5])}"
