"""A sweep that is broken off goes on where it stopped, and ends as if nothing had happened."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import alphintra as al
import pytest
from alphintra.errors import Cancelled, ParameterError

from .strategies import STARTED, Counted, Cross, Fails
from .test_equal import equal

GRID = {"fast": [3, 5, 9], "slow": [10, 20]}
six_sets = [(3, 10), (3, 20), (5, 10), (5, 20), (9, 10), (9, 20)]


def swept(frame: Any, strategy: Any = Counted, grid: Any = GRID, **options: Any) -> Any:
    STARTED.clear()
    return al.sweep(strategy, frame, grid, **{"executor": "serial", "progress": False, **options})


def interrupt_after(count: int, error: BaseException) -> Any:
    """A progress function that raises when so many variants are finished."""

    def tell(fraction: float, text: str) -> None:
        if text.startswith(f"{count} of"):
            raise error

    return tell


def test_an_interrupt_keeps_what_is_finished_and_resume_reruns_none_of_it(frame: Any, data_folder: Path) -> None:
    whole = swept(frame)
    with pytest.raises(KeyboardInterrupt) as found:
        swept(frame, progress=interrupt_after(4, KeyboardInterrupt()))
    assert list(STARTED) == six_sets[:4]
    assert found.value.__notes__ == ["4 of 6 variants are finished and kept: go on with resume=True"]
    rest = swept(frame, resume=True)
    assert list(STARTED) == six_sets[4:]
    assert rest.resumed == 4
    assert equal(whole, rest)
    assert list((data_folder / "sweeps").iterdir()) == []  # done: nothing to go on with
    assert swept(frame, resume=True).resumed == 0


def test_a_cancel_is_an_error_of_its_own(frame: Any) -> None:
    event = threading.Event()

    def tell(fraction: float, text: str) -> None:
        if fraction >= 0.5:
            event.set()

    with pytest.raises(Cancelled, match="cancelled after 3 of 6 variants") as found:
        swept(frame, progress=tell, cancel=event)
    assert "resume=True" in found.value.__notes__[0]
    assert swept(frame, resume=True).resumed == 3


def test_a_file_serves_other_grids_and_the_same_again(frame: Any, tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    first = swept(frame, resume=path)
    assert len(path.read_text().splitlines()) == 7  # the header and six; (5, 20) is the default
    wider = swept(frame, grid={"fast": [3, 5, 7, 9], "slow": [10, 20]}, resume=str(path))
    assert STARTED == [(7, 10), (7, 20)]
    assert wider.resumed == 6
    again = swept(frame, resume=path)
    assert STARTED == [] and equal(first, again)
    for changed in ({"commission": 0.001}, {"start": "2020-03-02"}, {"cash": 5_000}, {"max_share": None}, {"seed": 1}):
        assert swept(frame, resume=path, **changed).resumed == 0, changed
    assert swept(frame.assign(close=frame["close"] + 1e-6), resume=path).resumed == 0
    assert swept(frame, strategy=Cross, resume=path).resumed == 0


def test_a_line_that_was_cut_off_is_run_again(frame: Any, tmp_path: Path) -> None:
    path = tmp_path / "torn.jsonl"
    whole = swept(frame, resume=path)
    lines = path.read_bytes().splitlines(keepends=True)
    header = lines[0]
    for content, left in (
        (b"".join(lines[:3]) + lines[3][:100], 2),
        (header, 0),
        (header[:10], 0),
        (b"", 0),
        (header + b'{"key": 5}\n[1]\nnull\n\xff\xfe\n' + lines[1], 1),
        (b"".join(lines).replace(b'"metrics"', b'"metric"', 2), 4),
    ):
        path.write_bytes(content)
        again = swept(frame, resume=path)
        assert again.resumed == left
        assert equal(whole, again)
        STARTED.clear()
        assert swept(frame, resume=path).resumed == 6  # and what was added to it is whole


def test_a_file_of_something_else_is_left_alone(frame: Any, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("time,close\n2020-01-01,5\n")
    with pytest.raises(ParameterError, match="is no file of a sweep"):
        swept(frame, resume=path)
    assert path.read_text() == "time,close\n2020-01-01,5\n"
    with pytest.raises(ParameterError, match="cannot be read"):
        swept(frame, resume=tmp_path)
    assert STARTED == []


def test_nothing_in_a_file_is_executed_and_numbers_come_back_to_the_last_bit(frame: Any, tmp_path: Path) -> None:
    path = tmp_path / "plain.jsonl"
    first = swept(frame, strategy=Fails, grid={"fast": [5, 7], "slow": [20]}, resume=path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0] == {"alphintra": "sweep", "version": 1}
    assert set(lines[1]) == {"key", "params", "metrics", "returns", "first_session", "error"}
    again = swept(frame, strategy=Fails, grid={"fast": [5, 7], "slow": [20]}, resume=path)
    assert again.resumed == 2 and equal(first, again)
    assert again.variants[1].error["code"] == "STRATEGY_ERROR"


def test_a_search_goes_on_with_the_same_trials(frame: Any) -> None:
    for method in ("random", "optuna"):
        options: Any = {"method": method, "trials": 20, "seed": 4, "grid": {"fast": (2, 30)}}
        whole = swept(frame, **options)
        ran = len(STARTED)
        with pytest.raises(KeyboardInterrupt):
            swept(frame, progress=interrupt_after(11, KeyboardInterrupt()), **options)
        first = len(STARTED)
        rest = swept(frame, resume=True, **options)
        assert equal(whole, rest)
        assert first + len(STARTED) == ran
