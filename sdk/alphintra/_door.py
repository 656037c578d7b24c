"""The names by which a process finds its door to the server; whoever opens one sets them."""

from __future__ import annotations

SOCKET_VARIABLE = "ALPHINTRA_DOOR"
"""Path of the UNIX socket."""
TOKEN_VARIABLE = "ALPHINTRA_DOOR_TOKEN"
"""What each request carries."""
