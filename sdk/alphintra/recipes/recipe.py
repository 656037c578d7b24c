"""A recipe: steps in their order, checked against columns, kept as canonical JSON."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from alphintra.errors import AlphintraError, DataError, ParameterError
from alphintra.recipes import parameters
from alphintra.recipes.rows import Shape
from alphintra.recipes.step import Context, Numbers, Step, schema_of
from alphintra.recipes.steps import STEPS
from alphintra.store.checked_json import canonical, check_free, parse
from alphintra.store.columns import check_columns

FORMAT = "alphintra-recipe/1"
MOST_STEPS = 50
_MOST_BYTES = 8 << 20
MOST_VALUES = 250_000
"""Most values in the JSON of the steps."""
_MOST_FITTED_VALUES = 400_000
_AT_STEP = re.compile(r"step ([0-9]{1,3})\b")
Fitted = Mapping[int, Mapping[str, Numbers]]


@dataclass(frozen=True)
class Recipe:
    """Steps in their order.

    Attributes:
        steps: At most 50.
        fitted: What steps were fitted to, by number of the step from 1, then by symbol; such a step is not fitted
            again.
    """

    steps: tuple[Step, ...]
    fitted: Fitted = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check number and type of the steps."""
        if not 1 <= len(self.steps) <= MOST_STEPS:
            raise ParameterError(f"{len(self.steps)} steps", where="recipe", hint=f"Give 1 to {MOST_STEPS}.")
        for number, step in enumerate(self.steps, 1):
            if not isinstance(step, Step):
                raise ParameterError(
                    f"a {type(step).__name__} is no step", where=f"step {number}",
                    hint="Give al.recipes.Fill(…) and the like, or what their to_json returns.",
                )  # fmt: skip
        try:
            check_free([step.to_json() for step in self.steps], "recipe", MOST_VALUES)
        except DataError as error:
            hint = "A recipe is kept in the manifest of each version that it makes: give fewer columns or events."
            raise ParameterError(error.message, where="recipe", hint=hint) from None

    def plan(self, shape: Shape, context: Context | None = None) -> list[Shape]:
        """Return the shape before the first and after each step; no row is read.

        Raises:
            AlphintraError: A step does not fit, or would look ahead; ``where`` names its number and the column.
        """
        context = context or Context()
        shapes = [shape]
        for number, step in enumerate(self.steps, 1):
            with at_step(number, step):
                found = step.plan(shapes[-1], context)
                check_columns(found.columns)
                shapes.append(found)
        return shapes

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON's values, with what was fitted."""
        fitted = {
            str(number): {symbol: {name: list(v) for name, v in own.items()} for symbol, own in symbols.items()}
            for number, symbols in self.fitted.items()
        }
        return {"format": FORMAT, "steps": [step.to_json() for step in self.steps], "fitted": fitted}

    def to_json(self) -> bytes:
        """Return it as canonical JSON: the same recipe always gives the same bytes."""
        return canonical(self.to_dict())

    @property
    def sha256(self) -> str:
        """Hash of its canonical JSON."""
        return hashlib.sha256(self.to_json()).hexdigest()

    def unfitted(self) -> Recipe:
        """Return it without what was fitted, to be fitted anew."""
        return Recipe(self.steps)


def recipe_of(given: Any) -> Recipe:
    """Return a recipe: one, its steps, or its JSON (bytes, text, or values).

    Raises:
        ParameterError: It is none; names step and parameter.
        LookAheadError: A parameter would look ahead.
    """
    if isinstance(given, Recipe):
        return given
    if isinstance(given, Step):
        return Recipe((given,))
    if isinstance(given, str | bytes):
        raw = given.encode() if isinstance(given, str) else given
        try:
            given = parse(raw, _MOST_BYTES, "recipe")
        except DataError as error:
            raise ParameterError(error.message, where="recipe", hint="It has to be JSON.") from error
    if isinstance(given, Mapping) and "steps" in given:
        # What was counted, and hashes of what was joined, come along in the recipe of a version.
        unknown = set(given) - {"format", "steps", "fitted", "inputs", "effects"}
        if given.get("format", FORMAT) != FORMAT or unknown:
            raise ParameterError(f"no recipe of the format {FORMAT}", where="recipe")
        return Recipe(_steps(given["steps"]), _fitted(given.get("fitted") or {}))
    if isinstance(given, Mapping):
        return Recipe(_steps([given]))
    return Recipe(_steps(given))


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the steps of a recipe."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": FORMAT,
        "type": "array",
        "minItems": 1,
        "maxItems": MOST_STEPS,
        "items": {"oneOf": [schema_of(kind) for kind in STEPS.values()]},
    }


@contextmanager
def at_step(number: int, step: Step | str, symbol: str | None = None) -> Iterator[None]:
    """Name a step, and whose rows it was at, in every error that is raised within."""
    try:
        yield
    except AlphintraError as error:
        kind = step if isinstance(step, str) else step.kind
        parts = [f"step {number} ({kind})", symbol, error.where]
        where = ", ".join(part for part in parts if part)
        plain = type(error).__init__ is AlphintraError.__init__
        raised = type(error) if plain else DataError
        raise raised(error.message, code=error.code, hint=error.hint, where=where) from error


def step_of(error: AlphintraError) -> int | None:
    """Return the number of the step that an error names, from 1; ``None`` where it is no step's."""
    found = _AT_STEP.match(error.where or "")
    return None if found is None else int(found[1])


def _steps(given: Any) -> tuple[Step, ...]:
    if not isinstance(given, Iterable) or isinstance(given, str | bytes | Mapping):
        raise ParameterError("a recipe is a list of steps", where="recipe", hint="Write [al.recipes.Sort(), …].")
    items = list(given)
    if len(items) > MOST_STEPS:
        raise ParameterError(f"{len(items)} steps", where="recipe", hint=f"Give 1 to {MOST_STEPS}.")
    return tuple(_step(item, number) for number, item in enumerate(items, 1))


def _step(given: Any, number: int) -> Step:
    if isinstance(given, Step):
        return given
    if not isinstance(given, Mapping) or not isinstance(given.get("kind"), str):
        raise ParameterError(
            "no step", where=f"step {number}", hint='Give al.recipes.Fill(…), or {"kind": "fill", …}.'
        )
    kind = STEPS.get(given["kind"])
    if kind is None:
        near = difflib.get_close_matches(given["kind"], STEPS, 1)
        hint = (f"Did you mean {near[0]}? " if near else "") + "There are " + ", ".join(STEPS) + "."
        raise ParameterError(f"there is no step {given['kind'][:80]!r}", where=f"step {number}", hint=hint)
    values = {str(key): value for key, value in given.items() if key != "kind"}
    known = parameters.of(kind)
    with at_step(number, kind.kind):
        for name in values:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = (f"Did you mean {near[0]}? " if near else "") + "There are " + ", ".join(known) + "."
                raise ParameterError(f"there is no parameter {name[:80]!r}", where=name[:80], hint=hint)
        needed = [item.name for item in kind.__dataclass_fields__.values() if parameters.required(item)]
        for name in needed:
            if name not in values:
                raise ParameterError("it has to be given", where=name, hint=known[name].text)
        return kind(**values)


def _fitted(given: Any) -> Fitted:
    wrong = ParameterError("no two numbers by step, symbol and column", where="recipe, fitted")
    try:
        check_free(given, "fitted", _MOST_FITTED_VALUES)
        out = {
            int(number): {
                symbol: {name: [float(low), float(high)] for name, (low, high) in own.items()}
                for symbol, own in symbols.items()
            }
            for number, symbols in given.items()
        }
    except (AttributeError, TypeError, ValueError, DataError):
        raise wrong from None
    return out


Given = Recipe | Step | Sequence[Any] | Mapping[str, Any] | str | bytes
"""In what forms a recipe may be given."""
