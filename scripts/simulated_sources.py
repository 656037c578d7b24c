"""What the simulated platform datasets are; :mod:`alphintra.data.simulated` makes their rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alphintra.data.simulated import SETS, columns
from source_files import CLOSE_TIME, OPEN_TIME, SESSION, Column, Source

_NOTE = "simulated prices: nobody ever traded at them, and results on them say nothing about a market"
_LICENCE = {"name": "Apache-2.0", "file": "licenses/exchange_calendars.txt", "attribution": "Made by Alphintra."}
_SAME = {
    "label": "open",
    "tick": None,
    "tradable": True,
    "closes_only": False,
    "prices": "as given",
    "currency": "USD",
    "adjustment": "none: there are no splits and no dividends",
    "notes": [{"code": "simulated", "level": "warning", "text": _NOTE}],
}
_ABOUT: dict[str, dict[str, Any]] = {
    "simulated-crypto-hourly": {
        "title": "Two crypto pairs, hourly, simulated",
        "description": "Simulated: made from a seed, no market's prices. Hourly bars of two crypto pairs around the "
        "clock, every day of 2023 and 2024, with volume. To try what trades at all hours.",
        "holds": "hourly bars",
        "asset_class": "CRYPTO",
        "timeframe": "1h",
        "calendar": "24/7",
        "periods_per_year": 365,
        "lot": 1e-8,
        "traded_volume": True,
        "source_time_zone": "UTC",
    },
    "simulated-equities-minute": {
        "title": "Three shares, by the minute, simulated",
        "description": "Simulated: made from a seed, no company's prices. One-minute bars of three invented shares in "
        "the sessions of New York, July to December 2024, half days included, with volume. To try what trades within "
        "a day.",
        "holds": "minute bars",
        "asset_class": "STOCKS",
        "timeframe": "1min",
        "calendar": "XNYS",
        "periods_per_year": 252,
        "lot": 1.0,
        "traded_volume": True,
        "source_time_zone": "America/New_York",
    },
    "simulated-fx-hourly": {
        "title": "Three currency pairs, hourly, simulated",
        "description": "Simulated: made from a seed, no bank's prices. Hourly bars of three currency pairs from Sunday "
        "17:00 to Friday 17:00 in New York, 2023 and 2024, without volume; a day begins at 17:00. To try what trades "
        "by the week.",
        "holds": "hourly bars",
        "asset_class": "FOREX",
        "timeframe": "1h",
        "calendar": "weekdays",
        "periods_per_year": 252,
        "lot": 1.0,
        "traded_volume": False,
        "source_time_zone": "America/New_York",
    },
}
_TITLES = {
    "AUDUSD": "Australian dollar, simulated", "BTCUSD": "Bitcoin, simulated", "ETHUSD": "Ether, simulated",
    "EURUSD": "Euro, simulated", "GBPUSD": "Pound sterling, simulated", "SIMA": "An invented large company",
    "SIMB": "An invented company, thinner and livelier", "SIMC": "An invented company, calmer",
}  # fmt: skip


def simulated_sources() -> Iterator[Source]:
    """Yield each dataset with its rows."""
    for name, about in _ABOUT.items():
        symbols = sorted(SETS[name].symbols)
        yield Source(
            about={"name": name, **_SAME, **about},
            columns=_columns(about),
            rows=columns(name, symbols),
            package="",
            files=[],
            licence=_LICENCE,
            titles=_TITLES,
        )


def _columns(about: dict[str, Any]) -> list[Column]:
    unit = "USD" if about["asset_class"] != "FOREX" else "USD for one unit"
    texts = {"open": "first price of the bar", "high": "highest", "low": "lowest", "close": "last price of the bar"}
    out = [SESSION, OPEN_TIME, CLOSE_TIME]
    out += [{"name": n, "type": "double", "unit": unit, "role": n, "description": text} for n, text in texts.items()]
    if about["traded_volume"]:
        unit = "coins" if about["asset_class"] == "CRYPTO" else "shares"
        out.append({"name": "volume", "type": "double", "unit": unit, "role": "volume", "description": "traded volume"})
    return out
