"""Commission and slippage: a fraction, or the terms that the SDK knows."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import Discriminator, Field, Tag

from .base import Body, Money

Amount = Annotated[Money, Field(ge=0)]
Fraction = Annotated[Money, Field(ge=0, lt=1)]


class CommissionTerms(Body):
    """A commission per order, as ``al.Commission``: the parts add up, and a minimum is charged once an order."""

    percent: Fraction = Field(Decimal(0), description="Fraction of notional.")
    per_share: Amount = Field(Decimal(0), description="Money per unit.")
    minimum: Amount = Field(Decimal(0), description="Smallest fee of an order that fills at all.")
    maximum: Amount | None = Field(None, description="Largest fee of an order; null is none.")
    fixed: Amount = Field(Decimal(0), description="Money per order that fills at all.")
    maker: Fraction | None = Field(None, description="Fraction of notional of limit orders; null is `percent`.")
    taker: Fraction | None = Field(None, description="Fraction of notional of all other orders; null is `percent`.")
    tiers: list[tuple[Amount | None, Fraction]] = Field(
        default_factory=list,
        max_length=16,
        description="Pairs of a rising bound in money (null: no bound) and the fraction below it.",
    )
    maximum_percent: Fraction | None = Field(
        None, description="Largest fee as a fraction of the order's notional; the minimum goes before it. Null is none."
    )


class SlippageTerms(Body):
    """How far a fill's price moves against the order, as ``al.Slippage``: the parts add up."""

    percent: Fraction = Field(Decimal(0), description="Fraction of the price.")
    fixed: Amount = Field(Decimal(0), description="Price distance.")
    spread: Amount = Field(Decimal(0), description="Quoted spread as a price distance: half of it is paid.")
    volume_share: Amount = Field(Decimal(0), description="Impact a: a × (fill / the bar's volume)² of the price.")


_Terms = TypeVar("_Terms", CommissionTerms, SlippageTerms)


def _form(value: Any) -> str:
    """Tell by its form what was given, so that an error is about that alone."""
    return "<terms>" if isinstance(value, dict | CommissionTerms | SlippageTerms) else "<fraction>"


CommissionGiven = Annotated[
    Annotated[Fraction, Tag("<fraction>")] | Annotated[CommissionTerms, Tag("<terms>")], Discriminator(_form)
]
"""A fraction of notional, or terms."""

SlippageGiven = Annotated[
    Annotated[Fraction, Tag("<fraction>")] | Annotated[SlippageTerms, Tag("<terms>")], Discriminator(_form)
]
"""A fraction of price, or terms."""


def for_engine(cost: Decimal | CommissionTerms | SlippageTerms) -> float | dict[str, Any]:
    """Return a cost as ``al.backtest`` takes it."""
    if isinstance(cost, Decimal):
        return float(cost)
    return {name: _floats(value) for name, value in cost.model_dump().items() if value is not None}


def _floats(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_floats(item) for item in value]
    return None if value is None else float(value)


def split(cost: Decimal | CommissionTerms | SlippageTerms) -> tuple[Decimal, dict[str, Any] | None]:
    """Return a cost as two columns keep it: its fraction, and its terms where it is more than that."""
    if isinstance(cost, Decimal):
        return cost, None
    only = cost.model_fields_set <= {"percent"}
    return cost.percent, None if only else cost.model_dump(mode="json")


def joined(fraction: Decimal, terms: dict[str, Any] | None, kind: type[_Terms]) -> Decimal | _Terms:
    """Return what :func:`split` took apart."""
    return fraction if terms is None else kind.model_validate(terms)
