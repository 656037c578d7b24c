"""System calls that a trader's code has no use for.

Arguments are such that outside, where nothing refuses the call, it fails for another reason or does nothing: an
invalid descriptor, a null address, an unknown flag. So the control changes nothing on the machine, root's neither.
"""

from __future__ import annotations

from .probe import DIFFERS, Probe


def _calls(refused: str, *acts: tuple[str, str], privileged: bool = False) -> tuple[Probe, ...]:
    return tuple(Probe(name, f"return {code}", refused, DIFFERS, privileged=privileged) for name, code in acts)


_CLONE = """
pid = call(56, {flags} | 17, 0, 0, 0, 0)
if pid == 0:
    os._exit(0)
return "cloned"
"""

KERNEL = (
    # Mounts and namespaces.
    *_calls(
        "EPERM",
        ("mount", "call(165, 0, 0, 0, 0, 0)"),
        ("umount2", "call(166, 0, 0)"),
        ("chroot", "call(161, b'/no/such/folder')"),
        ("open_tree", "call(428, -100, b'/', 0) > 0"),
        ("fsconfig", "call(431, -1, 0, 0, 0, 0)"),
        ("mount_setattr", "call(442, -1, b'', 0x7fffffff, 0, 0)"),
        ("statmount", "call(457, 0, 0, 0, 0)"),
        ("listmount", "call(458, 0, 0, 0, 0)"),
        ("setns", "call(308, -1, 0)"),
        ("unshare of nothing", "call(272, 0)"),
        ("unshare of a user namespace", "call(272, 0x10000000)"),
    ),
    *_calls(
        "EPERM",
        ("pivot_root", "call(155, 0, 0)"),
        ("fsopen", "call(430, 0, 0)"),
        ("fsmount", "call(432, -1, 0, 0)"),
        ("fspick", "call(433, -1, 0, 0x7fffffff)"),
        ("move_mount", "call(429, -1, b'', -1, b'', 0x7fffffff)"),
        ("unshare of the mounts", "call(272, 0x20000)"),
        ("unshare of the network", "call(272, 0x40000000)"),
        privileged=True,
    ),
    Probe("clone with a user namespace", _CLONE.format(flags="0x10000000"), "EPERM", "cloned"),
    Probe("clone with a network", _CLONE.format(flags="0x40000000"), "EPERM", "cloned", privileged=True),
    Probe("clone without", _CLONE.format(flags="0"), "cloned", "cloned"),
    Probe("clone3", "return call(435, 0, 0)", "ENOSYS", "EINVAL"),
    # Other doors into the kernel: their numbers mean something else there.
    Probe("int 0x80", r"return run_code(b'\xb8\x14\x00\x00\x00\xcd\x80\xc3') > 0", "SIGSYS"),
    Probe("int 0x80, mount", r"return run_code(b'\xb8\x15\x00\x00\x00\xcd\x80\xc3') < 0", "SIGSYS"),
    Probe("x32, getpid", "return call(0x40000000 + 39)", "SIGSYS"),
    Probe("x32, ptrace", "return call(0x40000000 + 521, 0, 0, 0, 0)", "SIGSYS"),
    Probe("a number that does not exist", "return call(463 + 400)", "ENOSYS", "ENOSYS"),
    # What the kernel offers beside files and processes.
    *_calls(
        "EPERM",
        ("add_key", "call(248, 0, 0, 0, 0, 0)"),
        ("request_key", "call(249, 0, 0, 0, 0)"),
        ("keyctl", "call(250, 0, -3, 0)"),
        ("perf_event_open", "call(298, 0, 0, -1, -1, 0)"),
        ("memfd_secret", "call(447, 0x7fffffff)"),
        ("name_to_handle_at", "call(303, -100, b'/', b'\\0' * 16, b'\\0' * 8, 0)"),
        ("shmget", "call(29, 0, 0, 0)"),
        ("semget", "call(64, 0, -1, 0)"),
        ("msgget", "call(68, 77, 0)"),
        ("mq_open", "call(240, 0, 0, 0, 0)"),
        ("personality", "call(135, 0x0040000)"),
        ("iopl", "call(172, 9)"),
        ("ioperm", "call(173, 70000, 1, 1)"),
        ("clock_settime", "call(227, 0, 0)"),
        ("adjtimex", "call(159, 0)"),
        ("clock_adjtime", "call(305, 0, 0)"),
        ("fanotify_init", "call(300, 0x7fffffff, 0)"),
        ("uselib", "call(134, 0)"),
    ),
    *_calls(
        "EPERM",
        ("bpf", "call(321, -1, 0, 0)"),
        ("userfaultfd", "call(323, 0x7fffffff)"),
        ("open_by_handle_at", "call(304, -1, 0, 0)"),
        ("settimeofday", "call(164, 0, 0)"),
        ("sethostname", "call(170, b'x', -1)"),
        ("setdomainname", "call(171, b'x', -1)"),
        ("syslog", "call(103, 10, 0, 0)"),
        ("reboot", "call(169, 0, 0, 0, 0)"),
        ("swapon", "call(167, 0, 0x7fffffff)"),
        ("swapoff", "call(168, 0)"),
        ("acct", "call(163, b'/no/such/file')"),
        ("quotactl", "call(179, 0x7fffffff, 0, 0, 0)"),
        ("init_module", "call(175, 0, 0, 0)"),
        ("finit_module", "call(313, -1, 0, 0x7fffffff)"),
        ("delete_module", "call(176, 0, 0)"),
        ("kexec_load", "call(246, 0, 0, 0, 0xffff)"),
        ("kexec_file_load", "call(320, -1, -1, 0, 0, 0x7fffffff)"),
        privileged=True,
    ),
    *_calls(
        "ENOSYS",
        ("io_uring_setup", "call(425, 0, 0)"),
        ("io_uring_enter", "call(426, -1, 0, 0, 0, 0)"),
        ("io_uring_register", "call(427, -1, 0, 0, 0)"),
    ),
    # A thread needs these; a filter that refused them would break every program.
    Probe("getpid", "return call(39) == os.getpid()", True, True),
    Probe(
        "a thread",
        "import threading\nseen = []\nthread = threading.Thread(target=lambda: seen.append(1))\n"
        "thread.start()\nthread.join()\nreturn seen",
        [1],
        [1],
    ),
)
