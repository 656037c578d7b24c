"""The order of the files, which the tests' workers take one by one; and what a test may not leave behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, then let those that wait and those that compute take turns."""
    files = [file for file in dict.fromkeys(item.path for item in items) if file.is_relative_to(HERE)]
    place: dict[Path, float] = {}
    for waits in (False, True):
        some = [file for file in files if (file.relative_to(HERE).parts[0] in WAITING) is waits]
        place |= {file: (number + 0.5) / len(some) for number, file in enumerate(some)}
    place |= {HERE / name: -1.0 + number / len(LONG) for number, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path, 0.0))


@pytest.fixture(autouse=True)
def _same_folder() -> Iterator[None]:
    """A test that leaves the process in another folder fails itself, not whichever comes after it."""
    before = os.getcwd()
    yield
    left = os.getcwd()
    os.chdir(before)
    assert left == before, f"the test left the process in {left}"
