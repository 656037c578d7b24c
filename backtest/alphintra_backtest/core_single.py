"""One order for a symbol and bar, filled at the decision's close, ``bar_order="one_order"``; see ``core``.

That is how a vectorised engine works: sizes are of the close, without the fee, and what cash cannot pay is left out.
"""

from __future__ import annotations

import math

from .codes import *
from .core_booking import fill
from .core_orders import finish, size_at_decision
from .core_sizing import equity_at, fee_of, is_maker, moved, unit


def single_taken(b, o):
    """Whether the symbol of order ``o`` has another order of the same decision."""
    oi = b[0]
    active = b[2]
    for a in range(b[9][S_ACTIVE]):
        w = active[a]
        if (
            oi[w, I_SYMBOL] == oi[o, I_SYMBOL]
            and oi[w, I_BAR] == oi[o, I_BAR]
            and oi[w, I_PARENT] < 0
            and (oi[w, I_STATE] == WORKING)
        ):
            return True
    return False


def single_admit(m, b, k, o, t):
    """Fix the size of order ``o`` at the close of ``t``; False where it is refused or asks for nothing."""
    oi = b[0]
    if single_taken(b, o):
        finish(b, t, o, REJECTED, SECOND_ORDER, PH_CLOSE)
        return False
    mode = oi[o, I_SIZE]
    s = oi[o, I_SYMBOL]
    if math.isnan(m[D_CLOSE][t, s]):
        finish(b, t, o, REJECTED, NO_PRICE, PH_CLOSE)
        return False
    if mode == QUANTITY:
        return True
    lot = m[D_LOT][s]
    x = b[1][o, F_SIZE]
    held = b[3][s]
    if mode == TARGET_QUANTITY:
        units = x / lot
    else:
        worth = x
        if mode == PERCENT or mode == TARGET_PERCENT:
            worth = x * equity_at(m, b, t, False) * (1.0 - k[K_BUFFER])
        units = worth / (m[D_LAST][t, s] * unit(m, t, s, False))
    whole = int(min(abs(units) + 1e-9, MOST_LOTS))
    lots = whole if units >= 0 else -whole
    if mode == VALUE or mode == PERCENT:
        lots *= oi[o, I_SIDE]
    else:
        lots -= held
    return size_at_decision(b, t, o, lots)


def single_paid(m, b, k, o, t, lots, price):
    """Largest part of ``lots`` > 0 whose price and fee the account's cash pays."""
    s = b[0][o, I_SYMBOL]
    lot = m[D_LOT][s]
    one = unit(m, t, s, False)
    cash = b[4][M_CASH] * (1.0 + 1e-12)
    maker = is_maker(b, o)
    lo = 0
    hi = lots
    q = hi
    while True:
        if q * one * price + fee_of(k, maker, q * lot, q * one * price) <= cash:
            lo = q
        else:
            hi = q
        if hi - lo <= 1:
            return lo
        q = (lo + hi) // 2


def single_fill(m, b, k, o, t):
    """Fill order ``o`` at the close of ``t``: a purchase as far as the cash goes, a sale whole."""
    oi = b[0]
    s = oi[o, I_SYMBOL]
    close = m[D_CLOSE][t, s]
    lots = oi[o, I_SIDE] * oi[o, I_QTY]
    if lots > 0:
        price = moved(m, k, t, s, close, 1, lots)
        paid = single_paid(m, b, k, o, t, lots, price)
        if paid == 0 or (paid < lots and k[K_PARTIAL] == 0.0):
            finish(b, t, o, CANCELLED, NO_FUNDS_AT_FILL, PH_CLOSE)
            return
        if paid < lots:
            oi[o, I_QTY] = paid
            oi[o, I_REASON] = TRIMMED
            b[9][S_TRIMMED] += 1
            lots = paid
    fill(m, b, k, o, t, lots, close, True, R_CLOSE, PH_CLOSE)


KERNELS = (single_taken, single_admit, single_paid, single_fill)
