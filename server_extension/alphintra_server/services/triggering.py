"""What is due is begun, each by itself: one that cannot be does not hold up the others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Protocol

from sqlalchemy.orm import Session

from ..db.engine import Database
from ..db.outage import is_away
from ..errors import TooMany


class Begin(Protocol):
    """Begins one, in a transaction of its own; tells whether there was something to begin."""

    def __call__(self, session: Session, one: str) -> bool:
        """Begin it."""
        ...


class OneByOne:
    """Begins what is due.

    Args:
        database: Where it is.
        due: Lists the ids of what is due.
        begin: Begins one.
        log: Where it goes that one cannot be begun.
        what: What an id is of, at the start of a sentence.
    """

    def __init__(
        self,
        database: Database,
        due: Callable[[Session], list[str]],
        begin: Begin,
        log: logging.Logger,
        what: str,
    ) -> None:
        self._database = database
        self._due = due
        self._begin = begin
        self._log = log
        self._what = what
        self._stumbled: set[str] = set()

    async def look(self) -> int:
        """Begin what is due; return how many."""
        begun = 0
        for one in await self._database.read(self._due):
            try:
                begun += await self._database.write(partial(self._begin, one=one))
            except TooMany:
                # Nothing was written: it stays due, and is looked at again.
                continue
            except Exception as error:
                if is_away(error):
                    raise
                if one not in self._stumbled:
                    self._stumbled.add(one)
                    self._log.exception("%s %s cannot be begun", self._what, one)
        return begun
