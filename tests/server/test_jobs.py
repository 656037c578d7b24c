"""Jobs of every kind over REST: lists and their filters, one job, its log, cancelling, and what it took."""

import asyncio
from datetime import timedelta

import pytest
from alphintra_server.db.tables import JobLogRow, JobRow
from alphintra_server.db.types import utc_now
from alphintra_server.jobs import store
from prometheus_client import REGISTRY

from .conftest import STRATEGY, TestIdentities
from .databases import migrated

DATA = "us-equities-daily/AAPL"


@pytest.fixture
def execute(api, make_strategy):
    async def run(act="finish", **body):
        strategy = await make_strategy()
        body = {"dataset_id": DATA, "parameters": {"act": act}, **body}
        reply = await api("POST", f"/api/strategies/code/{strategy['id']}/execute", body)
        assert reply.status == 202, reply.json
        return reply.json

    return run


async def until(ask, check, seconds=180):
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        reply = await ask()
        if check(reply.json):
            return reply.json
        await asyncio.sleep(0.05)
    raise AssertionError(f"it did not come to pass: {reply.json}")


async def test_a_backtest_is_a_job_with_a_name_and_tells_what_it_took(api, execute, finished):
    accepted = await execute(name="Averages")
    await finished(accepted["backtest_id"])
    page = (await api("GET", "/api/jobs")).json
    (job,) = page["items"]
    assert page["_pagination"] == {"limit": 50, "total": 1, "next": None}
    assert job == (await api("GET", f"/api/jobs/{accepted['job_id']}")).json
    assert (job["id"], job["kind"], job["resource_id"]) == (
        accepted["job_id"], "backtest", accepted["backtest_id"],
    )  # fmt: skip
    assert (job["name"], job["status"], job["phase"]) == ("Averages", "COMPLETED", "finished")
    assert (job["attempt"], job["priority"], job["error"], job["position"]) == (1, 0, None, None)
    assert job["progress"]["fraction"] == 1.0
    assert 0 <= job["queue_seconds"] < 20
    assert 0 < job["run_seconds"] < 20
    log = (await api("GET", f"/api/jobs/{job['id']}/log")).json
    assert log == {"id": job["id"], "lines": ["act finish red  line"]}
    again = await api("POST", f"/api/jobs/{job['id']}/cancel")
    assert (again.status, again.json["code"], again.json["state"]) == (409, "ALREADY_FINISHED", "COMPLETED")


async def test_a_job_that_is_cancelled_while_it_waits_is_counted_once(api, make_strategy):
    def counted():
        return REGISTRY.get_sample_value("alphintra_jobs_total", {"kind": "backtest", "status": "CANCELLED"}) or 0

    strategy = await make_strategy()
    before = counted()
    for number, path in enumerate(("/api/jobs/{job_id}/cancel", "/api/backtests/{id}/cancel"), 1):
        made = (await api("POST", "/api/backtests", {"strategy_id": strategy["id"], "dataset_id": DATA})).json
        reply = await api("POST", path.format(**made))
        assert (reply.status, reply.json["status"]) == (202, "CANCELLED")
        assert (await api("POST", path.format(**made))).status == 409
        assert counted() == before + number


async def test_what_jobs_took_is_measured_by_kind(api, execute, finished):
    names = ("queue_seconds", "duration_seconds", "cpu_seconds", "peak_memory_bytes", "written_bytes")

    def counts():
        found = (f"alphintra_job_{name}_count" for name in names)
        return [REGISTRY.get_sample_value(name, {"kind": "backtest"}) or 0 for name in found]

    before = counts()
    accepted = await execute()
    await finished(accepted["backtest_id"])
    job = (await api("GET", f"/api/jobs/{accepted['job_id']}")).json
    assert job["cpu_seconds"] > 0
    assert job["peak_memory_bytes"] > 1 << 20
    assert job["bytes_written"] is not None
    for _ in range(3000):
        # Right after the end was written.
        if all(after != first for after, first in zip(counts(), before, strict=True)):
            break
        await asyncio.sleep(0.02)
    assert [after - first for after, first in zip(counts(), before, strict=True)] == [1] * len(names)


async def test_a_failed_job_says_why_briefly_in_the_list_and_wholly_alone(api, execute, finished):
    accepted = await execute("error")
    await finished(accepted["backtest_id"])
    (listed,) = (await api("GET", "/api/jobs", params={"status": "FAILED"})).json["items"]
    assert (listed["error"]["code"], listed["error"]["message"], listed["error"]["line"]) == (
        "STRATEGY_ERROR", "boom", None,
    )  # fmt: skip
    alone = (await api("GET", f"/api/jobs/{accepted['job_id']}")).json
    assert (alone["error"]["line"], alone["error"]["file"]) == (4, "strategy.py")


async def test_a_running_job_can_be_cancelled_and_says_so_until_it_has_ended(api, execute):
    job_id = (await execute("sleep"))["job_id"]
    ask = lambda: api("GET", f"/api/jobs/{job_id}")  # noqa: E731
    running = await until(ask, lambda job: job["phase"] == "running")
    assert (running["status"], running["finished_at"]) == ("RUNNING", None)
    assert running["run_seconds"] > 0
    reply = await api("POST", f"/api/jobs/{job_id}/cancel")
    assert (reply.status, reply.json["phase"]) == (202, "cancelling")
    assert reply.headers["Location"].endswith(f"/api/jobs/{job_id}")
    ended = await until(ask, lambda job: job["status"] != "RUNNING")
    assert (ended["status"], ended["phase"]) == ("CANCELLED", "cancelled")
    assert ended["finished_at"] >= ended["started_at"]


@pytest.mark.parametrize("settings", [{"max_jobs": 1}])
async def test_waiting_jobs_have_a_place_in_the_queue(api, execute, settings):
    first = await execute("sleep")
    await until(lambda: api("GET", f"/api/jobs/{first['job_id']}"), lambda job: job["status"] == "RUNNING")
    waiting = [(await execute("sleep"))["job_id"] for _ in range(3)]
    page = (await api("GET", "/api/jobs", params={"status": "PENDING,RUNNING"})).json
    assert [(job["id"], job["position"]) for job in page["items"]] == [
        *((job_id, place) for job_id, place in zip(waiting[::-1], (3, 2, 1), strict=True)),
        (first["job_id"], None),
    ]
    system = (await api("GET", "/api/system")).json
    assert system["jobs"] == {"running": 1, "queued": 3}
    assert set(system["sandbox"]["levels"]) >= {"full", "no-cgroup", "none"}
    assert system["limits"]["max_jobs_per_user"] == 1
    reply = await api("POST", f"/api/jobs/{waiting[0]}/cancel")
    assert (reply.json["status"], reply.json["position"]) == ("CANCELLED", None)
    assert (await api("GET", f"/api/jobs/{waiting[2]}")).json["position"] == 2


def _rows(count):
    now = utc_now()
    for number in range(count):
        status = ("COMPLETED", "FAILED", "CANCELLED")[number % 3]
        yield JobRow(
            id=f"{number:032x}", user_id="local", kind="backtest" if number % 2 else "check",
            resource_id=f"{number + 1000:032x}",
            name=f"Strategy {number} 100%", status=status, phase="finished", attempt=1,
            # Two of each time: the id decides their order.
            created_at=now + timedelta(seconds=number // 2), updated_at=now,
        )  # fmt: skip


async def test_pages_follow_one_another_whatever_is_added_meanwhile(api, services):
    await services.database.write(lambda session: session.add_all(_rows(25)))
    address, seen, totals = "/api/jobs?limit=4", [], []
    while address:
        # The address is the server's own, under its base.
        path, _, query = address[address.index("/api/") :].partition("?")
        reply = await api("GET", path, params=dict(item.split("=") for item in query.split("&")))
        seen += [int(job["id"], 16) for job in reply.json["items"]]
        totals.append(reply.json["_pagination"]["total"])
        address = reply.json["_pagination"]["next"]
        if len(totals) == 2:
            new = JobRow(**{**_plain(next(_rows(1))), "id": "f" * 32, "created_at": utc_now() + timedelta(hours=1)})
            await services.database.write(lambda session: session.add(new))  # noqa: B023
    assert seen == list(range(24, -1, -1))
    assert totals == [25, 25, 26, 26, 26, 26, 26]


def _plain(row):
    return {column.key: getattr(row, column.key) for column in JobRow.__table__.columns if column.key in row.__dict__}


FILTERS = [
    ({"status": "FAILED"}, lambda n: n % 3 == 1),
    ({"status": "FAILED,CANCELLED"}, lambda n: n % 3 > 0),
    ({"kind": "check"}, lambda n: n % 2 == 0),
    ({"kind": "check", "status": "FAILED"}, lambda n: n % 2 == 0 and n % 3 == 1),
    ({"q": "sTrategy 1"}, lambda n: n == 1 or n >= 10),
    ({"q": "100%", "status": "FAILED"}, lambda n: n % 3 == 1),
    ({"q": "0%0"}, lambda n: False),
    ({"q": f"{7:032x}"}, lambda n: n == 7),
    ({"q": f"{1007:032x}"}, lambda n: n == 7),
    ({"status": "RUNNING"}, lambda n: False),
    ({"kind": "ingest"}, lambda n: False),
]
IMPOSSIBLE = [
    {"status": "DONE"}, {"status": ""}, {"limit": "201"}, {"limit": "0"}, {"cursor": "x"}, {"cursor": "1-../x"},
    {"q": "x" * 201}, {"offset": "10"},
]  # fmt: skip


async def test_filters_and_queries_that_cannot_be(api, services):
    await services.database.write(lambda session: session.add_all(_rows(20)))
    for params, wanted in FILTERS:
        page = (await api("GET", "/api/jobs", params={**params, "limit": "200"})).json
        expected = [number for number in range(19, -1, -1) if wanted(number)]
        assert [int(job["id"], 16) for job in page["items"]] == expected, params
        assert page["_pagination"]["total"] == len(expected), params
    for params in IMPOSSIBLE:
        reply = await api("GET", "/api/jobs", params=params)
        assert (reply.status, reply.json["code"]) == (422, "SCHEMA"), params
        assert reply.json["errors"][0]["field"].startswith(next(iter(params)))


class TestUsers:
    @pytest.fixture
    def identities(self):
        return TestIdentities

    async def test_a_list_has_ones_own_jobs_and_a_viewer_cannot_cancel(self, api):
        made = {}
        for user in ("alice", "bob"):
            strategy = await api(
                "POST", "/api/strategies/code/create", {"name": user, "code": STRATEGY}, user=f"{user}:trader"
            )
            body = {"strategy_id": strategy.json["id"], "dataset_id": DATA}
            made[user] = (await api("POST", "/api/backtests", body, user=f"{user}:trader")).json["job_id"]
        page = (await api("GET", "/api/jobs", user="alice:viewer")).json
        assert [job["id"] for job in page["items"]] == [made["alice"]]
        assert page["items"][0]["name"] == "alice on us-equities-daily/AAPL"
        for verb, path in (("GET", ""), ("POST", "/cancel"), ("GET", "/log")):
            foreign = await api(verb, f"/api/jobs/{made['bob']}{path}", user="alice:trader")
            assert (foreign.status, foreign.json["detail"]) == (404, f"There is no job {made['bob']}.")
        reply = await api("POST", f"/api/jobs/{made['alice']}/cancel", user="alice:viewer")
        assert (reply.status, reply.json["scope"]) == (403, "jobs:execute")
        assert (await api("GET", f"/api/jobs/{made['alice']}", user="alice:viewer")).json["status"] == "PENDING"
        reply = await api("POST", f"/api/jobs/{made['alice']}/cancel", user="alice:trader")
        assert (reply.status, reply.json["status"]) == (202, "CANCELLED")


def test_the_log_goes_with_its_job(tmp_path):
    database = migrated(f"sqlite:///{tmp_path / 'a.sqlite'}")

    def work(session):
        row = store.create(session, user_id="u", kind="backtest", resource_id="r", name="x" * 300)
        store.write_log(session, row.id, ["one"])
        store.write_log(session, row.id, ["two"])
        assert len(row.name) == 200
        session.delete(row)
        session.flush()
        return session.query(JobLogRow).count()

    assert database.write_now(work) == 0
    database.close()
