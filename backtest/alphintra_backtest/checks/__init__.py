"""Checks that a strategy carries: read, run, compared with the run before."""
