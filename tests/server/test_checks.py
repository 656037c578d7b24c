"""Checks of strategies over REST: with the small worker what the server believes, with the engine's a whole life."""

import asyncio
import time

import pytest
from alphintra_server.services import check_triggers

from .conftest import TestIdentities

DATA = "us-equities-daily/AAPL"
SHORT = "us-equities-daily/FB"  # listed in May 2012: 197 sessions
BODY = {"dataset_id": DATA, "checks": ["total_trades > 1"]}


@pytest.fixture
def path():
    return lambda strategy, rest="": f"/api/strategies/code/{strategy['id']}/checks{rest}"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(check_triggers, "POLL_SECONDS", 0.05)


@pytest.fixture
def ended(api, path):
    """Wait until a strategy has so many runs that have ended; give them, newest first."""

    async def wait(strategy, count, *, seconds=240):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            reply = await api("GET", path(strategy, "/runs"))
            runs = reply.json["items"]
            if len([r for r in runs if r["status"] in {"COMPLETED", "FAILED", "CANCELLED"}]) >= count:
                return runs
            await asyncio.sleep(0.05)
        raise AssertionError(runs)

    return wait


@pytest.fixture
def run(api, path, ended):
    """Set what the small worker does, run the checks, and give the run."""

    async def go(strategy, act, count):
        body = BODY | {"settings": {"parameters": {"act": act}}}
        assert (await api("PUT", path(strategy), body)).status == 200
        reply = await api("POST", path(strategy, "/run"))
        assert reply.status == 202, reply.json
        runs = await ended(strategy, count)
        assert runs[0]["id"] == reply.json["run_id"]
        return runs[0]

    return go


async def test_before_anything_is_set_the_defaults_are_shown(api, make_strategy, path):
    strategy = await make_strategy()
    reply = await api("GET", path(strategy))
    assert (reply.status, reply.headers["ETag"]) == (200, '"0"')
    assert (reply.json["configured"], reply.json["checks"], reply.json["last_run"]) == (False, None, None)
    assert (reply.json["dataset_id"], reply.json["on_save"], reply.json["schedule"]) == (DATA, False, None)
    refused = await api("POST", path(strategy, "/run"))
    assert (refused.status, refused.json["code"]) == (409, "NO_CHECKS")


async def test_what_is_put_is_what_is_read(api, make_strategy, path):
    strategy = await make_strategy()
    body = BODY | {
        "checks": [" sharpe_ratio>=0.8", "max_drawdown > -20 %", "no look-ahead", "same fills"],
        "settings": {"commission": {"per_share": "0.005"}, "rules": {"max_share": 0.1}, "seed": 7},
        "on_save": True, "on_dataset": True, "schedule": "weekly", "at": "06:30", "weekday": "friday",
    }  # fmt: skip
    reply = await api("PUT", path(strategy), body)
    assert reply.status == 200, reply.json
    assert reply.json["checks"][0] == "sharpe_ratio>=0.8"
    assert reply.json["settings"]["commission"]["per_share"] == "0.005"
    for name in ("on_save", "on_dataset", "schedule", "at", "weekday", "dataset_id"):
        assert reply.json[name] == body[name]
    assert reply.json["next_due"][10:16] == "T06:30"
    assert (await api("GET", path(strategy))).json == reply.json
    again = await api("PUT", path(strategy), {name: reply.json[name] for name in body})
    assert (again.status, again.json["settings"]) == (200, reply.json["settings"])
    stale = await api("PUT", path(strategy), BODY, headers={"If-Match": '"0"'})
    assert (stale.status, stale.json["revision"]) == (412, 2)
    fresh = await api("PUT", path(strategy), BODY, headers={"If-Match": '"2"'})
    assert (fresh.status, fresh.headers["ETag"], fresh.json["on_save"]) == (200, '"3"', False)


REFUSED = [
    ({"checks": ["sharp_ratio > 1"]}, "checks", "checks[0]: there is no metric 'sharp_ratio'; did you mean"),
    ({"checks": ["sharpe_ratio > 1; import os"]}, "checks", "is no check"),
    ({"checks": []}, "checks", "at least 1 item"),
    ({"checks": "same fills"}, "checks", "valid list"),
    ({"dataset_id": "no-such"}, "dataset_id", "there is no dataset no-such"),
    ({"dataset_id": "us-closes-daily"}, "dataset_id", "nothing to fill against"),
    ({"schedule": "hourly"}, "schedule", "'daily' or 'weekly'"),
    ({"at": "24:00"}, "at", "pattern"),
    ({"weekday": "Mittwoch"}, "weekday", "'monday'"),
    ({"settings": {"start_date": "2030-01-01"}}, "start_date", "after the end of the data"),
    ({"settings": {"rules": {"max_shar": 1}}}, "rules.max_shar", "max_share"),
    ({"settings": {"profile": "defualt"}}, "profile", "defualt"),
    ({"settings": {"benchmark": "us-equities-daily"}}, "settings.benchmark", "several symbols"),
    ({"settings": {"methodology": "SWEEP"}}, "settings.methodology", "no such field"),
    ({"every": "day"}, "every", "no such field"),
]  # fmt: skip


async def test_what_no_run_could_do_is_refused(api, make_strategy, path):
    strategy = await make_strategy()
    for change, field, said in REFUSED:
        reply = await api("PUT", path(strategy), BODY | change)
        assert reply.status == 422, (change, reply.json)
        (error,) = reply.json["errors"]
        assert field in error["field"], change
        assert said in error["message"], change
    assert (await api("GET", path(strategy))).json["configured"] is False


async def test_a_run_its_history_and_what_it_is_compared_with(api, make_strategy, path, run):
    strategy = await make_strategy()
    first = await run(strategy, "finish", 1)
    assert (first["trigger"], first["status"], first["passed"], first["strategy_version"]) == (
        "MANUAL", "COMPLETED", True, 1,
    )  # fmt: skip
    outcome = {"text": "total_trades > 1", "passed": True, "value": 2.0, "reason": "total_trades is 2"}
    assert first["results"] == [outcome]
    # The worker speaks of changes, but was given nothing to compare with.
    assert (first["compared_with"], first["inputs"], first["differences"]) == (None, [], None)
    assert first["metrics"] == {
        "total_return": 0.25, "sharpe_ratio": 1.5, "max_drawdown": None, "total_trades": 2,
    }  # fmt: skip
    second = await run(strategy, "fail", 2)
    assert (second["passed"], second["compared_with"]["id"]) == (False, first["id"])
    assert second["compared_with"]["passed"] is True
    assert second["inputs"] == [{"what": "code", "text": "fail changed"}]
    assert second["differences"]["metrics"] == [{"name": "cagr", "before": None, "after": 0.5, "difference": None}]
    assert second["differences"]["first_fill"]["number"] == 4
    assert second["differences"]["first_fill"]["now"]["fill"] == {"price": 10.0}
    page = await api("GET", path(strategy, "/runs"), params={"limit": 1})
    assert [item["id"] for item in page.json["items"]] == [second["id"]]
    assert page.json["_pagination"]["total"] == 2
    assert (await api("GET", path(strategy))).json["last_run"] == second
    assert (await api("GET", path(strategy, f"/runs/{first['id']}"))).json["id"] == first["id"]
    job = await api("GET", f"/api/backtests/{first['id']}")
    assert job.status == 404  # a run of checks is no backtest


async def test_one_event_on_the_stream_and_on_jupyters(api, services, extension, make_strategy, run):
    heard = asyncio.Queue()

    async def listen(logger, schema_id, data):
        heard.put_nowait(data)

    extension.serverapp.event_logger.add_listener(
        schema_id="https://events.alphintra.dev/checks/v1", listener=listen
    )
    strategy = await make_strategy()
    subscription = await services.events.subscribe("local")
    await run(strategy, "finish", 1)
    failed = await run(strategy, "fail", 2)
    event = await asyncio.wait_for(heard.get(), 60)
    assert heard.empty()
    assert (event["run_id"], event["strategy_name"], event["failed"]) == (failed["id"], "SMA", ["total_trades > 1"])
    sent = [subscription.queue.get_nowait() for _ in range(subscription.queue.qsize())]
    assert [item.data for item in sent if item.topic == "checks"] == [
        {name: value for name, value in event.items() if not name.startswith("__")}
    ]
    kinds = {item.data["kind"] for item in sent if item.topic == "job"}
    assert kinds == {"check"}


async def test_a_worker_that_cannot_be_believed_is_a_failed_run(make_strategy, run):
    strategy = await make_strategy()
    for count, (act, code) in enumerate(
        [
            ("no_results", "BAD_OUTPUT"),
            ("other_checks", "BAD_OUTPUT"),
            ("nan_value", "BAD_OUTPUT"),
            ("forged_record", "BAD_OUTPUT"),
            ("missing_record", "BAD_OUTPUT"),
            ("error", "STRATEGY_ERROR"),
            ("die", "WORKER_DIED"),
        ],
        1,
    ):
        failed = await run(strategy, act, count)
        assert (failed["status"], failed["passed"], failed["error"]["code"]) == ("FAILED", False, code), act


async def test_a_comparison_is_with_a_run_of_the_strategy_whose_record_is_what_it_was(
    make_strategy, run, data_dir
):
    strategy = await make_strategy()
    first = await run(strategy, "finish", 1)
    (record,) = (data_dir / "jobs" / first["job_id"]).rglob("record.json")
    whole = record.read_text()
    record.write_text(whole + " ")
    second = await run(strategy, "finish", 2)
    assert (second["passed"], second["compared_with"]) == (True, None)
    # The worker names a run that is none of this strategy's.
    assert (await run(strategy, "foreign_before", 3))["compared_with"] is None


async def test_one_place_stays_free_for_what_somebody_waits_for(api, make_strategy, path, finished):
    for _ in range(2):
        strategy = await make_strategy()
        await api("PUT", path(strategy), BODY | {"settings": {"parameters": {"act": "sleep"}}})
        await api("POST", path(strategy, "/run"))
    reply = await api("POST", f"/api/strategies/code/{strategy['id']}/execute", {"dataset_id": DATA})
    assert (await finished(reply.json["backtest_id"]))["status"] == "COMPLETED"
    (waits,) = (await api("GET", path(strategy, "/runs"))).json["items"]
    assert (waits["status"], waits["phase"]) == ("PENDING", "queued")
    cancelled = await api("POST", path(strategy, f"/runs/{waits['id']}/cancel"))
    assert (cancelled.status, cancelled.json["status"]) == (202, "CANCELLED")
    assert cancelled.headers["Location"].endswith(path(strategy, f"/runs/{waits['id']}"))
    ended = (await api("GET", path(strategy, f"/runs/{waits['id']}"))).json
    assert (ended["status"], ended["passed"]) == ("CANCELLED", None)
    assert (await api("POST", path(strategy, f"/runs/{waits['id']}/cancel"))).status == 409


class TestOwners:
    @pytest.fixture
    def identities(self):
        return TestIdentities

    async def test_another_users_checks_are_as_absent_as_none(self, api, path):
        made = await api(
            "POST", "/api/strategies/code/create", {"name": "S", "code": "1"}, user="alice:trader"
        )
        strategy = made.json
        body = BODY | {"settings": {"parameters": {}}}
        assert (await api("PUT", path(strategy), body, user="alice:trader")).status == 200
        run = (await api("POST", path(strategy, "/run"), user="alice:trader")).json["run_id"]
        own = (await api("POST", "/api/strategies/code/create", {"name": "M", "code": "1"}, user="mallory:trader")).json
        for method, rest, sent in (
            ("GET", "", None), ("PUT", "", body), ("POST", "/run", None), ("GET", "/runs", None),
            ("GET", f"/runs/{run}", None), ("POST", f"/runs/{run}/cancel", None),
        ):  # fmt: skip
            reply = await api(method, path(strategy, rest), sent, user="mallory:admin")
            assert (reply.status, reply.json["code"]) == (404, "NOT_FOUND")
        assert (await api("GET", path(own, f"/runs/{run}"), user="mallory:trader")).status == 404
        assert (await api("PUT", path(strategy), body, user="alice:viewer")).status == 403
        assert (await api("POST", path(strategy, "/run"), user="alice:viewer")).status == 403
        assert (await api("GET", path(strategy, "/runs"), user="alice:viewer")).status == 200


CROSS = '''\
import alphintra as al
from weights import WEIGHT


class Cross(al.Strategy):
    """Long when the fast average is above the slow one."""

    fast = al.Param(3, low=2, high=100)
    checks = ["total_trades >= 5", "max_drawdown > -80 %", "no look-ahead", "same fills"]

    def on_start(self):
        self.fast_ma = self.indicator(al.ta.SMA, self.data.close, self.fast)
        self.slow_ma = self.indicator(al.ta.SMA, self.data.close, 10)

    def on_bar(self):
        if al.crossed_above(self.fast_ma, self.slow_ma):
            self.order_target_percent(WEIGHT)
        elif al.crossed_below(self.fast_ma, self.slow_ma):
            self.close()
'''


class TestWholeLife:
    """The engine's own worker in the sandbox: from a file's checks to the first differing fill."""

    @pytest.fixture
    def worker_argv(self):
        return None

    async def test_a_file_is_saved_again_and_again(self, api, workspace, path, ended):
        import alphintra as al

        async def save(weight, code=CROSS):
            (workspace / "cross.py").write_text(code)
            (workspace / "weights.py").write_text(f"WEIGHT = {weight}\n")
            reply = await api("POST", "/api/strategies/code/from-file", {"path": "cross.py"})
            assert reply.status in {200, 201}, reply.json
            return reply.json

        strategy = await save(0.9)
        body = {"dataset_id": SHORT, "on_save": True, "settings": {"commission": "0.001"}}
        assert (await api("PUT", path(strategy), body)).status == 200
        assert (await api("POST", path(strategy, "/run"))).status == 202
        (first,) = await ended(strategy, 1)
        assert (first["status"], first["passed"], first["error"]) == ("COMPLETED", True, None)
        assert [r["text"] for r in first["results"]] == [
            "total_trades >= 5", "max_drawdown > -80 %", "no look-ahead", "same fills",
        ]  # fmt: skip
        assert first["results"][2]["reason"].startswith("none found at 8 points")
        namespace = {}
        exec(CROSS.replace("from weights import WEIGHT", "WEIGHT = 0.9"), namespace)
        here = al.backtest(namespace["Cross"], SHORT, commission=0.001)
        assert first["results"][0]["value"] == here.metrics["total_trades"]
        assert first["metrics"]["sharpe_ratio"] == here.metrics["sharpe_ratio"]

        # A module beside the file changes: a new version, and a run by itself.
        assert (await save(0.5))["version"] == 2
        second, _ = await ended(strategy, 2)
        assert (second["trigger"], second["strategy_version"], second["passed"]) == ("SAVE", 2, False)
        assert [r["passed"] for r in second["results"]] == [True, True, True, False]
        assert second["compared_with"]["strategy_version"] == 1
        assert second["inputs"] == [{"what": "code", "text": "the strategy's code changed"}]
        assert "depends on something else" not in second["results"][3]["reason"]
        fill = second["differences"]["first_fill"]
        assert (fill["number"], second["differences"]["equal_fills"]) == (1, 0)
        before, now = fill["before"], fill["now"]
        quantity = here.fills["quantity"].iloc[0]
        assert before["fill"]["quantity"] == quantity
        # The same open, half the money instead of nine tenths.
        assert now["fill"]["price"] == before["fill"]["price"] == before["fill_bar"]["open"]
        assert now["fill"]["quantity"] == pytest.approx(quantity * 5 / 9, abs=1)
        assert now["fill_bar"] == before["fill_bar"]
        changed = {change["name"]: change for change in second["differences"]["metrics"]}
        assert changed["sharpe_ratio"]["before"] == here.metrics["sharpe_ratio"]
        assert changed["sharpe_ratio"]["difference"] == pytest.approx(
            second["metrics"]["sharpe_ratio"] - here.metrics["sharpe_ratio"]
        )

        # Code that no longer loads is a failed run with its place, not silence.
        await save(0.5, CROSS.replace("class Cross(al.Strategy):", "1 / 0\n\n\nclass Cross(al.Strategy):"))
        third, *_ = await ended(strategy, 3)
        assert (third["status"], third["passed"]) == ("FAILED", False)
        assert (third["error"]["file"], third["error"]["line"]) == ("cross.py", 5)
        assert "division by zero" in third["error"]["message"]

    async def test_a_strategy_that_carries_no_checks(self, api, make_strategy, path, ended):
        strategy = await make_strategy()
        await api("PUT", path(strategy), {"dataset_id": SHORT})
        await api("POST", path(strategy, "/run"))
        (run,) = await ended(strategy, 1)
        assert (run["status"], run["error"]["code"]) == ("FAILED", "NO_CHECKS")
