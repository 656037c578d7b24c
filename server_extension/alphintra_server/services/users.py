"""Who has been here: the names with which something can be shared, of which nobody gets a list."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from difflib import get_close_matches

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.dataset_tables import DatasetGrantRow
from ..db.engine import Database
from ..db.outage import is_away
from ..db.tables import DatasetRow, UserRow
from ..db.types import utc_now
from ..errors import Conflict, Invalid, TooMany

MOST_UNKNOWN = 20
"""Names that nobody has, of which one user may try so many in an hour: nobody finds out who is here by trying."""
_HOUR = 3600.0
_LONGEST = 255
_SECONDS = 2.0
_LOOKED_AT = 200
_SHORTEST = 4
"""Shorter names are a slip away from most others."""
_CLOSE = 0.7


class Users:
    """The users that this installation knows: those who have been here, and those that its settings name.

    Args:
        database: Where they are written down.
        named: Whom the settings name.
        alone: Whether there is the one owner, and nobody else can come.
        clock: Tells seconds.
    """

    def __init__(
        self,
        database: Database,
        named: Iterable[str] = (),
        *,
        alone: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._named = frozenset(named)
        self.alone = alone
        self._clock = clock
        self._seen: set[str] = set()
        self._unknown: dict[str, deque[float]] = {}

    async def seen(self, who: Caller) -> None:
        """Write down that a user is here, once. Where the database is away, the next request does it."""
        name = who.user_id
        if self.alone or name in self._seen or len(name) > _LONGEST:
            return

        def work(session: Session) -> None:
            if session.get(UserRow, name) is None:
                session.add(UserRow(user_id=name, first_seen_at=utc_now()))

        try:
            await self._database.write(work, patience=_SECONDS)
        except Exception as error:
            if not is_away(error):
                raise
            return
        self._seen.add(name)

    def known_of(self, session: Session, names: Iterable[str]) -> set[str]:
        """Tell which of these are users."""
        asked = set(names)
        return set(session.scalars(select(UserRow.user_id).where(UserRow.user_id.in_(asked)))) | (asked & self._named)

    def refuse_unknown(self, session: Session, who: Caller, name: str) -> None:
        """Refuse to share with a name that no user has.

        A name that is like it is told: of somebody with whom the caller shares already, either way; of anybody else
        only where one slip of the hand lies between.

        Raises:
            Conflict: There is nobody else here, and nobody else can come.
            TooMany: The caller has tried too many of them.
            Invalid: Nobody of that name has been here.
        """
        if self.alone:
            raise Conflict(
                "This installation has one user: nobody else could see it. Sharing needs a server that tells its "
                "users apart (AlphintraServer.single_user).",
                code="ONE_USER",
            )
        self._refuse_guessing(who)
        if self.known_of(session, [name]):
            return
        self._unknown.setdefault(who.user_id, deque()).append(self._clock())
        like = self._like(session, who, name)
        meant = "" if like is None else f" Did you mean {like}?"
        message = (
            f"Nobody called {name} has been here.{meant} Names are exact, capitals included. Somebody new has to open "
            "Alphintra once; then you can share with them."
        )
        raise Invalid(
            message,
            code="UNKNOWN_USER",
            errors=[{"field": "user_id", "message": message}],
            extra={} if like is None else {"did_you_mean": like},
        )

    def _refuse_guessing(self, who: Caller) -> None:
        tried, now = self._unknown.get(who.user_id), self._clock()
        while tried and tried[0] <= now - _HOUR:
            tried.popleft()
        if tried is not None and not tried:
            del self._unknown[who.user_id]
        if tried and len(tried) >= MOST_UNKNOWN:
            seconds = int(tried[0] + _HOUR - now) + 1
            raise TooMany(
                f"{MOST_UNKNOWN} names that you tried within an hour are nobody's: ask those you mean for theirs, and "
                f"try again in {-(-seconds // 60)} minutes.",
                code="TOO_MANY_UNKNOWN_USERS",
                headers={"Retry-After": str(seconds)},
            )

    def _like(self, session: Session, who: Caller, name: str) -> str | None:
        """Find the user whose name was probably meant."""
        folded = name.strip().casefold()
        shared = select(DatasetGrantRow.user_id, DatasetRow.user_id).join_from(DatasetGrantRow, DatasetRow).where(
            or_(DatasetRow.user_id == who.user_id, DatasetGrantRow.user_id == who.user_id)
        )
        both = {own for row in session.execute(shared.distinct().limit(_LOOKED_AT)) for own in row if own is not None}
        familiar = {own.casefold(): own for own in self.known_of(session, both - {who.user_id})}
        if close := get_close_matches(folded, familiar, 1, _CLOSE):
            return familiar[close[0]]
        lower = func.lower(UserRow.user_id)
        # One slip leaves the first or the last part of a name as it is.
        part = (len(folded) - 1) // 2
        near = lower == folded
        if len(folded) >= _SHORTEST:
            ends = or_(
                lower.startswith(folded[:part], autoescape=True), lower.endswith(folded[-part:], autoescape=True)
            )
            near = or_(near, ends & func.length(UserRow.user_id).between(len(folded) - 1, len(folded) + 1))
        found = session.scalars(select(UserRow.user_id).where(near).order_by(UserRow.user_id).limit(_LOOKED_AT))
        candidates = [own for own in (*found, *sorted(self._named)) if own != who.user_id]
        candidates.sort(key=lambda own: own.casefold() != folded)
        return next((own for own in candidates if _one_slip(folded, own.casefold())), None)


def _one_slip(given: str, meant: str) -> bool:
    """Tell whether a letter was left out, put in or mistaken, or two neighbours changed places; at most that."""
    short, long = sorted((given, meant), key=len)
    if short == long:
        return True
    if len(short) < _SHORTEST - 1:
        return False
    pairs = enumerate(zip(short, long, strict=False))
    begin = next((place for place, (one, other) in pairs if one != other), len(short))
    short, long = short[begin:], long[begin:]
    if len(short) < len(long):
        return short == long[1:]
    return short[1:] == long[1:] or (short[:2] == long[1::-1] and short[2:] == long[2:])
