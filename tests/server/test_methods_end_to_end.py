"""Sweeps, walk-forwards and Monte Carlo studies over REST, with the engine's own worker in the sandbox."""

import asyncio
import os
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from .attempts import until

DATA = "us-equities-daily/AAPL"
PERIOD = {"start_date": "2008-01-02", "end_date": "2010-12-31"}

CROSS = '''\
import alphintra as al


class SmaCross(al.Strategy):
    """Long when the fast average is above the slow one."""

    fast = al.Param(20, low=2, high=100)
    slow = al.Param(50, low=5, high=300)

    def on_start(self):
        self.fast_ma = self.indicator(al.ta.SMA, self.data.close, self.fast)
        self.slow_ma = self.indicator(al.ta.SMA, self.data.close, self.slow)

    def on_bar(self):
        if al.crossed_above(self.fast_ma, self.slow_ma):
            self.order_target_percent(0.95)
        elif al.crossed_below(self.fast_ma, self.slow_ma):
            self.close()
'''


@pytest.fixture
def worker_argv():
    return None


@pytest.fixture
def run(api, make_strategy, finished):
    """Run a strategy of some code to its end."""

    async def go(code=CROSS, *, strategy=None, **body):
        strategy = strategy or await make_strategy(code)
        reply = await api(
            "POST",
            f"/api/strategies/code/{strategy['id']}/execute",
            {"dataset_id": DATA, "commission": "0.001", **PERIOD, **body},
        )
        assert reply.status == 202, reply.json
        return await finished(reply.json["backtest_id"], seconds=240)

    return go


@pytest.fixture
def shares():
    """The class of ``CROSS``, here."""
    namespace = {}
    exec(CROSS, namespace)
    return namespace["SmaCross"]


async def results(api, job):
    reply = await api("GET", f"/api/backtests/{job['id']}/results", params={"view": "true"})
    assert reply.status == 200, reply.json
    return reply.json


async def test_a_sweep_is_that_of_a_notebook_and_counts_its_trials(api, run, shares, make_strategy):
    import alphintra as al

    grid = {"fast": {"low": 5, "high": 20, "step": 5}, "slow": [20, 40]}
    strategy = await make_strategy(CROSS)
    job = await run(
        strategy=strategy, methodology="SWEEP", method={"grid": grid, "constraint": "fast < slow"}, seed=3
    )
    assert job["status"] == "COMPLETED", job["error"]
    assert (job["methodology"], job["has_study"]) == ("SWEEP", True)
    found = await results(api, job)
    here = al.sweep(
        shares, DATA, {"fast": [5, 10, 15, 20], "slow": [20, 40]}, constraint="fast < slow", seed=3, progress=False,
        commission=0.001, start="2008-01-02", end="2010-12-31",
    )  # fmt: skip
    # Of 4 × 2 pairs one, 20 and 20, is excluded.
    assert found["study"]["title"] == "SmaCross: sweep of 7 variants"
    assert found["run"]["parameters"] == here.best
    assert found["metrics"]["sharpe_ratio"] == here.best_result().metrics["sharpe_ratio"]
    (trials,) = [b for s in found["study"]["sections"] for b in s["blocks"] if b["type"] == "trials"]
    assert [row[0] for row in trials["rows"]] == list(range(7))
    (checked,) = [a["text"] for a in found["assumptions"] if a["code"] == "look_ahead"]
    assert checked.startswith("look-ahead: none found")
    assert "best variant" in checked
    assert (found["trials"], found["earlier_trials"], found["earlier_trials_since"]) == (7, 0, None)
    report = (await api("GET", f"/api/backtests/{job['id']}/report")).json.decode()
    assert "sweep of 7 variants" in report
    # The next run of the same strategy on the same data knows of them: 7 and its own.
    again = await results(api, await run(strategy=strategy))
    assert (again["trials"], again["earlier_trials"]) == (1, 7)
    since, ended = (datetime.fromisoformat(at) for at in (again["earlier_trials_since"], job["completed_at"]))
    assert abs(since - ended) < timedelta(minutes=1)
    swept = await results(api, await run(strategy=strategy, methodology="SWEEP", method={"grid": {"fast": [10, 30]}}))
    assert (swept["trials"], swept["earlier_trials"]) == (2, 8)
    assert any("Of 10 variants tried" in line for line in swept["study"]["sentences"]), swept["study"]["sentences"]
    # Other data is another count.
    other = await results(api, await run(strategy=strategy, dataset_id="us-equities-daily/IBM"))
    assert other["earlier_trials"] == 0


async def test_a_walk_forward_is_that_of_a_notebook(api, run, shares):
    import alphintra as al

    grid = {"fast": [5, 10], "slow": [20, 40]}
    method = {"grid": grid, "train": "1Y", "test": 126, "min_trades": 1}
    job = await run(methodology="WALK_FORWARD", method=method)
    assert job["status"] == "COMPLETED", job["error"]
    found = await results(api, job)
    here = al.walk_forward(
        shares, DATA, grid, train="1Y", test=126, min_trades=1, progress=False, commission=0.001,
        start="2008-01-02", end="2010-12-31",
    )  # fmt: skip
    assert found["study"]["kind"] == "walk_forward"
    assert found["metrics"] == pytest.approx(
        {name: None if value != value else value for name, value in here.result.metrics.items()}
    )
    assert found["total_trades"] == here.result.metrics["total_trades"] > 0
    (checked,) = [a["text"] for a in found["assumptions"] if a["code"] == "look_ahead"]
    assert f"window {len(here.windows)} chose" in checked
    # Four variants and the account itself.
    assert found["trials"] == 5
    report = (await api("GET", f"/api/backtests/{job['id']}/report")).json.decode()
    assert found["study"]["title"] == f"SmaCross: walk-forward of {len(here.windows)} windows"
    assert found["study"]["title"] in report


async def test_a_monte_carlo_study_of_a_run(api, run, shares):
    import alphintra as al

    job = await run(methodology="MONTE_CARLO", method={"resample": "returns", "paths": 20, "seed": 5})
    assert job["status"] == "COMPLETED", job["error"]
    found = await results(api, job)
    plain = al.backtest(shares, DATA, commission=0.001, start="2008-01-02", end="2010-12-31")
    assert found["metrics"]["total_return"] == plain.metrics["total_return"]
    there = al.monte_carlo(plain, paths=20, seed=5).study().payload()
    assert (found["study"]["kind"], found["study"]["sentences"]) == ("monte_carlo", there["sentences"])
    assert found["trials"] == 1
    assert found["study"]["title"] in (await api("GET", f"/api/backtests/{job['id']}/report")).json.decode()


async def test_another_profile(api, run, shares):
    import alphintra as al

    job = await run(profile="backtesting.py")
    assert (job["status"], job["profile"]) == ("COMPLETED", "backtesting.py"), job["error"]
    here = al.backtest(
        shares, DATA, profile="backtesting.py", commission=0.001, start="2008-01-02", end="2010-12-31"
    )
    assert (await results(api, job))["metrics"]["total_return"] == here.metrics["total_return"]


async def test_the_commission_of_a_profile_that_has_one(api, run):
    job = await run(profile="lean", commission=None)
    assert job["status"] == "COMPLETED", job["error"]
    assert (job["commission"]["per_share"], job["commission"]["minimum"]) == ("0.005", "1.0")


SLOW = CROSS + '''\
        import time
        time.sleep(0.002)
'''


@pytest.mark.parametrize("executor", ["serial", "processes"])
async def test_cancelling_a_sweep_is_quick_and_leaves_nothing(
    api, services, make_strategy, finished, data_dir, executor
):
    strategy = await make_strategy(SLOW)
    body = {
        "dataset_id": DATA,
        "methodology": "SWEEP",
        "method": {"grid": {"fast": {"low": 5, "high": 60}}, "executor": executor},
        **PERIOD,
    }
    reply = await api("POST", f"/api/strategies/code/{strategy['id']}/execute", body)
    path = f"/api/backtests/{reply.json['backtest_id']}"
    end, job, progress = time.monotonic() + 240, None, None
    while not (progress and progress["phase"] == "sweeping" and progress["fraction"] > 0):
        assert time.monotonic() < end, job
        await asyncio.sleep(0.1)
        job = (await api("GET", path)).json
        progress = job["progress"]
    assert job["progress"]["text"].endswith("of 56 variants"), job
    assert (await api("POST", f"{path}/cancel")).status == 202
    job = await finished(reply.json["backtest_id"], seconds=60)
    assert job["status"] == "CANCELLED"
    # Cleared away once its end is written.
    await until(lambda: not left_over(job, data_dir, services.pool.boot))


def left_over(job, data_dir, boot):
    """Processes of workers (the pool is off, and no other job runs), and files that it wrote."""
    mark = f"ALPHINTRA_WORKER={boot}.".encode()
    processes = [process for process in Path("/proc").glob("[0-9]*") if mark in environment(process)]
    folders = os.walk(data_dir / "jobs" / job["job_id"])
    return processes + [Path(folder, name) for folder, _, names in folders for name in names]


def environment(process):
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


async def test_a_process_of_a_sweep_that_dies_is_named(run):
    dying = CROSS.replace("    def on_bar(self):\n", "    def on_bar(self):\n        import os\n"
                          "        if self.fast == 15:\n            os._exit(3)\n")  # fmt: skip
    job = await run(dying, methodology="SWEEP", method={"grid": {"fast": [5, 10, 15]}, "executor": "processes"})
    assert (job["status"], job["error"]["code"]) == ("FAILED", "WORKER_DIED")
    assert "fast=15" in job["error"]["message"]
    assert "ended with status 3" in job["error"]["message"]


@pytest.mark.parametrize(
    ("method", "code", "text"),
    [
        # What only the worker can know: the sessions of the data, and what the code computes.
        # There are 757 sessions on 782 weekdays; trades cannot be drawn from none; every run fails alike.
        ({"methodology": "WALK_FORWARD", "method": {"grid": {"fast": [5]}, "train": 770, "test": 5}},
         "BAD_PARAMETER", "longer than the data"),
        ({"methodology": "MONTE_CARLO", "method": {"resample": "trades"}, "end_date": "2008-02-15"},
         "TOO_FEW_TRADES", "10 are needed"),
    ],
)  # fmt: skip
async def test_what_the_worker_refuses(run, method, code, text):
    job = await run(**method)
    assert job["status"] == "FAILED"
    assert job["error"]["code"] == code, job["error"]
    assert text in job["error"]["message"]


async def test_a_sweep_whose_variants_all_fail_says_which_one_it_tells_of(run):
    head = "    def on_bar(self):\n"
    failing = CROSS.replace(head, f"{head}        self.fast / (self.slow - self.slow)\n")
    job = await run(failing, methodology="SWEEP", method={"grid": {"fast": [5, 10]}}, parameters={"slow": 40})
    error = job["error"]
    assert (job["status"], error["code"], error["line"]) == ("FAILED", "STRATEGY_ERROR", 15), error
    nowhere = dict.fromkeys(("window", "part", "start", "end"))
    assert error["run"] == {"parameters": {"fast": 5, "slow": 40}, **nowhere}
    assert error["bar_time"] == "2008-01-02T21:00:00Z"
