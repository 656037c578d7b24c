"""The Jupyter server extension: strategies, datasets, backtests and their jobs over REST."""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Tell Jupyter Server where the extension is."""
    from .app import AlphintraServer

    return [{"module": "alphintra_server", "app": AlphintraServer}]
