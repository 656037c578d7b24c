"""What each user's jobs may use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from .jobs.launcher import JobLimits

MAX_SECONDS = 30.0 * 24 * 3600
"""The longest that one job may be allowed to run."""
_MOST = 2**53


@dataclass(frozen=True)
class UserLimits:
    """What one user may use.

    Attributes:
        jobs: Jobs that run at once.
        queued: Jobs of one priority that wait.
        seconds: Wall-clock time of one job.
        memory: Bytes of memory of one job.
        disk: Bytes that one job may have on the disk.
        log: Bytes of what one job prints that are kept.
        debug_sessions: Debug sessions that are open at once.
        storage: Bytes of uploads and datasets.
    """

    jobs: int = 4
    queued: int = 100
    seconds: float = 600.0
    memory: int = 2 << 30
    disk: int = 2 << 30
    log: int = 256 << 10
    debug_sessions: int = 2
    storage: int = 20 << 30

    @property
    def of_a_job(self) -> JobLimits:
        """What one attempt gets."""
        return JobLimits(self.seconds, self.memory, self.disk, self.log)


@dataclass(frozen=True)
class Limits:
    """The limits of everybody, and of some users other ones.

    Args:
        usual: What whoever is not named has.
        own: User → what differs.
    """

    usual: UserLimits = UserLimits()
    own: Mapping[str, UserLimits] = field(default_factory=dict)

    def of(self, user_id: str) -> UserLimits:
        """Tell what a user may use."""
        return self.own.get(user_id, self.usual)


def read_limits(usual: UserLimits, own: Mapping[str, Mapping[str, Any]]) -> Limits:
    """Read the configuration's ``{"user": {"jobs": 8}}``.

    Raises:
        ValueError: A limit that there is not, or that is not a positive number; it names the user and the limit.
    """
    kinds = {item.name: float if item.name == "seconds" else int for item in fields(UserLimits)}
    found = {}
    for user, given in own.items():
        for name, value in given.items():
            if name not in kinds:
                raise ValueError(f"user_limits: {user}: there is no limit {name!r}; there are {', '.join(kinds)}")
            number = isinstance(value, int | float) and not isinstance(value, bool)
            most = MAX_SECONDS if name == "seconds" else _MOST
            # Neither comparison is true of what is not a number at all.
            if not number or not 0 < value < math.inf or (value <= most and value != kinds[name](value)):
                raise ValueError(f"user_limits: {user}: {name} is {value!r}, not a positive number")
            if value > most:
                raise ValueError(f"user_limits: {user}: {name} is {value!r}: at most {most:.0f}")
        found[user] = replace(usual, **given)
    return Limits(usual, found)
