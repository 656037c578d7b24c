"""All checks of ``make test``: lint, types, import rules, TypeScript, notebooks, browser, then every Python test.

All are run even if one fails; the test runner's summary comes last. Those before the browser's run side by side: most
have one process, and the notebooks wait for their kernels.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
COVERAGE = 90


@dataclass(frozen=True)
class Stage:
    """A check: its name, its command and the folder that it runs in."""

    name: str
    argv: list[str]
    folder: Path = ROOT


def side_by_side() -> list[Stage]:
    """List the checks that may share the machine, the longest first."""
    return [
        Stage("notebooks", notebooks()),
        Stage("types", [str(BIN / "mypy")]),
        Stage("TypeScript", [str(BIN / "jlpm"), "test"], ROOT / "labextension"),
        Stage("import rules", [str(BIN / "lint-imports"), "--no-cache"]),
        Stage("lint", [str(BIN / "ruff"), "check", "--quiet", "."]),
    ]


def notebooks() -> list[str]:
    """Templates and tutorials as notebooks; without coverage, which nbval would start inside each kernel."""
    return [
        str(BIN / "python"), "-m", "pytest", "-q", "--tb=short", "-rfE",
        "-n", os.environ.get("JOBS", "2"), "--dist", "loadfile",
        "-p", "no:pytest_cov", "--nbval-lax", "--nbval-cell-timeout", "120", "templates", "docs/tutorials",
    ]  # fmt: skip


def browser() -> list[str]:
    """The browser tests: each worker has a Lab and a Chromium, and takes over what another has left."""
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
        "--durations", "25", "--cov", "--cov-report", "term:skip-covered", f"--cov-fail-under={COVERAGE}",
    ]  # fmt: skip


def excerpt(text: str, kept: int = 30_000) -> str:
    """What a check said; of more than ``kept`` characters the beginning and the end, where the failures are named."""
    if len(text) <= kept:
        return text
    begin, end = text[: kept // 2], text[-(kept // 2) :]
    return f"{begin}\n… {len(text) - kept:,} characters are left out …\n{end}"


def run(stage: Stage, environment: dict[str, str]) -> tuple[Stage, subprocess.CompletedProcess[str], float]:
    """Run one to its end; what it said, and its seconds."""
    began = time.monotonic()
    done = subprocess.run(stage.argv, cwd=stage.folder, env=environment, check=False, capture_output=True, text=True)
    return stage, done, time.monotonic() - began


def before_the_tests(environment: dict[str, str]) -> Iterator[str]:
    """Run the other checks and say how each ended; the names of those that failed."""
    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(run, stage, environment) for stage in side_by_side()]
        for ended in as_completed(running):
            yield from report(*ended.result())
    yield from report(*run(Stage("browser", browser()), environment))


def report(stage: Stage, done: subprocess.CompletedProcess[str], seconds: float) -> Iterator[str]:
    """Say how it ended; its name if it failed."""
    print(f"{'FAILED' if done.returncode else 'ok    '} {stage.name} ({seconds:.0f} s)", flush=True)
    if done.stdout and stage.argv[1:3] == ["-m", "pytest"]:
        print(f"       {done.stdout.strip().splitlines()[-1]}", flush=True)
    if done.returncode:
        print(excerpt(done.stdout), excerpt(done.stderr), sep="\n", flush=True)
        yield stage.name


def main() -> int:
    """Run everything; the number of failed checks."""
    environment = os.environ | {"JUPYTER_PATH": str(Path(sys.prefix) / "share" / "jupyter")}
    # Thousands of processes import the same modules; the tests' own are compiled by whoever is first.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PATH"] = f"{BIN}:{environment.get('PATH', '')}"
    failed = list(before_the_tests(environment))
    status = subprocess.run(tests(), cwd=ROOT, env=environment, check=False).returncode
    if failed:
        print(f"failed before the tests: {', '.join(failed)}", file=sys.stderr)
    return status or len(failed)


if __name__ == "__main__":
    raise SystemExit(main())
