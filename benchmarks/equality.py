"""Equal results first: what differs between two answers, in one sentence."""

from __future__ import annotations

import math
from typing import Any

#: Prices and fees are the same products of the same floats; equities are sums in another order.
CLOSE = 1e-9


def difference(name: str, ours: dict[str, Any], theirs: dict[str, Any]) -> str | None:
    """Where two answers differ, or None."""
    a, b = ours["fills"], theirs["fills"]
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        exact = x[:3] == y[:3]
        if not exact or not all(math.isclose(p, q, rel_tol=CLOSE) for p, q in zip(x[3:], y[3:], strict=True)):
            return f"fill {i}: ours (time in µs, side, quantity, price, fee) is {x}, {name}'s is {y}"
    if len(a) != len(b):
        return f"we have {len(a)} fills, {name} has {len(b)}"
    return final(name, ours["equity"], theirs["equity"])


def final(name: str, ours: float, theirs: float) -> str | None:
    """Where two final equities differ, or None."""
    if math.isclose(ours, theirs, rel_tol=CLOSE):
        return None
    return f"final equity: ours is {ours!r}, {name}'s is {theirs!r}"


def apart(ours: dict[str, Any], theirs: dict[str, Any]) -> str | None:
    """The first pair of averages whose final equities differ, or None."""
    a, b = ours["equities"], theirs["equities"]
    if len(a) != len(b):
        return f"we have {len(a)} variants, the peer has {len(b)}"
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        if not math.isclose(x, y, rel_tol=CLOSE):
            return f"variant {i}: our final equity is {x!r}, the peer's is {y!r}"
    return None


def figures(name: str, ours: dict[str, float], theirs: dict[str, float]) -> str | None:
    """The first metric of two runs that differs, or None."""
    for metric, value in ours.items():
        if not math.isclose(value, theirs[metric], rel_tol=CLOSE):
            return f"{metric}: ours is {value!r}, {name}'s is {theirs[metric]!r}"
    return None
