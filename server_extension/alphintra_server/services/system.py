"""What this server is, what it guards and what it allows."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from ..auth import Caller
from ..db.engine import Database
from ..limits import Limits
from ..models.base import MAX_LIMIT
from ..models.code import System
from ..models.strategies import MAX_CODE
from .jobs import Jobs
from .run_defaults import RunDefaults
from .store_check import StoreCheck
from .workspace import Workspace

if TYPE_CHECKING:
    from ..jobs.supervisor import Supervisor

_PACKAGES = (
    "jupyter_server",
    "jupyterlab",
    "ipykernel",
    "numpy",
    "numba",
    "pandas",
    "pyarrow",
    "ta-lib",
    "sqlalchemy",
)


@dataclass
class SandboxState:
    """What the probe at start found."""

    level: str
    description: str
    jobs_allowed: bool


@dataclass
class SystemService:
    """Answers ``/api/system`` and ``/ready``."""

    database: Database
    supervisor: Supervisor
    jobs: Jobs
    sandbox: SandboxState
    workspace: Workspace
    data_dir: Path
    defaults: RunDefaults
    limits: dict[str, Any]
    user_limits: Limits
    single_user: bool
    notebooks_have_network: Callable[[], bool]
    store: StoreCheck

    async def describe(self, who: Caller) -> System:
        """Describe this server to a caller."""
        from alphintra_kernel.isolation import kernel_level
        from alphintra_kernel.levels import LEVELS

        return System(
            versions=await asyncio.to_thread(_versions),
            sandbox={
                "level": self.sandbox.level,
                "levels": LEVELS,
                "description": self.sandbox.description,
                "jobs_allowed": self.sandbox.jobs_allowed,
                "kernel_level": await asyncio.to_thread(kernel_level),
                "network": await asyncio.to_thread(self.notebooks_have_network),
            },
            owner=who.user_id,
            roles=list(who.roles),
            scopes=sorted(who.scopes),
            single_user=self.single_user,
            # Where the server keeps its files concerns its owner only.
            data_dir=str(self.data_dir) if self.single_user else None,
            workspace={
                "usable": self.workspace.refusal is None,
                "refusal": self.workspace.refusal,
                "path": str(self.workspace.root) if self.single_user else None,
            },
            limits=self.limits | self._own_limits(who) | {"page": MAX_LIMIT, "code_bytes": MAX_CODE},
            defaults={
                "dataset_id": self.defaults.dataset,
                "initial_capital": format(self.defaults.initial_capital, "f"),
                "commission": format(self.defaults.commission, "f"),
                "slippage": format(self.defaults.slippage, "f"),
            },
            jobs=await self.jobs.count(who),
        )

    def _own_limits(self, who: Caller) -> dict[str, Any]:
        own = self.user_limits.of(who.user_id)
        return {
            "max_jobs_per_user": own.jobs,
            "max_queued": own.queued,
            "job_seconds": own.seconds,
            "job_memory": own.memory,
            "job_disk": own.disk,
            "job_log": own.log,
            "max_debug_sessions": own.debug_sessions,
            "max_storage": own.storage,
        }

    async def ready(self) -> dict[str, bool]:
        """Check what is needed to work."""
        try:
            await asyncio.wait_for(
                self.database.read(lambda session: session.execute(text("SELECT 1")).scalar_one()), 2
            )
            reachable = True
        except Exception:  # noqa: BLE001  whatever keeps the database from answering, this is not ready
            reachable = False
        # Of a folder there is nothing to find out.
        store = {"store": self.store.usable} if self.store.address else {}
        return {"database": reachable, "jobs": self.supervisor.alive, **store}


def _versions() -> dict[str, str]:
    from alphintra._version import __version__

    found = {"alphintra": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
