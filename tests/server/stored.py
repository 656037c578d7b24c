"""Versions of datasets for tests of the server: written, put into the store and recorded as the jobs do it."""

import uuid

from alphintra.store import committing
from alphintra.store.manifest import Provenance
from alphintra_server.services.dataset_recording import Made, record
from alphintra_server.services.ingests import account

from ..sdk.store.made import ABOUT, bars, write


def store_version(
    database, storage, folder, user="alice", name="prices", *, tables=None, parents=(), report=None, about=ABOUT, **made
):
    """Make a version of a dataset; return its id and its manifest."""
    version = uuid.uuid4().hex
    written = folder / version
    written.mkdir(parents=True)
    tables = tables or {"AAPL": bars(300), "MSFT": bars(40, seed=1)}
    write(written, tables, version, about=about, provenance=Provenance(parents=tuple(parents), report=report))
    owner = database.write_now(lambda session: account(session, user).folder)
    with committing.commit(storage, owner, written, version) as manifest:
        about_it = Made(
            manifest=manifest,
            owner_id=user,
            maker_id=user,
            job_id=uuid.uuid4().hex,
            dataset_name=name,
            source="USER_UPLOAD",
            **made,
        )
        database.write_now(lambda session: record(session, about_it).id)
    return version, manifest
