"""Names of the classes whose objects say in one line what they are: a strategy, an order, a series."""

from __future__ import annotations

import sys
from collections.abc import Iterator

_KINDS = {
    "alphintra.comparing": ("Comparison",),
    "alphintra.data.dataset": ("Dataset",),
    "alphintra.result": ("Result",),
    "alphintra.strategy": ("Strategy",),
    "alphintra.views": ("Series",),
    "alphintra_backtest.dataview": ("SymbolData", "UniverseData"),
    "alphintra_backtest.handles": ("Fill", "Order", "Position", "RoundTrip"),
    "alphintra_backtest.replay.replay": ("Replay",),
    "alphintra_backtest.featureview": ("Feature", "Features", "PerBar", "SeveralFeature"),
    "alphintra_backtest.resample": ("Resampled",),
}


def names() -> frozenset[str]:
    """The SDK's and the engine's own classes of that kind, and the trader's strategies; nothing is imported for it."""
    loaded = ((sys.modules[module], kinds) for module, kinds in _KINDS.items() if module in sys.modules)
    return frozenset(
        one.__name__ for module, kinds in loaded for kind in kinds for one in _tree(getattr(module, kind))
    )


def _tree(kind: type) -> Iterator[type]:
    yield kind
    subclasses: list[type] = kind.__subclasses__()
    for below in subclasses:
        yield from _tree(below)
