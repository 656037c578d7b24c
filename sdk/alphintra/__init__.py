"""Alphintra: what a trader imports.

``import alphintra as al`` is light: the engine, pandas and TA-Lib are loaded when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from . import data, overfitting, recipes, ta, widgets
    from ._crossings import crossed_above, crossed_below
    from .backtesting import backtest
    from .checking import Check, check
    from .comparing import Comparison, compare
    from .costs import Commission, Slippage
    from .data.instrument import Instrument
    from .errors import AlphintraError
    from .job import Job
    from .params import Param
    from .repeating import find_result
    from .replaying import post_mortem, replay
    from .resampling import MonteCarlo, monte_carlo
    from .result import Result
    from .signals import Signals
    from .strategy import Strategy
    from .submitting import jobs, submit
    from .sweeping import Sweep, sweep
    from .testing import CheckRun, test
    from .verifying import Verification, verify
    from .walking import WalkForward, walk_forward

_WHERE = {
    "AlphintraError": "errors",
    "Check": "checking",
    "CheckRun": "testing",
    "Commission": "costs",
    "Comparison": "comparing",
    "Instrument": "data.instrument",
    "Job": "job",
    "MonteCarlo": "resampling",
    "Param": "params",
    "Result": "result",
    "Signals": "signals",
    "Slippage": "costs",
    "Strategy": "strategy",
    "Sweep": "sweeping",
    "Verification": "verifying",
    "WalkForward": "walking",
    "backtest": "backtesting",
    "check": "checking",
    "compare": "comparing",
    "crossed_above": "_crossings",
    "crossed_below": "_crossings",
    "data": None,
    "find_result": "repeating",
    "jobs": "submitting",
    "monte_carlo": "resampling",
    "overfitting": None,
    "post_mortem": "replaying",
    "recipes": None,
    "replay": "replaying",
    "submit": "submitting",
    "sweep": "sweeping",
    "ta": None,
    "test": "testing",
    "verify": "verifying",
    "walk_forward": "walking",
    "widgets": None,
}

__all__ = [
    "AlphintraError",
    "Check",
    "CheckRun",
    "Commission",
    "Comparison",
    "Instrument",
    "Job",
    "MonteCarlo",
    "Param",
    "Result",
    "Signals",
    "Slippage",
    "Strategy",
    "Sweep",
    "Verification",
    "WalkForward",
    "__version__",
    "backtest",
    "check",
    "compare",
    "crossed_above",
    "crossed_below",
    "data",
    "find_result",
    "jobs",
    "monte_carlo",
    "overfitting",
    "post_mortem",
    "recipes",
    "replay",
    "submit",
    "sweep",
    "ta",
    "test",
    "verify",
    "walk_forward",
    "widgets",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'alphintra' has no attribute {name!r}")
    module = _WHERE[name]
    value = importlib.import_module(f".{module or name}", __name__)
    if module is not None:
        value = getattr(value, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
