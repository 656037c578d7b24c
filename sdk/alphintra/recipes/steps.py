"""All kinds of steps, in the order in which they are mostly used."""

from __future__ import annotations

from alphintra.recipes.adjust import Adjust
from alphintra.recipes.deduplicate import Deduplicate
from alphintra.recipes.derive import Derive
from alphintra.recipes.drop import Drop
from alphintra.recipes.fill import Fill
from alphintra.recipes.indicator import Indicator
from alphintra.recipes.join import Join
from alphintra.recipes.label import Label
from alphintra.recipes.normalise import Normalise
from alphintra.recipes.resample import Resample
from alphintra.recipes.sort import Sort
from alphintra.recipes.step import Step
from alphintra.recipes.winsorise import Winsorise

_ALL: tuple[type[Step], ...] = (
    Sort, Deduplicate, Fill, Drop, Resample, Adjust, Join, Derive, Indicator, Winsorise, Normalise, Label,
)  # fmt: skip
STEPS: dict[str, type[Step]] = {kind.kind: kind for kind in _ALL}
"""By kind."""
