"""The simulation core, metrics and reports."""
