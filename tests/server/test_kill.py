"""Servers that are killed while people use them: ten kills on each database; ``make soak`` makes a hundred.

See ``tests/soak``. A run that fails prints its seed and how to repeat it.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alphintra_server import crash_points
from alphintra_server.jobs.worker_home import WorkerHome

from ..soak import schedule
from ..soak.run import Soak

SEED = 20261127


def check(summary):
    sys.stdout.write(f"{summary}\n")
    assert sum(summary.kills.values()) >= 10
    assert sum(summary.ends.values()) >= 30
    # Most of the points were met; at which moment each server comes by is not up to the seed.
    assert len(set(summary.kills) & set(crash_points.POINTS)) >= 4
    assert any(attempt > 1 for attempt in summary.attempts)
    assert summary.events > 100


def test_sqlite_with_one_server():
    check(Soak(None, 1, SEED, sys.stdout.write).run(10))


def test_postgresql_with_two_servers(postgres_url):
    check(Soak(postgres_url, 2, SEED, sys.stdout.write).run(10))


def test_the_schedule_follows_from_its_seed_and_has_every_point():
    def turn(seed):
        made = schedule.kills(seed, 2, ("ada", "bob"))
        return [next(made) for _ in range(11)]

    assert turn(5) == turn(5)
    assert turn(5) != turn(6)
    assert {kill.point for kill in turn(5)} == {*crash_points.POINTS, schedule.RANDOM, schedule.FROZEN}
    assert [kill.last for kill in turn(5)] == [False] * 10 + [True]


@pytest.mark.parametrize("wanted", ["", "after_start:1", "after_claim:3"])
def test_a_server_that_was_told_nothing_passes(monkeypatch, wanted):
    crash_points.forget()
    monkeypatch.setenv(crash_points.VARIABLE, wanted)
    crash_points.reached("after_claim")
    crash_points.reached("after_claim")
    crash_points.forget()


def test_workers_that_start_at_once_have_folders_of_their_own(tmp_path):
    """Found by the kill test: the first two jobs of a server could meet in making its folder."""
    for number in range(20):
        home = WorkerHome(tmp_path / str(number))
        with ThreadPoolExecutor(8) as threads:
            made = [future.result() for future in [threads.submit(home.new) for _ in range(8)]]
        assert len(set(made)) == 8
        home.close()
