"""A bar as one pass over the order list: each order has its whole chance in the bar at its turn; see ``core``.

This is how the engines work that profiles stand for, where the default has phases (F0). What an order does at its turn
is each profile's own.
"""

from __future__ import annotations

import math

from .codes import *
from .core_closings import entry_turn
from .core_orders import finish, to_end, to_front, works


def has_turn(m, b, o, t, late):
    """Whether order ``o`` has a turn in this pass; ``late``: also orders that were submitted at this bar's close."""
    oi = b[0]
    if oi[o, I_STATE] != WORKING or oi[o, I_PASS] >= b[9][S_PASS]:
        return False
    if late and oi[o, I_LEFT] <= 0 and not math.isnan(m[D_CLOSE][t, oi[o, I_SYMBOL]]):
        return True
    return works(m, b, o, t)


def turn(m, b, k, o, t):
    """The whole chance of order ``o`` in bar ``t``; True if the list must be gone through once more."""
    if k[K_ORDER] == ORDER_CLOSINGS:
        return entry_turn(m, b, k, o, t)
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


KERNELS = (has_turn, turn, line_up, turns)
