"""The only way in which the server starts a user's code.

``Sandbox.spawn`` gives a process that sees Python, our packages and its own mounts; that has no network and
an environment of its own; and that ends with its limits, with its supervisor, or when told to.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from alphintra_kernel import bwrap, cgroup, disk, landlock, levels, numba_cache, profile, seccomp
from alphintra_kernel import priority as priorities
from alphintra_kernel.gate import Gate
from alphintra_kernel.levels import LEVELS, Probe
from alphintra_kernel.limits import Limits
from alphintra_kernel.priority import NORMAL, Priority
from alphintra_kernel.profile import Mount
from alphintra_kernel.supervise import SandboxProcess, Started

_PACKAGE_ROOT = str(Path(__file__).resolve().parents[1])
_STAGE = "import sys; sys.path.append(sys.argv[1]); from alphintra_kernel import stage; stage.main(int(sys.argv[2]))"
#: Tells a tenant its marker.
MARKER_VARIABLE = "ALPHINTRA_SANDBOX_MARKER"
_START_SECONDS = 10.0
#: From when a start has failed until its process has ended.
_FAILED_SECONDS = 5.0

# bwrap's --die-with-parent follows the thread that started it. This one lives as long as the process.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-starter")
_ids_in_use: set[int] = set()
_ids_lock = threading.Lock()


class SandboxError(Exception):
    """A sandbox could not be started."""


class SandboxUnavailableError(SandboxError):
    """The host has no working sandbox, and running without one was not allowed."""


class Sandbox:
    """Starts processes of one level.

    Args:
        level: A name of :data:`LEVELS`; by default the best that works here.
        allow_unsandboxed: Whether levels may be used at which user code is not isolated.
        cgroups: Whether the levels without namespaces use control groups where there are any.

    Raises:
        SandboxUnavailableError: The level does not isolate user code and that was not allowed.
    """

    def __init__(
        self, level: str | None = None, *, allow_unsandboxed: bool = False, cgroups: bool = True
    ) -> None:
        found = levels.probe_report() if level is None else Probe(level)
        if found.level not in LEVELS:
            raise ValueError(f"unknown sandbox level {found.level!r}; known: {', '.join(LEVELS)}")
        if not levels.jobs_allowed(found.level, allow_unsandboxed):
            raise SandboxUnavailableError(
                "user code cannot be isolated on this machine"
                + (f" ({found.reason})" if found.reason else "")
                + "; set allow_unsandboxed_jobs to run it without isolation"
            )
        self.level = found.level
        self._cgroups = cgroups

    @property
    def host_paths(self) -> bool:
        """Whether its processes see the host's paths: mounts then have no paths of their own."""
        return self.level not in levels.OWN_FILES

    @property
    def can_raise(self) -> bool:
        """Whether a process that was started at a low priority can be given a higher one."""
        grouped = self._cgroups and self.level != levels.NO_CGROUP and cgroup.shares_processors()
        return grouped or priorities.can_raise()

    def spawn(
        self,
        argv: Sequence[str],
        *,
        mounts: Sequence[Mount] = (),
        limits: Limits | None = None,
        fds: Sequence[int] = (),
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        network: bool = False,
        marker: str = "",
        user_id: int | None = None,
        priority: Priority = NORMAL,
        on_exit: Callable[[SandboxProcess], None] | None = None,
    ) -> SandboxProcess:
        """Start ``argv``.

        Args:
            argv: Program and arguments. Python is ``sys.executable``; its path is the same inside.
            mounts: Folders and files the process sees besides system, Python and packages. Where
                :attr:`host_paths` is true they keep the host's paths, so the caller passes those.
            limits: Bounds; the defaults of :class:`Limits` when left out.
            fds: Open descriptors that the process inherits under the same numbers.
            cwd: Working folder, as the process sees it; by default a folder of its own for temporary files.
            env: Variables on top of a fixed few. Nothing of this process's environment is passed on.
            network: Share the host's network, which only a notebook of its own user may, and our own code that
                fetches data.
            user_id: The host user to become when started as root; the caller has made the mounts theirs. By
                default one that no other sandbox has, and that is given the writable mounts.
            marker: Names what it runs (letters, digits, ``.``, ``_``, ``-``), so that whoever takes over from
                this process can find what is left of it: see ``cgroup.sweep``; it is an argument of bwrap too.
            priority: Its share of the processors while others want them too.
            on_exit: Called once in a thread of its own after everything in it has ended.

        Raises:
            SandboxError: It did not start.
        """
        bounds = limits or Limits()
        for mount in mounts:
            if not mount.source.exists():
                raise SandboxError(f"nothing to mount at {mount.source}")
        cgroup.check_marker(marker)
        tenant = _Tenant(
            list(argv), list(mounts), bounds, tuple(fds), cwd, dict(env or {}), network, marker, self.level, on_exit,
            user_id, priority,
        )  # fmt: skip
        cache = numba_cache.shared_cache()
        if cache is not None:
            tenant.env.setdefault(numba_cache.SHARED_VARIABLE, str(cache) if self.host_paths else numba_cache.TARGET)
            tenant.mounts.append(Mount(cache, numba_cache.TARGET))
        return _starter.submit(_spawn, tenant, self._cgroups).result()


async def start(spawn: Callable[[], SandboxProcess]) -> SandboxProcess:
    """Spawn on a thread of its own; who is cancelled meanwhile leaves nothing that runs.

    Args:
        spawn: Calls :meth:`Sandbox.spawn`. It has returned before this does, however this ends.

    Raises:
        SandboxError: It did not start.
    """
    spawning = asyncio.ensure_future(asyncio.to_thread(spawn))
    try:
        return await asyncio.shield(spawning)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):  # the thread goes on
            (await spawning).kill()
        raise


@dataclass
class _Tenant:
    """What ``spawn`` was asked for."""

    argv: list[str]
    mounts: list[Mount]
    limits: Limits
    fds: tuple[int, ...]
    cwd: str | None
    env: dict[str, str]
    network: bool
    marker: str
    level: str
    on_exit: Callable[[SandboxProcess], None] | None
    user_id: int | None
    priority: Priority

    @property
    def writable(self) -> list[Path]:
        return [mount.source for mount in self.mounts if mount.writable]


def _spawn(tenant: _Tenant, cgroups: bool) -> SandboxProcess:
    own_files = tenant.level in levels.OWN_FILES
    ruled = own_files or tenant.level == levels.LANDLOCK
    if ruled and (refused := profile.refusal(own_files=own_files)):
        raise SandboxError(refused)
    taken = _take_user_id() if own_files and os.geteuid() == 0 and tenant.user_id is None else None
    with contextlib.ExitStack() as undo:
        give_back = functools.partial(_return_user_id, taken)
        undo.callback(give_back)
        group = _group(tenant) if cgroups else None
        if group is not None:
            undo.callback(group.remove)
        start = _start_bwrap if own_files else _start_staged
        if taken is not None:
            for folder in tenant.writable:
                _give(folder, taken)
        started = start(tenant, tenant.user_id if taken is None else taken, group, undo)
        undo.pop_all()
    return SandboxProcess(started, on_end=give_back, on_exit=tenant.on_exit)


def _group(tenant: _Tenant) -> cgroup.Group | None:
    if tenant.level == levels.NO_CGROUP:
        return None
    _sweep_once()
    try:
        group = cgroup.create(tenant.limits, tenant.marker)
    except cgroup.CgroupError as error:
        raise SandboxError(str(error)) from error
    if group is None and tenant.level == levels.FULL:
        raise SandboxError(cgroup.why_none())
    if group is not None:
        group.share(tenant.priority)
    return group


@functools.cache
def _sweep_once() -> None:
    """Remove what servers left that were killed."""
    cgroup.sweep_abandoned()


def _start_bwrap(
    tenant: _Tenant, user_id: int | None, group: cgroup.Group | None, _undo: contextlib.ExitStack
) -> Started:
    with contextlib.ExitStack() as ours:
        passwd_fd = _readable(ours, profile.passwd_entry(user_id))
        filter_fd = _readable(ours, seccomp.program(deny_memfd=group is None)) if seccomp.supported() else None
        gate = Gate(ours)
        copy, variables = (bwrap.path(), {}) if user_id is not None else bwrap.private_copy(ours)
        program, *arguments = profile.bwrap_command(
            copy,
            tenant.argv,
            mounts=tenant.mounts,
            limits=tenant.limits,
            env=tenant.env,
            cwd=tenant.cwd or "/tmp",
            user_id=user_id,
            passwd_fd=passwd_fd,
            info_fd=gate.info,
            seccomp_fd=filter_fd,
            network=tenant.network,
            block_fd=gate.block,
        )
        # Read from a descriptor: everybody in the sandbox sees the command line, with the host's paths.
        split = arguments.index("--")
        options_fd = _readable(ours, b"".join(word.encode() + b"\0" for word in arguments[:split]))
        fds = [fd for fd in (passwd_fd, filter_fd, options_fd, gate.info, gate.block) if fd is not None]
        # The marker stays in sight: whoever takes over from this process finds what is left by it.
        shown = ["--setenv", MARKER_VARIABLE, tenant.marker] if tenant.marker else []
        # Nothing of ours in bwrap's environment either: inside, /proc/1/environ shows what bwrap started with.
        command = ["bwrap", "--args", str(options_fd), *shown, *arguments[split:]]
        popen = _popen(command, program=program, env=variables, fds=[*tenant.fds, *fds])
        return _let_in(popen, gate, group, tenant)


def _start_staged(
    tenant: _Tenant, _user_id: int | None, group: cgroup.Group | None, undo: contextlib.ExitStack
) -> Started:
    private = Path(tempfile.mkdtemp(prefix="alphintra-job-"))
    undo.callback(disk.remove, private)
    home = str(private)
    possible = landlock.abi() >= landlock.LOWEST_ABI and seccomp.supported()
    ruled = tenant.level == levels.LANDLOCK or (tenant.level == levels.POD and possible)
    with contextlib.ExitStack() as ours:
        gate = Gate(ours)
        spec = {
            "argv": tenant.argv,
            "cwd": tenant.cwd or home,
            "limits": tenant.limits.resources(),
            "network": tenant.network,
            "deny_memfd": group is None,
            "rules": _rules(tenant, home) if ruled else None,
            "fds": tenant.fds,
            "info_fd": gate.info,
            "block_fd": gate.block,
        }
        spec_fd = _readable(ours, json.dumps(spec).encode())
        popen = _popen(
            [sys.executable, "-I", "-S", "-c", _STAGE, _PACKAGE_ROOT, str(spec_fd)],
            env=profile.environment(tenant.env, home),
            fds=[*tenant.fds, spec_fd, gate.info, gate.block],
            cwd=tenant.cwd,
        )
        return _let_in(popen, gate, group, tenant, private)


def _rules(tenant: _Tenant, home: str) -> dict[str, list[str]]:
    """List what Landlock shows: what bwrap would mount, at the host's paths."""
    read = [str(mount.source) for mount in tenant.mounts if not mount.writable]
    return {
        "read": [*profile.readable_without_namespaces(tenant.network), *read],
        "write": [*profile.WRITABLE_WITHOUT_NAMESPACES, home, *map(str, tenant.writable)],
    }


def _let_in(
    popen: subprocess.Popen[bytes],
    gate: Gate,
    group: cgroup.Group | None,
    tenant: _Tenant,
    private: Path | None = None,
) -> Started:
    """Move the tenant to its control group before it starts, and let it."""
    first = popen.pid if sys.platform != "linux" else gate.first_process(_START_SECONDS)
    if first is None and not _has_ended(popen):
        # Let in now, it would run outside its group and without its bounds.
        popen.kill()
        popen.communicate()
        raise SandboxError(f"the sandbox did not start within {_START_SECONDS:g} s")
    if group is not None and first is not None:
        try:
            group.add(first)
        except cgroup.CgroupError as error:
            # A start that failed by itself ends with the first process gone, and says why a little later.
            if not _has_ended(popen):
                popen.kill()
                popen.communicate()
                raise SandboxError(str(error)) from error
    if tenant.priority != NORMAL and first is not None and (group is None or not group.has_shares):
        priorities.apply(tenant.priority, [first])
    gate.open()
    return Started(
        popen, tenant.level, tenant.limits, first, group, tenant.writable, private, tenant.priority
    )


def _has_ended(popen: subprocess.Popen[bytes]) -> bool:
    """Tell whether a start that said nothing has failed by itself; what it said why stays to be read."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        popen.wait(_FAILED_SECONDS)
    return popen.returncode is not None


def _popen(
    command: list[str],
    *,
    env: dict[str, str],
    fds: Sequence[int],
    cwd: str | None = None,
    program: str | None = None,
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            executable=program,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=fds,
            start_new_session=True,
        )
    except OSError as error:
        raise SandboxError(f"cannot start {command[0]}: {error.strerror}") from error


def _readable(stack: contextlib.ExitStack, content: bytes) -> int:
    """Return an open descriptor that reads as ``content``."""
    fd = os.memfd_create("alphintra")
    stack.callback(os.close, fd)
    os.write(fd, content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _give(path: Path, user_id: int) -> None:
    """Make the sandbox's user the owner of a writable mount."""
    os.chown(path, user_id, user_id, follow_symlinks=False)
    for folder, names, files in os.walk(path):
        for name in (*names, *files):
            os.chown(Path(folder, name), user_id, user_id, follow_symlinks=False)


def _take_user_id() -> int:
    """Take a user id that no other sandbox has: two with the same one could signal and trace each other."""
    free = profile.host_user_ids(Path("/proc/self/uid_map").read_text())
    if not free:
        raise SandboxError("this container has no user ids for sandboxes")
    with _ids_lock:
        while True:
            user_id = secrets.choice(free)
            if user_id not in _ids_in_use:
                _ids_in_use.add(user_id)
                return user_id


def _return_user_id(user_id: int | None) -> None:
    with _ids_lock:
        _ids_in_use.discard(user_id or 0)
