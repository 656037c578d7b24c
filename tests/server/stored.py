"""Versions of datasets for tests of the server: written, put into the store and recorded as the jobs do it."""

import uuid

from alphintra.store import committing
from alphintra.store.manifest import Provenance
from alphintra.store.sealed import Seal
from alphintra_server.services.dataset_recording import Made, record
from alphintra_server.services.ingests import account

from ..sdk.store.made import ABOUT, ROLES, bars, write


def store_version(
    database, storage, folder, user="alice", name="prices", *, tables=None, parents=(), report=None, about=ABOUT,
    roles=ROLES, vault=None, **made,
):  # fmt: skip
    """Make a version of a dataset, sealed with the keys of a vault if there is one; return its id and its manifest."""
    version = uuid.uuid4().hex
    written = folder / version
    written.mkdir(parents=True)
    tables = tables or {"AAPL": bars(300), "MSFT": bars(40, seed=1)}
    seal = None if vault is None else Seal(vault.make(version), version)
    provenance = Provenance(parents=tuple(parents), report=report)
    write(written, tables, version, about=about, provenance=provenance, seal=seal, roles=roles)
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
