"""Backtests that fail: by the strategy's error, which is told with its place, and by a worker that is not trusted."""

import html
import re

import pytest

from .attempts import until


async def test_error_of_the_strategy_is_shown_with_its_place(execute, finished):
    job = await finished((await execute("error")).json["backtest_id"])
    assert job["status"] == "FAILED"
    assert job["error"] == {
        "code": "STRATEGY_ERROR",
        "message": "boom",
        "file": "strategy.py",
        "line": 4,
        "cell": None,
        "step": None,
        "bar_time": "2008-09-15T20:00:00Z",
        "traceback": None,
        "run": None,
    }


DATA = "us-equities-daily/AAPL"
HOSTILE = """import alphintra as al
class SmaCross(al.Strategy):
    fast = al.Param(10)
    act = al.Param("</details><script>alert(3)</script>")
    def on_bar(self): pass  # </pre><b>
"""


async def test_the_report_of_a_failed_run_says_which_one_and_what_stands_at_its_bar(api, finished, make_strategy):
    strategy = await make_strategy(HOSTILE, name="<i>Mine</i>")
    method = {"methodology": "WALK_FORWARD", "method": {"grid": {"fast": [7, 8]}, "train": "2Y", "test": "1Y"}}
    body = {"dataset_id": DATA, "parameters": {"act": "error_of_many"}, "commission": "0.001", "seed": 3, **method}
    reply = await api("POST", f"/api/strategies/code/{strategy['id']}/execute", body)
    job = await finished(reply.json["backtest_id"])
    which = {"window": 2, "part": "training", "start": "2005-01-03", "end": "2008-12-31"}
    assert job["error"]["run"] == {"parameters": {"act": "error_of_many", "fast": 7}, **which}
    reply = await api("GET", f"/api/backtests/{job['id']}/report")
    assert (reply.status, reply.kind) == (200, "text/html; charset=UTF-8")
    assert reply.headers["Content-Security-Policy"].startswith("sandbox allow-scripts; default-src 'none'; ")
    page = reply.json.decode()
    assert not re.search("<script|<img|<i>M|</pre><b>", page)
    assert "<h1>&lt;i&gt;Mine&lt;/i&gt;</h1>" in page
    assert "<b>&lt;script&gt;alert(1)&lt;/script&gt;</b>" in page
    told = "in the training of window 2 (2005-01-03 to 2008-12-31) with act='error_of_many', fast=7"
    assert html.escape(f"strategy.py, line 5, at the bar of 2008-09-15 20:00 UTC, {told}") in page
    assert "<mark>    5      def on_bar(self): pass  # &lt;/pre&gt;&lt;b&gt;</mark>" in page
    assert "&lt;/pre&gt;&lt;img src=x onerror=alert(2)&gt;" in page
    call = """import alphintra as al

al.replay(
    SmaCross,
    data='us-equities-daily/AAPL',
    at='2008-09-15 20:00',
    start='2005-01-03',
    end='2008-12-31',
    cash=100000.0,
    commission=0.001,
    seed=3,
    params={'act': 'error_of_many', 'fast': 7},
)"""
    assert f"<pre>{html.escape(call)}</pre>" in page
    # What is no such run is not believed; why the job failed is told all the same, and there is no bar to stand at.
    body["parameters"]["odd"] = 1
    odd = await make_strategy(HOSTILE.replace("    fast", "    odd = al.Param(0)\n    fast"))
    reply = await api("POST", f"/api/strategies/code/{odd['id']}/execute", body)
    job = await finished(reply.json["backtest_id"])
    assert (job["error"]["code"], job["error"]["run"]) == ("STRATEGY_ERROR", None)
    page = (await api("GET", f"/api/backtests/{job['id']}/report")).json.decode()
    assert "al.replay(" not in page and "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    ("act", "code"),
    [
        ("die", "WORKER_DIED"),
        ("nonsense", "PROTOCOL"),
        ("long_line", "OUTPUT_LIMIT"),
        ("flood", "OUTPUT_LIMIT"),
        ("nan", "BAD_OUTPUT"),
        ("forged_hash", "BAD_OUTPUT"),
        ("foreign_file", "PROTOCOL"),
        ("missing_file", "BAD_OUTPUT"),
        ("link", "BAD_OUTPUT"),
        ("fifo", "BAD_OUTPUT"),
        ("hard_link", "BAD_OUTPUT"),
        ("huge", "BAD_OUTPUT"),
        ("endless_number", "BAD_OUTPUT"),
        ("endless_zero", "BAD_OUTPUT"),
        ("infinite", "BAD_OUTPUT"),
        ("long_integer", "BAD_OUTPUT"),
        ("deep", "BAD_OUTPUT"),
        ("half_character", "BAD_OUTPUT"),
        ("untold_assumption", "BAD_OUTPUT"),
        ("odd_level", "BAD_OUTPUT"),
        ("nul", "BAD_OUTPUT"),
        ("long_name", "BAD_OUTPUT"),
        ("far_time", "BAD_OUTPUT"),
    ],
)
async def test_what_a_worker_says_is_not_trusted(api, execute, finished, data_dir, act, code):
    job = await finished((await execute(act)).json["backtest_id"])
    assert (job["status"], job["error"]["code"]) == ("FAILED", code)
    assert len(job["error"]["message"]) < 500
    assert (await api("GET", f"/api/backtests/{job['id']}/results")).status == 409
    assert (await api("GET", "/api/backtests")).status == 200
    assert job["metrics"] is None
    # Nothing of the attempt is left once it has been settled.
    await until(lambda: not list((data_dir / "jobs").iterdir()))
