"""One bar: which orders fill, at which price, in which order (F0 to F5, F14 to F17); see ``core``."""

from __future__ import annotations

import math

from .codes import *
from .core_account import corporate_actions, delist, financing, liquidate, wind_up
from .core_booking import catch_up, execute, flag_last
from .core_fine import entry_bar_by_fine, passed, race_of
from .core_orders import compact, finish, is_limit_now, log_event, works
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


def rival(m, b, k, o, t):
    """F3: the target of a stop, in its bracket or group, that would have filled inside this bar too; −1: none."""
    oi = b[0]
    s = oi[o, I_SYMBOL]
    w = oi[o, I_SIBLING]
    while w >= 0 and w != o:
        if (
            oi[w, I_TYPE] == LIMIT
            and oi[w, I_SIDE] == oi[o, I_SIDE]
            and oi[w, I_SL] < 0
            and oi[w, I_TP] < 0
            and works(m, b, w, t)
            and passed(k, m[D_HIGH][t, s], m[D_LOW][t, s], b[1][w, F_LIMIT], oi[w, I_SIDE] > 0)
        ):
            return w
        w = oi[w, I_SIBLING]
    return -1


def opposed(m, b, o, t):
    """F3: whether a stop of the other side in this one's group is reached inside this bar too."""
    oi = b[0]
    of = b[1]
    s = oi[o, I_SYMBOL]
    w = oi[o, I_SIBLING]
    while w >= 0 and w != o:
        kind = oi[w, I_TYPE]
        if (
            oi[w, I_SIDE] != oi[o, I_SIDE]
            and (kind == STOP or kind == TRAIL or kind == STOP_LIMIT)
            and oi[w, I_TRIGGERED] == 0
            and works(m, b, w, t)
            and (m[D_HIGH][t, s] >= of[w, F_STOP] if oi[w, I_SIDE] > 0 else m[D_LOW][t, s] <= of[w, F_STOP])
        ):
            return True
        w = oi[w, I_SIBLING]
    return False


def entry_bar_children(m, b, k, parent, t):
    """F15: children of an entry that filled inside the bar fill only where the path leaves no doubt."""
    oi = b[0]
    of = b[1]
    reg = b[9]
    s = oi[parent, I_SYMBOL]
    sl = oi[parent, I_SL]
    tp = oi[parent, I_TP]
    mode = k[K_ENTRY_BAR]
    if mode != ENTRY_NEXT and entry_bar_by_fine(m, b, k, parent, t):
        return
    long = oi[parent, I_SIDE] > 0
    close = m[D_CLOSE][t, s]
    entry = b[7][reg[S_FILLS] - 1, L_BASE]
    # a stop-limit filled at its stop price came from below like a stop, one that rested came from above like a limit
    how = b[6][reg[S_FILLS] - 1, L_RULE]
    stop = math.nan
    limit = math.nan
    stop_hit = False
    stop_sure = False
    target_hit = False
    target_sure = False
    if sl >= 0 and oi[sl, I_STATE] == WORKING:
        stop = of[sl, F_STOP]
        stop_hit = m[D_LOW][t, s] <= stop if long else m[D_HIGH][t, s] >= stop
        beyond = close <= stop if long else close >= stop
        if stop >= entry if long else stop <= entry:  # at or beyond the entry's price: triggered as the entry fills
            stop = entry
            stop_hit = True
            beyond = True
        stop_sure = stop_hit and (how == R_LIMIT or beyond)
    if tp >= 0 and oi[tp, I_STATE] == WORKING:
        limit = of[tp, F_LIMIT]
        target_hit = passed(k, m[D_HIGH][t, s], m[D_LOW][t, s], limit, not long)
        beyond = close > limit if long else close < limit
        if limit < entry if long else limit > entry:  # bettered by the entry's price, which it gets
            limit = entry
            target_hit = True
            beyond = True
        target_sure = target_hit and (how == R_STOP or how == R_SL_STOP or beyond)
    if not stop_sure and (stop_hit or (target_hit and not target_sure)):
        reg[S_AMBIGUOUS_ENTRY] += 1
        flag_last(b, FLAG_AMBIGUOUS_ENTRY)
    if mode == ENTRY_NEXT:
        stop_sure = False
        target_sure = False
    elif mode == ENTRY_PESSIMISTIC and stop_hit:
        stop_sure = True
    if stop_sure:
        oi[sl, I_TRIGGERED] = 1
        if execute(m, b, k, sl, t, stop, True, R_ENTRY_BAR, PH_INSIDE) and target_hit:
            flag_last(b, FLAG_AMBIGUOUS)
            reg[S_AMBIGUOUS] += 1
    elif target_sure:
        execute(m, b, k, tp, t, limit, False, R_ENTRY_BAR, PH_INSIDE)


def triggered(m, b, k, o, t):
    """F16: a stop-limit whose stop was reached inside the bar. True if it filled."""
    oi = b[0]
    of = b[1]
    buy = oi[o, I_SIDE] > 0
    stop = of[o, F_STOP]
    limit = of[o, F_LIMIT]
    log_event(b, t, o, TRIGGERED, NONE, R_STOP, 0, PH_INSIDE)
    if (buy and stop <= limit) or (not buy and stop >= limit):
        return execute(m, b, k, o, t, stop, False, R_SL_STOP, PH_INSIDE)
    close = m[D_CLOSE][t, oi[o, I_SYMBOL]]
    if (buy and close < limit) or (not buy and close > limit):
        return execute(m, b, k, o, t, limit, False, R_SL_LIMIT, PH_INSIDE)
    oi[o, I_ACTIVE_BAR] = t  # rests, and works as a limit from the next bar
    oi[o, I_ACTIVE_MODE] = PH_INSIDE
    return False


def inside_stop(m, b, k, o, t):
    """A stop, a trailing stop or an untriggered stop-limit inside the bar (F2, F14, F16). True if it filled."""
    oi = b[0]
    of = b[1]
    s = oi[o, I_SYMBOL]
    buy = oi[o, I_SIDE] > 0
    stop = of[o, F_STOP]
    hit = m[D_HIGH][t, s] >= stop if buy else m[D_LOW][t, s] <= stop
    if not hit:
        return False
    target = rival(m, b, k, o, t)
    if target >= 0:
        which, price = race_of(m, b, k, o, target, t)
        if which == 1 or which == 2:
            b[9][S_RESOLVED] += 1
            first = o if which == 1 else target
            oi[first, I_TRIGGERED] = 1
            return execute(m, b, k, first, t, price, which == 1, R_DETAIL, PH_INSIDE)
    doubt = target >= 0
    if not doubt and oi[o, I_ROLE] == PLAIN and oi[o, I_SIBLING] >= 0:  # a bracket has one side
        doubt = opposed(m, b, o, t)
    oi[o, I_TRIGGERED] = 1
    if oi[o, I_TYPE] != STOP_LIMIT:
        rule = R_TRAIL if oi[o, I_TYPE] == TRAIL else R_STOP
        done = execute(m, b, k, o, t, stop, True, rule, PH_INSIDE)
    else:
        done = triggered(m, b, k, o, t)
    if done and doubt:
        flag_last(b, FLAG_AMBIGUOUS)
        b[9][S_AMBIGUOUS] += 1
    return done


def inside_phase(m, b, k, t):
    """F0 (3): symbol by symbol, stops, then limits, in order of submission."""
    oi = b[0]
    of = b[1]
    active = b[2]
    n = b[9][S_ACTIVE]
    s = -1
    while True:
        after = s
        s = -1
        for a in range(n):  # the next symbol of the universe that has a resting order
            o = active[a]
            if oi[o, I_TYPE] != MARKET and oi[o, I_SYMBOL] > after and (s < 0 or oi[o, I_SYMBOL] < s):
                s = oi[o, I_SYMBOL]
        if s < 0:
            return
        for stage in range(2):
            for a in range(n):
                o = active[a]
                if oi[o, I_SYMBOL] != s or not works(m, b, o, t):
                    continue
                if oi[o, I_ACTIVE_BAR] == t and oi[o, I_ACTIVE_MODE] == PH_INSIDE:
                    continue
                kind = oi[o, I_TYPE]
                filled = False
                if stage == 0:
                    if (kind == STOP or kind == TRAIL or kind == STOP_LIMIT) and oi[o, I_TRIGGERED] == 0:
                        filled = inside_stop(m, b, k, o, t)
                elif is_limit_now(oi, o) and passed(
                    k, m[D_HIGH][t, s], m[D_LOW][t, s], of[o, F_LIMIT], oi[o, I_SIDE] > 0
                ):
                    filled = execute(m, b, k, o, t, of[o, F_LIMIT], False, R_LIMIT, PH_INSIDE)
                if filled and (oi[o, I_SL] >= 0 or oi[o, I_TP] >= 0):
                    entry_bar_children(m, b, k, o, t)


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
    at_open, open_rule, fill_at_open, reduces_now, open_phase, rival, opposed, entry_bar_children, triggered,
    inside_stop, inside_phase, close_phase, expire_phase, prepare, fill_at_close, new_budget,
    before_orders, after_orders, step,
)  # fmt: skip
