"""The filter, run by a small interpreter of its own instructions: also for the processor that is not here."""

from __future__ import annotations

import struct

import pytest

from alphintra_kernel import seccomp

ALLOW, KILL, EPERM, ENOSYS, EAFNOSUPPORT = "allow", "kill", 1, 38, 97
X86, ARM = 0xC000003E, 0xC00000B7


def answer(machine: str, arch: int, number: int, first: int = 0, second: int = 0):
    code = list(struct.iter_unpack("=HBBI", seccomp.program(machine)))
    data = {0: number, 4: arch, 16: first, 24: second}
    accumulator, position = 0, 0
    while True:
        opcode, if_true, if_false, value = code[position]
        position += 1
        if opcode == 0x06:
            if value >> 16 == 5:
                return value & 0xFFFF
            return {0x7FFF0000: ALLOW, 0x80000000: KILL}[value]
        if opcode == 0x20:
            accumulator = data[value]
            continue
        holds = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[
            opcode
        ]
        position += if_true if holds else if_false


CLONE_THREAD, NEWUSER = 0x3D0F00, 0x10000000


@pytest.mark.parametrize(
    ("machine", "arch", "number", "arguments", "expected"),
    [
        ("x86_64", X86, 0, (), ALLOW),  # read
        ("x86_64", 0x40000003, 11, (), KILL),  # the 32-bit ABI
        ("x86_64", X86, 0x40000000 + 59, (), KILL),  # x32 execve
        ("x86_64", X86, 463, (), ENOSYS),
        ("x86_64", X86, 462, (), ALLOW),
        ("x86_64", X86, 435, (), ENOSYS),  # clone3
        ("x86_64", X86, 101, (), EPERM),  # ptrace
        ("x86_64", X86, 71, (), EPERM),  # msgctl
        ("x86_64", X86, 56, (CLONE_THREAD,), ALLOW),
        ("x86_64", X86, 56, (CLONE_THREAD | NEWUSER,), EPERM),
        ("x86_64", X86, 41, (1,), ALLOW),  # AF_UNIX
        ("x86_64", X86, 41, (16,), ALLOW),  # AF_NETLINK
        ("x86_64", X86, 41, (40,), EAFNOSUPPORT),  # AF_VSOCK
        ("x86_64", X86, 53, (2,), ALLOW),
        ("x86_64", X86, 53, (40,), EAFNOSUPPORT),
        ("x86_64", X86, 16, (0, 0x5401), ALLOW),  # TCGETS
        ("x86_64", X86, 16, (0, 0x5412), EPERM),  # TIOCSTI
        ("x86_64", X86, 16, (0, 0x541C), EPERM),  # TIOCLINUX
        ("x86_64", X86, 135, (0,), ALLOW),
        ("x86_64", X86, 135, (0xFFFFFFFF,), ALLOW),
        ("x86_64", X86, 135, (8,), EPERM),
        ("aarch64", ARM, 63, (), ALLOW),  # read
        ("aarch64", X86, 0, (), KILL),
        ("aarch64", ARM, 117, (), EPERM),  # ptrace
        ("aarch64", ARM, 97, (), EPERM),  # unshare
        ("aarch64", ARM, 220, (CLONE_THREAD,), ALLOW),
        ("aarch64", ARM, 220, (NEWUSER,), EPERM),
        ("aarch64", ARM, 198, (40,), EAFNOSUPPORT),
        ("aarch64", ARM, 29, (0, 0x5412), EPERM),
        ("aarch64", ARM, 426, (), ENOSYS),  # io_uring_enter
    ],
)
def test_answers(machine, arch, number, arguments, expected):
    assert answer(machine, arch, number, *arguments) == expected


def test_other_processors_have_none():
    assert not seccomp.supported("riscv64")
    with pytest.raises(KeyError):
        seccomp.program("riscv64")
