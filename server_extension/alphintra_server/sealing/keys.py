"""The master keys of this server, which wrap the keys of sealed versions: files that only its account reads.

No kernel and no job reaches them, nor do they leave this process: what a trusted reader or writer gets is the key of
the one version that it is for.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

from alphintra.errors import DataError
from alphintra.store.blobs import sync

_BYTES, _NONCE_BYTES = 32, 12
_NAME = re.compile(r"master-([1-9][0-9]{0,5}-[0-9a-f]{16})\.key")


class MasterKeys:
    """A key service of one machine, or of all servers that share a data folder. All methods wait for the disk.

    New versions are wrapped under the newest key; each key that was ever used stays needed for as long as a version of
    its time is.

    Args:
        folder: Where they lie; made with the first of them, for the server's account alone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def wrap(self, key: bytes, context: str) -> str:
        """Wrap a key under the newest master key; the first is made if there is none."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        name = self._newest() or self.rotate()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + AESGCM(self._read(name, context)).encrypt(nonce, key, context.encode())
        return f"{name}.{urlsafe_b64encode(sealed).decode()}"

    def unwrap(self, wrapped: str, context: str) -> bytes:
        """Return a key.

        Raises:
            DataError: ``SEALED``: its master key is not here, or it was not wrapped for this.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        name, _, rest = wrapped.partition(".")
        master = self._read(name, context)
        try:
            sealed = urlsafe_b64decode(rest)
            return AESGCM(master).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context.encode())
        except (ValueError, InvalidTag):
            raise DataError("its key was not wrapped by this server for it", code="SEALED", where=context) from None

    def rotate(self) -> str:
        """Make a further master key, which wraps what is sealed from now on; return its name.

        It belongs to the account that the folder above belongs to, the server's, also where root makes it.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._give(self._folder)
        newest = self._newest()
        number = 1 if newest is None else int(newest.partition("-")[0]) + 1
        key = secrets.token_bytes(_BYTES)
        name = f"{number}-{_digest(key)}"
        # Whole or not at all: nothing is wrapped under a key of which half is lost.
        part = self._folder / f".{name}.part"
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        self._give(part)
        part.rename(self._path(name))
        sync(self._folder)
        return name

    def _give(self, path: Path) -> None:
        if os.geteuid() == 0:
            owner = self._folder.parent.stat()
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)

    def _newest(self) -> str | None:
        if not self._folder.is_dir():
            return None
        names = [found[1] for entry in self._folder.iterdir() if (found := _NAME.fullmatch(entry.name))]
        return max(names, key=lambda name: (int(name.partition("-")[0]), name), default=None)

    def _path(self, name: str) -> Path:
        return self._folder / f"master-{name}.key"

    def _read(self, name: str, context: str) -> bytes:
        path = self._path(name)
        if _NAME.fullmatch(path.name) is None:
            raise DataError("its key was not wrapped by this server", code="SEALED", where=context)
        try:
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise DataError(
                f"the master key {name} is not in the server's folder of keys", code="SEALED", where=context,
                hint=f"Put {path.name} back from a backup of data_dir/keys, readable by the server's account alone.",
            ) from None  # fmt: skip
        except OSError as error:
            raise DataError(
                f"the master key {name} cannot be read ({error.strerror})", code="SEALED", where=context,
                hint=f"Have data_dir/keys and {path.name} in it belong to the server's account, and be a plain file.",
            ) from None  # fmt: skip
        try:
            mode, raw = os.fstat(file).st_mode, os.read(file, _BYTES + 1)
        finally:
            os.close(file)
        if mode & 0o077:
            raise DataError(
                f"the master key {name} may be read by others than the server's account", code="SEALED", where=context,
                hint=f"chmod 600 {path.name} in data_dir/keys; whoever read it can read what it sealed.",
            )  # fmt: skip
        if len(raw) != _BYTES or not name.endswith(_digest(raw)):
            raise DataError(
                f"the master key {name} is not the one that was written", code="SEALED", where=context,
                hint=f"Put {path.name} back from a backup of data_dir/keys.",
            )  # fmt: skip
        return raw


def _digest(key: bytes) -> str:
    """Return what tells a key from others, and nothing of it."""
    return hashlib.sha256(b"alphintra master key\0" + key).hexdigest()[:16]
