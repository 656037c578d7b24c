"""Reports on versions of datasets, over HTTP."""

from __future__ import annotations

from ..auth import Caller
from ..errors import Conflict
from ..models.validations import (
    Acknowledged,
    Acknowledgement,
    CheckAgain,
    ValidationAccepted,
    ValidationReport,
    ValidationRules,
)
from .base import AlphintraHandler, endpoint
from .reading import number_of


class RulesHandler(AlphintraHandler):
    """The rules that versions are checked by."""

    @endpoint("datasets:read", response=ValidationRules)
    async def get(self, who: Caller) -> ValidationRules:
        """List all rules, with the numbers that can be set of each."""
        return self.services.validations.rules()


class ValidationHandler(AlphintraHandler):
    """The report on a version."""

    @endpoint("datasets:read", response=ValidationReport, problems=(404, 410))
    async def get(self, who: Caller, dataset_id: str, number: str) -> ValidationReport:
        """Read what the rules found on a version, and what was accepted of it."""
        return await self.services.validations.report(who, dataset_id, number_of(number))

    @endpoint(
        "datasets:write",
        body=CheckAgain,
        response=ValidationAccepted,
        status=202,
        problems=(403, 404, 410, 422, 429, 503),
        location=lambda accepted, *_: f"/api/jobs/{accepted.job_id}",
        idempotent=True,
    )
    async def post(
        self, who: Caller, dataset_id: str, number: str, *, body: CheckAgain
    ) -> ValidationAccepted:
        """Check a version again, with a choice of rules and of their numbers."""
        return await self.services.validations.validate(who, dataset_id, number_of(number), body)


class DatasetValidateHandler(AlphintraHandler):
    """Checking a dataset."""

    @endpoint(
        "datasets:write",
        body=CheckAgain,
        response=ValidationAccepted,
        status=202,
        problems=(403, 404, 409, 410, 422, 429, 503),
        location=lambda accepted, *_: f"/api/jobs/{accepted.job_id}",
        idempotent=True,
    )
    async def post(self, who: Caller, dataset_id: str, *, body: CheckAgain) -> ValidationAccepted:
        """Check the current version of a dataset again, with a choice of rules and of their numbers."""
        dataset = await self.services.datasets.get(who, dataset_id)
        if dataset.version is None:
            raise Conflict(f"{dataset.name} ships with the product: it was checked before.", code="NOTHING_TO_VALIDATE")
        return await self.services.validations.validate(who, dataset.id, dataset.version, body)


class AcknowledgeHandler(AlphintraHandler):
    """Accepting errors."""

    @endpoint(
        "datasets:write",
        body=Acknowledgement,
        response=Acknowledged,
        problems=(403, 404, 410, 422),
        idempotent=True,
    )
    async def post(self, who: Caller, dataset_id: str, number: str, *, body: Acknowledgement) -> Acknowledged:
        """Accept errors of a version, with a reason: it can be used then."""
        return await self.services.validations.acknowledge(who, dataset_id, number_of(number), body)
