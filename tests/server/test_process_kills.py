"""Servers that are killed at each step of a recipe's commit: the version before it stays, the new one is there once."""

import json

import pytest
from alphintra.recipes import apply
from alphintra.recipes.recipe import recipe_of
from alphintra.rules.registry import Choice, rules
from alphintra.store.opening import open_version
from alphintra.store.reading import read
from alphintra.store.sweeping import sweep
from alphintra_server.auth import Caller
from alphintra_server.db.dataset_tables import (
    BlobReferenceRow,
    DatasetParentRow,
    DatasetSymbolRow,
    DatasetVersionRow,
    StorageAccountRow,
)
from alphintra_server.db.recipe_tables import VersionRequestRow
from alphintra_server.db.tables import DatasetRow
from alphintra_server.jobs.stored_versions import PROCESS
from alphintra_server.limits import Limits
from alphintra_server.services.dataset_storage import DatasetStorage
from alphintra_server.services.storage_use import storage_used
from alphintra_server.services.version_requests import enqueue
from sqlalchemy import func, select

from ..sdk.store.made import bars
from .databases import migrated
from .ingest_server import completed, killed
from .stored import store_version
from .uploaded import files_below

STEPS = [{"kind": "derive", "name": "ret", "formula": "log(close / lag(close, 1))"}]
OPTIONS = {"symbols": None, "rules": {"left_out": sorted(rules()), "parameters": {}}, "description": "", "tags": []}
NO_RULES = json.dumps(OPTIONS["rules"])
PRICES = ["open", "high", "low", "close", "volume"]
#: Where the servers of one job are killed, one after the other; it has three attempts.
LIVES = [
    ["in_commit:2", "after_manifest"],
    *(
        pytest.param(points, marks=pytest.mark.slow)
        for points in (
            ["after_claim", "after_start"], ["in_commit:1", "after_result_write"], ["after_commit_before_relay"],
        )
    ),
]  # fmt: skip


def asked_for(session, version_id):
    """Queue the recipe as a request does."""
    version = session.get_one(DatasetVersionRow, version_id)
    recipe = recipe_of(STEPS).to_dict()
    own = {"owner_id": "alice", "dataset_name": "prices", "current_id": version_id}
    who = Caller("alice", ())
    return enqueue(session, Limits(), who, PROCESS, "derive", version, recipe=recipe, options=OPTIONS, **own).id


def seen(session):
    """What the catalogue has: versions, what the dataset says of itself, files, lineage, what was made, bytes."""
    dataset = session.scalars(select(DatasetRow).where(DatasetRow.name == "prices")).one()
    versions = session.scalars(select(DatasetVersionRow).order_by(DatasetVersionRow.number)).all()
    return (
        [version.id for version in versions],
        (dataset.current_version_id, dataset.version_number, dataset.content_hash, dataset.columns),
        {row.version_id: row.sha256 for row in session.scalars(select(BlobReferenceRow))}.keys(),
        [(row.version_id, row.parent_id) for row in session.scalars(select(DatasetParentRow))],
        session.scalars(select(VersionRequestRow.made_id)).one(),
        session.scalar(select(func.count()).select_from(DatasetSymbolRow)),
        storage_used(session, "alice").total,
    )


@pytest.mark.parametrize("points", LIVES, ids=",".join)
async def test_killed_while_a_recipe_becomes_a_version(tmp_path, points):
    url, data_dir = f"sqlite:///{tmp_path / 'data' / 'alphintra.sqlite'}", tmp_path / "data"
    storage, database = DatasetStorage(data_dir), migrated(url)
    first, manifest = store_version(
        database, storage, tmp_path / "made", tables={"AAPL": bars(300), "MSFT": bars(40, seed=1)}
    )
    job_id = database.write_now(lambda session: asked_for(session, first))
    before, whole = database.read_now(seen), files_below(storage.root)
    assert before[:2] == ([first], (first, 1, manifest.content_hash, ["time", *PRICES]))
    committed = points == ["after_commit_before_relay"]
    for point in points:
        database.close()
        await killed(url, data_dir, point)
        database = migrated(url)
        # As if nothing had been, or all of it; and what was there is whole.
        assert (database.read_now(seen) == before) is not committed
        assert set(whole) <= set(files_below(storage.root))

    job = await completed(database, data_dir, job_id)
    assert (job.status, job.attempt) == ("COMPLETED", 1 if committed else len(points) + 1)
    versions, shown, referencing, parents, made, symbols, used = database.read_now(seen)
    second = versions[1]
    owner = database.read_now(lambda session: session.get_one(StorageAccountRow, "alice").folder)
    here = tmp_path / "here"
    here.mkdir()
    local = apply(open_version(storage, owner, first), STEPS, here, "v", check=Choice.from_json(NO_RULES)).manifest
    assert versions == [first, second]
    assert shown == (second, 2, local.content_hash, ["time", *PRICES, "ret"])
    assert (referencing, parents, made, symbols) == ({first, second}, [(second, first)], second, before[5])

    def referenced():
        return set(database.read_now(lambda session: session.scalars(select(BlobReferenceRow.sha256)).all())), versions

    # What attempts that came to nothing left goes, and nothing else: both versions are read to the last row.
    sweep(storage, storage.root, owner, referenced, unused_seconds=0)
    names = [*(f"{sha256}.parquet" for sha256 in referenced()[0]), *(f"{version}.json" for version in versions)]
    assert files_below(storage.root) == sorted(names)
    assert used == sum(path.stat().st_size for path in storage.root.rglob("*.parquet"))
    new, old = (read(open_version(storage, owner, version)) for version in (second, first))
    assert new.drop_columns(["ret"]) == old
    assert new.num_rows == 340
    assert files_below(data_dir / "workers") == []
    database.close()
