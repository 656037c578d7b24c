"""One bar: which orders fill, at which price, in which order (F0 to F5, F14 to F17); see ``core``."""

from __future__ import annotations

import math

from .codes import *
from .core_account import corporate_actions, delist, financing, liquidate, wind_up
from .core_booking import catch_up, execute
from .core_inside import inside_phase
from .core_orders import compact, finish, log_event, works
from .core_single import single_fill
from .core_sizing import equity_at, lots_for, reduces


def at_open(m, b, k, o, t):
    """What an order does at the open: 0 nothing, 1 market, 2 stop, 3 limit (F1, F2, F4, F16)."""
    oi = b[0]
    of = b[1]
    p = m[D_OPEN][t, oi[o, I_SYMBOL]]
    buy = oi[o, I_SIDE] > 0
    kind = oi[o, I_TYPE]
    if kind == MARKET:
        return 1
    if kind == MOC:
        return 0
    if kind == STOP or kind == TRAIL or (kind == STOP_LIMIT and oi[o, I_TRIGGERED] == 0):
        if oi[o, I_TRIGGERED] != 0:
            return 1
        hit = p >= of[o, F_STOP] if buy else p <= of[o, F_STOP]
        if not hit:
            return 0
        if kind != STOP_LIMIT:
            return 2
        oi[o, I_TRIGGERED] = 1
        log_event(b, t, o, TRIGGERED, NONE, R_STOP_OPEN, 0, PH_OPEN)
    limit = of[o, F_LIMIT]
    if buy:
        return 3 if p < limit or (k[K_TOUCH] != 0.0 and p <= limit) else 0
    return 3 if p > limit or (k[K_TOUCH] != 0.0 and p >= limit) else 0


def open_rule(oi, o, what):
    """Name of the rule that fills at the open."""
    if what == 3:
        return R_LIMIT_OPEN
    if what == 2:
        return R_TRAIL_OPEN if oi[o, I_TYPE] == TRAIL else R_STOP_OPEN
    if oi[o, I_ROLE] == TIMEOUT:
        return R_TIMEOUT
    return R_LIQUIDATION if oi[o, I_ROLE] == LIQUIDATE else R_OPEN


def fill_at_open(m, b, k, o, t, what):
    oi = b[0]
    if what == 2:
        oi[o, I_TRIGGERED] = 1
    execute(m, b, k, o, t, m[D_OPEN][t, oi[o, I_SYMBOL]], what != 3, open_rule(oi, o, what), PH_OPEN)


def reduces_now(m, b, k, o, t, price, opening):
    """Whether an order only takes from its position; a target's side is set from the position on the way."""
    oi = b[0]
    s = oi[o, I_SYMBOL]
    lots = oi[o, I_SIDE] * (oi[o, I_QTY] - oi[o, I_FILLED])
    if oi[o, I_SIZED] == 0:
        lots = lots_for(m, b, k, o, t, price, opening)
        if oi[o, I_SIZE] >= TARGET_QUANTITY and lots != 0:
            oi[o, I_SIDE] = 1 if lots > 0 else -1
    return reduces(b[3][s], lots)


def open_phase(m, b, k, t):
    """F0 (2): over all symbols first what reduces a position, then the rest, each in order of submission."""
    oi = b[0]
    active = b[2]
    n = b[9][S_ACTIVE]
    for stage in range(1 if n == 1 else 0, 3):  # reductions (before others); the rest; children of what filled here
        for a in range(n):
            o = active[a]
            if not works(m, b, o, t):
                continue
            fresh = oi[o, I_ACTIVE_BAR] == t
            if fresh != (stage == 2):
                continue
            if stage < 2 and (stage == 0 or oi[o, I_TYPE] != MARKET):  # else its side is set as it fills
                reducing = reduces_now(m, b, k, o, t, m[D_OPEN][t, oi[o, I_SYMBOL]], True)
                if stage == 0 and not reducing:
                    continue
            what = at_open(m, b, k, o, t)
            if what != 0:
                fill_at_open(m, b, k, o, t, what)
    for a in range(n):  # F17: the first open was all that these had
        o = active[a]
        if oi[o, I_TIF] >= IOC and works(m, b, o, t):
            finish(b, t, o, EXPIRED, IMMEDIATE, PH_OPEN)


def close_phase(m, b, k, t):
    """F0 (4): market-on-close at the session's last price, what reduces first; then what is delisted (F18)."""
    oi = b[0]
    active = b[2]
    for stage in range(2):
        for a in range(b[9][S_ACTIVE]):
            o = active[a]
            s = oi[o, I_SYMBOL]
            if oi[o, I_TYPE] != MOC or not works(m, b, o, t) or m[D_SESSION_END][t, s] == 0:
                continue
            price = m[D_CLOSE][t, s]
            if stage == 0 and not reduces_now(m, b, k, o, t, price, False):
                continue
            execute(m, b, k, o, t, price, True, R_MOC, PH_CLOSE)
    delist(m, b, k, t)


def expire_phase(m, b, k, t):
    """F17: DAY ends with the first session that begins or continues after submission, GTD with its date's."""
    oi = b[0]
    active = b[2]
    for a in range(b[9][S_ACTIVE]):
        o = active[a]
        tif = oi[o, I_TIF]
        if (tif != DAY and tif != GTD) or not works(m, b, o, t):
            continue
        s = oi[o, I_SYMBOL]
        if tif == GTD:
            if m[D_SESSION_END][t, s] != 0 and m[D_SESSION][t, s] >= oi[o, I_UNTIL]:
                finish(b, t, o, EXPIRED, DATE_REACHED, PH_CLOSE)
            continue
        if oi[o, I_SESSION] < 0:
            oi[o, I_SESSION] = m[D_SESSION][t, s]
        if m[D_SESSION_END][t, s] != 0:
            finish(b, t, o, EXPIRED, END_OF_DAY, PH_CLOSE)


def prepare(m, b, t):
    """Bring forward what orders count, and end those whose date went by without a bar (F14, F17)."""
    oi = b[0]
    active = b[2]
    for a in range(b[9][S_ACTIVE]):
        o = active[a]
        if oi[o, I_STATE] != WORKING:
            continue
        if oi[o, I_TYPE] == TRAIL:
            catch_up(m, b, o, t - 1)
        elif oi[o, I_LEFT] > 0:
            catch_up(m, b, o, t)
        if oi[o, I_TIF] == GTD and works(m, b, o, t) and m[D_SESSION][t, oi[o, I_SYMBOL]] > oi[o, I_UNTIL]:
            finish(b, t, o, EXPIRED, DATE_REACHED, PH_OPEN)


def fill_at_close(m, b, k, t):
    """``fill_at='close'`` (F1): market orders of the decision at ``t`` fill at its close."""
    oi = b[0]
    active = b[2]
    new_budget(b, t)
    for a in range(b[9][S_ACTIVE]):  # a trailing stop that ends in here ends at the level of this bar's end
        if oi[active[a], I_STATE] == WORKING and oi[active[a], I_TYPE] == TRAIL:
            catch_up(m, b, active[a], t)
    for stage in range(3):
        for a in range(b[9][S_ACTIVE]):
            o = active[a]
            s = oi[o, I_SYMBOL]
            if oi[o, I_STATE] != WORKING or oi[o, I_TYPE] != MARKET or math.isnan(m[D_CLOSE][t, s]):
                continue
            # the rest of an older order and what the account itself submits wait for the next open
            if oi[o, I_BAR] != t or oi[o, I_ROLE] == LIQUIDATE or oi[o, I_LEFT] > 0 or t < m[D_LISTED][s]:
                continue
            if stage == 2:
                if oi[o, I_TIF] >= IOC:  # F17: this close was all that it had
                    finish(b, t, o, EXPIRED, IMMEDIATE, PH_CLOSE)
                continue
            lots = lots_for(m, b, k, o, t, m[D_CLOSE][t, s], False)
            if stage == 0 and not reduces(b[3][s], lots):
                continue
            if k[K_ORDER] == ORDER_ONE:
                single_fill(m, b, k, o, t)
            else:
                execute(m, b, k, o, t, m[D_CLOSE][t, s], True, R_CLOSE, PH_CLOSE)
    compact(b)


def new_budget(b, t):
    """F5: each bar has its own budget, also where ``fill_at_close`` is the first to look at it."""
    if b[9][S_BUDGET_BAR] != t:
        b[9][S_BUDGET_BAR] = t
        for s in range(b[3].shape[0]):
            b[5][s] = 0


def before_orders(m, b, k, t):
    """What comes before any order of a bar: budgets, financing, corporate actions, what orders count (F0)."""
    new_budget(b, t)
    financing(m, b, k, t)
    corporate_actions(m, b, k, t)
    prepare(m, b, t)


def after_orders(m, b, k, t):
    """What comes after them: the close, expiries, the marks, bankruptcy and the margin check (F0)."""
    oi = b[0]
    active = b[2]
    cash = b[4]
    reg = b[9]
    close_phase(m, b, k, t)
    expire_phase(m, b, k, t)
    cash[M_CASH] -= cash[M_FINANCING]
    cash[M_REALISED] -= cash[M_FINANCING]
    cash[M_FINANCING] = 0.0
    compact(b)
    if equity_at(m, b, t, False) <= 0.0:
        reg[S_BANKRUPT] = 1
        for a in range(reg[S_ACTIVE]):
            o = active[a]  # a bracket's children may have ended with their entry
            if oi[o, I_STATE] == WORKING or oi[o, I_STATE] == WAITING:
                finish(b, t, o, CANCELLED, BANKRUPT, PH_CLOSE)
        reg[S_ACTIVE] = 0
        if k[K_TRADES] == TRADES_ENTRY:
            wind_up(m, b, k, t)
    else:
        liquidate(m, b, k, t)


def step(m, b, k, t):
    """Process the bar at timestamp ``t`` for all symbols (F0)."""
    before_orders(m, b, k, t)
    open_phase(m, b, k, t)
    inside_phase(m, b, k, t)
    after_orders(m, b, k, t)


KERNELS = (
    at_open, open_rule, fill_at_open, reduces_now, open_phase, close_phase, expire_phase, prepare, fill_at_close,
    new_budget, before_orders, after_orders, step,
)  # fmt: skip
