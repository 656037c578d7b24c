"""How one metric is shown to a reader."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Definition:
    """One metric, as it is shown to a reader.

    Attributes:
        name: Key in ``Result.metrics``.
        label: Short name on the screen.
        definition: The exact formula in a sentence.
        unit: ``fraction``, ``ratio``, ``money``, ``seconds``, ``bars``, ``count`` or ``per year``.
        source: Rule and, where there is one, the outside reference.
        format: How a view writes it: percent, ratio, integer, money or duration.
        signed: Whether a view writes a plus sign.
    """

    name: str
    label: str
    definition: str
    unit: str
    source: str
    format: str
    signed: bool = False
