"""What a reader has to know before believing a result: its assumptions, gravest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alphintra.result import Result

_ORDER = {"error": 0, "warning": 1, "info": 2}
MAX_ITEMS = 50
MAX_TEXT = 500


def notices(result: Result) -> list[dict[str, Any]]:
    """Return the run's assumptions, and what only its metrics know."""
    entries = [dict(entry) for entry in result.assumptions]
    dropped = result.dropped_sessions
    if dropped:
        text = f"benchmark: {dropped} session{'' if dropped == 1 else 's'} without a price left out"
        items = ["Correlation, alpha and beta use the sessions that both have."]
        entries.append(
            {"code": "benchmark_dropped", "text": text, "level": "info", "rule": "M9", "items": items}
        )
    if result.run["configuration"].get("benchmark") is not None and not result.benchmark_metrics:
        # Some of its sessions are the run's, but none after the first decision.
        items = ["It has no price on any session of the run."]
        entries.append(
            {"code": "benchmark_missing", "text": "benchmark: no session in common with the run", "level": "warning",
             "rule": "M9", "items": items}
        )  # fmt: skip
    entries.sort(key=lambda entry: _ORDER.get(str(entry["level"]), 2))
    return entries


def strip(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the notices that stand above the figures: all errors and warnings."""
    shown = []
    for entry in entries:
        if entry["level"] not in ("error", "warning"):
            continue
        items = [str(item)[:MAX_TEXT] for item in entry.get("items") or ()]
        if len(items) > MAX_ITEMS:
            items = [*items[:MAX_ITEMS], f"and {len(items) - MAX_ITEMS} more"]
        text = str(entry["text"])[:MAX_TEXT]
        shown.append({"level": entry["level"], "code": str(entry["code"]), "text": text, "items": items})
    return shown
