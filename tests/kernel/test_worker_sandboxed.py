"""The worker where it belongs: real strategies on real data in the real sandbox."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alphintra.ingest.inspecting import inspect
from alphintra.store import committing
from alphintra.store.opening import open_folder
from alphintra.store.reading import read
from alphintra_backtest import compile_cache
from alphintra_kernel.limits import MIB, Limits
from alphintra_kernel.profile import Mount
from alphintra_kernel.sandbox import Sandbox
from alphintra_kernel.supervise import SandboxProcess

from alphintra_kernel import landlock, numba_cache

from . import jobs


def start(
    sandbox: Sandbox, root: Path, job: dict[str, Any], limits: Limits | None = None, **env: str
) -> tuple[SandboxProcess, list[dict[str, Any]]]:
    """Run a job to its end, as a supervisor does."""
    (their_read, our_write), (our_read, their_write) = os.pipe(), os.pipe()
    plain = sandbox.host_paths
    process = sandbox.spawn(
        [sys.executable, "-P", "-m", "alphintra_kernel.worker", str(their_read), str(their_write)],
        mounts=[Mount(root / "in", "/job/in"), Mount(root / "out", "/job/out", writable=True)],
        limits=limits or Limits(wall_seconds=180),
        fds=[their_read, their_write],
        cwd=str(root / "out") if plain else "/job/out",
        env={"ALPHINTRA_JOB_ROOT": str(root) if plain else "/job"} | env,
    )
    os.close(their_read)
    os.close(their_write)
    os.write(our_write, json.dumps({"type": "run", "job": job}).encode() + b"\n")
    with os.fdopen(our_read, "rb") as stream:
        said = [json.loads(line) for line in stream]
    os.close(our_write)
    process.wait(120)
    return process, said


@pytest.mark.parametrize("level", ["sandboxed", "none"])
def test_a_job_gives_the_numbers_of_a_notebook(sandbox, tmp_path, level):
    import alphintra as al

    root = jobs.folder(tmp_path, {"strategy.py": jobs.SMA_CROSS, "shares.py": jobs.SHARES})
    runner = sandbox if level == "sandboxed" else Sandbox("none", allow_unsandboxed=True)
    process, said = start(runner, root, jobs.job())
    assert said[-1]["type"] == "result", (said[-1], process.stderr_tail())
    assert (process.outcome, process.poll()) == ("exited", 0)

    space: dict[str, Any] = {"__name__": "notebook"}
    exec(jobs.SMA_CROSS.replace("from shares import SHARE", "SHARE = 0.95"), space)
    expected = al.backtest(space["SmaCross"], "us-equities-daily/AAPL", commission=0.001).to_dict()
    stored = json.loads((root / "out" / "result.json").read_text())
    assert len(stored["fills"]) > 20
    assert stored["fills"] == expected["fills"]
    assert stored["metrics"] == expected["metrics"]
    assert stored["run"]["dataset_hash"] == expected["run"]["dataset_hash"]


def test_an_upload_becomes_a_version_at_level_landlock(tmp_path):
    if landlock.abi() < landlock.LOWEST_ABI:
        pytest.skip(f"level landlock cannot be had here: {landlock.why_not()}")
    root = jobs.folder(tmp_path, {})
    upload = root / "in" / "upload"
    days = [f"2020-01-{day:02},{day},{day + 1},{day - 1},{day}.5\n" for day in range(2, 31)]
    upload.write_text("Date,Open,High,Low,Close\n" + "".join(days))
    mapping = inspect(upload, tmp_path / "spool", name="AAPL.csv").guess.mapping
    described = {"name": "AAPL.csv", "bytes": upload.stat().st_size, "sha256": "0" * 64}
    job = {"kind": "ingest", "upload": described, "mapping": json.loads(mapping.to_json())}
    job |= {"id": "1", "version": "v1", "parents": [], "about": {}, "seconds": 170}
    process, said = start(Sandbox("landlock", allow_unsandboxed=True), root, job)
    assert said[-1]["type"] == "result", (said[-1], process.stderr_tail())
    assert process.level == "landlock"
    assert committing.check(root / "out", "v1").rows == 29
    closes = read(open_folder(root / "out"))["close"].to_pylist()
    assert closes == [day + 0.5 for day in range(2, 31)]


def test_a_strategy_that_never_ends(sandbox, tmp_path):
    source = jobs.MINIMAL.format(imports="", body="print('in')\n        while True: pass")
    root = jobs.folder(tmp_path, {"strategy.py": source})
    for seconds in (5, 20, 60):  # with more where it did not come as far as its strategy
        process, said = start(sandbox, root, jobs.job("Minimal"), Limits(wall_seconds=seconds))
        if said[-1:] and said[-1]["type"] == "log":
            break
    assert [m["type"] for m in said] == ["ready", "progress", "log"]
    assert (process.outcome, process.poll()) == ("wall_clock", 137)


def test_a_strategy_that_raises(sandbox, tmp_path):
    source = jobs.MINIMAL.format(imports="", body="1 / 0")
    process, said = start(sandbox, jobs.folder(tmp_path, {"strategy.py": source}), jobs.job("Minimal"))
    error = said[-1]
    assert (error["type"], error["code"], error["file"], error["line"], error["bar_time"]) == (
        *("error", "STRATEGY_ERROR", "strategy.py", 9, "2000-03-14T21:00:00Z"),
    )
    assert "ZeroDivisionError" in error["message"]
    assert (process.outcome, process.poll()) == ("exited", 1)


def test_a_strategy_that_eats_memory(sandbox, tmp_path):
    source = jobs.MINIMAL.format(imports="KEPT = []", body="KEPT.append(bytearray(64 << 20))")
    limits = Limits(wall_seconds=180, memory_bytes=700 * MIB)
    process, said = start(
        sandbox, jobs.folder(tmp_path, {"strategy.py": source}), jobs.job("Minimal"), limits
    )
    if process.outcome == "exited":  # the process limit was met first
        assert (said[-1]["code"], said[-1]["line"]) == ("MEMORY_LIMIT", 9)
        assert "needed more memory" in said[-1]["message"]
    else:
        assert process.outcome == "memory"


PRYING = """
    def on_stop(self):
        import os, socket
        def attempt(action):
            try:
                return action()
            except OSError as error:
                return type(error).__name__
        def connect():
            with socket.create_connection(("127.0.0.1", {port}), timeout=3):
                return "connected"
        print(attempt(connect))
        print(attempt(lambda: open({secret!r}).read()))
        print(os.environ.get("ALPHINTRA_TEST_TOKEN"))
        environments = [attempt(lambda: open(f"/proc/{{pid}}/environ", "rb").read())
                        for pid in os.listdir("/proc") if pid.isdigit()]
        print(any(b"s3cret-value" in text for text in environments if isinstance(text, bytes)))
"""


def test_a_strategy_that_looks_around(sandbox, tmp_path, monkeypatch):
    monkeypatch.setenv("ALPHINTRA_TEST_TOKEN", "s3cret-value")
    secret = tmp_path / "database"
    secret.write_text("rows")
    found = {}
    # A process of the host that has the secret in its environment, as the server would.
    holder = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with holder, socket.create_server(("127.0.0.1", 0)) as server:
        prying = PRYING.format(port=server.getsockname()[1], secret=str(secret))
        source = jobs.MINIMAL.format(imports="", body="pass") + prying
        for runner in (sandbox, Sandbox("none", allow_unsandboxed=True)):
            root = jobs.folder(tmp_path / runner.level, {"strategy.py": source})
            _, said = start(runner, root, jobs.job("Minimal"))
            assert said[-1]["type"] == "result", said[-1]
            found[runner.level] = jobs.log_of(said)
    assert found[sandbox.level] == ["ConnectionRefusedError", "FileNotFoundError", "None", "False"]
    # Without a sandbox all of it is there; only the process's own environment is clean.
    assert found["none"] == ["connected", "rows", "None", "True"]


COUNTING = """
    def on_stop(self):
        import os
        from alphintra_backtest import compiled
        stats = compiled.stepped.stats
        print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
        folder = compiled.cache_dir()
        print(str(folder).startswith("/tmp/alphintra-"), os.access(folder, os.W_OK))
"""


def test_the_engine_is_not_compiled_anew(sandbox, tmp_path, monkeypatch):
    """A long run in a sandbox takes the compiled engine from its private copy of the cache."""
    import numpy as np
    import pandas as pd

    source = jobs.MINIMAL.format(imports="", body="if self.bar_index == 100: self.buy(1)") + COUNTING
    root = jobs.folder(tmp_path, {"strategy.py": source})
    (root / "in" / "data").mkdir()
    data = root / "in" / "data" / "minutes.parquet"
    price = 100 + np.sin(np.arange(25_000) / 100)
    times = pd.date_range("2024-01-01", periods=25_000, freq="min", tz="UTC")
    pd.DataFrame(
        {"time": times, "open": price, "high": price, "low": price, "close": price, "volume": 1e6}
    ).to_parquet(data, index=False)
    # Fills the host's cache when it is cold; the environment target did so already.
    warm = f"import sys; sys.path.insert(0, {str(root / 'in' / 'source')!r})\n"
    warm += f"import alphintra, strategy; alphintra.backtest(strategy.Minimal, {str(data)!r})"
    subprocess.run([sys.executable, "-c", warm], check=True, capture_output=True)
    # A copy: other tests compile into the host's own while this one looks.
    ready = numba_cache.shared_cache()
    assert ready is not None
    cache = tmp_path / "cache" / "numba"
    shutil.copytree(
        ready / compile_cache.version(), cache / compile_cache.version(), ignore=shutil.ignore_patterns("*.tmp.*")
    )
    monkeypatch.setenv("ALPHINTRA_CACHE_DIR", str(tmp_path / "cache"))
    assert numba_cache.shared_cache() == cache
    before = sorted(cache.rglob("*"))

    inside = str(data) if sandbox.host_paths else "/job/in/data/minutes.parquet"
    process, said = start(sandbox, root, jobs.job("Minimal", data={"name": inside}))
    assert said[-1]["type"] == "result", (said[-1], process.stderr_tail())
    assert jobs.log_of(said) == ["1 0", "True True"]
    assert sorted(cache.rglob("*")) == before


def test_this_version_alone_is_copied_however_many_newer_ones_there_are(tmp_path):
    shared, own = tmp_path / "shared", compile_cache.version()
    for age, name in enumerate(["v0", "v1", "v2", "v3", "v4", own]):
        (shared / name).mkdir(parents=True)
        (shared / name / "index").write_text(name)
        os.utime(shared / name / "index", (500 + age, 500 + age))
        os.utime(shared / name, (1_000_000 - age, 1_000_000 - age))
    environ = {"ALPHINTRA_SHARED_CACHE": str(shared), "TMPDIR": str(tmp_path)}
    private = numba_cache.adopt(environ)
    assert private is not None
    assert environ["ALPHINTRA_CACHE_DIR"] == str(private)
    assert [path.name for path in (private / "numba").iterdir()] == [own]
    assert (private / "numba" / own / "index").read_text() == own
    assert (private / "numba" / own / "index").stat().st_mtime == 505


def test_of_engines_installed_in_several_places_the_running_one_is_copied(tmp_path):
    """Which is a folder of the name that Numba itself gives it."""
    from alphintra_backtest import core
    from numba.core.caching import UserProvidedCacheLocator

    ours = UserProvidedCacheLocator.get_suitable_cache_subpath(core.__file__)
    version = tmp_path / "shared" / compile_cache.version()
    for name in (ours, "alphintra_backtest_" + "0" * 40, "metrics_" + "1" * 40):
        (version / name).mkdir(parents=True)
        (version / name / "index").write_text(name)
    (version / ours / "half.nbi.tmp.12").write_text("half")
    private = numba_cache.adopt({"ALPHINTRA_SHARED_CACHE": str(tmp_path / "shared"), "TMPDIR": str(tmp_path)})
    assert private is not None
    found = private / "numba" / compile_cache.version()
    assert sorted(path.name for path in found.iterdir()) == sorted([ours, "metrics_" + "1" * 40])
    assert [path.name for path in (found / ours).iterdir()] == ["index"]


def test_a_home_gets_what_it_lacks_and_what_is_newer(tmp_path):
    """Seen as a kernel that compiled for a minute: its home knew the version, from an engine installed elsewhere."""
    from alphintra_backtest import core
    from numba.core.caching import UserProvidedCacheLocator

    ours = UserProvidedCacheLocator.get_suitable_cache_subpath(core.__file__)
    shared, home = tmp_path / "shared", tmp_path / "home"
    theirs, copy = shared / compile_cache.version(), home / "numba" / compile_cache.version()
    environ = {"ALPHINTRA_SHARED_CACHE": str(shared)}
    (copy / "alphintra_backtest_elsewhere").mkdir(parents=True)
    (theirs / ours).mkdir(parents=True)
    (theirs / ours / "first.nbc").write_text("1")
    (theirs / ours / ".writing").touch()
    assert numba_cache.keep(home, environ) == home
    assert environ["ALPHINTRA_CACHE_DIR"] == str(home)
    assert (copy / ours / "first.nbc").read_text() == "1"
    assert not (copy / ours / ".writing").exists()
    assert (copy / "alphintra_backtest_elsewhere").is_dir()

    (copy / ours / "own.nbc").write_text("compiled by a notebook")
    numba_cache.keep(home, environ)
    assert (copy / ours / "own.nbc").exists()  # nothing is newer

    (theirs / ours / "second.nbc").write_text("2")
    os.utime(theirs / ours, ns=(1, 1))
    numba_cache.keep(home, environ)
    assert {path.name for path in (copy / ours).glob("*.nbc")} == {"first.nbc", "second.nbc"}
    assert not [path for path in copy.iterdir() if path.name.startswith(".")]
    assert numba_cache.keep(home, {}) is None


def test_without_a_cache_nothing_is_copied(tmp_path):
    assert numba_cache.adopt({}) is None
    assert numba_cache.adopt({"ALPHINTRA_SHARED_CACHE": str(tmp_path / "absent")}) is None


def test_the_cache_of_this_host(monkeypatch, tmp_path):
    monkeypatch.setenv("ALPHINTRA_CACHE_DIR", str(tmp_path))
    assert numba_cache.shared_cache() is None
    (tmp_path / "numba").mkdir()
    assert numba_cache.shared_cache() == tmp_path / "numba"
