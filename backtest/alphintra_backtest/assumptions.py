"""What a run's numbers rest on, in sentences; the same list in the report, the notebook and the JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .profiles import PROFILES
from .refusals import told

if TYPE_CHECKING:
    from .options import Options
    from .session import Session


def _entry(
    code: str, text: str, level: str = "info", rule: str | None = None, items: list[str] | None = None
) -> dict[str, Any]:
    return {"code": code, "text": text, "level": level, "rule": rule, "items": items or []}


def assumptions(
    session: Session, counts: dict[str, int], refusals: list[tuple[int, int, int]], entry_rules: Mapping[str, str]
) -> list[dict[str, Any]]:
    """One entry for each assumption, those that need attention first.

    Args:
        session: The session that has ended.
        counts: How often what happened.
        refusals: What ``refusals.refused`` found.
        entry_rules: What each ``entry_bar`` would have led to, where that is in doubt.
    """
    config, market, rules = session.config, session.market, session.config.rules
    out = []
    if config.commission.free and config.slippage.free:
        out.append(
            _entry(
                "costs_none",
                "costs: none",
                "error",
                "F7",
                ["Commission and slippage are zero: results are too good."],
            )
        )
    else:
        missing = config.commission.free or config.slippage.free
        text = f"costs: commission {config.commission}, slippage {config.slippage}"
        out.append(_entry("costs", text, "warning" if missing else "info", "F7"))
    out.append(
        _entry(
            "look_ahead",
            "look-ahead: not checked",
            "warning",
            "F12",
            ["Views refuse the future; an indicator function of your own is not checked."],
        )
    )
    for note in market.notes:
        out.append(_entry(note.code, note.text, note.level))
    if refusals:
        total = sum(n for _, n, _ in refusals)
        text = f"{total} order{'s' if total > 1 else ''} refused"
        out.append(_entry("refused_orders", text, "warning", "F6", told(session, refusals)))
    if counts["ambiguous"]:
        out.append(
            _entry(
                "ambiguous",
                f"{counts['ambiguous']} ambiguous bars: "
                "the stop was taken before the target, the older of two stops before the other",
                "warning",
                "F3",
            )
        )
    if counts["ambiguous_entry"]:
        out.append(
            _entry(
                "ambiguous_entry",
                f"{counts['ambiguous_entry']} entries whose bar also held a bracket price "
                f"(entry_bar={rules['entry_bar']})",
                "warning",
                "F15",
                [f"entry_bar={k}: {v}" for k, v in entry_rules.items()],
            )
        )
    if counts["capped"]:
        out.append(_entry("capped", f"{counts['capped']} orders were capped by volume", "warning", "F5"))
    if counts["trimmed"]:
        out.append(
            _entry(
                "trimmed",
                f"{counts['trimmed']} orders were sized down to what the account could carry",
                "info",
                "F6",
            )
        )
    if counts["bankrupt"]:
        out.append(_entry("bankrupt", "equity fell to zero: the run ended there", "error", "F11"))
    if counts["stale_marks"]:
        out.append(
            _entry("stale_marks", f"{counts['stale_marks']} valuations used an older close", "info", "F18")
        )
    fill = "next open" if rules["fill_at"] == "open" else "decision's own close"
    out.append(
        _entry(
            "market_fill",
            f"market orders fill at the {fill}",
            "info" if rules["fill_at"] == "open" else "warning",
            "F1",
        )
    )
    out.append(_entry("limit_fill", f"limits: {rules['limit_fill']}", "info", "F4"))
    share = rules["max_share"]
    cap = "volume cap: off" if share is None else f"volume cap: {_percent(share)} of a bar's volume"
    if share is not None and all(b.volume is None or not b.volume.any() for b in market.bars.values()):
        cap = "volume cap: off, volume unknown"
    out.append(_entry("volume_cap", cap, "info", "F5"))
    out.append(
        _entry("sizing", f"value, percent and target orders sized at the {rules['size_at']}", "info", "F6")
    )
    out.append(_entry("account", _account(config), "info", "F11"))
    if counts["liquidated"]:
        out.append(
            _entry(
                "liquidated",
                f"{counts['liquidated']} positions were liquidated below the maintenance margin",
                "warning",
                "F11",
            )
        )
    if counts["shorts"] and not rules["borrow_rate"]:
        out.append(_entry("borrow_free", "borrow cost of short positions: none", "warning", "F11"))
    if counts["resolved"]:
        out.append(
            _entry("resolved", f"{counts['resolved']} ambiguous bars were decided by finer bars", "info", "F3")
        )
    out.append(_entry("prices", f"prices: {market.prices}", "info", "F8"))
    out.append(
        _entry(
            "calendar", f"calendar: {market.calendar}, {market.periods_per_year} periods a year", "info", "M1"
        )
    )
    how = rules["close_at_end"]
    end = "positions marked to the last close" if how == "no" else f"closed at {how}"
    out.append(
        _entry(
            "end",
            f"end of the run: {end}",
            "info",
            "F10",
        )
    )
    if config.profile != "default":
        own = [f"{name}={value}" for name, value in PROFILES[config.profile].items() if rules[name] == value]
        out.append(_entry("profile", f"profile: simulated as {config.profile} does", "info", None, own))
    if config.changed:
        out.append(
            _entry(
                "rules",
                "rules changed: " + ", ".join(f"{k}={v}" for k, v in config.changed.items()),
                "info",
                None,
            )
        )
    return by_level(out)


def by_level(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries with those that need attention first."""
    rank = {"error": 0, "warning": 1, "info": 2}
    return sorted(entries, key=lambda e: rank[e["level"]])


def _account(config: Options) -> str:
    rules = config.rules
    parts = [f"account: {rules['account']}, leverage {1 / config.initial:g}"]
    if rules["account"] == "margin":
        parts.append(f"maintenance {_percent(config.maintenance)}")
        parts.append(f"borrow cost {_percent(rules['borrow_rate'])}, margin interest {_percent(rules['margin_rate'])}")
    if rules["withholding"]:
        parts.append(f"{_percent(rules['withholding'])} of dividends withheld")
    return ", ".join(parts)


def _percent(x: float) -> str:
    return "none" if x == 0 else f"{100 * x:.4g} %"
