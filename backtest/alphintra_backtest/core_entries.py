"""The register of open entries, for profiles whose trades belong to an entry order each; see ``core``.

A row is what is left of one entry order: ``X_SYMBOL``, ``X_ORDER``, ``X_LOTS`` (signed) and its price, oldest first.
"""

from __future__ import annotations

from .codes import *
from .core_orders import finish
from .core_sizing import unit


def end_children(b, t, o, by, reason, phase):
    """End the bracket of entry order ``o``, whose trade is closed; ``by`` is the order that closed it."""
    oi = b[0]
    for c in (oi[o, I_SL], oi[o, I_TP], oi[o, I_TO]):
        if c >= 0 and c != by and (oi[c, I_STATE] == WORKING or oi[c, I_STATE] == WAITING):
            finish(b, t, c, CANCELLED, reason, phase)


def note_entries(b, o, t, s, lots, price, one, fee, entry, phase):
    """Take ``lots`` from the open entries against them, of ``entry`` alone if that is ≥ 0; the rest is a new one."""
    oi = b[0]
    rows = b[13]
    paid = b[14]
    reg = b[9]
    cash = b[4]
    left = lots
    i = 0
    while i < reg[S_ENTRIES] and left != 0:
        n = rows[i, X_LOTS]
        if rows[i, X_SYMBOL] != s or (n > 0) == (left > 0) or (entry >= 0 and rows[i, X_ORDER] != entry):
            i += 1
            continue
        sign = 1 if n > 0 else -1
        taken = min(abs(n), abs(left))
        cash[M_REALISED] += sign * taken * one * (price - paid[i]) - fee * taken / abs(lots)
        left += sign * taken
        own = rows[i, X_ORDER]
        if taken == abs(n):
            end_children(b, t, own, o, OCO if oi[o, I_PARENT] == own else POSITION_CLOSED, phase)
            reg[S_ENTRIES] -= 1
            for j in range(i, reg[S_ENTRIES]):
                for column in range(N_X):
                    rows[j, column] = rows[j + 1, column]
                paid[j] = paid[j + 1]
            continue
        rows[i, X_LOTS] = n - sign * taken
        for c in (oi[own, I_SL], oi[own, I_TP], oi[own, I_TO]):
            if c >= 0 and oi[c, I_STATE] == WORKING and c != o:
                oi[c, I_QTY] = oi[c, I_FILLED] + abs(rows[i, X_LOTS])
    if left != 0:
        i = reg[S_ENTRIES]
        reg[S_ENTRIES] = i + 1
        rows[i, X_SYMBOL] = s
        rows[i, X_ORDER] = o
        rows[i, X_LOTS] = left
        paid[i] = price
        cash[M_REALISED] -= fee * abs(left) / abs(lots)


def lots_of_entry(b, o):
    """What is left of entry order ``o``: signed lots, 0 where its trade is closed."""
    rows = b[13]
    for i in range(b[9][S_ENTRIES]):
        if rows[i, X_ORDER] == o:
            return rows[i, X_LOTS]
    return 0


def free_margin(m, b, k, t):
    """Equity less what the open entries tie up, both at the last close; not below 0."""
    pos = b[3]
    rows = b[13]
    paid = b[14]
    total = b[4][M_REALISED]
    used = 0.0
    for s in range(pos.shape[0]):
        if pos[s] == 0:
            continue
        price = m[D_LAST][t, s]
        one = unit(m, t, s, False)
        cost = 0.0
        for i in range(b[9][S_ENTRIES]):
            if rows[i, X_SYMBOL] == s:
                cost += rows[i, X_LOTS] * one * paid[i]
                used += abs(rows[i, X_LOTS]) * one * price / (1.0 / k[K_INITIAL])
        total += price * (pos[s] * one) - cost
    return max(0.0, total - used)


KERNELS = (end_children, note_entries, lots_of_entry, free_margin)
