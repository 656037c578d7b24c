"""What each user's jobs may use: for everybody, for some, and what cannot be."""

import pytest
from alphintra_server.app import AlphintraServer
from alphintra_server.limits import UserLimits, read_limits
from traitlets import TraitError
from traitlets.config import Config


def test_a_users_own_limits_stand_beside_the_usual_ones():
    usual = UserLimits(jobs=2, queued=10, seconds=60.0, memory=1 << 30, disk=1 << 29, log=1 << 16)
    limits = read_limits(usual, {"alice": {"jobs": 8, "seconds": 1.5}})
    assert limits.of("bob") == usual
    assert limits.of("alice") == UserLimits(8, 10, 1.5, 1 << 30, 1 << 29, 1 << 16)
    job = limits.of("alice").of_a_job
    assert (job.wall_seconds, job.memory_bytes, job.disk_bytes, job.log_bytes) == (1.5, 1 << 30, 1 << 29, 1 << 16)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"alice": {"cpu": 1}}, "alice: there is no limit 'cpu'; there are jobs, queued, seconds"),
        ({"alice": {"jobs": 0}}, "alice: jobs is 0, not a positive number"),
        ({"alice": {"jobs": 1.5}}, "alice: jobs is 1.5, not a positive number"),
        ({"alice": {"jobs": True}}, "alice: jobs is True, not a positive number"),
        ({"alice": {"seconds": "60"}}, "alice: seconds is '60', not a positive number"),
        ({"alice": {"jobs": float("inf")}}, "alice: jobs is inf, not a positive number"),
        ({"alice": {"jobs": float("nan")}}, "alice: jobs is nan, not a positive number"),
        ({"alice": {"memory": 10**400}}, "alice: memory is 10{400}: at most 9007199254740992"),
        ({"alice": {"seconds": float("inf")}}, "alice: seconds is inf, not a positive number"),
        ({"alice": {"seconds": float("nan")}}, "alice: seconds is nan, not a positive number"),
        ({"alice": {"seconds": 2_592_001}}, "alice: seconds is 2592001: at most 2592000"),
    ],
)
def test_a_limit_that_cannot_be_names_the_user_and_itself(given, told):
    with pytest.raises(ValueError, match="user_limits: "):
        read_limits(UserLimits(), given)
    with pytest.raises(TraitError, match=told):
        AlphintraServer(user_limits=given)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), -1.0, 1e300])
@pytest.mark.parametrize(
    "name",
    ["job_seconds", "keep_results_days", "keep_events_hours", "default_cash", "default_commission", "default_slippage"],
)
def test_a_setting_that_no_clock_or_account_can_hold_is_named(name, value):
    with pytest.raises(TraitError, match=name):
        AlphintraServer(**{name: value})


def test_a_job_may_run_for_thirty_days():
    assert AlphintraServer(job_seconds=2_592_000).job_seconds == 2_592_000
    with pytest.raises(TraitError, match="job_seconds"):
        AlphintraServer(job_seconds=2_592_000.5)


def test_places_of_one_user_follow_the_deployment():
    assert AlphintraServer(max_jobs=6).max_jobs_per_user == 6
    assert AlphintraServer(max_jobs=6, single_user=False).max_jobs_per_user == 3
    assert AlphintraServer(max_jobs=1, single_user=False).max_jobs_per_user == 1


class TestRest:
    @pytest.fixture
    def settings(self):
        return {"user_limits": {"local": {"seconds": 1.0, "queued": 7}}}

    async def test_a_job_of_a_user_with_limits_of_their_own_ends_by_them(self, api, make_strategy, finished):
        limits = (await api("GET", "/api/system")).json["limits"]
        assert (limits["job_seconds"], limits["max_queued"], limits["max_jobs_per_user"]) == (1.0, 7, 2)
        strategy = await make_strategy()
        body = {"dataset_id": "us-equities-daily/AAPL", "parameters": {"act": "sleep"}}
        made = await api("POST", f"/api/strategies/code/{strategy['id']}/execute", body)
        job = await finished(made.json["backtest_id"])
        assert (job["status"], job["error"]["code"]) == ("FAILED", "TIME_LIMIT")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"lease_seconds": 10.0}, "heartbeat_seconds is 5, more than a third of lease_seconds, 10"),
        ({"heartbeat_seconds": 11.0}, "heartbeat_seconds is 11, more than a third of lease_seconds, 30"),
        ({"heartbeat_seconds": float("nan")}, "heartbeat_seconds is nan, not a number"),
        ({"lease_seconds": 0.5}, "lease_seconds"),
    ],
)
def test_leases_that_one_late_heartbeat_would_end_are_refused(given, said):
    with pytest.raises(TraitError, match=said):
        AlphintraServer(config=Config({"AlphintraServer": given}))


def test_both_may_be_given_in_any_order():
    for names in (("lease_seconds", "heartbeat_seconds"), ("heartbeat_seconds", "lease_seconds")):
        values = {"lease_seconds": 300.0, "heartbeat_seconds": 100.0}
        app = AlphintraServer(config=Config({"AlphintraServer": {name: values[name] for name in names}}))
        assert (app.lease_seconds, app.heartbeat_seconds) == (300.0, 100.0)
