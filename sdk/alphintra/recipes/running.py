"""The rows of one symbol through all steps of a recipe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from alphintra.errors import DataError, LookAheadError
from alphintra.recipes.effects import Effect
from alphintra.recipes.recipe import Recipe, at_step
from alphintra.recipes.rows import KNOWN, Rows, Shape
from alphintra.recipes.step import Context, Numbers, Outcome, Step

MOST_CELLS = 400_000_000
"""Cells of the rows of one symbol that are held at once: about 3 GB."""


@dataclass(frozen=True)
class Stage:
    """Rows after a step.

    Attributes:
        number: Of the step, from 1.
        rows: After it.
        outcome: What the step returned.
        fitted: What it was fitted to on this symbol.
    """

    number: int
    rows: Rows
    outcome: Outcome
    fitted: Numbers


def stages(recipe: Recipe, shapes: list[Shape], rows: Rows, context: Context) -> Iterator[Stage]:
    """Yield the rows after each step.

    Args:
        recipe: The steps.
        shapes: What :meth:`Recipe.plan` returned.
        rows: Of one symbol, in the first of the shapes.
        context: What steps may use beside them.

    Raises:
        AlphintraError: ``where`` names the step, the symbol, and what the step says.
    """
    for number, step in enumerate(recipe.steps, 1):
        with at_step(number, step, rows.symbol):
            _check(rows, step)
            known = recipe.fitted.get(number, {})
            fitted = known.get(rows.symbol, {}) if number in recipe.fitted else step.fit(rows)
            outcome = step.run(rows, shapes[number], context, fitted)
        rows = Rows(rows.symbol, shapes[number], {name: outcome.arrays[name] for name in shapes[number].names})
        yield Stage(number, rows, outcome, fitted)


def through(
    recipe: Recipe, shapes: list[Shape], rows: Rows, context: Context, effects: list[Effect] | None = None
) -> tuple[Rows, dict[int, Numbers]]:
    """Return the rows after all steps, and what each was fitted to; count effects where a list of them is given."""
    fitted: dict[int, Numbers] = {}
    for stage in stages(recipe, shapes, rows, context):
        if effects is not None:
            effects[stage.number - 1].add(rows, stage.rows, stage.outcome)
        if recipe.steps[stage.number - 1].fit_end is not None and stage.fitted:
            fitted[stage.number] = stage.fitted
        rows = stage.rows
    return rows, fitted


def _check(rows: Rows, step: Step) -> None:
    if len(rows) * len(rows.shape.columns) > MOST_CELLS:
        raise DataError(
            f"{len(rows):,} rows of {len(rows.shape.columns):,} columns are too many to hold at once",
            code="TOO_LARGE", hint=f"At most {MOST_CELLS:,} cells of one symbol: choose columns, or a range of time.",
        )  # fmt: skip
    times = rows.times
    if step.mixes_rows and rows.shape.role(KNOWN) is not None:
        early = np.flatnonzero(rows.known[1:] < np.maximum.accumulate(rows.known)[:-1])
        if len(early):
            raise LookAheadError(
                "the row was known before rows that come before it in time, and the step makes it of these",
                where=f"time {rows.text_of(int(early[0]) + 1)}",
                hint="Put 'deduplicate' before it, which leaves first releases; or 'join' the dataset as it is.",
            )  # fmt: skip
    if not step.any_order and (times[1:] < times[:-1]).any():
        raise DataError("the rows are not sorted by time", code="NOT_SORTED", hint="Put the step 'sort' before it.")
