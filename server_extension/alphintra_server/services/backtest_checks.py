"""What can be refused before a job is queued: parameters, rules and dates."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from ..errors import Invalid
from ..models.costs import CommissionTerms, SlippageTerms, for_engine
from .selections import Selection

_FIELDS = {"cash": "initial_capital"}
_SETTINGS = ("cash", "commission", "slippage", "profile", "risk_free_rate", "seed")


def check_parameters(chosen: dict[str, Any], parameters: dict[str, Any]) -> None:
    """Refuse parameters that the class does not declare, or outside the bounds that it writes down."""
    known: dict[str, dict[str, Any]] = chosen["parameters"]
    for name, value in parameters.items():
        if name not in known:
            has = ", ".join(known) or "none"
            raise Invalid.field(
                f"parameters.{name}",
                f"{chosen['name']} has no such parameter (it has {has})",
                code="BAD_PARAMETER",
            )
        check_value(f"parameters.{name}", value, known[name])


def check_value(field: str, value: Any, described: dict[str, Any]) -> None:
    """Refuse a value that a parameter cannot have, as far as the class writes down what it can.

    Args:
        field: Where the value stands in the request.
        value: What was given.
        described: The parameter as its source describes it.
    """
    _check_type(field, value, described.get("default"))
    low, high = described.get("low"), described.get("high")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if isinstance(low, int | float) and value < low:
            raise Invalid.field(field, f"{value} is below {low}", code="BAD_PARAMETER")
        if isinstance(high, int | float) and value > high:
            raise Invalid.field(field, f"{value} is above {high}", code="BAD_PARAMETER")
    elif isinstance(low, int | float) or isinstance(high, int | float):
        raise Invalid.field(field, "must be a number", code="BAD_PARAMETER")


def _check_type(field: str, value: Any, default: Any) -> None:
    """Refuse a value that is not of the default's type, where the class writes its default down."""
    if default is None:
        return
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    number = isinstance(value, int | float)
    fits = {bool: isinstance(value, bool), int: whole, float: number, str: isinstance(value, str)}
    if not fits.get(type(default), True) or (isinstance(value, bool) and not isinstance(default, bool)):
        kind = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[type(default)]
        raise Invalid.field(field, f"must be {kind}", code="BAD_PARAMETER")


def check_options(
    *,
    cash: Decimal,
    commission: Decimal | CommissionTerms,
    slippage: Decimal | SlippageTerms,
    profile: str,
    risk_free_rate: float,
    seed: int,
    rules: dict[str, Any],
) -> None:
    """Refuse a rule or cost that the engine would refuse; it alone knows which there are."""
    from alphintra.errors import RuleError
    from alphintra_backtest.options import options

    try:
        options(
            cash=float(cash),
            commission=for_engine(commission),
            slippage=for_engine(slippage),
            profile=profile,
            risk_free_rate=risk_free_rate,
            seed=seed,
            rules=rules,
        )
    except RuleError as error:
        where = error.where or "rules"
        field = _FIELDS.get(where, where) if where in _SETTINGS else f"rules.{where}"
        hint = f"; {error.hint}" if error.hint else ""
        raise Invalid.field(field, f"{error.message}{hint}", code=error.code) from None


def check_dates(
    selection: Selection, start_date: datetime | None, end_date: datetime | None
) -> tuple[datetime, datetime]:
    """Fill in the data's own edges and refuse a period that it does not have."""
    first, last = selection.span()
    start, end = start_date or first, end_date or last
    span = f"{selection.name} has {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    if start > last:
        raise Invalid.field("start_date", f"is after the end of the data: {span}", code="OUT_OF_RANGE")
    if end < first:
        raise Invalid.field("end_date", f"is before the start of the data: {span}", code="OUT_OF_RANGE")
    # Both are whole days: one day of minutes is a period.
    if start > end:
        raise Invalid.field("end_date", f"must not be before start_date; {span}", code="OUT_OF_RANGE")
    return start, end
