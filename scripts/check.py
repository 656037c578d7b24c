"""All checks of ``make test``: lint, types, import rules, TypeScript, notebooks, browser, then every Python test.

All are run even if one fails; the test runner's summary comes last.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
COVERAGE = 90


def stages() -> list[tuple[str, list[str], Path]]:
    """Name, command and folder of each check before the tests."""
    return [
        ("lint", [str(BIN / "ruff"), "check", "--quiet", "."], ROOT),
        ("types", [str(BIN / "mypy")], ROOT),
        ("import rules", [str(BIN / "lint-imports"), "--no-cache"], ROOT),
        ("TypeScript", [str(BIN / "jlpm"), "test"], ROOT / "labextension"),
        ("notebooks", notebooks(), ROOT),
        ("browser", browser(), ROOT),
    ]


def notebooks() -> list[str]:
    """Templates and tutorials as notebooks; without coverage, which nbval would start inside each kernel."""
    return [
        str(BIN / "python"), "-m", "pytest", "-q", "--tb=short", "-rfE",
        "-n", os.environ.get("JOBS", "2"), "--dist", "loadfile",
        "-p", "no:pytest_cov", "--nbval-lax", "--nbval-cell-timeout", "120", "templates", "docs/tutorials",
    ]  # fmt: skip


def browser() -> list[str]:
    """The browser tests, on two cores: each worker has a Lab and a Chromium, and takes over what another has left."""
    return [
        str(BIN / "python"), "-m", "pytest", "-q", "--tb=short", "-rfE", "-n", "2", "--dist", "worksteal",
        "-p", "no:pytest_cov", "ui-tests",
    ]  # fmt: skip


def tests() -> list[str]:
    """Everything else, in parallel, with coverage."""
    return [
        str(BIN / "python"), "-m", "pytest", "-q", "-n", os.environ.get("JOBS", "2"), "--dist", "loadfile",
        # In the order of the files: by their number of tests, those of few and long ones would come last, one by one.
        "--no-loadscope-reorder", "tests",
        "--cov", "--cov-report", "term:skip-covered", f"--cov-fail-under={COVERAGE}",
    ]  # fmt: skip


def excerpt(text: str, kept: int = 30_000) -> str:
    """What a check said; of more than ``kept`` characters the beginning and the end, where the failures are named."""
    if len(text) <= kept:
        return text
    begin, end = text[: kept // 2], text[-(kept // 2) :]
    return f"{begin}\n… {len(text) - kept:,} characters are left out …\n{end}"


def main() -> int:
    """Run everything; the number of failed checks."""
    environment = os.environ | {"JUPYTER_PATH": str(Path(sys.prefix) / "share" / "jupyter")}
    environment["PATH"] = f"{BIN}:{environment.get('PATH', '')}"
    failed = []
    for name, argv, folder in stages():
        began = time.monotonic()
        done = subprocess.run(argv, cwd=folder, env=environment, check=False, capture_output=True, text=True)
        print(f"{'ok    ' if done.returncode == 0 else 'FAILED'} {name} ({time.monotonic() - began:.0f} s)", flush=True)
        if done.stdout and argv[1:3] == ["-m", "pytest"]:
            print(f"       {done.stdout.strip().splitlines()[-1]}", flush=True)
        if done.returncode:
            failed.append(name)
            print(excerpt(done.stdout), excerpt(done.stderr), sep="\n", flush=True)
    status = subprocess.run(tests(), cwd=ROOT, env=environment, check=False).returncode
    if failed:
        print(f"failed before the tests: {', '.join(failed)}", file=sys.stderr)
    return status or len(failed)


if __name__ == "__main__":
    raise SystemExit(main())
