"""A bar as one queue of orders in which cash must last, ``bar_order="submission"``: the profile ``backtrader``.

See ``core``. Orders are taken one by one, as submitted, each from the open to the close of the bar. ``I_FLAGS`` is 0
until an order was looked at, at the first bar after its submission. ``M_REALISED`` is cash as that engine counts it:
shares cost their price, a contract costs its margin and its gains are paid at each close. It is added up in that
engine's order, so that a cash of exactly zero is one on both sides. The cost basis of a symbol is its average price
here, of a contract the price at which it was last settled.
"""

from __future__ import annotations

import math

from .codes import *
from .core_booking import set_level
from .core_orders import compact, end_order, log_event
from .core_queue_cash import (
    queue_alive,
    queue_check,
    queue_end_bracket,
    queue_end_group,
    queue_fill,
    queue_settle,
    queue_size,
)


def queue_withdraw(b, t, o):
    """The strategy cancels an order: its group and its bracket end with it. False before the broker has it."""
    oi = b[0]
    if not queue_alive(oi, o) or oi[o, I_FLAGS] == 0:
        return False
    end_order(b, t, o, CANCELLED, BY_STRATEGY, PH_CLOSE)
    queue_end_group(b, t, o, PH_CLOSE, OCO)
    queue_end_bracket(b, t, o, PH_CLOSE, OCO)
    return True


def queue_accept(m, b, k, first, last, t):
    """Put orders ``first … last − 1``, submitted at the decision of bar ``t``, at the end of the queue."""
    oi = b[0]
    of = b[1]
    active = b[2]
    reg = b[9]
    if t >= 0:
        queue_settle(m, b, t)  # sizes are of the account's value now
    for o in range(first, last):
        if not queue_alive(oi, o):
            continue
        s = oi[o, I_SYMBOL]
        if oi[o, I_SIZE] == QUANTITY and oi[o, I_QTY] == 0 and oi[o, I_PARENT] < 0:
            end_order(b, t, o, REJECTED, TOO_SMALL, PH_CLOSE)
            queue_end_bracket(b, t, o, PH_CLOSE, OCO)
            continue
        if oi[o, I_STATE] == WORKING and not queue_size(m, b, o, t):
            continue
        if oi[o, I_TYPE] == TRAIL:  # a bracket's too: from the decision's close
            of[o, F_EXTREME] = m[D_LAST][t, s]
            set_level(of, o, oi[o, I_SIDE], m[D_TICK][s])
        oi[o, I_SEEN] = t
        active[reg[S_ACTIVE]] = o
        reg[S_ACTIVE] += 1
        log_event(b, t, o, oi[o, I_STATE], NONE, R_NONE, oi[o, I_QTY], PH_CLOSE)
    compact(b)


def queue_moved(k, base, side, bound):
    """The price after slippage, no further than ``bound``: the end of the bar, or a limit."""
    if k[K_SLIP] != 0.0:
        price = base * (1.0 + side * k[K_SLIP])
    elif k[K_SLIP_FIXED] != 0.0:
        price = base + side * k[K_SLIP_FIXED]
    else:
        return base
    if (price > bound) if side > 0 else (price < bound):
        return bound
    return price


def queue_limit(m, b, k, o, t, j, at):
    """A limit: at the open where that is as good, else at the limit where the range touches it."""
    side = oi_side = b[0][o, I_SIDE]
    s = b[0][o, I_SYMBOL]
    limit = b[1][o, F_LIMIT]
    p = m[D_OPEN][j, s]
    if (p <= limit) if side > 0 else (p >= limit):
        bound = min(m[D_HIGH][j, s], limit) if side > 0 else limit
        queue_fill(m, b, k, o, t, p, queue_moved(k, p, oi_side, bound), R_LIMIT_OPEN, at)
    elif (m[D_LOW][j, s] <= limit) if side > 0 else (m[D_HIGH][j, s] >= limit):
        queue_fill(m, b, k, o, t, limit, limit, R_LIMIT, PH_INSIDE)


def queue_stop(m, b, k, o, t, j, at):
    """A stop, a trailing stop or an untriggered stop-limit."""
    oi = b[0]
    of = b[1]
    s = oi[o, I_SYMBOL]
    side = oi[o, I_SIDE]
    stop = of[o, F_STOP]
    p = m[D_OPEN][j, s]
    bound = m[D_HIGH][j, s] if side > 0 else m[D_LOW][j, s]
    kind = oi[o, I_TYPE]
    if (p >= stop) if side > 0 else (p <= stop):
        oi[o, I_TRIGGERED] = 1
        if kind == STOP_LIMIT:
            log_event(b, t, o, TRIGGERED, NONE, R_STOP_OPEN, 0, at)
            queue_limit(m, b, k, o, t, j, at)
            return
        rule = R_TRAIL_OPEN if kind == TRAIL else R_STOP_OPEN
        queue_fill(m, b, k, o, t, p, queue_moved(k, p, side, bound), rule, at)
        return
    if (bound < stop) if side > 0 else (bound > stop):
        return
    oi[o, I_TRIGGERED] = 1
    if kind != STOP_LIMIT:
        rule = R_TRAIL if kind == TRAIL else R_STOP
        queue_fill(m, b, k, o, t, stop, queue_moved(k, stop, side, bound), rule, PH_INSIDE)
        return
    log_event(b, t, o, TRIGGERED, NONE, R_STOP, 0, PH_INSIDE)
    limit = of[o, F_LIMIT]
    close = m[D_CLOSE][j, s]
    if (limit >= stop) if side > 0 else (limit <= stop):
        queue_fill(m, b, k, o, t, stop, queue_moved(k, stop, side, bound), R_SL_STOP, PH_INSIDE)
    # a bar that came back: a falling one has passed a buyer's limit again if it closed at or below it
    elif (p > close and limit >= close) if side > 0 else (p <= close and limit <= close):
        queue_fill(m, b, k, o, t, limit, limit, R_SL_LIMIT, PH_INSIDE)


def queue_last_bar(m, s, t):
    """The symbol's last bar at or before ``t``, against which its orders are matched; −1 before its first."""
    j = t
    while j >= 0 and math.isnan(m[D_CLOSE][j, s]):
        j -= 1
    return j


def queue_trail(m, b, o, close):
    """A trailing level follows the closes, never back."""
    of = b[1]
    side = b[0][o, I_SIDE]
    extreme = of[o, F_EXTREME]
    if not (extreme == extreme) or ((close < extreme) if side > 0 else (close > extreme)):
        of[o, F_EXTREME] = close
        set_level(of, o, side, m[D_TICK][b[0][o, I_SYMBOL]])


def queue_at_close(m, b, k, o, t, j):
    """The close of the decision's session, as it was last seen; after it the first close of the next session."""
    oi = b[0]
    of = b[1]
    s = oi[o, I_SYMBOL]
    close = m[D_CLOSE][j, s]
    d = queue_last_bar(m, s, oi[o, I_BAR])
    if j <= d or (m[D_SESSION][j, s] == m[D_SESSION][d, s] and m[D_SESSION_END][j, s] == 0):
        of[o, F_EXTREME] = close
        return
    if m[D_SESSION][j, s] != m[D_SESSION][d, s] and of[o, F_EXTREME] == of[o, F_EXTREME]:
        close = of[o, F_EXTREME]
    queue_fill(m, b, k, o, t, close, close, R_MOC, PH_CLOSE)


def queue_try(m, b, k, o, t):
    """Match one order with the bar."""
    oi = b[0]
    s = oi[o, I_SYMBOL]
    side = oi[o, I_SIDE]
    kind = oi[o, I_TYPE]
    j = queue_last_bar(m, s, t)
    if j < 0:
        return
    at = PH_OPEN if j == t else PH_INSIDE
    if kind == MARKET:
        if j > oi[o, I_BAR]:  # only a new bar of its own symbol
            p = m[D_OPEN][j, s]
            bound = m[D_HIGH][j, s] if side > 0 else m[D_LOW][j, s]
            queue_fill(m, b, k, o, t, p, queue_moved(k, p, side, bound), R_OPEN, at)
    elif kind == MOC:
        queue_at_close(m, b, k, o, t, j)
    elif kind == LIMIT or (kind == STOP_LIMIT and oi[o, I_TRIGGERED] != 0):
        queue_limit(m, b, k, o, t, j, at)
    else:
        queue_stop(m, b, k, o, t, j, at)
        if kind == TRAIL and oi[o, I_STATE] == WORKING:
            queue_trail(m, b, o, m[D_CLOSE][j, s])


def queue_bar(m, b, k, t):
    """All of a bar: what is new is looked at, then every order is matched, in order of submission."""
    oi = b[0]
    active = b[2]
    if t > 0:
        queue_settle(m, b, t - 1)  # bars without an order went by
    queue_check(m, b, k, t)
    for a in range(b[9][S_ACTIVE]):
        o = active[a]
        if oi[o, I_STATE] == WORKING and oi[o, I_FLAGS] != 0 and oi[o, I_ACTIVE_BAR] < t:
            queue_try(m, b, k, o, t)
            if oi[o, I_STATE] == WORKING:
                oi[o, I_SEEN] = t
    queue_settle(m, b, t)


KERNELS = (
    queue_withdraw, queue_accept, queue_moved, queue_limit, queue_stop, queue_last_bar, queue_trail, queue_at_close,
    queue_try, queue_bar,
)  # fmt: skip
