"""One pass with closing orders in front: an order's turn where trades belong to entry orders; see ``core_turns``.

An entry closes what is against it, first in, first out, and only then must be payable from the free margin; its bracket
closes its own trade alone.
"""

from __future__ import annotations

import math

from .codes import *
from .core_booking import book, close_children, end_partners, settle
from .core_entries import end_children, free_margin, lots_of_entry
from .core_fine import passed
from .core_orders import finish, log_event
from .core_sizing import fee_of, is_maker, lots_for, moved, reduces, unit


def price_at_turn(m, b, k, o, t):
    """Rule and price of an order in bar ``t``, rule 0 where it does nothing, and the stop that the bar has reached."""
    oi = b[0]
    of = b[1]
    s = oi[o, I_SYMBOL]
    kind = oi[o, I_TYPE]
    buy = oi[o, I_SIDE] > 0
    first = m[D_OPEN][t, s]
    high = m[D_HIGH][t, s]
    low = m[D_LOW][t, s]
    stop = math.nan
    if kind == MOC:
        return R_NONE, first, stop
    if (kind == STOP or kind == TRAIL or kind == STOP_LIMIT) and oi[o, I_TRIGGERED] == 0:
        stop = of[o, F_STOP]
        if high < stop if buy else low > stop:
            return R_NONE, first, stop
        oi[o, I_TRIGGERED] = 1
        if kind == STOP_LIMIT:
            log_event(b, t, o, TRIGGERED, NONE, R_STOP, 0, PH_INSIDE)
    if kind == LIMIT or kind == STOP_LIMIT:
        limit = of[o, F_LIMIT]
        if not passed(k, high, low, limit, buy):
            return R_NONE, first, stop
        if stop == stop:  # both in one bar: taken as the limit before the stop unless it lies beyond
            if limit <= stop if buy else limit >= stop:
                return R_NONE, first, stop
            return R_SL_STOP, stop, stop
        if first <= limit if buy else first >= limit:
            return R_LIMIT_OPEN, first, stop
        return R_LIMIT, limit, stop
    if stop == stop:
        if first >= stop if buy else first <= stop:
            return (R_TRAIL_OPEN if kind == TRAIL else R_STOP_OPEN), first, stop
        return (R_TRAIL if kind == TRAIL else R_STOP), stop, stop
    if oi[o, I_ROLE] == TIMEOUT:
        return R_TIMEOUT, first, stop
    return (R_LIQUIDATION if oi[o, I_ROLE] == LIQUIDATE else R_OPEN), first, stop


def booked(m, b, k, o, t, lots, base, slip, rule, phase, entry):
    """``book``, which is copied into its callers, once for all of this module."""
    return book(m, b, k, o, t, lots, base, slip, rule, phase, entry)


def settled(m, b, o, t, s, n, opened, price, side, rule, phase):
    """``settle``, likewise."""
    settle(m, b, o, t, s, n, opened, price, side, rule, phase)


def close_own(m, b, k, o, t, rule, base, phase):
    """A bracket's order, or one of the account, closes its trade, or what is against it."""
    oi = b[0]
    s = oi[o, I_SYMBOL]
    own = oi[o, I_PARENT]
    side = oi[o, I_SIDE]
    there = lots_of_entry(b, own) if own >= 0 else b[3][s]
    if there == 0 or (there > 0) == (side > 0):
        finish(b, t, o, CANCELLED, POSITION_CLOSED, phase)
        return
    n = min(abs(there), oi[o, I_QTY] - oi[o, I_FILLED])
    oi[o, I_QTY] = oi[o, I_FILLED] + n
    slip = oi[o, I_TYPE] != LIMIT
    price = booked(m, b, k, o, t, side * n, base, slip, rule, phase, own)
    settled(m, b, o, t, s, n, 0, price, side, rule, phase)


def size_at_turn(m, b, k, o, t, price, each):
    """Whole lots, signed, of an order at its turn; a percent order takes what a lot costs from the free margin."""
    oi = b[0]
    if oi[o, I_SIZED] != 0:
        return oi[o, I_SIDE] * oi[o, I_QTY]
    if oi[o, I_SIZE] != PERCENT:
        return lots_for(m, b, k, o, t, price, True)
    part = min(b[1][o, F_SIZE], MOST_OF_MARGIN)
    if part <= 0.0 or each <= 0.0:  # slippage can take a price to 0
        return 0
    budget = free_margin(m, b, k, t) * (1.0 / k[K_INITIAL]) * part
    return oi[o, I_SIDE] * int(min(budget // each, MOST_LOTS))


def lot_price(m, b, k, o, t, base, price, n):
    """What a lot costs with the fee of an order of ``n`` lots, or of the part ``n`` of the free margin."""
    s = b[0][o, I_SYMBOL]
    one = unit(m, t, s, True)
    return price * one + fee_of(k, is_maker(b, o), n * m[D_LOT][s], n * one * base) / n


def entry_turn(m, b, k, o, t):
    """The whole chance of order ``o`` in bar ``t``; True if its new bracket may still act in this bar."""
    oi = b[0]
    of = b[1]
    pos = b[3]
    s = oi[o, I_SYMBOL]
    rule, base, stop = price_at_turn(m, b, k, o, t)
    if rule == R_NONE:
        return False
    inside = rule == R_STOP or rule == R_TRAIL or rule == R_LIMIT or rule == R_SL_STOP
    phase = PH_INSIDE if inside else PH_OPEN
    if oi[o, I_ROLE] != PLAIN:
        close_own(m, b, k, o, t, rule, base, phase)
        return False
    slip = rule == R_OPEN or rule == R_STOP or rule == R_STOP_OPEN
    mode = oi[o, I_SIZE]
    part = 1.0
    if oi[o, I_SIZED] != 0:
        part = float(oi[o, I_QTY])
    elif mode == PERCENT and of[o, F_SIZE] > 0.0:
        part = min(of[o, F_SIZE], MOST_OF_MARGIN)
    side = oi[o, I_SIDE]
    price = moved(m, k, t, s, base, side, 1) if slip else base
    each = lot_price(m, b, k, o, t, base, price, part)
    lots = size_at_turn(m, b, k, o, t, price, each)
    if lots == 0:
        short = TARGET_REACHED if mode >= TARGET_QUANTITY else (NO_FUNDS_AT_FILL if mode == PERCENT else TOO_SMALL)
        finish(b, t, o, CANCELLED, short, phase)
        return False
    side = 1 if lots > 0 else -1
    if oi[o, I_BAR] == t and rule == R_OPEN and reduces(pos[s], lots):
        rule = R_END
    oi[o, I_SIDE] = side
    oi[o, I_QTY] = abs(lots)
    oi[o, I_SIZED] = 1
    closing = 0
    if pos[s] != 0 and (pos[s] > 0) != (lots > 0):
        closing = min(abs(lots), abs(pos[s]))
    opening = abs(lots) - closing
    if closing > 0:
        price = booked(m, b, k, o, t, side * closing, base, slip, rule, phase, -1)
        if opening > 0:
            log_event(b, t, o, PARTIAL, NONE, rule, closing, phase)
    if opening == 0:
        end_children(b, t, o, -1, POSITION_CLOSED, phase)
        settled(m, b, o, t, s, closing, 0, price, side, rule, phase)
        return False
    if opening * each > free_margin(m, b, k, t) * (1.0 / k[K_INITIAL]):
        finish(b, t, o, CANCELLED, NO_FUNDS_AT_FILL, phase)
        end_children(b, t, o, -1, PARENT_CANCELLED, phase)
        if closing > 0:  # it has filled in part
            end_partners(b, t, o, phase)
            close_children(b, t, s, o, phase)
        return False
    price = booked(m, b, k, o, t, side * opening, base, slip, rule, phase, -1)
    settled(m, b, o, t, s, opening, opening, price, side, rule, phase)
    for c in (oi[o, I_SL], oi[o, I_TP], oi[o, I_TO]):
        if c >= 0 and oi[c, I_STATE] == WORKING:
            oi[c, I_PASS] = b[9][S_PASS]
    return acts_again(m, b, o, t, rule)


def acts_again(m, b, o, t, rule):
    """F15: whether the bracket of an entry may fill in the bar of its entry.

    It may after a market order, and after a stop whose bar also holds the target and not the bracket's stop.
    """
    oi = b[0]
    of = b[1]
    sl = oi[o, I_SL]
    tp = oi[o, I_TP]
    if sl < 0 and tp < 0:
        return False
    if rule == R_OPEN:
        return True
    if tp < 0 or (rule != R_STOP and rule != R_STOP_OPEN):
        return False
    s = oi[o, I_SYMBOL]
    if oi[o, I_SIDE] > 0:
        return of[tp, F_LIMIT] <= m[D_HIGH][t, s] and (sl < 0 or of[sl, F_STOP] < m[D_LOW][t, s])
    return of[tp, F_LIMIT] >= m[D_LOW][t, s] and (sl < 0 or of[sl, F_STOP] > m[D_HIGH][t, s])


KERNELS = (price_at_turn, booked, settled, close_own, size_at_turn, lot_price, acts_again, entry_turn)
