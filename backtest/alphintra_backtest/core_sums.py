"""What an account was worth, and what a sweep keeps of that for each variant, with its trades; see ``core``."""

from __future__ import annotations

from .codes import *
from .core import value

# a row of what is kept; OUT_APART is 1 where these numbers are not enough: such a variant is run by itself
(
    OUT_EQUITY, OUT_FILLS, OUT_ORDERS, OUT_DRAWDOWN, OUT_HELD, OUT_TRADES, OUT_WINS, OUT_LOSSES, OUT_GAINED, OUT_LOST,
    OUT_APART,
) = range(11)  # fmt: skip
N_OUT = 11
#: Timestamps whose closes are looked at at once where their extremes say enough.
BLOCK = 8
#: P&L is rounded to 1e-8: below half of it a trade has neither won nor lost.
NEITHER = 5e-9


def column(array):
    """The one column of a (T, 1) array as (T,); ``compiled`` has a form of it that is read without strides."""
    return array[:, 0]


def equity_one(m, b, start_cash, equity):
    """The equity of ``value_one`` alone."""
    fi, ff, reg = b[6], b[7], b[9]
    close = column(m[D_CLOSE])
    lot = m[D_LOT][0]
    money = start_cash
    lots = 0
    t = 0
    for r in range(reg[S_FILLS] + 1):
        until = fi[r, L_BAR] if r < reg[S_FILLS] else equity.shape[0]
        if until > t:
            # Slices, as an index that might be negative would keep the compiler from taking several at once.
            out, prices = equity[t:until], close[t:until]
            units = lots * lot
            for i in range(out.shape[0]):
                out[i] = money + units * prices[i]
            t = until
        if r < reg[S_FILLS]:
            signed = fi[r, L_SIDE] * fi[r, L_LOTS]
            money -= signed * lot * ff[r, L_PRICE] + ff[r, L_FEE]
            lots += signed


def value_one(m, b, start_cash, equity, cash_out, exposure, held):
    """What ``core.value`` says of one symbol that has every bar: between two fills only its close changes."""
    fi, ff, reg = b[6], b[7], b[9]
    close = column(m[D_CLOSE])
    lot = m[D_LOT][0]
    money = start_cash
    lots = 0
    t = 0
    for r in range(reg[S_FILLS] + 1):
        until = fi[r, L_BAR] if r < reg[S_FILLS] else equity.shape[0]
        if until > t:
            out, prices, size = equity[t:until], close[t:until], exposure[t:until]
            units = lots * lot
            for i in range(out.shape[0]):
                v = units * prices[i]
                out[i] = money + v
                size[i] = abs(v)
            cash_out[t:until] = money
            held[t:until] = lots != 0
            t = until
        if r < reg[S_FILLS]:
            signed = fi[r, L_SIDE] * fi[r, L_LOTS]
            money -= signed * lot * ff[r, L_PRICE] + ff[r, L_FEE]
            lots += signed


def book_legs(b, c, until, held, terms):
    """Add the legs before fill ``until``, from leg ``c`` on, to what is held. The leg after them; −1 as below."""
    ci, cf, reg = b[11], b[12], b[9]
    while c < reg[S_LEGS] and ci[c, C_SEQ] <= until:
        s = ci[c, C_SYMBOL]
        if ci[c, C_KIND] == LEG_SPLIT:
            if held[s, 0] != 0 and held[s, 2] >= 0:
                return -1
            held[s, 0] += ci[c, C_LOTS]
        elif ci[c, C_KIND] != LEG_INTEREST and held[s, 0] != 0:
            terms[s, 2] -= cf[c, C_AMOUNT]
        c += 1
    return c


def deepest(equity, best, least):
    """The highest value and the deepest drawdown (≤ 0) after more of a curve; (best, 1.0) where it is undefined."""
    floor = best * (1.0 + least + 1e-12)  # a division only where it may be the deepest
    for e in equity:
        if e <= best and e > floor:
            continue
        if e != e:
            return best, 1.0
        if e > best:
            best = e
        else:
            least = min(least, e / best - 1.0)
        floor = best * (1.0 + least + 1e-12)
    return best, least


def extremes(close, high, low):
    """The highest and the lowest close of each ``BLOCK`` timestamps."""
    n = close.shape[0]
    for i in range(high.shape[0]):
        above = close[i * BLOCK]
        below = above
        for t in range(i * BLOCK + 1, min((i + 1) * BLOCK, n)):
            above = max(above, close[t])
            below = min(below, close[t])
        high[i] = above
        low[i] = below


def deepest_held(close, t, until, money, units, high, low, best, least):
    """``deepest`` of ``money + units * close`` from ``t`` to below ``until``.

    A block between whose extremes nothing can be new is not looked into: with the price the sum rises or falls.
    """
    floor = best * (1.0 + least + 1e-12)
    while t < until:
        block = t // BLOCK
        over = min((block + 1) * BLOCK, until)
        if over - t == BLOCK:
            a = money + units * high[block]
            z = money + units * low[block]
            if a <= best and a > floor and z <= best and z > floor:
                t = over
                continue
        for i in range(t, over):
            e = money + units * close[i]
            if e <= best and e > floor:
                continue
            if e != e:
                return best, 1.0
            if e > best:
                best = e
            else:
                least = min(least, e / best - 1.0)
            floor = best * (1.0 + least + 1e-12)
        t = over
    return best, least


def sum_one(m, b, start_cash, first, last, ends, high, low, sampled, row):
    """``equity_one`` at the timestamps ``ends``, its deepest drawdown and the timestamps with a position."""
    fi, ff, reg = b[6], b[7], b[9]
    close = column(m[D_CLOSE])
    lot = m[D_LOT][0]
    money = start_cash
    best, least = start_cash, 0.0
    lots = 0
    there = 0
    t = first
    j = 0
    for r in range(reg[S_FILLS] + 1):
        until = min(fi[r, L_BAR], last) if r < reg[S_FILLS] else last
        if until > t:
            units = lots * lot
            while j < ends.shape[0] and ends[j] < until:
                sampled[j] = money + units * close[ends[j]]
                j += 1
            if lots != 0:
                there += until - t
                best, least = deepest_held(close, t, until, money, units, high, low, best, least)
            else:  # the same at each
                best, least = deepest_held(close, t, t + 1, money, 0.0, high, low, best, least)
            if least > 0.0:
                break
            t = until
        if r < reg[S_FILLS]:
            signed = fi[r, L_SIDE] * fi[r, L_LOTS]
            money -= signed * lot * ff[r, L_PRICE] + ff[r, L_FEE]
            lots += signed
    row[OUT_DRAWDOWN] = least
    row[OUT_HELD] = there


def round_trips(m, b, held, terms, row):
    """Count and add up the closed trades (M10). False where a position had more than one entry or exit order.

    Those are for the trade book. ``held`` (S, 3) int64 and ``terms`` (S, 3) float64 are scratch: signed lots, entry
    order and exit order; what the entry cost, what the exit brought so far, and the fees of both, less the dividends.
    """
    fi, ff, reg = b[6], b[7], b[9]
    for c in range(OUT_TRADES, OUT_APART):
        row[c] = 0.0
    for s in range(held.shape[0]):
        held[s, 0] = 0
    leg = 0
    for r in range(reg[S_FILLS]):
        leg = book_legs(b, leg, r, held, terms)
        if leg < 0:
            return False
        s = fi[r, L_SYMBOL]
        side = fi[r, L_SIDE]
        lots = fi[r, L_LOTS]
        order = fi[r, L_ORDER]
        worth = m[D_LOT][s] * m[D_MULT][s] * ff[r, L_RATE] * ff[r, L_PRICE]
        fee = ff[r, L_FEE] / lots
        rest = lots
        if held[s, 0] != 0 and (held[s, 0] > 0) != (side > 0):
            if held[s, 2] >= 0 and held[s, 2] != order:
                return False
            held[s, 2] = order
            take = min(lots, abs(held[s, 0]))
            terms[s, 1] += take * worth
            terms[s, 2] += take * fee
            held[s, 0] += side * take
            rest -= take
            if held[s, 0] == 0:
                gain = side * (terms[s, 0] - terms[s, 1]) - terms[s, 2]
                row[OUT_TRADES] += 1.0
                if gain > NEITHER:
                    row[OUT_WINS] += 1.0
                    row[OUT_GAINED] += gain
                elif gain < -NEITHER:
                    row[OUT_LOSSES] += 1.0
                    row[OUT_LOST] -= gain
        if rest > 0:
            if held[s, 0] == 0:
                held[s, 1] = order
                held[s, 2] = -1
                terms[s, 0] = 0.0
                terms[s, 1] = 0.0
                terms[s, 2] = 0.0
            elif held[s, 1] != order or held[s, 2] >= 0:
                return False
            held[s, 0] += side * rest
            terms[s, 0] += rest * worth
            terms[s, 2] += rest * fee
    if book_legs(b, leg, reg[S_FILLS], held, terms) < 0:
        return False
    for s in range(held.shape[0]):
        if held[s, 0] != 0 and held[s, 2] >= 0:  # closed in part
            return False
    return True


def sum_up(m, b, one, start_cash, reached, first, ends, curves, flags, held, terms, high, low, sampled, row):
    """Fill a row of ``N_OUT`` numbers and the equities at the timestamps ``ends``.

    ``one``: see ``value_one``; ``high`` and ``low`` are then the ``extremes`` of the closes. ``first`` is the timestamp
    where metrics begin (F13), ``curves`` (3, T) and ``flags`` (T,) are scratch.
    """
    equity = curves[0]
    alone = one and b[9][S_LEGS] == 0
    row[OUT_APART] = 1.0
    if not alone:  # what it counts of old marks is not kept
        value(m, b, start_cash, equity, curves[1], curves[2], flags, held[0])
    if reached < equity.shape[0] or not round_trips(m, b, held, terms, row):
        return
    if alone:
        sum_one(m, b, start_cash, max(first, 0), reached, ends, high, low, sampled, row)
    else:
        there = 0
        for t in range(max(first, 0), reached):
            there += flags[t]
        row[OUT_HELD] = there
        row[OUT_DRAWDOWN] = deepest(equity[max(first, 0) : reached], start_cash, 0.0)[1]
        for j in range(ends.shape[0]):
            sampled[j] = equity[ends[j]]
    if row[OUT_DRAWDOWN] > 0.0:
        return
    row[OUT_APART] = 0.0


KERNELS = (equity_one, value_one, book_legs, deepest, extremes, deepest_held, sum_one, round_trips, sum_up)
