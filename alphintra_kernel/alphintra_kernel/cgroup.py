"""Control groups: what bounds, counts and ends all processes of a sandbox together.

Version 2 where a part of the tree is ours to write (a container of one's own, systemd's user manager, root),
version 1 as root. Every sandbox gets a group below one that the user's servers share; its name begins with the
job's marker, so that a server that starts after a crash finds what is left, and tells which process made it, so
that what nobody waits for any more is found too.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import re
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from alphintra_kernel.limits import Limits

_NEEDED = ("memory", "pids")
_MARKER = re.compile(r"[A-Za-z0-9._-]{0,128}")
_LEAF = "alphintra-server"
_REMOVE_SECONDS = 2.0
_numbers = itertools.count(1)


class CgroupError(Exception):
    """A control group could not be made."""


@dataclass(frozen=True)
class Memory:
    """What a group holds, in bytes.

    Attributes:
        used: Private and shared memory and the kernel's own for it, temporary files included.
        kept: Files that the operating system keeps at hand and drops when it needs the room.
        peak: The most that both together were.
    """

    used: int
    kept: int
    peak: int


@dataclass(frozen=True)
class Tree:
    """A part of the host's control groups in which this user may make groups.

    Attributes:
        version: 1 or 2.
        parents: The folder of the shared parent, by controller; one folder for all in version 2.
    """

    version: int
    parents: dict[str, Path]

    def folders(self) -> list[Path]:
        """List the shared parents, each once."""
        return list(dict.fromkeys(self.parents.values()))

    def make_parents(self) -> None:
        """Make the shared parents. Any number of servers may do it at the same time."""
        for folder in self.folders():
            folder.mkdir(mode=0o755, exist_ok=True)
            if self.version == 2:
                _enable(folder)

    def group(self, name: str) -> Group:
        """Return the group of this name, whether it exists or not."""
        return Group(self.version, {key: parent / name for key, parent in self.parents.items()})

    def names(self) -> list[str]:
        """List the names of the groups that exist."""
        found: set[str] = set()
        for folder in self.folders():
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                found.update(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        return sorted(found)


class Group:
    """The control group of one sandbox."""

    def __init__(self, version: int, folders: dict[str, Path]) -> None:
        self.version = version
        self._folders = folders

    @property
    def name(self) -> str:
        """Its name, which begins with the marker."""
        return self._folders["memory"].name

    def create(self, limits: Limits) -> None:
        """Make it, with the bounds of memory and processes; memory does not go to swap."""
        for folder in self._each():
            folder.mkdir()
        memory = self._folders["memory"]
        if self.version == 2:
            _write(memory / "memory.max", limits.memory_bytes)
            _write_if_there(memory / "memory.swap.max", 0)
            _write_if_there(memory / "memory.oom.group", 1)
        else:
            _write(memory / "memory.limit_in_bytes", limits.memory_bytes)
            if not _write_if_there(memory / "memory.memsw.limit_in_bytes", limits.memory_bytes):
                _write_if_there(memory / "memory.swappiness", 0)
        _write(self._folders["pids"] / "pids.max", limits.processes)

    def add(self, pid: int) -> None:
        """Move a process into it; what it starts from then on is in it too.

        Raises:
            CgroupError: The process has ended or may not be moved.
        """
        try:
            for folder in self._each():
                _write(folder / "cgroup.procs", pid)
        except OSError as error:
            raise CgroupError(f"cannot move process {pid} to control group {self.name}: {error.strerror}") from error

    def processes(self) -> set[int]:
        """Return the ids of the processes in it."""
        found: set[int] = set()
        for folder in self._each():
            for inner in _below(folder):
                with contextlib.suppress(OSError):
                    found.update(map(int, (inner / "cgroup.procs").read_text().split()))
        return found

    def kill(self) -> None:
        """End every process in it. Nothing in it can start another meanwhile."""
        folder = self._folders["pids"]
        if _write_if_there(folder / "cgroup.kill", 1):
            return
        _write_if_there(folder / "pids.max", 0)  # forks fail from here on: one pass meets everything
        for pid in self.processes():
            _kill_member(pid, self.name)

    def out_of_memory(self) -> bool:
        """Tell whether the operating system has ended a process of it for its memory."""
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        return _table(self._folders["memory"] / name).get("oom_kill", 0) > 0

    def cpu_seconds(self) -> float | None:
        """Return processor time of all that ever ran in it; ``None`` where it is not counted."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            if self.version == 2:
                return _table(self._folders["memory"] / "cpu.stat")["usage_usec"] / 1e6
            if "cpuacct" in self._folders:
                return int((self._folders["cpuacct"] / "cpuacct.usage").read_text()) / 1e9
        return None

    def memory(self) -> Memory | None:
        """Return what it holds and held; ``None`` when it is gone."""
        folder = self._folders["memory"]
        table = _table(folder / "memory.stat")
        if not table:
            return None
        if self.version == 2:
            used = table["anon"] + table["shmem"] + table.get("kernel", table.get("slab", 0))
            kept = table["file"] - table["shmem"]
            peak, now = "memory.peak", "memory.current"
        else:
            used = table["total_rss"] + table["total_shmem"]
            kept = table["total_cache"] - table["total_shmem"]
            peak, now = "memory.max_usage_in_bytes", "memory.usage_in_bytes"
        for name in (peak, now):  # memory.peak came with Linux 5.19
            with contextlib.suppress(OSError, ValueError):
                return Memory(used, max(kept, 0), int((folder / name).read_text()))
        return Memory(used, max(kept, 0), used)

    def remove(self, seconds: float = _REMOVE_SECONDS) -> bool:
        """Kill what is in it and remove it; whether it is gone."""
        end = time.monotonic() + seconds
        while True:
            left = [folder for folder in self._each() if not _remove(folder)]
            if not left:
                return True
            if time.monotonic() > end:
                return False
            self.kill()
            time.sleep(0.005)

    def _each(self) -> Iterable[Path]:
        return dict.fromkeys(self._folders.values())


def create(limits: Limits, marker: str = "") -> Group | None:
    """Make a group for a sandbox; ``None`` where this user may not.

    Args:
        limits: What it may use.
        marker: The beginning of its name.

    Raises:
        ValueError: The marker has other characters than letters, digits, ``.``, ``_`` and ``-``.
    """
    check_marker(marker)
    found = tree()
    if found is None:
        return None
    for _attempt in range(3):  # the shared parent may go while another server ends
        group = found.group(f"{marker}~{_creator()}-{next(_numbers)}")
        try:
            found.make_parents()
            group.create(limits)
            return group
        except FileNotFoundError:
            group.remove()
        except OSError as error:
            group.remove()
            raise CgroupError(f"cannot make control group {group.name}: {error.strerror}") from error
    raise CgroupError(f"cannot make a control group below {found.folders()[0]}")


def check_marker(marker: str) -> None:
    """Refuse what cannot be the beginning of a name."""
    if not _MARKER.fullmatch(marker):
        raise ValueError(f"a marker has up to 128 letters, digits, '.', '_' and '-', not {marker!r}")


def sweep(marker_prefix: str, *, whole: bool = False) -> list[str]:
    """End and remove every group whose marker begins so, whoever made it.

    Args:
        marker_prefix: The beginning of a marker.
        whole: It is the whole marker: ``job.1`` does not mean ``job.10``.

    Returns:
        The names of the groups that were there.

    Raises:
        ValueError: The prefix is empty, which would be every sandbox of this user.
    """
    check_marker(marker_prefix)
    if not marker_prefix:
        raise ValueError("sweep needs the beginning of a marker")
    wanted = f"{marker_prefix}~" if whole else marker_prefix
    return _sweep(lambda name: name.startswith(wanted))


def sweep_abandoned() -> list[str]:
    """End and remove every group whose maker has ended: nobody waits for it any more."""
    return _sweep(lambda name: _abandoned(name.partition("~")[2]))


def _sweep(wanted: Callable[[str], bool]) -> list[str]:
    found = tree()
    if found is None:
        return []
    names = [name for name in found.names() if wanted(name)]
    for name in names:
        group = found.group(name)
        group.kill()
        group.remove()
    return names


@functools.cache
def tree() -> Tree | None:
    """Find where this user may make groups, by making one; once per process."""
    return next(_usable(), None)


def why_none() -> str:
    """Say why there is none, for people."""
    if not Path("/sys/fs/cgroup").is_dir():
        return "this machine has no control groups"
    if os.geteuid() == 0:
        return "the control groups of memory and pids cannot be written to"
    return "no control group with memory and pids is delegated to this user (systemd: Delegate=yes)"


def _usable() -> Iterator[Tree]:
    for candidate in (_version_2(), _version_1()):
        if candidate is None:
            continue
        probe = candidate.group(f"probe~{_creator()}-{next(_numbers)}")
        with contextlib.suppress(OSError):
            candidate.make_parents()
            try:
                probe.create(Limits())
                yield candidate
            finally:
                probe.remove()


def _version_1() -> Tree | None:
    mounts: dict[str, Path] = {}
    for kind, where, options in _mounts():
        if kind == "cgroup":
            for controller in {*_NEEDED, "cpuacct"} & set(options):
                mounts.setdefault(controller, where / _parent_name())
    return Tree(1, mounts) if set(_NEEDED) <= set(mounts) else None


def _version_2() -> Tree | None:
    mount = next((where for kind, where, _ in _mounts() if kind == "cgroup2"), None)
    own = next((line[3:] for line in _read("/proc/self/cgroup").splitlines() if line.startswith("0::")), None)
    if mount is None or own is None or ".." in own.split("/"):
        return None
    if not set(_NEEDED) <= set(_read(mount / "cgroup.controllers").split()):
        return None
    place = place_for_groups(mount, mount / own.lstrip("/"))
    return None if place is None else Tree(2, dict.fromkeys(_NEEDED, place / _parent_name()))


def place_for_groups(mount: Path, own: Path) -> Path | None:
    """Find the nearest folder at or above ``own`` in which groups with memory and pids can be made.

    A group with processes of its own cannot hand controllers on. If this process's group was delegated to us,
    as systemd marks it, its processes move to a leaf first.
    """
    for folder in (own, *own.parents):
        if not folder.is_relative_to(mount) or not os.access(folder / "cgroup.procs", os.W_OK):
            break
        if set(_NEEDED) <= set(_read(folder / "cgroup.subtree_control").split()):
            return folder
        if not _read(folder / "cgroup.procs").split() and _enable(folder):
            return folder
    if os.access(own / "cgroup.procs", os.W_OK) and (own == mount or _delegated(own)) and _step_down(own):
        return own
    return None


def _delegated(folder: Path) -> bool:
    for name in ("user.delegate", "trusted.delegate"):
        with contextlib.suppress(OSError):
            if os.getxattr(folder, name) == b"1":
                return True
    return False


def _step_down(folder: Path) -> bool:
    leaf = folder / _LEAF
    with contextlib.suppress(OSError):
        leaf.mkdir(exist_ok=True)
        for pid in _read(folder / "cgroup.procs").split():
            with contextlib.suppress(ProcessLookupError):
                _write(leaf / "cgroup.procs", pid)
        return _enable(folder)
    return False


def _enable(folder: Path) -> bool:
    """Hand the controllers on to the groups below; whether they are."""
    if set(_NEEDED) <= set(_read(folder / "cgroup.subtree_control").split()):
        return True
    try:
        _write(folder / "cgroup.subtree_control", " ".join(f"+{name}" for name in _NEEDED))
    except OSError:
        return False
    return True


def _parent_name() -> str:
    return f"alphintra-{os.geteuid()}"


def _mounts() -> Iterator[tuple[str, Path, list[str]]]:
    """Yield type, place and options of every mounted control group hierarchy."""
    for line in _read("/proc/self/mountinfo").splitlines():
        fields, _, rest = line.partition(" - ")
        kind, _source, options = rest.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            yield kind, Path(fields.split(" ")[4]), options.split(",")


def _creator() -> str:
    """Name this process so that no other that ever was has the same name."""
    return f"{_pid_namespace()}-{os.getpid()}-{_start_time(os.getpid())}"


def _pid_namespace() -> int:
    return Path("/proc/self/ns/pid").stat().st_ino


def _start_time(pid: int) -> int:
    """Return when the process started, in clock ticks since boot; 0 when there is none."""
    status = _read(f"/proc/{pid}/stat")
    return int(status.rpartition(")")[2].split()[19]) if status else 0


def _abandoned(maker: str) -> bool:
    parts = maker.split("-")
    if len(parts) != 4 or not all(part.isdigit() for part in parts):
        return False
    namespace, pid, started, _number = map(int, parts)
    # Of another container's process ids nothing can be said.
    return namespace == _pid_namespace() and _start_time(pid) != started


def _kill_member(pid: int, name: str) -> None:
    """Kill a process that is still in the group of this name, not another that got its id."""
    with contextlib.suppress(OSError):
        handle = os.pidfd_open(pid)
        try:
            if f"/{name}" in _read(f"/proc/{pid}/cgroup"):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def _below(folder: Path) -> list[Path]:
    """List the group and those inside it, the innermost first."""
    return [Path(name) for name, _, _ in os.walk(folder, topdown=False)]


def _remove(folder: Path) -> bool:
    for inner in _below(folder):
        try:
            inner.rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return True


def _read(path: Path | str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _write(path: Path, value: int | str) -> None:
    fd = os.open(path, os.O_WRONLY)  # never made: in a folder that is no control group this must fail
    try:
        os.write(fd, str(value).encode())
    finally:
        os.close(fd)


def _write_if_there(path: Path, value: int) -> bool:
    try:
        _write(path, value)
    except OSError:
        return False
    return True


def _table(path: Path) -> dict[str, int]:
    """Read lines of a name and a number."""
    pairs = (line.split() for line in _read(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}
