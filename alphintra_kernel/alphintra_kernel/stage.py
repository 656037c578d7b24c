"""The step between the server and a tenant where there are no namespaces: ``python -I -S stage.py FD``.

It stands above the tenant as bubblewrap's first process does: what the tenant leaves behind comes back to it,
it ends all of it with the tenant or when told to (SIGTERM, or its starter's death), and it answers with the
tenant's exit code. Below it the tenant takes its limits, gives up its rights and starts its program. Only the
standard library is at hand here.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any, NoReturn

_DEATH_SIGNAL, _KEEP_ORPHANS, _BOUND_DROP, _SECCOMP, _NO_NEW_PRIVS, _AMBIENT = 1, 36, 24, 22, 38, 47
_CAPABILITIES = 64
_CAPSET = {"x86_64": 126, "aarch64": 91}
#: Processes of the same user that may start meanwhile without the tenant's being refused one.
_SPARE_PROCESSES = 64
#: By controller, what tells a group's bounds; version 2 has no controllers in its paths.
_BOUNDS = {
    "": ("cpu.max", "memory.max"),
    "cpu": ("cpu.cfs_quota_us", "cpu.cfs_period_us"),
    "memory": ("memory.limit_in_bytes",),
}


class _ToldToEndError(Exception):
    """SIGTERM came."""


def main(spec_fd: int) -> NoReturn:
    """Run what the specification says and end with its exit code."""
    with os.fdopen(spec_fd, "rb") as stream:
        spec: dict[str, Any] = json.load(stream)
    if sys.platform != "linux":
        _limit(spec["limits"], skip=("nproc",))
        os.execvp(spec["argv"][0], spec["argv"])
    signal.signal(signal.SIGTERM, _told_to_end)
    _prctl(_KEEP_ORPHANS, 1)
    _prctl(_DEATH_SIGNAL, signal.SIGTERM)
    above = os.getpid()
    tenant = os.fork()
    if tenant == 0:
        with contextlib.suppress(BaseException):
            _become_tenant(spec, above)
        os._exit(126)
    code = 137
    try:
        os.write(spec["info_fd"], json.dumps({"child-pid": tenant}).encode())
        for fd in (spec["info_fd"], spec["block_fd"], *spec["fds"]):
            os.close(fd)
        code = _wait_for(tenant)
    except _ToldToEndError:
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _end_all()
    os._exit(code)


def _told_to_end(_signum: int, _frame: FrameType | None) -> None:
    raise _ToldToEndError


def _wait_for(tenant: int) -> int:
    while True:
        pid, status = os.wait()
        if pid == tenant:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _end_all() -> None:
    """Kill everything below: whoever loses its parent becomes a child of this process and is met next."""
    while True:
        for pid in _children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


def _children() -> Iterator[int]:
    me = os.getpid()
    try:
        with open(f"/proc/{me}/task/{me}/children", encoding="ascii") as file:  # noqa: PTH123
            yield from map(int, file.read().split())
    except FileNotFoundError:  # a kernel without that list
        for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", encoding="utf-8") as file:  # noqa: PTH123
                if int(file.read().rpartition(")")[2].split()[1]) == me:
                    yield int(name)


def _become_tenant(spec: dict[str, Any], above: int) -> NoReturn:
    try:
        os.close(spec["info_fd"])
        _prctl(_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != above or not os.read(spec["block_fd"], 1):
            os._exit(126)  # whoever started this is gone
        os.close(spec["block_fd"])
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.chdir(spec["cwd"])
        os.setsid()  # a signal to the tenant's own group does not reach the process above
        spec["limits"]["nproc"] += _SPARE_PROCESSES + _processes_of_user()
        _limit(spec["limits"])
        _prctl(_NO_NEW_PRIVS, 1)
        if spec["rules"]:
            from alphintra_kernel import landlock

            read = [*spec["rules"]["read"], f"/proc/{os.getpid()}", *_bounds_of_group()]
            _drop_capabilities()
            landlock.restrict(read, spec["rules"]["write"], network=spec["network"])
            from alphintra_kernel import seccomp

            if not seccomp.supported():
                raise OSError(f"no filter of system calls for {os.uname().machine}")
            alone = None if landlock.abi() >= landlock.SCOPED_ABI else os.getpid()
            same_user = seccomp.SameUser(alone, spec["network"])
            _install(seccomp.program(deny_memfd=spec["deny_memfd"], same_user=same_user))
        os.execvp(spec["argv"][0], spec["argv"])
    except OSError as error:
        os.write(2, f"cannot start {spec['argv'][0]}: {error}\n".encode())
        os._exit(126)


def _bounds_of_group() -> list[str]:
    """Return the files that tell the bounds of this process's control group, and of those above it.

    DuckDB asks for them at its start, and does not start where they are there and refused.
    """
    found = []
    with contextlib.suppress(OSError), open("/proc/self/cgroup", encoding="utf-8") as file:  # noqa: PTH123
        for line in file:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            for controller in controllers.split(","):  # none in version 2
                parts = [part for part in path.split("/") if part]
                for depth in range(len(parts) + 1):
                    folder = "/".join(["/sys/fs/cgroup", *filter(None, [controller]), *parts[:depth]])
                    found += [f"{folder}/{name}" for name in _BOUNDS.get(controller, ())]
    return [path for path in found if os.access(path, os.R_OK)]


def _limit(limits: dict[str, int], skip: tuple[str, ...] = ()) -> None:
    for name, wanted in limits.items():
        which = getattr(resource, "RLIMIT_" + name.upper(), None)
        if which is not None and name not in skip:
            hard = resource.getrlimit(which)[1]
            value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(which, (value, value))


def _processes_of_user() -> int:
    """Count this user's processes and threads: without a namespace the limit counts all of them."""
    me, total = os.geteuid(), 0
    for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{name}").st_uid == me:  # noqa: PTH116
                total += len(os.listdir(f"/proc/{name}/task"))  # noqa: PTH208
    return total


def _drop_capabilities() -> None:
    """Root without capabilities is an ordinary user that owns root's files."""
    for capability in range(_CAPABILITIES):
        _libc().prctl(_BOUND_DROP, capability, 0, 0, 0)  # those that there are; a user may not, and has none
    _libc().prctl(_AMBIENT, 4, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    number = _CAPSET.get(os.uname().machine)
    if number is not None and _libc().syscall(number, header, (ctypes.c_uint32 * 6)()) != 0:
        raise OSError(ctypes.get_errno(), "capset")


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def _install(code: bytes) -> None:
    _prctl(_SECCOMP, 2, ctypes.byref(_Filter(len(code) // 8, code)))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, *arguments: Any) -> None:
    padded = [*arguments, 0, 0, 0][:4]
    if _libc().prctl(option, *padded) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")
