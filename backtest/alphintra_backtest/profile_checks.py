"""What the bar orders of the profiles have no meaning for, each refused with its remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from . import codes
from .arguments import order_error

if TYPE_CHECKING:
    from .options import Options
    from .session import Session

_ADJUSTED: Final = "use adjusted prices: prices='adjusted' of a dataset that has them, or data without events"
#: Rules that must have these values with a bar order.
NEEDED: Final[dict[str, dict[str, Any]]] = {
    "submission": {
        "account": "margin",
        "allow_partial": False,
        "borrow_rate": 0.0,
        "cash_buffer": 0.0,
        "entry_bar": "next_bar",
        "fill_at": "open",
        "funds": "cash",
        "initial_margin": None,
        "leverage": 1.0,
        "limit_fill": "touch",
        "maintenance_margin": 0.0,
        "margin_rate": 0.0,
        "max_share": None,
        "min_order_value": 0.0,
        "percent_of": "equity",
        "size_at": "decision",
        "size_buffer": 0.0,
        "withholding": 0.0,
    },
    "in_turn": {"entry_bar": "next_bar"},
    "one_order": {
        "account": "margin",
        "cash_buffer": 0.0,
        "entry_bar": "next_bar",
        "fill_at": "close",
        "funds": "fill",
        "initial_margin": None,
        "leverage": 1.0,
        "max_share": None,
        "min_order_value": 0.0,
        "percent_of": "equity",
        "size_at": "decision",
        "size_buffer": 0.0,
    },
}
#: Values that mean something only with some bar orders.
ONLY_WITH: Final[dict[tuple[str, Any], tuple[str, ...]]] = {
    ("funds", "cash"): ("submission",),
    ("entry_bar", "next_bar"): ("submission", "one_order", "in_turn"),
}


def check_rules(values: Mapping[str, Any]) -> None:
    """Refuse rules that do not go with their bar order.

    Raises:
        RuleError: Names the rule, and the value that goes.
    """
    from alphintra.errors import RuleError

    order = values["bar_order"]
    for name, needed in NEEDED.get(order, {}).items():
        if values[name] != needed:
            raise RuleError(
                f"{name}={values[name]!r} does not go with bar_order={order!r}", where=name, hint=f"leave it {needed!r}"
            )
    for (name, value), orders in ONLY_WITH.items():
        if values[name] == value and order not in orders:
            raise RuleError(
                f"{name}={value!r} goes only with bar_order={' or '.join(map(repr, orders))}",
                where=name,
                hint=f"bar_order is {order!r} here",
            )


def check_queue(config: Options, session: Session) -> None:
    """Refuse costs and data that a queue of orders has no meaning for.

    Raises:
        RuleError: Names what does not go, and what would.
    """
    from alphintra.errors import RuleError

    if config.rules["bar_order"] != "submission":
        return
    fees, slip, m = config.commission, config.slippage, session.grid.m
    multiplied = m[codes.D_MULT] != 1.0
    bounded = fees.minimum or fees.maximum is not None or fees.maximum_percent is not None
    if fees.fixed or bounded or fees.tiers or fees.maker_rate != fees.taker_rate:
        raise RuleError(
            f"commission {fees} does not go with bar_order='submission'",
            where="commission",
            hint="it takes a fraction of the price, or an amount per share or contract",
        )
    if slip.volume_share or (slip.percent and (slip.fixed or slip.spread)):
        raise RuleError(
            f"slippage {slip} does not go with bar_order='submission'",
            where="slippage",
            hint="it takes a fraction, or a distance (fixed, or half the spread)",
        )
    for there, what, remedy in (
        (session.grid.foreign, "exchange rates", "use data in the account's currency"),
        (len(m[codes.D_ACTION]) > 0, "splits or dividends on raw prices", _ADJUSTED),
        (bool((m[codes.D_DELISTED] < len(session.grid.time)).any()), "symbols that end", "leave end= out"),
        (bool((m[codes.D_LISTED] > 0).any()), "symbols that start late", "leave start= out"),
        (len(m[codes.D_FINE_FIRST]) > 0, "finer bars", "leave detail= out"),
        (bool((multiplied & np.isnan(m[codes.D_MARGIN])).any()), "a multiplier and no margin", "give margin= too"),
        (bool(multiplied.any() and fees.taker_rate), "multipliers", "give the commission per contract: per_share="),
    ):
        if there:
            raise RuleError(
                f"{session.market.name} has {what}, which bar_order='submission' does not know",
                where="bar_order",
                hint=remedy,
            )


def check_order(run: Session, *, plain: bool, tif: int, bars: int | None) -> None:
    """Refuse an order that the run's bar order does not know; ``plain`` is one without a price or a close.

    Raises:
        OrderError: Names what it does not know.
    """
    order = run.config.rules["bar_order"]
    if order == "one_order" and not plain:
        raise order_error(
            "bar_order='one_order' knows market orders at the decision's close only: no limit, stop, trail or at_close",
            hint="give stop_loss= and take_profit= with the entry",
        )
    if run.cursor.i < 0 and order in NEEDED:
        raise order_error(f"with bar_order={order!r} the first orders come from on_bar, not from on_start")
    if order != "submission":
        return
    if tif != codes.GTC:
        raise order_error(
            f"tif={codes.TIFS[tif]!r} does not go with bar_order='submission'", hint="leave it out and cancel the order"
        )
    if bars is not None:
        raise order_error("max_bars does not go with bar_order='submission'", hint="count the bars, and close()")


def check_amend(run: Session) -> None:
    """Refuse to amend where the run's bar order knows no amended orders."""
    if run.config.rules["bar_order"] == "submission":
        raise order_error("no order is amended with bar_order='submission'", hint="cancel it and submit another")
