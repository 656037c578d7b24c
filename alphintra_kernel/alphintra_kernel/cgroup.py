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

from alphintra_kernel.cgroup_place import Tree, candidates, read, table, write, write_if_there
from alphintra_kernel.limits import Limits
from alphintra_kernel.priority import Priority

_MARKER = re.compile(r"[A-Za-z0-9._-]{0,128}")
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


class Group:
    """The control group of one sandbox.

    Attributes:
        version: 1 or 2.
        has_shares: Whether it has been given a share of the processors.
    """

    def __init__(self, version: int, folders: dict[str, Path]) -> None:
        self.version = version
        self.has_shares = False
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
            write(memory / "memory.max", limits.memory_bytes)
            write_if_there(memory / "memory.swap.max", 0)
            write_if_there(memory / "memory.oom.group", 1)
        else:
            write(memory / "memory.limit_in_bytes", limits.memory_bytes)
            if not write_if_there(memory / "memory.memsw.limit_in_bytes", limits.memory_bytes):
                write_if_there(memory / "memory.swappiness", 0)
        write(self._folders["pids"] / "pids.max", limits.processes)

    def add(self, pid: int) -> None:
        """Move a process into it; what it starts from then on is in it too.

        Raises:
            CgroupError: The process has ended or may not be moved.
        """
        try:
            for folder in self._each():
                write(folder / "cgroup.procs", pid)
        except OSError as error:
            raise CgroupError(f"cannot move process {pid} to control group {self.name}: {error.strerror}") from error

    def share(self, priority: Priority) -> None:
        """Give it its share of the processors, where groups have one."""
        if self.version == 2:
            self.has_shares = write_if_there(self._folders["memory"] / "cpu.weight", priority.weight)
        elif "cpu" in self._folders:
            self.has_shares = write_if_there(self._folders["cpu"] / "cpu.shares", priority.shares)

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
        if write_if_there(folder / "cgroup.kill", 1):
            return
        write_if_there(folder / "pids.max", 0)  # forks fail from here on: one pass meets everything
        for pid in self.processes():
            _kill_member(pid, self.name)

    def out_of_memory(self) -> bool:
        """Tell whether the operating system has ended a process of it for its memory."""
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        return table(self._folders["memory"] / name).get("oom_kill", 0) > 0

    def cpu_seconds(self) -> float | None:
        """Return processor time of all that ever ran in it; ``None`` where it is not counted."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            if self.version == 2:
                return table(self._folders["memory"] / "cpu.stat")["usage_usec"] / 1e6
            if "cpuacct" in self._folders:
                return int((self._folders["cpuacct"] / "cpuacct.usage").read_text()) / 1e9
        return None

    def memory(self) -> Memory | None:
        """Return what it holds and held; ``None`` when it is gone."""
        folder = self._folders["memory"]
        held = table(folder / "memory.stat")
        if not held:
            return None
        if self.version == 2:
            used = held["anon"] + held["shmem"] + held.get("kernel", held.get("slab", 0))
            kept = held["file"] - held["shmem"]
            peak, now = "memory.peak", "memory.current"
        else:
            used = held["total_rss"] + held["total_shmem"]
            kept = held["total_cache"] - held["total_shmem"]
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
        group = _group(found, f"{marker}~{_creator()}-{next(_numbers)}")
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
        group = _group(found, name)
        group.kill()
        group.remove()
    return names


@functools.cache
def tree() -> Tree | None:
    """Find where this user may make groups, by making one; once per process."""
    return next(_usable(), None)


def shares_processors() -> bool:
    """Tell whether groups have shares of the processors here."""
    found = tree()
    if found is None or found.version == 1:
        return found is not None and "cpu" in found.parents
    return "cpu" in read(found.folders()[0] / "cgroup.subtree_control").split()


def why_none() -> str:
    """Say why there is none, for people."""
    if not Path("/sys/fs/cgroup").is_dir():
        return "this machine has no control groups"
    if os.geteuid() == 0:
        return "the control groups of memory and pids cannot be written to"
    return "no control group with memory and pids is delegated to this user (systemd: Delegate=yes)"


def _group(tree: Tree, name: str) -> Group:
    return Group(tree.version, {key: parent / name for key, parent in tree.parents.items()})


def _usable() -> Iterator[Tree]:
    for candidate in candidates():
        probe = _group(candidate, f"probe~{_creator()}-{next(_numbers)}")
        with contextlib.suppress(OSError):
            candidate.make_parents()
            try:
                probe.create(Limits())
                yield candidate
            finally:
                probe.remove()


def _creator() -> str:
    """Name this process so that no other that ever was has the same name."""
    return f"{_pid_namespace()}-{os.getpid()}-{_start_time(os.getpid())}"


def _pid_namespace() -> int:
    return Path("/proc/self/ns/pid").stat().st_ino


def _start_time(pid: int) -> int:
    """Return when the process started, in clock ticks since boot; 0 when there is none."""
    status = read(f"/proc/{pid}/stat")
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
            if f"/{name}" in read(f"/proc/{pid}/cgroup"):
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
