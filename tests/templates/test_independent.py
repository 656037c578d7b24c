"""The other templates computed again by plain loops over the bars: no engine involved."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import alphintra as al
import numpy as np

FOLDER = Path(__file__).resolve().parents[2] / "templates"
FEE = 0.001


def printed(file: str) -> tuple[float, int]:
    """Final equity and closed trades, as the notebook's last cell must print them (nbval compares)."""
    cells = json.loads((FOLDER / file).read_text())["cells"]
    text = "".join(cells[-1]["outputs"][0]["text"])
    equity, trades = re.search(r"final equity +([\d,.]+)", text), re.search(r"closed trades +(\d+)", text)
    return float(equity[1].replace(",", "")), int(trades[1])


def whole_shares(budget: float, price: float, held: int = 0) -> int:
    """The most shares whose cost, with the fee on what is traded, stays within the budget."""
    quantity = int(budget / price)
    while quantity * price + FEE * abs(quantity - held) * price > budget * (1 + 1e-12):
        quantity -= 1
    return quantity


def events(name: str) -> dict[str, dict[int, tuple[float, float]]]:
    """Symbol → session → (new shares for each old one, money for each old one), as stored with the dataset."""
    out: dict[str, dict[int, tuple[float, float]]] = {}
    for row in al.data.load(name).events().itertuples():
        own = out.setdefault(row.symbol, {})
        day = int(np.datetime64(row.ex_date, "D").astype(int))
        ratio, paid = own.get(day, (1.0, 0.0))
        own[day] = (row.value, paid) if row.kind == "split" else (ratio, paid + row.value)
    return out


def test_donchian_breakout():
    """A DAY buy stop at the channel's high; 8 % stop and 24 % target of the fill price; the stop first.

    Raw prices; a dividend goes to who held at the close before. IBM had no split in these years.
    """
    paid = {day: money for day, (ratio, money) in events("us-equities-daily/IBM")["IBM"].items() if ratio == 1.0}
    bars = al.data.resolve("us-equities-daily/IBM").bars["IBM"]
    o, h, low, c = bars.open, bars.high, bars.low, bars.close
    cash, shares, trades = 100_000.0, 0, 0
    stop = target = 0.0
    for i in range(20, len(c) - 1):  # decided at bar i, worked at bar j
        j, exit_at, entered = i + 1, None, False
        cash += shares * paid.get(int(bars.session[j]), 0.0)
        if shares == 0:
            level = max(h[i - 20 : i].max(), h[i])
            if h[j] < level:
                continue
            at_open = o[j] >= level
            price = o[j] if at_open else level
            shares, entered = whole_shares(0.95 * cash, price), True
            cash -= shares * price * (1 + FEE)
            stop, target = price * 0.92, price * 1.24
            if (at_open and low[j] <= stop) or (not at_open and c[j] <= stop):
                exit_at = stop
            elif h[j] > target:
                exit_at = target
        if shares and not entered:
            if o[j] <= stop or o[j] > target:
                exit_at = o[j]
            elif low[j] <= stop:
                exit_at = stop
            elif h[j] > target:
                exit_at = target
        if exit_at is not None:
            cash += shares * exit_at * (1 - FEE)
            shares, trades = 0, trades + 1
    assert (round(cash + shares * c[-1], 2), trades) == printed("donchian-breakout.ipynb") == (142_364.31, 25)


def test_momentum_rotation():
    """Month ends of the calendar; at the next open what is reduced first, sized by equity at the opens.

    Trades in raw prices, compares momentum in the shares of the day; splits and dividends before the ex-date's open.
    """
    market = al.data.resolve("us-equities-daily")
    days = sorted({int(d) for bars in market.bars.values() for d in bars.session})
    row = {day: i for i, day in enumerate(days)}
    count = len(market.symbols)
    opens, closes = np.full((len(days), count), np.nan), np.full((len(days), count), np.nan)
    for k, symbol in enumerate(market.symbols):
        bars = market.bars[symbol]
        at = [row[int(d)] for d in bars.session]
        opens[at, k], closes[at, k] = bars.open, bars.close
    acts = [events("us-equities-daily").get(symbol, {}) for symbol in market.symbols]
    shares = np.ones_like(closes)  # what one share of the first day has become
    for k in range(count):
        for day, (ratio, _) in acts[k].items():
            if day in row:
                shares[row[day] :, k] *= ratio
    first = [int(np.flatnonzero(~np.isnan(closes[:, k]))[126]) for k in range(count)]
    for i in range(1, len(days)):
        closes[i] = np.where(np.isnan(closes[i]), closes[i - 1], closes[i])
    sessions = [int(d) for d in market.sessions]
    following = dict(pairwise(sessions))
    cash, held = 100_000.0, [0] * count

    def month(day: int) -> str:
        return str(np.datetime64(day, "D"))[:7]

    def wanted(k: int, j: int, share: float) -> int:
        equity = cash + sum(held[n] * opens[j, n] for n in range(count) if held[n])
        return whole_shares(share * equity, opens[j, k], held[k]) - held[k] if share else -held[k]

    for i in range(min(first), len(days) - 1):
        for k in range(count):
            if not held[k]:
                continue
            ratio, money = acts[k].get(days[i + 1], (1.0, 0.0))
            cash += held[k] * money + (held[k] * ratio % 1) * opens[i + 1, k]
            held[k] = int(held[k] * ratio)
        if month(following[days[i]]) == month(days[i]):
            continue
        momentum = closes[i] * shares[i] / (closes[i - 126] * shares[i - 126]) - 1
        rank = sorted((k for k in range(count) if i >= first[k]), key=lambda k: momentum[k], reverse=True)
        chosen = [k for k in rank[:2] if momentum[k] > 0]
        orders = [(k, 0.0) for k in range(count) if k not in chosen and held[k]] + [(k, 0.98 / 2) for k in chosen]
        waiting = []
        for k, share in orders:
            if wanted(k, i + 1, share) >= 0:
                waiting.append((k, share))
                continue
            quantity = wanted(k, i + 1, share)
            cash -= quantity * opens[i + 1, k] + FEE * abs(quantity) * opens[i + 1, k]
            held[k] += quantity
        for k, share in waiting:
            quantity = wanted(k, i + 1, share)
            cash -= quantity * opens[i + 1, k] + FEE * abs(quantity) * opens[i + 1, k]
            held[k] += quantity
    equity = cash + sum(held[k] * closes[-1, k] for k in range(count))
    assert round(equity, 2) == printed("momentum-rotation.ipynb")[0] == 339_388.81


def rsi(close: np.ndarray, n: int) -> np.ndarray:
    """Wilder's: the mean of the first n rises and falls, then smoothed by 1/n."""
    steps = np.diff(close)
    up, down = np.maximum(steps, 0.0), np.maximum(-steps, 0.0)
    out = np.full(len(close), np.nan)
    rise, fall = up[:n].mean(), down[:n].mean()
    for i in range(n, len(close)):
        if i > n:
            rise, fall = (rise * (n - 1) + up[i - 1]) / n, (fall * (n - 1) + down[i - 1]) / n
        out[i] = 100 * rise / (rise + fall)
    return out


def test_rsi_mean_reversion():
    """A 3-bar RSI below 20 above the 200-bar average buys; above 60 sells, or the tenth open after the entry's."""
    paid = {day: money for day, (ratio, money) in events("us-equities-daily/IBM")["IBM"].items() if ratio == 1.0}
    bars = al.data.resolve("us-equities-daily/IBM").bars["IBM"]
    o, c = bars.open, bars.close
    strength = rsi(c, 3)
    average = np.convolve(c, np.ones(200) / 200)[: len(c)]
    cash, shares, trades, entry = 100_000.0, 0, 0, 0
    for i in range(199, len(c) - 1):  # decided at bar i, filled at the open of bar j
        j = i + 1
        cash += shares * paid.get(int(bars.session[j]), 0.0)
        if shares and (strength[i] > 60.0 or j - entry == 10):
            cash += shares * o[j] * (1 - FEE)
            shares, trades = 0, trades + 1
        elif not shares and strength[i] < 20.0 and c[i] > average[i]:
            shares, entry = whole_shares(0.95 * cash, o[j]), j
            cash -= shares * o[j] * (1 + FEE)
    assert (round(cash + shares * c[-1], 2), trades) == printed("rsi-mean-reversion.ipynb") == (111_198.55, 79)


def test_volatility_targeting():
    """Each week's last session: 15 % over the yearly deviation of 20 log returns, at most 98 %, at the next open."""
    market = al.data.resolve("us-equities-daily/IBM")
    paid = {day: money for day, (ratio, money) in events("us-equities-daily/IBM")["IBM"].items() if ratio == 1.0}
    bars = market.bars["IBM"]
    o, c = bars.open, bars.close
    sessions = [int(d) for d in market.sessions]
    following = dict(pairwise(sessions))

    def week(day: int) -> int:
        return (day + 3) // 7  # 1970-01-01 was a Thursday

    steps = np.diff(np.log(c))
    cash, shares = 100_000.0, 0
    for i in range(20, len(c) - 1):
        j, day = i + 1, int(bars.session[i])
        cash += shares * paid.get(int(bars.session[j]), 0.0)
        if week(following[day]) == week(day):
            continue
        weight = min(0.15 / (steps[i - 20 : i].std() * 252**0.5), 0.98)
        wanted = whole_shares(weight * (cash + shares * o[j]), o[j], shares) - shares
        cash -= wanted * o[j] + FEE * abs(wanted) * o[j]
        shares += wanted
    assert round(cash + shares * c[-1], 2) == printed("volatility-targeting.ipynb")[0] == 176_779.68


def test_pairs_spread():
    """Two shares long and short by the z-score of 60 log ratios in shares of the day; the short pays 1 % a year."""
    market = al.data.resolve("us-equities-daily/IBM,MSFT")
    pair = [market.bars[s] for s in market.symbols]
    acts = [events("us-equities-daily").get(s, {}) for s in market.symbols]
    days = [int(d) for d in pair[0].session]
    assert days == [int(d) for d in pair[1].session] and market.symbols == ("IBM", "MSFT")
    opens, closes = np.column_stack([b.open for b in pair]), np.column_stack([b.close for b in pair])
    became = np.ones_like(closes)
    for k in range(2):
        for i, day in enumerate(days):
            became[i:, k] *= acts[k].get(day, (1.0, 0.0))[0]
    ratio = np.log(closes[:, 0] * became[:, 0]) - np.log(closes[:, 1] * became[:, 1])
    cash, held, trades = 100_000.0, [0, 0], 0
    for i in range(59, len(days) - 1):
        j = i + 1
        owed = sum(
            -held[k] * closes[i, k] * 0.01 / 365 * (days[j] - days[i]) for k in range(2) if held[k] < 0
        )
        for k in range(2):
            split, money = acts[k].get(days[j], (1.0, 0.0))
            cash += held[k] * money
            held[k] = int(held[k] * split)  # 2:1: no fractions
        window = ratio[i - 59 : i + 1]
        z = (ratio[i] - window.mean()) / window.std()
        if held[0] and abs(z) < 0.5:
            for k in range(2):
                cash += held[k] * opens[j, k] - FEE * abs(held[k]) * opens[j, k]
                held[k], trades = 0, trades + 1
        elif not held[0] and abs(z) > 2.0:
            for k, side in ((0, -1 if z > 0 else 1), (1, 1 if z > 0 else -1)):
                equity = cash + sum(held[n] * opens[j, n] for n in range(2))
                held[k] = side * whole_shares(0.45 * equity, opens[j, k])
                cash -= held[k] * opens[j, k] + FEE * abs(held[k]) * opens[j, k]
        cash -= owed
    equity = cash + sum(held[k] * closes[-1, k] for k in range(2))
    assert (round(equity, 2), trades) == printed("pairs-spread.ipynb") == (100_609.97, 114)
