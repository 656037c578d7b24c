"""The filter, run by a small interpreter of its own instructions: also for the processor that is not here."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from alphintra_kernel import seccomp

ALLOW, KILL, EPERM, ENOSYS, EAFNOSUPPORT = "allow", "kill", 1, 38, 97
X86, ARM = 0xC000003E, 0xC00000B7


def answer(machine: str, arch: int, number: int, first: int = 0, second: int = 0, **asked: Any):
    code = list(struct.iter_unpack("=HBBI", seccomp.program(machine, **asked)))
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


OWN = seccomp.SameUser(pid=77)
SCOPED = seccomp.SameUser(pid=None)
ONLINE = seccomp.SameUser(pid=None, network=True)
SETPRIORITY, KILL_CALL, TGKILL, FCNTL, SOCKET, SOCKETPAIR, IOCTL = 141, 62, 234, 72, 41, 53, 16


@pytest.mark.parametrize(
    ("number", "arguments", "same_user", "expected"),
    [
        (90, (), SCOPED, 0),  # chmod: only seems to work
        (280, (), SCOPED, 0),  # utimensat
        (260, (), SCOPED, EPERM),  # fchownat
        (188, (), SCOPED, EPERM),  # setxattr
        (90, (), None, ALLOW),
        (302, (0,), SCOPED, ALLOW),  # prlimit64 of itself
        (302, (12,), SCOPED, EPERM),
        (SETPRIORITY, (0, 0), SCOPED, ALLOW),
        (SETPRIORITY, (0, 12), SCOPED, EPERM),
        (SETPRIORITY, (2, 0), SCOPED, EPERM),  # all of the user's processes
        (SETPRIORITY, (2, 0), None, ALLOW),
        (KILL_CALL, (12,), SCOPED, ALLOW),
        (KILL_CALL, (12,), OWN, EPERM),
        (KILL_CALL, (0xFFFFFFFF,), OWN, EPERM),
        (KILL_CALL, (77,), OWN, ALLOW),
        (TGKILL, (77,), OWN, ALLOW),
        (TGKILL, (12,), OWN, EPERM),
        (424, (), OWN, EPERM),  # pidfd_send_signal
        (FCNTL, (3, 8), OWN, EPERM),  # F_SETOWN
        (FCNTL, (3, 2), OWN, ALLOW),  # F_SETFD
        (IOCTL, (3, 0x8901), SCOPED, EPERM),  # FIOSETOWN
        (IOCTL, (3, 0x5401), SCOPED, ALLOW),
        (SOCKET, (1,), SCOPED, EAFNOSUPPORT),
        (SOCKET, (2,), SCOPED, EAFNOSUPPORT),
        (SOCKET, (2,), ONLINE, ALLOW),
        (SOCKET, (40,), ONLINE, EAFNOSUPPORT),
        (SOCKETPAIR, (1,), SCOPED, ALLOW),
        (SOCKETPAIR, (2,), SCOPED, EAFNOSUPPORT),
        (0, (), OWN, ALLOW),
        (101, (), OWN, EPERM),
    ],
)
def test_answers_where_the_tenant_is_the_same_user(number, arguments, same_user, expected):
    assert answer("x86_64", X86, number, *arguments, same_user=same_user) == expected


@pytest.mark.parametrize(("machine", "arch", "number"), [("x86_64", X86, 319), ("aarch64", ARM, 279)])
def test_memory_files_are_refused_where_nobody_counts_them(machine, arch, number):
    assert answer(machine, arch, number) == ALLOW
    assert answer(machine, arch, number, deny_memfd=True) == ENOSYS


# Names and numbers of the kernel's tables, written down here a second time.
REFUSED = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "unshare": (272, 97), "setns": (308, 268), "move_mount": (429, 429),
    "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "open_tree": (428, 428), "mount_setattr": (442, 442), "statmount": (457, 457), "listmount": (458, 458),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "init_module": (175, 105),
    "delete_module": (176, 106), "finit_module": (313, 273), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "reboot": (169, 142), "swapon": (167, 224), "acct": (163, 89),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "fanotify_init": (300, 262),
    "quotactl": (179, 60), "quotactl_fd": (443, 443), "memfd_secret": (447, 447), "shmget": (29, 194),
    "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180), "move_pages": (279, 239),
    "clock_settime": (227, 112), "settimeofday": (164, 170), "sethostname": (170, 161), "syslog": (103, 116),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_every_call_of_the_list_is_refused_on_both_processors(name):
    x86, arm = REFUSED[name]
    assert answer("x86_64", X86, x86) == EPERM
    assert answer("aarch64", ARM, arm) == EPERM


@pytest.mark.parametrize("number", [425, 426, 427, 435, 463, 470, 1000])
def test_io_uring_clone3_and_whatever_is_newer_do_not_exist(number):
    assert answer("x86_64", X86, number) == ENOSYS
    assert answer("aarch64", ARM, number) == ENOSYS


def test_other_processors_have_none():
    assert not seccomp.supported("riscv64")
    with pytest.raises(KeyError):
        seccomp.program("riscv64")
