"""Finer bars decide what one bar leaves open: which of a bracket's prices came first (F3, F15); see ``core``."""

from __future__ import annotations

import math

from .codes import *
from .core_booking import execute, flag_last


def passed(k, high, low, limit, buy):
    """F4 inside a bar: the range went through the limit (``touch``: reached it)."""
    if buy:
        return low < limit or (k[K_TOUCH] != 0.0 and low <= limit)
    return high > limit or (k[K_TOUCH] != 0.0 and high >= limit)


def race(m, k, long, stop, limit, first, last):
    """Who fills first over fine rows ``first … last − 1``, and at which price: 1 the stop, 2 the target.

    3: both in one fine bar, 0: neither. A price that is NaN does not take part.
    """
    rows = m[D_FINE]
    for r in range(first, last):
        p = rows[r, 0]
        if p <= stop if long else p >= stop:
            return 1, p
        if passed(k, p, p, limit, not long):
            return 2, p
        stopped = rows[r, 2] <= stop if long else rows[r, 1] >= stop
        reached = passed(k, rows[r, 1], rows[r, 2], limit, not long)
        if stopped and reached:
            return 3, stop
        if stopped:
            return 1, stop
        if reached:
            return 2, limit
    return 0, math.nan


def race_of(m, b, k, o, target, t):
    """F3: stop ``o`` against ``target`` inside bar ``t``; 0 where there are no finer bars."""
    oi = b[0]
    s = oi[o, I_SYMBOL]
    if m[D_FINE_FIRST].shape[0] == 0:
        return 0, math.nan
    first = m[D_FINE_FIRST][t, s]
    return race(m, k, oi[o, I_SIDE] < 0, b[1][o, F_STOP], b[1][target, F_LIMIT], first, m[D_FINE_LAST][t, s])


def entry_bar_by_fine(m, b, k, parent, t):
    """F15 with finer bars: children work from the fine bar of the entry on. False where it cannot be told."""
    oi = b[0]
    of = b[1]
    s = oi[parent, I_SYMBOL]
    kind = oi[parent, I_TYPE]
    if m[D_FINE_FIRST].shape[0] == 0 or (kind != LIMIT and kind != STOP):
        return False
    first = m[D_FINE_FIRST][t, s]
    last = m[D_FINE_LAST][t, s]
    rows = m[D_FINE]
    long = oi[parent, I_SIDE] > 0
    price = of[parent, F_LIMIT] if kind == LIMIT else of[parent, F_STOP]
    e = first
    while e < last:
        if kind == LIMIT:
            if passed(k, rows[e, 1], rows[e, 2], price, long):
                break
        elif rows[e, 1] >= price if long else rows[e, 2] <= price:
            break
        e += 1
    if e == last:
        return False
    sl = oi[parent, I_SL]
    tp = oi[parent, I_TP]
    stop = math.nan
    limit = math.nan
    if sl >= 0 and oi[sl, I_STATE] == WORKING:
        stop = of[sl, F_STOP]
    if tp >= 0 and oi[tp, I_STATE] == WORKING:
        limit = of[tp, F_LIMIT]
    p = rows[e, 0]
    if kind == LIMIT:
        opened = passed(k, p, p, price, long)
    else:
        opened = p >= price if long else p <= price
    which = 0
    unsure = False
    if not opened:  # the rest of the entry's own fine bar: what F15 says of a bar
        close = rows[e, 3]
        stopped = rows[e, 2] <= stop if long else rows[e, 1] >= stop
        reached = passed(k, rows[e, 1], rows[e, 2], limit, not long)
        if stop >= price if long else stop <= price:  # at or beyond the entry's price: triggered as the entry fills
            stop = price
            stopped = True
            close = price
        elif limit < price if long else limit > price:  # bettered by the entry's price, which it gets
            limit = price
            reached = True
            stopped = False
            kind = STOP
        beyond = close <= stop if long else close >= stop
        if stopped and (kind == LIMIT or beyond or k[K_ENTRY_BAR] == ENTRY_PESSIMISTIC):
            which = 1
            unsure = kind != LIMIT and not beyond
        elif reached and (kind == STOP or (close > limit if long else close < limit)):
            which = 2
        if unsure or (which == 0 and (stopped or reached)):
            b[9][S_AMBIGUOUS_ENTRY] += 1
            flag_last(b, FLAG_AMBIGUOUS_ENTRY)
        e += 1
        base = stop if which == 1 else limit
        both = stopped and reached and which == 1
    else:
        base = math.nan
        both = False
    if which == 0:
        which, base = race(m, k, long, stop, limit, e, last)
        both = which == 3
        which = 1 if both else which
    if which == 0:
        return True
    child = sl if which == 1 else tp
    oi[child, I_TRIGGERED] = 1
    done = execute(m, b, k, child, t, base, which == 1, R_DETAIL, PH_INSIDE)
    if done and both:
        flag_last(b, FLAG_AMBIGUOUS)
        b[9][S_AMBIGUOUS] += 1
    else:
        b[9][S_RESOLVED] += 1
    return True


KERNELS = (passed, race, race_of, entry_bar_by_fine)
