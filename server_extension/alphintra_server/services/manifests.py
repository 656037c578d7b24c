"""Manifests of stored versions, as the answers of the API read them: checked by their hash, the last ones kept."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from ..db.dataset_tables import DatasetVersionRow, StorageAccountRow
from ..db.tables import DatasetRow
from ..errors import Unavailable
from ..waiting import in_waiting
from .dataset_storage import DatasetStorage, told

_KEPT_BYTES = 8 << 20


@dataclass(frozen=True)
class ManifestPlace:
    """Where a version's manifest lies, and what it has to hash to."""

    folder: str
    version_id: str
    sha256: str


def place_of(session: Session, dataset: DatasetRow, version: DatasetVersionRow) -> ManifestPlace:
    """Tell where a version's manifest lies."""
    assert dataset.user_id is not None
    account = session.get_one(StorageAccountRow, dataset.user_id)
    return ManifestPlace(account.folder, version.id, version.manifest_sha256)


class Manifests:
    """Reads manifests. They were bounded and checked in every part before they came into the store.

    Args:
        storage: Where they lie.
    """

    def __init__(self, storage: DatasetStorage) -> None:
        self._storage = storage
        self._kept: OrderedDict[str, tuple[int, dict[str, Any]]] = OrderedDict()

    async def read(self, place: ManifestPlace) -> dict[str, Any]:
        """Read one, as JSON. It is shared: nobody changes it.

        Raises:
            Gone: It is not there any more.
            Unavailable: It is not the one that was written, or the store failed.
        """
        if (kept := self._kept.get(place.version_id)) is not None:
            self._kept.move_to_end(place.version_id)
            return kept[1]
        size, found = await in_waiting(self._read, place)
        self._kept[place.version_id] = (size, found)
        while self._kept and sum(size for size, _ in self._kept.values()) > _KEPT_BYTES:
            self._kept.popitem(last=False)
        return found

    def bytes_of(self, place: ManifestPlace) -> bytes:
        """Read one as it was written, out of the store. Blocks; raises as :meth:`read`."""
        with told():
            raw = self._storage.manifest(place.folder, place.version_id)
        if hashlib.sha256(raw).hexdigest() != place.sha256:
            text = f"The manifest of this version ({place.version_id}) is damaged: restore it from a copy."
            raise Unavailable(text, code="DAMAGED_FILE")
        return raw

    def _read(self, place: ManifestPlace) -> tuple[int, dict[str, Any]]:
        raw = self.bytes_of(place)
        return len(raw), json.loads(raw)
