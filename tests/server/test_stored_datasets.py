"""The catalogue with users' own datasets: found, shared, looked into, deleted; on both databases."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest
from alphintra.store.manifest import About
from alphintra_server.auth import Caller
from alphintra_server.db.dataset_tables import DatasetLeaseRow, DatasetVersionRow
from alphintra_server.db.tables import DatasetRow
from alphintra_server.errors import Conflict, Forbidden, Gone, Invalid, NotFound, Unavailable
from alphintra_server.limits import Limits, UserLimits
from alphintra_server.models.base import PageQuery
from alphintra_server.models.datasets import (
    DatasetChange,
    DatasetQuery,
    DeletionQuery,
    GrantChange,
    PreviewQuery,
    StatisticsQuery,
)
from alphintra_server.services import dataset_leases
from alphintra_server.services.dataset_deletion import DatasetDeletion
from alphintra_server.services.dataset_grants import DatasetGrants
from alphintra_server.services.dataset_inputs import readable
from alphintra_server.services.dataset_rows import Level, find
from alphintra_server.services.dataset_storage import DatasetStorage
from alphintra_server.services.datasets import Datasets
from alphintra_server.services.manifests import Manifests
from alphintra_server.services.selections import select_for_run
from alphintra_server.services.storage_use import storage_used
from alphintra_server.services.users import Users
from alphintra_server.services.version_reading import VersionReading

from ..sdk.store.made import bars
from .stored import store_version

ALICE, BOB, EVE = (Caller(name, ("researcher",)) for name in ("alice", "bob", "eve"))
SHIPPED = 9


class House:
    """The services of datasets, and a way to make versions."""

    def __init__(self, database, folder):
        self.database, self.folder = database, folder
        self.storage = DatasetStorage(folder)
        self.datasets = Datasets(database, Manifests(self.storage), Limits(UserLimits(storage=1 << 30)), None)
        self.grants = DatasetGrants(database, Users(database, ("bob", "eve", *map(str, range(300)))))
        self.deletion = DatasetDeletion(database, self.storage, logging.getLogger("test"))

    def make(self, user="alice", name="prices", **more):
        return store_version(self.database, self.storage, self.folder / "made", user, name, **more)

    async def names(self, who=ALICE, **query):
        found = await self.datasets.search(who, DatasetQuery(**query))
        assert found.total == len(found.items)
        return [item.name for item in found.items]

    def row(self, name, user="alice"):
        query = DatasetRow.name == name, DatasetRow.user_id == user
        return self.database.read_now(lambda session: session.query(DatasetRow).where(*query).one())

    def blobs(self):
        return sorted(path.name for path in self.storage.root.glob("*/blobs/*/*.parquet"))

    def versions(self):
        return self.database.read_now(
            lambda session: {row.id: row for row in session.query(DatasetVersionRow)}
        )


@pytest.fixture
def house(database, tmp_path):
    return House(database, tmp_path / "data")


async def test_datasets_are_found_by_what_they_are(house):
    forex = About(asset_class="FOREX", timeframe="1h", simulated=True)
    house.make(tags=("Crypto", "a_b"), description="Äpfel of 100%")
    house.make(name="rates", tables={"EURUSD": bars(10, start=1_600_000_000_000_000)}, about=forex)
    house.make("bob", "prices")
    assert await house.names(search="ÄPFEL") == ["prices"]
    assert await house.names(search="100%") == ["prices"]
    assert await house.names(search="0_") == []
    assert await house.names(search="eurusd") == ["rates", "simulated-fx-hourly"]
    assert await house.names(symbol="msft") == ["prices", "us-closes-daily", "us-equities-daily"]
    assert await house.names(symbol="ms") == []
    assert await house.names(asset_class="forex") == ["rates", "simulated-fx-hourly"]
    assert await house.names(timeframe="1min") == ["prices", "simulated-equities-minute"]
    assert await house.names(tags="crypto, A_B") == ["prices"]
    assert await house.names(tags="crypto,axb") == []
    assert await house.names(source="USER_UPLOAD", start="2020-02-01") == ["rates"]
    assert await house.names(source="USER_UPLOAD", end="2020-02-01") == ["prices"]
    # The first of rates is of 12:26 on that day: a date is all of it.
    assert await house.names(source="USER_UPLOAD", end="2020-09-13") == ["prices", "rates"]
    assert await house.names(source="USER_UPLOAD", end="2020-09-13T12:26:39Z") == ["prices"]
    assert len(await house.names(source="PLATFORM")) == SHIPPED
    page = await house.datasets.search(ALICE, DatasetQuery(limit=1, offset=1, source="USER_UPLOAD"))
    assert ([item.name for item in page.items], page.total) == (["rates"], 2)
    one = page.items[0]
    assert (one.access, one.owner, one.version, one.simulated) == ("OWNER", "alice", 1, True)
    # Others' are not there, by name or by id.
    assert (await house.datasets.get(BOB, "prices")).id == house.row("prices", "bob").id
    with pytest.raises(NotFound):
        await house.datasets.get(EVE, house.row("prices").id)


async def test_versions_lineage_and_what_can_be_changed(house):
    first, _ = house.make()
    second, manifest = house.make(tables={"AAPL": bars(5)}, parents=(first,), errors=("OHLC_ORDER: 3 rows",))
    shown = await house.datasets.get(ALICE, "prices")
    assert (shown.version, shown.version_id, shown.row_count) == (2, second, 5)
    assert (shown.symbols, shown.validation_errors) == (["AAPL"], ["OHLC_ORDER: 3 rows"])
    page = await house.datasets.versions(ALICE, "prices", PageQuery(limit=10))
    assert [(item.number, item.id, item.row_count) for item in page.items] == [(2, second, 5), (1, first, 340)]
    assert [parent.version_id for parent in page.items[0].parents] == [first]
    assert (await house.datasets.version(ALICE, "prices", 2)).content_hash == manifest.content_hash
    with pytest.raises(NotFound):
        await house.datasets.version(ALICE, "prices", 3)
    changed = await house.datasets.change(ALICE, "prices", DatasetChange(description="New", tags=["x", "X", "y"]))
    assert (changed.description, changed.tags) == ("New", ["X", "y"])
    assert await house.names(tags="x") == ["prices"]
    with pytest.raises(Forbidden):
        await house.datasets.change(ALICE, "us-equities-daily", DatasetChange(description=""))
    usage = await house.datasets.usage(ALICE)
    files = sum(path.stat().st_size for path in house.storage.root.glob("*/blobs/*/*.parquet"))
    assert (usage.used, usage.datasets, usage.uploads, usage.quota) == (files, files, 0, 1 << 30)


async def test_many_symbols_and_columns_come_with_the_single_one(house):
    table = bars(2)
    for number in range(30):
        table = table.append_column(f"extra{number:02}", table["close"])
    house.make(tables={f"S{number:02}": table for number in range(25)})
    (item,) = (await house.datasets.search(ALICE, DatasetQuery(source="USER_UPLOAD"))).items
    assert (len(item.symbols), item.symbol_count, len(item.columns), item.column_count) == (20, 25, 20, 36)
    shown = await house.datasets.get(ALICE, "prices")
    assert shown.symbols == [f"S{number:02}" for number in range(25)]
    assert shown.columns == ["time", "open", "high", "low", "close", "volume", *(f"extra{n:02}" for n in range(30))]
    assert await house.names(symbol="s24") == ["prices"]


async def test_preview_and_statistics_come_from_the_manifest_alone(house):
    _, manifest = house.make()
    for path in house.storage.root.glob("*/blobs/*/*.parquet"):
        path.unlink()
    preview = await house.datasets.preview(ALICE, "prices", PreviewQuery(rows=3, max_points=10))
    assert len(preview.sample_data) == 3
    assert set(preview.sample_data[0]) == {"symbol", "time", "open", "high", "low", "close", "volume"}
    assert preview.statistics["close"]["count"] == 340
    assert "histogram" not in preview.statistics["close"]
    assert preview.missing_values["close"] == 0
    assert preview.data_types["close"] == "double"
    chart = preview.chart_data
    assert (chart["symbol"], chart["series"], chart["bars"], chart["thinned"]) == ("AAPL", "close", 300, True)
    assert len(chart["time"]) == len(chart["values"]) == 10
    assert chart["time"] == sorted(chart["time"])
    closes = dict(zip((1_577_836_800 + 60 * i for i in range(300)), bars(300)["close"].to_pylist(), strict=True))
    assert chart["values"] == [closes[moment] for moment in chart["time"]]
    candles = chart["candles"]
    assert (candles["time"], candles["close"], candles["bars_each"]) == (chart["time"], chart["values"], 1)
    place = (chart["time"][4] - 1_577_836_800) // 60
    for name in ("open", "high", "low", "volume"):
        assert candles[name][4] == bars(300)[name].to_pylist()[place]
    other = await house.datasets.preview(ALICE, "prices", PreviewQuery(symbol="MSFT", rows=200))
    assert {row["symbol"] for row in other.sample_data} == {"MSFT"}
    assert len(other.chart_data["time"]) == 40
    found = await house.datasets.statistics(ALICE, "prices", StatisticsQuery())
    assert found.row_count == 340
    assert sum(found.columns["close"]["histogram"]["counts"]) == 340
    assert found.columns["time"]["coverage"]["counts"] == [340]
    assert found.symbols["MSFT"] == {
        "title": None, "first": "2020-01-01T00:00:00Z", "last": "2020-01-01T00:39:00Z", "rows": 40,
    }  # fmt: skip
    with pytest.raises(Invalid):
        await house.datasets.statistics(ALICE, "prices", StatisticsQuery(symbol="TSLA"))
    house.make(tables={"MSFT": bars(7)})
    assert (await house.datasets.statistics(ALICE, "prices", StatisticsQuery())).row_count == 7
    assert (await house.datasets.statistics(ALICE, "prices", StatisticsQuery(version=1))).row_count == 340
    assert manifest.rows == 340


async def test_sharing_lets_others_as_far_as_it_goes_and_ends(house, database):
    house.make()
    shared = house.row("prices").id

    def may(who, level):
        def work(session):
            return find(session, who, shared, level).id

        try:
            return database.read_now(work) == shared
        except (NotFound, Forbidden) as error:
            return type(error)

    for level, known in (("READ", 1), ("USE", 2), ("EDIT", 3)):
        found = await house.grants.change(ALICE, shared, GrantChange(user_id="bob", level=level))
        assert [(grant.user_id, grant.level) for grant in found.grants] == [("bob", level)]
        assert [may(BOB, item) for item in Level] == [True] * known + [Forbidden] * (3 - known)
        assert (await house.datasets.get(BOB, shared)).access == level
    assert "prices" in await house.names(BOB)
    # A name stays one's own: what is shared is known by its id.
    with pytest.raises(NotFound):
        await house.datasets.get(BOB, "prices")
    changed = await house.datasets.change(BOB, shared, DatasetChange(description="by bob"))
    assert changed.description == "by bob"
    for refused in (
        house.grants.get(BOB, shared),
        house.grants.change(BOB, shared, GrantChange(user_id="eve", level="READ")),
        house.deletion.delete(BOB, shared, DeletionQuery()),
        house.grants.change(ALICE, "us-equities-daily", GrantChange(user_id="eve", level="READ")),
    ):
        with pytest.raises(Forbidden):
            await refused
    with pytest.raises(Invalid):
        await house.grants.change(ALICE, shared, GrantChange(user_id="alice", level="READ"))
    assert [may(EVE, item) for item in Level] == [NotFound] * 3
    await house.grants.change(ALICE, shared, GrantChange(user_id="bob", level=None))
    assert [may(BOB, item) for item in Level] == [NotFound] * 3


async def test_a_run_that_waits_reads_nothing_that_is_no_longer_shared(house, database):
    """Whatever it reads of it: what it trades, what it is compared with, what its strategy reads beside that."""
    house.make()
    house.make("bob", "own")
    shared = house.row("prices").id
    await house.grants.change(ALICE, shared, GrantChange(user_id="bob", level="USE"))
    theirs, own = f"{shared}@1/AAPL", "own@1/AAPL"
    runs = ((theirs, None, {}), (own, theirs, {}), (own, None, {"features.x": f"{shared}@1"}))
    chosen = database.read_now(lambda session: [select_for_run(session, BOB, data) for data, _, _ in runs])

    def read(number):
        _, benchmark, features = runs[number]
        return database.read_now(lambda session: readable(session, "bob", chosen[number], benchmark, features))

    assert [len(read(number)) for number in range(3)] == [1, 2, 2]
    for level, refused in (("READ", Forbidden), (None, NotFound)):
        await house.grants.change(ALICE, shared, GrantChange(user_id="bob", level=level))
        for number in range(3):
            with pytest.raises((refused, Invalid) if number else refused):
                read(number)


async def test_deleting_waits_for_readers_and_leaves_a_tombstone(house, database):
    version, manifest = house.make()
    kept, _ = house.make(name="other", tables={"AAPL": bars(300), "MSFT": bars(40, seed=1)})
    files = house.blobs()
    gone = house.row("prices").id
    database.write_now(lambda session: dataset_leases.take(session, version, "reader"))
    begun = await house.deletion.delete(ALICE, "prices", DeletionQuery())
    assert begun.datasets == [gone]
    with pytest.raises(Gone) as deleted:
        await house.datasets.get(ALICE, gone)
    assert deleted.value.extra["content_hash"] == manifest.content_hash
    with pytest.raises(NotFound):
        await house.datasets.get(ALICE, "prices")
    assert await house.names(source="USER_UPLOAD") == ["other"]
    assert await house.deletion.look() == 0
    assert house.versions()[version].state == "DELETING"
    assert database.read_now(lambda session: dataset_leases.holds(session, version, "reader"))

    def end(session):
        session.query(DatasetLeaseRow).one().until = datetime.now(UTC) - timedelta(seconds=1)

    database.write_now(end)
    assert await house.deletion.look() == 1
    stone = house.row("prices")
    assert (stone.state, stone.content_hash, stone.unique_name) == ("DELETED", manifest.content_hash, gone)
    assert house.versions()[version].state == "DELETED"
    # The other has the same values in the same files: they stay until it goes as well.
    assert house.blobs() == files
    assert [path.stem for path in house.storage.root.glob("*/manifests/*")] == [kept]
    again, _ = house.make()
    assert house.versions()[again].number == 1
    await house.deletion.delete(ALICE, "other", DeletionQuery())
    row = (await house.datasets.search(ALICE, DatasetQuery(source="USER_UPLOAD"))).items
    await house.deletion.delete(ALICE, row[0].id, DeletionQuery())
    assert await house.deletion.look() == 2
    assert house.blobs() == []
    assert database.read_now(lambda session: storage_used(session, "alice").total) == 0


async def test_what_was_made_of_it_is_named_first(house):
    base, _ = house.make(name="base")
    middle, _ = house.make(name="middle", parents=(base,), tables={"A": bars(3)})
    house.make(name="top", parents=(middle,), tables={"A": bars(4)})
    house.make("bob", "bobs", parents=(base,), tables={"A": bars(5)})
    ids = {name: house.row(name).id for name in ("base", "middle", "top")}
    with pytest.raises(Conflict) as named:
        await house.deletion.delete(ALICE, "base", DeletionQuery())
    assert named.value.extra["derived"] == [{"dataset_id": ids["middle"], "name": "middle", "versions": [1]}]
    with pytest.raises(Conflict) as named:
        await house.deletion.delete(ALICE, "base", DeletionQuery(also=ids["middle"]))
    assert [item["name"] for item in named.value.extra["derived"]] == ["top"]
    with pytest.raises(Invalid):
        await house.deletion.delete(ALICE, "top", DeletionQuery(also=ids["base"]))
    assert sorted(await house.names(source="USER_UPLOAD")) == ["base", "middle", "top"]
    begun = await house.deletion.delete(ALICE, "base", DeletionQuery(also=ids["middle"], keep=ids["top"]))
    assert (set(begun.datasets), begun.kept) == ({ids["base"], ids["middle"]}, [ids["top"]])
    assert await asyncio.gather(house.deletion.look()) == [2]
    (top,) = (await house.datasets.versions(ALICE, "top", PageQuery())).items
    assert [(parent.version_id, parent.state) for parent in top.parents] == [(middle, "DELETED")]
    assert await house.names(BOB, source="USER_UPLOAD") == ["bobs"]


async def test_a_notebook_is_not_given_a_manifest_that_was_changed(house, database):
    version, _ = house.make()
    (path,) = house.storage.root.glob(f"*/manifests/{version}.json")
    path.write_bytes(path.read_bytes().replace(b"XNYS", b"24/7", 1) + b" ")
    with pytest.raises(Unavailable) as damaged:
        await VersionReading(database, house.storage, None).manifest(ALICE, version, "k1")
    assert (damaged.value.code, version in damaged.value.detail) == ("DAMAGED_FILE", True)


async def test_a_notebook_that_reads_goes_on_and_nobody_begins(house, database):
    version, manifest = house.make()
    dataset = house.row("prices").id
    file = manifest.files[0].sha256
    for name in ("bob", "eve"):
        await house.grants.change(ALICE, dataset, GrantChange(user_id=name, level="READ"))
    reading = VersionReading(database, house.storage, None)
    assert await reading.manifest(BOB, version, "k1") == manifest.to_json()
    await house.deletion.delete(ALICE, dataset, DeletionQuery())
    assert await house.deletion.look() == 0
    # Another server's process knows of the lease as well.
    for server in (reading, VersionReading(database, house.storage, None)):
        assert await server.part(BOB, version, file, 0, 4, "k1") == b"PAR1"
    for who in (ALICE, EVE):
        with pytest.raises(Gone):
            await reading.manifest(who, version, who.user_id)
        with pytest.raises(Gone):
            await reading.part(who, version, file, 0, 4, who.user_id)
    assert len(database.read_now(lambda session: session.query(DatasetLeaseRow).all())) == 1

    def end(session):
        session.query(DatasetLeaseRow).one().until = datetime.now(UTC) - timedelta(seconds=1)

    database.write_now(end)
    with pytest.raises(Gone):
        await reading.part(BOB, version, file, 0, 4, "k1")
    assert await house.deletion.look() == 1
    assert house.blobs() == []
