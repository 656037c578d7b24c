"""What a process loads for its first run, part by part: a job that comes meanwhile waits for one of them only."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import importlib
import io
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alphintra.rules import compile_cache

from alphintra_kernel import check_job

#: Libraries and modules that a first run, its study and its report load, the slowest in steps of their own.
MODULES = (
    *("pandas", "pyarrow.parquet", "alphintra._talib", "alphintra_backtest.study_html"),
    *("alphintra.sweeping", "alphintra.walking", "alphintra.resampling", "alphintra_backtest.checks.run"),
    *("alphintra.ingest.reading", "alphintra.store.writing", "alphintra.rules.running"),
)
_DATA = "us-equities-daily/AAPL"
_YEAR = {"start": "2012-01-03", "end": "2012-12-31"}


def warm_up() -> Iterator[None]:
    """Load what a job needs.

    What cannot be loaded is left to the job that needs it, and that then says why. Nothing stays but modules and
    compiled functions: no file, no trial, no open data.
    """
    for name in MODULES:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
        yield
    yield from _runs()
    if _is_compiled():
        with contextlib.suppress(Exception):
            importlib.import_module("alphintra_backtest.compiled")
        yield
        with _compiled_from_the_first_bar():
            yield from _runs()
    if compile_cache.is_compiled():
        with contextlib.suppress(Exception):
            importlib.import_module("alphintra.rules.compiled")
        yield
    gc.collect()
    gc.freeze()  # what is loaded stays: whoever collects garbage later need not walk all of it
    yield


def _runs() -> Iterator[None]:
    for form in _strategies():
        with contextlib.suppress(Exception):
            _run(form)
        yield


def _strategies() -> tuple[type[Any], ...]:
    """One that decides bar by bar, and one of signals."""
    import alphintra as al

    class WarmUp(al.Strategy):
        def on_start(self) -> None:
            self.average = self.indicator(al.ta.SMA, self.data.close, 10)

        def on_bar(self) -> None:
            if self.bar_index == 20:
                self.buy(quantity=1, stop_loss_percent=0.5, take_profit_percent=0.5)
            elif self.bar_index == 30:
                self.order_target_percent(0.5)
            elif self.bar_index == 40:
                self.close()

    class WarmUpSignals(al.Strategy):
        def signals(self, data: Any) -> Any:
            fast, slow = al.ta.SMA(data.close, 5), al.ta.SMA(data.close, 20)
            return al.Signals(al.crossed_above(fast, slow), al.crossed_below(fast, slow), size=0.5)

    return WarmUp, WarmUpSignals


def _run(strategy: type[Any]) -> None:
    """Run it as a job does, files and all, in a folder that is removed."""
    from alphintra_backtest import methods

    from alphintra_kernel import outputs
    from alphintra_kernel.earlier_trials import trial_log

    folder = Path(tempfile.mkdtemp(prefix="first-run-"))
    try:
        with contextlib.redirect_stdout(io.StringIO()), trial_log(folder, {"data": {"name": _DATA}}) as trials:
            asked = methods.Asked(strategy, _DATA, options=_YEAR, check=check_job.CHECK_POINTS)
            outputs.write(methods.run(asked, lambda *_: None), trials.made(), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_compiled() -> bool:
    """Whether the engine's compiled code is at hand: a process that only waits must not compile it."""
    import alphintra_backtest
    from alphintra_backtest.compile_cache import cache_dir

    # As Numba names a cache's folder: by that of the source.
    source = Path(alphintra_backtest.__file__).absolute().parent
    name = f"{source.name}_{hashlib.sha1(str(source).encode(), usedforsecurity=False).hexdigest()}"
    folder = cache_dir() / name
    return folder.is_dir() and any(folder.glob("*.nbi"))


@contextlib.contextmanager
def _compiled_from_the_first_bar() -> Iterator[None]:
    """Within it, short runs are compiled like long ones."""
    from alphintra_backtest import books

    engine: Any = books
    before = engine.PLAIN_BELOW
    engine.PLAIN_BELOW = 0
    try:
        yield
    finally:
        engine.PLAIN_BELOW = before
