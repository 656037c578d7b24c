"""A further version of a dataset in the folder that this process was given."""

from __future__ import annotations

import errno
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alphintra.data import catalogue, sources
from alphintra.errors import DataError


@dataclass
class Saving:
    """A version on its way.

    Attributes:
        folder: The folder to write it to.
        version: The id that it has to have.
        number: Its number, once it is there.
    """

    folder: Path
    version: str
    number: str = ""


@contextmanager
def saving(name: str, like: str | None = None) -> Iterator[Saving]:
    """Within the ``with``, a version is written to a folder; at its end, it is there under the next number.

    Args:
        name: Name of the dataset, new or known.
        like: Name of a dataset whose owner a new one has.

    Raises:
        DataError: ``BAD_NAME``; ``READ_ONLY`` where there is no folder of datasets that may be written; ``DISK_FULL``.
    """
    from alphintra.store.blobs import Folder, disk_errors
    from alphintra.store.committing import commit
    from alphintra.store.sweeping import lease

    sources.check_name(name)
    if catalogue.is_shipped(name):
        raise DataError(f"'{name}' ships with Alphintra", code="BAD_NAME", where=name, hint="Choose another name.")
    where = sources.source()
    if not isinstance(where, sources.FolderSource):
        raise _read_only("this process has no folder of datasets")
    owner = where.owner(name, like)
    try:
        with lease(where.root, owner) as folder:
            own = Saving(folder, secrets.token_hex(16))
            yield own
            with commit(Folder(where.root), owner, folder, own.version), disk_errors():
                own.number = where.add(name, owner, own.version)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        raise _read_only(f"{error.filename} may not be written") from error


def _read_only(what: str) -> DataError:
    return DataError(
        f"nothing can be kept here: {what}", code="READ_ONLY",
        hint="Set ALPHINTRA_DATASETS to a folder that may be written, or keep a frame.",
    )  # fmt: skip
