"""Who is behind a door, and what they use of it."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..auth import Caller
from .rates import Bucket

MOST_PENDING = 16 << 20
"""Bytes of bodies that the requests of one door may have on their way together."""


@dataclass
class Tenant:
    """The kernel or job that a door was opened for.

    Attributes:
        caller: On whose behalf it acts; never anybody else.
        kind: ``kernel`` or ``job``.
        subject: The kernel's or job's id.
        token: What each of its requests carries.
        rates: What its user may do how often, by route.
        ended: Whether the door was closed.
    """

    caller: Caller
    kind: str
    subject: str
    token: str = field(repr=False)
    rates: Mapping[str, Bucket] = field(default_factory=dict)
    ended: bool = False
    _pending: int = 0
    _lines: Bucket = field(default_factory=lambda: Bucket(rate=2, burst=50))
    unlogged: int = 0

    def knows(self, authorization: str) -> bool:
        """Tell whether a request's ``Authorization`` is this tenant's; no token is, once the door is closed."""
        given, wanted = authorization.encode("utf-8", "replace"), f"Bearer {self.token}".encode()
        return hmac.compare_digest(given, wanted) and not self.ended

    def reserve(self, size: int) -> bool:
        """Make room for a body, if there is some."""
        if self._pending + size > MOST_PENDING:
            return False
        self._pending += size
        return True

    def release(self, size: int) -> None:
        """Give back what :meth:`reserve` took."""
        self._pending -= size

    def may_log(self) -> bool:
        """Tell whether one more line of the log is this tenant's to fill; else it is counted."""
        if self._lines.take():
            self.unlogged += 1
            return False
        return True
