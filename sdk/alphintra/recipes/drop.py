"""Leave rows out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alphintra.errors import ParameterError
from alphintra.recipes import parameters
from alphintra.recipes.formula import MOST_TEXT, Formula
from alphintra.recipes.rows import KNOWN, Rows, Shape, missing
from alphintra.recipes.step import Context, Numbers, Outcome, Step, looks_ahead


@dataclass(frozen=True, kw_only=True)
class Drop(Step):
    """Leave out rows that miss values, or rows that a condition holds for.

    A condition that is undefined (a number in it is missing) does not hold.
    """

    kind: ClassVar[str] = "drop"
    refuses: ClassVar[str] = "choosing rows by a label"

    columns: tuple[str, ...] = parameters.columns("Columns whose missing values count; none: all but labels.")
    how: str = parameters.choice("Whether any or all of them have to be missing.", ("any", "all"), "any")
    where: str | None = parameters.text(
        "A condition, such as `volume <= 0`, instead of missing values.", None, kind="formula", most=MOST_TEXT
    )

    def check(self) -> None:
        """See :class:`Step`."""
        if self.where is not None:
            if self.columns:
                raise ParameterError("columns and where are two ways", where="where", hint="Give one of them.")
            Formula(self.where, "where")

    @property
    def mixes_rows(self) -> bool:
        """See :class:`Step`."""
        return self.where is not None and Formula(self.where, "where").mixes_rows

    def plan(self, shape: Shape, context: Context) -> Shape:
        """See :class:`Step`."""
        used = self.columns
        if self.where is not None:
            used = Formula(self.where, "where").columns
            shape.numeric(used)
        for name in used:
            shape.column(name)
        labels = shape.labels(used)
        if labels:
            looks_ahead(
                f"rows would be chosen by the label {labels[0]!r}, that is, by what comes after them",
                "Leave rows out by other columns; unknown labels are left out where a model is trained.",
            )
        return shape

    def run(self, rows: Rows, shape: Shape, context: Context, fitted: Numbers) -> Outcome:
        """See :class:`Step`."""
        if self.where is not None:
            gone = np.nan_to_num(Formula(self.where, "where").value(rows)) != 0
        else:
            roles = ("time", KNOWN, "label")
            names = self.columns or [c.name for c in shape.columns if c.role not in roles]
            join = np.logical_or if self.how == "any" else np.logical_and
            # All of no columns: nothing is missing.
            gone = join.reduce([missing(rows.arrays[name]) for name in names]) if names else np.zeros(len(rows), bool)
        if not gone.any():
            return Outcome(rows.arrays)
        kept = np.flatnonzero(~gone)
        return Outcome(rows.taken(kept), kept)
