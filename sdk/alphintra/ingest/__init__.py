"""From any file to sorted staging and findings.

Runs in a sandboxed worker, never in the server: what people send is parsed here. No server, no Jupyter, no network.
Loading this package loads no parser: the server may check a mapping (:mod:`alphintra.ingest.mapping`).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alphintra.ingest.findings import Finding
    from alphintra.ingest.guessing import Guess, recalled
    from alphintra.ingest.inspecting import Inspection, inspect
    from alphintra.ingest.limits import Limits
    from alphintra.ingest.mapping import Column, Dialect, Mapping, fingerprint
    from alphintra.ingest.reading import Staged, read
    from alphintra.ingest.roles import Question, Reason

_WHERE = {
    "Column": "mapping",
    "Dialect": "mapping",
    "Finding": "findings",
    "Guess": "guessing",
    "Inspection": "inspecting",
    "Limits": "limits",
    "Mapping": "mapping",
    "Question": "roles",
    "Reason": "roles",
    "Staged": "reading",
    "fingerprint": "mapping",
    "inspect": "inspecting",
    "read": "reading",
    "recalled": "guessing",
}

__all__ = [
    "Column",
    "Dialect",
    "Finding",
    "Guess",
    "Inspection",
    "Limits",
    "Mapping",
    "Question",
    "Reason",
    "Staged",
    "fingerprint",
    "inspect",
    "read",
    "recalled",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'alphintra.ingest' has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_WHERE[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
