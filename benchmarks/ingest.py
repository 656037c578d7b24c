"""A CSV of minutes becomes a committed version, beside what DuckDB's bare ``COPY`` of the same file to Parquet takes.

``python benchmarks/ingest.py [ROWS]`` prints both, for a file of ten symbols that is sorted by symbol and time and for
one that is sorted by time alone. Ours is the job of a warm worker (all rules, statistics, hash), then what the server
does with its output: every file checked, put into the store and on the disk, the version recorded. Both write lz4, by
turns, each run in a process of its own, whose memory is known then. What both made is compared with what the file was
made of, row by row, before any figure is printed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import stored_datasets
import validation
from table import Table

ROWS = 14_000_000
SYMBOLS = 10
#: Times that DuckDB's ``COPY`` may be exceeded, and bytes.
FILES = {"sorted": 1.5, "by time alone": 3.0}
MEMORY = 600_000_000
_ROUNDS = 3
_NUMBERS = ("open", "high", "low", "close", "volume")
_PART, _HEAD = 100_000, 1_000
_THREADS = 2
_VERSION, _OWNER = "v1", "local"

Made = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Run:
    """One run in a process of its own.

    Attributes:
        seconds: Wall time.
        cpu: Seconds of all its threads; those of the server are not among them.
        peak: Bytes that it needed at most.
        server: Seconds of the server's part.
    """

    seconds: float
    cpu: float
    peak: float
    server: float


@dataclass(frozen=True)
class Measured:
    """What a file took.

    Attributes:
        name: How it is sorted.
        rows: How many rows there are.
        ours: Runs until the version was recorded.
        copy: Runs of the bare ``COPY``.
        problem: What was not equal, or ``None``.
    """

    name: str
    rows: int
    ours: list[Run]
    copy: list[Run]
    problem: str | None

    @property
    def ratio(self) -> float:
        """How many times the ``COPY``, the best run of each."""
        return best(self.ours).seconds / best(self.copy).seconds


def best(runs: list[Run]) -> Run:
    """Return the run that took least."""
    return min(runs, key=lambda run: run.seconds)


def minutes(rows: int) -> Made:
    """Return the bars of ten symbols, as many of each: seeded walks, at the sessions of New York."""
    each = rows // SYMBOLS
    times = validation.session_minutes("XNYS", each)
    made = {f"S{i:03}": stored_datasets.minutes(i, each) | {"time": times} for i in range(SYMBOLS)}
    for values in made.values():  # as they are drawn, a low may be above its high
        values["low"] = np.minimum(values["low"], values["high"])
    return made


def write(path: Path, made: Made, by_time: bool) -> None:
    """Write bars as text, symbol after symbol or minute after minute."""
    from pyarrow import csv

    names = list(made)
    each = len(made[names[0]]["time"])
    options = csv.WriteOptions(quoting_style="none", include_header=False)
    with path.open("wb") as out:
        out.write(b"symbol,time,open,high,low,close,volume\n")
        for some in [names] if by_time else [[name] for name in names]:
            for start in range(0, each, _PART):
                at = slice(start, start + _PART)
                rows = {name: np.stack([made[s][name][at] for s in some], 1).ravel() for name in ("time", *_NUMBERS)}
                table = {
                    "symbol": pa.array(np.tile(np.array(some), len(rows["time"]) // len(some))),
                    "time": pa.array(rows["time"] // 1_000_000).cast(pa.timestamp("s")),
                    **{name: rows[name] for name in _NUMBERS[:-1]},
                    "volume": rows["volume"].astype(np.int64),
                }
                csv.write_csv(pa.table(table), out, options)


def measure(path: Path, name: str, folder: Path, made: Made, rounds: int = _ROUNDS) -> Measured:
    """Run both by turns, each time in new processes, and compare what they made of the file."""
    mapping = _mapping(path, folder)
    ours, copy = [], []
    problem = None
    for turn in range(rounds):
        for work in (folder / "ours", folder / "copy"):
            shutil.rmtree(work, ignore_errors=True)
            (work / "in").mkdir(parents=True)
            (work / "in" / "upload").symlink_to(path)
        (folder / "ours" / "mapping.json").write_text(mapping)
        server = _Server(folder / "ours" / "server")
        try:
            ours.append(_run("ours", folder / "ours", server))
            copy.append(_run("copy", folder / "copy"))
            if not turn:
                problem = _difference(server.open(), folder / "copy" / "bare.parquet", made, by_time=name != "sorted")
        finally:
            server.close()
    return Measured(name, sum(len(values["time"]) for values in made.values()), ours, copy, problem)


def _mapping(path: Path, folder: Path) -> str:
    """Return how a file is read, as a first look at its head has it, and the user says."""
    from dataclasses import replace

    from alphintra.ingest.inspecting import inspect

    head = folder / "head.csv"
    with path.open("rb") as file:
        head.write_bytes(b"".join(file.readline() for _ in range(_HEAD)))
    found = inspect(head, folder / "spool").guess.mapping
    return replace(found, zone="UTC", label="open", adjustment="raw").to_json()


def run(rows: int = ROWS, rounds: int = _ROUNDS) -> list[Measured]:
    """Measure a sorted and an unsorted file."""
    made = minutes(rows)
    found = []
    with tempfile.TemporaryDirectory(prefix="alphintra-ingest-") as text:
        folder = Path(text)
        for name in FILES:
            write(folder / "minutes.csv", made, by_time=name != "sorted")
            found.append(measure(folder / "minutes.csv", name, folder, made, rounds))
    return found


def problem(found: list[Measured]) -> str | None:
    """Say what was not equal, and print what was."""
    for own in found:
        if own.problem:
            return f"CSV {own.name}: {own.problem}"
    print(f"equal: {found[0].rows:,} rows of a CSV, {' or '.join(FILES)}, of its version and of DuckDB's COPY of it")
    return None


def show(found: list[Measured], table: Table) -> None:
    """Print the lines of the table of ``make bench``."""
    for own in found:
        ours, copy = best(own.ours), best(own.copy)
        table.times(f"CSV to version, {own.rows / 1e6:g} M rows, {own.name}", ours.seconds, own.ratio, FILES[own.name])
        table.peer_seconds("DuckDB's bare COPY of it", copy.seconds)
        table.bytes("  its peak", int(max(run.peak for run in own.ours)), MEMORY)
        peak = max(run.peak for run in own.copy)
        print(
            f"  CPU {ours.cpu:.1f} s and {ours.server:.1f} s in the server; "
            f"the COPY: {copy.cpu:.1f} s, {peak / 1e6:,.0f} MB",
            flush=True,
        )


class _Server:
    """What the server does with the output of a job: check it, keep it, record it.

    Args:
        folder: Where its database and its files lie.
    """

    def __init__(self, folder: Path) -> None:
        from alphintra_server.db import Database
        from alphintra_server.db.migrate import upgrade
        from alphintra_server.services.dataset_storage import DatasetStorage
        from alphintra_server.services.ingests import account

        folder.mkdir()
        self._storage = DatasetStorage(folder)
        self._database = Database(f"sqlite:///{folder / 'bench.sqlite'}")
        upgrade(self._database.write_engine)
        self._owner: str = self._database.write_now(lambda session: account(session, _OWNER).folder)

    def keep(self, out: Path, answer: dict[str, Any]) -> None:
        """Take a version over that a job has left."""
        from alphintra_server.jobs.ingest_output import Written, collect_version
        from alphintra_server.jobs.protocol import OutputFile
        from alphintra_server.jobs.version_keeping import kept
        from alphintra_server.services.dataset_recording import Made, record
        from alphintra_server.services.findings import verdict

        files = [OutputFile(**item) for item in answer["files"]]
        found = collect_version(out, files, version=_VERSION, parents=(), source=answer["source"])
        assert isinstance(found, Written)
        said = verdict(found.report)
        made = Made(
            found.manifest, _OWNER, _OWNER, "0" * 32, "minutes", "USER_UPLOAD",
            is_validated=said.ran and not said.errors, errors=said.errors,
        )  # fmt: skip
        with kept(self._storage, lambda: self._owner, found, out):
            self._database.write_now(lambda session: record(session, made).id)

    def open(self) -> Any:
        """Return the version as it is stored."""
        from alphintra.store.opening import open_version

        return open_version(self._storage, self._owner, _VERSION)

    def close(self) -> None:
        """Close the database."""
        self._database.close()


def _run(kind: str, work: Path, server: _Server | None = None) -> Run:
    """Start a process, wait until it has loaded what it needs, and have it do its work."""
    with _waiting(kind, work) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        began = time.perf_counter()
        child.stdin.write("go\n")
        child.stdin.flush()
        line = child.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of {kind} ended")
        answer = json.loads(line)
        made = time.perf_counter()
        if server is not None:
            server.keep(work / "out", answer)
        ended = time.perf_counter()
    return Run(ended - began, answer["cpu"], answer["peak"], ended - made)


@contextmanager
def _waiting(kind: str, work: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, __file__, "--child", kind, str(work)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        try:
            if child.stdout is None or child.stdout.readline() != "ready\n":
                raise RuntimeError(f"the process of {kind} did not start")
            yield child
        finally:
            child.kill()


def _difference(version: Any, bare: Path, made: Made, by_time: bool) -> str | None:
    """Compare what is stored, and what DuckDB wrote, with what the file was made of."""
    import pyarrow.parquet as pq
    from alphintra.store import converting, reading

    for name in ("time", *_NUMBERS):
        column = pq.read_table(bare, columns=[name]).column(0)
        if name == "time":
            column = column.cast(pa.timestamp("us")).cast(pa.int64())
        wanted = np.stack([values[name] for values in made.values()], axis=1 if by_time else 0).ravel()
        if not np.array_equal(column.to_numpy(), wanted):
            return f"{name} that DuckDB wrote"
    if list(version.manifest.symbols) != list(made):
        return "the symbols that are stored"
    for symbol, values in made.items():
        found = converting.to_numpy(reading.read(version, symbol))[symbol]
        for name in ("time", *_NUMBERS):
            if not np.array_equal(found[name], values[name]):
                return f"{name} of {symbol} that is stored"
    return None


def _child(kind: str, work: Path) -> None:
    """Load what is needed, wait, do the work, say what it took."""
    steps = {"ours": _ours, "copy": _copy}[kind](work)
    next(steps)
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.process_time()
    answer = next(steps)
    print(json.dumps(answer | {"cpu": time.process_time() - began, "peak": _peak()}), flush=True)


def _ours(work: Path) -> Iterator[dict[str, Any]]:
    """Do the job that makes a version of an upload, as a worker of the pool does it."""
    from dataclasses import asdict

    from alphintra.ingest.mapping import Mapping

    from alphintra_kernel import first_run, ingest_job

    read = Mapping.from_json((work / "mapping.json").read_text())
    mapping = json.loads(json.dumps(asdict(read)))
    for _ in first_run.warm_up():
        pass
    yield {}
    (work / "out").mkdir()
    upload = {"name": "minutes.csv", "bytes": 0, "sha256": "0" * 64}
    about = {"timeframe": "1min", "calendar": "XNYS", "asset_class": "STOCKS"}
    job = {
        "id": "0" * 32, "kind": "ingest", "upload": upload, "version": _VERSION, "parents": [], "overlap": False,
        "about": about, "mapping": mapping,
    }  # fmt: skip
    answer = ingest_job.run(job, work, _Silent())
    if answer["type"] != "result":
        raise SystemExit(f"the job ended with {answer}")
    yield {"files": answer["files"], "source": upload | {"mapping": mapping}}


def _copy(work: Path) -> Iterator[dict[str, Any]]:
    """Copy the file to Parquet, with nothing else."""
    import duckdb

    with duckdb.connect(config={"threads": _THREADS}) as connection:
        yield {}
        source, target = work / "in" / "upload", work / "bare.parquet"
        connection.execute(f"COPY (FROM read_csv('{source}')) TO '{target}' (FORMAT parquet, COMPRESSION lz4_raw)")
    yield {}


class _Silent:
    """Takes what a job tells of its progress."""

    def phase(self, name: str, fraction: float) -> None:
        """Take a new phase."""

    def study(self, fraction: float, phase: str, text: str) -> None:
        """Take how far it is."""


def _peak() -> int:
    """Return the bytes that this process needed at most; ``getrusage`` has those of the one that started it as well."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def main() -> int:
    """Print the figures."""
    if len(sys.argv) > 2 and sys.argv[1] == "--child":
        _child(sys.argv[2], Path(sys.argv[3]))
        return 0
    found = run(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
    wrong = problem(found)
    if wrong:
        print(f"NOT EQUAL: {wrong}")
        return 1
    table = Table()
    show(found, table)
    table.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
