"""``al.widgets``: parameters, results and datasets to choose in, for notebooks that show ``ipywidgets``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._engine import engine

if TYPE_CHECKING:
    from .result import Result
    from .strategy import Strategy


def parameters(strategy: type[Strategy], data: Any, **options: Any) -> Any:
    """Show a strategy's parameters as sliders and fields, and run its backtest again whenever one is changed.

    A parameter with ``low`` and ``high`` is a slider, one with ``choices`` a list. An error of the strategy is shown in
    the place of the result, and so is that a run is under way. Changes that come while one is wait for its end, and
    only the last of them is run. Each run is counted as a trial, as any other backtest is.

    Args:
        strategy: The class (not an instance).
        data: As for :func:`alphintra.backtest`.
        options: All other arguments of :func:`alphintra.backtest`; ``params`` are the values to begin with.

    Returns:
        The view: ``values`` are the parameters as they are set, ``set(fast=18)`` sets some, ``result`` is the last run
        that came to its end, ``error`` what the last one raised.

    Raises:
        AlphintraError: As :func:`alphintra.backtest` does; what the strategy itself raised is shown in the view.
    """
    return engine("widgets").Parameters(strategy, data, **options)


def results(results: Result | Sequence[Result] | Mapping[str, Result]) -> Any:
    """Show a list of results: the chosen one whole, several chosen ones as :func:`alphintra.compare` does.

    Args:
        results: What :func:`alphintra.backtest` returned, one or more, or a mapping of names to them.

    Returns:
        The view: ``chosen`` are the results that are chosen.

    Raises:
        ParameterError: There is none, or something else among them.
    """
    return engine("widgets").Results(results)


def datasets(data: Mapping[str, Any] | None = None) -> Any:
    """Show the datasets that ship with Alphintra, and the trader's own, to choose from; the chosen one with its chart.

    Args:
        data: Names and data of the trader's own, anything that :func:`alphintra.backtest` takes.

    Returns:
        The view: ``chosen`` is the dataset (``alphintra.data.Dataset``), ``name`` its name.

    Raises:
        ParameterError: ``data`` is no mapping. Data that cannot be used says so when it is chosen.
    """
    return engine("widgets").Datasets(data)
