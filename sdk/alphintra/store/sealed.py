"""Sealed versions: every file encrypted under a key of its own, which a key service keeps.

Parquet's modular encryption with AES-GCM, 256 bits. Each file is bound to its version and its place in it, which are
not stored in the file: a file that is put in another's place does not open. Keys never enter a kernel: whoever reads a
sealed version is a process that its user's code cannot reach.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from alphintra.errors import DataError
from alphintra.store.layout import check_id

_KEY_BYTES, _NONCE_BYTES = 32, 12


class KeyService(Protocol):
    """Keeps keys: gives a word for a key, and the key for its word."""

    def wrap(self, key: bytes, context: str) -> str:
        """Return what stands for a key in a manifest, at most 2,000 characters."""
        ...

    def unwrap(self, wrapped: str, context: str) -> bytes:
        """Return the key.

        Raises:
            DataError: There is no such key, or not for this context.
        """
        ...


@dataclass(frozen=True)
class FileKey:
    """The key of one file.

    Attributes:
        wrapped: What stands for it in the manifest.
    """

    wrapped: str
    _key: bytes
    _bound_to: bytes

    def __repr__(self) -> str:
        """Return it without the key."""
        return f"FileKey({self.wrapped!r})"

    def encryption(self) -> Any:
        """Return what pyarrow writes the file with."""
        from pyarrow.parquet.encryption import create_encryption_properties

        return create_encryption_properties(
            self._key, aad_prefix=self._bound_to, store_aad_prefix=False, encryption_algorithm="AES_GCM_V1"
        )

    def decryption(self) -> Any:
        """Return what pyarrow reads the file with."""
        from pyarrow.parquet.encryption import create_decryption_properties

        return create_decryption_properties(self._key, aad_prefix=self._bound_to)


class Seal:
    """Makes the keys of a version that is being written, and finds those of one that is read.

    Args:
        service: Keeps the keys.
        version: Id of the version.
    """

    def __init__(self, service: KeyService, version: str) -> None:
        self._service = service
        self._version = check_id(version, "a version")

    def key(self, file: str) -> FileKey:
        """Make a key for a file: a number, or ``blocks``."""
        context = f"{self._version}/{file}"
        key = secrets.token_bytes(_KEY_BYTES)
        return FileKey(self._service.wrap(key, context), key, context.encode())

    def find(self, file: str, wrapped: str) -> FileKey:
        """Return the key of a file that was written."""
        context = f"{self._version}/{file}"
        return FileKey(wrapped, self._service.unwrap(wrapped, context), context.encode())


class VersionKeys:
    """The keys of one version: each wrapped under a key of the version's own, which a key service has wrapped.

    A process that has this writes or reads this version and no other, without the key service: it is what a trusted
    reader or writer gets, over a pipe, in place of anything that opens more.

    Args:
        key: The key of the version, 32 bytes.
        word: What the key service gave for it.
    """

    def __init__(self, key: bytes, word: str) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._key, self._word = key, word
        self._cipher = AESGCM(key)

    @classmethod
    def made(cls, service: KeyService, version: str) -> VersionKeys:
        """Make the key of a version that is to be written."""
        key = secrets.token_bytes(_KEY_BYTES)
        return cls(key, service.wrap(key, check_id(version, "a version")))

    @classmethod
    def found(cls, service: KeyService, version: str, wrapped: str) -> VersionKeys:
        """Return the key of a version that was written, by what stands for the key of any of its files.

        Raises:
            DataError: ``SEALED``, as the key service says it.
        """
        word = wrapped.rpartition(".")[0]
        return cls(service.unwrap(word, version), word)

    @classmethod
    def from_json(cls, told: Mapping[str, str]) -> VersionKeys:
        """Return what another process has told with :meth:`to_json`."""
        return cls(bytes.fromhex(told["key"]), told["word"])

    def to_json(self) -> dict[str, str]:
        """Return the key itself, to be told to a trusted process and nobody else."""
        return {"key": self._key.hex(), "word": self._word}

    def wrap(self, key: bytes, context: str) -> str:
        """See :class:`KeyService`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, key, context.encode())
        return f"{self._word}.{urlsafe_b64encode(sealed).decode()}"

    def unwrap(self, wrapped: str, context: str) -> bytes:
        """See :class:`KeyService`."""
        from cryptography.exceptions import InvalidTag

        word, _, rest = wrapped.rpartition(".")
        try:
            if word != self._word:
                raise ValueError
            sealed = urlsafe_b64decode(rest)
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context.encode())
        except (ValueError, InvalidTag):
            raise DataError("there is no key for this file", code="SEALED", where=context) from None
