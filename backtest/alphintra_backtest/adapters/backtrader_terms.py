"""What is said and checked around a backtrader run; nothing here imports backtrader."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import codes
from ..assumptions import _entry, _percent
from ..buy_and_hold import check_dates
from ..options import RULES, Options
from ..options import options as native_options

if TYPE_CHECKING:
    from alphintra.data.market import MarketData
    from alphintra.result import Result

    from ..session import Session
    from .recording import Record

OWN_RULES: dict[str, Any] = {
    "cheat_on_open": False,
    "cheat_on_close": False,
    "checksubmit": True,
    "sizer": None,
}
"""Rules that this engine takes, by their names in backtrader, with its defaults."""
_KEPT = ("costs", "costs_none", "refused_orders", "stale_marks", "prices", "calendar")
_FRAMES = {"ms": "MicroSeconds", "s": "Seconds", "min": "Minutes", "d": "Days", "w": "Weeks", "mo": "Months"}


def missing() -> Exception:
    """The error where backtrader is not installed."""
    from alphintra.errors import RuleError

    return RuleError(
        "backtrader is not installed",
        code="MISSING_EXTRA",
        where="engine",
        hint="pip install 'alphintra[backtrader]'",
    )


def never_called(strategy: type, market: MarketData, why: str) -> Exception:
    """The error where the strategy was never called (F13)."""
    from alphintra.errors import WarmUpError

    have = ", ".join(f"{s}: {len(b)}" for s, b in list(market.bars.items())[:20])
    return WarmUpError(f"{strategy.__name__} was never called: {why}", hint=f"the data have {have}")


# -- checks


def rules(given: Mapping[str, Any], profile: Any, seed: Any) -> dict[str, Any]:
    """The engine's own rules with what is given; anything of the native engine is refused by name."""
    from alphintra.errors import RuleError

    why = "backtrader has fill rules of its own: leave it out, or use engine='default'"
    if profile != "default":
        raise RuleError(f"profile={profile!r} has no meaning with engine='backtrader'", where="profile", hint=why)
    if seed != 0:
        raise RuleError(
            f"seed={seed!r} has no meaning with engine='backtrader'",
            where="seed",
            hint="seed the strategy's own generator, for example through params",
        )
    for name, value in given.items():
        if name in OWN_RULES:
            if name != "sizer" and not isinstance(value, bool):
                raise RuleError(f"{name} is true or false, got {value!r}", where=name)
        elif name == "prices" and value in ("auto", "adjusted"):
            continue
        elif name == "prices":
            raise RuleError(
                f"prices={value!r}: backtrader knows neither splits nor dividends",
                where=name,
                hint="with engine='backtrader' prices are adjusted",
            )
        elif name in RULES:
            raise RuleError(f"the rule {name!r} has no meaning with engine='backtrader'", where=name, hint=why)
        else:
            near = difflib.get_close_matches(name, OWN_RULES, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"this engine takes: {', '.join(OWN_RULES)}"
            raise RuleError(f"there is no rule {name!r}", where=name, hint=hint)
    return {name: given.get(name, default) for name, default in OWN_RULES.items()}


def native_only(**given: Any) -> None:
    """Refuse arguments that only the native engine has."""
    from alphintra.errors import RuleError

    for name, value in given.items():
        if value:
            raise RuleError(
                f"{name}= has no meaning with engine='backtrader'",
                where=name,
                hint="leave it out, or use engine='default'",
            )


def options(cash: Any, commission: Any, slippage: Any, risk_free_rate: Any, seed: Any) -> Options:
    """The options of a session, of a commission that backtrader can express."""
    from alphintra.errors import RuleError

    config = native_options(
        cash=cash, commission=commission, slippage=slippage, profile="default", risk_free_rate=risk_free_rate,
        seed=seed, rules={"max_share": None},
    )  # fmt: skip
    for name, value in asdict(config.commission).items():
        if value and name not in ("percent", "per_share"):
            raise RuleError(
                f"commission: backtrader cannot express {name}={value!r}: it charges each part of a fill by itself",
                where="commission",
                hint="percent and per_share work here; for the rest use engine='default'",
            )
    slip = config.slippage
    if slip.volume_share or (slip.percent and distance(config)):
        raise RuleError(
            f"slippage: backtrader cannot express {slip}",
            where="slippage",
            hint="a fraction or a distance (fixed, half the spread) works here; for the rest use engine='default'",
        )
    return replace(config, changed={})


def distance(config: Options) -> float:
    """Slippage as a price distance: the fixed part and half the spread."""
    return config.slippage.fixed + config.slippage.spread / 2


def check_params(strategy: type, params: Any, known: list[str]) -> None:
    """Refuse a parameter that the strategy does not have, naming the nearest."""
    from alphintra.errors import ParameterError

    if params is not None and not isinstance(params, Mapping):
        raise ParameterError(f"params must be a mapping of names to values, got {params!r}", where="params")
    for name in params or {}:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            raise ParameterError(
                f"{strategy.__name__} has no parameter {name!r}",
                hint=f"did you mean {near[0]!r}?" if near else f"it has: {', '.join(known) or 'none'}",
                where=str(name),
            )


def markets(
    data: Any, start: Any, end: Any, benchmark: Any, currency: str = "USD"
) -> tuple[MarketData, MarketData | None]:
    """The run's data and the benchmark's, as far as backtrader can trade them."""
    from alphintra.data import resolve
    from alphintra.errors import DataError

    # backtrader knows neither splits nor dividends: where prices come both ways, the adjusted ones are right.
    market = resolve(data, start=start, end=end, prices="adjusted", currency=currency)
    if market.closes_only:
        raise DataError(
            f"{market.name} has closing prices only: there is no open to fill at",
            code="NOT_TRADABLE",
            hint="choose a dataset with open, high, low and close",
        )
    if market.actions:
        raise DataError(
            f"{market.name} has splits or dividends on raw prices, which backtrader does not know",
            hint="give adjusted prices",
        )
    for symbol, known in market.instruments.items():
        foreign = known.currency not in (None, market.currency)
        if known.multiplier != 1.0 or known.margin is not None or foreign:
            raise DataError(
                f"{symbol} has a multiplier, a margin or a currency of its own",
                hint="with engine='backtrader' call self.broker.setcommission(mult=…, margin=…) in the strategy",
            )
    against = None if benchmark is None else resolve(benchmark, end=end)
    if against is not None and len(against.symbols) > 1:
        raise DataError(
            f"the benchmark {against.name} has {len(against.symbols)} symbols",
            hint=f"choose one, such as {against.name.split('/')[0]}/{against.symbols[0]}",
        )
    if against is not None:
        check_dates(against, market, start)
    return market, against


def begin(session: Session, start: Any) -> int:
    """Timestamp from which the strategy may be called: the first at or after ``start``."""
    from alphintra.data.bounds import parse_bound

    bound = parse_bound(start, "start")
    if bound is None:
        return 0
    return int(np.argmax(bound.starts(session.grid.session, session.grid.time)))


# -- times


def timeframe(text: str) -> tuple[str, int]:
    """The time frame and compression in backtrader of ours: ``5min`` is 5 Minutes, ``4h`` is 240 Minutes."""
    digits = "".join(c for c in text if c.isdigit())
    unit, count = text[len(digits) :], int(digits or 1)
    if unit == "h":
        return "Minutes", 60 * count
    if unit == "ms":
        return "MicroSeconds", 1000 * count
    return _FRAMES.get(unit, "Days"), count


def by_date(market: MarketData, session: Session) -> bool:
    """Whether bars can carry their session's date as backtrader's daily feeds do: one timestamp a session."""
    grid = session.grid
    if timeframe(market.timeframe)[0] not in ("Days", "Weeks", "Months") or (np.diff(grid.session) <= 0).any():
        return False
    return all(
        bool((market.bars[s].session == grid.session[p]).all())
        for s, p in zip(market.symbols, grid.positions, strict=True)
    )


def tif(valid: Any) -> str:
    """Time in force of an order's ``valid``: backtrader's day order is a ``timedelta`` of nothing."""
    import datetime as dt

    if valid is None or (not isinstance(valid, dt.timedelta) and not valid):
        return "GTC"
    if isinstance(valid, dt.timedelta) and not valid:
        return "DAY"
    return "GTD"


def expiry(in_force: str) -> int:
    """Why an order of this time in force expired."""
    return codes.END_OF_DAY if in_force == "DAY" else codes.DATE_REACHED


# -- plain values


def plain_value(value: Any) -> Any:
    """A parameter's value for the record of the run: as it is if JSON knows it, else its text."""
    from ..plain_json import plain

    try:
        return plain(value)
    except TypeError:
        return value.__qualname__ if isinstance(value, type) else str(value)


def plain_analysis(value: Any) -> Any:
    """An analyzer's result in plain dicts and lists; keys and leaves stay as they are (dates, floats)."""
    if isinstance(value, Mapping):
        return {key: plain_analysis(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_analysis(item) for item in value]
    return value


# -- what the result says


def describe(
    result: Result,
    broker: Any,
    record: Record,
    own: Mapping[str, Any],
    sizer: Any,
    version: str,
    scheme: Any,
    slipped: tuple[float, float],
    begin: int,
) -> None:
    """Write engine, rules and assumptions into a result; the account's curve is backtrader's where ours differs."""
    configuration = result.run["configuration"]
    configuration["engine"] = "backtrader"
    configuration["account"] = "backtrader"
    changed = {n: v for n, v in own.items() if v != OWN_RULES[n]}
    if sizer:
        changed["sizer"] = f"{sizer[0].__name__}({', '.join(f'{k}={v!r}' for k, v in sizer[1].items())})"
    configuration["rules"] = changed
    result.run["engine"] = f"backtrader {version}"
    market_notes = {note.code for note in result.market.notes}
    kept = [e for e in result.assumptions if e["code"] in _KEPT or e["code"] in market_notes]
    p = broker.p
    strategys = dict(broker.comminfo) != {None: scheme} or (p.slip_perc, p.slip_fixed) != slipped
    if strategys:
        kept = [e for e in kept if e["code"] not in ("costs", "costs_none")]
        kept.append(_entry("costs", "costs: set by the strategy in backtrader's broker", "info", "F7"))
    out = [*_attention(result, record, broker), *kept, *_rules(result, p, version, begin)]
    if changed:
        out.append(_entry("rules", "rules changed: " + ", ".join(f"{k}={v}" for k, v in changed.items())))
    rank = {"error": 0, "warning": 1, "info": 2}
    result.assumptions = sorted(out, key=lambda e: rank[e["level"]])


def _attention(result: Result, record: Record, broker: Any) -> list[dict[str, Any]]:
    """What a reader has to know first: another curve, fills in the past, a lost account."""
    out = []
    first, last = record.t + 1 - len(result.curves), record.t + 1
    value, cash = np.array(record.value[first:last]), np.array(record.cash[first:last])
    near = {"rtol": 1e-9, "atol": 1e-9 * float(result.run["configuration"]["cash"])}
    same_value = np.allclose(result.curves.equity, value, equal_nan=True, **near)
    if not same_value or not np.allclose(result.curves.cash, cash, equal_nan=True, **near):
        gap = abs(float(result.curves.equity[-1]) - float(value[-1]))
        apart = gap > near["rtol"] * abs(float(value[-1])) + near["atol"]
        result.curves.equity, result.curves.cash = value, cash
        items = ["Cash added, margins, multipliers, interest and leverage are in backtrader's account only."]
        if apart:
            items.append(f"Fills and fees of this result add up to an account that differs by {gap:,.2f} at the end.")
        else:
            items.append("Both end at the same value: backtrader books some fills a bar later, or cash otherwise.")
        text = "equity and cash are backtrader's own series: fills and fees alone do not give them"
        out.append(_entry("engine_equity", text, "warning" if apart else "info", "F18", items))
    if record.on_known_bar:
        n = record.on_known_bar
        text = f"{n} fill{'s' if n > 1 else ''} inside a bar that was closed when the engine matched it"
        items = ["backtrader matches a symbol without a new bar against its last one."]
        out.append(_entry("known_bar", text, "warning", "F1", items))
    if (value <= 0).any():
        text = "equity fell to zero or below: backtrader goes on, a broker would not"
        out.append(_entry("bankrupt", text, "error", "F11"))
    look = ["backtrader holds all bars: a strategy that reads data.close[1] reads the future."]
    out.append(_entry("look_ahead", "look-ahead: not checked", "warning", "F12", look))
    return out


def _rules(result: Result, p: Any, version: str, begin: int) -> list[dict[str, Any]]:
    """The engine's fill rules, as its broker stood at the end of the run."""
    text = f"engine: backtrader {version}: its own fills, account and indicators"
    out = [_entry("engine", text, "info", None, ["The rules of the fill assumptions page are not in force."])]
    if p.coc:
        out.append(_entry("market_fill", "market orders fill at the decision's own close", "warning", "F1"))
    elif p.coo:
        text = "market orders fill at the next open; next_open decides at a bar's open (cheat-on-open)"
        out.append(_entry("market_fill", text, "warning", "F1", ["The bar's high, low and close can be read then."]))
    else:
        out.append(_entry("market_fill", "market orders fill at the next open", "info", "F1"))
    stops = ["A stop fills at its price, or at the open beyond it.", "Orders of a bar are matched as submitted."]
    children = "Bracket orders work from the bar after their entry's."
    out.append(_entry("limit_fill", "limits: touch, at the open where it is better", "info", "F4", [*stops, children]))
    if p.slip_perc or p.slip_fixed:
        amount = _percent(p.slip_perc) if p.slip_perc else f"{p.slip_fixed:g}"
        limit = "and limits that the open betters " if p.slip_open else ""
        clip = "" if p.slip_out else ", within the bar's high and low"
        out.append(
            _entry("slippage", f"slippage {amount} on market and stop fills {limit}".rstrip() + clip, "info", "F2")
        )
    cap = "volume cap: off" if p.filler is None else "volume cap: the strategy's filler"
    out.append(_entry("volume_cap", cap, "info", "F5"))
    when = "when submitted and when filled" if p.checksubmit else "when filled"
    short = "short sales pay for purchases" if p.shortcash else "short sales cost cash"
    out.append(_entry("account", f"account: cash may not go below zero, looked at {when}; {short}", "info", "F11"))
    out.append(
        _entry("trades", "trades: FIFO by entry and exit order, not backtrader's from flat to flat", "info", "M10")
    )
    if begin:
        text = "the strategy is called from start on; indicators use all earlier data, analyzers do not"
        out.append(_entry("start", text, "info", "F13"))
    out.append(_entry("end", "end of the run: positions marked to the last close", "info", "F10"))
    return out
