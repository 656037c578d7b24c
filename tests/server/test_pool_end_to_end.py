"""The engine's own workers from a pool: over REST, at both ends of the levels, with the results of a notebook."""

import json
import logging

import alphintra as al
import pytest
from alphintra_kernel.levels import probe_report
from alphintra_kernel.sandbox import Sandbox
from alphintra_server.jobs.attempt import Finished
from alphintra_server.jobs.pool import Pool

from .attempts import attempt, backtest, launcher, until

DATA = "us-equities-daily/AAPL"
CODE = """\
import alphintra as al


class SmaCross(al.Strategy):
    fast = al.Param(10, low=2, high=50)

    def on_start(self):
        self.quick = self.indicator(al.ta.SMA, self.data.close, self.fast)
        self.slow = self.indicator(al.ta.SMA, self.data.close, 30)

    def on_bar(self):
        if al.crossed_above(self.quick, self.slow):
            self.order_target_percent(0.9)
        elif al.crossed_below(self.quick, self.slow):
            self.close()
"""
PERIOD = {"start": "2010-01-04", "end": "2012-12-31", "cash": 100_000}


@pytest.fixture
def worker_argv():
    return None


@pytest.fixture
def settings():
    return {"pool_size": 1}


def strategy():
    space = {"__name__": "notebook"}
    exec(CODE, space)
    return space["SmaCross"]


@pytest.mark.parametrize("level", ["sandboxed", "none"])
async def test_a_job_of_the_pool_has_the_numbers_of_a_notebook(tmp_path, level):
    best = probe_report().level
    if level == "sandboxed" and best == "none":
        pytest.skip("no sandbox here")
    launching = launcher(tmp_path, Sandbox(best if level == "sandboxed" else "none", allow_unsandboxed=True))
    pool = Pool(launching, 1, logging.getLogger("test"))
    await pool.start()
    try:
        await until(lambda: pool.warm, 180)
        job = backtest(configuration={**PERIOD, "rules": {}})
        job.files = {"source/strategy.py": CODE}
        job.message["source"]["class_name"] = "SmaCross"
        one = attempt(launching, tmp_path)
        outcome = await one.run(job)
    finally:
        await pool.stop()
    assert isinstance(outcome, Finished), outcome
    stored = json.loads((one.folder / "out" / "result.json").read_text())
    expected = al.backtest(strategy(), DATA, **PERIOD).to_dict()
    assert len(stored["fills"]) > 10
    assert (stored["fills"], stored["metrics"]) == (expected["fills"], expected["metrics"])
    # What it loaded while it waited is no trial, and left no file.
    assert sorted(path.name for path in (one.folder / "out").iterdir()) == sorted(outcome.output.files)
    assert outcome.output.trials.count == 1


async def test_backtests_and_sweeps_over_rest(api, services, make_strategy, finished):
    """A run, and a sweep in processes of its own; the time to their first line is a histogram."""
    await until(lambda: services.pool._waiting and services.pool._waiting[0].worker.ready, 120)
    made = await make_strategy(CODE)
    period = {"dataset_id": DATA, "start_date": "2010-01-04", "end_date": "2010-12-31"}
    sweep = {"methodology": "SWEEP", "method": {"grid": {"fast": [5, 10, 15]}, "executor": "processes"}}
    before = await started(api)
    found = []
    for extra in ({}, sweep):
        reply = await api("POST", f"/api/strategies/code/{made['id']}/execute", {**period, **extra})
        assert reply.status == 202, reply.json
        job = await finished(reply.json["backtest_id"], seconds=240)
        assert job["status"] == "COMPLETED", job["error"]
        found.append((await api("GET", f"/api/backtests/{job['id']}/results")).json)
    expected = al.backtest(strategy(), DATA, start="2010-01-04", end="2010-12-31", params={"fast": 10})
    assert float(found[0]["final_equity"]) == float(expected.metrics["final_equity"])
    assert float(found[1]["final_equity"]) > 0
    assert await started(api) == before + 2


async def started(api):
    text = (await api("GET", "/metrics")).json.decode()
    name = 'alphintra_job_start_seconds_count{kind="backtest"}'
    found = [line for line in text.splitlines() if line.startswith(name)]
    return float(found[0].split()[-1]) if found else 0.0
