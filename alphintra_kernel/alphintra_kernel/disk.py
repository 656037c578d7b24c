"""What a sandbox's writable folders hold: bytes and files, hidden ones included, and how they are removed."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from alphintra_kernel.limits import Limits

#: Deeper than any honest result; a path that goes on and on cannot be counted.
_DEEPEST = 100
#: All that is written in total, over and over again into the same files or into files that cannot be seen.
_REWRITES = 8
#: From here on a limit means that there is none: a trader's whole workspace is not searched for it.
_NO_BOUND = 1 << 50
_TEMPORARY = ("tmp", "dev/shm")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: Each takes one level of folders away; who makes new ones meanwhile would keep the removal busy for ever.
_MOST_ROUNDS = 100_000


@dataclass(frozen=True)
class Held:
    """What folders hold: bytes on disk, and files and folders. Hard links count once."""

    bytes: int = 0
    files: int = 0


class DiskWatch:
    """Tells when a sandbox holds more on disk than it may.

    Args:
        folders: Its writable mounts, as the host sees them; files among them are left to their size limit.
        limits: ``disk_bytes`` and ``disk_files`` on top of what the folders hold now.
    """

    def __init__(self, folders: Iterable[Path], limits: Limits) -> None:
        bounded = min(limits.disk_bytes, limits.disk_files) < _NO_BOUND
        self._folders = [folder for folder in folders if folder.is_dir()] if bounded else []
        before = measure(self._folders)
        self._before = before.bytes
        self._most = Held(before.bytes + limits.disk_bytes, before.files + limits.disk_files)
        self._limits = limits
        self._next = 0.0

    def exceeded(self, pids: Callable[[], Sequence[int]], first_pid: int | None, written: int) -> bool:
        """Tell whether it is over a limit. Cheap to ask often: a slow search is not repeated at once.

        Args:
            pids: Lists its processes: files that they have deleted and still hold open count too.
            first_pid: A process that sees its memory file systems; ``None`` when it has none of its own.
            written: Bytes that it has written to disk up to now.
        """
        if written > _REWRITES * self._limits.disk_bytes:
            return True
        if first_pid is not None and temporary_inodes(first_pid) > self._limits.disk_files:
            return True
        now = time.monotonic()
        if not self._folders or now < self._next:
            return False
        held = measure(self._folders, self._most)
        hidden = deleted(pids(), self._folders) if written else 0
        self._next = time.monotonic() + 10 * (time.monotonic() - now)
        return held.bytes + hidden > self._most.bytes or held.files > self._most.files

    def growth(self) -> int:
        """Return the bytes that the folders hold more than at the start."""
        return max(measure(self._folders, self._most).bytes - self._before, 0)


def measure(folders: Iterable[Path], most: Held | None = None) -> Held:
    """Measure what folders hold; stops early beyond ``most``, and at paths too long to be honest."""
    total_bytes = total_files = 0
    seen: set[tuple[int, int]] = set()
    waiting = [(str(folder), 0) for folder in folders]
    while waiting:
        path, depth = waiting.pop()
        try:
            entries = os.scandir(path)
        except PermissionError:
            # A tenant of our own user closed it to itself, which nothing honest does: what it holds cannot be counted.
            if most is not None:
                return Held(total_bytes, most.files + 1)
            continue
        except OSError:
            continue  # gone meanwhile
        with entries:
            for entry in entries:
                try:
                    info = entry.stat(follow_symlinks=False)
                except PermissionError:
                    if most is not None:
                        return Held(total_bytes, most.files + 1)
                    continue
                except OSError:
                    continue
                total_files += 1
                if info.st_nlink > 1 and not stat.S_ISDIR(info.st_mode):
                    if (info.st_dev, info.st_ino) in seen:
                        continue
                    seen.add((info.st_dev, info.st_ino))
                total_bytes += info.st_blocks * 512
                if stat.S_ISDIR(info.st_mode):
                    if depth >= _DEEPEST and most is not None:
                        return Held(total_bytes, most.files + 1)
                    waiting.append((entry.path, depth + 1))
                if most is not None and (total_bytes > most.bytes or total_files > most.files):
                    return Held(total_bytes, total_files)
    return Held(total_bytes, total_files)


def deleted(pids: Iterable[int], folders: Sequence[Path]) -> int:
    """Count bytes of files without a name that processes hold open, on the devices of ``folders``."""
    devices = set()
    for folder in folders:
        with contextlib.suppress(OSError):
            devices.add(folder.stat().st_dev)
    found: dict[tuple[int, int], int] = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 - there may be thousands
                with contextlib.suppress(OSError):
                    info = os.stat(f"/proc/{pid}/fd/{name}")  # noqa: PTH116
                    if info.st_nlink == 0 and stat.S_ISREG(info.st_mode) and info.st_dev in devices:
                        found[info.st_dev, info.st_ino] = info.st_blocks * 512
    return sum(found.values())


def temporary_files(pid: int) -> int:
    """Count bytes in the memory file systems that the sandbox of ``pid`` sees: nobody maps them."""
    return sum((stat.f_blocks - stat.f_bfree) * stat.f_frsize for stat in _temporary(pid))


def temporary_inodes(pid: int) -> int:
    """Count files in the memory file systems that the sandbox of ``pid`` sees: each takes memory, empty or not."""
    return sum(stat.f_files - stat.f_ffree for stat in _temporary(pid))


def _temporary(pid: int) -> Iterable[os.statvfs_result]:
    for name in _TEMPORARY:
        with contextlib.suppress(OSError):  # it ended meanwhile
            # Until bwrap has made its own root the process sees the host's, and what that holds is not the tenant's.
            if not os.path.samestat(os.stat(f"/proc/{pid}/root"), os.stat("/")):  # noqa: PTH116
                yield os.statvfs(f"/proc/{pid}/root/{name}")


def remove(folder: Path | str, *, dir_fd: int | None = None) -> None:
    """Remove a folder that a tenant could write to, whatever is in it: endless paths, closed folders, links.

    Folders are lifted to the top before they are emptied, so that no path gets longer than its name and nothing
    is followed. Where something still writes to it, it may be left with what came last.

    Args:
        folder: What is removed.
        dir_fd: The open folder that its path begins in.

    Raises:
        OSError: Something in it cannot be removed; the rest is.
    """
    top = os.open(folder, _FOLDER, dir_fd=dir_fd)
    failed: list[OSError] = []
    stuck: set[str] = set()
    try:
        if os.geteuid() != 0:
            os.fchmod(top, 0o700)
        number = 0
        for _ in range(_MOST_ROUNDS):
            waiting = [name for name in _empty(top, failed) if name not in stuck]
            if not waiting:
                break
            for name in waiting:
                try:
                    number = _lift(name, top, number, failed)
                except OSError as error:
                    stuck.add(name)
                    failed.append(error)
    finally:
        os.close(top)
    if failed:
        raise failed[0]
    os.rmdir(folder, dir_fd=dir_fd)


def _lift(name: str, top: int, number: int, failed: list[OSError]) -> int:
    """Move what lies in a folder beside it, and remove it; the next number for a name."""
    _unlock(name, top)
    inner = os.open(name, _FOLDER, dir_fd=top)
    try:
        for child in _empty(inner, failed):
            _unlock(child, inner)
            os.rename(child, _free_name(top, number), src_dir_fd=inner, dst_dir_fd=top)
            number += 1
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=top)
    return number


def _unlock(folder: str, at: int) -> None:
    """Make a folder of our own writable. Root needs no such right, and must not follow a link that took its place."""
    if os.geteuid() != 0:
        os.chmod(folder, 0o700, dir_fd=at)


def _empty(fd: int, failed: list[OSError]) -> list[str]:
    """Delete all but folders, and list those."""
    folders = []
    with os.scandir(fd) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
                continue
            try:
                os.unlink(entry.name, dir_fd=fd)
            except FileNotFoundError:
                continue
            except OSError as error:
                failed[:] = [error]
    return folders


def _free_name(top: int, number: int) -> str:
    while True:
        name = f"lifted-{number}"
        try:
            os.lstat(name, dir_fd=top)
        except FileNotFoundError:
            return name
        number += 1_000_003
