"""The life of an order: where it stands, when it works, how it ends; see ``core``."""

from __future__ import annotations

import math

from .codes import *


def log_event(b, t, o, state, reason, rule, lots, phase):
    ev = b[8]
    n = b[9][S_EVENTS]
    ev[n, E_BAR] = t
    ev[n, E_ORDER] = o
    ev[n, E_STATE] = state
    ev[n, E_REASON] = reason
    ev[n, E_RULE] = rule
    ev[n, E_LOTS] = lots
    ev[n, E_PHASE] = phase
    b[9][S_EVENTS] = n + 1


def end_order(b, t, o, state, reason, phase):
    """Give an order its last state, and nothing else."""
    oi = b[0]
    oi[o, I_STATE] = state
    oi[o, I_REASON] = reason
    oi[o, I_DONE_BAR] = t
    log_event(b, t, o, state, reason, R_NONE, oi[o, I_QTY] - oi[o, I_FILLED], phase)


def finish(b, t, o, state, reason, phase):
    """Give an order its last state; the children of an entry that never filled end with it."""
    oi = b[0]
    end_order(b, t, o, state, reason, phase)
    if oi[o, I_FILLED] == 0:
        for c in (oi[o, I_SL], oi[o, I_TP], oi[o, I_TO]):
            if c >= 0 and oi[c, I_STATE] == WAITING:
                oi[c, I_STATE] = CANCELLED
                oi[c, I_REASON] = PARENT_CANCELLED
                oi[c, I_DONE_BAR] = t
                log_event(b, t, c, CANCELLED, PARENT_CANCELLED, R_NONE, 0, phase)


def size_at_decision(b, t, o, lots):
    """An order sized as it is submitted, to ``lots`` (signed). False where these are none: it ends."""
    oi = b[0]
    if lots == 0:
        finish(b, t, o, CANCELLED, TARGET_REACHED if oi[o, I_SIZE] >= TARGET_QUANTITY else TOO_SMALL, PH_CLOSE)
        return False
    oi[o, I_SIDE] = 1 if lots > 0 else -1
    oi[o, I_QTY] = abs(lots)
    oi[o, I_SIZED] = 1
    return True


def works(m, b, o, t):
    """F1: an order works from the first bar of its own symbol that opens at or after the decision."""
    oi = b[0]
    if oi[o, I_STATE] != WORKING or oi[o, I_LEFT] > 0:
        return False
    s = oi[o, I_SYMBOL]
    if math.isnan(m[D_CLOSE][t, s]) or t < m[D_LISTED][s]:
        return False
    d = oi[o, I_BAR]
    return d < 0 or m[D_OPEN_TIME][t, s] >= m[D_TIME][d]


def is_limit_now(oi, o):
    return oi[o, I_TYPE] == LIMIT or (oi[o, I_TYPE] == STOP_LIMIT and oi[o, I_TRIGGERED] != 0)


def compact(b):
    oi = b[0]
    active = b[2]
    n = 0
    for a in range(b[9][S_ACTIVE]):
        o = active[a]
        if oi[o, I_STATE] == WORKING or oi[o, I_STATE] == WAITING:
            active[n] = o
            n += 1
    b[9][S_ACTIVE] = n


def to_front(b, a):
    """Take the order at place ``a`` of the list to its front; those before it move back by one."""
    active = b[2]
    o = active[a]
    for i in range(a, 0, -1):
        active[i] = active[i - 1]
    active[0] = o


def to_end(b, a):
    """Take the order at place ``a`` of the list to its end."""
    active = b[2]
    o = active[a]
    last = b[9][S_ACTIVE] - 1
    for i in range(a, last):
        active[i] = active[i + 1]
    active[last] = o


KERNELS = (log_event, end_order, finish, size_at_decision, works, is_limit_now, compact, to_front, to_end)
