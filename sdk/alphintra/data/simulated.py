"""Bars that nobody traded: made when they are asked for, from a seed, the same bits on every machine.

A dataset of these has a manifest like any other, and no file. Prices are a walk in fixed point: the generator
(SplitMix64), sums and products are of integers, and the power of two is a polynomial of single multiplications and
additions, which IEEE 754 rounds in one way. NumPy's own distributions and ``exp`` may differ between versions and
processors.

A bar has five steps, a gap and four moves within it. A step's size follows the hour and a state that changes by day;
six tenths of it are common to all symbols of a dataset.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import factorial, log
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from alphintra.data.content_hash import Array
from alphintra.data.market import DAY_US, I32, I64
from alphintra.data.sessions import exchange, is_weekend

F64 = npt.NDArray[np.float64]
U64 = npt.NDArray[np.uint64]
GENERATOR = "alphintra-simulated/1"
"""Which rules made the bars; others make other bars."""
_HOUR_US, _MINUTE_US = 3_600_000_000, 60_000_000
_STEPS = 5
_BITS = 40
"""Bits behind the point of the binary logarithm of a price."""
_STATES = np.array([36, 44, 54, 64, 78, 96, 120], dtype=np.int64)
"""How large steps are in a day's state, in 64ths; it moves to a neighbour or stays."""
_CRYPTO_HOURS = (52, 48, 46, 44, 44, 46, 50, 56, 62, 66, 66, 66, 70, 80, 92, 96, 92, 84, 76, 70, 66, 62, 58, 54)
_FX_HOURS = (44, 46, 50, 50, 44, 44, 54, 80, 92, 86, 74, 68, 80, 104, 108, 96, 76, 60, 48, 40, 36, 32, 36, 40)
"""How large steps are in each hour UTC, in 64ths."""
_POWERS = tuple(log(2) ** k / factorial(k) for k in range(18))


@dataclass(frozen=True)
class Bars:
    """When there are bars, all of length n.

    Attributes:
        session: Of each bar, int32 days since 1970-01-01.
        open_time: Int64 microseconds UTC.
        close_time: The same.
        size: How large steps are at that time of the day, in 64ths.
    """

    session: I32
    open_time: I64
    close_time: I64
    size: I64


@dataclass(frozen=True)
class Symbol:
    """What the prices of a symbol are like.

    Attributes:
        start: Price before the first bar, in units of the last decimal.
        decimals: Of its prices.
        move: Scale of a move within a bar: about its standard deviation in binary logarithms times 2^40 / 37,837.
        gap: Scale of the gap between sessions.
        volume: Usual volume of a bar, in units of the last decimal; 0 where there is none.
        volume_decimals: Of its volume.
    """

    start: int
    decimals: int
    move: int
    gap: int
    volume: int = 0
    volume_decimals: int = 0


@dataclass(frozen=True)
class Simulated:
    """A dataset that is made.

    Attributes:
        first: First session, a date.
        last: Last session.
        times: Makes the times of its bars from first and last session.
        symbols: By name.
    """

    first: str
    last: str
    times: Callable[[str, str], Bars]
    symbols: dict[str, Symbol]


def columns(name: str, symbols: Sequence[str]) -> dict[str, dict[str, Array]]:
    """Make the columns of some symbols: times, OHLC, and volume where there is one.

    Args:
        name: A name of :data:`SETS`.
        symbols: Which.

    Returns:
        By symbol and column: times int64 µs, sessions int32 days, numbers float64.
    """
    made = SETS[name]
    bars = made.times(made.first, made.last)
    starts = np.flatnonzero(np.diff(bars.session, prepend=bars.session[0] - 1))
    day = np.cumsum(np.isin(np.arange(len(bars.session)), starts)) - 1
    size = bars.size * _states(name, len(starts))[day]
    common = _bells(f"{name}", len(size) * _STEPS).reshape(-1, _STEPS)
    return {symbol: _columns(name, symbol, made.symbols[symbol], bars, starts, size, common) for symbol in symbols}


def _columns(
    name: str, symbol: str, own: Symbol, bars: Bars, starts: I64, size: I64, common: I64
) -> dict[str, Array]:
    drawn = _bells(f"{name}/{symbol}", len(size) * (_STEPS + 1)).reshape(-1, _STEPS + 1)
    steps = (6 * common + 8 * drawn[:, :_STEPS]) // 10
    scale = np.repeat((own.move * size)[:, None], _STEPS, axis=1)
    scale[:, 0] //= 4  # from close to open hardly anything, but where a session begins
    scale[starts, 0] = own.gap << 12
    path = np.cumsum((steps * scale) >> 12).reshape(-1, _STEPS)
    ticks = np.maximum(np.rint(_power(path) * own.start), 1.0)
    unit = float(10**own.decimals)
    found: dict[str, Array] = {
        "session": bars.session.copy(),
        "open_time": bars.open_time.copy(),
        "close_time": bars.close_time.copy(),
        "open": ticks[:, 0] / unit,
        "high": ticks.max(axis=1) / unit,
        "low": ticks.min(axis=1) / unit,
        "close": ticks[:, -1] / unit,
    }
    if own.volume:
        usual = own.volume * size
        traded = np.rint(usual * _power(drawn[:, _STEPS] * 17_400_000) / 4096.0)
        found["volume"] = np.maximum(traded, 1.0) / float(10**own.volume_decimals)
    return found


# -- when there are bars


def _around_the_clock(first: str, last: str) -> Bars:
    """Every hour of every day, UTC."""
    days = _days(first, last)
    opens = np.arange(days[0] * DAY_US, (days[-1] + 1) * DAY_US, _HOUR_US)
    return _hours((opens // DAY_US).astype(np.int32), opens, _CRYPTO_HOURS)


def _week_of_currencies(first: str, last: str) -> Bars:
    """Every hour from Sunday 17:00 to Friday 17:00 in New York, without New Year and Christmas; days begin at 17:00."""
    days = _days(first, last)
    days = days[~is_weekend(days.astype(np.int32))]
    dates = [datetime.fromisoformat(str(day)) for day in days.astype("M8[D]")]
    kept = [date for date in dates if (date.month, date.day) not in ((1, 1), (12, 25))]
    opens, sessions = [], []
    for date in kept:
        begins, ends = (_new_york(date - timedelta(days=1)), _new_york(date))
        hours = np.arange(begins, ends, _HOUR_US)
        opens.append(hours)
        sessions.append(np.full(len(hours), begins // DAY_US + 1, dtype=np.int32))
    return _hours(np.concatenate(sessions), np.concatenate(opens), _FX_HOURS)


def _minutes_of_new_york(first: str, last: str) -> Bars:
    """Every minute of the New York exchange's sessions, early closes included."""
    table, days = exchange("XNYS"), _days(first, last)
    rows = np.flatnonzero((table.session >= days[0]) & (table.session <= days[-1]))
    count = (table.close_time[rows] - table.open_time[rows]) // _MINUTE_US
    number = np.concatenate([np.arange(n, dtype=np.int64) for n in count])
    opens = np.repeat(table.open_time[rows], count) + number * _MINUTE_US
    whole = np.repeat(count, count)
    size = 44 + 72 * (2 * number + 1 - whole) ** 2 // whole**2  # most at the open and the close
    return Bars(np.repeat(table.session[rows], count), opens, opens + _MINUTE_US, size)


def _hours(session: I32, opens: I64, sizes: Sequence[int]) -> Bars:
    size = np.array(sizes, dtype=np.int64)[opens // _HOUR_US % 24]
    return Bars(session, opens, opens + _HOUR_US, size)


def _days(first: str, last: str) -> I64:
    return np.arange(np.datetime64(first), np.datetime64(last) + 1).astype(np.int64)


def _new_york(date: datetime) -> int:
    """Return 17:00 of a date in New York, microseconds UTC."""
    return int(date.replace(hour=17, tzinfo=ZoneInfo("America/New_York")).timestamp()) * 1_000_000


# -- chance


def _random(what: str, count: int) -> U64:
    """Draw 64 bits each: SplitMix64, seeded by a name."""
    seed = int.from_bytes(hashlib.sha256(f"{GENERATOR} {what}".encode()).digest()[:8], "little")
    with np.errstate(over="ignore"):
        state = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _bells(what: str, count: int) -> I64:
    """Draw from near a bell around 0 with standard deviation 37,837: the sum of four uniform numbers of 16 bits."""
    drawn = _random(what, count)
    total = sum((drawn >> np.uint64(16 * k)) & np.uint64(0xFFFF) for k in range(4))
    return np.asarray(total).astype(np.int64) - 131_070


def _states(name: str, days: int) -> I64:
    """Return how large steps are on each day, in 64ths."""
    moves = (_random(f"{name} days", days) % np.uint64(3)).astype(np.int64) - 1
    turn = 2 * (len(_STATES) - 1)
    at = np.cumsum(moves) % turn
    return _STATES[np.minimum(at, turn - at)]


def _power(value: I64) -> F64:
    """Return two to the power of numbers with 40 bits behind the point."""
    fraction = (value & ((1 << _BITS) - 1)).astype(np.float64) / float(1 << _BITS)
    found = np.full(value.shape, _POWERS[-1])
    for factor in reversed(_POWERS[:-1]):
        found *= fraction
        found += factor
    return np.asarray(np.ldexp(found, (value >> _BITS).astype(np.int32)))


SETS = {
    "simulated-crypto-hourly": Simulated(
        "2023-01-01",
        "2024-12-31",
        _around_the_clock,
        {
            "BTCUSD": Symbol(3_000_000, 2, 118_000, 3_000, 52_000, 3),
            "ETHUSD": Symbol(200_000, 2, 142_000, 3_600, 610_000, 3),
        },
    ),
    "simulated-equities-minute": Simulated(
        "2024-07-01",
        "2024-12-31",
        _minutes_of_new_york,
        {
            "SIMA": Symbol(14_000, 2, 15_000, 380_000, 24_000),
            "SIMB": Symbol(5_200, 2, 21_000, 540_000, 9_000),
            "SIMC": Symbol(31_000, 2, 12_000, 300_000, 3_100),
        },
    ),
    "simulated-fx-hourly": Simulated(
        "2023-01-02",
        "2024-12-31",
        _week_of_currencies,
        {
            "AUDUSD": Symbol(68_000, 5, 24_000, 60_000),
            "EURUSD": Symbol(107_000, 5, 19_000, 48_000),
            "GBPUSD": Symbol(121_000, 5, 21_000, 52_000),
        },
    ),
}
"""By name; the manifests beside the shipped datasets say what they are."""
