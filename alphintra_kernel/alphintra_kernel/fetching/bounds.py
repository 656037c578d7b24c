"""The bounds of one fetch: bytes and seconds."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path
from typing import Any

from alphintra_kernel.user_source import JobError


class Sink(RawIOBase):
    """A file that takes so many bytes and no more.

    Args:
        path: The file.
        most: Bytes that it takes.
    """

    def __init__(self, path: Path, most: int) -> None:
        super().__init__()
        self._file = path.open("w+b")
        self._most = most

    def room_for(self, length: int) -> None:
        """Refuse what will not fit, before any of it is read.

        Raises:
            JobError: ``SOURCE_TOO_LARGE``.
        """
        if self._file.tell() + length > self._most:
            raise JobError(
                f"the source has more than {self._most:,} bytes (max_fetch); ask it for less at once",
                "SOURCE_TOO_LARGE",
            )

    def write(self, data: Any) -> int:
        """See :meth:`io.RawIOBase.write`.

        Raises:
            JobError: ``SOURCE_TOO_LARGE``.
        """
        self.room_for(len(data))
        return self._file.write(data)

    def restart(self) -> None:
        """Forget what was written."""
        self._file.seek(0)
        self._file.truncate()

    def writable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Tell how many bytes were written."""
        return self._file.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        """See :meth:`io.RawIOBase.seek`."""
        return self._file.seek(offset, whence)

    def flush(self) -> None:
        """Write what waits."""
        if not self._file.closed:
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """End what takes longer, whatever it waits for.

    Raises:
        JobError: ``SOURCE_SLOW``.
    """

    def late(_signal: int, _frame: Any) -> None:
        raise JobError(f"the source did not answer within {seconds:g} seconds (fetch_seconds)", "SOURCE_SLOW")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
