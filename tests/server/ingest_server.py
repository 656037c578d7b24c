"""A server that does nothing but make versions, of uploads and by recipes, to be killed: ``python … URL DATA_DIR``."""

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from alphintra_kernel.sandbox import Sandbox
from alphintra_server.crash_points import VARIABLE
from alphintra_server.db import Database
from alphintra_server.db.tables import JobRow
from alphintra_server.jobs.ingest import INGEST, IngestKind
from alphintra_server.jobs.launcher import JobLimits, Launcher
from alphintra_server.jobs.stored_versions import PROCESS, ProcessKind
from alphintra_server.jobs.supervisor import Supervisor
from alphintra_server.jobs.worker_home import sweep_dead_servers
from alphintra_server.limits import Limits
from alphintra_server.sealing.keys import MasterKeys
from alphintra_server.sealing.vault import Vault
from alphintra_server.services.dataset_storage import DatasetStorage
from sqlalchemy import select

WORKER = Path(__file__).with_name("ingest_worker.py")


def _build(database, data_dir):
    """Make the supervisor."""
    worker = (sys.executable, "-P", "-c", WORKER.read_text())
    launcher = Launcher(Sandbox("none", allow_unsandboxed=True), JobLimits(), worker, data_dir / "workers")
    storage = DatasetStorage(data_dir)
    vault = Vault(storage, MasterKeys(data_dir / "keys"))
    kinds = {
        INGEST: IngestKind(database, storage, Limits(), vault),
        PROCESS: ProcessKind(database, storage, Limits(), vault),
    }
    return launcher, Supervisor(
        database, launcher, data_dir / "jobs", kinds, 1, lambda: None, logging.getLogger("ingest_server")
    )


async def killed(url, data_dir, point):
    """Have a server work until it is killed at a point."""
    command = [sys.executable, "-P", __file__, url, str(data_dir)]
    server = await asyncio.create_subprocess_exec(*command, env={**os.environ, VARIABLE: point})
    assert await asyncio.wait_for(server.wait(), 600) == -signal.SIGKILL


async def completed(database, data_dir, job_id):
    """Have a server that nobody kills come after it, until a job is done; the job."""
    launcher, supervisor = _build(database, data_dir)
    sweep_dead_servers(data_dir / "workers")

    def job():
        return database.read_now(lambda session: session.get_one(JobRow, job_id))

    try:
        await supervisor.start()
        for _ in range(12_000):
            if job().status not in ("PENDING", "RUNNING"):
                break
            await asyncio.sleep(0.05)
    finally:
        await supervisor.stop()
        launcher.home.close()
    return job()


async def _work(url, data_dir):
    """Work until killed; where that does not come, as long as there is a job."""
    database = Database(url)
    _, supervisor = _build(database, Path(data_dir))
    await supervisor.start()
    waiting = select(JobRow.id).where(JobRow.status.in_(("PENDING", "RUNNING"))).limit(1)
    while await database.read(lambda session: session.scalar(waiting)):  # noqa: ASYNC110
        await asyncio.sleep(0.2)
    await asyncio.sleep(5)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(_work(*sys.argv[1:3]))
