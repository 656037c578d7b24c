"""A bar as one pass over the order list: each order has its whole chance in the bar at its turn; see ``core``.

This is how the engines work that profiles stand for, where the default has phases (F0). What an order does at its turn
is each profile's own.
"""

from __future__ import annotations

import math

from .codes import *
from .core_booking import execute
from .core_closings import entry_turn
from .core_fine import passed
from .core_inside import inside_stop
from .core_matching import after_orders, at_open, before_orders, fill_at_open
from .core_orders import compact, finish, is_limit_now, to_end, to_front, works
from .core_queue import queue_bar


def has_turn(m, b, o, t, late):
    """Whether order ``o`` has a turn in this pass; ``late``: also orders that were submitted at this bar's close."""
    oi = b[0]
    if oi[o, I_STATE] != WORKING or oi[o, I_PASS] >= b[9][S_PASS]:
        return False
    if late and oi[o, I_LEFT] <= 0 and not math.isnan(m[D_CLOSE][t, oi[o, I_SYMBOL]]):
        return True
    return works(m, b, o, t)


def plain_turn(m, b, k, o, t):
    """``bar_order="in_turn"``: what the phases (F0) would do with order ``o``, all of it at its turn.

    What has come to work in this bar, a bracket's child or a stop-limit that was triggered, waits for the next.
    """
    oi = b[0]
    s = oi[o, I_SYMBOL]
    kind = oi[o, I_TYPE]
    if oi[o, I_ACTIVE_BAR] == t:
        return
    if kind == MOC:
        if m[D_SESSION_END][t, s] != 0:
            execute(m, b, k, o, t, m[D_CLOSE][t, s], True, R_MOC, PH_CLOSE)
        return
    what = at_open(m, b, k, o, t)
    if what != 0:
        fill_at_open(m, b, k, o, t, what)
    elif oi[o, I_TIF] >= IOC:  # F17: the open alone
        return
    elif is_limit_now(oi, o):
        limit = b[1][o, F_LIMIT]
        if passed(k, m[D_HIGH][t, s], m[D_LOW][t, s], limit, oi[o, I_SIDE] > 0):
            execute(m, b, k, o, t, limit, False, R_LIMIT, PH_INSIDE)
    else:
        inside_stop(m, b, k, o, t)


def turn(m, b, k, o, t):
    """The whole chance of order ``o`` in bar ``t``; True if the list must be gone through once more."""
    if k[K_ORDER] == ORDER_CLOSINGS:
        return entry_turn(m, b, k, o, t)
    plain_turn(m, b, k, o, t)
    return False


def line_up(b):
    """Put the children that this pass has woken in their places: stops in front, the last first, others at the end."""
    oi = b[0]
    active = b[2]
    reg = b[9]
    for a in range(reg[S_ACTIVE]):
        o = active[a]
        if oi[o, I_STATE] == WORKING and oi[o, I_PASS] == reg[S_PASS] and oi[o, I_ROLE] == STOP_LOSS:
            to_front(b, a)
    a = 0
    for _ in range(reg[S_ACTIVE]):
        o = active[a]
        if oi[o, I_STATE] == WORKING and oi[o, I_PASS] == reg[S_PASS] and oi[o, I_ROLE] != STOP_LOSS:
            to_end(b, a)
        else:
            a += 1


def turns(m, b, k, t, late):
    """Process the orders of bar ``t`` in turn, again where a profile asks for it."""
    oi = b[0]
    active = b[2]
    reg = b[9]
    again = True
    while again:
        again = False
        reg[S_PASS] += 1
        for a in range(reg[S_ACTIVE]):
            o = active[a]
            if has_turn(m, b, o, t, late) and turn(m, b, k, o, t):
                again = True
        if k[K_ORDER] == ORDER_CLOSINGS:
            line_up(b)
    for a in range(reg[S_ACTIVE]):  # F17: the first bar was all that these had
        o = active[a]
        if oi[o, I_TIF] >= IOC and works(m, b, o, t):
            finish(b, t, o, EXPIRED, IMMEDIATE, PH_CLOSE)


def step_by_turns(m, b, k, t):
    """``step`` where a bar is a pass over the order list; apart, so that only runs that need it compile it."""
    if k[K_ORDER] == ORDER_SUBMISSION:
        queue_bar(m, b, k, t)
        compact(b)
        return
    before_orders(m, b, k, t)
    turns(m, b, k, t, False)
    after_orders(m, b, k, t)


KERNELS = (has_turn, plain_turn, turn, line_up, turns, step_by_turns)
