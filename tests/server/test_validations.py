"""Checking a stored version again: for whom may change it, to the end; of its reports the newest is kept."""

import pytest
from alphintra.rules.report import Report
from alphintra.store import reference
from alphintra_server.auth import Caller
from alphintra_server.db.dataset_tables import DatasetReportRow
from alphintra_server.errors import Forbidden, NotFound, ServiceError
from alphintra_server.jobs import fair_queue, store
from alphintra_server.jobs.output import BadOutputError
from alphintra_server.jobs.validate import ValidateKind
from alphintra_server.limits import Limits
from alphintra_server.models.datasets import GrantChange
from alphintra_server.models.validations import CheckAgain
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

    def save(self, held):
        def work(session):
            store.complete(session, held, log=[], run_seconds=1.0, usage=None, output_bytes=0)
            self.kind.save(session, held, REPORT)

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
