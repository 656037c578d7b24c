"""What a strategy's verbs do: check the arguments, write rows of the order table, link brackets and groups."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from . import codes
from .admission import admit
from .arguments import amount_of, fraction_of, is_number, order_error, price_of, session_of, whole_of
from .core_sizing import on_tick, unit
from .handles import Order
from .profile_checks import check_amend, check_order

if TYPE_CHECKING:
    from .session import Session

_NAN = math.nan
_TARGETS = {
    "quantity": codes.TARGET_QUANTITY,
    "value": codes.TARGET_VALUE,
    "percent": codes.TARGET_PERCENT,
}


def row(
    run: Session, s: int, side: int, kind: int, size: int, amount: float, limit: float, stop: float, tif: int
) -> int:
    """A fresh row of the order table with prices on the tick and the quantity in lots (F7)."""
    books = run.books
    o = books.new_order()
    values, numbers = books.integers, books.floats
    at, tick = o * codes.N_I, run.ticks[s]
    values[at + codes.I_SYMBOL] = s
    values[at + codes.I_SIDE] = side
    values[at + codes.I_TYPE] = kind
    values[at + codes.I_SIZE] = size
    values[at + codes.I_TIF] = tif
    values[at + codes.I_BAR] = run.cursor.i
    if size == codes.QUANTITY:
        values[at + codes.I_SIZED] = 1
        values[at + codes.I_QTY] = whole_lots(amount, run.lots[s])
    at = o * codes.N_F
    numbers[at + codes.F_SIZE] = amount
    numbers[at + codes.F_LIMIT] = on_tick(limit, tick, side < 0)  # type: ignore[no-untyped-call]
    numbers[at + codes.F_STOP] = on_tick(stop, tick, side > 0)  # type: ignore[no-untyped-call]
    run.pending.append(o)
    run.touched.append(o)
    return o


def submit(
    run: Session,
    side: int,
    *,
    quantity: Any,
    value: Any,
    percent: Any,
    symbol: str | None,
    limit: Any,
    stop: Any,
    trail: Any,
    trail_percent: Any,
    stop_loss: Any,
    take_profit: Any,
    stop_loss_percent: Any,
    take_profit_percent: Any,
    at_close: Any,
    tif: Any,
    good_till: Any,
    max_bars: Any,
    tag: str,
) -> Order:
    """See ``Strategy.buy``."""
    s = run._symbol(symbol)
    limit, stop = price_of("limit", limit), price_of("stop", stop)
    trail = price_of("trail", trail, "a price distance")
    trail_percent = fraction_of("trail_percent", trail_percent)
    if trail == trail and trail_percent == trail_percent:
        raise order_error("trail and trail_percent exclude each other", hint="leave one of them out")
    trails = trail == trail or trail_percent == trail_percent
    if trails and run.cursor.i < 0:
        raise order_error("a trailing stop starts at a price: submit it in on_bar, not in on_start")
    until, tif_code = _time_in_force(run, tif, good_till, s)
    sl, sl_pct = price_of("stop_loss", stop_loss), fraction_of("stop_loss_percent", stop_loss_percent)
    tp, tp_pct = price_of("take_profit", take_profit), fraction_of("take_profit_percent", take_profit_percent)
    for a, b, what in ((sl, sl_pct, "stop_loss"), (tp, tp_pct, "take_profit")):
        if a == a and b == b:
            raise order_error(f"{what} and {what}_percent exclude each other", hint="leave one of them out")
    bars = None if max_bars is None else whole_of("max_bars", max_bars, 1)
    bracket = sl == sl or sl_pct == sl_pct or tp == tp or tp_pct == tp_pct or bars is not None
    plain = limit != limit and stop != stop
    held = run.sizes[s]
    if trails:
        check_order(run, plain=False, tif=tif_code, bars=bars)
    if trails and held and (held > 0) != (side > 0):
        if bracket or not plain or at_close:
            raise order_error(
                "a trailing stop that closes a position takes no other price",
                hint="submit the others as orders of their own, and link them with self.oco(…)",
            )
        return _trailing_exit(run, s, side, quantity, value, percent, trail, trail_percent, tif_code, until, tag)
    if trails and (sl == sl or sl_pct == sl_pct):
        raise order_error("stop_loss and trail exclude each other", hint="a trailing stop is the stop of the bracket")
    name, amount = _size(quantity, value, percent)
    kind = (codes.STOP_LIMIT if limit == limit else codes.STOP) if stop == stop else (
        codes.LIMIT if limit == limit else codes.MARKET
    )  # fmt: skip
    if at_close:
        if not plain or tif_code >= codes.IOC:
            raise order_error("at_close=True is an order type of its own: no limit, no stop, no IOC or FOK")
        kind = codes.MOC
    check_order(run, plain=plain and not at_close, tif=tif_code, bars=bars)
    _check_bracket(run, s, side, limit, stop, sl, tp)
    o = row(run, s, side, kind, codes.SIZES.index(name), amount, limit, stop, tif_code)
    run.books.oi[o, codes.I_UNTIL] = until
    _bracket(run, o, s, side, sl, sl_pct, tp, tp_pct, trail, trail_percent, bars)
    if tag:
        run.tags[o] = tag
    return Order(run, o)


def _bracket(
    run: Session, o: int, s: int, side: int, sl: float, sl_pct: float, tp: float, tp_pct: float, trail: float,
    trail_percent: float, bars: int | None,
) -> None:  # fmt: skip
    """The children of an order, linked to it and to each other; NaN and None are none."""
    children = []
    if trail == trail or trail_percent == trail_percent:
        child = _child(run, o, s, -side, codes.TRAIL, codes.STOP_LOSS, _NAN, _NAN)
        run.books.of[child, codes.F_TRAIL], run.books.of[child, codes.F_TRAIL_PCT] = trail, trail_percent
        children.append((codes.I_SL, child))
    elif sl == sl or sl_pct == sl_pct:
        children.append((codes.I_SL, _child(run, o, s, -side, codes.STOP, codes.STOP_LOSS, sl, sl_pct)))
    if tp == tp or tp_pct == tp_pct:
        children.append((codes.I_TP, _child(run, o, s, -side, codes.LIMIT, codes.TAKE_PROFIT, tp, tp_pct)))
    if bars is not None:
        child = _child(run, o, s, -side, codes.MARKET, codes.TIMEOUT, _NAN, _NAN)
        run.books.oi[child, codes.I_LEFT] = bars
        children.append((codes.I_TO, child))
    for column, c in children:
        run.books.oi[o, column] = c
    _ring(run, [c for _, c in children])


def _size(quantity: Any, value: Any, percent: Any) -> tuple[str, float]:
    given = [(n, v) for n, v in (("quantity", quantity), ("value", value), ("percent", percent)) if v is not None]
    if len(given) != 1:
        raise order_error("an order takes exactly one of quantity, value and percent", hint=f"got {len(given)}")
    return given[0][0], amount_of(*given[0])


def _time_in_force(run: Session, tif: Any, good_till: Any, s: int) -> tuple[int, int]:
    """Last session of a GTD order (0 where there is none), and the code of the time in force (F17)."""
    if good_till is not None and tif == "GTC":
        tif = "GTD"
    if tif not in codes.TIFS:
        raise order_error(f"unknown time in force {tif!r}", hint="there is: " + ", ".join(codes.TIFS))
    if (good_till is not None) != (tif == "GTD"):
        raise order_error(
            f"tif={tif!r} with good_till={good_till!r}", hint="good_till= is the last session of a GTD order"
        )
    if good_till is None:
        return 0, codes.TIFS.index(tif)
    until = session_of("good_till", good_till)
    i = run.cursor.i
    if i >= 0 and until < int(run.grid.session[i]):
        raise order_error(f"good_till={good_till!s} is before the current session", hint="give a later date")
    return until, codes.GTD


def _trailing_exit(
    run: Session, s: int, side: int, quantity: Any, value: Any, percent: Any, trail: float, pct: float, tif: int,
    until: int, tag: str,
) -> Order:  # fmt: skip
    """A trailing stop of its own: what closes the position, or a part of it (F14)."""
    held = abs(run.sizes[s])
    if value is not None or percent is not None:
        raise order_error("a trailing stop that closes a position is sized by quantity", hint="or leave the size out")
    amount = held if quantity is None else amount_of("quantity", quantity)
    if amount > held * (1 + 1e-12):
        raise order_error(
            f"quantity={amount:g} with a trailing stop is more than the position of {held:g}",
            hint="close it first, or submit two orders: one that closes, one that opens",
        )
    o = row(run, s, side, codes.TRAIL, codes.QUANTITY, amount, _NAN, _NAN, tif)
    run.books.oi[o, codes.I_UNTIL] = until
    run.books.oi[o, codes.I_ROLE] = codes.STOP_LOSS  # it only ever reduces, and ends with the position
    run.books.of[o, codes.F_TRAIL], run.books.of[o, codes.F_TRAIL_PCT] = trail, pct
    if tag:
        run.tags[o] = tag
    return Order(run, o)


def _check_bracket(run: Session, s: int, side: int, limit: float, stop: float, sl: float, tp: float) -> None:
    entry = limit if limit == limit else stop
    if entry != entry and run.cursor.i >= 0:
        entry = run.last_close(s)
    for price, sign, what in ((sl, -1, "stop_loss"), (tp, 1, "take_profit")):
        if price == price and entry == entry and (price - entry) * sign * side <= 0:
            word = "below" if sign * side < 0 else "above"
            raise order_error(
                f"{what}={price:g} must lie {word} the entry of about {entry:g}",
                hint=f"move it, or give {what}_percent, a distance from the price of the fill",
            )


def _child(run: Session, parent: int, s: int, side: int, kind: int, role: int, price: float, pct: float) -> int:
    stop, limit = (price, _NAN) if kind == codes.STOP else (_NAN, price)
    c = row(run, s, side, kind, codes.QUANTITY, 0.0, limit, stop, codes.GTC)
    values = run.books.oi[c]
    values[codes.I_STATE] = codes.WAITING
    values[codes.I_PARENT] = parent
    values[codes.I_ROLE] = role
    run.books.of[c, codes.F_SL_PCT if role == codes.STOP_LOSS else codes.F_TP_PCT] = pct
    return c


def _ring(run: Session, ids: list[int]) -> None:
    """Link orders so that a fill of one ends the others."""
    if len(ids) > 1:
        for a, b in zip(ids, ids[1:] + ids[:1], strict=True):
            run.books.oi[a, codes.I_SIBLING] = b


def oco(run: Session, orders: tuple[Any, ...]) -> None:
    """See ``Strategy.oco``."""
    if len(orders) < 2:
        raise order_error("a group needs at least two orders", hint="self.oco(order, other)")
    for order in orders:
        if not isinstance(order, Order) or order._run is not run:
            raise order_error(f"oco() takes orders of this run, got {order!r}")
        if not order.is_working:
            raise order_error(f"{order!r} has ended and cannot be in a group")
        if run.books.oi[order.id, codes.I_SIBLING] >= 0 or run.books.oi[order.id, codes.I_PARENT] >= 0:
            raise order_error(f"{order!r} is in a group or a bracket already")
    if len({order.id for order in orders}) != len(orders):
        raise order_error("an order is in the group twice")
    _ring(run, [order.id for order in orders])


def target(
    run: Session, by: str, amount: Any, symbol: str | None, tag: str,
    stop_loss_percent: Any = None, take_profit_percent: Any = None, trail_percent: Any = None,
) -> Order:  # fmt: skip
    """See ``Strategy.order_target_percent`` and its siblings; with a bracket, for an entry or a reversal."""
    s = run._symbol(symbol)
    if not is_number(amount):
        raise order_error(f"a target must be a finite number, got {amount!r}")
    check_order(run, plain=True, tif=codes.GTC, bars=None)
    mode = _TARGETS[by]
    side = 1 if amount >= 0 else -1
    o = row(run, s, side, codes.MARKET, mode, float(amount), _NAN, _NAN, codes.GTC)
    if stop_loss_percent is not None or take_profit_percent is not None or trail_percent is not None:
        loss = fraction_of("stop_loss_percent", stop_loss_percent)
        gain = fraction_of("take_profit_percent", take_profit_percent)
        _bracket(run, o, s, side, _NAN, loss, _NAN, gain, _NAN, fraction_of("trail_percent", trail_percent), None)
    if tag:
        run.tags[o] = tag
    return Order(run, o)


def cancel(run: Session, order: Order | None, symbol: str | None) -> int:
    """See ``Strategy.cancel``."""
    if order is not None and not isinstance(order, Order):
        raise order_error(f"cancel() takes an order, got {order!r}", hint="for a symbol: cancel(symbol=…)")
    admit(run)
    books, reg = run.books, run.books.reg
    s = None if symbol is None else run._symbol(symbol)
    ids = [int(o) for o in books.active[: reg[codes.S_ACTIVE]]] if order is None else [order.id]
    queued = run.config.rules["bar_order"] == "submission"
    count = 0
    for o in ids:
        if books.oi[o, codes.I_STATE] not in (codes.WORKING, codes.WAITING):
            continue
        if s is not None and books.oi[o, codes.I_SYMBOL] != s:
            continue
        books.make_room()
        run.caught_up(o)
        if queued:
            count += run.core.queue_withdraw(run.calls.b, run.cursor.i, o)
            continue
        run.core.finish(run.calls.b, run.cursor.i, o, codes.CANCELLED, codes.BY_STRATEGY, codes.PH_CLOSE)
        count += 1
    run.core.compact(run.calls.b)
    if count:
        run.changed(ids[0])
    return count


def amend(
    run: Session, order: Any, quantity: Any, limit: Any, stop: Any, trail: Any, trail_percent: Any
) -> None:
    """See ``Strategy.amend``."""
    if not isinstance(order, Order) or order._run is not run:
        raise order_error(f"amend() takes an order of this run, got {order!r}")
    admit(run)
    check_amend(run)
    books, o = run.books, order.id
    i, f = books.oi[o], books.of[o]
    if i[codes.I_STATE] not in (codes.WORKING, codes.WAITING):
        raise order_error(f"{order!r} has ended and cannot be amended")
    kind, side, tick = int(i[codes.I_TYPE]), int(i[codes.I_SIDE]), run.ticks[order_symbol(order)]
    given = {"limit": limit, "stop": stop, "trail": trail, "trail_percent": trail_percent}
    has = {
        "limit": kind in (codes.LIMIT, codes.STOP_LIMIT),
        "stop": kind in (codes.STOP, codes.STOP_LIMIT) and i[codes.I_TRIGGERED] == 0,
        "trail": kind == codes.TRAIL and i[codes.I_TRIGGERED] == 0,
        "trail_percent": kind == codes.TRAIL and i[codes.I_TRIGGERED] == 0,
    }
    wanted = [name for name, v in given.items() if v is not None]
    if not wanted and quantity is None:
        raise order_error("amend() changes nothing", hint="give quantity, limit, stop, trail or trail_percent")
    for name in wanted:
        if not has[name]:
            raise order_error(f"{order!r} has no {name} to amend")
    if trail is not None and trail_percent is not None:
        raise order_error("trail and trail_percent exclude each other", hint="leave one of them out")
    read = {"trail_percent": fraction_of}
    changes = {n: read.get(n, price_of)(n, v) for n, v in given.items() if v is not None}
    if quantity is not None:
        if i[codes.I_PARENT] >= 0 or i[codes.I_SIZE] != codes.QUANTITY:
            raise order_error(
                f"the quantity of {order!r} cannot be amended",
                hint="a bracket's children follow their entry; cancel orders by value, percent or target instead",
            )
        lots = whole_lots(amount_of("quantity", quantity), float(run.grid.lots[order_symbol(order)]))
        if lots <= i[codes.I_FILLED]:
            raise order_error(
                f"quantity={quantity!r} is not above what has filled ({order.filled:g})", hint="cancel the rest instead"
            )
        i[codes.I_QTY] = lots
        f[codes.F_SIZE] = float(quantity)
    if "limit" in changes:
        f[codes.F_LIMIT] = on_tick(changes["limit"], tick, side < 0)  # type: ignore[no-untyped-call]
        f[codes.F_TP_PCT] = _NAN
    if "stop" in changes:
        f[codes.F_STOP] = on_tick(changes["stop"], tick, side > 0)  # type: ignore[no-untyped-call]
        f[codes.F_SL_PCT] = _NAN
    if "trail" in changes or "trail_percent" in changes:
        if i[codes.I_STATE] == codes.WORKING:
            run.core.catch_up(run.calls.m, run.calls.b, o, run.cursor.i)
        f[codes.F_TRAIL], f[codes.F_TRAIL_PCT] = changes.get("trail", _NAN), changes.get("trail_percent", _NAN)
        if i[codes.I_STATE] == codes.WORKING:
            run.core.set_level(books.of, o, side, tick)
    books.make_room()
    left = int(i[codes.I_QTY] - i[codes.I_FILLED])
    run.core.log_event(
        run.calls.b, run.cursor.i, o, codes.AMENDED, codes.BY_STRATEGY, codes.R_NONE, left, codes.PH_CLOSE
    )
    run.changed(o)


def order_symbol(order: Order) -> int:
    """Index of an order's symbol."""
    return int(order._run.books.oi[order.id, codes.I_SYMBOL])


def size_for_risk(run: Session, risk: Any, stop: Any, entry: Any, symbol: str | None) -> float:
    """See ``Strategy.size_for_risk``."""
    s = run._symbol(symbol)
    part = fraction_of("risk", risk)
    stop, entry = price_of("stop", stop), price_of("entry", entry)
    if stop != stop or part != part:
        raise order_error("size_for_risk needs risk= and stop=")
    if entry != entry:
        entry = run.last_close(s)
    if entry != entry:
        raise order_error("there is no price yet", hint="give entry=")
    distance = abs(entry - stop)
    if distance == 0:
        raise order_error(f"stop={stop:g} is the entry: the risk of one unit is zero")
    lot = float(run.grid.lots[s])
    one = float(unit(run.grid.m, run.cursor.i, s, False))  # type: ignore[no-untyped-call]
    return whole_lots(part * max(0.0, run.equity()) / (distance * one) * lot, lot) * lot


def whole_lots(amount: float, lot: float) -> int:
    """Lots in ``amount``, toward zero (F7); 0.29 is 29,000,000 of 1e-8, though the division falls short."""
    lots = amount / lot
    return int(min(lots + 1e-9 + abs(lots) * 1e-12, codes.MOST_LOTS))
