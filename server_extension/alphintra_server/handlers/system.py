"""System page, OpenAPI document and health over HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated

from ..auth import Caller
from ..errors import ServiceError
from ..models.code import System
from .base import AlphintraHandler, endpoint


class SystemHandler(AlphintraHandler):
    """What this server is."""

    @endpoint("system:read", response=System)
    async def get(self, who: Caller) -> System:
        """Read versions, limits, defaults, your permissions and the sandbox level."""
        return await self.services.system.describe(who)


class OpenApiHandler(AlphintraHandler):
    """The document of this API."""

    @endpoint("sdk:read", media_type="application/json")
    async def get(self, who: Caller) -> None:
        """Read the OpenAPI document, made from the same models and permissions that are checked."""
        from ..openapi import document

        text = await asyncio.to_thread(lambda: json.dumps(document(self.base_url)))
        await self.finish(text)


class HealthHandler(AlphintraHandler):
    """Whether the process answers; asked by probes, which have no account and are no activity."""

    _track_activity = False

    @allow_unauthenticated
    async def get(self) -> None:
        """Say that it does."""
        await self.finish({"status": "ok"})


class ReadyHandler(AlphintraHandler):
    """Whether it can work."""

    _track_activity = False

    @allow_unauthenticated
    async def get(self) -> None:
        """Check the database, the job supervisor, and whether an object store could be used yet."""
        try:
            checks = await self.services.system.ready()
        except ServiceError as error:
            self.write_problem(error)
            return
        good = all(checks.values())
        self.set_status(200 if good else 503)
        said: dict[str, Any] = {"status": "ready" if good else "not ready", "checks": checks}
        if (problem := self.services.system.store.problem) is not None:
            said["problems"] = {"store": problem}
        await self.finish(said)
