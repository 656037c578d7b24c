"""What must hold when the servers are up again and quiet."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from alphintra_server.db.tables import BacktestResultRow, BacktestRow, JobRow, OutboxRow, TradeRow
from sqlalchemy import Engine, create_engine, event, func, make_url, select
from sqlalchemy.orm import Session

from .fleet import Fleet
from .people import Acknowledged, Reader

FINISHED = {"COMPLETED", "FAILED", "CANCELLED"}
# What each act comes to when it is left alone.
ENDS = {
    "finish": ("COMPLETED", None),
    "slow": ("COMPLETED", None),
    "error": ("FAILED", "STRATEGY_ERROR"),
    "die": ("FAILED", "WORKER_DIED"),
}
MAX_LOSSES = 3
_WORKER = b"ALPHINTRA_WORKER="


@dataclass
class Evidence:
    """Looks at the database, the disk, the processes and the readers.

    Args:
        fleet: The servers.
        readers: By user.
    """

    fleet: Fleet
    readers: dict[str, Reader]

    def __post_init__(self) -> None:
        self._engine = _reader(self.fleet.database_url)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def running(self) -> int:
        """How many jobs are at work, as far as the database knows."""
        with Session(self._engine) as session:
            return session.scalar(select(func.count()).where(JobRow.status == "RUNNING")) or 0

    def tally(self) -> tuple[Counter[str], Counter[int]]:
        """Count jobs by their end and by their attempts."""
        with Session(self._engine) as session:
            rows = session.execute(select(JobRow.status, JobRow.error_code, JobRow.attempt)).all()
        ends = Counter(status if code is None else f"{status} ({code})" for status, code, _ in rows)
        return ends, Counter(attempt for _, _, attempt in rows)

    def open_questions(self, promised: list[Acknowledged]) -> list[str]:
        """List what is not settled yet: it may be soon."""
        found: list[str] = []
        with Session(self._engine) as session:
            jobs = {row.id: row for row in session.scalars(select(JobRow))}
            backtests = {row.id: row.job_id for row in session.scalars(select(BacktestRow))}
            newest: dict[str, int] = {}
            for user, number in session.execute(
                select(OutboxRow.user_id, func.max(OutboxRow.sequence)).group_by(OutboxRow.user_id)
            ):
                newest[user] = number
        for promise in promised:
            job = jobs.get(promise.job_id)
            if job is None or backtests.get(promise.backtest_id) != promise.job_id:
                found.append(f"{promise.order.key} was acknowledged as job {promise.job_id}, which is not there")
            elif job.status not in FINISHED:
                found.append(f"{promise.order.key} is {job.status}/{job.phase} in attempt {job.attempt}")
        for user, reader in self.readers.items():
            if reader.heard.last != newest.get(user, 0):
                found.append(f"{user} has heard up to event {reader.heard.last} of {newest.get(user, 0)}")
        found += self._left_on_disk(jobs)
        found += self._left_at_work(jobs.keys())
        return found

    def faults(self, promised: list[Acknowledged]) -> list[str]:
        """List what no time will mend."""
        found = [trouble for reader in self.readers.values() for trouble in reader.heard.troubles]
        with Session(self._engine) as session:
            jobs = {row.id: row for row in session.scalars(select(JobRow))}
            results = {row.backtest_id: row for row in session.scalars(select(BacktestResultRow))}
            trades = dict(
                session.execute(select(TradeRow.backtest_id, func.count()).group_by(TradeRow.backtest_id)).all()  # type: ignore[arg-type]
            )
            told: Counter[str] = Counter()
            numbers: dict[str, list[int]] = {}
            for row in session.scalars(select(OutboxRow).order_by(OutboxRow.user_id, OutboxRow.sequence)):
                numbers.setdefault(row.user_id, []).append(row.sequence)
                if row.payload.get("status") in FINISHED:
                    told[row.payload["job_id"]] += 1
        made = Counter(promise.job_id for promise in promised)
        found += [f"job {job_id} was made by nobody" for job_id in jobs.keys() - made.keys()]
        found += [f"two orders became job {job_id}" for job_id, count in made.items() if count > 1]
        for promise in promised:
            job = jobs.get(promise.job_id)
            if job is not None:
                found += _end_faults(promise, job)
                found += self._effect_faults(promise, job, results.get(promise.backtest_id), trades)
        for job_id, count in told.items():
            if count != 1:
                found.append(f"the end of job {job_id} is told {count} times in the outbox")
        for user, sequence in numbers.items():
            if sequence != list(range(1, len(sequence) + 1)):
                found.append(f"the events of {user} are not numbered from 1 without gaps")
            for job_id, ends in self.readers[user].heard.ends.items():
                if len(ends) != 1:
                    found.append(f"{user} heard of {len(ends)} ends of job {job_id}")
        return found

    def _effect_faults(
        self, promise: Acknowledged, job: JobRow, result: BacktestResultRow | None, trades: dict[str, int]
    ) -> list[str]:
        key, found = promise.order.key, []
        if job.owner is not None and job.lease_until is not None:
            found.append(f"{key} is {job.status} and still leased")
        if job.status != "COMPLETED":
            if result is not None or trades.get(promise.backtest_id):
                found.append(f"{key} is {job.status} and has results")
            return found
        if result is None:
            return [*found, f"{key} is COMPLETED without results"]
        if result.attempt != job.attempt:
            found.append(f"{key} has results of attempt {result.attempt}, and is in attempt {job.attempt}")
        if trades.get(promise.backtest_id, 0) != result.trade_count:
            found.append(f"{key} has {trades.get(promise.backtest_id, 0)} trades instead of {result.trade_count}")
        folder = self.fleet.data_dir / "jobs" / job.id / str(job.attempt) / "out"
        for name, known in result.files.items():
            try:
                digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            except OSError as error:
                found.append(f"{key}: {name} cannot be read: {error.strerror}")
            else:
                if digest != known["sha256"]:
                    found.append(f"{key}: {name} is not what was stored")
        return found

    def _left_on_disk(self, jobs: dict[str, JobRow]) -> list[str]:
        found = []
        folder = self.fleet.data_dir / "jobs"
        for job in list(folder.iterdir()) if folder.is_dir() else []:
            row = jobs.get(job.name)
            with suppress(FileNotFoundError):
                names = [item.name for item in job.iterdir()]
                if row is None or row.status != "COMPLETED" or names != [str(row.attempt)]:
                    state = "unknown" if row is None else f"{row.status}, attempt {row.attempt}"
                    found.append(f"jobs/{job.name} ({state}) has {names}")
                    continue
                inside = sorted(item.name for item in (job / names[0]).iterdir())
                if inside != ["out"]:
                    found.append(f"jobs/{job.name}/{names[0]} has {inside}")
        workers = self.fleet.data_dir / "workers"
        homes = list(workers.iterdir()) if workers.is_dir() else []
        if len(homes) > sum(server.alive for server in self.fleet.servers):
            found.append(f"workers/ has folders of {len(homes)} servers")
        return found

    def _left_at_work(self, job_ids: Iterable[str]) -> list[str]:
        """Find processes and control groups of ours that belong to no living server's pool."""
        pools = {server.pid for server in self.fleet.servers if server.alive and not server.quick}
        mark = str(self.fleet.folder).encode()
        found = []
        parents: dict[int, int] = {}
        ours: dict[int, tuple[bool, str]] = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with suppress(OSError, ValueError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                command = (entry / "cmdline").read_bytes()
                environment = mounts = b""
                with suppress(OSError):
                    environment = (entry / "environ").read_bytes()
                with suppress(OSError):
                    mounts = (entry / "mountinfo").read_bytes()
                boxed = mark in mounts or (b"bwrap" in command and mark in command)
                boxed = boxed or (mark in environment and (b"ALPHINTRA_JOB=" in environment or _WORKER in environment))
                if command and (boxed or mark in environment):
                    ours[int(entry.name)] = (boxed, command.replace(b"\0", b" ").decode(errors="replace")[:120])
        for pid, (boxed, command) in ours.items():
            line = {pid, *_ancestors(pid, parents)}
            if (boxed and not line & pools) or os.getpid() not in line:
                found.append(f"process {pid} is left: {command}")
        names = [*job_ids]
        workers = self.fleet.data_dir / "workers"
        names += [home.name for home in workers.iterdir()] if workers.is_dir() else []
        if not pools:
            found += [f"control group {group} is left" for group in _groups() if any(name in group for name in names)]
        return found


def _end_faults(promise: Acknowledged, job: JobRow) -> list[str]:
    key = promise.order.key
    end = (job.status, job.error_code)
    if end == ("FAILED", "LOST"):
        return [] if job.losses == MAX_LOSSES else [f"{key} was given up after {job.losses} losses"]
    if promise.cancelled == "CANCELLED":
        return [] if job.status == "CANCELLED" else [f"{key} was CANCELLED, and is {job.status}"]
    if job.status == "CANCELLED" and promise.order.cancel_after is not None:
        return []
    if job.status in FINISHED and end != ENDS[promise.order.act]:
        return [f"{key} ({promise.order.act}) came to {end}: {job.error}"]
    return []


def _ancestors(pid: int, parents: dict[int, int]) -> set[int]:
    line: set[int] = set()
    while (pid := parents.get(pid, 0)) and pid not in line:
        line.add(pid)
    return line


def _groups() -> list[str]:
    """List the control groups below those of our sandboxes."""
    found = []
    for folder, names, _ in os.walk("/sys/fs/cgroup"):
        if "alphintra" in folder:
            found += [str(Path(folder, name)) for name in names]
    return found


def _reader(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(f"sqlite:///file:{parsed.database}?mode=ro&uri=true")

    @event.listens_for(engine, "connect")
    def connect(connection: object, record: object) -> None:
        connection.execute("PRAGMA busy_timeout=10000")  # type: ignore[attr-defined]

    return engine
