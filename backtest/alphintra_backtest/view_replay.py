"""How a view leads to the bars that it shows: what replays the run, and where each row of a table stands."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra_backtest.plain_json import plain
from alphintra_backtest.profiles import COMMISSIONS

if TYPE_CHECKING:
    from alphintra.repeating import Asked
    from alphintra.result import Result

    from alphintra_backtest.view_axis import Axis

#: Longest call that is inserted into a notebook.
LONGEST = 2_000

_DEFAULTS = {
    "start": None,
    "end": None,
    "cash": 100_000,
    "commission": 0,
    "slippage": 0,
    "profile": "default",
    "benchmark": None,
    "risk_free_rate": 0.0,
    "engine": "default",
}
#: Objects that a run was given, which its configuration does not name.
_OBJECTS = ("instruments", "rates", "detail")
#: States of an order that comes to nothing more.
_ENDED = ("REJECTED", "CANCELLED", "EXPIRED")


def options(result: Result) -> dict[str, Any]:
    """Return the arguments that repeat a run beside its data: what differs from the defaults, as plain values."""
    run, configuration = result.run, result.run["configuration"]
    usual = _DEFAULTS | {"commission": COMMISSIONS.get(configuration.get("profile", ""), 0)}
    found = {name: configuration.get(name, default) for name, default in usual.items()}
    found = {
        name: value
        for name, value in found.items()
        # Data given as an object has no name that could be written here.
        if value != usual[name] and not (name == "benchmark" and value == "given")
    }
    if run["parameters"]:
        found["params"] = run["parameters"]
    if run.get("features") and features_have_names(run):
        found["features"] = {name: own["dataset"] for name, own in run["features"].items()}
    if run.get("reference"):
        found["reference"] = run["reference"]["dataset"]
    if run.get("seed"):
        found["seed"] = run["seed"]
    plain_options: dict[str, Any] = plain(found | dict(configuration.get("rules") or {}))
    return plain_options


def features_have_names(run: dict[str, Any]) -> bool:
    """Whether what a run read as features can be read again by the datasets' names: no frames, files or parts."""
    from alphintra.data import catalogue

    return all(
        "selection" not in own
        and " as of " not in own["dataset"]
        and ("@" in own["dataset"] or catalogue.is_shipped(own["dataset"]))
        for own in (run.get("features") or {}).values()
    )


def replay(result: Result) -> dict[str, Any]:
    """Return what a front end writes the call from that replays a run; never a text that it would run as it is.

    ``strategy``, ``data`` and ``options``; or, where data or rules were given as objects and the result was made in
    this process, ``result``: the id to find it by; or ``why_not``.
    """
    from alphintra.repeating import kept

    run = result.run
    why_not = _other(run)
    if why_not is not None:
        return {"why_not": why_not}
    asked = kept(result)
    data = _data_name(result, asked)
    if data is not None:
        found = {"strategy": str(run["strategy"]), "data": data, "options": options(result)}
        if len(repr(found)) <= LONGEST:
            return found
    if asked is not None:
        return {"result": str(run["id"])}
    if data is not None:
        return {"why_not": "The code that repeats this run is too long to be inserted."}
    return {"why_not": "The data was given as an object, which has no name to read it by again."}


def _other(run: dict[str, Any]) -> str | None:
    """Why a result is not that of one plain backtest."""
    if "branch" in run:
        return "This run was changed by hand in a replay: the code alone does not repeat it."
    if "code" in run:
        return "This result was put together from several runs: there is none to stand in."
    if run["configuration"].get("engine", "default") != "default":
        return "A strategy of backtrader runs by its own rules, which cannot be walked bar by bar."
    return None


def _data_name(result: Result, asked: Asked | None) -> str | None:
    """What names the data in code, and all else that the run read; ``None`` where that is an object."""
    run = result.run
    if run["configuration"].get("benchmark") == "given" or not features_have_names(run):
        return None
    if asked is None:
        from alphintra.data import catalogue
        from alphintra.errors import AlphintraError

        try:
            return str(run["dataset"]) if catalogue.select(str(run["dataset"])) is not None else None
        except AlphintraError:
            return None
    if any(asked.options.get(name) is not None for name in _OBJECTS) or asked.options.get("currency", "USD") != "USD":
        return None
    return os.fspath(asked.data) if isinstance(asked.data, str | os.PathLike) else None


def with_places(result: Result, axis: Axis, tables: dict[str, Any]) -> dict[str, Any]:
    """Return a view's tables with where a replay stands to show each row, under ``at``.

    Texts that ``at=`` takes, by what they show: of a trade ``entry`` and ``exit``, of a fill ``fill``, of an order
    ``order``; ``None`` where there is no such bar.
    """
    places = _Places(result, axis)
    return tables | {
        name: tables[name] | {"at": find(tables[name]["total"] - len(tables[name]["rows"]))}
        for name, find in (("trades", places.trades), ("fills", places.fills), ("orders", places.orders))
        if tables[name]["rows"]
    }


class _Places:
    """Bars as texts: a date where it says enough, else the time of the close."""

    def __init__(self, result: Result, axis: Axis) -> None:
        self._close = np.asarray(result.curves.time, dtype=np.int64)
        self._session = np.asarray(result.curves.session, dtype=np.int64)
        self._axis = axis
        self._columns = result.columns

    def trades(self, first: int) -> dict[str, list[str | None]]:
        """Of the rows from ``first`` on."""
        trades = self._columns["trades"]
        symbols = [str(symbol) for symbol in trades["symbol"][first:]]
        return {name: self._filled(symbols, trades[f"{name}_time"][first:]) for name in ("entry", "exit")}

    def fills(self, first: int) -> dict[str, list[str | None]]:
        """Of the rows from ``first`` on."""
        return {"fill": self._texts(self._columns["fills"]["bar"][first:])}

    def orders(self, first: int) -> dict[str, list[str | None]]:
        """Of the rows from ``first`` on: one that ended without a fill where it ended, others where it was decided."""
        orders = self._columns["orders"]
        ended = np.array([state in _ENDED for state in orders["state"][first:]], dtype=np.bool_)
        ended &= np.asarray(orders["filled"][first:], dtype=np.float64) == 0
        times = np.where(ended, orders["finished"][first:], orders["submitted"][first:])
        return {"order": self._texts(np.searchsorted(self._close, times.astype(np.int64)))}

    def _filled(self, symbols: list[str], times: Any) -> list[str | None]:
        bars = [
            None if time is None or time != time else self._axis.fill_bar(symbol, int(time))
            for symbol, time in zip(symbols, times, strict=True)
        ]
        return self._texts([-1 if bar is None else bar for bar in bars])

    def _texts(self, bars: Any) -> list[str | None]:
        return [self._text(int(bar)) if 0 <= bar < len(self._close) else None for bar in bars]

    def _text(self, bar: int) -> str:
        session = self._session[bar]
        if not self._axis.intraday and (bar == 0 or self._session[bar - 1] != session):
            return str(np.datetime64(int(session), "D"))
        return str(np.datetime64(int(self._close[bar]), "us")).replace("T", " ").removesuffix(":00.000000")
