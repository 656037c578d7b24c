"""Running Python inside and outside the sandbox, and hearing what it found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from alphintra_kernel.levels import probe_report
from alphintra_kernel.limits import Limits
from alphintra_kernel.sandbox import Sandbox
from alphintra_kernel.supervise import SandboxProcess

PRELUDE = """
import errno, json, os, sys
def say(value):
    os.write({fd}, json.dumps(value).encode() + b"\\n")
def attempt(action):
    'The name of the error, or what the action returned.'
    try:
        return action()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
"""


@pytest.fixture(autouse=True)
def _trial_log_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path_factory.getbasetemp() / "alphintra-data"))


@dataclass
class Said:
    """What a tenant said and how it ended."""

    values: list[Any]
    code: int
    process: SandboxProcess | None = None

    @property
    def value(self) -> Any:
        """The only thing it said."""
        assert len(self.values) == 1, self.process.stderr_tail() if self.process else self.values
        return self.values[0]


def _lines(read: int) -> list[Any]:
    with os.fdopen(read, "rb") as stream:
        return [json.loads(line) for line in stream]


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    if probe_report().level == "none":
        pytest.skip(f"no sandbox here: {probe_report().reason}")
    return Sandbox()


def run_in(sandbox: Sandbox, code: str, **kwargs: Any) -> Said:
    read, write = os.pipe()
    kwargs.setdefault("limits", Limits(wall_seconds=180))
    fds = (write, *kwargs.pop("fds", ()))
    try:
        source = PRELUDE.format(fd=write) + code
        process = sandbox.spawn([sys.executable, "-I", "-c", source], fds=fds, **kwargs)
    finally:
        os.close(write)
    values = _lines(read)
    return Said(values, process.wait(120), process)


def while_silent(run: Callable[[float], Said], *, seconds: tuple[float, ...] = (1, 5, 30)) -> tuple[Said, float]:
    """Run what the clock ends: with more time where it ended before anything was said. With it its seconds."""
    for most in seconds:
        said = run(most)
        if said.values:
            break
    return said, most


@pytest.fixture
def inside(sandbox: Sandbox) -> Callable[..., Said]:
    """Run Python in the sandbox."""
    return lambda code, **kwargs: run_in(sandbox, code, **kwargs)


@pytest.fixture
def outside() -> Callable[..., Said]:
    """Run the same Python as the test's own user: the positive control."""

    def run(code: str) -> Said:
        read, write = os.pipe()
        source = PRELUDE.format(fd=write) + code
        with subprocess.Popen([sys.executable, "-c", source], pass_fds=[write]) as process:
            os.close(write)
            values = _lines(read)
        return Said(values, process.returncode)

    return run
