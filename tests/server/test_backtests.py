"""Backtests over REST, with a real worker process in the real sandbox."""

import asyncio
import time

import alphintra as al
import pytest
from alphintra.costs import commission_of, slippage_of
from alphintra_kernel.levels import LEVELS

DATA = "us-equities-daily/AAPL"


@pytest.fixture
def completed(execute, finished):
    async def run(**body):
        job = await finished((await execute(**body)).json["backtest_id"])
        assert job["status"] == "COMPLETED", job["error"]
        return job

    return run


async def test_execute_runs_the_stored_code_to_its_results(api, execute, finished):
    reply = await execute(commission="0.001", start_date="2005-01-03", name="Mine")
    assert set(reply.json) == {"backtest_id", "job_id", "status"}
    assert reply.headers["Location"] == f"/a%40b/api/backtests/{reply.json['backtest_id']}"
    job = await finished(reply.json["backtest_id"])
    assert job["status"] == "COMPLETED", job["error"]
    assert job["name"] == "Mine"
    assert job["dataset_name"] == DATA
    assert job["symbols"] == ["AAPL"]
    assert job["strategy_name"] == "SMA"
    assert job["class_name"] == "SmaCross"
    assert job["user_id"] == "local"
    assert job["start_date"] == "2005-01-03T00:00:00Z"
    assert job["end_date"] == "2013-03-01T00:00:00Z"
    assert job["initial_capital"] == "100000"
    assert job["commission"] == "0.001"
    assert job["slippage"] == "0"
    assert job["methodology"] == "STANDARD"
    assert job["metrics"] == {
        "total_return": 0.25,
        "sharpe_ratio": 0.75,
        "max_drawdown": -0.5,
        "total_trades": 2,
    }
    assert len(job["sparkline"]) == 40
    assert job["sparkline"][0] == 100000.0
    assert job["sparkline"][-1] == 100099.0
    assert job["warnings"] == ["costs: none"]
    assert job["log"] == ["act finish red  line"]
    assert job["attempt"] == 1
    assert job["completed_at"] >= job["started_at"] >= job["created_at"]


async def test_worker_gets_the_stored_version_and_the_configuration(api, completed):
    job = await completed(
        start_date="2005-01-03",
        end_date="2010-01-04",
        initial_capital=50000,
        slippage=0.0005,
        seed=7,
        risk_free_rate=0.02,
        rules={"max_share": None, "cash_buffer": 0.01},
        parameters={"fast": 30},
    )
    run = (await api("GET", f"/api/backtests/{job['id']}/results")).json["run"]
    sent = run["job"]
    assert sent["source"] == {"file": "strategy.py", "class_name": "SmaCross", "modules": []}
    assert sent["data"] == {"name": DATA}
    assert sent["parameters"] == {"act": "finish", "fast": 30}
    assert sent["configuration"] == {
        "start": "2005-01-03",
        "end": "2010-01-04",
        "cash": 50000.0,
        "commission": 0.0,
        "slippage": 0.0005,
        "profile": "default",
        "benchmark": None,
        "seed": 7,
        "risk_free_rate": 0.02,
        "rules": {"max_share": None, "cash_buffer": 0.01},
    }
    # The worker said 99: what the server knows for itself it does not take from there.
    assert run["seed"] == 7
    assert run["strategy_version"] == 1


async def test_results_are_the_plans_model_with_exact_decimals(api, completed):
    job = await completed()
    reply = await api("GET", f"/api/backtests/{job['id']}/results")
    assert reply.status == 200
    result = reply.json
    assert result["backtest_id"] == job["id"]
    assert result["total_return"] == "0.25"
    assert result["annualized_return"] == "0.02"
    assert result["max_drawdown"] == "-0.5"
    assert result["final_equity"] == "125000.0"
    assert result["sharpe_ratio"] == 0.75
    assert result["total_trades"] == 2
    assert result["longest_losing_streak"] == 1
    assert result["sortino_ratio"] is None
    assert result["undefined"] == {"sortino_ratio": "no losing session"}
    assert result["assumptions"][0]["text"] == "costs: none"
    assert result["view"] is None
    viewed = await api("GET", f"/api/backtests/{job['id']}/results", params={"view": "true"})
    assert viewed.json["view"]["version"] == 1
    assert len(viewed.json["view"]["charts"]["curve"]["equity"]) == 100


async def test_costs_are_terms_too(api, completed):
    terms = {"per_share": "0.005", "minimum": 1, "tiers": [[10000, "0.002"], [None, 0.001]]}
    job = await completed(commission=terms, slippage={"spread": 0.02})
    assert job["commission"] == {
        "percent": "0", "per_share": "0.005", "minimum": "1", "maximum": None, "fixed": "0",
        "maker": None, "taker": None, "tiers": [["10000", "0.002"], [None, "0.001"]], "maximum_percent": None,
    }  # fmt: skip
    assert job["slippage"] == {"percent": "0", "fixed": "0", "spread": "0.02", "volume_share": "0"}
    sent = (await api("GET", f"/api/backtests/{job['id']}/results")).json["run"]["job"]["configuration"]
    read = commission_of(sent["commission"])
    assert read == al.Commission(per_share=0.005, minimum=1.0, tiers=((10_000.0, 0.002), (None, 0.001)))
    assert slippage_of(sent["slippage"]) == al.Slippage(spread=0.02)
    # A reply's terms are a request's.
    again = await completed(commission=job["commission"], slippage={"percent": "0.0005"})
    assert (again["commission"], again["slippage"]) == (job["commission"], "0.0005")


async def test_trades_are_paged_filtered_and_sorted_as_numbers(api, completed):
    job = await completed()
    path = f"/api/backtests/{job['id']}/trades"
    reply = await api("GET", path)
    assert reply.json["_pagination"] == {"limit": 50, "offset": 0, "total": 3, "next": None}
    first = reply.json["items"][0]
    assert first == {
        "id": "1",
        "backtest_id": job["id"],
        "symbol": "AAPL",
        "side": "BUY",
        "quantity": "100.0",
        "entry_price": "0.1",
        "exit_price": "31.25",
        "entry_time": "2008-09-15T13:30:00Z",
        "exit_time": "2008-10-15T13:30:00Z",
        "pnl": "3115.0",
        "commission": "0.3",
        "exit_reason": "SIGNAL",
        "return": 0.5,
        "bars": 21,
        "mae": -0.1,
        "mfe": 0.6,
        "open": False,
    }
    assert reply.json["items"][1]["exit_price"] is None
    by_pnl = await api("GET", path, params={"sort": "pnl", "order": "desc"})
    assert [item["pnl"] for item in by_pnl.json["items"]] == ["3115.0", "-900.25", None]
    rising = await api("GET", path, params={"sort": "pnl"})
    assert [item["id"] for item in rising.json["items"]] == ["3", "1", "2"]
    ibm = await api("GET", path, params={"symbol": "IBM"})
    assert [item["id"] for item in ibm.json["items"]] == ["3"]
    second = await api("GET", path, params={"limit": 1, "offset": 1})
    assert second.json["items"][0]["id"] == "2"
    assert second.json["_pagination"]["next"].endswith("/trades?limit=1&offset=2")


async def test_report_is_sealed_html(api, completed):
    job = await completed()
    reply = await api("GET", f"/api/backtests/{job['id']}/report")
    assert reply.status == 200
    assert reply.kind == "text/html; charset=UTF-8"
    assert reply.json.startswith(b"<!doctype html>")
    assert reply.headers["Content-Security-Policy"] == (
        "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; "
        "style-src 'unsafe-inline'; img-src data: blob:"
    )
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


async def test_create_then_run_once(api, make_strategy, finished):
    strategy = await make_strategy()
    made = await api("POST", "/api/backtests", {"strategy_id": strategy["id"], "dataset_id": DATA})
    assert made.status == 201
    assert made.headers["Location"].endswith(f"/api/backtests/{made.json['id']}")
    assert (made.json["status"], made.json["phase"]) == ("PENDING", "created")
    path = f"/api/backtests/{made.json['id']}"
    for part in ("results", "trades", "report"):
        early = await api("GET", f"{path}/{part}")
        assert (early.status, early.json["code"]) == (409, "NOT_COMPLETED")
        assert early.json["detail"] == f"{made.json['name']!r} has no results: it is created."
    run = await api("POST", f"{path}/run")
    assert run.status == 202
    assert run.json["backtest_id"] == made.json["id"]
    again = await api("POST", f"{path}/run")
    assert (again.status, again.json["code"]) == (409, "ALREADY_STARTED")
    assert (await finished(made.json["id"]))["status"] == "COMPLETED"
    after = await api("POST", f"{path}/run")
    assert (after.status, after.json["state"]) == (409, "COMPLETED")
    late = await api("POST", f"{path}/cancel")
    assert (late.status, late.json["code"]) == (409, "ALREADY_FINISHED")


async def test_dataset_by_id_or_name_and_all_symbols(api, make_strategy):
    strategy = await make_strategy()
    dataset = (await api("GET", "/api/datasets/us-equities-daily")).json
    body = {"strategy_id": strategy["id"]}
    by_id = await api("POST", "/api/backtests", body | {"dataset_id": dataset["id"]})
    assert by_id.json["dataset_name"] == "us-equities-daily"
    assert by_id.json["symbols"] == ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
    by_both = await api("POST", "/api/backtests", body | {"dataset_id": f"{dataset['id']}/IBM,AAPL"})
    assert by_both.json["dataset_name"] == "us-equities-daily/IBM,AAPL"
    assert by_both.json["dataset_id"] == dataset["id"]


async def test_newest_first_and_filters(api, make_strategy):
    strategy, other = await make_strategy(), await make_strategy()
    ids = []
    for owner in (strategy, strategy, other):
        body = {"strategy_id": owner["id"], "dataset_id": DATA}
        ids.append((await api("POST", "/api/backtests", body)).json["id"])
    listed = await api("GET", "/api/backtests")
    assert [item["id"] for item in listed.json["items"]] == ids[::-1]
    own = await api("GET", "/api/backtests", params={"strategy_id": strategy["id"]})
    assert [item["id"] for item in own.json["items"]] == ids[1::-1]
    none = await api("GET", "/api/backtests", params={"status": "RUNNING"})
    assert none.json["_pagination"]["total"] == 0
    page = await api("GET", "/api/backtests", params={"limit": 2, "strategy_id": strategy["id"]})
    assert page.json["_pagination"]["next"] is None
    page = await api("GET", "/api/backtests", params={"limit": 1, "strategy_id": strategy["id"]})
    assert page.json["_pagination"]["next"] == (
        f"/a%40b/api/backtests?limit=1&strategy_id={strategy['id']}&offset=1"
    )


async def test_the_noise_of_floats_is_shown_with_all_its_digits(api, execute, finished):
    job = await finished((await execute("noise")).json["backtest_id"])
    assert job["status"] == "COMPLETED"
    reply = await api("GET", f"/api/backtests/{job['id']}/trades", params={"symbol": "IBM"})
    assert [item["pnl"] for item in reply.json["items"]] == ["-0.0000000000000017763568394002505"]
    found = await api("GET", f"/api/backtests/{job['id']}/results")
    assert found.json["final_equity"] == "125" + 33 * "0"


async def test_cancel_ends_a_running_job_soon(api, execute, finished):
    started = (await execute("sleep")).json
    path = f"/api/backtests/{started['backtest_id']}"
    end = time.monotonic() + 180
    while (job := (await api("GET", path)).json)["phase"] != "running":
        assert time.monotonic() < end, job
        await asyncio.sleep(0.02)
    # Its worker's first word may have been written by now.
    assert (job["status"], job["progress"]["fraction"] in (0.0, 0.4)) == ("RUNNING", True), job
    assert job["sandbox_level"] in LEVELS
    reply = await api("POST", f"{path}/cancel")
    assert (reply.status, reply.json["status"]) == (202, "RUNNING")
    job = await finished(started["backtest_id"])
    assert (job["status"], job["phase"]) == ("CANCELLED", "cancelled")
    assert (await api("GET", f"{path}/results")).status == 409


async def test_cancel_takes_a_waiting_job_out_of_the_queue(api, make_strategy):
    strategy = await make_strategy()
    made = await api("POST", "/api/backtests", {"strategy_id": strategy["id"], "dataset_id": DATA})
    reply = await api("POST", f"/api/backtests/{made.json['id']}/cancel")
    assert (reply.status, reply.json["status"]) == (202, "CANCELLED")
    assert (await api("POST", f"/api/backtests/{made.json['id']}/run")).status == 409


async def test_two_at_once_and_the_third_waits(api, execute, finished):
    started = [(await execute("sleep")).json["backtest_id"] for _ in range(3)]
    end, states = time.monotonic() + 180, []
    while states != ["RUNNING", "RUNNING", "PENDING"]:
        assert time.monotonic() < end, states
        await asyncio.sleep(0.02)
        states = [(await api("GET", f"/api/backtests/{item}")).json["status"] for item in started]
    await asyncio.sleep(0.3)
    assert (await api("GET", f"/api/backtests/{started[2]}")).json["phase"] == "queued"
    await api("POST", f"/api/backtests/{started[0]}/cancel")
    end = time.monotonic() + 180
    while (third := (await api("GET", f"/api/backtests/{started[2]}")).json)["status"] != "RUNNING":
        assert time.monotonic() < end, third
        await asyncio.sleep(0.02)
    for item in started[1:]:
        await api("POST", f"/api/backtests/{item}/cancel")
        assert (await finished(item))["status"] == "CANCELLED"


class TestLimits:
    @pytest.fixture
    def settings(self):
        return {"job_seconds": 1.0}

    async def test_a_job_that_never_ends_is_stopped(self, execute, finished):
        job = await finished((await execute("sleep")).json["backtest_id"])
        assert job["status"] == "FAILED"
        assert job["error"]["code"] == "TIME_LIMIT"
        told = "The job was stopped after 1 seconds (job_seconds). It had reached the bar of 2008-09-15T20:00:00Z."
        assert job["error"]["message"] == told


class TestQueue:
    @pytest.fixture
    def settings(self):
        return {"max_queued": 2, "max_jobs": 1}

    async def test_a_full_queue_is_429_and_leaves_nothing(self, api, execute, make_strategy):
        strategy = await make_strategy()
        path = f"/api/strategies/code/{strategy['id']}/execute"
        body = {"dataset_id": DATA, "parameters": {"act": "sleep"}}
        replies = [await api("POST", path, body) for _ in range(6)]
        refused = [reply for reply in replies if reply.status == 429]
        assert len(refused) >= 3
        assert refused[0].json["code"] == "QUEUE_FULL"
        assert refused[0].headers["Retry-After"] == "30"
        listed = await api("GET", "/api/backtests")
        assert listed.json["_pagination"]["total"] == 6 - len(refused)


class TestDefaults:
    @pytest.fixture
    def settings(self):
        return {
            "default_dataset": "us-indices-daily",
            "default_cash": 25_000.0,
            "default_commission": 0.002,
            "default_slippage": 0.0001,
        }

    async def test_what_a_body_leaves_open_comes_from_the_settings(self, api, make_strategy):
        strategy = await make_strategy()
        reply = await api("POST", f"/api/strategies/code/{strategy['id']}/execute", {})
        assert reply.status == 202, reply.json
        job = (await api("GET", f"/api/backtests/{reply.json['backtest_id']}")).json
        assert job["dataset_name"] == "us-indices-daily"
        assert job["initial_capital"] == "25000"
        assert job["commission"] == "0.002"
        assert job["slippage"] == "0.0001"
