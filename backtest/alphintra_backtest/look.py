"""Colours of static pages and pictures; gains are blue and losses orange, as in the Lab view by default."""

from __future__ import annotations

from typing import Any

GAIN = "#1f6fd0"
LOSS = "#d9730d"
BENCHMARK = "#767676"
ERROR = "#b3261e"
WARNING = "#7a5600"
INDICATORS = ("#8250c4", "#1f8f7a", "#a83279", "#5b6b00", "#0f7f9e", "#9c5a2b")

_LOW_TO_HIGH = ([[0, "#d9730d"], [0.5, "#f2f2f2"], [1, "#1f6fd0"]], [[0, "#f0943f"], [0.5, "#2a2e34"], [1, "#5aa2f5"]])
_LITTLE_TO_MUCH = ([[0, "#eef4fc"], [1, "#134a8e"]], [[0, "#1c2633"], [1, "#8fc1ff"]])

#: Colours of a study's figures by token, each for light and for dark ground; lines have a contrast of 3 : 1 or more.
#: The two scales are Plotly's ``colorscale``: around a middle, and from little to much.
PALETTE: dict[str, tuple[Any, Any]] = {
    "@low_to_high": _LOW_TO_HIGH,
    "@little_to_much": _LITTLE_TO_MUCH,
    "@ink": ("#1b1f24", "#e6e8ea"),
    "@muted": ("#6b7280", "#9aa2ad"),
    "@grid": ("rgba(128,128,128,0.25)", "rgba(128,128,128,0.30)"),
    "@gain": ("#1f6fd0", "#5aa2f5"),
    "@loss": ("#d9730d", "#f0943f"),
    "@benchmark": ("#767676", "#a0a0a0"),
    "@band": ("rgba(31,111,208,0.22)", "rgba(90,162,245,0.28)"),
    "@band_wide": ("rgba(31,111,208,0.11)", "rgba(90,162,245,0.15)"),
    "@series1": ("#1f6fd0", "#5aa2f5"),
    "@series2": ("#8250c4", "#b08be8"),
    "@series3": ("#1f8f7a", "#4fc3ab"),
    "@series4": ("#a83279", "#e07ab8"),
    "@series5": ("#5b6b00", "#b3c24a"),
    "@series6": ("#0f7f9e", "#4fb9d6"),
    "@error": ("#b3261e", "#ff8a80"),
}
