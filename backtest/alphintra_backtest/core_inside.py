"""Inside a bar: which stops and limits fill, at which price (F0 (3), F2 to F4, F14 to F16); see ``core``."""

from __future__ import annotations

import math

from .codes import *
from .core_booking import execute, flag_last
from .core_fine import entry_bar_by_fine, passed, race_of
from .core_orders import is_limit_now, log_event, works


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


KERNELS = (rival, opposed, entry_bar_children, triggered, inside_stop, inside_phase)
