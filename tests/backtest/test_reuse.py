"""What runs share, and what they leave behind: grids of one market, sessions, bundles of arrays."""

from __future__ import annotations

import copy
import gc
import os
import subprocess
import sys
import threading
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra_backtest import compile_cache, core, grid, runner
from alphintra_backtest.core_sizing import on_tick

DAYS = pd.bdate_range("2024-01-02", periods=5)


def frame(scale: float = 1.0) -> Any:
    price = np.array([10.0, 11.0, 12.0, 13.0, 14.0]) * scale
    return pd.DataFrame({"open": price, "high": price + 1, "low": price - 1, "close": price}, index=DAYS)


class Once(al.Strategy):
    """Buys 3 at the second open."""

    def on_bar(self) -> None:
        if self.bar_index == 0:
            self.buy(quantity=3)


def test_a_run_leaves_nothing_for_the_garbage_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its views and books are large: they go with the last reference to the result."""
    made: list[Any] = []
    before = runner._simulate

    def noting(*given: Any, **more: Any) -> Any:
        out = before(*given, **more)
        made.append(weakref.ref(out[0]))
        return out

    monkeypatch.setattr(runner, "_simulate", noting)
    gc.collect()
    gc.disable()
    try:
        result = al.backtest(Once, frame())
        assert len(result.trades) == 1
        del result
        assert [ref() for ref in made] == [None]
    finally:
        gc.enable()


def test_runs_in_several_threads_leave_the_collector_as_it_was() -> None:
    """The last of them lets go of what the first one has set aside, whichever ends first."""
    assert gc.get_freeze_count() == 0
    inside, ended = threading.Barrier(3), threading.Event()
    seen: list[bool] = []

    def run(is_first: bool) -> None:
        with runner.young_garbage_only(), runner.young_garbage_only():
            inside.wait(60)
            if not is_first:
                ended.wait(60)
        seen.append(gc.get_freeze_count() > 0)
        ended.set()

    threads = [threading.Thread(target=run, args=(own,)) for own in (True, False)]
    for thread in threads:
        thread.start()
    inside.wait(60)
    for thread in threads:
        thread.join(60)
    assert (seen, gc.get_freeze_count()) == ([True, False], 0)
    with pytest.raises(KeyboardInterrupt), runner.young_garbage_only():
        raise KeyboardInterrupt
    assert gc.get_freeze_count() == 0


@pytest.mark.parametrize("is_later", [False, True], ids=["before", "after its first run"])
def test_what_a_program_has_set_aside_itself_stays_so(is_later: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner._Running, "others", False)
    if is_later:
        al.backtest(Once, frame())
    assert gc.get_freeze_count() == 0
    gc.freeze()
    try:
        al.backtest(Once, frame())
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_bars_cannot_be_changed_under_a_grid() -> None:
    market = al.data.resolve({"A": frame(), "B": frame(2)})
    with pytest.raises(ValueError, match="read-only"):
        market.bars["A"].open[:] *= 2


def test_another_instrument_is_another_grid() -> None:
    market = al.data.resolve({"A": frame(), "B": frame(2)})

    class Two(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 0:
                self.buy(quantity=3, symbol="A")

    assert al.backtest(Two, market).fills["quantity"].tolist() == [3.0]
    coarse = al.backtest(Two, market, instruments={"A": al.Instrument(lot=2)})
    assert coarse.fills["quantity"].tolist() == [2.0]
    assert al.backtest(Two, market).fills["quantity"].tolist() == [3.0]
    replaced = replace(market, bars=dict(market.bars) | {"A": al.data.resolve({"A": frame(3)}).bars["A"]})
    assert al.backtest(Two, replaced).fills["price"].tolist() == [33.0]


def test_few_grids_of_one_market_are_kept() -> None:
    market = al.data.resolve({"A": frame(), "B": frame(2)})
    grids = [weakref.ref(grid.grid_of(market, share / 100, False)) for share in range(1, 11)]
    gc.collect()
    assert sum(ref() is not None for ref in grids) == grid.MOST_GRIDS
    assert grid.grid_of(market, 0.10, False) is grids[-1]()


@pytest.mark.parametrize("tick", [0.03, 0.07, 0.15, 0.0003, 0.01, 0.25, 1e-8, 1 / 32, 5.0])
def test_a_price_on_the_tick_stays_as_it_is(tick: float) -> None:
    """The float nearest to a whole number of ticks: 3 × 0.03 is 0.09, not 0.09 less a bit."""
    from decimal import Decimal

    step = Decimal(repr(tick))
    for n in (1, 3, 7, 29, 101, 333, 12_345):
        price = float(n * step)
        assert on_tick(price, tick, True) == on_tick(price, tick, False) == price  # type: ignore[no-untyped-call]


def test_a_copied_bundle_points_at_the_copied_arrays() -> None:
    from alphintra_backtest.bundle import Bundle

    arrays = (np.arange(3.0), np.zeros((2, 2), dtype=np.int64))
    bundle = Bundle(arrays)
    copied, kept = copy.deepcopy((bundle, arrays))
    assert copied.type == bundle.type
    assert copied._table[0] == kept[0].ctypes.data != arrays[0].ctypes.data
    assert copied.address == copied._table.ctypes.data


def test_a_bundle_takes_no_array_with_gaps() -> None:
    from alphintra_backtest.bundle import Bundle

    with pytest.raises(ValueError, match="C's order"):
        Bundle((np.arange(6.0)[::2],))


def test_every_source_of_the_compiled_core_names_its_cache() -> None:
    """A source that were missing would leave old machine code in force after an upgrade."""
    folder = Path(core.__file__).parent
    own = {path.stem for path in folder.glob("core*.py")} | {"codes", "compiled", "bundle"}
    assert own == set(compile_cache._SOURCES)
    assert {Path(f.__code__.co_filename).stem for f in core.KERNELS} <= own


def test_a_changed_source_is_another_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    before = compile_cache.version()
    assert compile_cache.version() == before
    monkeypatch.setattr(compile_cache, "_SOURCES", compile_cache._SOURCES[:-1])
    assert compile_cache.version() != before


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that even root cannot write to")
def test_a_home_that_cannot_be_written_to_is_no_error() -> None:
    """The functions are then compiled for the process alone; the crossing rises above 2 at its fourth value."""
    code = """
import numpy as np
from alphintra_backtest import compiled
out = np.empty(5, dtype=bool)
compiled.crossings(np.arange(5.0), np.full(5, 2.0), out, out.copy())
print(out.tolist(), compiled.crossings.stats.cache_path)
"""
    env = os.environ | {"ALPHINTRA_CACHE_DIR": "/proc/nowhere", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[False, False, False, True, False] None\n", "")
