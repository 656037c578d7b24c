"""What a probe is: something that must be refused inside, and that can be seen to work outside."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

BOTH = ("job", "kernel")
AS_ROOT = os.geteuid() == 0


class _Differs:
    """The control of a probe whose answer outside depends on how the host's kernel is built."""

    def __repr__(self) -> str:
        return "another answer"


DIFFERS = _Differs()


@dataclass(frozen=True)
class ByStarter:
    """A refusal that is named differently where root starts sandboxes and where an ordinary user does."""

    root: Any
    user: Any


@dataclass(frozen=True)
class Probe:
    """One act.

    Attributes:
        name: What is tried.
        code: The body of a function, run by ``prober``; ``given`` holds the test's own paths, ports and process ids.
        refused: What it must answer inside: an errno's name, a signal's name, or a value.
        control: What it answers outside. ``DIFFERS``: anything else than the refusal.
        privileged: Only root may do it, so that only root's control says something.
        tenants: Who is asked: ``job``, ``kernel``.
        network: Whether the refusal needs the network to be off, which it always is in jobs.
    """

    name: str
    code: str
    refused: Any
    control: Any = DIFFERS
    privileged: bool = False
    tenants: tuple[str, ...] = BOTH
    network: bool = False

    @property
    def expected(self) -> Any:
        """The refusal as it is named here."""
        if isinstance(self.refused, ByStarter):
            return self.refused.root if AS_ROOT else self.refused.user
        return self.refused
