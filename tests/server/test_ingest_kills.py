"""Servers that are killed at each step of putting a version into the store: none is lost, none is half there."""

import json

import pytest
from alphintra.store.opening import open_version
from alphintra.store.reading import read
from alphintra.store.sweeping import sweep
from alphintra_server.auth import Caller
from alphintra_server.db.dataset_tables import BlobReferenceRow, DatasetVersionRow, StorageAccountRow, UploadRow
from alphintra_server.limits import Limits
from alphintra_server.models.ingests import IngestRequest
from alphintra_server.services.dataset_storage import DatasetStorage
from alphintra_server.services.ingests import Ingests
from sqlalchemy import select

from alphintra_kernel import ingest_job

from .databases import migrated
from .ingest_server import completed, killed
from .uploaded import as_csv, files_below, here, prices


def mapping_of(content, folder):
    """What a first look proposes."""

    class Silent:
        def phase(self, *_):
            pass

    (folder / "in").mkdir(parents=True)
    (folder / "out").mkdir()
    (folder / "in" / "upload").write_bytes(content)
    ingest_job.run({"kind": "inspect", "upload": {"name": "prices.csv"}}, folder, Silent())
    return json.loads((folder / "out" / "inspection.json").read_text())["mapping"]


MORE = ["in_commit:2", "after_result_write", "after_commit_before_relay"]
POINTS = ["after_manifest", *(pytest.param(point, marks=pytest.mark.slow) for point in MORE)]


@pytest.mark.parametrize("point", POINTS)
async def test_killed_in_a_commit(tmp_path, point):
    frame = prices(["AAPL", "MSFT"])
    content = as_csv(frame)
    url, data_dir = f"sqlite:///{tmp_path / 'data' / 'alphintra.sqlite'}", tmp_path / "data"
    database = migrated(url)
    storage = DatasetStorage(data_dir)
    upload_id = here(database, storage, content)
    body = IngestRequest(mapping=mapping_of(content, tmp_path / "look"))
    asked = await Ingests(database, Limits(), lambda: None).ingest(Caller("alice", ()), upload_id, body)
    database.close()

    await killed(url, data_dir, point)

    database = migrated(url)
    job = await completed(database, data_dir, asked.job_id)
    assert (job.status, job.attempt) == ("COMPLETED", 1 if point == "after_commit_before_relay" else 2)

    def rows(session):
        (version,) = session.scalars(select(DatasetVersionRow))
        hashes = set(session.scalars(select(BlobReferenceRow.sha256)))
        owner = session.get_one(StorageAccountRow, "alice").folder
        return version, hashes, owner, session.get_one(UploadRow, upload_id)

    version, hashes, owner, upload = database.read_now(rows)
    database.close()
    assert (version.number, upload.state, upload.version_id) == (1, "DONE", version.id)
    swept = sweep(storage, storage.root, owner, lambda: (hashes, {version.id}), unused_seconds=0)
    # The second attempt wrote the same files. Its version has another id: what the first one left of that is nobody's.
    assert (swept.files, swept.manifests) == (0, int(point in ("after_manifest", "after_result_write")))
    table = read(open_version(storage, owner, version.id))
    expected = frame.sort_values(["Symbol", "Date"])
    assert table["close"].to_pylist() == expected["Close"].tolist()
    assert files_below(storage.root) == sorted([f"{version.id}.json", *(f"{sha256}.parquet" for sha256 in hashes)])
    assert files_below(data_dir / "workers") == []
