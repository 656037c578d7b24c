"""What the SDK offers, as far as checking needs it. The SDK is our own code: it may be imported."""

from __future__ import annotations

import inspect
from functools import cache


@cache
def public_names() -> frozenset[str]:
    """Names that ``al.<name>`` may have."""
    import alphintra

    return frozenset(name for name in (*alphintra.__all__, *dir(alphintra)) if not name.startswith("_"))


@cache
def keywords(verb: str) -> frozenset[str] | None:
    """Keywords that ``Strategy.<verb>`` takes; None if there is no such method, or it takes any."""
    from alphintra import Strategy

    method = getattr(Strategy, verb, None)
    if not callable(method):
        return None
    parameters = inspect.signature(method).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return None
    return frozenset(parameters) - {"self"}
