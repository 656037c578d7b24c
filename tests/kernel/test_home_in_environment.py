"""A home folder that lies in the Python environment, which every sandbox sees: covered, or nothing is started."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import pytest
from alphintra_kernel.isolation import kernel_level
from alphintra_kernel.sandbox import Sandbox, SandboxError

from alphintra_kernel import levels, profile

pytestmark = pytest.mark.skipif(kernel_level() not in levels.OWN_FILES, reason="no sandbox here")

LOOK = """
import errno, json, os, sys
def attempt(action):
    try:
        return action()
    except OSError as error:
        return errno.errorcode[error.errno]
key = sys.argv[2] + "/key"
found = [attempt(lambda: open(key).read()), attempt(lambda: open(key, "x").close()), os.path.exists(sys.executable)]
os.write(int(sys.argv[1]), json.dumps(found).encode())
"""


@pytest.fixture
def home():
    with tempfile.TemporaryDirectory(prefix="alphintra-home-", dir=sys.prefix) as name:
        Path(name, "key").write_text("secret")
        Path(name).chmod(0o755)
        yield Path(name)


def look(home: Path) -> list[object]:
    """What a sandbox reads of the home's key, whether it can write one, and whether Python is there."""
    read, write = os.pipe()
    argv = [sys.executable, "-I", "-c", LOOK, str(write), str(home)]
    try:
        process = Sandbox(kernel_level()).spawn(argv, fds=[write])
    finally:
        os.close(write)
    with os.fdopen(read, "rb") as said:
        heard = said.read()
    assert process.wait(120) == 0, process.stderr_tail()
    return json.loads(heard)


def test_it_is_covered(home, monkeypatch):
    assert look(home)[::2] == ["secret", True]  # the control: a folder of the environment as any other
    monkeypatch.setenv("HOME", str(home))
    assert look(home) == ["ENOENT", "EROFS", True]


def test_one_that_is_the_environment_is_refused(monkeypatch):
    monkeypatch.setenv("HOME", sys.prefix)
    with pytest.raises(SandboxError, match="install Alphintra into an environment of its own, or set HOME"):
        look(Path(sys.prefix))


def test_where_nothing_can_be_covered_it_is_refused(home, monkeypatch):
    assert profile.refusal(own_files=False) is None
    monkeypatch.setenv("HOME", str(home))
    assert (profile.refusal(own_files=True), str(home) in (profile.refusal(own_files=False) or "")) == (None, True)
