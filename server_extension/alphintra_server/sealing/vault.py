"""The keys of sealed versions, as this server has them made and finds them."""

from __future__ import annotations

from dataclasses import dataclass

from alphintra.errors import DataError
from alphintra.store import manifest as manifests
from alphintra.store.layout import MANIFEST, file_name
from alphintra.store.manifest import Manifest
from alphintra.store.sealed import KeyService, VersionKeys

from ..errors import ServiceError, Unavailable
from ..services.dataset_storage import DatasetStorage, StoredFile, told
from ..services.manifests import ManifestPlace, Manifests

FOLDER = "version"
"""Below ``in`` of a reader."""


@dataclass(frozen=True)
class SealedVersion:
    """A sealed version, by where it lies.

    Attributes:
        id: Which version.
        owner: The owner's folder in the store.
        manifest: SHA-256 of its manifest.
    """

    id: str
    owner: str
    manifest: str


class Vault:
    """Makes and finds keys. All methods wait for the disk, or for the store where versions lie.

    Args:
        storage: Where versions lie.
        service: Keeps the keys.
    """

    def __init__(self, storage: DatasetStorage, service: KeyService) -> None:
        self._storage, self._service = storage, service

    def make(self, version_id: str) -> VersionKeys:
        """Make the keys of a version that is to be written.

        Raises:
            Unavailable: The key service has no master key that can be used, or no room.
        """
        try:
            return VersionKeys.made(self._service, version_id)
        except DataError as error:
            raise refused(error) from None
        except OSError as error:
            raise Unavailable(f"A key could not be made: {error.strerror} (data_dir/keys).", code="SEALED") from None

    def find(self, version: SealedVersion) -> VersionKeys:
        """Return the keys of a version.

        Raises:
            Gone: The version was deleted.
            Unavailable: Its master key is not here, its manifest is damaged, or the store failed.
        """
        key = self._manifest(version)[1].files[0].key
        try:
            return VersionKeys.found(self._service, version.id, key or "")
        except DataError as error:
            raise refused(error) from None

    def links(self, version: SealedVersion) -> dict[str, StoredFile]:
        """Return the files of a version, encrypted as they are stored, by their paths below ``in`` of a reader.

        Raises:
            Gone: The version was deleted.
            Unavailable: Its manifest is damaged, or the store failed.
        """
        raw, found = self._manifest(version)
        rows, sides = ({file.sha256: file.bytes for file in files} for files in (found.files, found.sides))
        links = {
            f"{FOLDER}/{file_name(sha256)}": StoredFile(self._storage, version.owner, sha256, size)
            for sha256, size in (rows | sides).items()
        }
        manifest = StoredFile(self._storage, version.owner, version.manifest, len(raw), version.id)
        return links | {f"{FOLDER}/{MANIFEST}": manifest}

    def size(self, version: SealedVersion) -> int:
        """Return the bytes of the files of a version, as they lie: about what it takes when it is opened.

        Raises:
            Gone: The version was deleted.
            Unavailable: Its manifest is damaged, or the store failed.
        """
        _, found = self._manifest(version)
        sizes = {file.sha256: file.bytes for file in found.files} | {own.sha256: own.bytes for own in found.sides}
        return sum(sizes.values())

    def _manifest(self, version: SealedVersion) -> tuple[bytes, Manifest]:
        raw = Manifests(self._storage).bytes_of(ManifestPlace(version.owner, version.id, version.manifest))
        with told():
            return raw, manifests.from_json(raw)


def refused(error: DataError) -> ServiceError:
    """Say that a sealed version cannot be opened here, and what to do."""
    text = f"This dataset is sealed, and cannot be opened: {error.message}."
    return Unavailable(f"{text} {error.hint}" if error.hint else text, code="SEALED")
