"""Recipes: datasets cleaned and enriched in steps that do not look ahead.

::

    al.data.load("prices@2").process([al.recipes.Fill(rows=True), al.recipes.Label(horizon=5)]).save("clean")
"""

from alphintra.recipes.adjust import Adjust
from alphintra.recipes.applying import Applied, apply
from alphintra.recipes.deduplicate import Deduplicate
from alphintra.recipes.derive import Derive
from alphintra.recipes.drop import Drop
from alphintra.recipes.effects import Effect
from alphintra.recipes.fill import Fill
from alphintra.recipes.indicator import Indicator
from alphintra.recipes.join import Join
from alphintra.recipes.label import Label
from alphintra.recipes.leaking import Leak
from alphintra.recipes.normalise import Normalise
from alphintra.recipes.previewing import Preview, Sample, preview
from alphintra.recipes.processing import Processing
from alphintra.recipes.recipe import Recipe, recipe_of, schema
from alphintra.recipes.resample import Resample
from alphintra.recipes.sort import Sort
from alphintra.recipes.step import Context, Step
from alphintra.recipes.steps import STEPS
from alphintra.recipes.winsorise import Winsorise

__all__ = [
    "STEPS",
    "Adjust",
    "Applied",
    "Context",
    "Deduplicate",
    "Derive",
    "Drop",
    "Effect",
    "Fill",
    "Indicator",
    "Join",
    "Label",
    "Leak",
    "Normalise",
    "Preview",
    "Processing",
    "Recipe",
    "Resample",
    "Sample",
    "Sort",
    "Step",
    "Winsorise",
    "apply",
    "preview",
    "recipe_of",
    "schema",
]
