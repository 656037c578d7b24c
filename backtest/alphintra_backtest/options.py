"""The knobs of a run: profiles, rules and costs, checked by name and value before anything runs."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import codes
from .hours import intraday
from .profile_checks import check_rules
from .profiles import COMMISSIONS, PROFILES, check

if TYPE_CHECKING:
    from alphintra.costs import Commission, Slippage

#: The rules a run can override, with the default profile's values and what they say.
RULES: dict[str, tuple[Any, str]] = {
    "fill_at": (
        "open",
        "F1: a market order fills at the next 'open', at the decision's own 'close', or by the data's 'timeframe': at "
        "the close with bars finer than a day, at the open with all others",
    ),
    "size_at": ("fill", "F6: value, percent and target orders are sized at the 'fill' or at the 'decision'"),
    "cash_buffer": (0.0, "F6: share of equity that is never spent"),
    "size_buffer": (0.0, "F6: share of equity that percent and target percent orders leave; other orders may spend it"),
    "min_order_value": (0.0, "F6: smallest value of an order that adds exposure"),
    "allow_partial": (False, "F6: an order by quantity that cannot be paid fills as far as the money goes"),
    "max_share": (0.025, "F5: largest share of a bar's traded volume; None is no cap"),
    "limit_fill": ("strict", "F4: 'strict' needs the price to pass the limit, 'touch' to reach it"),
    "entry_bar": (
        "certain",
        "F15: 'certain', 'pessimistic' or 'next'; 'market_parent': only children of a market order; 'next_bar': none",
    ),
    "account": ("margin", "F11: 'margin' (long and short) or 'cash'"),
    "leverage": (1.0, "F11: gross exposure may be this many times equity"),
    "initial_margin": (None, "F11: part of a position's value that must be there to open it; None is 1/leverage"),
    "maintenance_margin": (None, "F11: part below which positions are liquidated; None is half of initial_margin"),
    "borrow_rate": (0.0, "F11: annual cost of what is sold short, a fraction of its value"),
    "margin_rate": (0.0, "F11: annual interest on borrowed money"),
    "withholding": (0.0, "F9: part of a dividend on a long position that is withheld"),
    "prices": ("auto", "F8: 'auto', 'adjusted' or 'raw'"),
    "close_at_end": ("no", "F10: 'no', 'last_close' or 'last_open'"),
    "fractional": (False, "F7: shares in lots of 1e-8"),
    "lots": ("instrument", "F7: 'instrument' (its own lot, see fractional), or 'whole': lots of 1 whatever is traded"),
    "funds": (
        "both",
        "F6: funds are checked at submission and at the fill ('both'), at the 'fill' alone, or as 'cash' at both; "
        "'whole' is 'both', and no order is sized down to them",
    ),
    "percent_of": ("equity", "F6: percent orders are of 'equity', or of the 'free_margin' at the fill"),
    "bar_order": (
        "reductions",
        "F0: 'reductions' (phases, what reduces first), or one pass over the order list in which each order has its "
        "whole chance: 'closings' in front, by 'submission', 'one_order' a bar, or 'in_turn': each by F1 to F5",
    ),
    "first_bar": (
        "any_ready",
        "F13: on_bar begins where indicators of any symbol are defined ('any_ready'), of all ('all_ready'), one bar "
        "later ('bar_after_all_ready'), or with 'every' bar",
    ),
    "trades": (
        "fifo",
        "M10: trades are matched 'fifo', per 'entry_order' (a bracket closes its own entry alone), or 'flat' to flat",
    ),
}
CHOICES: dict[str, tuple[str, ...]] = {
    "fill_at": ("open", "close", "timeframe"),
    "size_at": ("fill", "decision"),
    "limit_fill": ("strict", "touch"),
    "entry_bar": ("certain", "pessimistic", "next", "market_parent", "next_bar"),
    "account": ("margin", "cash"),
    "prices": ("auto", "adjusted", "raw"),
    "close_at_end": ("no", "last_close", "last_open"),
    "lots": ("instrument", "whole"),
    "funds": ("both", "fill", "cash", "whole"),
    "percent_of": ("equity", "free_margin"),
    "bar_order": ("reductions", "closings", "submission", "one_order", "in_turn"),
    "first_bar": ("any_ready", "all_ready", "bar_after_all_ready", "every"),
    "trades": ("fifo", "entry_order", "flat"),
}
#: The values of ``entry_bar`` that a report compares where an entry's bar leaves open what came first (F15).
ENTRY_RULES = CHOICES["entry_bar"][:3]
#: What a number may be.
BOUNDS: dict[str, tuple[float, float]] = {
    "cash_buffer": (0.0, 0.99),
    "size_buffer": (0.0, 0.99),
    "leverage": (1.0, 1000.0),
    "initial_margin": (1e-6, 10.0),
    "maintenance_margin": (0.0, 10.0),
    "borrow_rate": (0.0, 10.0),
    "margin_rate": (0.0, 10.0),
    "withholding": (0.0, 1.0),
}


def _number(name: str, value: Any, low: float, high: float) -> float:
    from alphintra.errors import RuleError

    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or value != value:
        raise RuleError(f"{name} must be a number, got {value!r}", where=name)
    if not low <= value <= high:  # also an integer that no float can hold
        raise RuleError(f"{name}={str(value)[:40]} is outside [{low:g}, {high:g}]", where=name)
    return float(value)


@dataclass(frozen=True)
class Options:
    """Everything that configures a run, checked.

    Attributes:
        cash: Starting cash, > 0.
        commission: What fills cost, both sides.
        slippage: How far prices move against market and stop orders.
        profile: Name of the rule set that ``rules`` overrides.
        risk_free_rate: Annual.
        rules: Every rule with its value in force.
        changed: The rules that differ from the profile.
    """

    cash: float
    commission: Commission
    slippage: Slippage
    profile: str
    risk_free_rate: float
    seed: int
    rules: Mapping[str, Any]
    changed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def initial(self) -> float:
        """Part of a position's value that must be there to open it (F11)."""
        given = self.rules["initial_margin"]
        return float(1.0 / self.rules["leverage"] if given is None else given)

    @property
    def maintenance(self) -> float:
        """Part of the positions' value below which they are liquidated (F11)."""
        given = self.rules["maintenance_margin"]
        return float(self.initial / 2 if given is None else given)

    def on(self, timeframe: str) -> Options:
        """These options for data of a timeframe: it decides ``fill_at="timeframe"`` (F1)."""
        if self.rules["fill_at"] != "timeframe":
            return self
        return replace(self, rules={**self.rules, "fill_at": "close" if intraday(timeframe) else "open"})

    def vector(self) -> npt.NDArray[np.float64]:
        """The configuration vector ``k`` of the core."""
        fees, slip = self.commission, self.slippage
        k = np.zeros(codes.N_K + 2 * len(fees.tiers))
        k[codes.K_FEE_PCT] = fees.taker_rate
        k[codes.K_FEE_MAKER] = fees.maker_rate
        k[codes.K_FEE_SHARE] = fees.per_share
        k[codes.K_FEE_FIXED] = fees.fixed
        k[codes.K_FEE_MIN] = fees.minimum
        k[codes.K_FEE_MAX] = math.inf if fees.maximum is None else fees.maximum
        k[codes.K_FEE_CAP] = math.inf if fees.maximum_percent is None else fees.maximum_percent
        k[codes.K_TIERS] = len(fees.tiers)
        for i, (upper, rate) in enumerate(fees.tiers):
            k[codes.N_K + 2 * i : codes.N_K + 2 * i + 2] = upper, rate
        k[codes.K_SLIP] = slip.percent
        k[codes.K_SLIP_FIXED] = slip.fixed + slip.spread / 2
        k[codes.K_SLIP_SHARE] = slip.volume_share
        k[codes.K_TOUCH] = self.rules["limit_fill"] == "touch"
        k[codes.K_ENTRY_BAR] = CHOICES["entry_bar"].index(self.rules["entry_bar"])
        k[codes.K_CASH_ACCOUNT] = self.rules["account"] == "cash"
        k[codes.K_BUFFER] = self.rules["cash_buffer"] + self.rules["size_buffer"]
        k[codes.K_RESERVE] = self.rules["cash_buffer"]
        k[codes.K_MIN_VALUE] = self.rules["min_order_value"]
        k[codes.K_PARTIAL] = bool(self.rules["allow_partial"])
        k[codes.K_SIZE_AT_DECISION] = self.rules["size_at"] == "decision"
        k[codes.K_INITIAL] = self.initial
        k[codes.K_MAINTENANCE] = self.maintenance
        k[codes.K_BORROW] = self.rules["borrow_rate"]
        k[codes.K_INTEREST] = self.rules["margin_rate"]
        k[codes.K_WITHHOLD] = self.rules["withholding"]
        for slot, name in (
            (codes.K_ORDER, "bar_order"),
            (codes.K_FUNDS, "funds"),
            (codes.K_PERCENT_OF, "percent_of"),
            (codes.K_TRADES, "trades"),
        ):
            k[slot] = CHOICES[name].index(self.rules[name])
        return k


def in_phases(config: Options) -> bool:
    """Whether a bar has phases and takes any orders (F0): ``signals`` run compiled only then, else by ``on_bar``."""
    return bool(config.rules["bar_order"] == "reductions")


def by_turns(config: Options) -> bool:
    """Whether a bar is a pass over the order list, each order's whole chance at its turn."""
    return bool(config.rules["bar_order"] in ("closings", "submission", "in_turn"))


def profile_rules(profile: str) -> dict[str, Any]:
    """Every rule with the value that a profile gives it."""
    return {name: default for name, (default, _) in RULES.items()} | PROFILES[profile]


def options(
    *,
    cash: Any,
    commission: Any,
    slippage: Any,
    profile: Any,
    risk_free_rate: Any,
    seed: Any,
    rules: Mapping[str, Any],
) -> Options:
    """Check and complete the options of a run; ``commission=None`` is the profile's.

    Raises:
        RuleError: An unknown rule (the nearest is named) or a value that it does not take.
    """
    from alphintra.costs import commission_of, slippage_of
    from alphintra.errors import RuleError

    if not isinstance(profile, str) or profile not in PROFILES:
        raise RuleError(f"unknown profile {profile!r}", where="profile", hint=f"there is: {', '.join(PROFILES)}")
    start = profile_rules(profile)
    values = dict(start)
    for name, value in rules.items():
        if name not in RULES:
            near = difflib.get_close_matches(name, RULES, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"rules are: {', '.join(RULES)}"
            raise RuleError(f"there is no rule {name!r}", where=name, hint=hint)
        if name in CHOICES:
            if value not in CHOICES[name]:
                raise RuleError(f"{name}={value!r} is not one of {list(CHOICES[name])}", where=name)
        elif name in ("allow_partial", "fractional"):
            if not isinstance(value, bool):
                raise RuleError(f"{name} is true or false, got {value!r}", where=name)
        elif name == "max_share":
            value = None if value is None else _number(name, value, 0.0, 1.0)
        elif name in BOUNDS:
            value = None if value is None and RULES[name][0] is None else _number(name, value, *BOUNDS[name])
        else:
            value = _number(name, value, 0.0, 1e18)
        values[name] = value
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise RuleError(f"seed must be a whole number ≥ 0, got {seed!r}", where="seed")
    _check_account(values)
    check(values)
    check_rules(values)
    return Options(
        cash=_number("cash", cash, 1e-8, 1e18),
        commission=commission_of(COMMISSIONS.get(profile, 0) if commission is None else commission),
        slippage=slippage_of(slippage),
        profile=profile,
        risk_free_rate=_number("risk_free_rate", risk_free_rate, -0.99, 10.0),
        seed=seed,
        rules=values,
        changed={n: v for n, v in values.items() if v != start[n]},
    )


def _check_account(values: Mapping[str, Any]) -> None:
    """Rules of the account that contradict each other (F11)."""
    from alphintra.errors import RuleError

    leverage, initial, least = (values[n] for n in ("leverage", "initial_margin", "maintenance_margin"))
    if values["account"] == "cash" and (leverage != 1 or (initial is not None and initial < 1)):
        raise RuleError("a cash account has no leverage", where="leverage", hint="account='margin'")
    if initial is not None and leverage != 1:
        raise RuleError(
            "leverage and initial_margin say the same thing twice",
            where="initial_margin",
            hint="give one of them: initial_margin is 1/leverage",
        )
    whole = 1.0 / leverage if initial is None else initial
    if least is not None and least > whole:
        raise RuleError(
            f"maintenance_margin={least:g} is above the initial margin of {whole:g}",
            where="maintenance_margin",
            hint="a position would be liquidated at the close of the bar that opened it",
        )
