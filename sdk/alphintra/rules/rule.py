"""What a validation rule is: its name, how grave it is, what it says, and the numbers that can be set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from alphintra.ingest.findings import Severity

SeenIn = Literal["file", "rows", "both"]
ORDER: tuple[Severity, ...] = ("info", "warning", "error")
"""Severities, the gravest last."""


@dataclass(frozen=True)
class Parameter:
    """A number of a rule.

    Attributes:
        name: Its name.
        default: Its value where nobody sets it.
        least: Its smallest value.
        most: Its largest value.
        text: What it says.
        whole: Whether it is a whole number.
    """

    name: str
    default: float
    least: float
    most: float
    text: str
    whole: bool = False


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        id: Its name: upper case, stable.
        severity: ``error`` blocks use until it is acknowledged, ``warning`` shows, ``info`` counts. What one finding
            has can be less or more; ``definition`` then says when.
        definition: When it fires.
        silent: What looks like it and is right, and when it is not checked.
        parameters: The numbers that can be set.
        seen_in: ``file``, when it is read: over a stored version it stands as it was found then; ``rows``; or ``both``.
    """

    id: str
    severity: Severity
    definition: str
    silent: str = ""
    parameters: tuple[Parameter, ...] = ()
    seen_in: SeenIn = "rows"


def gravest(*severities: Severity) -> Severity:
    """Return the gravest of some severities."""
    return max(severities, key=ORDER.index)
