"""Does a recipe look ahead? Later rows are changed, and what was known before has to stay as it is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from alphintra.errors import AlphintraError
from alphintra.recipes.effects import differing
from alphintra.recipes.recipe import Recipe
from alphintra.recipes.rows import I64, LABEL, Rows, Shape, end_of
from alphintra.recipes.running import stages
from alphintra.recipes.step import Context
from alphintra.store.columns import raw_values
from alphintra.store.statistics import time_text

CUTS = (0.35, 0.6, 0.85)
"""Where in the rows later ones are changed: shares of them."""


@dataclass(frozen=True)
class Leak:
    """What a step told of later rows.

    Attributes:
        step: Number of the first step that did.
        kind: Its kind.
        symbol: On whose rows.
        until: Rows known after this were changed, text in UTC.
        time: Time of the first row that became another one, or ``None`` where there are more or fewer rows.
        column: Its column, or ``None``.
    """

    step: int
    kind: str
    symbol: str
    until: str
    time: str | None
    column: str | None


def find_leaks(
    recipe: Recipe, shapes: list[Shape], rows: Rows, context: Context, seed: int = 0, cuts: Sequence[float] = CUTS
) -> list[Leak]:
    """Change what became known after some times, and return the first step of each that told of it before.

    Numbers, truth values and texts are changed and half of the later rows left out. Labels are not looked at, nor
    what was known before the end of a training part.

    Args:
        recipe: The steps.
        shapes: What :meth:`Recipe.plan` returned.
        rows: Of one symbol, in any order.
        context: What steps may use beside them.
        seed: Of the changes.
        cuts: Where later rows begin: shares of the rows.
    """
    found = []
    order = np.argsort(rows.times, kind="stable")
    if not np.array_equal(order, np.arange(len(rows))):
        rows = Rows(rows.symbol, rows.shape, rows.taken(order))
    for cut in instants(recipe, rows, cuts):
        for leave_out in (True, False):
            other = _disturbed(rows, cut, seed, leave_out=leave_out)
            # A step may refuse what was made up for later; that says nothing of what it tells of it.
            with suppress(AlphintraError):
                leak = _first(recipe, shapes, rows, other, cut, context)
                found += [leak] if leak is not None else []
                break
    return found


def instants(recipe: Recipe, rows: Rows, cuts: Sequence[float] = CUTS) -> list[int]:
    """Return when later rows begin, microseconds UTC: none before a training part ends, nor in fewer than 4 rows."""
    if len(rows) < 4:
        return []
    least = max((end_of(step.fit_end) for step in recipe.steps if step.fit_end is not None), default=None)
    known = np.sort(rows.known)
    found = sorted({int(known[int(share * (len(known) - 1))]) for share in cuts})
    return [cut for cut in found if (least is None or cut >= least) and cut < known[-1]]


def _first(recipe: Recipe, shapes: list[Shape], rows: Rows, other: Rows, cut: int, context: Context) -> Leak | None:
    pairs = zip(stages(recipe, shapes, rows, context), stages(recipe, shapes, other, context), strict=True)
    for left, right in pairs:
        kind = recipe.steps[left.number - 1].kind
        before = np.flatnonzero(left.rows.known <= cut), np.flatnonzero(right.rows.known <= cut)
        until = time_text(cut, "timestamp[us, UTC]")
        if len(before[0]) != len(before[1]):
            return Leak(left.number, kind, rows.symbol, until, None, None)
        for column in left.rows.shape.columns:
            if column.role == LABEL:
                continue
            ours, theirs = (
                side.rows.arrays[column.name].take(places) for side, places in zip((left, right), before, strict=True)
            )
            changed = np.flatnonzero(differing(ours, theirs))
            if len(changed):
                time = left.rows.text_of(int(before[0][changed[0]]))
                return Leak(left.number, kind, rows.symbol, until, time, column.name)
    return None


def _disturbed(rows: Rows, cut: int, seed: int, *, leave_out: bool) -> Rows:
    """Return rows of which those known after a time have other values, and maybe half of them are gone.

    The last one stays, so that the rows go on for as long as before.
    """
    random = np.random.default_rng(seed)
    later = rows.known > cut
    kept = ~later | (random.random(len(rows)) < (0.5 if leave_out else 1.0))
    kept[-1] = True
    places = np.flatnonzero(kept).astype(np.int64)
    part = Rows(rows.symbol, rows.shape, rows.taken(places))
    changed = later[places]
    arrays = {}
    for column in rows.shape.columns:
        array = part.arrays[column.name]
        if column.role in ("time", "sequence", "known_at"):
            arrays[column.name] = array
        else:
            arrays[column.name] = _other(array, changed, random)
    return Rows(rows.symbol, rows.shape, arrays)


def _other(array: Any, places: Any, random: np.random.Generator) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    where = pa.array(places)
    kind = str(array.type)
    if kind == "string":
        return pc.if_else(where, pa.scalar("changed"), array)
    if kind == "bool":
        return pc.if_else(where, pc.invert(array), array)
    if kind == "double":
        # Prices stay above 0, so that what is computed of them stays defined.
        return pc.if_else(where, pa.array(raw_values(array) * random.uniform(1.5, 9.0, len(array)) + 0.5), array)
    shifts: I64 = random.integers(1, 1_000, len(array))
    return pc.if_else(where, pa.array(raw_values(array) + shifts.astype(raw_values(array).dtype), array.type), array)
