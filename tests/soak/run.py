"""The kill test itself: rounds of use, death, return and examination."""

from __future__ import annotations

import contextlib
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .evidence import Evidence
from .fleet import HEARTBEAT_SECONDS, LEASE_SECONDS, Fleet, Server
from .people import STRATEGY, Acknowledged, Reader, Sender, ask
from .schedule import FROZEN, RANDOM, Kill, kills

USERS = ("ada", "bob")
RECOVERY_SECONDS = 60.0
_REACH_SECONDS = 8.0


@dataclass
class Summary:
    """What a run came to."""

    database: str
    servers: int
    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    attempts: Counter[int] = field(default_factory=Counter)
    freezes: int = 0
    boots: int = 0
    events: int = 0
    connections: int = 0
    longest_recovery: float = 0.0
    seconds: float = 0.0

    def __str__(self) -> str:
        jobs = sum(self.ends.values())
        again = sum((attempt - 1) * count for attempt, count in self.attempts.items() if attempt > 1)

        def table(counts: Counter[str] | Counter[int]) -> str:
            return ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=str))

        return "\n".join(
            [
                f"kill test on {self.database}, {self.servers} server(s), seed {self.seed}: "
                f"{sum(self.kills.values())} kills in {self.seconds:.0f} s",
                f"  kills by point: {table(self.kills)}; stopped for a while: {self.freezes}",
                f"  jobs: {jobs} ({table(self.ends)})",
                f"  attempts a job: {table(self.attempts)}; run again after a kill: {again}",
                f"  events heard: {self.events}, over {self.connections} connections; servers started: {self.boots}",
                f"  longest recovery: {self.longest_recovery:.1f} s",
            ]
        )


class SoakFailedError(AssertionError):
    """Something was lost, doubled, stuck or left behind."""


class Soak:
    """One run on one database.

    Args:
        database_url: Of an empty database; None for a SQLite file of its own.
        servers: How many supervisors.
        seed: What the schedule follows from.
        say: Takes a line for each kill.
    """

    def __init__(self, database_url: str | None, servers: int, seed: int, say: Callable[[str], None]) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="alp-soak-", dir="/tmp"))
        self._kept = False
        self._say = say
        name = "SQLite" if database_url is None else database_url.partition("+")[0].partition(":")[0]
        self.summary = Summary(name, servers, seed)
        url = database_url or f"sqlite:///{self._folder / 'data' / 'alphintra.sqlite'}"
        self.fleet = Fleet(self._folder, url, servers)
        self._promised: list[Acknowledged] = []
        self._strategies: dict[str, str] = {}
        self._readers = {user: Reader(self.fleet.servers, user) for user in USERS}

    def run(self, count: int) -> Summary:
        """Kill ``count`` times, and until every point had its turn.

        Raises:
            SoakFailedError: What must hold does not.
        """
        began = time.monotonic()
        with self._everything():
            for server in self.fleet.servers:
                self.fleet.start(server)
                if not self.fleet.wait_ready(server):
                    raise SoakFailedError(f"server {server.name} did not start\n{self.fleet.tail()}")
            evidence = Evidence(self.fleet, self._readers)
            try:
                for user in USERS:
                    body = {"name": "Soak", "code": STRATEGY}
                    status, made = ask(self.fleet.servers, user, "POST", "/api/strategies/code/create", body)
                    assert status == 201, made
                    self._strategies[user] = made["id"]
                    self._readers[user].start()
                for kill in kills(self.summary.seed, self.summary.servers, USERS):
                    self._round(kill, evidence)
                    # Whole turns: each has every point.
                    if kill.last and sum(self.summary.kills.values()) >= count:
                        break
                self.summary.ends, self.summary.attempts = evidence.tally()
            finally:
                evidence.close()
        self.summary.events = sum(reader.heard.last for reader in self._readers.values())
        self.summary.connections = sum(reader.connections for reader in self._readers.values())
        self.summary.boots = sum(server.boots for server in self.fleet.servers)
        self.summary.seconds = time.monotonic() - began
        return self.summary

    @contextlib.contextmanager
    def _everything(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._kept = True
            raise
        finally:
            for reader in self._readers.values():
                reader.stop()
            self.fleet.close()
            if not self._kept:
                shutil.rmtree(self._folder, ignore_errors=True)

    def _round(self, kill: Kill, evidence: Evidence) -> None:
        senders = [
            Sender(self.fleet.servers, user, self._strategies[user], orders, self._promised.append)
            for user, orders in kill.orders.items()
        ]
        victims = [self.fleet.servers[number] for number in kill.victims]
        if kill.point not in {RANDOM, FROZEN, "in_sweep"}:
            for server in victims:
                self.fleet.arm(server, f"{kill.point}:{kill.times}")
        for sender in senders:
            sender.start()
        if kill.point == "in_sweep":
            self._die_in_sweep(kill, evidence)
        elif kill.point == FROZEN:
            self._freeze(victims[0], evidence)
        elif kill.point == RANDOM:
            time.sleep(kill.delay)
            for server in victims:
                self._kill(server)
        else:
            self._await_death(victims, kill.point)
        dead = [server for server in self.fleet.servers if not server.alive]
        for server in self.fleet.servers:
            self.fleet.arm(server, "")
        for server in dead:
            self.fleet.start(server, quick=kill.quick)
        for server in dead:
            if not self.fleet.wait_ready(server):
                self._fail(kill, [f"server {server.name} did not come back"])
        self._examine(kill, senders, evidence)

    def _die_in_sweep(self, kill: Kill, evidence: Evidence) -> None:
        """First a server dies with jobs at work, then whoever settles them."""
        until = time.monotonic() + _REACH_SECONDS
        while evidence.running() == 0 and time.monotonic() < until:
            time.sleep(0.01)
        first = self.fleet.servers[kill.victims[0]]
        heir = next((server for server in self.fleet.servers if server is not first), first)
        if heir is not first:
            self.fleet.arm(heir, "in_sweep")
        self._kill(first)
        if heir is first:
            self.fleet.start(first, quick=kill.quick, crash_at="in_sweep")
        self._await_death([heir], "in_sweep")

    def _freeze(self, server: Server, evidence: Evidence) -> None:
        """Let a server stand still with jobs at work until others have taken them over, then let it go on."""
        until = time.monotonic() + _REACH_SECONDS
        while evidence.running() < 3 and time.monotonic() < until:
            time.sleep(0.01)
        self.fleet.signal(server, signal.SIGSTOP)
        time.sleep(LEASE_SECONDS + 4 * HEARTBEAT_SECONDS)
        self.fleet.signal(server, signal.SIGCONT)
        self.summary.freezes += 1

    def _await_death(self, servers: list[Server], point: str) -> None:
        until = time.monotonic() + _REACH_SECONDS
        reached = []
        for server in servers:
            if self.fleet.wait_dead(server, max(until - time.monotonic(), 0)):
                reached.append(server)
                self.summary.kills[point] += 1
        for server in servers:
            if server not in reached:
                # It never came by: then this instant is as good as any.
                self._kill(server)

    def _kill(self, server: Server) -> None:
        self.fleet.kill(server)
        self.summary.kills[RANDOM] += 1

    def _examine(self, kill: Kill, senders: list[Sender], evidence: Evidence) -> None:
        back = time.monotonic()
        until = back + RECOVERY_SECONDS
        for sender in senders:
            sender.join(max(until - time.monotonic(), 0))
        questions = ["requests are still unanswered"] if any(sender.is_alive() for sender in senders) else []
        while not questions or time.monotonic() < until:
            questions = evidence.open_questions(self._promised)
            if not questions or time.monotonic() > until:
                break
            time.sleep(0.05)
        recovery = time.monotonic() - back
        self.summary.longest_recovery = max(self.summary.longest_recovery, recovery)
        troubles = [trouble for sender in senders for trouble in sender.troubles]
        troubles += [f"after {RECOVERY_SECONDS:g} s: {question}" for question in questions]
        troubles += evidence.faults(self._promised)
        total = sum(self.summary.kills.values())
        self._say(f"kill {total} ({kill.point}), {len(self._promised)} jobs, settled after {recovery:.1f} s")
        if troubles:
            self._fail(kill, troubles)

    def _fail(self, kill: Kill, troubles: list[str]) -> None:
        more = [f"… and {len(troubles) - 20} more"] if len(troubles) > 20 else []
        raise SoakFailedError(
            "\n".join(
                [
                    f"after round {kill.number} ({kill.point}) of seed {self.summary.seed}:",
                    *(f"  - {trouble}" for trouble in troubles[:20]),
                    *more,
                    f"everything is kept in {self._folder}; again with:",
                    f"  python -m tests.soak --database {self.summary.database.lower()} --seed {self.summary.seed} "
                    f"--kills {sum(self.summary.kills.values())}",
                    self.fleet.tail(),
                ]
            )
        )
