"""Methods over REST: what is refused before it is queued, what is kept, and comparing; with the small worker."""

import asyncio
import sys
import time

# What a comparison imports: where everything is busy this takes longer than a test waits for an answer.
import arch.bootstrap  # noqa: F401
import pytest
from alphintra_server.errors import Invalid
from alphintra_server.services import comparison

from .conftest import STRATEGY, TestIdentities

DATA = "us-equities-daily/AAPL"
CODE = STRATEGY.replace("    act =", "    shift = al.Param(0)\n    slow = al.Param(50, low=5, high=300)\n    act =")
GRID = {"fast": [5, 10], "slow": {"low": 20, "high": 40, "step": 10}}
WALK = {"grid": GRID, "train": "2Y", "test": "6M"}


@pytest.fixture
def execute(api, make_strategy):
    """Ask for a run of one strategy; gives the answer."""
    made = {}

    async def go(methodology="STANDARD", method=None, **body):
        if not made:
            made.update(await make_strategy(CODE))
        wanted = {"dataset_id": DATA, "methodology": methodology, "method": method, **body}
        return await api("POST", f"/api/strategies/code/{made['id']}/execute", wanted)

    return go


@pytest.fixture
def completed(execute, finished):
    async def go(*args, **body):
        reply = await execute(*args, **body)
        assert reply.status == 202, reply.json
        job = await finished(reply.json["backtest_id"])
        assert job["status"] == "COMPLETED", job["error"]
        return job

    return go


async def results(api, job):
    return (await api("GET", f"/api/backtests/{job['id']}/results", params={"view": "true"})).json


async def test_the_worker_gets_the_method_and_the_job_shows_it(api, completed):
    method = {"grid": GRID, "constraint": "fast < slow", "metric": "calmar_ratio", "search": "grid"}
    job = await completed("SWEEP", method, seed=4, profile="backtrader")
    whole = method | {"grid": {"fast": [5, 10], "slow": {"low": 20, "high": 40, "step": 10}},
                      "trials": None, "seed": None, "executor": "auto"}  # fmt: skip
    assert (job["methodology"], job["method"], job["profile"]) == ("SWEEP", whole, "backtrader")
    assert (job["has_study"], job["seed"]) == (True, 4)
    found = await results(api, job)
    sent = found["run"]["job"]
    assert (sent["methodology"], sent["method"], sent["trials"]) == ("SWEEP", whole, [])
    assert sent["configuration"]["profile"] == "backtrader"
    assert found["study"]["kind"] == "sweep"
    assert (found["trials"], found["earlier_trials"], found["earlier_trials_since"]) == (7, 0, None)


async def test_a_plain_run_has_no_study_and_knows_what_was_tried_before(api, completed):
    await completed("SWEEP", {"grid": GRID})
    job = await completed()
    assert (job["methodology"], job["method"], job["profile"], job["has_study"]) == ("STANDARD", None, "default", False)
    found = await results(api, job)
    assert (found["study"], found["trials"], found["earlier_trials"]) == (None, 1, 7)
    (told,) = found["run"]["job"]["trials"]
    assert (told["count"], told["sample"], told["spread"]) == (7, [13880, 13919, 39], [1, 0.1, 0.0])
    # Another strategy, or other data, has a count of its own.
    assert (await results(api, await completed(dataset_id="us-equities-daily/IBM")))["earlier_trials"] == 0


async def test_old_trials_are_told_as_one(api, completed, monkeypatch):
    monkeypatch.setattr("alphintra_server.jobs.earlier_trials.MOST_ENTRIES", 1)
    for methodology, method in (("SWEEP", {"grid": GRID}), ("STANDARD", None), ("STANDARD", None)):
        await completed(methodology, method)
    found = await results(api, await completed())
    assert found["earlier_trials"] == 9
    older, last = found["run"]["job"]["trials"]
    assert (older["count"], older["sample"], older["spread"]) == (8, None, [0, 0.0, 0.0])
    assert older["created_at"] <= last["created_at"]
    assert (last["count"], last["spread"]) == (1, [1, 0.1, 0.0])


async def test_the_seed_of_a_sweep_is_that_of_its_runs(completed):
    assert (await completed("SWEEP", {"grid": GRID, "seed": 9}, seed=4))["seed"] == 9


async def test_a_created_backtest_is_checked_against_its_code_when_it_runs(api, make_strategy):
    strategy = await make_strategy(CODE)
    body = {"strategy_id": strategy["id"], "dataset_id": DATA, "methodology": "SWEEP",
            "method": {"grid": {"fats": [1]}}}  # fmt: skip
    made = await api("POST", "/api/backtests", body)
    assert made.status == 201, made.json
    refused = await api("POST", f"/api/backtests/{made.json['id']}/run")
    assert (refused.status, refused.json["code"], field(refused)) == (422, "BAD_PARAMETER", "method.grid.fats")
    assert "did you mean 'fast'?" in refused.json["detail"]


def field(reply):
    return reply.json["errors"][0]["field"]


REFUSED = [
    ("STANDARD", {"grid": GRID}, "SCHEMA", "method", "null for STANDARD"),
    ("SWEEP", None, "SCHEMA", "method", "needs an object with its grid"),
    ("SWEEP", [], "SCHEMA", "method", "valid dictionary"),
    ("SWEEP", {}, "SCHEMA", "method.grid", "required"),
    ("SWEEPS", {"grid": GRID}, "SCHEMA", "methodology", "WALK_FORWARD"),
    ("SWEEP", {"grid": GRID, "train": 3}, "SCHEMA", "method.train", "no such field"),
    ("SWEEP", {"grid": {}}, "EMPTY_GRID", "method.grid", "nothing to vary"),
    ("SWEEP", {"grid": {"fast": []}}, "EMPTY_GRID", "method.grid.fast", "no values"),
    ("SWEEP", {"grid": {"fast": {"low": 9, "high": 5}}}, "EMPTY_GRID", "method.grid.fast", "no values"),
    ("SWEEP", {"grid": {"fast": {"low": 5, "high": 9, "step": 0}}}, "SCHEMA", "method.grid.fast.step",
     "greater than 0"),
    ("SWEEP", {"grid": {"fast": {"low": "5", "high": 9}}}, "SCHEMA", "method.grid.fast.low", "must be a number"),
    ("SWEEP", {"grid": {"fast": [[5]]}}, "SCHEMA", "method.grid.fast.0", "valid string"),
    ("SWEEP", {"grid": {"seconds": {"low": 0.1, "high": 0.5}}}, "BAD_PARAMETER", "method.grid.seconds",
     "needs a step"),
    # Ten million, as values of one parameter, as a product, and as what a constraint leaves.
    ("SWEEP", {"grid": {"shift": {"low": 1, "high": 10_000_000}}}, "GRID_TOO_LARGE", "method.grid",
     "10,000,000 combinations"),
    ("SWEEP", {"grid": {"shift": {"low": 1, "high": 100_000}, "fast": {"low": 1, "high": 100}}},
     "GRID_TOO_LARGE", "method.grid", "10,000,000 combinations"),
    ("SWEEP", {"grid": {"shift": {"low": 1, "high": 50_000}}}, "GRID_TOO_LARGE", "method.grid", "50,000 variants"),
    ("SWEEP", {"grid": {"shift": {"low": 1, "high": 50_000}}, "constraint": "shift > 9"}, "GRID_TOO_LARGE",
     "method.grid", "49,991 variants"),
    ("SWEEP", {"grid": GRID, "search": "random", "trials": 10_000_000}, "GRID_TOO_LARGE", "method.trials",
     "5,000"),
    ("SWEEP", {"grid": {"shift": list(range(20_000))}, "search": "random"}, "GRID_TOO_LARGE", "method.grid",
     "write ranges"),
    ("SWEEP", {"grid": GRID, "trials": 5}, "BAD_PARAMETER", "method.trials", "all of its variants"),
    ("SWEEP", {"grid": GRID, "search": "greedy"}, "SCHEMA", "method.search", "optuna"),
    ("SWEEP", {"grid": {"fats": [5]}}, "BAD_PARAMETER", "method.grid.fats", "did you mean 'fast'?"),
    ("SWEEP", {"grid": {"fast": [5, 101]}}, "BAD_PARAMETER", "method.grid.fast", "101 is above 100"),
    ("SWEEP", {"grid": {"fast": {"low": 1, "high": 50}}}, "BAD_PARAMETER", "method.grid.fast", "1 is below 2"),
    ("SWEEP", {"grid": {"fast": ["ten"]}}, "BAD_PARAMETER", "method.grid.fast", "whole number"),
    ("SWEEP", {"grid": GRID, "constraint": "fast > slow"}, "NOTHING_ALLOWED", "method.constraint",
     "excludes all 6 combinations"),
    ("SWEEP", {"grid": GRID, "constraint": "fast < slwo"}, "BAD_PARAMETER", "method.constraint", "slwo"),
    ("SWEEP", {"grid": GRID, "constraint": "__import__('os').getpid() > 1"}, "BAD_PARAMETER",
     "method.constraint", ""),
    ("SWEEP", {"grid": GRID, "metric": "sharp_ratio"}, "BAD_PARAMETER", "method.metric",
     "did you mean 'sharpe_ratio'?"),
    ("SWEEP", {"grid": GRID, "executor": "dask://127.0.0.1:8786"}, "EXECUTOR_NOT_ALLOWED", "method.executor",
     "own notebook"),
    ("WALK_FORWARD", {**WALK, "executor": "dask://h:1"}, "EXECUTOR_NOT_ALLOWED", "method.executor", ""),
    ("MONTE_CARLO", {"executor": "dask://h:1"}, "EXECUTOR_NOT_ALLOWED", "method.executor", ""),
    ("SWEEP", {"grid": GRID, "executor": "thread"}, "UNKNOWN_EXECUTOR", "method.executor",
     "did you mean 'threads'?"),
    ("WALK_FORWARD", {"grid": GRID, "train": "2Y"}, "SCHEMA", "method.test", "required"),
    ("WALK_FORWARD", {**WALK, "grid": {}}, "EMPTY_GRID", "method.grid", "nothing to vary"),
    ("WALK_FORWARD", {**WALK, "train": "20Y"}, "BAD_PARAMETER", "method.train", "longer than the data leaves"),
    ("WALK_FORWARD", {**WALK, "test": 5_000}, "BAD_PARAMETER", "method.test", "longer than the data leaves"),
    ("WALK_FORWARD", {**WALK, "train": "two years"}, "BAD_PARAMETER", "method.train", "no length of a window"),
    ("WALK_FORWARD", {**WALK, "train": 0}, "SCHEMA", "method.train", "greater than 0"),
    ("WALK_FORWARD", {**WALK, "step": "1M"}, "BAD_PARAMETER", "method.step", "overlap"),
    ("WALK_FORWARD", {**WALK, "purge": -1}, "SCHEMA", "method.purge", "greater than or equal to 0"),
    ("WALK_FORWARD", {**WALK, "anchored": "yes"}, "SCHEMA", "method.anchored", "boolean"),
    ("WALK_FORWARD", {**WALK, "grid": {"shift": {"low": 1, "high": 100}}, "train": 20, "test": 1},
     "GRID_TOO_LARGE", "method.step", "windows"),
    ("MONTE_CARLO", {"resample": "bars"}, "SCHEMA", "method.resample", "prices"),
    ("MONTE_CARLO", {"paths": 1}, "SCHEMA", "method.paths", "greater than or equal to 2"),
    ("MONTE_CARLO", {"paths": 10_000_000}, "TOO_MANY_PATHS", "method.paths", "20,000"),
    ("MONTE_CARLO", {"resample": "prices", "paths": 2_000}, "TOO_MANY_PATHS", "method.paths", "1,000"),
]  # fmt: skip


async def test_what_is_refused_before_it_is_queued(api, execute):
    wrong = []
    for methodology, method, code, place, text in REFUSED:
        reply = await execute(methodology, method)
        found = (reply.status, reply.json.get("code"), field(reply)) if reply.status >= 400 else reply.status
        if found != (422, code, place) or text not in reply.json["detail"]:
            wrong.append((methodology, method, reply.status, reply.json))
    assert wrong == []
    assert (await api("GET", "/api/backtests")).json["items"] == []


async def test_more_variants_than_fit_with_so_many_sessions(execute):
    # 4,500 variants on at most 5,217 weekdays are more than 20,000,000 returns, on the 3,435 of AAPL they are not.
    method = {"grid": {"shift": {"low": 1, "high": 4_500}}}
    reply = await execute("SWEEP", method, dataset_id="us-indices-daily/SP500")
    assert (reply.status, reply.json["code"], field(reply)) == (422, "GRID_TOO_LARGE", "method.grid")
    assert "keeps the returns of 3,8" in reply.json["detail"]
    assert (await execute("SWEEP", method)).status == 202


async def test_an_unknown_profile_names_those_there_are(execute):
    reply = await execute(profile="zipline")
    assert (reply.status, reply.json["code"], field(reply)) == (422, "BAD_RULE", "profile")
    assert "backtesting.py" in reply.json["detail"]


async def test_a_rule_that_the_profile_does_not_take(execute):
    reply = await execute(profile="backtesting.py", rules={"max_share": 0.1})
    assert (reply.status, field(reply)) == (422, "rules.max_share")


async def test_monte_carlo_needs_no_settings(completed):
    job = await completed("MONTE_CARLO")
    assert job["method"] == {"resample": "returns", "paths": None, "seed": None, "executor": "auto"}


@pytest.mark.parametrize(
    ("act", "text"),
    [("bad_study", "study.json: sections.0.blocks.0.type"), ("bad_trials", "trials.json: count"),
     ("bad_sessions", "sessions.json: : Value error, days must rise")],
)  # fmt: skip
async def test_what_a_worker_writes_is_checked(execute, finished, act, text):
    reply = await execute("SWEEP", {"grid": GRID}, parameters={"act": act})
    job = await finished(reply.json["backtest_id"])
    assert (job["status"], job["error"]["code"]) == ("FAILED", "BAD_OUTPUT")
    assert text in job["error"]["message"]


# Comparing ----------------------------------------------------------------------------------------------------


async def test_comparing_puts_runs_side_by_side(api, completed):
    first = await completed(name="One", parameters={"fast": 10})
    second = await completed("SWEEP", {"grid": GRID}, name="Two", parameters={"fast": 20, "shift": 10})
    body = {"ids": [first["id"], second["id"]]}
    reply = await api("POST", "/api/backtests/compare", body)
    assert reply.status == 200, reply.json
    found = reply.json
    assert (found["ids"], found["names"]) == (body["ids"], ["One", "Two"])
    # 40 days each, the second ten later: 30 in common, so 29 returns.
    assert (found["sessions"], found["dropped_sessions"]) == (29, {"One": 10, "Two": 10})
    assert (found["start"], found["end"]) == ("2008-01-12", "2008-02-10")
    # On day i of its own the account is at 1.001 ** (i² mod 7): days 10 and 39 of one, 0 and 29 of the other.
    powers = {"One": (10 * 10 % 7, 39 * 39 % 7), "Two": (0, 29 * 29 % 7)}
    for name, (start, end) in powers.items():
        assert found["metrics"]["One" if name == "One" else "Two"]["total_return"] == pytest.approx(
            1.001 ** (end - start) - 1
        )
    assert found["own_metrics"]["One"]["total_return"] == 0.25
    assert found["settings"]["methodology"] == {"One": "STANDARD", "Two": "SWEEP"}
    assert found["settings"]["parameter fast"] == {"One": 10, "Two": 20}
    assert found["study"]["kind"] == "comparison"
    assert {item["run"] for item in found["differences"]} == {"Two"}
    named = await api("POST", "/api/backtests/compare", {**body, "names": ["a", "b"], "seed": 3})
    assert (named.json["names"], named.json["seed"]) == (["a", "b"], 3)
    # Nothing is stored, and nothing but a reader's permission is needed.
    assert (await api("GET", "/api/backtests")).json["_pagination"]["total"] == 2


async def test_runs_without_common_dates(api, completed):
    jobs = [await completed(parameters={"shift": shift}) for shift in (0, 500)]
    reply = await api("POST", "/api/backtests/compare", {"ids": [job["id"] for job in jobs]})
    assert (reply.status, reply.json["code"], field(reply)) == (422, "NO_COMMON_DATES", "ids")
    assert "2008-01-02 to 2008-02-10" in reply.json["detail"]


@pytest.mark.parametrize(
    ("body", "place", "text"),
    [
        ({}, "ids", "required"),
        ({"ids": ["a"]}, "ids", "at least 2"),
        ({"ids": [str(i) for i in range(21)]}, "ids", "at most 20"),
        ({"ids": ["a", "a"]}, "ids", "in it twice"),
        ({"ids": ["a", "b"], "names": ["x"]}, "names", "1 names for 2 backtests"),
        ({"ids": ["a", "b"], "names": ["x", "x"]}, "names", "in it twice"),
        ({"ids": ["a", "b"], "seed": -1}, "seed", "greater than or equal to 0"),
        ({"ids": ["a", "b"], "more": 1}, "more", "no such field"),
    ],
)
async def test_a_comparison_that_cannot_be(api, body, place, text):
    reply = await api("POST", "/api/backtests/compare", body)
    assert (reply.status, field(reply)) == (422, place), reply.json
    assert text in reply.json["detail"]


async def test_an_unfinished_backtest_is_named(api, completed, make_strategy):
    done = await completed()
    strategy = await make_strategy()
    body = {"strategy_id": strategy["id"], "dataset_id": DATA, "name": "Waiting"}
    waiting = (await api("POST", "/api/backtests", body)).json
    reply = await api("POST", "/api/backtests/compare", {"ids": [done["id"], waiting["id"]]})
    assert (reply.status, reply.json["code"], reply.json["id"]) == (409, "NOT_COMPLETED", waiting["id"])
    assert "'Waiting'" in reply.json["detail"]


async def test_a_backtest_from_before_there_were_comparisons(api, completed):
    jobs = [await completed(parameters={"act": act}) for act in ("finish", "old_worker")]
    reply = await api("POST", "/api/backtests/compare", {"ids": [job["id"] for job in jobs]})
    assert (reply.status, reply.json["code"], reply.json["id"]) == (409, "NOT_COMPARABLE", jobs[1]["id"])


async def test_an_account_that_is_at_zero_from_the_start(api, completed):
    jobs = [await completed(parameters={"act": act}) for act in ("finish", "ruined")]
    reply = await api("POST", "/api/backtests/compare", {"ids": [job["id"] for job in jobs]})
    assert (reply.status, reply.json["code"]) == (409, "NOT_COMPARABLE")


async def test_comparing_does_not_hold_up_other_requests(api, completed, monkeypatch):
    jobs = [await completed(name=name) for name in ("a", "b")]
    comparing = asyncio.ensure_future(api("POST", "/api/backtests/compare", {"ids": [job["id"] for job in jobs]}))
    order = []
    comparing.add_done_callback(lambda _: order.append("compared"))
    await asyncio.sleep(0)
    assert (await api("GET", "/health")).status == 200
    order.append("answered")
    assert (await comparing).status == 200
    assert order == ["answered", "compared"]


class Watch:
    """A clock that a test moves: by ``step`` when it is read, and by an hour when a part of ``arch`` is loaded."""

    def __init__(self, step=0.0):
        self.now, self.step, self.loaded = 0.0, step, []

    def thread_time(self):
        self.now += self.step
        return self.now

    def find_spec(self, name, path=None, target=None):
        if name.startswith("arch."):
            self.loaded.append(name)
            self.now += 3600.0


async def test_loading_libraries_takes_nothing_from_the_time_of_a_comparison(api, completed, monkeypatch):
    jobs = [await completed(name=name) for name in ("a", "b")]
    watch = Watch()
    monkeypatch.setattr(comparison, "time", watch)
    monkeypatch.setattr(sys, "meta_path", [watch, *sys.meta_path])
    monkeypatch.delitem(sys.modules, "arch.bootstrap")
    reply = await api("POST", "/api/backtests/compare", {"ids": [job["id"] for job in jobs]})
    assert reply.status == 200, reply.json
    assert watch.loaded == ["arch.bootstrap"]


async def test_a_comparison_that_is_too_much_work_is_refused(api, completed, monkeypatch):
    jobs = [await completed(name=name) for name in ("a", "b")]
    # Looked at once every 50 of 1,000 resamples: at the first one, and twice afterwards.
    monkeypatch.setattr(comparison, "time", Watch(comparison.SECONDS * 0.6))
    reply = await api("POST", "/api/backtests/compare", {"ids": [job["id"] for job in jobs]})
    assert (reply.status, reply.json["code"], field(reply)) == (422, "TOO_LONG", "ids")
    assert "more than 20 seconds of a processor (10% was done)" in reply.json["detail"]


def test_waiting_for_a_processor_takes_nothing_from_the_time_of_a_comparison():
    allowance = comparison.Allowance(0.2)
    allowance(0.0, "")
    time.sleep(0.3)
    allowance(0.5, "")
    started = time.thread_time()
    while time.thread_time() <= started + 0.2:
        pass
    with pytest.raises(Invalid) as caught:
        allowance(0.9, "")
    assert caught.value.code == "TOO_LONG"


class TestOwners:
    """With users of their own."""

    @pytest.fixture
    def identities(self):
        return TestIdentities

    async def test_anothers_backtest_is_as_absent_as_none(self, api, finished):
        made = await api(
            "POST", "/api/strategies/code/create", {"name": "S", "code": STRATEGY}, user="alice:trader"
        )
        path = f"/api/strategies/code/{made.json['id']}/execute"
        ids = []
        for _ in range(2):
            reply = await api("POST", path, {"dataset_id": DATA}, user="alice:trader")
            ids.append(reply.json["backtest_id"])
            await finished(ids[-1], user="alice:trader")
        compare = "/api/backtests/compare"
        assert (await api("POST", compare, {"ids": ids}, user="alice:viewer")).status == 200
        foreign = await api("POST", compare, {"ids": ids}, user="mallory:admin")
        absent = await api("POST", compare, {"ids": ["0" * 32, "1" * 32]}, user="mallory:admin")
        assert (foreign.status, absent.status) == (404, 404)
        assert foreign.json["detail"].replace(ids[0], "ID") == absent.json["detail"].replace("0" * 32, "ID")
