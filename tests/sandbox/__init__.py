"""Attacks on our own sandbox, run for real inside it; each has a control outside that shows that it can be seen."""
