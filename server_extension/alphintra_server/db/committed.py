"""What is done once a transaction's writes are there: counting, above all, which nothing takes back."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import event
from sqlalchemy.orm import Session


def when_committed(session: Session, do: Callable[[], None]) -> None:
    """Have something done after the commit of a transaction; never, if it comes to none.

    Args:
        session: The transaction. Its session is used for no other.
        do: Called without the session, on its thread; neither waits nor raises.
    """

    def committed(_session: Session) -> None:
        if not session.in_nested_transaction():  # the end of a savepoint is no commit yet
            do()

    event.listen(session, "after_commit", committed)
