"""The simulated datasets: the same everywhere, at the hours of their markets, and said to be simulated."""

import hashlib
import subprocess
import sys
from fractions import Fraction
from math import factorial, log

import alphintra as al
import numpy as np
import pytest
from alphintra.data import catalogue, simulated
from alphintra.rules.hours import hours_of

HOUR, MINUTE = 3_600_000_000, 60_000_000
MASK = (1 << 64) - 1


def drawn(what, place):
    """One number of SplitMix64, in plain integers."""
    seed = int.from_bytes(hashlib.sha256(f"alphintra-simulated/1 {what}".encode()).digest()[:8], "little")
    z = (seed + (place + 1) * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def bell(what, place):
    value = drawn(what, place)
    return sum((value >> shift) & 0xFFFF for shift in (0, 16, 32, 48)) - 131_070


def power(value):
    """Two to the power, each operation rounded as IEEE 754 says, by Python's own floats."""
    fraction, found = (value & ((1 << 40) - 1)) / (1 << 40), log(2) ** 17 / factorial(17)
    for k in range(16, -1, -1):
        found = found * fraction + log(2) ** k / factorial(k)
    return found * 2.0 ** (value >> 40)


@pytest.mark.parametrize("name", simulated.SETS)
def test_the_first_bars_worked_out_one_by_one(name):
    symbol, own = next(iter(simulated.SETS[name].symbols.items()))
    bars = simulated.SETS[name].times(simulated.SETS[name].first, simulated.SETS[name].last)
    found = catalogue.read_columns(catalogue.manifest(name), [symbol])[symbol]
    level, days, state = 0, -1, 0
    states = [36, 44, 54, 64, 78, 96, 120]
    for row in range(450):  # several sessions
        begins = row == 0 or bars.session[row] != bars.session[row - 1]
        if begins:
            days += 1
            state += drawn(f"{name} days", days) % 3 - 1
        at = state % 12
        size = int(bars.size[row]) * states[min(at, 12 - at)]
        prices = []
        for step in range(5):
            scale = own.move * size
            if step == 0:
                scale = own.gap << 12 if begins else scale // 4
            chance = 6 * bell(name, 5 * row + step) + 8 * bell(f"{name}/{symbol}", 6 * row + step)
            level += (chance // 10 * scale) >> 12
            ticks = power(level) * own.start
            prices.append(round(Fraction(ticks)) / 10**own.decimals)
        assert [found[part][row] for part in ("open", "close")] == [prices[0], prices[-1]]
        assert (found["high"][row], found["low"][row]) == (max(prices), min(prices))


def test_hours_of_the_markets():
    crypto = al.data.resolve("simulated-crypto-hourly/BTCUSD").bars["BTCUSD"]
    assert len(crypto) == 24 * (365 + 366)
    assert (np.diff(crypto.open_time) == HOUR).all()  # nights, weekends, two changes of the clocks a year

    fx = al.data.resolve("simulated-fx-hourly/EURUSD").bars["EURUSD"]
    week = hours_of("weekdays", "FOREX")
    rows = week.of_days(fx.session.astype(np.int64))
    assert (rows >= 0).all()
    assert ((week.open[rows] <= fx.open_time) & (fx.close_time <= week.close[rows])).all()
    days, counts = np.unique(fx.session, return_counts=True)
    assert set(counts.tolist()) == {24}
    inside = (week.session >= days[0]) & (week.session <= days[-1])
    assert days.tolist() == week.session[inside & ~week.optional].tolist()
    assert set(week.session[inside & week.optional].astype("M8[D]").astype(str)) == {
        "2023-12-25", "2024-01-01", "2024-12-25"
    }  # fmt: skip
    local = ((week.local(fx.open_time)) // HOUR) % (7 * 24)  # 1970-01-01 was a Thursday
    weekend = range(24 + 17, 3 * 24 + 17)
    assert set(local.tolist()) == set(range(7 * 24)) - set(weekend)

    minutes = al.data.resolve("simulated-equities-minute/SIMA").bars["SIMA"]
    days, counts = np.unique(minutes.session, return_counts=True)
    short = [str(day) for day in days[counts == 210].astype("M8[D]")]
    assert short == ["2024-07-03", "2024-11-29", "2024-12-24"]
    assert set(counts.tolist()) == {210, 390}
    exchange = hours_of("XNYS", None)
    rows = exchange.of_days(days.astype(np.int64))
    assert minutes.open_time[np.searchsorted(minutes.session, days)].tolist() == exchange.open[rows].tolist()
    assert minutes.close_time[np.searchsorted(minutes.session, days, "right") - 1].tolist() == (
        exchange.close[rows].tolist()
    )
    steps = np.diff(minutes.open_time)
    assert set(steps[np.diff(minutes.session) == 0].tolist()) == {MINUTE}


@pytest.mark.parametrize("name", simulated.SETS)
def test_it_says_everywhere_that_it_is_simulated(name):
    manifest = catalogue.manifest(name)
    assert not list((catalogue.ROOT / name).glob("*.parquet"))
    market = al.data.resolve(name)
    assert market.dataset_hash == manifest["content_hash"]
    assert [(note.code, note.level) for note in market.notes] == [("simulated", "warning")]
    loaded = al.data.load(name)
    html = loaded._repr_mimebundle_(include=["text/html"])["text/html"]
    assert "simulated prices: nobody ever traded at them" in html
    assert "simulated" in manifest["title"]
    for bars in market.bars.values():
        assert (bars.low > 0).all()
        assert ((bars.low <= bars.open) & (bars.close <= bars.high) & (bars.low <= bars.close)).all()
        assert (bars.volume is None) == (name == "simulated-fx-hourly")


def test_a_notebook_reads_and_trades_it(tmp_path):
    class Hold(al.Strategy):
        def on_bar(self):
            if self.bar_index == 1:
                self.order_target_percent(0.5)

    result = al.backtest(Hold, data="simulated-crypto-hourly/ETHUSD", end="2023-02-28", cash=10_000)
    assert len(result.trades) + len(result.fills) >= 1
    assert any("simulated prices" in line for line in str(result.assumptions).splitlines()) or any(
        "simulated" in str(note) for note in result.assumptions
    )
    one = al.data.load("simulated-equities-minute/SIMB")
    frame = one.to_pandas()
    assert (frame.index.name, str(frame.index[0])) == ("time", "2024-07-01 13:30:00+00:00")
    assert frame.index.is_unique
    chart = one.chart(start="2024-07-03 16:50", end="2024-07-03")
    assert "2024" in str(chart._repr_mimebundle_())
    path = one.download(tmp_path / "simb.csv")
    lines = path.read_text().splitlines()
    assert len(lines) == len(frame) + 1
    assert "open_time" in lines[0]


def test_a_run_on_it_imports_no_pandas():
    program = "import sys, alphintra.data as d; d.resolve('simulated-fx-hourly'); print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=180)
    assert done.stdout.strip() == "False", done.stderr
