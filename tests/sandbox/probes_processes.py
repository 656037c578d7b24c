"""Other processes, the system behind /proc, and a process's own bounds."""

from __future__ import annotations

from .probe import ByStarter, Probe

_VECTOR = """
import struct
text = ctypes.create_string_buffer(b"secret", 6)
into = ctypes.create_string_buffer(6)
theirs = struct.pack("QQ", ctypes.addressof(text), 6)
ours = struct.pack("QQ", ctypes.addressof(into), 6)
"""
_CAPABILITIES = """
import struct
header, wanted = struct.pack("Ii", 0x20080522, 0), struct.pack("6I", *[0x1ff, 0x1ff, 0, 0, 0, 0])
return call(126, header, wanted)
"""

PROCESSES = (
    Probe(
        "environment of every process, the first's too",
        "texts = [attempt(read, f'/proc/{pid}/environ', 1 << 20) for pid in os.listdir('/proc') if pid.isdigit()]\n"
        "return any(given['token'] in text for text in texts)",
        False,
        True,
    ),
    Probe("its own environment", "return any(given['token'] in value for value in os.environ.values())", False, True),
    Probe("the server's process", "return attempt(os.kill, given['server'], 0)", "ESRCH", None),
    Probe("the test's process", "return attempt(os.kill, given['test'], 0)", "ESRCH", None),
    Probe(
        "the server's command line",
        "return 'jupyter' in read(f\"/proc/{given['server']}/cmdline\")",
        "ENOENT",
        True,
    ),
    Probe("the first process", "attempt(os.kill, 1, signal.SIGKILL)\nreturn os.getppid() != 1", True, True),
    Probe("ptrace", "return call(101, 0, 0, 0, 0)", "EPERM", 0),
    Probe("process_vm_readv", f"{_VECTOR}\nreturn call(310, os.getpid(), ours, 1, theirs, 1, 0)", "EPERM", 6),
    Probe("process_vm_writev", f"{_VECTOR}\nreturn call(311, os.getpid(), theirs, 1, ours, 1, 0)", "EPERM", 6),
    Probe("pidfd_getfd", "return call(438, os.pidfd_open(os.getpid()), 0, 0) > 0", "EPERM", True),
    Probe("process_madvise", "return call(440, -1, 0, 0, 0, 0)", "EPERM"),
    Probe("kcmp", "return call(312, os.getpid(), os.getpid(), 0, 0, 0)", "EPERM"),
    Probe(
        "memory of the first process",
        "return may_write(f\"/proc/{given['first']}/mem\")",
        # A user's first process is the same user's, and has the same bounds: see the next.
        ByStarter(root="EACCES", user="opened"),
        "opened",
    ),
    Probe(
        "what the first process may do that its children may not",
        "lines = dict(line.split(':\\t') for line in open(f\"/proc/{given['first']}/status\").read().splitlines())\n"
        "wanted = ('CapEff', 'NoNewPrivs', 'Seccomp')\n"
        "return [int(lines[name], 16) for name in wanted]",
        [0, 1, 2],
    ),
    *(
        Probe(f"/proc/sys/{name}", f"return may_write('/proc/sys/{name}')", "EACCES", "opened", privileged=True)
        for name in ("kernel/core_pattern", "vm/overcommit_memory")
    ),
    Probe("/proc/sysrq-trigger", "return attempt(may_write, '/proc/sysrq-trigger') == 'opened'", False,
          privileged=True),
    Probe("/proc/kcore", "return attempt(read, '/proc/kcore', 4)[1:] == 'ELF'", False, privileged=True),
    Probe("/proc/kmsg", "return os.close(os.open('/proc/kmsg', os.O_RDONLY | os.O_NONBLOCK))", "EACCES", None, True),
    Probe("/sys", "return len(os.listdir('/sys')) > 0", "ENOENT", True),
    Probe(
        "devices",
        "return sorted(set(os.listdir('/dev')) - {'null', 'zero', 'full', 'random', 'urandom', 'tty', 'ptmx', 'pts',\n"
        "              'shm', 'fd', 'stdin', 'stdout', 'stderr', 'core'})",
        [],
    ),
    Probe("its own program file", "return change(given['exe'])", "EROFS", "changed"),
    Probe(
        "the starter's program file",
        "os.chmod(given['starter'], 0o600)\nreturn 'changed'",
        ByStarter(root="EACCES", user="EPERM"),
        "changed",
    ),
    Probe("TIOCSTI", "return call(16, os.open('/dev/null', os.O_RDONLY), 0x5412, b'x')", "EPERM", "ENOTTY"),
    Probe(
        "TIOCSTI with the upper half of the number set",
        "return call(16, os.open('/dev/null', os.O_RDONLY), (1 << 32) | 0x5412, b'x')",
        "EPERM",
        "ENOTTY",
    ),
    Probe("TIOCLINUX", "return call(16, os.open('/dev/null', os.O_RDONLY), 0x541C, b'x')", "EPERM", "ENOTTY"),
    Probe("setuid", "return os.setuid(0)", ByStarter(root="EPERM", user="EINVAL"), None, privileged=True),
    Probe("setresgid", "return os.setresgid(0, 0, 0)", ByStarter(root="EPERM", user="EINVAL"), None, privileged=True),
    Probe("setgroups", "return os.setgroups([0])", "EPERM", None, privileged=True),
    Probe("capset", _CAPABILITIES, "EPERM", 0, privileged=True),
    Probe(
        "capabilities",
        "text = open('/proc/self/status').read()\n"
        "return [int(line.split()[1], 16) for line in text.splitlines() if line.startswith('Cap')]",
        [0, 0, 0, 0, 0],
        privileged=True,
    ),
    Probe(
        "more descriptors than allowed",
        "import resource\nreturn resource.setrlimit(resource.RLIMIT_NOFILE, (20_000, 20_000))",
        "ValueError",
    ),
    Probe(
        "more processes than allowed",
        "import resource\nreturn resource.setrlimit(resource.RLIMIT_NPROC, (8192, 8192))",
        "ValueError",
    ),
    Probe(
        "a core file",
        "import resource\nreturn resource.setrlimit(resource.RLIMIT_CORE, (1 << 20, 1 << 20))",
        "ValueError",
    ),
    Probe("a higher priority", "return os.setpriority(os.PRIO_PROCESS, 0, -10)", "EACCES", None, privileged=True),
    Probe(
        "a real-time schedule",
        "return os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))",
        "EPERM",
        privileged=True,
    ),
    Probe(
        "to be spared when memory ends",
        "with open('/proc/self/oom_score_adj', 'w') as file:\n    file.write('-1000')",
        "EACCES",
        privileged=True,
    ),
    Probe(
        "its control group",
        "return [line for line in open('/proc/self/mountinfo') if ' - cgroup' in line]",
        [],
    ),
)
