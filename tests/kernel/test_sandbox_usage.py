"""What a sandbox used is told rightly at every level, while it runs and after its end."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest
from alphintra_kernel.levels import LEVELS
from alphintra_kernel.limits import MIB, Limits
from alphintra_kernel.profile import Mount
from alphintra_kernel.sandbox import Sandbox

from alphintra_kernel import cgroup, landlock

from .conftest import PRELUDE, run_in

CHILDREN = """
import subprocess
burn = "import time\\nwhile time.process_time() < 0.3: pass"
fill = "x = bytearray(100 << 20); x[::4096] = b'x' * len(x[::4096]); import time; time.sleep(0.3)"
keep = f"open({out!r} + '/a', 'wb').write(b'x' * (5 << 20))"
for code in (burn, burn, fill, keep):
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)
say(True)
"""


@pytest.fixture(params=[*LEVELS, "none, watched"])
def any_level(request, sandbox):
    level = request.param.partition(",")[0]
    if level == "full" and cgroup.tree() is None:
        pytest.skip(f"level full cannot be had here: {cgroup.why_none()}")
    if level == "landlock" and landlock.abi() < landlock.LOWEST_ABI:
        pytest.skip(f"level landlock cannot be had here: {landlock.why_not()}")
    return Sandbox(level, allow_unsandboxed=True, cgroups=request.param == level)


def test_what_children_used_that_have_ended_is_counted(any_level, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    inner = str(out) if any_level.host_paths else "/job/out"
    mounts = [Mount(out, "/job/out", writable=True)]
    said = run_in(any_level, f"out = {inner!r}\n" + CHILDREN, mounts=mounts)
    assert said.values == [True], said.process.stderr_tail()
    used = said.process.usage
    assert (0.6 if cgroup.tree() and any_level.level != "no-cgroup" else 0.4) <= used.cpu_seconds < 4
    assert 5 * MIB <= used.bytes_written < 6 * MIB
    assert 100 * MIB < used.peak_memory < 200 * MIB


def test_what_it_uses_is_told_while_it_runs(any_level):
    process = any_level.spawn([sys.executable, "-c", "while True: pass"], limits=Limits(wall_seconds=180))
    seen = 0.0
    while seen < 0.3:
        assert process.poll() is None
        time.sleep(0.05)
        seen = process.usage.cpu_seconds
    process.kill()
    assert process.wait(120) == 137
    assert process.usage.cpu_seconds >= seen


def test_an_interrupt_reaches_the_main_process_alone(any_level):
    code = """
import signal, subprocess, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job has it ignored
child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(0.5)"])
try:
    say("ready")
    time.sleep(20)
except KeyboardInterrupt:
    say(["interrupted", child.wait()])
"""
    read, write = os.pipe()
    process = any_level.spawn([sys.executable, "-I", "-c", PRELUDE.format(fd=write) + code], fds=[write])
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        assert stream.readline() == b'"ready"\n'
        process.signal(signal.SIGINT)
        assert stream.readline() == b'["interrupted", 0]\n'
    assert (process.wait(120), process.outcome) == (0, "exited")
    process.signal(signal.SIGINT)  # after the end: nothing


def test_what_reads_much_does_not_seem_to_need_it(inside, tmp_path):
    """Files that the operating system keeps at hand are not the tenant's memory."""
    big = tmp_path / "big"
    big.write_bytes(os.urandom(1 << 20) * 150)
    fd = os.open(big, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)
    code = "f = open('/job/big', 'rb')\nwhile f.read(1 << 20): pass\nimport time; time.sleep(0.6)\nsay(f.tell())"
    said = inside(code, mounts=[Mount(big, "/job/big")])
    assert said.value == 150 << 20
    assert said.process.usage.peak_memory < 100 * MIB
