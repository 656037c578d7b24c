"""Where the bytes of uploads lie: one file each, named by the upload's id, as long as it is going to be."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import Gone, Locked, NoRoom

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class UploadFiles:
    """The files of uploads. All methods wait for the disk: none is for the event loop.

    Args:
        folder: Where they lie.
        keep_free: Bytes of the disk that stay free.
    """

    def __init__(self, folder: Path, keep_free: int) -> None:
        self.folder = folder
        self._keep_free = keep_free
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def create(self, upload_id: str, length: int) -> None:
        """Make a file and take its room on the disk.

        Raises:
            NoRoom: There is not so much.
        """
        if shutil.disk_usage(self.folder).free - length < self._keep_free:
            raise _no_room(length)
        path = self.folder / upload_id
        with disk_errors(length):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, length)
                os.fsync(descriptor)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
            finally:
                os.close(descriptor)
        self._sync_folder()

    def open(self, upload_id: str) -> int:
        """Open a file for writing; whoever has it open is the only one.

        Raises:
            Locked: Somebody else writes it.
            Gone: There is no such file.
        """
        try:
            descriptor = os.open(self.folder / upload_id, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise Gone("The file of this upload is gone: begin anew.", code="UPLOAD_GONE") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise Locked("Another request writes this upload.", code="UPLOAD_LOCKED") from None
        return descriptor

    def path(self, upload_id: str) -> Path:
        """Tell where a file lies."""
        return self.folder / upload_id

    def remove(self, upload_id: str) -> None:
        """Remove a file; none there is no error."""
        (self.folder / upload_id).unlink(missing_ok=True)

    def found(self) -> Iterator[tuple[str, float]]:
        """Go through what is there: its name, and when it was last written, seconds since 1970."""
        with os.scandir(self.folder) as entries:
            for entry in entries:
                try:
                    yield entry.name, entry.stat(follow_symlinks=False).st_mtime
                except FileNotFoundError:
                    continue

    def _sync_folder(self) -> None:
        opened = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def begin_writing(descriptor: int, place: int, length: int) -> None:
    """Have the system begin to put bytes on the disk, without waiting: an fsync later finds little left to do.

    It promises nothing, and where the system has no such call it does nothing.
    """
    if _SYNC_FILE_RANGE is not None:
        _SYNC_FILE_RANGE(descriptor, place, length, _BEGIN)


def _sync_file_range() -> Callable[[int, int, int, int], int] | None:
    try:
        call = ctypes.CDLL(None).sync_file_range
    except (OSError, AttributeError):  # Linux alone has it
        return None
    call.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
    found: Callable[[int, int, int, int], int] = call
    return found


_BEGIN = 2  # SYNC_FILE_RANGE_WRITE
_SYNC_FILE_RANGE = _sync_file_range()


@contextmanager
def disk_errors(length: int) -> Iterator[None]:
    """Say that the disk is full, where it is.

    Raises:
        NoRoom: It is.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _no_room(length) from error
        raise


def _no_room(length: int) -> NoRoom:
    return NoRoom(f"The server's disk has no room for {length:,} bytes.", code="DISK_FULL")
