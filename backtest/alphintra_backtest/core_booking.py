"""A fill and all that follows from it: cash, positions, brackets, logs (F5, F11, F15); see ``core``."""

from __future__ import annotations

import math

from .codes import *
from .core_sizing import affordable, fee_of, increase_of, lots_for


def log_event(b, t, o, state, reason, rule, lots, phase):
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    n = reg[S_EVENTS]
    ev[n, E_BAR] = t
    ev[n, E_ORDER] = o
    ev[n, E_STATE] = state
    ev[n, E_REASON] = reason
    ev[n, E_RULE] = rule
    ev[n, E_LOTS] = lots
    ev[n, E_PHASE] = phase
    reg[S_EVENTS] = n + 1


def finish(b, t, o, state, reason, phase):
    """Give an order its last state; the children of an entry that never filled end with it."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    oi[o, I_STATE] = state
    oi[o, I_REASON] = reason
    oi[o, I_DONE_BAR] = t
    log_event(b, t, o, state, reason, R_NONE, oi[o, I_QTY] - oi[o, I_FILLED], phase)
    if oi[o, I_FILLED] == 0:
        for c in (oi[o, I_SL], oi[o, I_TP]):
            if c >= 0 and oi[c, I_STATE] == WAITING:
                oi[c, I_STATE] = CANCELLED
                oi[c, I_REASON] = PARENT_CANCELLED
                oi[c, I_DONE_BAR] = t
                log_event(b, t, c, CANCELLED, PARENT_CANCELLED, R_NONE, 0, phase)


def close_children(b, t, s, entry, phase):
    """End the bracket orders whose position is gone; those of an ``entry`` still filling may yet have one."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    for a in range(reg[S_ACTIVE]):
        o = active[a]
        if (
            oi[o, I_SYMBOL] != s
            or oi[o, I_ROLE] == 0
            or oi[o, I_STATE] != WORKING
            or (oi[o, I_PARENT] == entry and oi[entry, I_STATE] == WORKING)
        ):
            continue
        if pos[s] * oi[o, I_SIDE] >= 0:
            finish(b, t, o, CANCELLED, POSITION_CLOSED, phase)


def end_partners(b, t, o, phase):
    """What the fill of a bracket order ends: its partner, and the rest of an entry that is still filling."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    parent = oi[o, I_PARENT]
    if parent >= 0 and oi[parent, I_STATE] == WORKING:
        finish(b, t, parent, CANCELLED, OCO, phase)
    sib = oi[o, I_SIBLING]
    if sib >= 0 and oi[sib, I_STATE] == WORKING:
        if (
            oi[o, I_ROLE] == 2 and oi[o, I_STATE] == WORKING
        ):  # a target filled in part: the stop keeps the rest (F5)
            oi[sib, I_QTY] = oi[sib, I_FILLED] + oi[o, I_QTY] - oi[o, I_FILLED]
        else:
            finish(b, t, sib, CANCELLED, OCO, phase)


def fill(m, b, k, o, t, lots, base, slip, rule, phase):
    """Book ``lots`` (signed) at ``base`` moved by slippage; returns nothing, everything is in the logs."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    s = oi[o, I_SYMBOL]
    lot = m[10][s]
    side = 1 if lots > 0 else -1
    price = base * (1.0 + k[K_SLIP] * side) if slip else base
    n = abs(lots)
    notional = n * lot * price
    oi[o, I_FILLED] += n
    of[o, F_NOTIONAL] += notional
    fee = fee_of(k, oi[o, I_FILLED], lot, of[o, F_NOTIONAL]) - of[o, F_FEE]
    of[o, F_FEE] += fee
    slipped = abs(price - base) * n * lot
    of[o, F_SLIP] += slipped
    cash[0] -= side * notional + fee
    pos[s] += lots
    used[s] += n
    r = reg[S_FILLS]
    fi[r, L_BAR] = t
    fi[r, L_ORDER] = o
    fi[r, L_SYMBOL] = s
    fi[r, L_SIDE] = side
    fi[r, L_LOTS] = n
    fi[r, L_RULE] = rule
    fi[r, L_PHASE] = phase
    fi[r, L_FLAG] = 0
    ff[r, L_PRICE] = price
    ff[r, L_FEE] = fee
    ff[r, L_SLIP] = slipped
    reg[S_FILLS] = r + 1
    if oi[o, I_FILLED] >= oi[o, I_QTY]:
        oi[o, I_STATE] = FILLED
        oi[o, I_DONE_BAR] = t
        log_event(b, t, o, FILLED, oi[o, I_REASON], rule, n, phase)
    else:
        if oi[o, I_CAPPED] == 0:
            oi[o, I_CAPPED] = 1
        log_event(b, t, o, PARTIAL, VOLUME_CAP, rule, n, phase)
    end_partners(b, t, o, phase)
    for c in (oi[o, I_SL], oi[o, I_TP]):  # F15: children work from here, for what is filled
        if c >= 0:
            oi[c, I_QTY] = oi[o, I_FILLED]
            if oi[c, I_STATE] == WAITING:
                oi[c, I_STATE] = WORKING
                oi[c, I_SIZED] = 1
                oi[c, I_ACTIVE_BAR] = t
                oi[c, I_ACTIVE_MODE] = phase
                pct = of[c, F_SL_PCT] if oi[c, I_ROLE] == 1 else of[c, F_TP_PCT]
                if not math.isnan(pct):
                    if oi[c, I_ROLE] == 1:
                        of[c, F_STOP] = price * (1.0 - side * pct)
                    else:
                        of[c, F_LIMIT] = price * (1.0 + side * pct)
                log_event(b, t, c, WORKING, NONE, R_NONE, oi[c, I_QTY], phase)
    close_children(b, t, s, o, phase)


def execute(m, b, k, o, t, base, slip, rule, phase):
    """Size, check and fill one order at ``base`` (before slippage). False if nothing was filled."""
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    s = oi[o, I_SYMBOL]
    at_open = phase != PH_CLOSE
    side = oi[o, I_SIDE]
    price = base
    lots = 0
    if oi[o, I_SIZED] == 0:
        mode = oi[o, I_SIZE]
        lots = lots_for(m, b, k, o, t, base, at_open)
        if lots != 0:
            side = 1 if lots > 0 else -1
        if slip and k[K_SLIP] != 0.0:
            lots = lots_for(m, b, k, o, t, base * (1.0 + k[K_SLIP] * side), at_open)
        if lots == 0 or (lots > 0) != (side > 0):
            finish(b, t, o, CANCELLED, TARGET_REACHED if mode >= TARGET_QUANTITY else TOO_SMALL, phase)
            return False
    else:
        lots = side * (oi[o, I_QTY] - oi[o, I_FILLED])
    if slip:
        price = base * (1.0 + k[K_SLIP] * side)
    if oi[o, I_ROLE] != 0:  # a bracket order only ever reduces
        if pos[s] * side >= 0:
            finish(b, t, o, CANCELLED, POSITION_CLOSED, phase)
            return False
        if abs(lots) > abs(pos[s]):
            lots = side * abs(pos[s])
            oi[o, I_QTY] = oi[o, I_FILLED] + abs(lots)
    want = lots
    cap = m[5][t, s]
    if cap >= 0:  # F5
        room = cap - used[s]
        if room <= 0:
            if oi[o, I_CAPPED] == 0:
                oi[o, I_CAPPED] = 1
            return False
        if abs(lots) > room:
            lots = side * room
    if k[K_CASH_ACCOUNT] != 0.0 and pos[s] + lots < 0 and side < 0:
        finish(b, t, o, CANCELLED if oi[o, I_FILLED] > 0 else REJECTED, NO_SHORT, phase)
        return False
    trimmed = False
    if increase_of(pos[s], lots) > 0:
        can = affordable(m, b, k, o, t, lots, price, at_open)
        if can != lots:
            by_quantity = oi[o, I_SIZE] == QUANTITY and k[K_PARTIAL] == 0.0
            if can == 0 or by_quantity:
                finish(b, t, o, CANCELLED, NO_FUNDS_AT_FILL, phase)
                return False
            lots = can
            trimmed = True
    if (
        k[K_MIN_VALUE] > 0.0
        and of[o, F_NOTIONAL] + abs(want) * m[10][s] * price < k[K_MIN_VALUE]
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
    oi, of, active, pos, cash, used, fi, ff, ev, reg = b
    fi[reg[S_FILLS] - 1, L_FLAG] |= flag


KERNELS = (
    log_event, finish, close_children, end_partners, fill, execute, flag_last,
)  # fmt: skip
