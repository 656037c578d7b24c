"""Where on this host control groups can be made, and how their files are read and written."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NEEDED = ("memory", "pids")
#: What is used where it is there: the count of processor time (version 2 has it anyway), and shares of it.
_WANTED = ("cpuacct", "cpu")
_LEAF = "alphintra-server"


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
                _share_processors(folder)

    def names(self) -> list[str]:
        """List the names of the groups that exist."""
        found: set[str] = set()
        for folder in self.folders():
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                found.update(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        return sorted(found)


def candidates() -> Iterator[Tree]:
    """Yield the places where groups may be made, the better one first; each has to be tried."""
    for found in (_version_2(), _version_1()):
        if found is not None:
            yield found


def _version_1() -> Tree | None:
    found: dict[str, Path] = {}
    for kind, where, options in mounts():
        if kind == "cgroup":
            for controller in {*_NEEDED, *_WANTED} & set(options):
                if controller in _NEEDED or os.access(where, os.W_OK):
                    found.setdefault(controller, where / _parent_name())
    return Tree(1, found) if set(_NEEDED) <= set(found) else None


def _version_2() -> Tree | None:
    mount = next((where for kind, where, _ in mounts() if kind == "cgroup2"), None)
    own = next((line[3:] for line in read("/proc/self/cgroup").splitlines() if line.startswith("0::")), None)
    if mount is None or own is None or ".." in own.split("/"):
        return None
    if not set(_NEEDED) <= set(read(mount / "cgroup.controllers").split()):
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
        if set(_NEEDED) <= set(read(folder / "cgroup.subtree_control").split()):
            return folder
        if not read(folder / "cgroup.procs").split() and _enable(folder):
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
        for pid in read(folder / "cgroup.procs").split():
            with contextlib.suppress(ProcessLookupError):
                write(leaf / "cgroup.procs", pid)
        return _enable(folder)
    return False


def _enable(folder: Path) -> bool:
    """Hand the controllers on to the groups below; whether they are."""
    if set(_NEEDED) <= set(read(folder / "cgroup.subtree_control").split()):
        return True
    try:
        write(folder / "cgroup.subtree_control", " ".join(f"+{name}" for name in _NEEDED))
    except OSError:
        return False
    _share_processors(folder)
    return True


def _share_processors(folder: Path) -> None:
    """Hand on the shares of processor time too, where this group has them."""
    if "cpu" in read(folder / "cgroup.controllers").split():
        with contextlib.suppress(OSError):
            write(folder / "cgroup.subtree_control", "+cpu")


def _parent_name() -> str:
    return f"alphintra-{os.geteuid()}"


def mounts() -> Iterator[tuple[str, Path, list[str]]]:
    """Yield type, place and options of every mounted control group hierarchy."""
    for line in read("/proc/self/mountinfo").splitlines():
        fields, _, rest = line.partition(" - ")
        kind, _source, options = rest.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            yield kind, Path(fields.split(" ")[4]), options.split(",")


def read(path: Path | str) -> str:
    """Return the content, nothing where there is none."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def write(path: Path, value: int | str) -> None:
    """Write to a file that the kernel made."""
    fd = os.open(path, os.O_WRONLY)  # never made: in a folder that is no control group this must fail
    try:
        os.write(fd, str(value).encode())
    finally:
        os.close(fd)


def write_if_there(path: Path, value: int) -> bool:
    """Write where that is possible; whether it was."""
    try:
        write(path, value)
    except OSError:
        return False
    return True


def table(path: Path) -> dict[str, int]:
    """Read lines of a name and a number."""
    pairs = (line.split() for line in read(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}
