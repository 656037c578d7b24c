"""Profiles: named sets of rules that stand for how another engine simulates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from . import codes

if TYPE_CHECKING:
    from .options import Options
    from .session import Session

#: Profile → the rules that it sets; the others keep the values of ``options.RULES``.
PROFILES: Final[dict[str, dict[str, Any]]] = {
    "default": {},
    "backtesting.py": {
        "bar_order": "closings",
        "close_at_end": "last_open",
        "entry_bar": "market_parent",
        "first_bar": "bar_after_all_ready",
        "funds": "fill",
        "limit_fill": "touch",
        "lots": "whole",
        "maintenance_margin": 0.0,
        "max_share": None,
        "percent_of": "free_margin",
        "prices": "adjusted",
        "trades": "entry_order",
    },
    "backtrader": {
        "bar_order": "submission",
        "entry_bar": "next_bar",
        "first_bar": "all_ready",
        "funds": "cash",
        "limit_fill": "touch",
        "lots": "whole",
        "maintenance_margin": 0.0,
        "max_share": None,
        "prices": "adjusted",
        "size_at": "decision",
        "trades": "flat",
    },
    "lean": {
        "bar_order": "in_turn",
        "entry_bar": "next_bar",
        "fill_at": "timeframe",
        "first_bar": "every",
        "funds": "whole",
        "leverage": 2.0,
        "maintenance_margin": 0.5 / 1.1,  # a margin call comes where half of the positions' value is 1.1 times equity
        "max_share": None,
        "prices": "adjusted",
        "size_at": "decision",
        "size_buffer": 0.0025,
    },
    "vectorbt-close": {
        "allow_partial": True,
        "bar_order": "one_order",
        "entry_bar": "next_bar",
        "fill_at": "close",
        "first_bar": "every",
        "fractional": True,
        "funds": "fill",
        "maintenance_margin": 0.0,
        "max_share": None,
        "prices": "adjusted",
        "size_at": "decision",
    },
}

#: Profile → its commission where none is given, in parts of ``al.Commission``; the others have none.
COMMISSIONS: Final[dict[str, dict[str, float]]] = {
    "lean": {"per_share": 0.005, "minimum": 1.0, "maximum_percent": 0.005},
}

_ADJUSTED: Final = "use adjusted prices: prices='adjusted' of a dataset that has them, or data without events"
#: Values that belong to one pass over the order list with closing orders in front, and only to it.
CLOSINGS: Final[dict[str, Any]] = {
    "entry_bar": "market_parent",
    "funds": "fill",
    "percent_of": "free_margin",
    "trades": "entry_order",
}
#: What that pass has no meaning for: the rule must have the value here.
NOT_WITH_CLOSINGS: Final[dict[str, Any]] = {
    "account": "margin",
    "allow_partial": False,
    "cash_buffer": 0.0,
    "fill_at": "open",
    "max_share": None,
    "min_order_value": 0.0,
    "size_at": "fill",
    "size_buffer": 0.0,
}


def check(values: dict[str, Any]) -> None:
    """Refuse rules that do not go together.

    Raises:
        RuleError: Names the rule, and the value that would go.
    """
    from alphintra.errors import RuleError

    closings = values["bar_order"] == "closings"
    for name, own in CLOSINGS.items():
        if closings and values[name] != own:
            raise RuleError(
                f"{name}={values[name]!r} does not go with bar_order='closings'", where=name,
                hint=f"{name}={own!r}, as in profile='backtesting.py'",
            )  # fmt: skip
        if not closings and values[name] == own and name != "funds":
            raise RuleError(
                f"{name}={own!r} goes only with bar_order='closings'", where=name, hint="profile='backtesting.py'"
            )
    for name, own in NOT_WITH_CLOSINGS.items():
        if closings and values[name] != own:
            raise RuleError(
                f"{name}={values[name]!r} does not go with bar_order='closings'", where=name, hint=f"leave it {own!r}"
            )
    if values["funds"] == "whole" and values["allow_partial"]:
        raise RuleError(
            "allow_partial=True and funds='whole' contradict each other", where="allow_partial", hint="funds='both'"
        )
    if values["lots"] == "whole" and values["fractional"]:
        raise RuleError(
            "lots='whole' goes with fractional=False only", where="lots", hint="lots='instrument', or fractional=False"
        )


def check_market(config: Options, session: Session) -> None:
    """Refuse costs and data that the rules of a run have no meaning for.

    Raises:
        RuleError: Names what does not go, and what would.
    """
    from alphintra.errors import RuleError

    if config.rules["bar_order"] != "closings":
        return
    fees = config.commission
    if fees.fixed or fees.minimum or fees.maximum is not None or fees.maximum_percent is not None or fees.tiers:
        raise RuleError(
            f"commission {fees} does not go with bar_order='closings'",
            where="commission",
            hint="it takes a fraction of the price, or an amount per share",
        )
    grid, market = session.grid, session.market
    for there, what, remedy in (
        (grid.foreign, "exchange rates", "use data in the account's currency"),
        (not session.simple_money, "multipliers and margins per contract", "use data without them"),
        (grid.m[codes.D_ACTION].shape[0] > 0, "splits and dividends", _ADJUSTED),
        (grid.m[codes.D_FINE_FIRST].shape[0] > 0, "finer bars", "leave out detail="),
    ):
        if there:
            raise RuleError(f"{market.name} has {what}, and bar_order='closings' none", where="bar_order", hint=remedy)
