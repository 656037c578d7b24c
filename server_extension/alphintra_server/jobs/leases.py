"""How long a server holds its jobs without a word of it, and how often it gives one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

LEASE = timedelta(seconds=30)
HEARTBEAT_SECONDS = 5.0


@dataclass(frozen=True)
class Leases:
    """The same on all servers of a database.

    Attributes:
        lease: From a heartbeat to the moment when others suspect that the server is lost, by the database's clock.
        heartbeat: Seconds between heartbeats. Two more without one, by the others' steady clocks, and it is lost.
    """

    lease: timedelta = LEASE
    heartbeat: float = HEARTBEAT_SECONDS
