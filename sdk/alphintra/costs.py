"""Commission and slippage: what a fill costs beside its price (F2, F7)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any, TypeVar

from .errors import RuleError

MOST_TIERS = 16

_Cost = TypeVar("_Cost", "Commission", "Slippage")


@dataclass(frozen=True)
class Commission:
    """A commission per order: parts of the notional, an amount per share, a fixed amount, a minimum and a maximum.

    The fee is a function of the order's filled quantity and notional so far; each fill pays the difference. An order
    that fills in three parts pays its minimum once.

    Args:
        percent: Fraction of notional (0.001 = 0.1 %).
        per_share: Money per unit.
        minimum: Smallest fee of an order that fills at all, in money.
        maximum: Largest fee of an order, in money; None is no maximum.
        maximum_percent: Largest fee as a fraction of the order's notional (0.005 = 0.5 %); the minimum goes before it.
            None is no such maximum.
        fixed: Money per order that fills at all, beside everything else.
        maker: Fraction of notional of limit orders; None is ``percent``.
        taker: Fraction of notional of all other orders; None is ``percent``.
        tiers: ``((up to, fraction), …)`` with rising bounds in money: each fraction applies to the part of the
            order's notional that lies in its tier, beside ``percent``. ``None`` or infinity ends the last one.

    All amounts of money are in the account's currency.

    Raises:
        RuleError: A negative or infinite amount, a maximum below the minimum, tiers out of order.
    """

    percent: float = 0.0
    per_share: float = 0.0
    minimum: float = 0.0
    maximum: float | None = None
    fixed: float = 0.0
    maker: float | None = None
    taker: float | None = None
    tiers: tuple[tuple[float, float], ...] = ()
    maximum_percent: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "tiers", _tiers(self.tiers))
        for name in ("percent", "per_share", "minimum", "maximum", "maximum_percent", "fixed", "maker", "taker"):
            value = getattr(self, name)
            if name in ("maximum", "maximum_percent", "maker", "taker") and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
                raise RuleError(f"commission: {name} must be a finite number ≥ 0, got {value!r}", where="commission")
        for name in ("percent", "maximum_percent", "maker", "taker"):
            if (getattr(self, name) or 0.0) > 0.5:
                raise RuleError(
                    f"commission: {name}={getattr(self, name)!r} is outside [0, 0.5]",
                    hint="it is a fraction: 0.001 is 0.1 %",
                    where="commission",
                )
        if self.maximum is not None and self.maximum < self.minimum:
            raise RuleError(
                f"commission: maximum {self.maximum:g} is below minimum {self.minimum:g}", where="commission"
            )

    @property
    def free(self) -> bool:
        """True where nothing is ever charged."""
        if self.maximum == 0 or (self.maximum_percent == 0 and not self.minimum):
            return True
        parts = (self.maker_rate, self.taker_rate, self.per_share, self.minimum, self.fixed)
        return not any((*parts, *(rate for _, rate in self.tiers)))

    @property
    def maker_rate(self) -> float:
        """Fraction of notional of limit orders."""
        return self.percent if self.maker is None else self.maker

    @property
    def taker_rate(self) -> float:
        """Fraction of notional of all other orders."""
        return self.percent if self.taker is None else self.taker

    def plain(self) -> float | dict[str, Any]:
        """The fraction alone where there is nothing else, or the parts that are set; for records and JSON."""
        own = ((part.name, getattr(self, part.name), part.default) for part in fields(self))
        parts: dict[str, Any] = {name: value for name, value, default in own if value != default}
        if self.tiers:
            parts["tiers"] = [[None if math.isinf(up) else up, rate] for up, rate in self.tiers]
        return self.percent if set(parts) <= {"percent"} else parts

    def __str__(self) -> str:
        if self.free:
            return "none"
        parts = []
        if self.maker_rate == self.taker_rate:
            if self.maker_rate:
                parts.append(f"{100 * self.maker_rate:.4g} %")
        else:
            parts.append(f"{100 * self.maker_rate:.4g} % maker, {100 * self.taker_rate:.4g} % taker")
        if self.per_share:
            parts.append(f"{self.per_share:g} a share")
        if self.fixed:
            parts.append(f"{self.fixed:g} an order")
        if self.tiers:
            steps = (f"{100 * r:.4g} % " + ("above" if math.isinf(u) else f"to {u:,.10g}") for u, r in self.tiers)
            parts.append("tiers of " + ", ".join(steps))
        text = " + ".join(parts)
        if self.minimum:
            text += f"{', ' if text else ''}at least {self.minimum:g} an order"
        if self.maximum_percent is not None:
            text += f", at most {100 * self.maximum_percent:.4g} % of an order"
        if self.maximum is not None:
            text += f", at most {self.maximum:g} an order"
        return text


def _tiers(given: Any) -> tuple[tuple[float, float], ...]:
    """Check tiers: rising bounds above 0, fractions in [0, 0.5], at most 16."""
    hint = "tiers are ((up to, fraction), …), for example ((10_000, 0.002), (None, 0.001))"
    try:
        if any(isinstance(number, bool) for step in given or () for number in step):
            raise TypeError
        out = tuple((math.inf if up is None else float(up), float(rate)) for up, rate in given or ())
    except (TypeError, ValueError):
        raise RuleError(f"commission: tiers={given!r} cannot be read", hint=hint, where="commission") from None
    below = 0.0
    for up, rate in out:
        if not up > below or not 0.0 <= rate <= 0.5:
            raise RuleError(
                f"commission: the tier up to {up:g} with {rate:g} does not fit",
                hint=f"bounds rise, fractions lie in [0, 0.5]; {hint}",
                where="commission",
            )
        below = up
    if len(out) > MOST_TIERS:
        raise RuleError(f"commission: {len(out)} tiers are more than {MOST_TIERS}", where="commission")
    return out


@dataclass(frozen=True)
class Slippage:
    """How far a fill's price moves against a market, stop, market-on-close or liquidation order (F2).

    The parts add up; limits are never moved, and the moved price is not clipped to the bar.

    Args:
        percent: Fraction of the price (0.0005 = 5 basis points).
        fixed: Price distance.
        spread: The quoted spread as a price distance: half of it is paid.
        volume_share: Impact a: the price moves by the fraction a × (fill's quantity / the bar's volume)². Nothing
            where volume is not known. An order sized at the fill is sized at the impact of its first estimate.

    Raises:
        RuleError: A part that is negative, not finite or absurd.
    """

    percent: float = 0.0
    fixed: float = 0.0
    spread: float = 0.0
    volume_share: float = 0.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
                raise RuleError(f"slippage: {name} must be a finite number ≥ 0, got {value!r}", where="slippage")
        for name, most in (("percent", 0.5), ("volume_share", 10.0)):
            if getattr(self, name) > most:
                raise RuleError(
                    f"slippage: {name}={getattr(self, name)!r} is outside [0, {most:g}]",
                    hint="percent is a fraction: 0.0005 is 5 basis points",
                    where="slippage",
                )

    @property
    def free(self) -> bool:
        """True where no price is ever moved."""
        return not any(asdict(self).values())

    def plain(self) -> float | dict[str, float]:
        """The fraction alone where there is nothing else, or the parts that are set; for records and JSON."""
        parts = {name: value for name, value in asdict(self).items() if value}
        return self.percent if set(parts) <= {"percent"} else parts

    def __str__(self) -> str:
        parts = []
        if self.percent:
            parts.append(f"{100 * self.percent:.4g} %")
        if self.fixed:
            parts.append(f"{self.fixed:g}")
        if self.spread:
            parts.append(f"half of a spread of {self.spread:g}")
        if self.volume_share:
            parts.append(f"{self.volume_share:g} × (share of volume)²")
        return " + ".join(parts) or "none"


def slippage_of(given: Any) -> Slippage:
    """Read ``slippage=``: a number (fraction of price), a Slippage, or a mapping of its parts.

    Raises:
        RuleError: None of these, or a part that does not exist.
    """
    return _cost_of(given, Slippage, "slippage", "price")


def commission_of(given: Any) -> Commission:
    """Read ``commission=``: a number (fraction of notional), a Commission, or a mapping of its parts.

    Raises:
        RuleError: None of these, or a part that does not exist.
    """
    return _cost_of(given, Commission, "commission", "notional")


def cost_from_text(text: str, name: str) -> float | dict[str, Any]:
    """Read ``commission`` or ``slippage`` as typed on a command line, for ``backtest``.

    Args:
        text: A fraction (``0.001``), parts (``per_share=0.005,minimum=1``), or a JSON object of parts; tiers need the
            last form.
        name: ``commission`` or ``slippage``.

    Raises:
        RuleError: None of these. What the parts say is checked where they are used.
    """
    given = text.strip()
    hint = "a fraction (0.001), parts (%s), or a JSON object of parts" % (
        "per_share=0.005,minimum=1" if name == "commission" else "spread=0.02,percent=0.0005"
    )
    if given.startswith("{"):
        try:
            parts: dict[str, Any] = json.loads(given, object_pairs_hook=partial(_once, name))
        except json.JSONDecodeError as error:
            raise RuleError(f"{name}: {given!r} is not JSON: {error}", where=name, hint=hint) from None
        return parts
    if "=" not in given:
        return _typed_number(given, given, name, hint)
    found: dict[str, Any] = {}
    for item in given.split(","):
        part, sign, value = (piece.strip() for piece in item.partition("="))
        if not sign or not part:
            raise RuleError(f"{name}: {item.strip()!r} is not PART=NUMBER", where=name, hint=hint)
        if part in found:
            raise RuleError(f"{name}: {part} is given twice", where=name)
        found[part] = _typed_number(value, item.strip(), name, hint)
    return found


def _once(name: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, which may say a thing twice."""
    found: dict[str, Any] = {}
    for part, value in pairs:
        if part in found:
            raise RuleError(f"{name}: {part} is given twice", where=name)
        found[part] = value
    return found


def _typed_number(text: str, item: str, name: str, hint: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise RuleError(f"{name}: {item!r} is not a number", where=name, hint=hint) from None


def _cost_of(given: Any, kind: type[_Cost], name: str, whole: str) -> _Cost:
    """Read a cost given as an object, its parts, or a fraction of ``whole``."""
    if isinstance(given, kind):
        return given
    if isinstance(given, Mapping):
        fields = kind.__dataclass_fields__
        unknown = [part for part in given if part not in fields]
        if unknown:
            raise RuleError(f"{name} has no part {unknown[0]!r}", where=name, hint=f"parts are: {', '.join(fields)}")
        return kind(**given)
    hint = f"a fraction of {whole}, or al.{kind.__name__}(…)"
    if isinstance(given, bool) or not hasattr(given, "__float__") or isinstance(given, str):
        raise RuleError(f"{name} must be a number, got {given!r}", where=name, hint=hint)
    try:
        value = float(given)
    except (TypeError, ValueError):
        raise RuleError(f"{name} must be one number, got {given!r}", where=name) from None
    if not 0.0 <= value <= 0.5:  # also NaN
        raise RuleError(f"{name}={str(given)[:40]} is outside [0, 0.5]", where=name)
    return kind(percent=value)
