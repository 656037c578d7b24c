"""Validation: every rule over the rows of a version in one pass, and the report of what was found.

Loading this package loads no compiled code: the server reads reports and choices of rules with it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alphintra.rules.facts import Facts, of_reference, of_staging, of_version
    from alphintra.rules.places import Place
    from alphintra.rules.registry import Choice, rules
    from alphintra.rules.report import (
        Acknowledgement,
        Report,
        Result,
        acknowledge,
        from_json,
        keep_acknowledged,
        without_places,
    )
    from alphintra.rules.rule import Parameter, Rule
    from alphintra.rules.running import Validation, check_version

_WHERE = {
    "Acknowledgement": "report",
    "Choice": "registry",
    "Facts": "facts",
    "Parameter": "rule",
    "Place": "places",
    "Report": "report",
    "Result": "report",
    "Rule": "rule",
    "Validation": "running",
    "acknowledge": "report",
    "check_version": "running",
    "from_json": "report",
    "keep_acknowledged": "report",
    "of_reference": "facts",
    "of_staging": "facts",
    "of_version": "facts",
    "rules": "registry",
    "without_places": "report",
}

__all__ = [
    "Acknowledgement",
    "Choice",
    "Facts",
    "Parameter",
    "Place",
    "Report",
    "Result",
    "Rule",
    "Validation",
    "acknowledge",
    "check_version",
    "from_json",
    "keep_acknowledged",
    "of_reference",
    "of_staging",
    "of_version",
    "rules",
    "without_places",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'alphintra.rules' has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_WHERE[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
