"""How large an order becomes, what it costs, and what the account can carry (F6, F7, F11); see ``core``."""

from __future__ import annotations

import math

from .codes import *


def fee_of(k, lots, lot, notional):  # F7: a function of the order's filled quantity and notional so far
    if lots == 0:
        return 0.0
    fee = k[K_FEE_PCT] * notional + k[K_FEE_SHARE] * lots * lot
    if fee < k[K_FEE_MIN]:
        fee = k[K_FEE_MIN]
    if fee > k[K_FEE_MAX]:
        fee = k[K_FEE_MAX]
    return fee


def mark(m, t, s, at_open):
    """Price of a position: this bar's open (F6), or the last close at or before ``t`` (F18)."""
    if at_open:
        p = m[0][t, s]
        if not math.isnan(p):
            return p
        return m[4][t - 1, s] if t > 0 else p
    return m[4][t, s]


def equity_at(m, b, t, at_open):
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    total = cash[0]
    for s in range(pos.shape[0]):
        if pos[s] != 0:
            total += pos[s] * m[10][s] * mark(m, t, s, at_open)
    return total


def lots_for(m, b, k, o, t, price, at_open):
    """Whole lots, signed, that the order asks for at ``price`` (F6)."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    mode = oi[o, I_SIZE]
    x = of[o, F_SIZE]
    s = oi[o, I_SYMBOL]
    lot = m[10][s]
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
    hi = int(min(budget / (price * lot) + 1e-9, MOST_LOTS))
    most = hi
    lo = 0
    if hi > 0:
        # the largest |Q| whose cost and fee stay within the budget
        d = abs(sign * hi - held)
        if hi * lot * price + fee_of(k, d, lot, d * lot * price) <= budget * (1.0 + 1e-12):
            lo = hi
        else:
            if held == 0:  # what the fee's formula says is nearly always it: two looks instead of a search
                q = int(budget / (lot * (price * (1.0 + k[K_FEE_PCT]) + k[K_FEE_SHARE])))
                if q < hi and q * lot * price + fee_of(k, q, lot, q * lot * price) <= budget * (1.0 + 1e-12):
                    lo = q
                q = lo + 1
                if q < hi and q * lot * price + fee_of(k, q, lot, q * lot * price) > budget * (1.0 + 1e-12):
                    hi = q
            while hi - lo > 1:
                q = (lo + hi) // 2
                d = abs(sign * q - held)
                if q * lot * price + fee_of(k, d, lot, d * lot * price) <= budget * (1.0 + 1e-12):
                    lo = q
                else:
                    hi = q
    if mode == VALUE or mode == PERCENT:
        return oi[o, I_SIDE] * lo
    # What is held costs no fee, so with a minimum fee it can be the most where a little less is not.
    if lo < sign * held <= most and sign * held * lot * price <= budget * (1.0 + 1e-12):
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
    """Largest part of ``lots`` (same sign) that keeps gross exposure within equity (F6, F11, leverage 1)."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    s = oi[o, I_SYMBOL]
    lot = m[10][s]
    equity = cash[0] + pos[s] * lot * price
    gross = 0.0
    for j in range(pos.shape[0]):
        if j != s and pos[j] != 0:
            v = pos[j] * m[10][j] * mark(m, t, j, at_open)
            equity += v
            gross += abs(v)
    equity *= 1.0 - k[K_BUFFER]
    sign = 1 if lots > 0 else -1
    free = abs(lots) - increase_of(pos[s], lots)  # reductions are never refused
    lo = free
    hi = abs(lots)
    slack = 1e-9 * max(1.0, abs(equity))
    q = hi
    while True:
        new = pos[s] + sign * q
        filled = oi[o, I_FILLED] + q
        fee = fee_of(k, filled, lot, of[o, F_NOTIONAL] + q * lot * price) - of[o, F_FEE]
        if gross + abs(new) * lot * price <= equity - fee + slack:
            lo = q
        else:
            hi = q
        if hi - lo <= 1:
            return sign * lo
        q = (lo + hi) // 2


KERNELS = (
    fee_of, mark, equity_at, lots_for, increase_of, reduces, affordable,
)  # fmt: skip
