"""A replay as a text, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .replay import Replay

#: Rows of each part.
ROWS = 12


def table(replay: Replay) -> str:
    """Where the replay stands, in some lines."""
    shown = replay.state(bars=1, orders=ROWS)
    account, candle = shown["account"], shown["candles"][-1] if shown["candles"] else None
    lines = [f"{replay!r}"[1:-1]]
    if shown["error"]:
        error = shown["error"]
        lines.append(f"error at bar {error['bar']}, {error['time']}: {error['text']} ({error['file']}:{error['line']})")
    lines += shown["notices"]
    if candle is not None:
        prices = ", ".join(f"{n} {p:g}" for n, p in zip("OHLC", candle[1:5], strict=True) if p is not None)
        lines.append(f"{shown['symbol']}: {prices}")
    lines.append(
        f"equity {account['equity']:,.2f}, cash {account['cash']:,.2f}, drawdown {100 * account['drawdown']:.1f} %"
    )
    parts = {
        "positions": [f"{p['symbol']} {p['size']:g} at {p['avg_price']:g}, P&L {p['pnl']:+.2f}"
                      for p in shown["positions"]],
        "working orders": [f"{o['symbol']} {o['text']}, {o['tif']}" for o in shown["orders"]],
        "variables": [f"{'*' if v['changed'] else ' '} {v['name']} = {v['text']}" for v in shown["variables"]],
        "log": [f"{e['time']} {e['event']} {e['text']} {e['rule']}{e['reason']}" for e in shown["log"]],
    }  # fmt: skip
    for name, rows in parts.items():
        if rows:
            more = [f"  … {len(rows) - ROWS} more"] if len(rows) > ROWS else []
            lines += [f"{name}:", *(f"  {row}" for row in rows[:ROWS]), *more]
    return "\n".join(lines)
