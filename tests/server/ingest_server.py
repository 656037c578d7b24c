"""A server that does nothing but make versions of uploads, to be killed: ``python -c … DATABASE DATA_DIR WORKER``."""

import asyncio
import logging
import sys
from pathlib import Path

from alphintra_kernel.sandbox import Sandbox
from alphintra_server.db import Database
from alphintra_server.jobs.ingest import INGEST, IngestKind
from alphintra_server.jobs.launcher import JobLimits, Launcher
from alphintra_server.jobs.supervisor import Supervisor
from alphintra_server.limits import Limits
from alphintra_server.sealing.keys import MasterKeys
from alphintra_server.sealing.vault import Vault
from alphintra_server.services.dataset_storage import DatasetStorage


def build(database, data_dir, worker):
    """Make the supervisor."""
    launcher = Launcher(
        Sandbox("none", allow_unsandboxed=True), JobLimits(), (sys.executable, "-P", "-c", worker), data_dir / "workers"
    )
    storage = DatasetStorage(data_dir)
    kinds = {INGEST: IngestKind(database, storage, Limits(), Vault(storage, MasterKeys(data_dir / "keys")))}
    return launcher, Supervisor(
        database, launcher, data_dir / "jobs", kinds, 1, lambda: None, logging.getLogger("ingest_server")
    )


async def work(url, data_dir, worker):
    """Work until killed."""
    _, supervisor = build(Database(url), Path(data_dir), worker)
    await supervisor.start()
    await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:3], Path(sys.argv[3]).read_text()))
