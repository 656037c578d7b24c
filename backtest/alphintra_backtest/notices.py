"""What a reader has to know before believing a result: assumptions, and what was counted on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alphintra.result import Result

_ORDER = {"error": 0, "warning": 1, "info": 2}
MAX_ITEMS = 50

_COUNTED = {
    "ambiguous": ("F3", "warning", "{n} bars held both stop and target: the stop was taken"),
    "ambiguous_entry": ("F15", "warning", "{n} entry bars held a stop or target; it waited for the next bar"),
    "capped": ("F5", "warning", "{n} orders were cut to the share of the bar's volume"),
    "stale_marks": ("F18", "info", "{n} marks used the last known price"),
}
"""Counts of a run that the engine may not have put into words: rule, level, sentence."""


def _entry(code: str, text: str, level: str, rule: str | None, items: list[str]) -> dict[str, Any]:
    """Return one notice in the form of an assumption."""
    return {"code": code, "text": text, "level": level, "rule": rule, "items": items}


def notices(result: Result) -> list[dict[str, Any]]:
    """Return the run's assumptions, and what its counts say beyond them, gravest first."""
    entries = [dict(entry) for entry in result.assumptions]
    codes = {str(entry["code"]) for entry in entries}
    for code, (rule, level, sentence) in _COUNTED.items():
        count = result.counts.get(code, 0)
        if count and code not in codes:
            entries.append(_entry(code, sentence.format(n=count), level, rule, []))
    refused = {
        key.partition(":")[2]: count
        for key, count in result.counts.items()
        if key.startswith("rejected:") and count
    }
    if refused and not codes & {"rejected", "refused", "refused_orders", "orders_refused"}:
        number = sum(refused.values())
        plural = "order was" if number == 1 else "orders were"
        items = [f"{reason}: {count}" for reason, count in sorted(refused.items())]
        entries.append(_entry("rejected", f"{number} {plural} refused", "warning", "F6", items))
    if result.dropped_sessions and "benchmark_dropped" not in codes:
        sentence = f"{result.dropped_sessions} sessions have no benchmark price and were left out"
        entries.append(_entry("benchmark_dropped", sentence, "info", "M9", []))
    entries.sort(key=lambda entry: _ORDER.get(str(entry["level"]), 2))
    return entries


def strip(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the notices that stand above the figures: all errors and warnings."""
    shown = []
    for entry in entries:
        if entry["level"] not in ("error", "warning"):
            continue
        items = [str(item)[:500] for item in entry.get("items") or ()]
        if len(items) > MAX_ITEMS:
            items = [*items[:MAX_ITEMS], f"and {len(items) - MAX_ITEMS} more"]
        text = str(entry["text"])[:500]
        shown.append({"level": entry["level"], "code": entry["code"], "text": text, "items": items})
    return shown
