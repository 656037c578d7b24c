"""One order for a symbol and bar, filled at the decision's close, ``bar_order="one_order"``; see ``core``.

That is how a vectorised engine works: sizes are of the close, without the fee, and what cash cannot pay is left out.
"""

from __future__ import annotations

from .codes import *
from .core_orders import finish
from .core_sizing import equity_at, unit


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
    if mode == QUANTITY:
        return True
    s = oi[o, I_SYMBOL]
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
    if lots == 0:
        finish(b, t, o, CANCELLED, TARGET_REACHED if mode >= TARGET_QUANTITY else TOO_SMALL, PH_CLOSE)
        return False
    oi[o, I_SIDE] = 1 if lots > 0 else -1
    oi[o, I_QTY] = abs(lots)
    oi[o, I_SIZED] = 1
    return True


KERNELS = (single_taken, single_admit)
