"""A column from a formula."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from alphintra.recipes import parameters
from alphintra.recipes.formula import MOST_TEXT, Formula
from alphintra.recipes.rows import LABEL, Rows, Shape
from alphintra.recipes.step import Context, Numbers, Outcome, Step
from alphintra.store.columns import SYMBOL, Column, numbers


@dataclass(frozen=True, kw_only=True)
class Derive(Step):
    """Make a column by a formula over the others, such as `log(close / lag(close, 1))`.

    What is made of a label is a label. A column of that name is replaced.
    """

    kind: ClassVar[str] = "derive"
    refuses: ClassVar[str] = "`lag` with a negative number of rows"

    name: str = parameters.text("Name of the column.", kind="column")
    formula: str = parameters.text("The formula.", kind="formula", most=MOST_TEXT)
    unit: str | None = parameters.text("Unit of the column.", None, most=40)

    def check(self) -> None:
        """See :class:`Step`."""
        Formula(self.formula, "formula")

    @property
    def mixes_rows(self) -> bool:
        """See :class:`Step`."""
        return Formula(self.formula, "formula").mixes_rows

    def plan(self, shape: Shape, context: Context) -> Shape:
        """See :class:`Step`."""
        check_new(shape, self.name)
        used = Formula(self.formula, "formula").columns
        shape.numeric(used)
        return shape.having(made(self.name, shape, used, self.unit))

    def run(self, rows: Rows, shape: Shape, context: Context, fitted: Numbers) -> Outcome:
        """See :class:`Step`."""
        found = Formula(self.formula, "formula").value(rows)
        return Outcome({**rows.arrays, self.name: numbers(found)})


def check_new(shape: Shape, name: str) -> None:
    """Check that a column may be made, or replaced.

    Raises:
        ParameterError: It would take the place of the symbol or the time.
    """
    from alphintra.errors import ParameterError

    taken = {SYMBOL, *(c.name for c in shape.columns if c.role in ("time", "sequence", "known_at"))}
    if name in taken:
        raise ParameterError(f"{name!r} is taken", where=f"column {name!r}", hint="Choose another name.")


def made(name: str, shape: Shape, used: tuple[str, ...], unit: str | None = None) -> Column:
    """Return a column that is made of others: a feature, or a label if one of them is.

    A column that is replaced keeps its role and, unless another is stated, its unit.
    """
    before = next((column for column in shape.columns if column.name == name), None)
    role = "feature" if before is None or before.role is None else before.role
    if unit is None and before is not None:
        unit = before.unit
    return Column(name, "double", LABEL if shape.labels(used) else role, unit)
