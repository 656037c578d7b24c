"""Where a server's workers have their folders, and how what a dead server left is found and ended.

Each server has a folder of its own below ``workers`` and holds a lock in it for as long as it lives. So any other
server tells the living from the dead without asking a process table, which after a restart of the machine or in
another container means something else.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from alphintra.store.blobs import no_room

from alphintra_kernel import disk

WORKER_VARIABLE = "ALPHINTRA_WORKER"
"""Environment variable by which a worker's processes are found: its marker."""
RECORD = "worker"
"""The file in an attempt's folder that names its worker, written before the worker gets the job."""
_LOCK = "lock"
_MARKER = re.compile(r"[0-9A-Za-z]{1,64}\.[0-9]{1,20}")


class WorkerHome:
    """The folders of one server's workers.

    Args:
        root: Holds the folders of all servers that share it; on the file system of the jobs' folders. One of its own
            among the temporary files where left out.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._given = root
        self.boot = secrets.token_hex(6)
        self._lock: int | None = None
        self._made = 0
        self._making = threading.Lock()

    @property
    def root(self) -> Path:
        """Where the folders of all servers are."""
        return self._given or Path(tempfile.gettempdir(), f"alphintra-workers-{self.boot}")

    def open(self) -> None:
        """Make this server's folder and hold its lock."""
        if self._lock is not None:
            return
        self.root.mkdir(parents=True, exist_ok=True, mode=0o755)
        with _making_in(self.root):
            # Nobody sees it before its lock is held, or takes it for that of a dead server.
            hidden = self.root / f".{self.boot}"
            hidden.mkdir(mode=0o700)
            lock = os.open(hidden / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            hidden.rename(self.root / self.boot)
        self._lock = lock

    def new(self) -> tuple[str, Path]:
        """Make the folder of a new worker and return its marker with it."""
        with self._making:  # several jobs may start at once, each on a thread of its own
            self.open()
            self._made += 1
            number = self._made
        folder = self.root / self.boot / str(number)
        (folder / "in" / "source").mkdir(parents=True, mode=0o755)
        for name in ("out", "tmp"):
            (folder / name).mkdir(mode=0o755)
        return f"{self.boot}.{number}", folder

    def close(self) -> None:
        """Give the folder up; its workers have ended."""
        if self._lock is not None:
            remove_tree(self.root / self.boot)
            os.close(self._lock)
            self._lock = None
            if self._given is None:
                remove_tree(self.root)


class Held(Protocol):
    """A file that lies elsewhere, or is there only while it is held."""

    def open(self) -> AbstractContextManager[Path]:
        """Hold it as a path of this machine. Blocks."""
        ...

    def room(self, links: Iterable[object]) -> None:
        """Have room on this machine for all of its kind that are among some. Blocks.

        Raises:
            DataError: ``DISK_FULL``.
        """
        ...


Link = Path | Held


def lay_out(
    folder: Path,
    files: Mapping[str, str],
    links: Mapping[str, Link] | None = None,
    wanted: Callable[[], bool] = lambda: True,
    inside: Mapping[str, str] | None = None,
) -> None:
    """Write what a worker gets into the part of its folder that it can only read.

    Args:
        folder: The worker's.
        files: Path below ``in`` → text.
        links: Path below ``in`` → a file that nobody writes to any more. It gets a second name there, so that its bytes
            stay for as long as the worker has them, whoever removes the file.
        wanted: Asked before each file that may have to be fetched; nothing more is laid out once it says no.
        inside: Path below ``in`` → where the worker itself will have the file: what is to lie in its memory alone.

    Raises:
        FileNotFoundError: A file that is to be linked is gone.
        OSError: It could not be written.
        DataError: A file could not be got from where it lies, or all of them do not fit on the disk (``DISK_FULL``).
    """
    links = links or {}
    # All or nothing: of what does not fit as a whole, no file is fetched.
    first = next((file for file in links.values() if not isinstance(file, Path)), None)
    if first is not None:
        first.room(links.values())
    for path, file in links.items():
        if not wanted():
            return
        target = folder / "in" / path
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        with contextlib.nullcontext(file) if isinstance(file, Path) else file.open() as held:
            _link(held, target)
    for path, place in (inside or {}).items():
        target = folder / "in" / path
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        if not os.path.lexists(target):  # named by the hash of its bytes: another dataset of the owner has them openly
            target.symlink_to(place)
    for path, text in files.items():
        target = folder / "in" / path
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        target.write_text(text, encoding="utf-8", newline="")


def _link(file: Path, target: Path) -> None:
    file.chmod(0o444)  # the worker is another user; only who may look into the server's folders gets to it
    try:
        target.hardlink_to(file)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EMLINK, errno.EPERM, errno.ENOTSUP):
            raise
        size, free = file.stat().st_size, shutil.disk_usage(target.parent).free
        if size > free:
            raise no_room(size, free) from None
        shutil.copyfile(file, target)


def record(folder: Path, marker: str) -> None:
    """Write into an attempt's folder which worker it gets: whole or not at all, also where the power fails.

    Raises:
        OSError: It could not be written.
    """
    new = folder / f".{RECORD}"
    try:
        with new.open("w", encoding="ascii") as file:
            file.write(marker)
            file.flush()
            os.fsync(file.fileno())
        new.replace(folder / RECORD)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
    holds = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(holds)
    finally:
        os.close(holds)


def sweep(folder: Path) -> int:
    """Kill what is left of an attempt: every process of the worker that its folder names.

    Args:
        folder: ``jobs/{id}/{attempt}``.

    Returns:
        How many were killed.
    """
    try:
        marker = (folder / RECORD).read_text(encoding="ascii")
    except (OSError, ValueError):
        return 0  # it had no worker yet, or has been settled
    # An empty marker, which a full disk may leave, would be everybody's.
    return kill_marked(marker) if _MARKER.fullmatch(marker) else 0


def sweep_dead_servers(root: Path) -> int:
    """Kill the workers of servers that are gone and remove their folders.

    Args:
        root: As of :class:`WorkerHome`.

    Returns:
        How many processes were killed.
    """
    killed = 0
    if not root.is_dir():
        return killed
    with _making_in(root):
        # Nobody is making one: these are of servers that were killed while they did.
        for folder in root.glob(".*"):
            if _MARKER.fullmatch(f"{folder.name[1:]}.0"):
                remove_tree(folder)
    for folder in list(root.iterdir()):
        if not _MARKER.fullmatch(f"{folder.name}.0"):
            continue
        with _alone_with(folder) as alone:
            if alone and _is_dead(folder):
                killed += kill_marked(f"{folder.name}.")
                remove_tree(folder)
    return killed


@contextlib.contextmanager
def _making_in(root: Path) -> Iterator[None]:
    """Hold the folder of all servers: one of them makes its own, or somebody looks for what such a one has left."""
    held = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


@contextlib.contextmanager
def _alone_with(folder: Path) -> Iterator[bool]:
    """Hold a folder; False where another server that starts does: each would miss what the other has just removed."""
    try:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:  # the other has removed it
        yield False
        return
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        alone = True
    except OSError:
        alone = False
    try:
        yield alone
    finally:
        os.close(held)


def _is_dead(folder: Path) -> bool:
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return folder.is_dir()  # its removal was cut short
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True


def kill_marked(marker: str) -> int:
    """Kill every process of a worker, or of all workers of a server where ``marker`` ends in a point.

    Found by its control group, by what the tenant was started with, and by the command line of the sandbox around
    it, which the tenant cannot change.

    Returns:
        How many were killed.

    Raises:
        ValueError: The marker is empty, or none at all.
    """
    from alphintra_kernel import cgroup

    whole = not marker.endswith(".")
    wanted = f"{WORKER_VARIABLE}={marker}".encode()
    killed = len(cgroup.sweep(marker, whole=whole))
    proc = Path("/proc")
    for entry in proc.iterdir() if proc.is_dir() else []:
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        if _carries(entry, wanted, marker.encode(), whole=whole):
            with contextlib.suppress(OSError):
                os.kill(int(entry.name), signal.SIGKILL)
                killed += 1
    return killed


def _carries(process: Path, wanted: bytes, marker: bytes, *, whole: bool) -> bool:
    with contextlib.suppress(OSError):  # gone meanwhile, or another user's
        program, *arguments = (process / "cmdline").read_bytes().split(b"\0")
        sandbox = program.rpartition(b"/")[2] == b"bwrap"
        if sandbox and any(item == marker or (not whole and item.startswith(marker)) for item in arguments):
            return True
    with contextlib.suppress(OSError):
        variables = (process / "environ").read_bytes().split(b"\0")
        return any(item == wanted or (not whole and item.startswith(wanted)) for item in variables)
    return False


def remove_tree(folder: Path) -> None:
    """Remove a folder that a worker has written: however deep, whatever its modes; no link is followed.

    What cannot be removed stays: the next start tries again.
    """
    with contextlib.suppress(OSError):
        disk.remove(folder)
