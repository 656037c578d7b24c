"""Reading what a worker leaves that has read stored versions: a version by a recipe, a preview, a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alphintra.store.checked_json import canonical
from alphintra.store.sealed import VersionKeys
from pydantic import TypeAdapter, ValidationError

from ..models.recipes import CellComparison, RecipePreview, StepEffect
from .ingest_output import MANIFEST, Written, _only, written
from .output import BadOutputError, _parse, _valid
from .protocol import OutputFile, clean

PREVIEW, COMPARISON = "preview.json", "comparison.json"
_ENTRIES = frozenset({"format", "steps", "fitted", "inputs", "effects"})
_EFFECTS = TypeAdapter(list[StepEffect])


@dataclass(frozen=True)
class Expected:
    """What a version has to say of where it comes from.

    Attributes:
        version: Its id.
        parents: Ids of the versions that it is made of.
        steps: The steps, with all their parameters.
        inputs: Name and content hash of each version that was joined, by name.
        simulated: Whether nobody ever traded at the prices that it is made of.
    """

    version: str
    parents: tuple[str, ...]
    steps: list[Any]
    inputs: list[dict[str, str]]
    simulated: bool


def collect_processed(
    folder: Path, claimed: list[OutputFile], *, expected: Expected, keys: VersionKeys | None = None
) -> Written:
    """Check the manifest of a version that a recipe made. Its files are checked when they come into the store.

    Args:
        folder: Where it is.
        claimed: What the worker says that it left.
        expected: What it has to say of where it comes from.
        keys: Those that it has to be sealed with.

    Raises:
        BadOutputError: It is no manifest, or not of what was to be done.
    """
    found = written(folder, claimed, expected.version, keys)
    provenance = found.manifest.provenance
    recipe = provenance.recipe
    if provenance.parents != expected.parents or provenance.sources or not isinstance(recipe, Mapping):
        raise BadOutputError(f"{MANIFEST}: the version was made of something else than it should be.")
    if set(recipe) != _ENTRIES:
        raise BadOutputError(f"{MANIFEST}: recipe: it has {', '.join(sorted(_ENTRIES))}, and nothing else.")
    for name, wanted in (("steps", expected.steps), ("inputs", expected.inputs)):
        if canonical(recipe.get(name)) != canonical(wanted):
            raise BadOutputError(f"{MANIFEST}: recipe: {name}: the version was made in another way than it should be.")
    effects(recipe)
    if keys is not None and recipe["fitted"]:
        raise BadOutputError(f"{MANIFEST}: recipe: fitted: the manifest of a sealed version tells of its values.")
    if (found.report.rows, found.report.symbols) != (found.manifest.rows, len(found.manifest.symbols)):
        raise BadOutputError(f"{MANIFEST}: report: other rows were checked than were written.")
    if expected.simulated and not found.manifest.about.simulated:
        raise BadOutputError(f"{MANIFEST}: prices were simulated, and it does not say so.")
    return found


def collect_preview(folder: Path, claimed: list[OutputFile]) -> RecipePreview:
    """Check what a preview of a recipe left."""
    return preview_of(_only(folder, claimed, PREVIEW))


def collect_comparison(folder: Path, claimed: list[OutputFile]) -> CellComparison:
    """Check what a comparison left."""
    return comparison_of(_only(folder, claimed, COMPARISON))


def preview_of(raw: bytes) -> RecipePreview:
    """Read a preview.

    Raises:
        BadOutputError: It is none.
    """
    return _valid(RecipePreview, PREVIEW, _parse(PREVIEW, raw))


def comparison_of(raw: bytes) -> CellComparison:
    """Read a comparison.

    Raises:
        BadOutputError: It is none.
    """
    return _valid(CellComparison, COMPARISON, _parse(COMPARISON, raw))


def effects(recipe: Any) -> list[StepEffect]:
    """Read what each step of a version's recipe changed.

    Raises:
        BadOutputError: It does not say so for each of its steps.
    """
    try:
        found = _EFFECTS.validate_python(recipe.get("effects"))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise BadOutputError(f"{MANIFEST}: recipe: effects: {clean(first['msg'])}") from None
    if [effect.step for effect in found] != list(range(1, len(recipe["steps"]) + 1)):
        raise BadOutputError(f"{MANIFEST}: recipe: effects: there is one for each step.")
    return found
