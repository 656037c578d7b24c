"""Colours of static pages and pictures; gains are blue and losses orange, as in the Lab view by default."""

GAIN = "#1f6fd0"
LOSS = "#d9730d"
BENCHMARK = "#767676"
ERROR = "#b3261e"
WARNING = "#7a5600"
INDICATORS = ("#8250c4", "#1f8f7a", "#a83279", "#5b6b00", "#0f7f9e", "#9c5a2b")
