"""How large an order becomes, what it costs, and what the account can carry (F6, F7, F11); see ``core``."""

from __future__ import annotations

import math

from .codes import *


def fee_of(k, maker, units, notional):  # F7: a function of the order's filled quantity and notional so far
    if units == 0:
        return 0.0
    fee = (k[K_FEE_MAKER] if maker else k[K_FEE_PCT]) * notional + k[K_FEE_SHARE] * units + k[K_FEE_FIXED]
    lower = 0.0
    for i in range(int(k[K_TIERS])):  # each tier's rate on the part of the notional that lies in it
        upper = k[N_K + 2 * i]
        if notional <= lower:
            break
        fee += (min(notional, upper) - lower) * k[N_K + 2 * i + 1]
        lower = upper
    if fee > k[K_FEE_CAP] * notional:
        fee = k[K_FEE_CAP] * notional
    if fee < k[K_FEE_MIN]:
        fee = k[K_FEE_MIN]
    if fee > k[K_FEE_MAX]:
        fee = k[K_FEE_MAX]
    return fee


def is_maker(b, o):
    """F7: limit orders pay the maker's rate, all others the taker's."""
    kind = b[0][o, I_TYPE]
    return kind == LIMIT or kind == STOP_LIMIT


def unit(m, t, s, at_open):
    """Money in the account's currency of one lot and a price of 1: lot × multiplier × exchange rate (F18)."""
    fx = m[D_FX_OPEN] if at_open else m[D_FX_CLOSE]
    one = m[D_LOT][s] * m[D_MULT][s]
    return one if fx.shape[0] == 0 else one * fx[t, s]


def moved(m, k, t, s, base, side, lots):
    """F2: the price after slippage, against the order, not clipped to the bar."""
    price = base * (1.0 + k[K_SLIP] * side) + k[K_SLIP_FIXED] * side
    if k[K_SLIP_SHARE] != 0.0:
        volume = m[D_VOLUME][t, s]
        if volume > 0.0:  # unknown volume moves nothing
            share = min(1.0, abs(lots) * m[D_LOT][s] / volume)
            price += base * k[K_SLIP_SHARE] * share * share * side
    return max(price, 0.0)


def mark(m, t, s, at_open):
    """Price of a position: this bar's open (F6), or the last close at or before ``t`` (F18)."""
    if at_open:
        p = m[D_OPEN][t, s]
        if not math.isnan(p):
            return p
        return m[D_LAST][t - 1, s] if t > 0 else p
    return m[D_LAST][t, s]


def equity_at(m, b, t, at_open):
    pos = b[3]
    total = b[4][M_CASH]
    for s in range(pos.shape[0]):
        if pos[s] != 0:
            total += pos[s] * unit(m, t, s, at_open) * mark(m, t, s, at_open)
    return total


def requirement(m, k, s, lots, price, one, part):
    """F11: what a position of ``lots`` needs: its contracts' margin, or a part of its value."""
    margin = m[D_MARGIN][s]
    if margin == margin:
        return abs(lots) * one / m[D_MULT][s] * margin * (part / k[K_INITIAL])
    return abs(lots) * one * price * part


def settled_cash(m, b, t):
    """Cash as an account statement shows it: a futures-like position costs nothing but what it gained or lost."""
    pos = b[3]
    total = b[4][M_CASH]
    for s in range(pos.shape[0]):
        if pos[s] != 0 and not math.isnan(m[D_MARGIN][s]):
            total += pos[s] * unit(m, t, s, False) * mark(m, t, s, False)
    return total


def maintenance_short(m, b, k, t):
    """How much equity lacks at the close of ``t`` to the maintenance requirement; ≤ 0 where it does not (F11)."""
    pos = b[3]
    equity = b[4][M_CASH]
    need = 0.0
    for s in range(pos.shape[0]):
        if pos[s] != 0:
            one = unit(m, t, s, False)
            p = mark(m, t, s, False)
            equity += pos[s] * one * p
            need += requirement(m, k, s, pos[s], p, one, k[K_MAINTENANCE])
    return need - equity


def lots_for(m, b, k, o, t, price, at_open):
    """Whole lots, signed, that the order asks for at ``price`` (F6)."""
    oi = b[0]
    mode = oi[o, I_SIZE]
    x = b[1][o, F_SIZE]
    s = oi[o, I_SYMBOL]
    pos = b[3]
    lot = m[D_LOT][s]
    if mode == QUANTITY:
        return oi[o, I_SIDE] * oi[o, I_QTY]
    if mode == TARGET_QUANTITY:
        whole = min(abs(x) / lot + 1e-9, MOST_LOTS)
        return (int(whole) if x >= 0 else -int(whole)) - pos[s]
    held = 0
    if mode == TARGET_VALUE or mode == TARGET_PERCENT:
        held = pos[s]
    budget = abs(x)
    if mode == PERCENT or mode == TARGET_PERCENT:
        budget *= max(0.0, equity_at(m, b, t, at_open) * (1.0 - k[K_BUFFER]))
    sign = 1 if x >= 0 else -1
    one = unit(m, t, s, at_open)
    maker = is_maker(b, o)
    hi = int(min(budget / (price * one) + 1e-9, MOST_LOTS)) if price > 0.0 else 0
    most = hi
    lo = 0
    if hi > 0:
        # the largest |Q| whose cost and fee stay within the budget
        d = abs(sign * hi - held)
        if hi * one * price + fee_of(k, maker, d * lot, d * one * price) <= budget * (1.0 + 1e-12):
            lo = hi
        else:
            if held == 0:  # what the fee's formula says is nearly always it: two looks instead of a search
                rate = k[K_FEE_MAKER] if maker else k[K_FEE_PCT]
                q = int(budget / (one * price * (1.0 + rate) + lot * k[K_FEE_SHARE]))
                if q < hi and q * one * price + fee_of(k, maker, q * lot, q * one * price) <= budget * (1.0 + 1e-12):
                    lo = q
                q = lo + 1
                if q < hi and q * one * price + fee_of(k, maker, q * lot, q * one * price) > budget * (1.0 + 1e-12):
                    hi = q
            while hi - lo > 1:
                q = (lo + hi) // 2
                d = abs(sign * q - held)
                if q * one * price + fee_of(k, maker, d * lot, d * one * price) <= budget * (1.0 + 1e-12):
                    lo = q
                else:
                    hi = q
    if mode == VALUE or mode == PERCENT:
        return oi[o, I_SIDE] * lo
    # What is held costs no fee, so with a minimum fee it can be the most where a little less is not.
    if lo < sign * held <= most and sign * held * one * price <= budget * (1.0 + 1e-12):
        lo = sign * held
    return sign * lo - held


def increase_of(p, lots):
    """The part of ``lots`` that adds exposure to a position of ``p`` lots."""
    if p == 0 or (p > 0) == (lots > 0):
        return abs(lots)
    return max(0, abs(lots) - abs(p))


def reduces(p, lots):
    """Whether ``lots`` only takes from a position of ``p``; by signs, as a product can overflow."""
    return p != 0 and lots != 0 and (p > 0) != (lots > 0) and abs(lots) <= abs(p)


def affordable(m, b, k, o, t, lots, price, at_open):
    """Largest part of ``lots`` (same sign) whose initial requirement stays within equity (F6, F11)."""
    oi = b[0]
    of = b[1]
    pos = b[3]
    s = oi[o, I_SYMBOL]
    lot = m[D_LOT][s]
    own = unit(m, t, s, at_open)
    equity = b[4][M_CASH] + pos[s] * own * price
    needed = 0.0
    for j in range(pos.shape[0]):
        if j != s and pos[j] != 0:
            one = unit(m, t, j, at_open)
            p = mark(m, t, j, at_open)
            equity += pos[j] * one * p
            needed += requirement(m, k, j, pos[j], p, one, k[K_INITIAL])
    equity *= 1.0 - k[K_RESERVE]
    sign = 1 if lots > 0 else -1
    free = abs(lots) - increase_of(pos[s], lots)  # reductions are never refused
    maker = is_maker(b, o)
    lo = free
    hi = abs(lots)
    slack = 1e-9 * max(1.0, abs(equity))
    q = hi
    while True:
        new = pos[s] + sign * q
        filled = oi[o, I_FILLED] + q
        fee = fee_of(k, maker, filled * lot, of[o, F_NOTIONAL] + q * own * price) - of[o, F_FEE]
        if needed + requirement(m, k, s, new, price, own, k[K_INITIAL]) <= equity - fee + slack:
            lo = q
        else:
            hi = q
        if hi - lo <= 1:
            return sign * lo
        q = (lo + hi) // 2


def on_tick(price, tick, up):
    """F7: an order's price on the grid of ticks (0: none), away from what was asked where it must."""
    if tick == 0.0 or price != price:
        return price
    steps = price / tick
    whole = 1.0 * (math.ceil(steps - 1e-9) if up else math.floor(steps + 1e-9))  # a product of integers can overflow
    scale = 1.0
    for _ in range(11):  # 0.03 is no binary fraction: three times a whole number, by a hundred, is the nearest one
        part = 1.0 * math.floor(tick * scale + 0.5)
        if abs(tick * scale - part) < 1e-9 * part:
            return whole * part / scale
        scale *= 10.0
    return whole * tick


KERNELS = (
    fee_of, is_maker, unit, moved, on_tick, mark, equity_at, requirement, settled_cash, maintenance_short, lots_for,
    increase_of, reduces, affordable,
)  # fmt: skip
