"""Commission schedules: what a fill costs beside its price (F7)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .errors import RuleError


@dataclass(frozen=True)
class Commission:
    """A commission per order: a part of the notional, an amount per share, a minimum and a maximum.

    The fee is a function of the order's filled quantity and notional so far; each fill pays the difference. An order
    that fills in three parts pays its minimum once.

    Args:
        percent: Fraction of notional (0.001 = 0.1 %).
        per_share: Money per unit.
        minimum: Smallest fee of an order that fills at all, in money.
        maximum: Largest fee of an order, in money; None is no maximum.

    Raises:
        RuleError: A negative or infinite amount, or a maximum below the minimum.
    """

    percent: float = 0.0
    per_share: float = 0.0
    minimum: float = 0.0
    maximum: float | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name == "maximum" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
                raise RuleError(f"commission: {name} must be a finite number ≥ 0, got {value!r}", where="commission")
        if self.percent > 0.5:
            raise RuleError(
                f"commission: percent={self.percent!r} is outside [0, 0.5]",
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
        return self.maximum == 0 or (self.percent == 0 and self.per_share == 0 and self.minimum == 0)

    def plain(self) -> float | dict[str, float]:
        """The fraction alone where there is nothing else, or the parts that are set; for records and JSON."""
        if self.per_share == 0 and self.minimum == 0 and self.maximum is None:
            return self.percent
        return {name: value for name, value in asdict(self).items() if value is not None and value != 0}

    def __str__(self) -> str:
        if self.free:
            return "none"
        parts = []
        if self.percent:
            parts.append(f"{100 * self.percent:.4g} %")
        if self.per_share:
            parts.append(f"{self.per_share:g} a share")
        text = " + ".join(parts)
        if self.minimum:
            text += f"{', ' if text else ''}at least {self.minimum:g} an order"
        if self.maximum is not None:
            text += f", at most {self.maximum:g} an order"
        return text


def commission_of(given: Any) -> Commission:
    """Read ``commission=``: a number (fraction of notional), a Commission, or a mapping of its parts.

    Raises:
        RuleError: None of these, or a part that does not exist.
    """
    if isinstance(given, Commission):
        return given
    if isinstance(given, Mapping):
        unknown = [name for name in given if name not in Commission.__dataclass_fields__]
        if unknown:
            known = ", ".join(Commission.__dataclass_fields__)
            raise RuleError(f"commission has no part {unknown[0]!r}", where="commission", hint=f"parts are: {known}")
        return Commission(**given)
    if isinstance(given, bool) or not hasattr(given, "__float__") or isinstance(given, str):
        raise RuleError(
            f"commission must be a number, got {given!r}",
            where="commission",
            hint="a fraction of notional, or al.Commission(…)",
        )
    try:
        value = float(given)
    except (TypeError, ValueError):
        raise RuleError(f"commission must be one number, got {given!r}", where="commission") from None
    if not 0.0 <= value <= 0.5:  # also NaN
        raise RuleError(f"commission={given!r} is outside [0, 0.5]", where="commission")
    return Commission(percent=value)
