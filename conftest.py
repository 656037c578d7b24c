"""Plugins of the tests: they may be named at the top only."""

pytest_plugins = ["pytest_jupyter.jupyter_server"]
