"""Keeping a version that a job has made: its files into the store, its bytes within what its owner may store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alphintra.errors import DataError
from alphintra.store import committing
from sqlalchemy.orm import Session

from ..db.engine import one_at_a_time
from ..limits import Limits
from ..services.dataset_storage import DatasetStorage
from ..services.storage_use import storage_used
from .ingest_output import Written
from .output import BadOutputError

_OF_THE_STORE = frozenset({"DISK_FULL", "STORE_FAILED"})
"""Codes of what is not the worker's doing. What is damaged here is what it has left, and no file that was stored."""


@contextmanager
def kept(storage: DatasetStorage, owner: Callable[[], str], output: Written, folder: Path) -> Iterator[None]:
    """Check every file, put them into the store, and have them not swept until the version is recorded.

    Args:
        storage: The store.
        owner: Tells whose folder of it, when it is entered.
        output: What was collected.
        folder: Where the files lie.

    Raises:
        BadOutputError: A file is not what the manifest says (``BAD_OUTPUT``), the store failed (``STORE_FAILED``), or
            its disk is full (``DISK_FULL``).
    """
    _own(folder, output.files)
    try:
        with committing.commit(storage, owner(), folder, output.manifest.version):
            yield
    except DataError as error:
        raise BadOutputError(str(error), error.code if error.code in _OF_THE_STORE else "BAD_OUTPUT") from None


def refuse_too_much(session: Session, limits: Limits, owner_id: str, maker_id: str) -> None:
    """Refuse a version that was recorded in this transaction, if its owner has more now than may be.

    How much that is, is told to them alone: another who may change a dataset of theirs sees nothing else of theirs.

    Raises:
        BadOutputError: ``QUOTA_EXCEEDED``.
    """
    one_at_a_time(session.connection(), f"storage of {owner_id}")
    session.flush()
    quota, used = limits.of(owner_id).storage, storage_used(session, owner_id).total
    if used > quota:
        if maker_id != owner_id:
            text = "The dataset's owner has no room for another version: make it one of a dataset of yours."
            raise BadOutputError(text, "QUOTA_EXCEEDED")
        text = f"With this version {used:,} bytes would be stored, and {quota:,} may be: delete something."
        raise BadOutputError(text, "QUOTA_EXCEEDED")


def _own(folder: Path, names: Iterable[str]) -> None:
    """Take over files that the worker's user made: what is stored must not be another's to change."""
    if os.geteuid() == 0:
        for name in names:
            os.chown(folder / name, 0, 0, follow_symlinks=False)
