"""The bubblewrap command of a sandbox: what is mounted, which namespaces are new, who runs in it.

Two ways in. An ordinary user gets a user namespace and cannot make another. Root makes the mounts and then
becomes a user id of this sandbox alone: an id map of root onto 1000 would still be root on the host.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alphintra_kernel.limits import Limits

SETPRIV = "/usr/bin/setpriv"
PRLIMIT = "/usr/bin/prlimit"
ENV = "/usr/bin/env"
USER_ID_INSIDE = 1000
#: Stands for everybody without a number in a namespace: the owner of files that are nobody's.
_NOBODY = 65_534
SANDBOX_PACKAGES = ("alphintra", "alphintra_backtest", "alphintra_kernel")
# Never the whole of /etc: it holds host keys, shadow files and service credentials.
_ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "ssl/certs", "alternatives")
_ETC_NETWORK = (
    *("resolv.conf", "hosts", "nsswitch.conf", "gai.conf", "services", "protocols"),
    *("pki/tls/certs", "pki/ca-trust/extracted"),  # where Fedora's ssl/certs leads
)
_ETC_LINKS = frozenset({"localtime", "resolv.conf"})  # often links to where the sandbox has nothing
_SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64")
# What libraries ask about the machine. Other processes' folders in /proc are not among it.
_PROCESSOR = (
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/filesystems", "/proc/sys/vm/overcommit_memory"),
    "/sys/devices/system/cpu",
)
#: Devices and memory files that every program may use.
WRITABLE_WITHOUT_NAMESPACES = (
    *("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/shm"),
)
#: Of the empty folder that covers a home folder: mount points, no content.
_COVER_BYTES = 64 << 10
_MADE_BY_PROFILE = frozenset({"/tmp", "/dev", "/proc", "/usr"})


@dataclass(frozen=True)
class Mount:
    """One folder or file of the host that a sandbox sees.

    Attributes:
        source: Absolute path on the host.
        target: Absolute path inside.
        writable: Whether the sandbox may change it. Root gives such a folder to the sandbox's user.
    """

    source: Path
    target: str
    writable: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", Path(self.source))
        if not self.source.is_absolute() or not self.target.startswith("/") or ".." in self.target.split("/"):
            raise ValueError(f"a mount needs two absolute paths: {self.source} at {self.target}")


def source_roots() -> list[Path]:
    """List the folders that hold our packages when they do not run from ``site-packages``."""
    roots: list[Path] = []
    for name in SANDBOX_PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        root = Path(spec.origin).resolve().parent.parent
        if not root.is_relative_to(sys.prefix) and root not in roots:
            roots.append(root)
    return roots


def _wanted_roots() -> list[Path]:
    """List the folders that Python and our packages need, parents first."""
    interpreter = Path(sys.executable).resolve().parent.parent
    prefixes = map(Path, (sys.prefix, sys.base_prefix, sys.base_exec_prefix))
    return sorted({*prefixes, interpreter, *source_roots()}, key=lambda path: (len(path.parts), path))


def runtime_roots() -> list[Path]:
    """List the folders that are mounted for Python and our packages, none within another."""
    kept: list[Path] = []
    for root in _wanted_roots():
        if not root.is_relative_to("/usr") and not any(root.is_relative_to(other) for other in kept):
            kept.append(root)
    return kept


def exposed_homes() -> list[Path]:
    """List home folders of the server's user that lie within what is mounted for Python, or are it."""
    homes = {Path.home().resolve()}
    with contextlib.suppress(KeyError):  # a user without an entry
        homes.add(Path(pwd.getpwuid(os.geteuid()).pw_dir).resolve())
    roots = [root.resolve() for root in runtime_roots()]
    return sorted(home for home in homes if any(home.is_relative_to(root) for root in roots))


def refusal(*, own_files: bool) -> str | None:
    """Say why nothing can be kept apart with this Python, or ``None``.

    Args:
        own_files: Whether sandboxes have mounts of their own, so that a home folder can be covered.
    """
    needed = {root.resolve() for root in _wanted_roots()}
    for home in exposed_homes():
        if not own_files or home in needed:
            return (
                f"the home folder {home} lies in the Python environment that sandboxes see; "
                "install Alphintra into an environment of its own, or set HOME to another folder"
            )
    return None


def environment(extra: Mapping[str, str], home: str = "/tmp") -> dict[str, str]:
    """Return the whole environment inside: nothing of the starter's, ``extra`` on top."""
    values = {
        "PATH": f"{sys.prefix}/bin:/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": home,
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLCONFIGDIR": f"{home}/matplotlib",
        "MPLBACKEND": "agg",
    }
    if roots := source_roots():
        values["PYTHONPATH"] = os.pathsep.join(map(str, roots))
    return values | dict(extra)


def readable_without_namespaces(network: bool) -> list[str]:
    """List what Python and our packages read on the host, for rules that take the place of mounts."""
    etc = [f"/etc/{name}" for name in (*_ETC, *(_ETC_NETWORK if network else ()))]
    system = [f"/{name}" for name in ("usr", *_SYSTEM)]
    return [*system, *etc, *_PROCESSOR, *map(str, runtime_roots())]


def limit_command(limits: Limits) -> list[str]:
    """Return the ``prlimit`` prefix; it runs inside, so that processes are counted in the sandbox alone."""
    options = [f"--{name}={value}:{value}" for name, value in limits.resources().items()]
    return [PRLIMIT, *options, "--"]


class _Arguments:
    """Collects bwrap's arguments, and makes each mount's parents readable for the sandbox's user."""

    def __init__(self) -> None:
        self.values: list[str] = []
        self._made: set[str] = set()

    def add(self, *values: str | Path | int) -> None:
        self.values += [str(value) for value in values]

    def parents(self, target: str) -> None:
        """Make them, as bwrap makes them 0700 and root's."""
        for folder in reversed(Path(target).parents):
            name = str(folder)
            if name != "/" and name not in self._made and name not in _MADE_BY_PROFILE:
                self._made.add(name)
                self.add("--perms", "0755", "--dir", name)

    def bind(self, source: Path, target: str, *, writable: bool = False) -> None:
        self.parents(target)
        self.add("--bind" if writable else "--ro-bind", source, target)


def _add_system(args: _Arguments, network: bool) -> None:
    args.add("--ro-bind", "/usr", "/usr")
    for name in _SYSTEM:
        path = Path("/", name)
        if path.is_symlink():
            args.add("--symlink", path.readlink(), path)
        elif path.is_dir():
            args.add("--ro-bind", path, path)
    for name in (*_ETC, *(_ETC_NETWORK if network else ())):
        path = Path("/etc", name)
        if path.exists():
            args.bind(path.resolve() if name in _ETC_LINKS else path, str(path))


def bwrap_command(
    bwrap: Path,
    argv: Sequence[str],
    *,
    mounts: Iterable[Mount],
    limits: Limits,
    env: Mapping[str, str],
    cwd: str,
    user_id: int | None,
    passwd_fd: int,
    info_fd: int,
    seccomp_fd: int | None,
    network: bool = False,
    block_fd: int | None = None,
) -> list[str]:
    """Return the full command line.

    Args:
        bwrap: The bubblewrap program.
        argv: What runs inside.
        mounts: The tenant's own mounts; system, Python and packages are always there, read-only.
        limits: Sizes of ``/tmp`` and the limits of each process.
        env: Variables on top of :func:`environment`.
        cwd: Working folder inside.
        user_id: The host user that the tenant becomes, started as root; ``None`` for an ordinary user.
        passwd_fd: Descriptor to read ``/etc/passwd`` from.
        info_fd: Descriptor that gets the process id of the sandbox's first process.
        seccomp_fd: Descriptor to read the filter from, or ``None`` where there is none for this processor.
        network: Share the host's network, with what names need to be found.
        block_fd: Descriptor whose first byte the tenant waits for.
    """
    args = _Arguments()
    args.add("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
    if not network:
        args.add("--unshare-net")
    args.add("--hostname", "alphintra", "--new-session", "--die-with-parent", "--info-fd", info_fd)
    if block_fd is not None:
        args.add("--block-fd", block_fd)
    enter: list[str] = []
    if user_id is None:
        args.add("--unshare-user", "--uid", USER_ID_INSIDE, "--gid", USER_ID_INSIDE, "--disable-userns")
        args.add("--cap-drop", "ALL")
    else:
        args.add("--cap-drop", "ALL")
        for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):
            args.add("--cap-add", capability)
        enter = [SETPRIV, "--reuid", str(user_id), "--regid", str(user_id), "--clear-groups"]
        enter += ["--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--"]
        # Only its own user may enter some folders: bwrap is root, but without the right to pass over that.
        enter += [ENV, f"--chdir={cwd}", "--"]
    _add_system(args, network)
    args.add("--perms", "0644", "--ro-bind-data", passwd_fd, "/etc/passwd")
    args.add("--perms", "1777", "--size", limits.tmp_bytes, "--tmpfs", "/tmp")
    args.add("--proc", "/proc", "--dev", "/dev")
    args.add("--perms", "1777", "--size", limits.tmp_bytes, "--tmpfs", "/dev/shm")
    for root in runtime_roots():
        args.bind(root, str(root))
    homes = exposed_homes()
    for home in homes:
        args.add("--perms", "0755", "--size", _COVER_BYTES, "--tmpfs", home)
        for root in _wanted_roots():
            if root.resolve().is_relative_to(home):
                args.bind(root, str(root))
    for mount in mounts:
        args.bind(mount.source, mount.target, writable=mount.writable)
    # Otherwise both are writable memory of half the machine's RAM.
    for place in ("/dev", *map(str, homes), "/"):
        args.add("--remount-ro", place)
    args.add("--clearenv")
    for name, value in environment(env).items():
        args.add("--setenv", name, value)
    args.add("--chdir", cwd if user_id is None else "/")
    if seccomp_fd is not None:
        args.add("--seccomp", seccomp_fd)
    return [str(bwrap), *args.values, "--", *enter, *limit_command(limits), *argv]


def passwd_entry(user_id: int | None) -> bytes:
    """Return the one line of ``/etc/passwd`` inside: ``getpwuid`` must work, and tell nothing of the host."""
    number = USER_ID_INSIDE if user_id is None else user_id
    return f"trader:x:{number}:{number}::/tmp:/bin/sh\n".encode()


def host_user_ids(uid_map: str) -> range:
    """Return user ids free for sandboxes, from ``/proc/self/uid_map``.

    High numbers that no distribution gives to people or services; in a container with a short map, its end; empty
    where there are none.
    """
    last = max(int(inside) + int(length) for inside, _outside, length in map(str.split, uid_map.splitlines()))
    if last > 1_200_000:
        return range(200_001, 1_200_000)
    first, last = max(last - 20_000, 1001), last - 2
    return range(first, min(last, _NOBODY) if first < _NOBODY else last)
