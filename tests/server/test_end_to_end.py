"""From a file in the workspace to results over REST, with the engine's own worker in the sandbox."""

import json

import pytest

DATA = "us-equities-daily/AAPL"

CROSS = '''\
import alphintra as al
from helpers import WEIGHT


class SmaCross(al.Strategy):
    """Long when the fast average is above the slow one."""

    fast = al.Param(50, low=2, high=100)
    slow = al.Param(200, low=5, high=300)

    def on_start(self):
        self.fast_ma = self.indicator(al.ta.SMA, self.data.close, self.fast)
        self.slow_ma = self.indicator(al.ta.SMA, self.data.close, self.slow)

    def on_bar(self):
        if al.crossed_above(self.fast_ma, self.slow_ma):
            self.order_target_percent(WEIGHT)
        elif al.crossed_below(self.fast_ma, self.slow_ma):
            self.close()
'''


@pytest.fixture
def worker_argv():
    return None


@pytest.fixture
def run(api, workspace, finished):
    """Save a file's strategy and run it to its end."""

    async def go(code, path="s.py", **body):
        (workspace / path).write_text(code)
        saved = await api("POST", "/api/strategies/code/from-file", {"path": path})
        assert saved.status in {200, 201}, saved.json
        reply = await api(
            "POST", f"/api/strategies/code/{saved.json['id']}/execute", {"dataset_id": DATA, **body}
        )
        assert reply.status == 202, reply.json
        return await finished(reply.json["backtest_id"], seconds=180)

    return go


async def test_the_same_figures_as_the_engine_gives_here(api, run, workspace):
    import alphintra as al

    (workspace / "helpers.py").write_text("WEIGHT = 0.95\n")
    job = await run(CROSS, commission="0.001", parameters={"fast": 20, "slow": 50})
    assert job["status"] == "COMPLETED", job["error"]
    namespace = {}
    exec(CROSS.replace("from helpers import WEIGHT", "WEIGHT = 0.95"), namespace)
    expected = al.backtest(
        namespace["SmaCross"], data=DATA, commission=0.001, params={"fast": 20, "slow": 50}
    )
    there = json.loads(expected.to_json())
    here = (await api("GET", f"/api/backtests/{job['id']}/results", params={"view": "true"})).json
    assert here["metrics"] == there["metrics"]
    assert here["total_return"] == repr(there["metrics"]["total_return"])
    assert here["run"]["dataset_hash"] == there["run"]["dataset_hash"]
    assert here["view"]["version"] == 1
    assert job["metrics"]["total_trades"] == there["metrics"]["total_trades"] > 10
    assert len(job["sparkline"]) == 40
    trades = (await api("GET", f"/api/backtests/{job['id']}/trades", params={"limit": 200})).json
    assert trades["_pagination"]["total"] == len(there["trades"])
    assert trades["items"][0]["entry_time"] == there["trades"][0]["entry_time"]
    assert float(trades["items"][0]["pnl"]) == there["trades"][0]["pnl"]
    report = await api("GET", f"/api/backtests/{job['id']}/report")
    assert b"SmaCross" in report.json


async def test_costs_of_zero_are_an_error_level_warning(run, workspace):
    (workspace / "helpers.py").write_text("WEIGHT = 0.95\n")
    job = await run(CROSS)
    assert any("costs: none" in warning for warning in job["warnings"])


async def test_a_strategy_that_raises_shows_cell_line_and_bar(api, workspace, finished):
    cells = [
        "import alphintra as al\nprint('not run')\n",
        "class Bad(al.Strategy):\n    def on_bar(self):\n"
        "        if self.bar_index == 10:\n            1 / 0\n",
    ]
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [
            {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": cell}
            for cell in cells
        ],
    }
    (workspace / "bad.ipynb").write_text(json.dumps(notebook))
    saved = await api("POST", "/api/strategies/code/from-file", {"path": "bad.ipynb"})
    assert saved.status == 201, saved.json
    reply = await api("POST", f"/api/strategies/code/{saved.json['id']}/execute", {"dataset_id": DATA})
    job = await finished(reply.json["backtest_id"], seconds=180)
    error = job["error"]
    assert (job["status"], error["code"]) == ("FAILED", "STRATEGY_ERROR")
    assert (error["file"], error["cell"], error["line"]) == ("bad.ipynb", 2, 4)
    assert error["bar_time"] == "2000-03-15T21:00:00Z"
    assert "division by zero" in error["message"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("        self.data.close[0]\n", "LOOK_AHEAD"),
        ("        self.buy(quantity=float('nan'))\n", "BAD_ORDER"),
        ("        raise SystemExit(3)\n", "STRATEGY_ERROR"),
    ],
)
async def test_bad_strategies_fail_with_their_line(run, body, code):
    job = await run(f"import alphintra as al\n\n\nclass A(al.Strategy):\n    def on_bar(self):\n{body}")
    assert job["status"] == "FAILED"
    assert job["error"]["code"] == code, job["error"]
    assert (job["error"]["file"], job["error"]["line"]) == ("s.py", 6)


async def test_indicators_that_never_become_defined(run):
    code = (
        "import alphintra as al\n\n\nclass A(al.Strategy):\n    def on_start(self):\n"
        "        self.ma = self.indicator(al.ta.SMA, self.data.close, 5000)\n\n"
        "    def on_bar(self):\n        self.buy(quantity=1)\n"
    )
    job = await run(code)
    assert (job["status"], job["error"]["code"]) == ("FAILED", "NEVER_READY"), job["error"]


@pytest.mark.parametrize(
    ("quantity", "reason"), [("10_000_000", "INSUFFICIENT_FUNDS"), ("0", "BELOW_MIN_QUANTITY")]
)
async def test_refused_orders_are_counted_not_fatal(api, run, quantity, reason):
    code = (
        "import alphintra as al\n\n\nclass A(al.Strategy):\n    def on_bar(self):\n"
        f"        self.buy(quantity={quantity})\n"
    )
    job = await run(code, start_date="2013-01-02")
    assert job["status"] == "COMPLETED", job["error"]
    assert job["metrics"]["total_trades"] == 0
    results = (await api("GET", f"/api/backtests/{job['id']}/results")).json
    assert reason in json.dumps(results["assumptions"])


class TestTimeLimit:
    @pytest.fixture
    def settings(self):
        return {"job_seconds": 3.0}

    async def test_a_strategy_that_never_ends(self, run):
        code = "import alphintra as al\n\n\nclass A(al.Strategy):\n    def on_bar(self):\n"
        job = await run(f"{code}        while True: pass\n")
        assert (job["status"], job["error"]["code"]) == ("FAILED", "TIME_LIMIT")


async def test_the_sandbox_holds(run, data_dir, workspace):
    """The server's database, its environment and the network are out of reach of a job."""
    code = f"""\
import os
import socket

import alphintra as al


class A(al.Strategy):
    def on_start(self):
        seen = []
        for path in ({str(data_dir)!r}, {str(workspace)!r}, "/etc/shadow", "/proc/1/environ"):
            try:
                seen.append(str(os.listdir(path) if os.path.isdir(path) else open(path).read()))
            except OSError:
                pass
        try:
            socket.create_connection(("127.0.0.1", 1), timeout=1)
        except OSError as error:
            print(type(error).__name__)
        print("seen", seen, sorted(os.environ))

    def on_bar(self):
        pass
"""
    job = await run(code)
    assert job["status"] == "COMPLETED", job["error"]
    if job["sandbox_level"] == "none":
        pytest.skip("this machine has no sandbox")
    text = "\n".join(job["log"])
    assert text.startswith("ConnectionRefusedError\nseen [")
    assert "JPY" not in text
    assert "TOKEN" not in text
    assert "alphintra.sqlite" not in text
    assert "s.py" not in text
