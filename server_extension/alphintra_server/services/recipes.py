"""Recipes as jobs: tried on a sample, run into a new version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.dataset_tables import DatasetVersionRow
from ..db.tables import DatasetRow, unique_name
from ..errors import Conflict, Forbidden, Gone, Invalid, NotFound, Unavailable
from ..idempotency import remember
from ..jobs.recipe_output import PREVIEW as PREVIEW_FILE
from ..jobs.recipe_output import effects, preview_of
from ..jobs.stored_versions import PREVIEW, PROCESS
from ..models.recipes import Processed, ProcessRequest, RecipeAccepted, RecipePreviewRequest, RecipePreviewResult
from ..source.process import Parser, ParserFailedError, ParserUnavailableError
from .dataset_inputs import refuse_sealed
from .dataset_names import check_name
from .dataset_rows import Level, find, refuse_shipped
from .ingests import account
from .queueing import Queueing
from .validations import choice_of
from .version_requests import KeptOutput, asked_for, at_work, enqueue, readable

MOST_BYTES = 1 << 20
"""Bytes of the JSON of a recipe."""

_OPEN = "no recipe is tried on it, for the rows that this shows would lie in the open. Run it: nothing is overwritten."


class Recipes:
    """What a user can do with recipes.

    Args:
        jobs: Where jobs go, and everything is recorded.
        parser: Checks recipes, in its sandbox.
        kept: Reads what previews left.
    """

    def __init__(self, jobs: Queueing, parser: Parser, kept: KeptOutput) -> None:
        self._parser = parser
        self._kept = kept
        self._jobs = jobs
        self._schema: str | None = None

    async def schema(self) -> str:
        """Describe the steps, as JSON Schema: the same for as long as the server runs."""
        if self._schema is None:
            self._schema = json.dumps((await self._ask("recipe_schema"))["schema"], ensure_ascii=False)
        return self._schema

    async def process(self, who: Caller, dataset_id: str, body: ProcessRequest) -> RecipeAccepted:
        """Run a recipe on a version; what it makes is a version of the same dataset, or of one of the caller's."""
        level = Level.EDIT if body.dataset is None else Level.USE
        await self._jobs.database.read(lambda session: find(session, who, dataset_id, level))
        recipe = await self._checked(body.recipe)
        rules = choice_of(body.rules, "rules.")
        if body.dataset is not None:
            check_name(body.dataset, "dataset")
        options = {
            "symbols": body.symbols,
            "rules": json.loads(rules.to_json()),
            "description": body.description,
            "tags": body.tags,
        }

        def work(session: Session) -> RecipeAccepted:
            row = find(session, who, dataset_id, level)
            version = readable(session, row, body.version)
            owner, name = (row.user_id, row.name) if body.dataset is None else (who.user_id, body.dataset)
            assert owner is not None
            refuse_shipped(session, name)
            own = select(DatasetRow).where(DatasetRow.unique_name == unique_name(owner, name))
            target = session.scalars(own).first()
            if target is not None and target.state != "ACTIVE":
                raise Conflict(f"{name} is being deleted.", code="DATASET_DELETED")
            self._jobs.refuse()
            account(session, owner)
            job = enqueue(
                session,
                self._jobs.limits,
                who,
                PROCESS,
                f"{row.name}@{version.number} → {name}",
                version,
                recipe=recipe,
                joined=_joined(session, who, recipe["steps"]),
                options=options,
                owner_id=owner,
                dataset_name=name,
                current_id=None if target is None else target.current_version_id,
            )
            return remember(session, _accepted(job.id, job.status, version, name))

        return await self._jobs.queue(work)

    async def preview(self, who: Caller, dataset_id: str, body: RecipePreviewRequest) -> RecipeAccepted:
        """Try a recipe on some rows of a version."""
        await self._jobs.database.read(lambda session: find(session, who, dataset_id))
        recipe = await self._checked(body.recipe)
        sample = body.model_dump(include={"symbols", "start", "end", "rows"})

        def work(session: Session) -> RecipeAccepted:
            row = find(session, who, dataset_id)
            version = readable(session, row, body.version)
            refuse_sealed(row, version, _OPEN)
            self._jobs.refuse()
            job = enqueue(
                session,
                self._jobs.limits,
                who,
                PREVIEW,
                f"Try a recipe on {row.name}@{version.number}",
                version,
                recipe=recipe,
                joined=_joined(session, who, recipe["steps"], tried=True),
                options={"sample": sample, "shown": body.shown},
            )
            return remember(session, _accepted(job.id, job.status, version, None))

        return await self._jobs.queue(work)

    async def processed(self, who: Caller, job_id: str, dataset_id: str | None = None) -> Processed:
        """Tell what came of a recipe that was run."""

        def work(session: Session) -> Processed:
            row, job = asked_for(session, who, PROCESS, job_id, dataset_id)
            assert row.dataset_name is not None
            so_far = Processed(
                **at_work(job),
                dataset=row.dataset_name,
                dataset_id=None,
                number=None,
                version_id=None,
                reference=None,
                effects=[],
            )
            if row.made_id is None:
                return so_far
            made = session.get_one(DatasetVersionRow, row.made_id)
            known_by = row.dataset_name if row.owner_id == who.user_id else made.dataset_id
            there = {
                "dataset_id": made.dataset_id,
                "number": made.number,
                "version_id": made.id,
                "reference": f"{known_by}@{made.number}",
                "effects": effects(made.recipe),
            }
            return so_far.model_copy(update=there)

        return await self._jobs.database.read(work)

    async def previewed(self, who: Caller, dataset_id: str, job_id: str) -> RecipePreviewResult:
        """Tell what came of a preview."""
        _, job = await self._jobs.database.read(lambda session: asked_for(session, who, PREVIEW, job_id, dataset_id))
        raw = await self._kept.read(job, PREVIEW_FILE)
        return RecipePreviewResult(**at_work(job), preview=None if raw is None else preview_of(raw))

    async def _checked(self, given: Any) -> dict[str, Any]:
        """Return a recipe with all parameters of its steps.

        Raises:
            Invalid: A step is wrong, whatever the columns are; names its number and parameter.
        """
        if len(json.dumps(given)) > MOST_BYTES:
            raise Invalid.field("recipe", f"a recipe has at most {MOST_BYTES >> 20} MiB", code="TOO_LARGE")
        answer = await self._ask("recipe", recipe=given)
        if answer["error"] is not None:
            raise _refusal(answer["error"])
        return dict(answer["recipe"])

    async def _ask(self, question: str, **request: Any) -> dict[str, Any]:
        try:
            return await self._parser.ask(question, **request)
        except ParserFailedError:
            raise Invalid.field("recipe", "it cannot be read: too large, or nested too deeply") from None
        except ParserUnavailableError as error:
            raise Unavailable(f"Recipes cannot be checked now: {error}.", code="NO_PARSER") from None


def _accepted(job_id: str, status: str, version: DatasetVersionRow, dataset: str | None) -> RecipeAccepted:
    return RecipeAccepted(
        job_id=job_id, status=status, dataset_id=version.dataset_id, version=version.number, dataset=dataset
    )


def _refusal(error: Mapping[str, Any]) -> Invalid:
    """Say what is wrong with a recipe, at the step and the parameter that it is."""
    step, where = error["step"], str(error["where"] or "")
    field = "recipe"
    if step is not None:
        parameter = where.partition("), ")[2].partition(",")[0].strip()
        field = f"recipe.{step - 1}" + (f".{parameter}" if parameter.isidentifier() else "")
    hint = f" – {error['hint']}" if error["hint"] else ""
    place = {"field": field, "step": step, "code": error["code"], "message": f"{error['message']}{hint}"}
    return Invalid(f"{where}: {place['message']}" if where else place["message"], code=error["code"], errors=[place])


def _joined(
    session: Session, who: Caller, steps: list[dict[str, Any]], *, tried: bool = False
) -> dict[str, str]:
    """Find the versions that a recipe joins: ids by the names that it has for them.

    Args:
        session: The transaction.
        who: Who asks.
        steps: The recipe's.
        tried: Whether it is only tried.

    Raises:
        Invalid: One is not there, not for the caller, or has errors that nobody has accepted.
    """
    found: dict[str, str] = {}
    for index, step in enumerate(steps):
        if step["kind"] != "join":
            continue
        name = str(step["dataset"])
        base, _, number = name.rpartition("@")
        try:
            if not (number.isascii() and number.isdecimal() and 0 < len(number) < 10):
                raise NotFound(f"{number!r} is no number of a version.", code="UNKNOWN_VERSION")
            dataset = find(session, who, base, Level.USE)
            version = readable(session, dataset, int(number))
            if tried:
                refuse_sealed(dataset, version, _OPEN)
            if version.validation_errors:
                text = f"{name} has errors that nobody has accepted: {version.validation_errors[0]}"
                raise Conflict(text, code="DATASET_HAS_ERRORS")
        except (NotFound, Gone, Forbidden, Conflict) as error:
            place = {"field": f"recipe.{index}.dataset", "step": index + 1, "code": error.code, "message": error.detail}
            raise Invalid(f"step {index + 1} (join): {error.detail}", code=error.code, errors=[place]) from None
        found[name] = version.id
    return found
