"""Landlock: a process gives up what it may do, where the host has no namespaces for it.

What the rules cannot express is refused by the filter of ``seccomp.program(same_user=...)``: connecting to socket
files, changing modes and times, signals where the kernel does not scope them. Numbers from the kernel's
``linux/landlock.h``; the three calls have the same numbers on every processor.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Iterable
from functools import cache

#: The first version that guards truncation; before it, files outside the rules could be emptied.
LOWEST_ABI = 3
#: The first version that keeps signals and abstract sockets within.
SCOPED_ABI = 6
_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE, _READ, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_REFER, _TRUNCATE, _IOCTL_DEVICE = 1 << 13, 1 << 14, 1 << 15
_FIRST_ABI = (1 << 13) - 1
_OF_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE | _IOCTL_DEVICE
_SEE = _EXECUTE | _READ | _READ_DIR
_BIND_TCP, _CONNECT_TCP = 1, 2
_SCOPES = 0b11  # abstract UNIX sockets, signals
_NO_NEW_PRIVS = 38
_libc = ctypes.CDLL(None, use_errno=True)


@cache
def abi() -> int:
    """Return the version that this kernel has; 0 when it has none or it is switched off."""
    try:
        return max(_call(_CREATE, None, ctypes.c_size_t(0), _VERSION_FLAG), 0)
    except OSError:
        return 0


def why_not() -> str:
    """Say why it cannot be used, for people."""
    if abi() == 0:
        return "this kernel has no Landlock"
    return f"Landlock is version {abi()}, {LOWEST_ABI} is needed (Linux 6.2)"


def file_rights(version: int) -> int:
    """Return every right on files that this version knows."""
    rights = _FIRST_ABI
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEVICE)):
        if version >= since:
            rights |= right
    return rights


def ruleset(version: int, *, network: bool) -> bytes:
    """Return the ``landlock_ruleset_attr``: all that is refused unless a rule allows it.

    Args:
        version: See :func:`abi`.
        network: Leave TCP and abstract sockets alone.
    """
    fields = [file_rights(version)]
    if version >= 4:
        fields.append(0 if network else _BIND_TCP | _CONNECT_TCP)
    if version >= SCOPED_ABI:
        fields.append(_SCOPES & ~1 if network else _SCOPES)
    return struct.pack(f"={len(fields)}Q", *fields)


def path_rule(version: int, fd: int, *, folder: bool, writable: bool) -> bytes:
    """Return the ``landlock_path_beneath_attr`` for what ``fd`` stands for and everything below it."""
    rights = file_rights(version) & ~(_MAKE_CHAR | _MAKE_BLOCK | _IOCTL_DEVICE) if writable else _SEE
    if not folder:
        rights &= _OF_FILES
    return struct.pack("=Qi", rights, fd)


def restrict(read: Iterable[str], write: Iterable[str], *, network: bool) -> None:
    """Give up everything but these files, for this process and all it starts; it cannot be taken back.

    Args:
        read: Files and folders to read and execute; what does not exist is left out.
        write: Files and folders to change as well.
        network: Keep TCP.

    Raises:
        OSError: The kernel refused; nothing must be run then.
    """
    version = abi()
    if version < LOWEST_ABI:
        raise OSError(errno.EOPNOTSUPP, f"Landlock version {version} is below {LOWEST_ABI}")
    attributes = ruleset(version, network=network)
    rules = _call(_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0)
    try:
        for writable, paths in ((False, read), (True, write)):
            for path in paths:
                _allow(rules, version, path, writable)
        if _libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "no_new_privs")
        _call(_RESTRICT, rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, version: int, path: str, writable: bool) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        folder = stat.S_ISDIR(os.fstat(fd).st_mode)
        rule = path_rule(version, fd, folder=folder, writable=writable)
        _call(_ADD_RULE, rules, _PATH_BENEATH, rule, 0)
    finally:
        os.close(fd)


def _call(number: int, *arguments: object) -> int:
    answer = int(_libc.syscall(number, *arguments))
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {os.strerror(code)}")
    return answer
