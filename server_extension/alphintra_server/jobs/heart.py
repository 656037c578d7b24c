"""Keeping the leases of running jobs, from a thread of its own: a busy event loop must not lose jobs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

from ..db.engine import Database
from ..db.outage import Outage
from . import store
from .leases import Leases
from .store import Claim


class Heart:
    """Beats while a server has jobs.

    Args:
        database: Where the leases are.
        held: Gives the claims to keep.
        tell: Called from the heart's thread with a job's id and ``fenced`` or ``cancelled``.
        log: Where troubles go.
        leases: What is kept, and how often.
    """

    def __init__(
        self,
        database: Database,
        held: Callable[[], Iterable[Claim]],
        tell: Callable[[str, str], None],
        log: logging.Logger,
        leases: Leases,
    ) -> None:
        self._leases = leases
        self._database = database
        self._held = held
        self._tell = tell
        self._outage = Outage(log, "The leases of jobs")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alphintra-heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Stop beating; waits for a beat that is under way."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(10)

    def _run(self) -> None:
        pause = self._leases.heartbeat
        while not self._stop.wait(pause):
            pause = self._leases.heartbeat
            try:
                self._beat()
                self._outage.over()
            except Exception as error:  # noqa: BLE001  the lease lasts for six beats: try again soon
                self._outage.seen(error)
                pause = self._leases.heartbeat / 5

    def _beat(self) -> None:
        held = list(self._held())
        if not held:
            return
        lost, asked = self._database.write_now(lambda session: store.heartbeat(session, held, self._leases.lease))
        for job_id in lost:
            self._tell(job_id, "fenced")
        for job_id in asked - lost:
            self._tell(job_id, "cancelled")
