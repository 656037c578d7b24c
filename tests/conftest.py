"""The order of the files, which the tests' workers take one by one; and what a test may not leave behind.

Workers begin with thousands of tests and modules, of which nothing goes before the end: Python's search for cycles
would go through them again and again, and take a tenth of all tests' processor time. So it looks not as often.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
#: A minute and more each: taken last, one of them would keep a single worker busy while the others have ended.
LONG = (
    "server/test_kill.py",
    "packaging/test_distribution.py",
    "sandbox/test_as_ordinary_user.py",
    "kernel/test_ordinary_user.py",
    "sandbox/test_refusals.py",
    "server/test_supervisors.py",
    "server/test_sealed_jobs.py",
)
#: Folders whose tests wait for other processes for much of their time; those of the others compute.
WAITING = frozenset({"kernel", "packaging", "sandbox", "server"})


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no cycles while everything is imported, and from then on less often.

    What is there by then is not frozen: the engine would leave that to us, and not do it itself as it does elsewhere.
    """
    gc.disable()
    try:
        found = yield
    finally:
        gc.collect()
        gc.set_threshold(10_000, 10, 10)
        gc.enable()
    return found


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Have each worker begin at another place of each folder: each file's assertions are rewritten by one of them."""
    report = yield
    about = getattr(collector.config, "workerinput", None)
    if about is not None and isinstance(collector, pytest.Directory) and collector.path.is_relative_to(HERE):
        first = len(report.result) * int(about["workerid"].removeprefix("gw")) // about["workercount"]
        report.result = report.result[first:] + report.result[:first]
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, then let those that wait and those that compute take turns."""
    files = sorted(file for file in {item.path for item in items} if file.is_relative_to(HERE))
    place: dict[Path, float] = {}
    for waits in (False, True):
        some = [file for file in files if (file.relative_to(HERE).parts[0] in WAITING) is waits]
        place |= {file: (number + 0.5) / len(some) for number, file in enumerate(some)}
    place |= {HERE / name: -1.0 + number / len(LONG) for number, name in enumerate(LONG)}
    # Each worker found the files in another order: no two may have the same place.
    items.sort(key=lambda item: (place.get(item.path, 0.0), item.path))


@pytest.fixture(autouse=True)
def _same_folder() -> Iterator[None]:
    """A test that leaves the process in another folder fails itself, not whichever comes after it."""
    before = Path.cwd()
    yield
    left = Path.cwd()
    os.chdir(before)
    assert left == before, f"the test left the process in {left}"
