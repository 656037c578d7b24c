"""Workers that wait: each takes one job; those that die are replaced, slowly where they keep dying."""

import asyncio
import contextlib
import logging
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alphintra_kernel.levels import probe_report
from alphintra_kernel.priority import BACKGROUND, IDLE
from alphintra_kernel.sandbox import Sandbox
from alphintra_kernel.supervise import SandboxProcess
from alphintra_server.jobs import pool as pool_module
from alphintra_server.jobs.attempt import Failed, Finished
from alphintra_server.jobs.launcher import JobLimits
from alphintra_server.jobs.pool import Pool, memory_left
from alphintra_server.jobs.protocol import MAX_MESSAGES, Conversation, OutputLimitError

from .attempts import attempt, backtest, launcher, until

LOG = logging.getLogger("test")
SMALL = (sys.executable, "-P", "-c", Path(__file__).with_name("protocol_worker.py").read_text())


@pytest.fixture
def sandbox():
    return Sandbox(probe_report().level, allow_unsandboxed=True)


@contextlib.asynccontextmanager
async def pool_of(size, launching):
    pool = Pool(launching, size, LOG)
    await pool.start()
    try:
        yield pool
    finally:
        await pool.stop()


def processes(mark):
    """Host ids of the processes that carry a worker's mark."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"ALPHINTRA_WORKER={mark}".encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
    return found


async def test_a_worker_takes_one_job_and_another_takes_its_place(sandbox, tmp_path):
    launching = launcher(tmp_path, sandbox, SMALL)
    async with pool_of(1, launching) as pool:
        await until(lambda: pool.warm)
        (first,) = (item.worker for item in pool._waiting)
        job = attempt(launching, tmp_path)
        outcome = await job.run(backtest(parameters={}))
        assert isinstance(outcome, Finished)
        # It was the one that waited; nothing of it is left but the output.
        assert first.process.poll() is not None
        assert not first.folder.exists()
        assert sorted(path.name for path in job.folder.iterdir()) == ["out"]
        assert (job.folder / "out" / "result.json").is_file()
        await until(lambda: pool.warm)
        (second,) = (item.worker for item in pool._waiting)
        assert second.marker != first.marker
    assert processes(launching.home.boot) == []
    assert not (tmp_path / "workers" / launching.home.boot).exists()


async def test_one_that_waits_has_no_job_and_no_way_to_write(sandbox, tmp_path):
    """Its folders are empty, and the one that it will read from is not its own to write."""
    launching = launcher(tmp_path, sandbox)
    async with pool_of(1, launching) as pool:
        await until(lambda: any(item.worker.ready for item in pool._waiting))
        (worker,) = (item.worker for item in pool._waiting)
        for name in ("in/source", "out"):
            assert list((worker.folder / name).iterdir()) == []
        if launching.sandbox.host_paths:
            pytest.skip(f"level {launching.sandbox.level}: user code sees the host's files")
        body = (
            "import os, pathlib\n"
            "        for path in ('/job/in/x', '/job/in/source/strategy.py'):\n"
            "            try: pathlib.Path(path).write_text('x')\n"
            "            except OSError as error: print(error.errno)\n"
            "        raise SystemExit"
        )
        job = attempt(launching, tmp_path)
        await job.run(backtest(body))
        assert list(job.log)[:2] == ["30", "30"]  # EROFS


async def test_one_that_dies_while_it_waits_is_replaced(sandbox, tmp_path):
    launching = launcher(tmp_path, sandbox, SMALL)
    async with pool_of(1, launching) as pool:
        await until(lambda: pool.warm)
        (first,) = (item.worker for item in pool._waiting)
        first.process.kill()
        await until(lambda: pool.warm and pool._waiting[0].worker is not first)
        assert not first.folder.exists()


async def test_one_that_is_taken_while_another_is_cleared_away_is_not_lost(sandbox, tmp_path, monkeypatch):
    """Two have died; while the first is cleared away, the second is taken. The pool goes on."""
    launching = launcher(tmp_path, sandbox, SMALL)
    async with pool_of(2, launching) as pool:
        await until(lambda: pool.warm == 2)
        first, second = pool._waiting
        clearing, go_on = asyncio.Event(), asyncio.Event()
        discard = first.discard

        async def slowly():
            clearing.set()
            await go_on.wait()
            await discard()

        monkeypatch.setattr(first, "discard", slowly)
        first.worker.process.kill()
        await asyncio.wait_for(clearing.wait(), 120)
        taken = await pool.take(launching.limits)
        assert taken is second.worker
        assert second.task.done()
        go_on.set()
        await until(lambda: pool.warm == 2)
        assert not pool._task.done()
        await taken.end()
        await taken.remove()


async def test_it_goes_on_after_an_error_and_stops_without_one(sandbox, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(pool_module, "_LOOK_SECONDS", 0.05)
    calls = []

    def broken():
        calls.append(1)
        if len(calls) < 3:
            raise ValueError("no such figure")
        return 1 << 40

    monkeypatch.setattr(pool_module, "memory_left", broken)
    launching = launcher(tmp_path, sandbox, SMALL)
    pool = Pool(launching, 1, LOG)
    await pool.start()
    await until(lambda: pool.warm)
    assert "The pool met an error; it goes on in 0.05 s" in caplog.text
    (item,) = pool._waiting
    end = item.worker.end

    async def broken_end():
        await end()
        raise OSError("not to be removed")

    monkeypatch.setattr(item.worker, "end", broken_end)
    await pool.stop()
    assert "could not be ended as it should be: not to be removed" in caplog.text
    assert item.worker.process.poll() is not None


async def test_stopping_ends_one_that_is_just_being_cleared_away(sandbox, tmp_path, monkeypatch):
    """It spoke nonsense and lives on."""
    talks = SMALL[-1].replace('say(type="warm")', 'say(type="log", text="x")\nsay(type="warm")')
    launching = launcher(tmp_path, sandbox, (*SMALL[:-1], talks))
    pool = Pool(launching, 1, LOG)
    clearing, leave = asyncio.Event(), pool_module._Waiting.leave

    async def slowly(item):
        if not clearing.is_set():
            clearing.set()
            await asyncio.sleep(60)
        await leave(item)

    monkeypatch.setattr(pool_module._Waiting, "leave", slowly)
    await pool.start()
    await asyncio.wait_for(clearing.wait(), 120)
    assert processes(launching.home.boot)
    await asyncio.wait_for(pool.stop(), 120)
    await until(lambda: not processes(launching.home.boot))


async def test_what_a_job_may_say_grows_from_when_it_is_given(sandbox, tmp_path):
    """However long its worker has waited: its wait earns a job nothing."""
    now = 0.0
    said = Conversation(lambda: now)
    line = b'{"type":"log","text":"x"}'
    now = 1_000_000.0
    said.begin()
    for _ in range(MAX_MESSAGES):
        said.hear(line)
    with pytest.raises(OutputLimitError):
        said.hear(line)
    now += 1
    said.hear(line)
    worker = await launcher(tmp_path, sandbox, SMALL).start(JobLimits())
    try:
        assert worker._conversation._began is None
        worker.give(backtest().message)
        assert worker._conversation._began is not None
    finally:
        await worker.end()
        await worker.remove()


async def test_what_cannot_start_is_tried_seldom(sandbox, tmp_path, caplog):
    """A broken environment costs a start after 1, 2, 4, … seconds, not a core; jobs say that it is broken."""
    launching = launcher(tmp_path, sandbox, (sys.executable, "-c", "raise SystemExit('no engine here')"))
    async with pool_of(2, launching):
        await until(lambda: "pool was lost" in caplog.text)
        await asyncio.sleep(3.3)
        lost = [record.getMessage() for record in caplog.records if "pool was lost" in record.getMessage()]
        assert 1 <= len(lost) <= 3
        assert "starts in 1 s" in lost[0]
        assert "no engine here" in lost[0]
        outcome = await attempt(launching, tmp_path).run(backtest())
    assert isinstance(outcome, Failed)
    assert outcome.error["code"] == "WORKER_DIED"


async def test_a_worker_that_dies_before_the_job_begins_costs_no_job(sandbox, tmp_path):
    """The machine may kill one that waits, for its memory, at the moment when it is taken."""
    once = tmp_path / "once"
    # At its first start it takes the job and dies; a folder of the test's own tells it that it did.
    code = f"import os, sys\nif {sandbox.host_paths}:\n    path = {str(once)!r}\n"
    code += "else:\n    path = '/job/in/died'\n"
    code += f"died = os.path.exists(path)\n{SMALL[-1]}"
    code = code.replace('job = json.loads(reader.readline())["job"]\n', 'job = json.loads(reader.readline())["job"]\n'
                        "if not died:\n    os._exit(9)\n")  # fmt: skip
    launching = launcher(tmp_path, sandbox, (sys.executable, "-P", "-c", code))
    start, starts = launching.start, []

    async def counted(*asked, **more):
        worker = await start(*asked, **more)
        starts.append(worker.marker)
        if len(starts) > 1:
            once.touch()
            (worker.folder / "in" / "died").touch()
        return worker

    launching.start = counted
    outcome = await attempt(launching, tmp_path).run(backtest())
    assert isinstance(outcome, Finished)
    assert len(starts) == 2


async def test_other_limits_get_a_worker_of_their_own(sandbox, tmp_path):
    launching = launcher(tmp_path, sandbox, SMALL)
    async with pool_of(1, launching) as pool:
        await until(lambda: pool.warm)
        waiting = pool._waiting[0].worker
        other = await pool.take(JobLimits(memory_bytes=1 << 30))
        same = await pool.take(JobLimits(wall_seconds=5))
        assert other is not waiting
        assert other.process.limits.memory_bytes == 1 << 30
        assert same is waiting
        for worker in (other, same):
            await worker.end()
            await worker.remove()


async def test_none_waits_where_memory_is_short(sandbox, tmp_path, monkeypatch):
    monkeypatch.setattr(pool_module, "_SPARED_BYTES", memory_left() + (8 << 30))
    launching = launcher(tmp_path, sandbox, SMALL)
    async with pool_of(1, launching) as pool:
        await asyncio.sleep(0.5)
        assert pool._waiting == []
        assert isinstance(await attempt(launching, tmp_path).run(backtest()), Finished)


async def test_it_loads_at_the_lowest_priority_and_waits_at_that_of_jobs(sandbox, tmp_path, monkeypatch):
    given = []
    spawn, prefer = Sandbox.spawn, SandboxProcess.prefer
    monkeypatch.setattr(
        Sandbox, "spawn", lambda self, *args, **kw: given.append(kw["priority"]) or spawn(self, *args, **kw)
    )
    monkeypatch.setattr(
        SandboxProcess, "prefer", lambda self, priority: given.append(priority) or prefer(self, priority)
    )
    launching = launcher(tmp_path, sandbox, SMALL)
    async with pool_of(1, launching) as pool:
        await until(lambda: pool.warm)
        await until(lambda: len(given) == (2 if sandbox.can_raise else 1))
        monkeypatch.undo()
    assert given == ([IDLE, BACKGROUND] if sandbox.can_raise else [BACKGROUND])


async def test_one_that_is_taken_while_it_loads_goes_on_with_a_jobs_priority(sandbox, tmp_path, monkeypatch):
    if not sandbox.can_raise:
        pytest.skip("NO PRIORITY TO RAISE HERE: this user may not")
    slow = SMALL[-1].replace('say(type="warm")', 'time.sleep(5)\nsay(type="warm")')
    launching = launcher(tmp_path, sandbox, (*SMALL[:-1], slow))
    async with pool_of(1, launching) as pool:
        await until(lambda: pool._waiting and pool._waiting[0].worker.ready)
        worker = await pool.take(launching.limits)
        assert worker.process._priority == BACKGROUND
        await worker.end()
        await worker.remove()


async def test_one_that_is_taken_before_it_was_raised_is_raised_then(sandbox, tmp_path):
    """All threads are busy when it says that it is warm, and it is taken before one of them comes to raise it."""
    if not sandbox.can_raise:
        pytest.skip("NO PRIORITY TO RAISE HERE: this user may not")
    slow = SMALL[-1].replace('say(type="warm")', 'time.sleep(1)\nsay(type="warm")')
    launching = launcher(tmp_path, sandbox, (*SMALL[:-1], slow))
    async with pool_of(1, launching) as pool:
        await until(lambda: pool._waiting and pool._waiting[0].worker.ready)
        gate, loop = threading.Event(), asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        loop.run_in_executor(None, gate.wait)
        await until(lambda: pool.warm)
        taking = asyncio.create_task(pool.take(launching.limits))
        await until(lambda: not pool._waiting)
        await asyncio.sleep(0)
        gate.set()
        worker = await taking
        assert worker.process._priority == BACKGROUND
        await worker.end()
        await worker.remove()


SERVER = """
import asyncio, logging, sys
from pathlib import Path
from alphintra_kernel.sandbox import Sandbox
from alphintra_server.jobs.launcher import JobLimits, Launcher
from alphintra_server.jobs.pool import Pool

async def main():
    sandbox = Sandbox(sys.argv[1], allow_unsandboxed=True)
    launcher = Launcher(sandbox, JobLimits(), (sys.executable, "-P", "-c", sys.argv[3]), Path(sys.argv[2]))
    pool = Pool(launcher, 1, logging.getLogger())
    await pool.start()
    while not pool.warm:
        await asyncio.sleep(0.02)
    print(pool.boot, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.parametrize("level", ["sandboxed", "none"])
async def test_the_workers_of_a_killed_server_are_ended(sandbox, tmp_path, level):
    if level == "sandboxed" and sandbox.level == "none":
        pytest.skip("no sandbox here")
    name = sandbox.level if level == "sandboxed" else "none"
    workers = tmp_path / "workers"
    command = [sys.executable, "-c", SERVER, name, str(workers), SMALL[-1]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: ASYNC220
        boot = server.stdout.readline().strip()
        try:
            assert processes(boot)
            launching = launcher(tmp_path, sandbox, SMALL)
            # As long as it lives, its workers are its own.
            async with pool_of(0, launching):
                assert processes(boot)
            assert (workers / boot).is_dir()
        finally:
            server.send_signal(signal.SIGKILL)
    async with pool_of(0, launcher(tmp_path, sandbox, SMALL)):
        await until(lambda: not processes(boot), 10)
        assert not (workers / boot).exists()
