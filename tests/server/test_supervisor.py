"""Servers that come and go: what they left is settled, and nothing is run twice."""

import asyncio
import contextlib
import errno
import logging
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from alphintra_kernel.sandbox import Sandbox
from alphintra_server.db.engine import database_now
from alphintra_server.db.tables import JobRow, OutboxRow
from alphintra_server.events import EventRelay
from alphintra_server.jobs import fair_queue, worker_home
from alphintra_server.jobs.backtest import BacktestKind
from alphintra_server.jobs.launcher import JobLimits, Launcher
from alphintra_server.jobs.supervisor import Supervisor
from alphintra_server.jobs.worker_home import record, sweep
from alphintra_server.limits import Limits
from sqlalchemy import select, update

DATA = "us-equities-daily/AAPL"


@pytest.fixture
def settings():
    """Quick heartbeats, and leases that are not the usual ones."""
    return {"heartbeat_seconds": 0.2, "lease_seconds": 25.0}


@pytest.fixture
def execute(api, make_strategy):
    async def run(act):
        strategy = await make_strategy()
        reply = await api(
            "POST",
            f"/api/strategies/code/{strategy['id']}/execute",
            {"dataset_id": DATA, "parameters": {"act": act}},
        )
        assert reply.status == 202, reply.json
        return reply.json

    return run


def worker_processes(pool):
    """Processes of the workers that have a job; those that wait for one are the pool's."""
    mark = f"ALPHINTRA_WORKER={pool.boot}.".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes():
                found.append(process.name)
    return found


async def until(check, seconds=180):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = await check()
        if found:
            return found
        await asyncio.sleep(0.03)
    raise AssertionError("it did not come to pass")


async def test_what_a_dead_server_left_runs_again(api, extension, make_strategy, finished, data_dir):
    """A row that says RUNNING under another boot id, a leftover process and a leftover folder."""
    services = extension.services
    strategy = await make_strategy()
    body = {"strategy_id": strategy["id"], "dataset_id": DATA}
    made = (await api("POST", "/api/backtests", body)).json
    await services.supervisor.stop()
    marker = "feedbeefcafe.1"
    environment = {**os.environ, "ALPHINTRA_WORKER": marker}
    leftover = await asyncio.create_subprocess_exec("sleep", "300", env=environment)
    folder = data_dir / "jobs" / made["job_id"] / "1" / "out"
    folder.mkdir(parents=True)
    record(folder.parent, marker)

    def crash(session):
        fair_queue.queue(session, made["job_id"], max_queued=10)
        fair_queue.claim(session, "dead boot", limits=Limits())

    await services.database.write(crash)
    restarted = Supervisor(
        services.database,
        Launcher(Sandbox(allow_unsandboxed=True), JobLimits(), extension.worker_argv),
        data_dir / "jobs",
        {"backtest": BacktestKind(services.storage)},
        2,
        services.events.wake,
        extension.log,
    )
    await restarted.start()
    try:
        job = await finished(made["id"])
        assert (job["status"], job["attempt"]) == ("COMPLETED", 2)
        assert await asyncio.wait_for(leftover.wait(), 60) == -signal.SIGKILL
        assert not folder.exists()
        assert (data_dir / "jobs" / made["job_id"] / "2" / "out" / "result.json").is_file()
        assert (await api("GET", f"/api/backtests/{made['id']}/results")).status == 200
    finally:
        if leftover.returncode is None:
            leftover.kill()
        await restarted.stop()


async def test_a_job_taken_over_by_another_server_stops_here(api, services, execute):
    started = await execute("sleep")

    async def running():
        return (await api("GET", f"/api/backtests/{started['backtest_id']}")).json["phase"] == "running"

    await until(running)

    def steal(session):
        session.execute(
            update(JobRow).where(JobRow.id == started["job_id"]).values(owner="another boot", attempt=2)
        )

    await services.database.write(steal)

    async def let_go():
        return services.supervisor.running == 0

    # The next heartbeat finds out.
    await until(let_go)
    row = await services.database.read(lambda session: session.get_one(JobRow, started["job_id"]))
    assert (row.status, row.owner, row.attempt) == ("RUNNING", "another boot", 2)
    assert worker_processes(services.pool) == []


async def test_a_stopping_server_puts_its_jobs_back(api, extension, execute):
    services = extension.services
    started = await execute("sleep")

    async def running():
        return (await api("GET", f"/api/backtests/{started['backtest_id']}")).json["phase"] == "running"

    await until(running)
    await services.supervisor.stop()
    row = await services.database.read(lambda session: session.get_one(JobRow, started["job_id"]))
    assert (row.status, row.phase, row.attempt, row.owner) == ("PENDING", "queued", 1, None)
    assert worker_processes(services.pool) == []


async def test_heartbeats_keep_the_lease(api, services, execute, finished):
    started = await execute("sleep")

    def lease(session):
        return session.scalar(select(JobRow.lease_until).where(JobRow.id == started["job_id"]))

    async def held():
        return await services.database.read(lease)

    first = await until(held)

    async def extended():
        return await services.database.read(lease) > first

    await until(extended)
    now = await services.database.read(database_now)
    assert timedelta(seconds=20) < await services.database.read(lease) - now <= timedelta(seconds=25)
    await api("POST", f"/api/backtests/{started['backtest_id']}/cancel")
    assert (await finished(started["backtest_id"]))["status"] == "CANCELLED"


async def test_events_of_a_run_arrive_on_jupyters_stream(api, extension, execute, finished):
    heard = []

    async def listen(logger, schema_id, data):
        heard.append((schema_id, data))

    extension.serverapp.event_logger.add_listener(
        schema_id="https://events.alphintra.dev/job/v1", listener=listen
    )
    started = await execute("finish")
    await finished(started["backtest_id"])

    async def complete():
        return heard and heard[-1][1]["status"] == "COMPLETED"

    await until(complete)
    assert {schema for schema, _ in heard} == {"https://events.alphintra.dev/job/v1"}
    phases = list(dict.fromkeys(data["phase"] for _, data in heard))
    assert phases == ["created", "queued", "starting", "running", "finished"]
    last = heard[-1][1]
    assert (last["kind"], last["resource_id"]) == ("backtest", started["backtest_id"])
    assert last["progress"] == {"fraction": 1.0, "phase": "finished", "bar_time": None, "eta_seconds": 0.0}
    ids = [data["event_id"] for _, data in heard]
    assert ids == list(range(ids[0], ids[0] + len(ids)))

    async def delivered():
        rows = await extension.services.database.read(lambda session: list(session.scalars(select(OutboxRow))))
        return all(row.delivered_at is not None for row in rows)

    await until(delivered)  # which is written once they were heard


def test_sweep_kills_only_what_carries_the_marker(tmp_path):
    other = subprocess.Popen(["sleep", "60"], env={**os.environ, "ALPHINTRA_WORKER": "sweeptest.10"})
    wanted = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"],
                              env={**os.environ, "ALPHINTRA_WORKER": "sweeptest.1"})  # fmt: skip
    try:
        time.sleep(0.2)
        assert sweep(tmp_path) == 0  # an attempt that has no worker yet
        record(tmp_path, "sweeptest.1")
        assert sweep(tmp_path) == 1
        assert wanted.wait(60) == -signal.SIGKILL
        assert other.poll() is None
    finally:
        other.kill()
        wanted.kill()
        other.wait()


@pytest.mark.parametrize("left", [b"", b"\0" * 14, b"\n", b"sweeptest.", b".1", b"sweeptest.1\n", b"\xff.1", b"a b.1"])
def test_a_marker_that_is_none_sweeps_nothing(tmp_path, monkeypatch, left):
    """What a crash or a full disk leaves of the file: an empty marker would be that of every process."""
    passed_on = []
    monkeypatch.setattr(worker_home, "kill_marked", lambda marker: passed_on.append(marker) or 1)
    (tmp_path / "worker").write_bytes(left)
    assert sweep(tmp_path) == 0
    assert passed_on == []


def test_a_marker_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    record(tmp_path, "sweeptest.1")

    def full(fd):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as error:
        record(tmp_path, "sweeptest.2")
    assert error.value.errno == errno.ENOSPC
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("worker", "sweeptest.1")]


@pytest.mark.parametrize("turns", range(8))
async def test_stopping_meets_a_wake_up(extension, turns):
    """A stop that arrives while a wake-up is on its way ends the loop all the same, however they meet."""
    relay = EventRelay(extension.services.database, None, logging.getLogger("test"))
    relay.start()
    await asyncio.sleep(0.1)  # it has delivered what there was, and waits
    relay.wake()
    for _ in range(turns):
        await asyncio.sleep(0)
    stopping = asyncio.create_task(relay.stop())
    done, _ = await asyncio.wait({stopping}, timeout=60)
    assert done == {stopping}


async def test_labs_own_query_is_no_error(api):
    """JupyterLab adds the time to GET requests to get past caches."""
    assert (await api("GET", "/api/datasets", params={"1795522609000": ""})).status == 200
    assert (await api("GET", "/api/datasets", params={"limt": "3"})).status == 422
