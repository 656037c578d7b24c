"""Checking a stored version again: for whom may change it, to the end; of its reports the newest is kept."""

import pytest
from alphintra.rules.registry import rules
from alphintra.rules.report import Report, Result
from alphintra.store import reference
from alphintra_server.auth import Caller
from alphintra_server.db.dataset_tables import DatasetReportRow
from alphintra_server.errors import Forbidden, NotFound, ServiceError
from alphintra_server.jobs import fair_queue, store
from alphintra_server.jobs.output import BadOutputError
from alphintra_server.jobs.validate import ValidateKind
from alphintra_server.limits import Limits
from alphintra_server.models.datasets import GrantChange
from alphintra_server.models.validations import Acknowledgement, CheckAgain
from alphintra_server.services.dataset_grants import DatasetGrants
from alphintra_server.services.dataset_storage import DatasetStorage
from alphintra_server.services.manifests import Manifests
from alphintra_server.services.queueing import Queueing
from alphintra_server.services.users import Users
from alphintra_server.services.validations import Validations
from sqlalchemy import func, select

from .databases import migrated
from .stored import store_version

ALICE, BOB = (Caller(name, ("researcher",)) for name in ("alice", "bob"))
REPORT = Report(340, 2, "2026-01-01T00:00:00Z", ())


class Bench:
    """The service and the kind of job, with the job's end written by hand."""

    def __init__(self, database, folder):
        self.database = database
        storage = DatasetStorage(folder)
        store_version(database, storage, folder / "made")
        self.service = Validations(Queueing(database, Limits(), lambda: None), Manifests(storage))
        self.kind, self.grants = ValidateKind(storage), DatasetGrants(database, Users(database, ("bob",)))

    async def share(self, dataset, level):
        await self.grants.change(ALICE, dataset, GrantChange(user_id="bob", level=level))

    async def claimed(self, who, dataset, **body):
        await self.service.validate(who, dataset, 1, CheckAgain(**body))
        return self.database.write_now(lambda session: fair_queue.claim(session, "boot", limits=Limits()))

    def load(self, held):
        return self.database.read_now(lambda session: self.kind.load(session, held))

    def save(self, held, report=REPORT):
        def work(session):
            store.complete(session, held, log=[], run_seconds=1.0, usage=None, output_bytes=0)
            self.kind.save(session, held, report)

        self.database.write_now(work)

    def reports(self):
        return self.database.read_now(lambda session: session.scalar(select(func.count(DatasetReportRow.id))))


@pytest.fixture
def bench(tmp_path):
    database = migrated(f"sqlite:///{tmp_path / 'alphintra.sqlite'}")
    yield Bench(database, tmp_path)
    database.close()


async def test_whoever_may_no_longer_change_it_checks_nothing(bench):
    dataset = (await bench.grants.get(ALICE, "prices")).dataset_id
    await bench.share(dataset, "EDIT")
    waited, at_work = await bench.claimed(BOB, dataset), await bench.claimed(BOB, dataset)
    bench.load(at_work)
    await bench.share(dataset, "USE")
    with pytest.raises(Forbidden, match="its owner has to let you"):
        bench.load(waited)
    with pytest.raises(BadOutputError, match="its owner has to let you"):
        bench.save(at_work)
    await bench.share(dataset, None)
    with pytest.raises(NotFound):
        bench.load(waited)


async def test_reference_data_that_is_no_longer_shared_counts_for_nothing(bench, tmp_path):
    facts = reference.facts_of([
        {"instrument_id": "AAPL", "kind": "split", "ex_date": "2020-01-02", "value": 4, "known_from": "2020-01-01",
         "source": "issuer"},
    ])  # fmt: skip
    given = {"tables": reference.tables(facts), "about": reference.ABOUT}
    roles = {column.name: column.role for column in reference.COLUMNS}
    store_version(bench.database, DatasetStorage(tmp_path), tmp_path / "made", name="actions", roles=roles, **given)
    prices, actions = [(await bench.grants.get(ALICE, name)).dataset_id for name in ("prices", "actions")]
    await bench.share(prices, "EDIT")
    await bench.share(actions, "READ")
    with pytest.raises(ServiceError, match="its owner has to let you"):
        await bench.claimed(BOB, prices, reference=actions)
    await bench.share(actions, "USE")
    held = await bench.claimed(BOB, prices, reference=actions)
    given = bench.load(held)
    assert given.message["reference"] is True
    assert given.message["rules"] == {"left_out": [], "parameters": {}}
    assert {name.partition("/")[0] for name in given.links} == {"parent", "reference"}
    await bench.share(actions, None)
    with pytest.raises(ServiceError, match="there is no dataset"):
        bench.load(held)


async def test_the_newest_report_is_kept_and_those_before_it_are_not(bench):
    """Each is megabytes at the most, and anybody who may edit makes as many as they like."""
    first = await bench.claimed(ALICE, "prices")
    bench.save(first)
    assert (await bench.service.report(ALICE, "prices", 1)).report["rows"] == 340
    second, third = await bench.claimed(ALICE, "prices"), await bench.claimed(ALICE, "prices")
    assert bench.reports() == 3
    bench.save(third)
    assert bench.reports() == 2  # that of the one at work is still to come
    bench.save(second)
    assert bench.reports() == 1
    assert (await bench.service.report(ALICE, "prices", 1)).report["rows"] == 340


def looked_at(places=0, *left_out):
    """A report in which a price stands in the wrong order in some places."""
    results = [
        Result(rule, "info", "left_out", "left out") if rule in left_out
        else Result(rule, "error", count=places) if rule == "OHLC_ORDER" and places else Result(rule, "info")
        for rule in rules()
    ]  # fmt: skip
    return Report(340, 2, "2026-01-01T00:00:00Z", tuple(results))


async def test_an_error_is_closed_by_its_acceptance_alone_and_by_no_choice_of_rules(bench):
    async def checked(report, **body):
        bench.save(await bench.claimed(ALICE, "prices", **body), report)
        shown = await bench.service.report(ALICE, "prices", 1)
        return shown.is_validated, [line.partition(":")[0] for line in shown.validation_errors]

    async def accept():
        body = Acknowledgement(rules=["OHLC_ORDER"], why="a bad print")
        return await bench.service.acknowledge(ALICE, "prices", 1, body)

    assert await checked(looked_at(1)) == (False, ["OHLC_ORDER"])
    assert await checked(looked_at(0, "OHLC_ORDER"), left_out=["OHLC_ORDER"]) == (False, ["OHLC_ORDER"])
    (own,) = (await accept()).acknowledgements
    assert (own["who"], own["why"], own["count"]) == ("alice", "a bad print", 1)
    assert await checked(looked_at(1)) == (True, [])
    # Stricter numbers find what nobody has accepted.
    stricter = {"parameters": {"OHLC_ORDER": {"tolerance": 0}}}
    assert await checked(looked_at(7), **stricter) == (False, ["OHLC_ORDER"])
    assert (await accept()).acknowledgements[1]["count"] == 7
    assert await checked(looked_at(7), **stricter) == (True, [])
