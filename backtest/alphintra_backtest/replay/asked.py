"""What an order asks for, in a line."""

from __future__ import annotations

from alphintra_backtest import codes
from alphintra_backtest.handles import Order


def asked(order: Order) -> str:
    """What an order asks for, in a line: ``sell stop 247.61, 666``."""
    size = codes.SIZES[order._i(codes.I_SIZE)]
    amount = order._f(codes.F_SIZE)
    prices = "".join(f" {p:.6g}" for p in (order.stop, order.limit) if p == p)
    what = order.type.lower().replace("_", " ")
    if size == "quantity" or order.quantity:
        return f"{order.side.lower()} {what}{prices}, {order.quantity:g}"
    return f"{size.replace('_', ' ')} {amount:g}{prices}"
