"""Control groups: bounds for all processes together, the end of all of them, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alphintra_kernel.limits import MIB, Limits
from alphintra_kernel.sandbox import Sandbox

from alphintra_kernel import cgroup, cgroup_place

from .conftest import run_in

SLEEP = "import time; time.sleep(60)"


@pytest.fixture(autouse=True)
def _groups() -> None:
    if cgroup.tree() is None:
        pytest.skip(f"no control groups for this user: {cgroup.why_none()}")


@pytest.fixture
def marker() -> str:
    return f"test-{os.getpid()}-{time.monotonic_ns()}"


def groups(marker: str) -> list[str]:
    found = cgroup.tree()
    assert found is not None
    return [name for name in found.names() if name.startswith(marker)]


def test_a_sandbox_has_a_group_of_its_name_until_it_ends(inside, marker):
    said = inside("say(open('/proc/self/cgroup').read())", marker=marker)
    assert f"/{marker}~" in said.value
    assert groups(marker) == []


@pytest.mark.parametrize(
    "fill",
    [
        "import mmap\nm = mmap.mmap(-1, 150 << 20); [m.write(b'x' * (1 << 20)) for _ in range(150)]",
        "f = open('/tmp/big', 'wb'); [f.write(b'x' * (1 << 20)) for _ in range(150)]; f.flush()",
        "f = os.memfd_create('x'); [os.write(f, b'x' * (1 << 20)) for _ in range(150)]",
    ],
    ids=["shared", "tmp", "memfd"],
)
def test_memory_of_every_kind_is_bounded(inside, fill):
    code = f"{fill}\nsay('filled')"
    said = inside(code, limits=Limits(wall_seconds=180, memory_bytes=120 * MIB))
    assert (said.process.outcome, said.code, said.values) == ("memory", 137, [])
    assert said.process.usage.peak_memory <= 120 * MIB
    said = inside(code, limits=Limits(wall_seconds=180, memory_bytes=400 * MIB))
    assert (said.process.outcome, said.values) == ("exited", ["filled"])


def test_a_child_that_takes_too_much_ends_all_of_it(inside):
    """The operating system chooses the child; its parent must not go on without it."""
    child = "import mmap; m = mmap.mmap(-1, 150 << 20); [m.write(b'x' * (1 << 20)) for _ in range(150)]"
    code = f"import subprocess, time\nsubprocess.run([sys.executable, '-c', {child!r}])\ntime.sleep(20)\nsay('went on')"
    said = inside(code, limits=Limits(wall_seconds=180, memory_bytes=120 * MIB))
    assert (said.process.outcome, said.values) == ("memory", [])


def test_processes_are_counted_even_where_nothing_else_counts_them(marker):
    """Root's processes have no limit of their own."""
    code = """
pids = []
def fork_all():
    while True:
        pid = os.fork()
        if pid == 0:
            import time; time.sleep(30); os._exit(0)
        pids.append(pid)
say([attempt(fork_all), len(pids)])
"""
    box = Sandbox("none", allow_unsandboxed=True)
    said = run_in(box, code, limits=Limits(wall_seconds=180, processes=20), marker=marker)
    assert said.value == ["EAGAIN", 19]
    assert groups(marker) == []


def test_a_sweep_ends_what_has_the_marker_and_nothing_else(marker):
    box = Sandbox("none", allow_unsandboxed=True)
    swept = box.spawn([sys.executable, "-c", SLEEP], marker=f"{marker}-a")
    spared = box.spawn([sys.executable, "-c", SLEEP], marker=f"{marker}-b")
    assert cgroup.sweep(f"{marker}-", whole=True) == []
    assert [name.partition("~")[0] for name in cgroup.sweep(f"{marker}-a")] == [f"{marker}-a"]
    assert swept.wait(120) == 137
    assert spared.poll() is None
    assert [name.partition("~")[0] for name in groups(marker)] == [f"{marker}-b"]
    spared.kill()
    assert (spared.wait(120), groups(marker)) == (137, [])
    assert cgroup.sweep(marker) == []


def test_what_a_dead_server_left_is_found(marker):
    server = f"""
import subprocess, sys, time
from alphintra_kernel import cgroup, cgroup_place
from alphintra_kernel.limits import Limits
group = cgroup.create(Limits(), {marker!r})
left = subprocess.Popen([sys.executable, "-c", {SLEEP!r}], start_new_session=True, stdout=subprocess.DEVNULL)
group.add(left.pid)
print(left.pid, flush=True); time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", server], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        left = int(process.stdout.readline())
        names = groups(marker)
        assert len(names) == 1
        assert names[0] not in cgroup.sweep_abandoned()  # its maker lives
        handle = os.pidfd_open(left)
        process.send_signal(signal.SIGKILL)
    # A server of another test that starts just now does the same, and may be the first.
    assert names[0] in cgroup.sweep_abandoned() or groups(marker) == []
    assert groups(marker) == []
    with pytest.raises(ProcessLookupError):  # reaped, or about to be
        while time.sleep(0.01) is None:
            signal.pidfd_send_signal(handle, 0)
    os.close(handle)


def test_several_servers_may_make_groups_at_once(marker):
    code = f"""
from alphintra_kernel import cgroup, cgroup_place
from alphintra_kernel.limits import Limits
for _ in range(20):
    group = cgroup.create(Limits(), {marker!r})
    assert group.remove()
"""
    servers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    assert [server.wait(120) for server in servers] == [0] * 4
    assert groups(marker) == []


@pytest.mark.parametrize("bad", ["a/b", "a b", "..\n", "x" * 129, "a~b"])
def test_a_marker_is_a_part_of_a_name(sandbox, bad):
    with pytest.raises(ValueError, match="a marker has up to 128 letters"):
        sandbox.spawn(["true"], marker=bad)


def test_a_sweep_of_everything_is_refused():
    with pytest.raises(ValueError, match="the beginning of a marker"):
        cgroup.sweep("")


def test_a_group_that_cannot_be_entered(marker):
    group = cgroup.create(Limits(), marker)
    assert group is not None
    with pytest.raises(cgroup.CgroupError, match=f"control group {marker}"):
        group.add(2**22 - 1)
    assert group.remove()


class TestVersion2:
    """The parts of version 2 that this machine can show, whatever its controllers are bound to."""

    def layout(self, root: Path, groups: dict[str, tuple[str, str]]) -> None:
        for name, (processes, enabled) in groups.items():
            (root / name).mkdir(parents=True, exist_ok=True)
            (root / name / "cgroup.procs").write_text(processes)
            (root / name / "cgroup.subtree_control").write_text(enabled)

    def test_groups_are_made_beside_ones_own_where_controllers_are_handed_on(self, tmp_path):
        self.layout(tmp_path, {".": ("", "memory pids"), "app": ("", "cpu memory pids"), "app/shell": ("1\n2\n", "")})
        assert cgroup_place.place_for_groups(tmp_path, tmp_path / "app" / "shell") == tmp_path / "app"

    def test_an_empty_group_above_hands_them_on_when_told_to(self, tmp_path):
        self.layout(tmp_path, {".": ("", ""), "app": ("3\n", "")})
        assert cgroup_place.place_for_groups(tmp_path, tmp_path / "app") == tmp_path
        assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory +pids"

    def test_ones_own_group_that_nobody_delegated_is_left_alone(self, tmp_path):
        (tmp_path / "app").mkdir()
        (tmp_path / "app" / "cgroup.procs").write_text("3\n")
        (tmp_path / "app" / "cgroup.subtree_control").write_text("")
        assert cgroup_place.place_for_groups(tmp_path, tmp_path / "app") is None
        assert not (tmp_path / "app" / "alphintra-server").exists()

    def test_the_uppermost_group_of_a_container_steps_down(self, tmp_path):
        self.layout(tmp_path, {".": ("3\n4\n", "")})
        (tmp_path / "alphintra-server").mkdir()
        (tmp_path / "alphintra-server" / "cgroup.procs").write_text("")
        assert cgroup_place.place_for_groups(tmp_path, tmp_path) == tmp_path
        assert (tmp_path / "alphintra-server" / "cgroup.procs").read_text() == "4"  # the last of the two

    def test_one_word_ends_a_group(self, marker):
        mount = next((where for kind, where, _ in cgroup_place.mounts() if kind == "cgroup2"), None)
        if mount is None or not os.access(mount, os.W_OK):
            pytest.skip("no control groups of version 2 that this user may make")
        folder = mount / marker
        folder.mkdir()
        group = cgroup.Group(2, {"memory": folder, "pids": folder})
        try:
            if not (folder / "cgroup.kill").exists():
                pytest.skip("a kernel before 5.14: no cgroup.kill")
            code = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {SLEEP!r}])\n" + SLEEP
            process = subprocess.Popen(["/bin/sh", "-c", "read line; exec \"$@\"", "sh", sys.executable, "-c", code],
                                       stdin=subprocess.PIPE)
            group.add(process.pid)
            assert process.stdin is not None
            process.stdin.write(b"go\n")
            process.stdin.close()
            while len(group.processes()) < 2:
                time.sleep(0.01)
            group.kill()
            assert process.wait(120) == -9
            assert group.cpu_seconds() > 0
        finally:
            assert group.remove()
