"""The system calls that a sandbox refuses, as a BPF program.

Assembled by hand: it needs neither libseccomp nor a compiler. Foreign system call ABIs kill the process,
because the numbers below mean something else there; calls newer than the list and ``clone3``, whose flags a
filter cannot read, answer ENOSYS, so that the C library falls back.
"""

from __future__ import annotations

import platform
import struct
from dataclasses import dataclass

_LOAD, _JUMP_EQ, _JUMP_GE, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS, _EAFNOSUPPORT = 1, 38, 97
_NAMESPACE_FLAGS = 0x7E020000  # NEWUSER, NEWPID, NEWNET, NEWIPC, NEWUTS, NEWCGROUP, NEWNS
_SOCKET_FAMILIES = (1, 2, 10, 16)  # UNIX, INET, INET6, NETLINK; AF_VSOCK ignores the network namespace
_TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_SIGNAL_OWNERS = (0x8901, 0x8902)  # FIOSETOWN, SIOCSPGRP: whom the kernel signals for a descriptor
_OWNER_COMMANDS = (8, 10, 15)  # F_SETOWN, F_SETSIG, F_SETOWN_EX
_PERSONALITIES = (0, 0xFFFFFFFF)
_NR, _ARCH, _ARG0, _ARG1 = 0, 4, 16, 24  # offsets in struct seccomp_data (low words)
_X32_BIT = 0x40000000


@dataclass(frozen=True)
class SameUser:
    """What is refused as well where the tenant is the same user as everybody else and sees all processes.

    Landlock guards the content of files, yet not their modes, times and attributes, nor other processes' limits
    and priorities, nor who connects to a socket file (the desktop's bus would start anything). Modes and times
    of what Landlock shows are the user's own, so to change them only seems to work.

    Attributes:
        pid: The tenant's process id, to which alone it may send signals; ``None`` where the kernel keeps
            signals within.
        network: Leave sockets alone.
    """

    pid: int | None
    network: bool = False


@dataclass(frozen=True)
class _SameUserTable:
    seeming: tuple[int, ...]
    refused: tuple[int, ...]
    own_only: tuple[int, ...]
    setpriority: int
    kill: tuple[int, ...]
    signals: tuple[int, ...]
    fcntl: int


@dataclass(frozen=True)
class _Table:
    arch: int
    socket: int
    socketpair: int
    clone: int
    ioctl: int
    personality: int
    refused: tuple[int, ...]
    memfd_create: int
    same_user: _SameUserTable
    first_unknown: int = 463
    clone3: int = 435
    absent: tuple[int, ...] = (425, 426, 427)  # io_uring


# ``refused``, one line each: tracing and other processes' memory; mounts and namespaces; keys, bpf, perf, userfaultfd;
# modules, kexec, reboot, swap, accounting; clocks, host name, ports, quotas; handles and obsolete calls;
# page moving, fanotify, hangup; memfd_secret and System V and POSIX queues. ``same_user``: modes and times
# (chmod, fchmod, fchmodat, fchmodat2, utime...); owners, attributes, ioprio_set; prlimit64 and the sched_set calls,
# whose first argument is a process; kill and tgkill; tkill, the sigqueueinfo calls, pidfd_send_signal.
_X86_64 = _Table(
    arch=0xC000003E,
    socket=41,
    socketpair=53,
    clone=56,
    ioctl=16,
    personality=135,
    refused=(
        *(101, 310, 311, 312, 438, 440),
        *(165, 166, 155, 161, 272, 308, 429, 430, 431, 432, 433, 428, 442, 457, 458),
        *(248, 249, 250, 321, 298, 323),
        *(175, 176, 313, 246, 320, 169, 167, 168, 163),
        *(164, 227, 159, 305, 170, 171, 172, 173, 103, 179, 443),
        *(304, 303, 212, 136, 139, 134, 180, 174, 177, 178, 156),
        *(256, 279, 300, 301, 153, 154),
        *(447, 29, 30, 31, 67, 64, 65, 66, 220, 68, 69, 70, 71, 240),
    ),
    memfd_create=319,
    same_user=_SameUserTable(
        seeming=(90, 91, 268, 452, 132, 235, 261, 280),
        refused=(92, 93, 94, 260, 188, 189, 190, 197, 198, 199, 251),
        own_only=(302, 142, 144, 203, 314),
        setpriority=141,
        kill=(62, 234),
        signals=(200, 129, 297, 424),
        fcntl=72,
    ),
)
_AARCH64 = _Table(
    arch=0xC00000B7,
    socket=198,
    socketpair=199,
    clone=220,
    ioctl=29,
    personality=92,
    refused=(
        *(117, 270, 271, 272, 438, 440),
        *(40, 39, 41, 51, 97, 268, 429, 430, 431, 432, 433, 428, 442, 457, 458),
        *(217, 218, 219, 280, 241, 282),
        *(105, 106, 273, 104, 294, 142, 224, 225, 89),
        *(170, 112, 171, 266, 161, 162, 116, 60, 443),
        *(265, 264, 18),
        *(238, 239, 262, 263, 58),
        *(447, 194, 195, 196, 197, 190, 191, 192, 193, 186, 187, 188, 189, 180),
    ),
    memfd_create=279,
    same_user=_SameUserTable(
        seeming=(52, 53, 452, 88),
        refused=(54, 55, 5, 6, 7, 14, 15, 16, 30),
        own_only=(261, 118, 119, 122, 274),
        setpriority=140,
        kill=(129, 131),
        signals=(130, 138, 240, 424),
        fcntl=25,
    ),
)
_TABLES = {"x86_64": _X86_64, "aarch64": _AARCH64}


class _Assembler:
    """Collects instructions; jumps count the instructions to skip."""

    def __init__(self) -> None:
        self.code: list[bytes] = []

    def add(self, opcode: int, value: int, if_true: int = 0, if_false: int = 0) -> None:
        self.code.append(struct.pack("=HBBI", opcode, if_true, if_false, value & 0xFFFFFFFF))

    def answer(self, number: int, value: int) -> None:
        """Return ``value`` for this system call."""
        self.add(_JUMP_EQ, number, 0, 1)
        self.add(_RETURN, value)

    def argument_in(self, number: int, offset: int, values: tuple[int, ...], match: int, other: int) -> None:
        """For this system call, return ``match`` when the argument is one of ``values``, else ``other``."""
        self.add(_JUMP_EQ, number, 0, len(values) + 3)
        self.add(_LOAD, offset)
        for i, value in enumerate(values):
            self.add(_JUMP_EQ, value, len(values) - i)
        self.add(_RETURN, other)
        self.add(_RETURN, match)

    def both_zero(self, number: int) -> None:
        """Allow this system call only with two zeros in front, refuse it otherwise."""
        self.add(_JUMP_EQ, number, 0, 6)
        self.add(_LOAD, _ARG0)
        self.add(_JUMP_EQ, 0, 0, 3)
        self.add(_LOAD, _ARG1)
        self.add(_JUMP_EQ, 0, 0, 1)
        self.add(_RETURN, _ALLOW)
        self.add(_RETURN, _ERROR | _EPERM)


def supported(machine: str | None = None) -> bool:
    """Tell whether a filter exists for this processor."""
    return (machine or platform.machine()) in _TABLES


def program(
    machine: str | None = None, *, deny_memfd: bool = False, same_user: SameUser | None = None
) -> bytes:
    """Return the filter for this processor.

    Args:
        machine: The processor's name; this one's by default.
        deny_memfd: Refuse memory files: where memory is only watched, nobody sees them.
        same_user: What else is refused where there are no namespaces.

    Raises:
        KeyError: There is none; see :func:`supported`.
    """
    table = _TABLES[machine or platform.machine()]
    asm = _Assembler()
    asm.add(_LOAD, _ARCH)
    asm.add(_JUMP_EQ, table.arch, 1, 0)
    asm.add(_RETURN, _KILL)
    asm.add(_LOAD, _NR)
    if table is _X86_64:
        asm.add(_JUMP_GE, _X32_BIT, 0, 1)
        asm.add(_RETURN, _KILL)
    asm.add(_JUMP_GE, table.first_unknown, 0, 1)
    asm.add(_RETURN, _ERROR | _ENOSYS)
    for number in table.refused:
        asm.answer(number, _ERROR | _EPERM)
    for number in (*table.absent, table.clone3, *((table.memfd_create,) if deny_memfd else ())):
        asm.answer(number, _ERROR | _ENOSYS)
    asm.add(_JUMP_EQ, table.clone, 0, 4)
    asm.add(_LOAD, _ARG0)
    asm.add(_JUMP_SET, _NAMESPACE_FLAGS, 0, 1)
    asm.add(_RETURN, _ERROR | _EPERM)
    asm.add(_RETURN, _ALLOW)
    families: tuple[int, ...] = _SOCKET_FAMILIES
    injection: tuple[int, ...] = _TERMINAL_INJECTION
    if same_user is not None:
        _add_same_user(asm, table.same_user, same_user)
        injection += _SIGNAL_OWNERS
        if not same_user.network:
            asm.answer(table.socket, _ERROR | _EAFNOSUPPORT)
            families = (1,)
    for number in (table.socket, table.socketpair):
        asm.argument_in(number, _ARG0, families, _ALLOW, _ERROR | _EAFNOSUPPORT)
    asm.argument_in(table.ioctl, _ARG1, injection, _ERROR | _EPERM, _ALLOW)
    asm.argument_in(table.personality, _ARG0, _PERSONALITIES, _ALLOW, _ERROR | _EPERM)
    asm.add(_RETURN, _ALLOW)
    return b"".join(asm.code)


def _add_same_user(asm: _Assembler, table: _SameUserTable, wanted: SameUser) -> None:
    for number in table.seeming:
        asm.answer(number, _ERROR)  # error 0: done, as far as the caller knows
    for number in table.refused:
        asm.answer(number, _ERROR | _EPERM)
    for number in table.own_only:
        asm.argument_in(number, _ARG0, (0,), _ALLOW, _ERROR | _EPERM)
    asm.both_zero(table.setpriority)
    if wanted.pid is not None:
        for number in table.kill:
            asm.argument_in(number, _ARG0, (0, wanted.pid), _ALLOW, _ERROR | _EPERM)
        for number in table.signals:
            asm.answer(number, _ERROR | _EPERM)
        asm.argument_in(table.fcntl, _ARG1, _OWNER_COMMANDS, _ERROR | _EPERM, _ALLOW)
