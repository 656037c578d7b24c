"""What the compile cache cannot keep or read costs time, never a result."""

from __future__ import annotations

import errno
import fcntl
import logging
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numba
import pytest
from alphintra_backtest.compiled import Kept
from numba.core.caching import FunctionCache


def double(x):
    return x * 2


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    return tmp_path


def kept() -> Any:
    """The function as a new process has it."""
    function = numba.njit(double)
    function._cache = Kept(double)
    return function


def test_what_one_process_compiled_the_next_one_loads(folder: Path) -> None:
    assert kept()(2) == 4
    again = kept()
    assert again(2) == 4
    assert sum(again.stats.cache_hits.values()) == 1


def test_a_full_disk_is_no_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FunctionCache, "save_overload", full)
    with caplog.at_level(logging.WARNING):
        assert kept()(2) == 4
    assert "compiled code cannot be kept in" in caplog.text and "No space left" in caplog.text


def test_object_code_that_numba_lost_is_no_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from numba.core.codegen import CPUCodeLibrary

    monkeypatch.setattr(CPUCodeLibrary, "_object_compiled_hook", classmethod(lambda *_: None))
    numba.core.registry.cpu_target.target_context.codegen()._engine.set_object_cache(None, None)
    try:
        with caplog.at_level(logging.WARNING):
            assert kept()(2) == 4
    finally:
        monkeypatch.undo()
        engine = numba.core.registry.cpu_target.target_context.codegen()._engine
        engine.set_object_cache(CPUCodeLibrary._object_compiled_hook, CPUCodeLibrary._object_getbuffer_hook)
    assert "no compiled object yet" in caplog.text


@pytest.mark.parametrize("damage", [b"", b"\x80\x04nonsense"], ids=["empty", "nonsense"])
@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_file_that_was_cut_off_is_compiled_anew(folder: Path, kind: str, damage: bytes) -> None:
    kept()(2)
    for path in folder.rglob(f"*.{kind}"):
        path.write_bytes(damage)
    assert kept()(2) == 4


def test_who_writes_waits_for_whoever_writes_already(folder: Path) -> None:
    """Numba alone lets two processes take the same file name for two signatures."""
    function = kept()
    place = Path(function._cache.cache_path)
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".writing").open("w") as held, ThreadPoolExecutor(1) as pool:
        fcntl.flock(held, fcntl.LOCK_EX)
        answer = pool.submit(function, 2)
        done, _ = wait([answer], timeout=3)
        assert not done and not list(place.glob("*.nbi"))
        fcntl.flock(held, fcntl.LOCK_UN)
        assert answer.result(timeout=240) == 4
    assert len(list(place.glob("*.nbi"))) == len(list(place.glob("*.nbc"))) == 1
