"""A result as text, for a terminal and for the debugger's tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alphintra_backtest.formats import text
from alphintra_backtest.metrics.definitions import DEFINITIONS

if TYPE_CHECKING:
    from alphintra.result import Result


def one_line(result: Result) -> str:
    """Return strategy, data and the figures that matter most, in one line."""
    parts = []
    for name, word in (("total_return", "return"), ("sharpe_ratio", "Sharpe"), ("total_trades", "trades")):
        known = DEFINITIONS[name]
        parts.append(f"{word} {text(result.metrics[name], known.format, signed=known.signed)}")
    return f"<Result {result.run['strategy']} on {result.run['dataset']}: {', '.join(parts)}>"


def summary(view: dict[str, Any]) -> str:
    """Return header, warnings and figures of a view's payload as lines."""
    head = view["header"]
    parameters = ", ".join(f"{name}={value}" for name, value in head["parameters"].items())
    lines = [
        f"{head['strategy']}({parameters}) on {head['dataset']}",
        f"{head['start']} → {head['end']}, {text(head['bars'], 'integer')} bars, profile {head['profile']}",
        *(f"[{warning['level']}] {warning['text']}" for warning in view["warnings"]),
    ]
    for figure in view["figures"]:
        value = text(figure["value"], figure["format"], signed=figure["signed"])
        line = f"{figure['label']:<16}{value:>12}"
        if figure["benchmark"] is not None:
            line += f"   bench {text(figure['benchmark'], figure['format'], signed=figure['signed'])}"
        if figure["value"] is None and figure["reason"]:
            line += f"   {figure['reason']}"
        lines.append(line)
    return "\n".join(lines)
