"""Which form of the core a run takes: plain where it is short, compiled where it, or many like it, are long."""

from __future__ import annotations

import threading

from alphintra_backtest import books


def form(timestamps: int, symbols: int = 1) -> str:
    return books.kernels(timestamps, symbols).__name__.rpartition(".")[2]


def test_a_run_is_compiled_from_a_length_on() -> None:
    assert form(books.PLAIN_BELOW - 1) == "core"
    assert form(books.PLAIN_BELOW) == "compiled"
    assert form(2_000, 99) == "core"
    assert form(2_000, 100) == "compiled"


def test_many_short_runs_are_compiled_where_they_are_long_together() -> None:
    with books.expecting(39):
        assert form(5_000) == "core"  # 195,000 bars
    with books.expecting(40):
        assert form(5_000) == "compiled"
        other: list[str] = []
        thread = threading.Thread(target=lambda: other.append(form(5_000)))
        thread.start()
        thread.join()
        assert other == ["core"]  # another thread expects its own runs
    assert form(5_000) == "core"
