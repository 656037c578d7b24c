"""Money in a queue of orders: sizes, what cash carries, a fill and all that ends with it; see ``core_queue``."""

from __future__ import annotations

from .codes import *
from .core_booking import book
from .core_orders import end_order, log_event


def queue_alive(oi, o):
    return oi[o, I_STATE] == WORKING or oi[o, I_STATE] == WAITING


def queue_end_group(b, t, o, phase, reason):
    """What happens to one order of a group ends all that were accepted, and the group with them."""
    oi = b[0]
    if oi[o, I_PARENT] >= 0:
        return
    w = oi[o, I_SIBLING]
    while w >= 0 and w != o:
        following = oi[w, I_SIBLING]
        if queue_alive(oi, w):
            oi[w, I_SIBLING] = -1
            if oi[w, I_FLAGS] != 0:
                end_order(b, t, w, CANCELLED, reason, phase)
                for c in (oi[w, I_SL], oi[w, I_TP], oi[w, I_TO]):
                    if c >= 0 and queue_alive(oi, c):
                        end_order(b, t, c, CANCELLED, PARENT_CANCELLED, phase)
        w = following


def queue_end_bracket(b, t, o, phase, reason):
    """End the other orders of a bracket; those that the broker has not looked at yet are refused."""
    oi = b[0]
    parent = oi[o, I_PARENT]
    p = o if parent < 0 else parent
    why = PARENT_CANCELLED if parent < 0 else reason
    for c in (p, oi[p, I_SL], oi[p, I_TP], oi[p, I_TO]):
        if c >= 0 and c != o and queue_alive(oi, c):
            if oi[c, I_FLAGS] != 0:
                end_order(b, t, c, CANCELLED, why, phase)
            else:
                end_order(b, t, c, REJECTED, PARENT_CANCELLED, phase)


def queue_worth(m, b, s, t):
    """What cash would come back for a position at the close of ``t``: its value, or its margin."""
    size = b[3][s] * m[D_LOT][s]
    margin = m[D_MARGIN][s]
    return abs(size) * margin if margin == margin else size * m[D_LAST][t, s]


def queue_value(m, b, t):
    """The account's value at the closes of ``t``, in the order in which the broker adds it up."""
    pos = b[3]
    total = 0.0
    for s in range(pos.shape[0]):
        if pos[s] != 0:
            worth = queue_worth(m, b, s, t)
            if worth > 0.0:
                gain = pos[s] * m[D_LOT][s] * (m[D_LAST][t, s] - b[10][s])
                worth = worth - gain + gain
            total += worth
    return b[4][M_REALISED] + total


def queue_lots(m, b, o, t):
    """Lots, signed, that an order asks for at the decision's close: whole units, the account's value where it is."""
    oi = b[0]
    mode = oi[o, I_SIZE]
    s = oi[o, I_SYMBOL]
    lot = m[D_LOT][s]
    held = b[3][s]
    x = b[1][o, F_SIZE]
    if mode == QUANTITY:
        return oi[o, I_SIDE] * oi[o, I_QTY]
    if mode == TARGET_QUANTITY:
        whole = int(min(abs(x) / lot + 1e-9, MOST_LOTS))
        return (whole if x >= 0 else -whole) - held
    price = m[D_LAST][t, s]
    margin = m[D_MARGIN][s]
    if margin == margin:
        price = margin
    if not price > 0.0:
        return 0
    goal = x
    if mode == PERCENT or mode == TARGET_PERCENT:
        goal = x * queue_value(m, b, t)
    if mode == VALUE or mode == PERCENT:
        return oi[o, I_SIDE] * int(min(max(0.0, goal) // price / lot + 1e-9, MOST_LOTS))
    if goal == 0.0:
        return -held
    worth = queue_worth(m, b, s, t)
    whole = int(min(abs(goal - worth) // price / lot + 1e-9, MOST_LOTS))
    return whole if goal > worth else -whole


def queue_size(m, b, o, t):
    """Fix an order's side and quantity at its decision. False if it asks for nothing, which is no order there."""
    oi = b[0]
    if oi[o, I_SIZE] == QUANTITY:
        return True
    lots = queue_lots(m, b, o, t)
    if lots == 0:
        reason = TARGET_REACHED if oi[o, I_SIZE] >= TARGET_QUANTITY else TOO_SMALL
        end_order(b, t, o, CANCELLED, reason, PH_CLOSE)
        queue_end_bracket(b, t, o, PH_CLOSE, OCO)
        return False
    oi[o, I_SIDE] = 1 if lots > 0 else -1
    oi[o, I_QTY] = abs(lots)
    oi[o, I_SIZED] = 1
    return True


def queue_settle(m, b, t):
    """Pay the gains of contracts since they were last settled, at the close of ``t``."""
    pos = b[3]
    for s in range(pos.shape[0]):
        if pos[s] != 0 and m[D_MARGIN][s] == m[D_MARGIN][s]:
            close = m[D_LAST][t, s]
            b[4][M_REALISED] += pos[s] * m[D_LOT][s] * (close - b[10][s]) * m[D_MULT][s]
            b[10][s] = close


def queue_price_asked(m, b, o):
    """The price with which an order came: its stop or its limit, else the decision's close."""
    of = b[1]
    kind = b[0][o, I_TYPE]
    if kind == LIMIT:
        return of[o, F_LIMIT]
    if kind == STOP or kind == STOP_LIMIT or kind == TRAIL:
        return of[o, F_STOP]
    return m[D_LAST][b[0][o, I_BAR], b[0][o, I_SYMBOL]]


def queue_fee(m, k, s, units, price):
    price *= m[D_MULT][s]
    if k[K_FEE_SHARE] != 0.0:
        return units * (k[K_FEE_PCT] * price + k[K_FEE_SHARE])
    return units * k[K_FEE_PCT] * price


def queue_cost(m, s, units, price):
    """Cash that ``units`` tie up, or give back: a contract's margin, a share's price with its sign."""
    margin = m[D_MARGIN][s]
    return abs(units) * margin if margin == margin else units * price


def queue_opened(held, lots):
    """The part of ``lots``, signed, that opens or adds to a position; the rest closes one."""
    if held == 0 or (held > 0) == (lots > 0):
        return lots
    after = held + lots
    return after if after != 0 and (after > 0) == (lots > 0) else 0


def queue_check(m, b, k, t):
    """Look at what was submitted: all of it, filled at the prices asked, must leave cash at zero or above each time.

    What is refused stays deducted for those after it.
    """
    oi = b[0]
    active = b[2]
    pos = b[3]
    used = b[5]  # positions as they would be
    money = b[4][M_REALISED]
    for s in range(pos.shape[0]):
        used[s] = pos[s]
    for a in range(b[9][S_ACTIVE]):
        o = active[a]
        if oi[o, I_FLAGS] != 0 or not queue_alive(oi, o):
            continue
        s = oi[o, I_SYMBOL]
        price = queue_price_asked(m, b, o)
        if price == price:  # the price of a child in percent is known after the fill alone
            parent = oi[o, I_PARENT]
            quantity = oi[o, I_QTY] if oi[o, I_STATE] == WORKING or parent < 0 else oi[parent, I_QTY]
            lots = oi[o, I_SIDE] * quantity
            opened = queue_opened(used[s], lots)
            closed = lots - opened
            used[s] += lots
            lot = m[D_LOT][s]
            if closed != 0:
                money += queue_cost(m, s, -closed * lot, price)
                money -= queue_fee(m, k, s, abs(closed) * lot, price)
            if opened != 0:
                money -= queue_cost(m, s, opened * lot, price)
                money -= queue_fee(m, k, s, abs(opened) * lot, price)
            if money < 0.0:
                end_order(b, t, o, REJECTED, NO_FUNDS, PH_OPEN)
                queue_end_group(b, t, o, PH_OPEN, OCO)
                queue_end_bracket(b, t, o, PH_OPEN, OCO)
                continue
        oi[o, I_FLAGS] = 1


def queue_fill(m, b, k, o, t, base, price, rule, phase):
    """Fill an order at ``price``: what closes always, what opens if the cash is there."""
    oi = b[0]
    of = b[1]
    pos = b[3]
    cash = b[4]
    s = oi[o, I_SYMBOL]
    side = oi[o, I_SIDE]
    lot = m[D_LOT][s]
    mult = m[D_MULT][s]
    futures = m[D_MARGIN][s] == m[D_MARGIN][s]
    held = pos[s]
    average = b[10][s]
    lots = side * (oi[o, I_QTY] - oi[o, I_FILLED])
    opened = queue_opened(held, lots)
    closed = lots - opened
    money = cash[M_REALISED]
    if closed != 0:
        units = -closed * lot
        if futures:
            money += queue_cost(m, s, units, average)
            money -= queue_fee(m, k, s, abs(units), price)
            money += units * (price - average) * mult
        else:
            money += units * average + units * (price - average)
            money -= queue_fee(m, k, s, abs(units), price)
    after = money
    short_of = False
    if opened != 0:
        money -= queue_cost(m, s, opened * lot, price)
        money -= queue_fee(m, k, s, abs(opened) * lot, price)
        if money < 0.0:
            short_of = True
            money = after
            lots = closed
        elif futures and closed == 0:  # what was held is settled to the price at which more comes
            money += held * lot * (price - average) * mult
    if lots != 0:
        book(m, b, k, o, t, lots, price, False, rule, phase, -1)
        cash[M_REALISED] = money
        if price != base:
            slipped = abs(price - base) * abs(lots) * lot
            b[7][b[9][S_FILLS] - 1, L_BASE] = base
            b[7][b[9][S_FILLS] - 1, L_SLIP] = slipped
            of[o, F_SLIP] += slipped
        if opened != 0 and not short_of:
            if closed != 0 or held == 0 or futures:
                b[10][s] = price
            else:
                b[10][s] = (average * (held * lot) + opened * lot * price) / (pos[s] * lot)
        else:
            b[10][s] = average
        if short_of:
            log_event(b, t, o, PARTIAL, NO_FUNDS_AT_FILL, rule, abs(lots), phase)
        else:
            oi[o, I_STATE] = FILLED
            oi[o, I_DONE_BAR] = t
            log_event(b, t, o, FILLED, oi[o, I_REASON], rule, abs(lots), phase)
        queue_end_group(b, t, o, phase, OCO)
    if short_of:
        end_order(b, t, o, CANCELLED, NO_FUNDS_AT_FILL, phase)
        queue_end_group(b, t, o, phase, OCO)
        queue_end_bracket(b, t, o, phase, OCO)
        return
    if oi[o, I_PARENT] >= 0:
        queue_end_bracket(b, t, o, phase, OCO)
        return
    for c in (oi[o, I_SL], oi[o, I_TP], oi[o, I_TO]):
        if c < 0 or oi[c, I_STATE] != WAITING:
            continue
        oi[c, I_STATE] = WORKING
        oi[c, I_SIZED] = 1
        oi[c, I_QTY] = oi[o, I_QTY]
        oi[c, I_ACTIVE_BAR] = t  # and it works from the next one
        oi[c, I_ACTIVE_MODE] = phase
        oi[c, I_SEEN] = t
        if oi[c, I_ROLE] == STOP_LOSS and of[c, F_SL_PCT] == of[c, F_SL_PCT]:
            of[c, F_STOP] = price * (1.0 - side * of[c, F_SL_PCT])
        elif oi[c, I_ROLE] == TAKE_PROFIT and of[c, F_TP_PCT] == of[c, F_TP_PCT]:
            of[c, F_LIMIT] = price * (1.0 + side * of[c, F_TP_PCT])
        log_event(b, t, c, WORKING, NONE, R_NONE, oi[c, I_QTY], phase)


KERNELS = (
    queue_alive, queue_end_group, queue_end_bracket, queue_worth, queue_value, queue_lots, queue_size,
    queue_settle, queue_price_asked, queue_fee, queue_cost, queue_opened, queue_check, queue_fill,
)  # fmt: skip
