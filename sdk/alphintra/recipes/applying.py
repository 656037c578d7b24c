"""A recipe applied to a version: a new version, made symbol by symbol."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphintra._version import __version__
from alphintra.errors import Cancelled, DataError
from alphintra.recipes.effects import Effect
from alphintra.recipes.recipe import Given, Recipe, at_step, recipe_of
from alphintra.recipes.running import through
from alphintra.recipes.sources import chosen, source_of
from alphintra.recipes.step import Context, Numbers
from alphintra.store.checked_json import canonical
from alphintra.store.manifest import Manifest, Provenance
from alphintra.store.open_file import Rules
from alphintra.store.reading import Version
from alphintra.store.sealed import Seal
from alphintra.store.writing import VersionWriter

if TYPE_CHECKING:
    from alphintra.recipes.rows import Shape
    from alphintra.rules.registry import Choice
    from alphintra.rules.running import Validation

MOST_FITTED = 50_000
"""Most numbers that a version's recipe holds of what was fitted."""
_TOOLS = ("numpy", "pandas", "pyarrow", "ta-lib")


@dataclass(frozen=True)
class Applied:
    """A version that a recipe made.

    Attributes:
        manifest: Its manifest: parents and recipe are in ``provenance``.
        recipe: The recipe with what was fitted.
        effects: What each step changed, over all symbols.
    """

    manifest: Manifest
    recipe: Recipe
    effects: tuple[Effect, ...]


def apply(
    data: Version,
    recipe: Given,
    folder: Path,
    version: str,
    *,
    symbols: Sequence[str] | None = None,
    context: Context | None = None,
    seal: Seal | None = None,
    rules: Rules | None = None,
    check: Choice | None = None,
    progress: Callable[[float], None] | None = None,
    cancel: Any = None,
) -> Applied:
    """Write what a recipe makes of a version; memory is that of the rows of one symbol.

    The same recipe on the same content gives the same content hash. The manifest names the version, and those that
    were joined, as parents, and has the recipe with what was fitted.

    Args:
        data: The version.
        recipe: Steps, or the JSON of a recipe; what that was fitted to is not fitted again.
        folder: An empty folder to write to, for :func:`alphintra.store.committing.commit`.
        version: Id of the new version.
        symbols: Which; left out, all.
        context: Where other datasets are found.
        seal: Encrypts the new version; needed where the old one is sealed. Its manifest, which anybody reads, does not
            have what was fitted, and of the report the counts alone.
        rules: How rows are cut into files.
        check: Which validation rules the new rows are checked by; left out, none. The report is in the manifest's
            provenance, and has what only the file of the old version told.
        progress: Called with the share of rows that are done.
        cancel: Anything with ``is_set()``; set, it ends the work.

    Raises:
        AlphintraError: ``where`` names the step by its number, the symbol and the column.
        DataError: ``NO_ROWS`` where no row is left; ``SEALED`` where a sealed version would be written openly.
        Cancelled: ``cancel`` was set.
    """
    context = context or Context()
    steps = recipe_of(recipe)
    source = chosen(source_of(data), symbols)
    context.symbols = data.manifest.symbols
    context.quotes = seal is None
    shapes = steps.plan(source.shape, context)
    if seal is None and (data.manifest.sealed or any(v.manifest.sealed for v in context.opened.values())):
        raise DataError("what is made of a sealed version has to be sealed as well", code="SEALED", hint="Give seal=.")
    effects = [Effect(number, step.kind) for number, step in enumerate(steps.steps, 1)]
    fitted: dict[int, dict[str, Numbers]] = {number: dict(own) for number, own in steps.fitted.items()}
    counts = dict(zip(data.manifest.symbols, data.manifest.symbol_rows.tolist(), strict=True))
    whole, done, held = sum(counts[symbol] for symbol in source.symbols), 0, 0
    last = shapes[-1]
    validation = None if check is None else _validation(last, check)
    with VersionWriter(folder, version, last.columns, last.about, seal=seal, rules=rules) as writer:
        for rows in source.each():
            if cancel is not None and cancel.is_set():
                raise Cancelled("the recipe was cancelled", where=rows.symbol)
            done += counts[rows.symbol]
            found, numbers = through(steps, shapes, rows, context, effects)
            for number, own in numbers.items():
                fitted.setdefault(number, {})[rows.symbol] = own
                held += sum(map(len, own.values()))
            if held > MOST_FITTED:
                number = min(numbers)
                with at_step(number, steps.steps[number - 1]):
                    raise DataError(
                        f"more than {MOST_FITTED:,} numbers would be fitted", code="TOO_LARGE",
                        hint="Choose fewer columns, or use window= instead of fit_until=.",
                    )  # fmt: skip
            table = found.table()
            _add(writer, found.symbol, table, steps)
            if validation is not None:
                validation.see(found.symbol, table)
            if progress is not None:
                progress(done / whole)
        complete = Recipe(steps.steps, fitted)
        report = None if validation is None else _report(validation, data, sealed=seal is not None)
        # Anybody reads the manifest of a sealed version: what was fitted to values is not in it.
        told = complete if seal is None else complete.unfitted()
        manifest = writer.finish(_provenance(data, told, context, effects, report))
    return Applied(manifest, complete, tuple(effects))


def _add(writer: VersionWriter, symbol: str, table: Any, recipe: Recipe) -> None:
    try:
        writer.add(symbol, table)
    except DataError as error:
        if error.code != "NOT_SORTED":
            raise
        with at_step(len(recipe.steps), recipe.steps[-1], symbol):
            raise


def _validation(last: Shape, check: Choice) -> Validation:
    from alphintra.rules.facts import of_columns
    from alphintra.rules.running import Validation

    return Validation(of_columns(last.columns, last.about), check)


def _report(validation: Validation, data: Version, *, sealed: bool) -> Any:
    """Return the report on the new rows, with what only the file told that the old ones were read of."""
    from alphintra.rules.registry import rules
    from alphintra.rules.report import from_json, without_places

    own, before = data.manifest.provenance.report, None
    if own is not None:
        # Rows were changed: what rows show as well is as they show it now.
        known = from_json(canonical(own))
        of_file = {rule.id for rule in rules().values() if rule.seen_in == "file"}
        kept = tuple(result for result in known.results if result.rule in of_file)
        before = replace(known, results=kept)
    found = validation.finish(before)
    return json.loads((without_places(found) if sealed else found).to_json())


def _provenance(
    data: Version, recipe: Recipe, context: Context, effects: list[Effect], report: Any
) -> Provenance:
    joined = {name: found.manifest for name, found in context.opened.items()}
    inputs = [{"dataset": name, "content_hash": joined[name].content_hash} for name in sorted(joined)]
    parents = [data.manifest.version, *(joined[name].version for name in sorted(joined))]
    entry = recipe.to_dict() | {"inputs": inputs, "effects": [effect.totals() for effect in effects]}
    tools = {name: version_of(name) for name in _TOOLS} | {"alphintra": __version__}
    return Provenance(parents=tuple(dict.fromkeys(parents)), recipe=entry, report=report, tools=tools)
