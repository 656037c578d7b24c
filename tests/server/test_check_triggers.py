"""What makes checks run by themselves, on a database without a server: saves, data, schedules, and several servers."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from alphintra_server.auth import Caller
from alphintra_server.db.check_tables import CheckPlanInputRow, CheckPlanRow, CheckRunRow
from alphintra_server.db.tables import DatasetRow, JobRow, OutboxRow
from alphintra_server.errors import Conflict, Invalid
from alphintra_server.jobs import fair_queue, store
from alphintra_server.limits import Limits, UserLimits
from alphintra_server.models.base import PageQuery
from alphintra_server.models.checks import ChecksUpdate
from alphintra_server.models.strategies import StrategyCreate, StrategyUpdate
from alphintra_server.services import check_queue
from alphintra_server.services.check_outcomes import settle
from alphintra_server.services.check_schedule import next_due
from alphintra_server.services.check_triggers import CheckTriggers
from alphintra_server.services.checks import StrategyChecks
from alphintra_server.services.run_defaults import RunDefaults
from alphintra_server.services.shipped_datasets import bring_up
from alphintra_server.services.strategies import Strategies
from sqlalchemy import delete, select, update

from .databases import migrated

DATA = "us-equities-daily/AAPL"
ALICE = Caller("alice", ("trader",))
DEFAULTS = RunDefaults(DATA, Decimal(100_000), Decimal(0), Decimal(0))
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday


class House:
    """The services that checks touch, with a clock that the test sets."""

    def __init__(self, database, folder):
        self.database = database
        self.now = NOON
        self.strategies = Strategies(database, None, "0")
        bring_up(database)
        self.folder = folder
        self.checks = StrategyChecks(database, DEFAULTS, Limits(), lambda: None, clock=lambda _: self.now)
        self.triggers = self.server()

    def server(self, max_queued=100, refused=None):
        limits = Limits(UserLimits(queued=max_queued))
        return CheckTriggers(
            self.database, DEFAULTS, self.folder, limits, lambda: None, logging.getLogger("test"), refused,
            clock=lambda _: self.now,
        )  # fmt: skip

    async def strategy(self, **plan):
        made = await self.strategies.create(ALICE, StrategyCreate(name="S", code="1"))
        body = ChecksUpdate.model_validate({"dataset_id": DATA, "checks": ["total_trades > 1"], **plan})
        await self.checks.put(ALICE, made.id, body)
        return made.id

    async def save(self, strategy_id, **changes):
        return await self.strategies.update(ALICE, strategy_id, StrategyUpdate.model_validate(changes))

    async def runs(self, strategy_id):
        """Trigger, version and status of each run, oldest first."""
        found = await self.checks.runs(ALICE, strategy_id, PageQuery(limit=200))
        return [(run.trigger.value, run.strategy_version, run.status.value) for run in reversed(found.items)]

    async def new_data(self, content="sha256:new", name="us-equities-daily"):
        work = update(DatasetRow).where(DatasetRow.name == name).values(content_hash=content)
        await self.database.write(lambda session: session.execute(work) and None)

    def end(self, passed=True, error=None):
        """Claim the next run and end it as its worker would."""

        def work(session):
            held = fair_queue.claim(session, "boot", limits=Limits())
            if error is not None:
                store.fail(session, held, error)
                return held.resource_id
            store.complete(session, held, log=[])
            row = session.get_one(CheckRunRow, held.resource_id)
            row.results = [{"text": "total_trades > 1", "passed": passed, "value": 1.0, "reason": "it is 1"}]
            row.record = {"attempt": 1, "bytes": 1, "sha256": "0" * 64}
            settle(session, row, passed=passed)
            return row.id

        return self.database.write_now(work)

    def events(self):
        query = select(OutboxRow).where(OutboxRow.topic == "checks").order_by(OutboxRow.event_id)
        return [row.payload for row in self.database.read_now(lambda session: session.scalars(query).all())]


@pytest.fixture
def house(tmp_path):
    database = migrated(f"sqlite:///{tmp_path / 'c.sqlite'}")
    yield House(database, tmp_path / "jobs")
    database.close()


async def test_a_plan_alone_runs_nothing(house):
    strategy = await house.strategy(on_save=True, on_dataset=True, schedule="daily")
    await house.triggers.look()
    assert await house.runs(strategy) == []


async def test_a_save_runs_once_and_the_newest_version_wins(house):
    strategy = await house.strategy(on_save=True)
    await house.save(strategy, code="2")
    await house.save(strategy, code="3")
    await house.triggers.look()
    assert await house.runs(strategy) == [("SAVE", 3, "PENDING")]
    # It waits: the next save changes what it will run, and makes no second.
    await house.save(strategy, code="4", parameters={"fast": 3})
    await house.triggers.look()
    await house.triggers.look()
    assert await house.runs(strategy) == [("SAVE", 4, "PENDING")]
    house.end()
    await house.triggers.look()
    assert await house.runs(strategy) == [("SAVE", 4, "COMPLETED")]
    await house.save(strategy, code="5")
    await house.triggers.look()
    assert await house.runs(strategy) == [("SAVE", 4, "COMPLETED"), ("SAVE", 5, "PENDING")]


async def test_users_whose_checks_are_due_take_turns(house):
    """However many one has: where they wait for room in the queue, another's still come first in each look."""
    made = [await house.strategy(schedule="daily") for _ in range(4)]

    def work(session):
        for number, strategy in enumerate(made):
            plan = session.get_one(CheckPlanRow, strategy)
            plan.due_at, plan.user_id = NOON - timedelta(hours=9 - number), "bob" if number == 3 else "alice"

    house.database.write_now(work)
    first, *others, bobs = made
    assert house.database.read_now(house.triggers._triggered) == [first, bobs, *others]


async def test_a_save_while_one_runs_makes_one_more(house):
    strategy = await house.strategy(on_save=True)
    await house.save(strategy, code="2")
    await house.triggers.look()
    house.database.write_now(lambda session: fair_queue.claim(session, "boot", limits=Limits()))
    await house.save(strategy, code="3")
    await house.triggers.look()
    assert await house.runs(strategy) == [("SAVE", 2, "RUNNING"), ("SAVE", 3, "PENDING")]


async def test_a_new_name_is_no_new_code(house):
    strategy = await house.strategy(on_save=True)
    await house.save(strategy, name="T", description="what it does", tags=["x"])
    await house.triggers.look()
    assert await house.runs(strategy) == []
    await house.save(strategy, parameters={"fast": 3})
    await house.triggers.look()
    assert await house.runs(strategy) == [("SAVE", 3, "PENDING")]


async def test_a_save_is_not_lost_while_no_server_is_there_nor_by_a_change_of_the_plan(house):
    strategy = await house.strategy(on_save=True)
    await house.save(strategy, code="2")
    await house.checks.put(ALICE, strategy, ChecksUpdate(dataset_id=DATA, on_save=True, schedule="daily"))
    await house.server().look()  # as after a restart
    assert await house.runs(strategy) == [("SAVE", 2, "PENDING")]


async def test_everything_stands_across_a_restart(house, tmp_path):
    saved, due = await house.strategy(on_save=True), await house.strategy(schedule="daily", at="13:30")
    failed = await house.strategy()
    await house.checks.run(ALICE, failed)
    house.end()
    await house.checks.run(ALICE, failed)
    house.end(error={"code": "LOST", "message": "Its server was lost."})
    await house.save(saved, code="2")
    house.database.close()
    database = migrated(f"sqlite:///{tmp_path / 'c.sqlite'}")
    after = House(database, tmp_path / "jobs")
    after.now = NOON + timedelta(hours=2)
    await after.triggers.look()
    assert await after.runs(saved) == [("SAVE", 2, "PENDING")]
    assert await after.runs(due) == [("SCHEDULE", 1, "PENDING")]
    (event,) = after.events()
    assert event["strategy_id"] == failed
    await after.triggers.look()
    assert len(after.events()) == len(await after.runs(saved)) == len(await after.runs(due)) == 1
    database.close()


async def test_what_is_switched_off_or_on_later_runs_nothing_for_before(house):
    strategy = await house.strategy(on_save=False, on_dataset=False)
    await house.save(strategy, code="2")
    await house.new_data()
    await house.triggers.look()
    await house.checks.put(ALICE, strategy, ChecksUpdate(dataset_id=DATA, on_save=True, on_dataset=True))
    await house.triggers.look()
    assert await house.runs(strategy) == []


async def test_new_data_runs_the_checks_of_its_strategies(house):
    strategy = await house.strategy(on_dataset=True)
    other = await house.strategy(on_dataset=True, dataset_id="us-indices-daily/SP500")
    await house.new_data()
    await house.triggers.look()
    await house.triggers.look()
    assert await house.runs(strategy) == [("DATASET", 1, "PENDING")]
    assert await house.runs(other) == []
    (run,) = (await house.checks.runs(ALICE, strategy, PageQuery())).items
    assert run.dataset_hash == "sha256:new"


async def test_what_is_read_beside_the_data_is_data_as_well(house):
    beside = {"features": {"vix": "vix-daily"}, "benchmark": "us-indices-daily/SP500"}
    strategy = await house.strategy(on_dataset=True, settings=beside)
    quiet = await house.strategy(settings=beside)
    others = await house.strategy(on_dataset=True)
    await house.triggers.look()
    for name in ("vix-daily", "us-indices-daily"):
        await house.new_data(name=name)
    await house.triggers.look()
    await house.triggers.look()
    assert await house.runs(strategy) == [("DATASET", 1, "PENDING")]  # one for both
    house.end()
    # Set again while it stands, it is not forgotten; without it, it is.
    await house.new_data("sha256:newer", name="vix-daily")
    body = {"dataset_id": DATA, "on_dataset": True, "settings": beside}
    await house.checks.put(ALICE, strategy, ChecksUpdate.model_validate(body))
    await house.triggers.look()
    assert (await house.runs(strategy))[1:] == [("DATASET", 1, "PENDING")]
    house.end()
    await house.new_data("sha256:newest", name="vix-daily")
    await house.checks.put(ALICE, strategy, ChecksUpdate.model_validate(body | {"settings": {}}))
    await house.triggers.look()
    assert len(await house.runs(strategy)) == 2
    # A plan of before knows what it reads from its next run on.
    def forget(session):
        session.execute(delete(CheckPlanInputRow))

    await house.checks.put(ALICE, strategy, ChecksUpdate.model_validate(body))
    house.database.write_now(forget)
    await house.new_data("sha256:1", name="vix-daily")
    await house.triggers.look()
    assert len(await house.runs(strategy)) == 2
    await house.checks.run(ALICE, strategy)
    house.end()
    await house.new_data("sha256:2", name="vix-daily")
    await house.triggers.look()
    assert (await house.runs(strategy))[2:] == [("MANUAL", 1, "COMPLETED"), ("DATASET", 1, "PENDING")]
    assert await house.runs(quiet) == await house.runs(others) == []


async def test_a_version_that_is_named_is_not_dropped_without_a_word(house):
    for named in ("us-equities-daily@1", "us-equities-daily@1/AAPL"):
        with pytest.raises(Invalid, match=r"write us-equities-daily(/AAPL)?$") as caught:
            await house.strategy(dataset_id=named)
        assert caught.value.code == "VERSION_NAMED"


async def test_a_manual_run_takes_the_place_of_none_that_waits(house):
    strategy = await house.strategy()
    first = await house.checks.run(ALICE, strategy)
    assert await house.checks.run(ALICE, strategy) == first
    assert await house.runs(strategy) == [("MANUAL", 1, "PENDING")]


@pytest.mark.parametrize(
    ("now", "schedule", "at", "weekday", "due"),
    [
        ("2026-03-04T12:00", "daily", "13:30", "monday", "2026-03-04T13:30"),
        ("2026-03-04T12:00", "daily", "12:00", "monday", "2026-03-05T12:00"),
        ("2026-03-04T12:00", "daily", "00:00", "monday", "2026-03-05T00:00"),
        ("2026-12-31T23:59", "daily", "00:00", "monday", "2027-01-01T00:00"),
        ("2028-02-28T12:00", "daily", "06:00", "monday", "2028-02-29T06:00"),
        ("2026-03-04T12:00", "weekly", "12:01", "wednesday", "2026-03-04T12:01"),
        ("2026-03-04T12:00", "weekly", "12:00", "wednesday", "2026-03-11T12:00"),
        ("2026-03-04T12:00", "weekly", "09:00", "tuesday", "2026-03-10T09:00"),
        ("2026-03-04T12:00", "weekly", "09:00", "sunday", "2026-03-08T09:00"),
        # The clocks of summer time change nothing in UTC.
        ("2026-03-29T00:30", "daily", "01:30", "monday", "2026-03-29T01:30"),
    ],
)
def test_when_a_schedule_is_due(now, schedule, at, weekday, due):
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert next_due(moment, schedule, at, weekday) == datetime.fromisoformat(due).replace(tzinfo=UTC)
    assert next_due(moment, None, at, weekday) is None


async def test_a_schedule_runs_when_it_is_due_and_once_for_all_that_were_missed(house):
    strategy = await house.strategy(schedule="daily", at="13:30")
    assert (await house.checks.get(ALICE, strategy)).next_due == datetime(2026, 3, 4, 13, 30, tzinfo=UTC)
    house.now = datetime(2026, 3, 4, 13, 29, 59, tzinfo=UTC)
    await house.triggers.look()
    assert await house.runs(strategy) == []
    house.now = datetime(2026, 3, 4, 13, 30, tzinfo=UTC)
    await house.triggers.look()
    await house.triggers.look()
    assert await house.runs(strategy) == [("SCHEDULE", 1, "PENDING")]
    house.end()
    house.now = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)  # the server was away for four of them
    await house.server().look()
    await house.server().look()
    assert await house.runs(strategy) == [("SCHEDULE", 1, "COMPLETED"), ("SCHEDULE", 1, "PENDING")]
    assert (await house.checks.get(ALICE, strategy)).next_due == datetime(2026, 3, 9, 13, 30, tzinfo=UTC)


async def test_another_setting_of_the_plan_leaves_the_due_time_and_another_schedule_moves_it(house):
    strategy = await house.strategy(schedule="weekly", at="09:00", weekday="friday")
    house.now += timedelta(days=3)  # Saturday: it is due
    body = {"dataset_id": DATA, "schedule": "weekly", "at": "09:00", "weekday": "friday"}
    kept = await house.checks.put(ALICE, strategy, ChecksUpdate.model_validate(body | {"on_save": True}))
    assert kept.next_due == datetime(2026, 3, 6, 9, tzinfo=UTC)
    moved = await house.checks.put(ALICE, strategy, ChecksUpdate.model_validate(body | {"weekday": "sunday"}))
    assert moved.next_due == datetime(2026, 3, 8, 9, tzinfo=UTC)
    ended = await house.checks.put(ALICE, strategy, ChecksUpdate(dataset_id=DATA))
    assert ended.next_due is None


async def test_of_several_servers_one_makes_the_run(house):
    strategies = [await house.strategy(schedule="daily", at="13:30", on_save=True) for _ in range(3)]
    for strategy in strategies:
        await house.save(strategy, code="2")
    house.now += timedelta(hours=2)
    servers = [house.server() for _ in range(4)]
    for _ in range(3):
        await asyncio.gather(*(server.look() for server in servers))
    jobs = house.database.read_now(lambda session: session.scalars(select(JobRow)).all())
    assert len(jobs) == 3
    for strategy in strategies:
        # Saved and due at once: one run answers both.
        assert await house.runs(strategy) == [("SAVE", 2, "PENDING")]


async def test_a_trigger_that_meets_a_full_queue_stands_until_there_is_room(house):
    strategies = [await house.strategy(on_save=True) for _ in range(2)]
    for strategy in strategies:
        await house.save(strategy, code="2")
    server = house.server(max_queued=1)
    await server.look()
    await server.look()
    waiting = [await house.runs(strategy) for strategy in strategies]
    assert sorted(map(len, waiting)) == [0, 1]
    house.end()
    await server.look()
    assert [len(await house.runs(strategy)) for strategy in strategies] == [1, 1]


async def test_a_plan_that_cannot_be_read_holds_up_no_other_and_is_logged_once(house, caplog):
    bad, good = [await house.strategy(on_save=True) for _ in range(2)]
    work = update(CheckPlanRow).where(CheckPlanRow.strategy_id == bad).values(settings={"gone": 1})
    await house.database.write(lambda session: session.execute(work) and None)
    for strategy in (bad, good):
        await house.save(strategy, code="2")
    await house.triggers.look()
    await house.triggers.look()
    assert (await house.runs(bad), await house.runs(good)) == ([], [("SAVE", 2, "PENDING")])
    assert [record.message for record in caplog.records] == [f"The checks of strategy {bad} cannot be begun"]


async def test_of_two_that_wait_the_newest_takes_the_next_version(house):
    strategy = await house.strategy(on_save=True)
    await house.save(strategy, code="2")
    await house.triggers.look()
    lost = house.database.write_now(lambda session: fair_queue.claim(session, "boot", limits=Limits()))
    await house.save(strategy, code="3")
    await house.triggers.look()
    house.database.write_now(lambda session: store.release(session, lost))
    await house.save(strategy, code="4")
    await house.triggers.look()
    assert await house.runs(strategy) == [("SAVE", 2, "PENDING"), ("SAVE", 4, "PENDING")]


async def test_an_archived_strategy_rests_and_its_triggers_stand(house):
    strategy = await house.strategy(on_save=True, schedule="daily", at="13:30")
    await house.save(strategy, code="2")
    await house.strategies.archive(ALICE, strategy)
    house.now += timedelta(days=2)
    await house.triggers.look()
    assert await house.runs(strategy) == []
    with pytest.raises(Conflict, match="archived"):
        await house.checks.run(ALICE, strategy)
    await house.strategies.restore(ALICE, strategy)
    await house.triggers.look()
    assert await house.runs(strategy) == [("SAVE", 2, "PENDING")]


async def test_where_no_job_may_run_nothing_is_queued(house):
    strategy = await house.strategy(on_save=True)
    await house.save(strategy, code="2")
    await house.server(refused="no sandbox").look()
    assert await house.runs(strategy) == []
    await house.triggers.look()
    assert await house.runs(strategy) == [("SAVE", 2, "PENDING")]


async def test_one_event_when_checks_go_from_pass_to_fail(house):
    strategy = await house.strategy()

    async def run(passed):
        await house.checks.run(ALICE, strategy)
        return house.end(passed)

    await run(False)
    assert house.events() == []  # they never passed
    await run(True)
    failed = await run(False)
    (event,) = house.events()
    assert (event["run_id"], event["failed"], event["trigger"]) == (failed, ["total_trades > 1"], "MANUAL")
    assert event["message"] == "S: total_trades > 1: it is 1"
    await run(False)
    await run(True)
    assert len(house.events()) == 1
    await run(False)
    assert len(house.events()) == 2


async def test_a_run_that_could_not_be_made_is_a_failed_run(house):
    strategy = await house.strategy()
    await house.checks.run(ALICE, strategy)
    house.end()
    await house.checks.run(ALICE, strategy)
    error = {"code": "NO_CLASS", "message": "strategy.py has no class S"}
    house.end(error=error)
    run, _ = (await house.checks.runs(ALICE, strategy, PageQuery())).items
    assert (run.status.value, run.passed, run.error.message) == ("FAILED", False, error["message"])
    await house.triggers.look()
    await house.triggers.look()
    (event,) = house.events()
    assert event["failed"] == []
    assert event["message"] == "S: the checks could not run: strategy.py has no class S"
    # The next failure follows a failure, whatever was or was not noted in between.
    await house.checks.run(ALICE, strategy)
    house.end(False)
    assert len(house.events()) == 1


async def test_records_are_kept_for_the_newest_runs_only(house):
    strategy = await house.strategy()
    jobs = []
    for _ in range(4):
        accepted = await house.checks.run(ALICE, strategy)
        house.end()
        (house.folder / accepted.job_id / "1" / "out").mkdir(parents=True)
        jobs.append(accepted.job_id)
    await house.triggers.look()
    assert sorted(item.name for item in house.folder.iterdir()) == sorted(jobs[2:])
    rows = house.database.read_now(
        lambda session: session.scalars(select(CheckRunRow).order_by(CheckRunRow.created_at)).all()
    )
    assert [row.record is not None for row in rows] == [False, False, True, True]


async def test_the_history_is_bounded(house, monkeypatch):
    monkeypatch.setattr(check_queue, "KEPT_RUNS", 3)
    strategy = await house.strategy()
    for number in range(7):
        await house.checks.run(ALICE, strategy)
        house.end(error={"code": "X", "message": str(number)})
        await house.triggers.look()
    found = await house.checks.runs(ALICE, strategy, PageQuery())
    assert (found.total, [run.error.message for run in found.items]) == (3, ["6", "5", "4"])
    jobs = house.database.read_now(lambda session: session.scalars(select(JobRow.id)).all())
    assert len(jobs) == 3


async def test_a_plan_keeps_its_owner_and_settings(house):
    strategy = await house.strategy(
        settings={"parameters": {"fast": 5}, "commission": "0.001", "profile": "lean", "start_date": "2005-01-03"}
    )
    await house.checks.run(ALICE, strategy)
    row = house.database.read_now(lambda session: session.scalars(select(CheckRunRow)).one())
    assert (row.user_id, row.parameters, row.checks) == ("alice", {"fast": 5}, ["total_trades > 1"])
    assert row.configuration == {
        "start": "2005-01-03", "end": None, "cash": 100_000.0, "commission": 0.001, "slippage": 0.0,
        "profile": "lean", "benchmark": None, "seed": 0, "risk_free_rate": 0.0, "rules": {},
    }  # fmt: skip
    plan = house.database.read_now(lambda session: session.get_one(CheckPlanRow, strategy))
    assert (plan.user_id, plan.version_seen) == ("alice", 1)
