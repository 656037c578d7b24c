"""Who gets the processors: notebooks before jobs, jobs before what only waits, whatever a tenant does about it."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest
from alphintra_kernel.levels import FULL, NO_CGROUP, NONE
from alphintra_kernel.priority import BACKGROUND, IDLE, NORMAL, can_raise
from alphintra_kernel.sandbox import Sandbox, SandboxError

from alphintra_kernel import cgroup

# On one processor, in a session of its own, for a second from the moment that it is told, when all are there; then it
# says how much it got.
HOG = """
import json, os, sys, time
told, said = int(sys.argv[1]), int(sys.argv[2])
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
if os.fork():
    os.wait()
    raise SystemExit
os.setsid()
os.write(said, b"here\\n")
begin = float(os.read(told, 100))
while time.monotonic() < begin:
    time.sleep(0.01)
before = time.process_time()
while time.monotonic() < begin + 1.0:
    pass
os.write(said, json.dumps(time.process_time() - before).encode())
"""


# Shares by control group, and by nice value with namespaces and without.
@pytest.fixture(params=[FULL, NO_CGROUP, NONE])
def level(request: pytest.FixtureRequest) -> Sandbox:
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("processes cannot be bound to a processor here")
    try:
        made = Sandbox(request.param, allow_unsandboxed=True)
        made.spawn([sys.executable, "-c", ""]).wait(30)
    except SandboxError as error:
        pytest.skip(f"level {request.param} cannot be had here: {error}")
    return made


def test_a_notebook_is_not_starved_by_jobs(level):
    """A job's processes may leave their session: its share stays what it is."""
    running = []
    for priority in (NORMAL, BACKGROUND, BACKGROUND):
        told, tell = os.pipe()
        hear, said = os.pipe()
        argv = [sys.executable, "-I", "-c", HOG, str(told), str(said)]
        process = level.spawn(argv, fds=[told, said], priority=priority)
        running.append((os.fdopen(tell, "wb"), os.fdopen(hear, "rb"), process))
        os.close(told)
        os.close(said)
    assert [hear.readline() for _, hear, _ in running] == [b"here\n"] * 3
    begin = time.monotonic() + 0.5
    for tell, _, _ in running:
        with tell:
            tell.write(str(begin).encode())
    got = []
    for _, hear, process in running:
        with hear:
            got.append(json.loads(hear.read()))
        assert process.wait(120) == 0
    notebook, *jobs = got
    # Nine to one by their weights; nobody gets nothing.
    assert notebook > 2 * max(jobs)
    assert min(jobs) > 0


def seen(process) -> tuple[str, ...]:
    """The share of a sandbox as the operating system has it."""
    group = process._started.group
    if group is not None and group.has_shares:
        name = "cpu.weight" if group.version == 2 else "cpu.shares"
        folder = group._folders["memory" if group.version == 2 else "cpu"]
        return ((folder / name).read_text().strip(),)
    pid = process._started.first_pid
    return (str(os.getpriority(os.PRIO_PROCESS, pid)),)


def test_a_share_can_be_changed_while_it_runs(level):
    process = level.spawn([sys.executable, "-c", "import time; time.sleep(60)"], priority=IDLE)
    try:
        before = seen(process)
        process.prefer(BACKGROUND)
        after = seen(process)
    finally:
        process.kill()
    grouped = process._started.group is not None and process._started.group.has_shares
    own = os.getpriority(os.PRIO_PROCESS, 0)
    if not grouped:
        lowest = IDLE.nice if can_raise() else BACKGROUND.nice
        assert (before, after) == ((str(min(19, own + lowest)),), (str(min(19, own + BACKGROUND.nice)),))
    elif process._started.group.version == 2:
        assert (before, after) == (("2",), ("11",))
    else:
        assert (before, after) == (("20",), ("112",))
    assert level.can_raise == (grouped or can_raise())


def test_groups_have_shares_where_the_machine_has_them():
    if not Path("/sys/fs/cgroup/cpu/cpu.shares").exists() or os.geteuid() != 0 or cgroup.tree() is None:
        pytest.skip("no shares of the processors that this user may give")
    assert cgroup.shares_processors()
