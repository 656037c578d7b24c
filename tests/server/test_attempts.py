"""One attempt with the engine's own worker: interrupted, then killed; and what hostile code makes of it."""

import asyncio
import json
import logging
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from alphintra.errors import DataError
from alphintra_kernel.levels import probe_report
from alphintra_kernel.sandbox import Sandbox
from alphintra_server.jobs import protocol, worker_home
from alphintra_server.jobs.attempt import Attempt, Failed, Finished, JobInput, Stopped
from alphintra_server.jobs.bounds_told import with_bound
from alphintra_server.jobs.launcher import JobLimits
from alphintra_server.jobs.output import BadOutputError, collect
from alphintra_server.jobs.pool import Pool
from alphintra_server.jobs.protocol import KEPT_LOG_LINES
from alphintra_server.jobs.worker_process import Worker
from alphintra_server.services.connector_runs import PASSING

from alphintra_kernel import outputs

from .attempts import attempt, backtest, cancelled_at, launcher, until


@pytest.fixture
def sandbox():
    return Sandbox(probe_report().level, allow_unsandboxed=True)


@pytest.fixture
def run(sandbox, tmp_path):
    """Run a strategy's bar in a new worker: its outcome and its attempt."""

    async def go(body, imports="", **options):
        one = attempt(launcher(tmp_path, sandbox), tmp_path, **options)
        outcome = await one.run(backtest(body, imports))
        assert not (one.folder / "worker").exists()
        assert list(one.launcher.home.root.glob("*/[0-9]*")) == []  # its folder is gone, however it ended
        return outcome, one

    return go


def code_of(outcome):
    assert isinstance(outcome, Failed), outcome
    return outcome.error["code"]


async def test_it_tells_what_it_used_and_when_it_began(sandbox, tmp_path):
    reports = []

    async def report(said, log, level, usage):
        reports.append((said, log, level, usage))

    one = attempt(launcher(tmp_path, sandbox), tmp_path, report=report)
    outcome = await one.run(backtest("sum(range(20_000)); print(len(self.data.close))"))
    assert isinstance(outcome, Finished)
    assert 0 < one.first_line_seconds < time.monotonic() - one.claimed
    assert one.usage is not None
    assert one.usage.peak_memory > 50 << 20
    assert reports[0][2] == sandbox.level
    assert all(usage is not None for *_, usage in reports)
    assert reports[0][0]["fraction"] <= reports[-1][0]["fraction"] <= 1


async def test_a_cancelled_job_is_interrupted(sandbox, tmp_path):
    """Its code sees a KeyboardInterrupt, and may tidy up."""
    body = (
        "try:\n"
        "            print('in')\n"
        "            while True: time.sleep(0.01)\n"
        "        finally: print('tidied up')"
    )
    one = attempt(launcher(tmp_path, sandbox), tmp_path, interrupt_seconds=30)
    outcome, seconds = await cancelled_at(one, backtest(body, "import time"), "in")
    assert outcome == Stopped("cancelled")
    assert "tidied up" in list(one.log)
    assert seconds < 25  # by the interrupt, not by the kill


# It is heard only where an interrupt is ignored already: one before that would end it.
@pytest.mark.parametrize(
    "body",
    [
        "while True:\n"
        "            try: print('in'); time.sleep(60)\n"
        "            except BaseException: print('ignored')",
        "signal.signal(signal.SIGINT, signal.SIG_IGN); print('in'); time.sleep(600)",
    ],
    ids=["except BaseException", "SIG_IGN"],
)
async def test_one_that_ignores_the_interrupt_is_killed(sandbox, tmp_path, body):
    one = attempt(launcher(tmp_path, sandbox), tmp_path, interrupt_seconds=0.5)
    outcome, seconds = await cancelled_at(one, backtest(body, "import signal, time"), "in")
    assert outcome == Stopped("cancelled")
    assert 0.5 <= seconds < 20


async def test_one_that_is_fenced_out_is_killed_at_once(sandbox, tmp_path):
    one = attempt(launcher(tmp_path, sandbox), tmp_path, interrupt_seconds=60)
    task = asyncio.create_task(one.run(backtest("print('in')\n        import time; time.sleep(60)")))
    await until(lambda: "in" in list(one.log))
    one.stop("fenced")
    assert await asyncio.wait_for(task, 20) == Stopped("fenced")


# Every descriptor there may be: a worker's have the numbers that its server had for them.
CLOSES = "import os; os.closerange(3, 4096)"
ELSEWHERE = (
    "import os\n"
    "        null = os.open('/dev/null', os.O_WRONLY)\n"
    "        for fd in map(int, os.listdir('/proc/self/fd')):\n"
    "            if fd > 2 and fd != null:\n"
    "                os.dup2(null, fd)\n"
    "        import time; time.sleep(60)"
)
#: Forged by a child that lives on: a message that is one, one that is not, and half a line.
FORGES = (
    "import os\n"
    "        if os.fork() == 0:\n"
    "            for fd in range(3, 4096):\n"
    "                try: os.write(fd, b'{\"type\": \"warm\"}\\n{\"type\": \"root\"}\\n{')\n"
    "                except OSError: pass\n"
    "            import time; time.sleep(60)\n"
    "            os._exit(0)\n"
    "        import time; time.sleep(60)"
)


@pytest.mark.parametrize(
    ("code", "told", "again"),
    [
        ("STORE_FAILED", "STORE_FAILED", True),
        ("BAD_ADDRESS", "STORE_FAILED", True),
        ("DISK_FULL", "DISK_FULL", True),
        ("CACHE_TOO_SMALL", "CACHE_TOO_SMALL", False),
        ("DAMAGED_FILE", "DAMAGED_FILE", False),
        ("MISSING_FILE", "DATA_GONE", False),
    ],
)
async def test_what_could_not_be_fetched_says_why(tmp_path, monkeypatch, code, told, again):
    def place(*_):
        raise DataError("it could not", code=code)

    monkeypatch.setattr(worker_home, "record", lambda *_: None)
    one = Attempt(None, SimpleNamespace(limits=JobLimits()), tmp_path, None)
    assert code_of(await one._work(SimpleNamespace(marker="", place=place), JobInput({}, {}))) == told
    assert (told in PASSING) is again


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        (CLOSES, "WORKER_DIED", "closed the worker's connection"),
        (ELSEWHERE, "WORKER_DIED", "closed the worker's connection"),
        (FORGES, "PROTOCOL", "a message that is not one"),
        ("import os; os._exit(7)", "WORKER_DIED", "exit code 7"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "WORKER_DIED", "exit code 137, SIGKILL"),
        ("import os; os.fork() and os._exit(7); import time; time.sleep(60)", "WORKER_DIED", "exit code 7"),
    ],
    ids=["closes", "redirects", "forges", "exits", "kills itself", "leaves a child that holds its pipe"],
)
async def test_a_worker_that_is_lost_is_told(run, body, code, text):
    outcome, _ = await run(body)
    assert code_of(outcome) == code
    assert text in outcome.error["message"]


class SlowlyFreed:
    """A process that ran out of memory, and is two looks in giving it back."""

    def __init__(self, out_of_memory):
        self.waits = []
        self.out_of_memory = lambda: out_of_memory

    def wait(self, seconds):
        self.waits.append(seconds)
        if self.poll() is None:
            raise TimeoutError

    def poll(self):
        return 137 if len(self.waits) == 2 else None


@pytest.mark.parametrize(("out_of_memory", "code"), [(True, 137), (False, None)], ids=["freed", "lives on"])
async def test_a_worker_that_is_long_in_giving_memory_back_has_not_closed_its_connection(out_of_memory, code):
    process = SlowlyFreed(out_of_memory)
    assert await Worker("x", Path("x"), process, None).exit_code() == code
    assert len(process.waits) == 1 + out_of_memory


async def test_what_runs_at_the_end_of_a_process_does_not_hold_the_job(run):
    """Handlers, threads and children: the result is there, and nobody waits for them."""
    at_import = (
        "import atexit, os, signal, threading, time\n"
        "atexit.register(time.sleep, 60)\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if os.fork() == 0: time.sleep(60); os._exit(0)\n"
        "print('all of it')"
    )
    began = time.monotonic()
    outcome, one = await run("pass", at_import)
    assert isinstance(outcome, Finished)
    assert list(one.log) == ["all of it"]
    assert time.monotonic() - began < 45


async def test_printing_for_ever_is_bounded_and_ends(run):
    body = "while True: print('x' * 1000)"
    outcome, one = await run(body)
    assert code_of(outcome) == "OUTPUT_LIMIT"
    assert "print less" in outcome.error["message"]
    assert len(list(one.log)) == KEPT_LOG_LINES
    assert set(one.log) == {"x" * 1000}


async def test_children_that_print_are_heard_line_by_line(run):
    """What the parent has not sent yet is not sent twice, and no line is lost."""
    at_import = (
        "import os, sys\n"
        "for line in range(3): print(f'parent {line} ' + 'p' * 900)\n"
        "children = []\n"
        "for number in range(4):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        for line in range(20): print(f'child {number} {line} ' + 'c' * 900)\n"
        "        sys.stdout.flush(); os._exit(0)\n"
        "    children.append(child)\n"
        "for child in children: os.waitpid(child, 0)"
    )
    outcome, one = await run("pass", at_import)
    assert isinstance(outcome, Finished), outcome
    lines = [line.rpartition(" ")[0] for line in one.log]
    assert sorted(lines) == sorted(
        [f"parent {k}" for k in range(3)] + [f"child {n} {k}" for n in range(4) for k in range(20)]
    )


async def test_strange_files_in_the_way_of_the_result(run):
    """What user code leaves where the result's files are to be gives way, and nothing behind a link is touched."""
    at_import = (
        "import os\n"
        "os.symlink('/etc/passwd', 'view.json'); os.mkfifo('report.html'); os.mkdir('trials.json')\n"
        "open('beside', 'w').write('x'); os.link('beside', 'result.json'); os.symlink('beside', 'sessions.json')\n"
        "open('trades.parquet', 'w').write('mine')"
    )
    outcome, one = await run("pass", at_import)
    assert isinstance(outcome, Finished), outcome
    kept = list((one.folder / "out").iterdir())
    assert sorted(path.name for path in kept) == sorted(outcome.output.files)
    assert all(path.is_file() and not path.is_symlink() for path in kept)


async def test_a_file_larger_than_allowed_is_said(run):
    """10 GB without a byte on the disk: the limit of a file's size counts them all the same."""
    body = "f = open('huge', 'wb'); f.truncate(10 << 30)"
    outcome, _ = await run(body)
    assert code_of(outcome) == "STRATEGY_ERROR"
    assert "File too large" in outcome.error["message"]
    assert outcome.error["message"].endswith(" A file of a job may have at most 1088 MiB (job_disk).")


async def test_a_result_larger_than_allowed_is_said(run):
    outcome, _ = await run("pass", "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))")
    assert outcome == Failed({**outcome.error, "code": "OUTPUT_TOO_LARGE"})
    assert "larger than a job may write" in outcome.error["message"]


@pytest.mark.parametrize(
    ("code", "said", "bound"),
    [
        ("MEMORY_LIMIT", "the job needed more memory than it may use", "A job may use 2048 MiB (job_memory)."),
        ("STRATEGY_ERROR", "S raised OSError: [Errno 28] No", "A job's /tmp and /dev/shm hold 256 MiB each."),
        ("STRATEGY_ERROR", "S raised BlockingIOError: [Errno 11] x", "A job may have 128 processes and threads."),
        ("STRATEGY_ERROR", "RuntimeError: can't start new thread", "A job may have 128 processes and threads."),
        ("STRATEGY_ERROR", "S raised OSError: [Errno 24] Too many", "A job may have 1,024 files open in each process."),
        ("STRATEGY_ERROR", "S raised OSError: [Errno 2] No such file", None),
    ],
)
def test_who_meets_a_bound_is_told_it(code, said, bound):
    error = with_bound({"code": code, "message": said}, JobLimits(), own_tmp=True)
    assert error == {"code": code, "message": said if bound is None else f"{said}. {bound}"}


def test_more_trades_than_a_result_holds_are_counted(tmp_path):
    files = {"result.json": json.dumps({"trades": [{}] * 100_001}), "view.json": "{}", "report.html": ""}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    claimed = [protocol.OutputFile(**outputs.described(tmp_path / name)) for name in files]
    with pytest.raises(BadOutputError, match=r"The run made 100,001 trades, and a result holds at most 100,000: test"):
        collect(tmp_path, claimed)


PATCHES = (
    "import alphintra, json, alphintra_backtest.runner, os, pathlib\n"
    "        alphintra.poisoned = alphintra_backtest.runner.poisoned = json.poisoned = True\n"
    "        os.environ['POISONED'] = '1'\n"
    "        pathlib.Path('/tmp/poisoned').touch(); pathlib.Path('poisoned').touch()"
)
FINDS = (
    "import alphintra, json, alphintra_backtest.runner, os\n"
    "        print([hasattr(m, 'poisoned') for m in (alphintra, alphintra_backtest.runner, json)],\n"
    "              'POISONED' in os.environ, os.path.exists('/tmp/poisoned'), os.path.exists('poisoned'))"
)


async def test_what_a_job_changes_is_not_there_for_the_next(sandbox, tmp_path):
    """Both from one pool: patched modules, variables, files."""
    if sandbox.host_paths:
        pytest.skip(f"level {sandbox.level}: /tmp is everybody's")
    launching = launcher(tmp_path, sandbox)
    pool = Pool(launching, 1, logging.getLogger("test"))
    await pool.start()
    try:
        for job_id, body in (("first", f"{PATCHES}\n        {FINDS}"), ("second", FINDS)):
            await until(lambda: any(item.worker.ready for item in pool._waiting))
            one = attempt(launching, tmp_path, job_id)
            assert isinstance(await one.run(backtest(body)), Finished)
            found = set(one.log)
            there = job_id == "first"
            assert found == {" ".join(map(str, ([there] * 3, there, there, there)))}
    finally:
        await pool.stop()
