"""Backtests over REST, with a real worker process in the real sandbox."""


async def test_execute_runs_the_stored_code_to_its_results(api, worker, make_strategy, finished):
    strategy = await make_strategy()
    reply = await api(
        "POST",
        f"/api/strategies/code/{strategy['id']}/execute",
        {"dataset_id": "us-equities-daily/AAPL", "commission": "0.001", "start_date": "2005-01-03"},
    )
    assert reply.status == 202, reply.json
    assert set(reply.json) == {"backtest_id", "job_id", "status"}
    assert reply.headers["Location"].endswith(f"/api/backtests/{reply.json['backtest_id']}")
    job = await finished(reply.json["backtest_id"])
    assert job["status"] == "COMPLETED", job["error"]
    assert job["metrics"] == {
        "total_return": 0.25,
        "sharpe_ratio": 0.75,
        "max_drawdown": -0.5,
        "total_trades": 2,
    }
    results = await api("GET", f"/api/backtests/{job['id']}/results")
    assert results.json["total_return"] == "0.25"
    assert results.json["final_equity"] == "125000.0"
