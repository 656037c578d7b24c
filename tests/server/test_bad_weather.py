"""Strategies that do what they should not, and a disk that is full: over REST, with the real worker in its sandbox."""

import asyncio
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from .uploaded import as_csv, files_below, prices

DATA = "us-equities-daily/AAPL"
HEAD = (
    "import os, signal, subprocess, sys, time\n\nimport alphintra as al\n\n\n"
    "class Bad(al.Strategy):\n    def on_bar(self):\n"
)
MARK = "alphintra-bad-weather"

# What it does on its first bar → how its job ends. A worker's descriptors have the numbers that the server's had, which
# may be high.
BAD = {
    "kills its own process": ("os.kill(os.getpid(), signal.SIGKILL)", "WORKER_DIED"),
    "closes all descriptors": ("os.closerange(0, 4096); time.sleep(600)", "WORKER_DIED"),
    "talks nonsense on every pipe": (
        "for fd in range(3, 4096):\n            try: os.write(fd, b'nonsense\\n')\n            except OSError: pass\n"
        "        time.sleep(600)",
        "PROTOCOL",
    ),
    "fills the disk": (
        "f = open(os.path.join(os.environ['ALPHINTRA_JOB_ROOT'], 'out', 'x'), 'wb')\n"
        "        while True: f.write(b'x' * (1 << 20)); f.flush(); time.sleep(0.01)",
        "DISK_LIMIT",
    ),
    "prints for ever": ("while True: print('x' * 200)", "OUTPUT_LIMIT"),
}
PATIENT = {
    "sleeps for ever": "time.sleep(600)",
    "ignores interrupts": (
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n        print('deaf', flush=True)\n        while True: pass"
    ),
}
CHILDREN = (
    "        if self.bar_index == 0:\n            for _ in range(3):\n"
    f"                subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', {MARK!r}],"
    f" start_new_session=True)\n"
)


@pytest.fixture
def worker_argv():
    return None


@pytest.fixture
def start(api):
    """Run a strategy whose ``on_bar`` is given; its backtest's id."""

    async def go(name, body):
        code = HEAD + (body if body.startswith("        ") else f"        {body}\n")
        made = await api("POST", "/api/strategies/code/create", {"name": name, "code": code})
        assert made.status == 201, made.json
        path = f"/api/strategies/code/{made.json['id']}/execute"
        reply = await api("POST", path, {"dataset_id": DATA, "start_date": "2013-01-02"})
        assert reply.status == 202, reply.json
        return reply.json["backtest_id"]

    return go


def processes(mark):
    """Ids of the processes with this word on their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark.encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


class TestBadStrategies:
    @pytest.fixture
    def settings(self):
        return {"job_disk": 32 << 20, "max_jobs": 3, "max_jobs_per_user": 3}

    async def test_each_ends_with_its_code_and_hurts_nobody(self, api, start, finished, data_dir):
        jobs = {name: await start(name, body) for name, (body, _) in BAD.items()}
        good = await start("good", "pass")
        for name, backtest_id in jobs.items():
            job = await finished(backtest_id, seconds=240)
            assert (name, job["status"], job["error"]["code"]) == (name, "FAILED", BAD[name][1]), job["error"]
            assert job["attempt"] == 1
            # Nothing of it is left where the server keeps results.
            assert not (data_dir / "jobs" / job["job_id"]).exists()
        assert (await finished(good, seconds=240))["status"] == "COMPLETED"
        assert (await api("GET", "/health")).status == 200
        assert (await api("GET", "/ready")).status == 200

    async def test_children_that_are_left_die_with_the_job(self, start, finished):
        job = await finished(await start("children", CHILDREN), seconds=180)
        assert job["status"] == "COMPLETED", job["error"]
        assert processes(MARK) == []
        # The positive control: such a process is found where nobody ends it.
        code = "import time; time.sleep(60)"
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", code, MARK)
        try:
            assert processes(MARK) == [child.pid]
        finally:
            child.kill()
            await child.wait()

    @pytest.mark.parametrize("name", PATIENT)
    async def test_who_does_not_end_is_ended_on_request(self, api, start, finished, name):
        backtest_id = await start(name, PATIENT[name])
        until = time.monotonic() + 180
        while (await api("GET", f"/api/backtests/{backtest_id}")).json["phase"] != "running":
            assert time.monotonic() < until
            await asyncio.sleep(0.2)
        assert (await api("POST", f"/api/backtests/{backtest_id}/cancel")).status == 202
        assert (await finished(backtest_id, seconds=120))["status"] == "CANCELLED"
        again = await api("POST", f"/api/backtests/{backtest_id}/cancel")
        assert (again.status, again.json["code"]) == (409, "ALREADY_FINISHED")


class TestTime:
    @pytest.fixture
    def settings(self):
        return {"job_seconds": 4.0}

    async def test_a_strategy_that_sleeps_for_ever(self, start, finished):
        job = await finished(await start("sleeps", "time.sleep(600)"), seconds=180)
        assert (job["status"], job["error"]["code"]) == ("FAILED", "TIME_LIMIT")


@contextmanager
def small_disk(folder):
    """Give a folder a disk of its own, of 24 MiB."""
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("NO FULL DISK HERE: only root can mount a small one")
    command = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "alphintra-test", str(folder)]
    try:
        made = subprocess.run(command, check=False, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("NO FULL DISK HERE: there is no mount program")
    if made.returncode:
        pytest.skip(f"NO FULL DISK HERE: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


class TestFullDisk:
    """Everything of the server on a disk of its own, which is full for a while."""

    @pytest.fixture
    def data_dir(self, tmp_path):
        with small_disk(tmp_path / "small disk") as folder:
            yield folder

    async def test_it_refuses_while_it_is_full_and_goes_on_afterwards(self, api, start, finished, data_dir):
        waiting = await start("slow", "time.sleep(0.05)")
        until = time.monotonic() + 180
        while (await api("GET", f"/api/backtests/{waiting}")).json["phase"] != "running":
            assert time.monotonic() < until
            await asyncio.sleep(0.2)
        before = (await api("GET", "/api/backtests")).json
        fill(data_dir / "ballast")
        try:
            body = {"name": "x", "code": HEAD + "        pass\n" + "#" * 200_000}
            refused = await api("POST", "/api/strategies/code/create", body)
            assert refused.status == 503, refused.json
            assert refused.json["code"] == "DATABASE_UNAVAILABLE"
            told = "The disk that the database is on is full; make room there, and try again."
            assert refused.json["detail"] == told
            assert (await api("GET", "/health")).status == 200
            assert (await api("GET", "/api/backtests")).json["_pagination"] == before["_pagination"]
            # Long enough for the job to come to its end while nothing can be written.
            await asyncio.sleep(4)
        finally:
            (data_dir / "ballast").unlink()
        job = await finished(waiting, seconds=180)
        # The worker or the server meets the full disk, whoever writes just then.
        assert job["status"] == "COMPLETED" or job["error"]["code"] in {"STORAGE", "DISK_FULL"}, job["error"]
        after = await finished(await start("after", "pass"), seconds=180)
        assert (after["status"], after["attempt"]) == ("COMPLETED", 1), after["error"]
        assert (await api("GET", "/ready")).status == 200


class TestFullDiskOfDatasets:
    """The same while versions of datasets are made, with a worker that loads no more than that takes."""

    @pytest.fixture
    def data_dir(self, tmp_path):
        with small_disk(tmp_path / "small disk") as folder:
            yield folder

    @pytest.fixture
    def worker_argv(self):
        return (sys.executable, "-P", "-c", Path(__file__).with_name("ingest_worker.py").read_text())

    @pytest.mark.slow
    async def test_a_file_becomes_no_version_and_a_recipe_makes_none_and_both_do_afterwards(
        self, api, put_upload, look_at, make_version, job_end, data_dir
    ):
        upload = put_upload(as_csv(prices(["AAPL", "MSFT", "GOOG"], days=36_000, first="1880-01-02")), user="local")
        mapping = (await look_at(upload))["inspection"]["mapping"]
        recipe = {"recipe": [{"kind": "derive", "name": "ret", "formula": "close / lag(close, 1) - 1"}]}

        async def make():
            return await make_version(upload, mapping)

        async def process():
            return await job_end((await api("POST", "/api/datasets/prices/process", recipe)).json["job_id"])

        for versions, work in enumerate((make, process)):
            kept = files_below(data_dir / "datasets")
            # The database still has room, the rows have not.
            fill(data_dir / "ballast", 1_200_000)
            try:
                job = await work()
            finally:
                (data_dir / "ballast").unlink()
            assert (job["status"], job["error"]["code"]) == ("FAILED", "DISK_FULL"), job["error"]
            assert files_below(data_dir / "datasets") == kept
            assert files_below(data_dir / "jobs") == []
            assert len((await api("GET", "/api/datasets", params={"source": "USER_UPLOAD"})).json["items"]) == versions
            assert (await work())["status"] == "COMPLETED"
        listed = (await api("GET", "/api/datasets/prices/versions")).json["items"]
        assert [(item["number"], item["row_count"]) for item in listed] == [(2, 108_000), (1, 108_000)]


def fill(path, leave=0):
    """Write until nothing goes any more, or no more than is to be left."""
    with path.open("wb", buffering=0) as file:
        found = os.statvfs(path)
        while leave and (room := found.f_bavail * found.f_frsize - leave) > 0:
            file.write(b"x" * min(room, 1 << 20))
            found = os.statvfs(path)
        if leave:
            return
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
