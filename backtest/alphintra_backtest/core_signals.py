"""The compiled form of a strategy: signals of all bars in, orders out, from one event to the next; see ``core``.

What it means is the reference ``on_bar`` of ``alphintra.signals``; both submit the same rows to the same
``accept``, ``peek`` and ``step``, so the logs of both are equal. Arguments beside those of ``core``:

``code``
    (T · S,) uint8, row by row: what each timestamp and symbol says, bits of ``SIG_…``; 0 nothing.
``amount``, ``loss``, ``gain``
    Size or weight, stop-loss and take-profit fractions: (1,) one for all, or (T · S,); NaN in ``loss`` and
    ``gain`` is none.
``fresh``, ``nothing``
    The two halves of an order row as ``books`` starts it.
``newest``
    (2 · S,) int64: per symbol the newest order (−1: none yet), then what that order goes for (1, −1 or 0).
``state``
    (``N_D``,) int64: where the walk is.
"""

from __future__ import annotations

from .codes import *
from .core import accept, peek, step
from .core_matching import fill_at_close
from .core_sizing import equity_at
from .core_sums import OUT_EQUITY, OUT_FILLS, OUT_ORDERS, column, extremes, sum_up

# bits of a signal
SIG_ENTRY, SIG_EXIT, SIG_SHORT, SIG_COVER, SIG_WEIGHT = 1, 2, 4, 8, 16
# the driver's state: next timestamp to look at, variant
D_NEXT, D_VARIANT = range(2)
N_D = 2
# how the driver works: market orders fill at the decision's close, ``loss`` is the distance of a trailing stop, the
# account is one of ``core_sums.value_one``
AT_CLOSE, TRAILS, ONE = 1, 2, 4


def order_row(b, fresh, nothing, t, s, side, kind, size, amount):
    """A new row of the order table, as ``Session`` makes it; returns its number."""
    oi, of, reg = b[0], b[1], b[9]
    o = reg[S_ORDERS]
    reg[S_ORDERS] = o + 1
    for c in range(fresh.shape[0]):
        oi[o, c] = fresh[c]
    for c in range(nothing.shape[0]):
        of[o, c] = nothing[c]
    oi[o, I_SYMBOL] = s
    oi[o, I_SIDE] = side
    oi[o, I_TYPE] = kind
    oi[o, I_SIZE] = size
    oi[o, I_BAR] = t
    of[o, F_SIZE] = amount
    if size == QUANTITY:
        oi[o, I_SIZED] = 1
    return o


def child_row(b, fresh, nothing, parent, kind, role):
    """A bracket's child: waits for its parent's fill, which sets its price."""
    oi = b[0]
    o = order_row(b, fresh, nothing, oi[parent, I_BAR], oi[parent, I_SYMBOL], -oi[parent, I_SIDE], kind, QUANTITY, 0.0)
    oi[o, I_STATE] = WAITING
    oi[o, I_PARENT] = parent
    oi[o, I_ROLE] = role
    return o


def enter(b, fresh, nothing, t, s, side, size, loss, gain, trails):
    """An entry: one order to the new target, with its bracket; returns its number."""
    oi = b[0]
    o = order_row(b, fresh, nothing, t, s, side, MARKET, TARGET_PERCENT, side * size)
    if loss == loss:
        c = child_row(b, fresh, nothing, o, TRAIL if trails else STOP, STOP_LOSS)
        b[1][c, F_TRAIL_PCT if trails else F_SL_PCT] = loss
        oi[o, I_SL] = c
    if gain == gain:
        c = child_row(b, fresh, nothing, o, LIMIT, TAKE_PROFIT)
        b[1][c, F_TP_PCT] = gain
        oi[o, I_TP] = c
    sl = oi[o, I_SL]
    tp = oi[o, I_TP]
    if sl >= 0 and tp >= 0:
        oi[sl, I_SIBLING] = tp
        oi[tp, I_SIBLING] = sl
    return o


def decide(b, fresh, nothing, t, code, amount, loss, gain, newest, trails):
    """Turn the signals of timestamp ``t`` into order rows, symbol by symbol in universe order."""
    oi, pos = b[0], b[3]
    n = pos.shape[0]
    for s in range(n):
        p = t * n + s
        c = code[p]
        if c == 0:
            continue
        working = newest[s] >= 0 and oi[newest[s], I_STATE] == WORKING
        goal = newest[n + s]
        size = amount[p if amount.shape[0] > 1 else 0]
        side = 0
        if c & SIG_WEIGHT:
            if size == 0.0 and (goal == 0 if working else pos[s] == 0):
                continue
            side = 1 if size > 0.0 else (-1 if size < 0.0 else 0)
            if side != 0:
                o = order_row(b, fresh, nothing, t, s, side, MARKET, TARGET_PERCENT, size)
            else:
                o = order_row(b, fresh, nothing, t, s, 1, MARKET, TARGET_QUANTITY, 0.0)
        else:
            is_long = pos[s] > 0 or (working and goal > 0)
            is_short = pos[s] < 0 or (working and goal < 0)
            buy = (c & SIG_ENTRY) != 0 and (c & SIG_EXIT) == 0
            sell = (c & SIG_SHORT) != 0 and (c & SIG_COVER) == 0
            if buy and not sell and not is_long:
                side = 1
            elif sell and not buy and not is_short:
                side = -1
            else:
                leaves = ((c & SIG_EXIT) != 0 and is_long) or ((c & SIG_COVER) != 0 and is_short)
                if not leaves or (working and goal == 0):
                    continue
            if side != 0:
                stop = loss[p if loss.shape[0] > 1 else 0]
                target = gain[p if gain.shape[0] > 1 else 0]
                o = enter(b, fresh, nothing, t, s, side, size, stop, target, trails)
            else:
                o = order_row(b, fresh, nothing, t, s, 1, MARKET, TARGET_QUANTITY, 0.0)
        newest[s] = o
        newest[n + s] = side


def soon(array, row):
    """Say that a row of an array will be read soon; ``compiled`` has a form of it that does something."""


def eight(code, p):
    """Whether one of the eight bytes from ``p`` on is not 0; ``compiled`` has a form of it that reads them at once."""
    return code[p : p + 8].any()


def next_signal(code, n, t, until, quiet):
    """First timestamp from ``t`` on, below ``until``, with a signal other than ``quiet``; or ``until``."""
    p = t * n
    last = until * n
    while p < last:
        while p + 8 <= last and not eight(code, p):
            p += 8
        for q in range(p, min(p + 8, last)):
            if code[q] != 0 and code[q] != quiet:
                return q // n
        p += 8
    return until


def short_of_room(b, n):
    """Whether the books could be too small for one step and the orders of ``n`` symbols with brackets."""
    oi, active, fi, ev, reg = b[0], b[2], b[6], b[8], b[9]
    more = 4 * n + 4  # three rows of an entry, and the account's own order for each symbol
    works = reg[S_ACTIVE] + more + 8
    return (
        oi.shape[0] - reg[S_ORDERS] < more
        or active.shape[0] - reg[S_ACTIVE] < more
        or fi.shape[0] - reg[S_FILLS] < 4 * works
        or ev.shape[0] - reg[S_EVENTS] < 16 * works
        or b[11].shape[0] - reg[S_LEGS] < 4 * n + 4
        or b[13].shape[0] - reg[S_ENTRIES] < works
    )


def ahead(m, t):
    """Have what an order reads at ``t`` fetched while others are still worked on: most of its time is that wait."""
    soon(m[D_CLOSE], t)
    soon(m[D_OPEN], t)
    soon(m[D_OPEN_TIME], t)
    soon(m[D_TIME], t)
    soon(m[D_CAP], t)


def drive(m, b, k, mode, fresh, nothing, code, amount, loss, gain, newest, state, until):
    """Walk on to timestamp ``until``. False if it stopped before because the books need to grow."""
    cash, reg = b[4], b[9]
    n = b[3].shape[0]
    t = state[D_NEXT]
    # With one symbol: a signal that did nothing, and does nothing again until an order or a step changes something.
    quiet = 0
    signal = -1
    skipped = 0  # what the last look for a signal took as quiet
    said = t  # nothing is said between t and there
    while True:
        if signal < t or skipped != quiet:
            signal = next_signal(code, n, max(t, said), until, quiet)
            skipped = quiet
        # Looking no further than the next signal: what is found beyond it would be looked for again after it.
        event = peek(m, b, k, t - 1, min(signal + 1, until))
        j = min(signal, event)
        if j >= until:
            state[D_NEXT] = until
            return True
        if short_of_room(b, n):
            state[D_NEXT] = j
            return False
        if j == event:
            quiet = 0
            step(m, b, k, j)
            if reg[S_BANKRUPT] != 0:
                state[D_NEXT] = j + 1
                return True
        if j == signal or (n == 1 and code[j] != 0):  # the step may have given a quiet signal something to do
            if said <= j:
                said = next_signal(code, n, j + 1, until, 0)
                ahead(m, said)
            first = reg[S_ORDERS]
            decide(b, fresh, nothing, j, code, amount, loss, gain, newest, (mode & TRAILS) != 0)
            last = reg[S_ORDERS]
            if last > first:
                accept(m, b, k, first, last, j)
                cash[M_FREED] = 0.0
                quiet = 0
                if mode & AT_CLOSE:
                    fill_at_close(m, b, k, j)
            elif n == 1 and code[j] != SIG_WEIGHT:
                quiet = code[j]
        t = j + 1


def crossings(a, b, above, below):
    """Where ``a`` crosses ``b`` upwards and where downwards, all (T,); see ``signals_arrays``."""
    if above.shape[0] > 0:
        above[0] = False
        below[0] = False
    for i in range(1, above.shape[0]):
        now, over, before, under = a[i], b[i], a[i - 1], b[i - 1]
        above[i] = (now > over) & (before <= under)
        below[i] = (now < over) & (before >= under)


def pack(entries, exits, shorts, covers, first, out):
    """The bits of each timestamp and symbol from masks as bytes, all (T · S,); one of length 0 is none.

    Before place ``first`` nothing is said.
    """
    # All from place 0 on, as an index that might be negative would keep the compiler from taking several at once.
    for p in range(out.shape[0]):
        out[p] = entries[p] if entries.shape[0] > 0 else 0
    if exits.shape[0] > 0:
        for p in range(out.shape[0]):
            out[p] |= exits[p] << 1
    if shorts.shape[0] > 0:
        for p in range(out.shape[0]):
            out[p] |= shorts[p] << 2
    if covers.shape[0] > 0:
        for p in range(out.shape[0]):
            out[p] |= covers[p] << 3
    for p in range(first):
        out[p] = 0


def blank(b, start_cash):
    """Take the books back to before the first bar; rows of orders and logs are written before they are read."""
    pos, cash, used, reg = b[3], b[4], b[5], b[9]
    for s in range(pos.shape[0]):
        pos[s] = 0
        used[s] = 0
        b[10][s] = 0.0
    for r in range(reg.shape[0]):
        reg[r] = 0
    reg[S_BUDGET_BAR] = -1
    cash[M_CASH] = start_cash
    cash[M_REALISED] = start_cash
    cash[M_FREED] = 0.0
    cash[M_FINANCING] = 0.0


def drive_many(
    m, b, k, mode, fresh, nothing, code, amount, loss, gain, newest, state, first, start_cash, v, ends, curves, flags,
    held, terms, high, low, sampled, out,
):  # fmt: skip
    """Run whole variants one after the other in the same books; see ``drive``. The first one that is not done.

    ``code``, ``amount``, ``loss`` and ``gain`` have a row for each variant, and so have ``sampled`` and ``out``, which
    ``sum_up`` fills. ``state[D_VARIANT]`` is the variant that the books belong to; a call after one that ended early
    goes on where that stopped.
    """
    reg = b[9]
    count = m[3].shape[0]
    if mode & ONE:
        extremes(column(m[D_CLOSE]), high, low)
    while v < code.shape[0]:
        if state[D_VARIANT] != v:
            blank(b, start_cash)
            for s in range(newest.shape[0]):
                newest[s] = -1
            state[D_VARIANT] = v
            state[D_NEXT] = first
        if not drive(m, b, k, mode, fresh, nothing, code[v], amount[v], loss[v], gain[v], newest, state, count):
            return v
        row = out[v]
        row[OUT_EQUITY] = equity_at(m, b, state[D_NEXT] - 1, False)
        row[OUT_FILLS] = reg[S_FILLS]
        row[OUT_ORDERS] = reg[S_ORDERS]
        sum_up(
            m, b, (mode & ONE) != 0, start_cash, state[D_NEXT], first - 1, ends, curves, flags, held, terms, high, low,
            sampled[v], row,
        )  # fmt: skip
        v += 1
    return v


KERNELS = (
    order_row, child_row, enter, decide, next_signal, short_of_room, ahead, drive, crossings, pack, blank, drive_many,
)  # fmt: skip
