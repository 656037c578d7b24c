"""A fill and all that follows from it: cash, positions, brackets, logs (F5, F11, F14, F15); see ``core``."""

from __future__ import annotations

import math

from .codes import *
from .core_entries import note_entries
from .core_orders import finish, log_event
from .core_sizing import affordable, fee_of, increase_of, is_maker, lots_for, moved, on_tick, unit


def close_children(b, t, s, entry, phase):
    """End the bracket orders whose position is gone; those of an ``entry`` still filling may yet have one."""
    oi = b[0]
    active = b[2]
    pos = b[3]
    for a in range(b[9][S_ACTIVE]):
        o = active[a]
        if (
            oi[o, I_SYMBOL] != s
            or oi[o, I_ROLE] == PLAIN
            or oi[o, I_STATE] != WORKING
            or (oi[o, I_PARENT] == entry and oi[entry, I_STATE] == WORKING)
        ):
            continue
        if pos[s] == 0 or (pos[s] > 0) == (oi[o, I_SIDE] > 0):
            finish(b, t, o, CANCELLED, POSITION_CLOSED, phase)


def end_partners(b, t, o, phase):
    """What a fill ends: the others of its OCO ring, and the rest of an entry that is still filling."""
    oi = b[0]
    parent = oi[o, I_PARENT]
    if parent >= 0 and oi[parent, I_STATE] == WORKING:
        finish(b, t, parent, CANCELLED, OCO, phase)
    w = oi[o, I_SIBLING]
    while w >= 0 and w != o:
        following = oi[w, I_SIBLING]
        if oi[w, I_STATE] == WORKING or oi[w, I_STATE] == WAITING:
            if oi[o, I_ROLE] == TAKE_PROFIT and oi[o, I_STATE] == WORKING:
                # a target filled in part: the others keep the rest (F5)
                oi[w, I_QTY] = oi[w, I_FILLED] + oi[o, I_QTY] - oi[o, I_FILLED]
            else:
                finish(b, t, w, CANCELLED, OCO, phase)
        w = following


def trail_level(of, o, side, best, tick):
    """F14: a trailing stop's level from the ``best`` price it has seen; ``side`` is the order's own."""
    if of[o, F_TRAIL] == of[o, F_TRAIL]:
        level = best + side * of[o, F_TRAIL]
    else:
        level = best * (1.0 + side * of[o, F_TRAIL_PCT])
    return on_tick(level, tick, side > 0) if tick != 0.0 else level


def set_level(of, o, side, tick):
    """F14: move a trailing stop to the level of the best price it has seen."""
    of[o, F_STOP] = trail_level(of, o, side, of[o, F_EXTREME], tick)


def catch_up(m, b, o, t):
    """Bring forward what an order counts: the trailing level (F14) and the bars of ``max_bars``, up to bar ``t``."""
    oi = b[0]
    of = b[1]
    s = oi[o, I_SYMBOL]
    trails = oi[o, I_TYPE] == TRAIL
    if trails and oi[o, I_TRIGGERED] != 0:  # its rest has no level any more: the one that was reached stays
        return
    d = oi[o, I_BAR]
    side = oi[o, I_SIDE]
    for j in range(oi[o, I_SEEN] + 1, t + 1):
        if math.isnan(m[D_CLOSE][j, s]) or (d >= 0 and m[D_OPEN_TIME][j, s] < m[D_TIME][d]):
            continue
        if trails:
            best = m[D_HIGH][j, s] if side < 0 else m[D_LOW][j, s]
            if j == oi[o, I_ACTIVE_BAR] and oi[o, I_ACTIVE_MODE] == PH_INSIDE and oi[oi[o, I_PARENT], I_TYPE] != STOP:
                best = m[D_CLOSE][j, s]  # a limit entry's bar came from its extreme: only the close is after it
            if (best > of[o, F_EXTREME]) if side < 0 else (best < of[o, F_EXTREME]):
                of[o, F_EXTREME] = best
                set_level(of, o, side, m[D_TICK][s])
        elif oi[o, I_LEFT] > 0:
            oi[o, I_LEFT] -= 1
    oi[o, I_SEEN] = max(oi[o, I_SEEN], t)


def wake_children(b, o, t, lots, price, side, tick, phase):
    """F15: an entry's children work from its fill on, for the ``lots`` it has filled; prices are on the tick (F7)."""
    oi = b[0]
    of = b[1]
    for c in (oi[o, I_SL], oi[o, I_TP], oi[o, I_TO]):
        if c < 0:
            continue
        if oi[c, I_STATE] == WAITING or oi[c, I_STATE] == WORKING:  # what has ended never changes: snapshots rely on it
            oi[c, I_QTY] = lots
        if oi[c, I_STATE] != WAITING:
            continue
        oi[c, I_STATE] = WORKING
        oi[c, I_SIZED] = 1
        oi[c, I_ACTIVE_BAR] = t
        oi[c, I_ACTIVE_MODE] = phase
        oi[c, I_SEEN] = t
        role = oi[c, I_ROLE]
        if oi[c, I_TYPE] == TRAIL:
            of[c, F_EXTREME] = price
            set_level(of, c, -side, tick)
            if phase != PH_CLOSE:
                oi[c, I_SEEN] = t - 1  # the entry bar moves the level at its end
        elif role == STOP_LOSS and of[c, F_SL_PCT] == of[c, F_SL_PCT]:
            of[c, F_STOP] = price * (1.0 - side * of[c, F_SL_PCT])
            if tick != 0.0:
                of[c, F_STOP] = on_tick(of[c, F_STOP], tick, side < 0)
        elif role == TAKE_PROFIT and of[c, F_TP_PCT] == of[c, F_TP_PCT]:
            of[c, F_LIMIT] = price * (1.0 + side * of[c, F_TP_PCT])
            if tick != 0.0:
                of[c, F_LIMIT] = on_tick(of[c, F_LIMIT], tick, side > 0)
        log_event(b, t, c, WORKING, NONE, R_NONE, oi[c, I_QTY], phase)


def book(m, b, k, o, t, lots, base, slip, rule, phase, entry):
    """Book ``lots`` (signed) at ``base`` moved by slippage: cash, position, log; returns the price.

    ``entry`` is the entry order whose trade it closes; −1: it closes what there is, first in, first out, then opens.
    """
    oi = b[0]
    of = b[1]
    pos = b[3]
    cash = b[4]
    fi = b[6]
    ff = b[7]
    reg = b[9]
    basis = b[10]
    s = oi[o, I_SYMBOL]
    side = 1 if lots > 0 else -1
    n = abs(lots)
    one = unit(m, t, s, phase != PH_CLOSE)
    price = moved(m, k, t, s, base, side, n) if slip else base
    notional = n * one * price
    oi[o, I_FILLED] += n
    of[o, F_NOTIONAL] += notional
    fee = 0.0
    if rule != R_DELISTED and rule != R_FRACTION:
        fee = fee_of(k, is_maker(b, o), oi[o, I_FILLED] * m[D_LOT][s], of[o, F_NOTIONAL]) - of[o, F_FEE]
    of[o, F_FEE] += fee
    slipped = abs(price - base) * n * one
    of[o, F_SLIP] += slipped
    cash[M_CASH] -= side * notional + fee
    held = pos[s]
    if held == 0 or (held > 0) == (lots > 0):
        basis[s] += side * notional
    elif n < abs(held):
        basis[s] *= 1.0 - n / abs(held)
    else:
        basis[s] = side * (n - abs(held)) * one * price
    pos[s] += lots
    reg[S_SHORTS] += pos[s] < 0
    b[5][s] += n
    r = reg[S_FILLS]
    fi[r, L_BAR] = t
    fi[r, L_ORDER] = o
    fi[r, L_SYMBOL] = s
    fi[r, L_SIDE] = side
    fi[r, L_LOTS] = n
    fi[r, L_RULE] = rule
    fi[r, L_PHASE] = phase
    fi[r, L_FLAG] = 0
    fi[r, L_ENTRY] = entry
    ff[r, L_PRICE] = price
    ff[r, L_FEE] = fee
    ff[r, L_SLIP] = slipped
    ff[r, L_BASE] = base
    ff[r, L_RATE] = one / (m[D_LOT][s] * m[D_MULT][s])
    reg[S_FILLS] = r + 1
    if k[K_TRADES] == TRADES_ENTRY:
        note_entries(b, o, t, s, lots, price, one, fee, entry, phase)
    return price


def settle(m, b, o, t, s, n, opened, price, side, rule, phase):
    """What follows from the last booking of an order, of ``n`` lots: its state, its partners, its children.

    ``opened`` is what its children are for: all that it has filled so far, less what went into closing.
    """
    oi = b[0]
    if oi[o, I_FILLED] >= oi[o, I_QTY]:
        oi[o, I_STATE] = FILLED
        oi[o, I_DONE_BAR] = t
        log_event(b, t, o, FILLED, oi[o, I_REASON], rule, n, phase)
    else:
        if oi[o, I_CAPPED] == 0:
            oi[o, I_CAPPED] = 1
        log_event(b, t, o, PARTIAL, VOLUME_CAP, rule, n, phase)
    end_partners(b, t, o, phase)
    wake_children(b, o, t, opened, price, side, m[D_TICK][s], phase)
    close_children(b, t, s, o, phase)


def fill(m, b, k, o, t, lots, base, slip, rule, phase):
    """Book ``lots`` (signed) at ``base`` moved by slippage, and what follows; everything is in the logs."""
    price = book(m, b, k, o, t, lots, base, slip, rule, phase, -1)
    oi = b[0]
    settle(m, b, o, t, oi[o, I_SYMBOL], abs(lots), oi[o, I_FILLED], price, 1 if lots > 0 else -1, rule, phase)


def execute(m, b, k, o, t, base, slip, rule, phase):
    """Size, check and fill one order at ``base`` (before slippage). False if nothing was filled."""
    oi = b[0]
    of = b[1]
    pos = b[3]
    used = b[5]
    reg = b[9]
    s = oi[o, I_SYMBOL]
    at_open = phase != PH_CLOSE
    side = oi[o, I_SIDE]
    role = oi[o, I_ROLE]
    price = base
    lots = 0
    if oi[o, I_SIZED] == 0:
        mode = oi[o, I_SIZE]
        lots = lots_for(m, b, k, o, t, base, at_open)
        if lots != 0:
            side = 1 if lots > 0 else -1
            if mode >= TARGET_QUANTITY:
                oi[o, I_SIDE] = side
        if slip:
            price = moved(m, k, t, s, base, side, lots)
            if price != base:
                lots = lots_for(m, b, k, o, t, price, at_open)
        if lots == 0 or (lots > 0) != (side > 0):
            finish(b, t, o, CANCELLED, TARGET_REACHED if mode >= TARGET_QUANTITY else TOO_SMALL, phase)
            return False
    else:
        lots = side * (oi[o, I_QTY] - oi[o, I_FILLED])
    if role != PLAIN:  # a bracket order or a liquidation only ever reduces
        if pos[s] == 0 or (pos[s] > 0) == (side > 0):
            finish(b, t, o, CANCELLED, POSITION_CLOSED, phase)
            return False
        if abs(lots) > abs(pos[s]):
            lots = side * abs(pos[s])
            oi[o, I_QTY] = oi[o, I_FILLED] + abs(lots)
    want = lots
    cap = m[D_CAP][t, s]
    if cap >= 0 and role != LIQUIDATE:  # F5
        room = cap - used[s]
        if room <= 0 or (oi[o, I_TIF] == FOK and abs(lots) > room):
            if oi[o, I_CAPPED] == 0:
                oi[o, I_CAPPED] = 1
            return False
        if abs(lots) > room:
            lots = side * room
    if k[K_CASH_ACCOUNT] != 0.0 and pos[s] + lots < 0 and side < 0:
        finish(b, t, o, CANCELLED if oi[o, I_FILLED] > 0 else REJECTED, NO_SHORT, phase)
        return False
    if slip:
        price = moved(m, k, t, s, base, side, lots)
    trimmed = False
    if increase_of(pos[s], lots) > 0:
        can = affordable(m, b, k, o, t, lots, price, at_open)
        if can != lots:
            whole = (oi[o, I_SIZE] == QUANTITY and k[K_PARTIAL] == 0.0) or k[K_FUNDS] == FUNDS_WHOLE
            if can == 0 or whole or oi[o, I_TIF] == FOK:
                finish(b, t, o, CANCELLED, NO_FUNDS_AT_FILL, phase)
                return False
            lots = can
            trimmed = True
            for _ in range(4):  # fewer lots move the price less, and a short sold dearer needs more
                again = moved(m, k, t, s, base, side, lots) if slip else price
                if again == price or increase_of(pos[s], lots) == 0:
                    break
                price = again
                lots = affordable(m, b, k, o, t, lots, price, at_open)
            if lots == 0:
                finish(b, t, o, CANCELLED, NO_FUNDS_AT_FILL, phase)
                return False
    if (
        k[K_MIN_VALUE] > 0.0
        and of[o, F_NOTIONAL] + abs(want) * unit(m, t, s, at_open) * price < k[K_MIN_VALUE]
        and increase_of(pos[s], lots) > 0
    ):
        finish(b, t, o, CANCELLED, BELOW_VALUE, phase)
        return False
    if oi[o, I_SIZED] == 0:
        oi[o, I_SIDE] = side
        oi[o, I_QTY] = abs(want)
        oi[o, I_SIZED] = 1
    if trimmed:
        oi[o, I_QTY] = oi[o, I_FILLED] + abs(lots)
        oi[o, I_REASON] = TRIMMED
        reg[S_TRIMMED] += 1
    if oi[o, I_FILLED] > 0 and oi[o, I_TYPE] != LIMIT and phase == PH_OPEN:
        rule = R_REST
    fill(m, b, k, o, t, lots, base, slip, rule, phase)
    return True


def flag_last(b, flag):
    b[6][b[9][S_FILLS] - 1, L_FLAG] |= flag


KERNELS = (
    close_children, end_partners, trail_level, set_level, catch_up, wake_children, book, settle, fill, execute,
    flag_last,
)  # fmt: skip
