"""Where a session stands, as its watchers see it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ..db.types import utc_now
from ..jobs.kept_log import KeptLog
from ..jobs.protocol import KEPT_LOG_CHARS, KEPT_LOG_LINES
from ..models.debug import Breakpoint, DebugSession, DebugStatus
from ..models.jobs import JobError
from .about import About
from .answers import Market, plain
from .stack import Stack


class Standing:
    """What changes while a session goes on.

    Args:
        about: What does not.
        log_bytes: Of what the strategy prints that are kept.

    Attributes:
        status: Whether it runs, stands or has ended.
        reason: Why it stands, or has ended.
        error: What went wrong: a condition, or the run.
        market: Where it was last, in market time.
        summary: Figures of a run that came to its end.
        breakpoints: As the debugger took them.
        stack: The trader's functions.
        log: The last lines that were printed.
        unfinished: What was printed of the next one.
        ended_at: When it ended.
    """

    def __init__(self, about: About, log_bytes: int) -> None:
        self.about = about
        self.status = DebugStatus.ACTIVE
        self.reason: str | None = None
        self.error: dict[str, Any] | None = None
        self.market: Market | None = None
        self.summary: dict[str, float | None] | None = None
        self.breakpoints: list[Breakpoint] = []
        self.stack = Stack(about)
        self.log = KeptLog(log_bytes)
        self.unfinished = ""
        self.created_at = utc_now()
        self.ended_at: datetime | None = None

    @property
    def bar(self) -> int | None:
        """The bar that it is in."""
        return None if self.market is None else self.market.bar

    def print(self, text: str) -> list[str]:
        """Take what was printed; returns the lines that are whole now, of very many the last."""
        *lines, rest = text.rsplit("\n", KEPT_LOG_LINES)
        if not lines:
            # What a line begins with may come before the rest of it.
            self.unfinished = (self.unfinished + rest)[:KEPT_LOG_CHARS]
            return []
        first = lines[0].rpartition("\n")[2] if "\n" in lines[0] else self.unfinished + lines[0]
        self.unfinished = rest[:KEPT_LOG_CHARS]
        shown = [plain(line[:KEPT_LOG_CHARS]) for line in (first, *lines[1:])]
        self.log.add("\n".join(shown))
        return shown

    def own_variables(self) -> list[dict[str, Any]]:
        """The strategy's own variables, as the kernel tells them."""
        state = self.market.state if self.market is not None else None
        found = (state or {}).get("variables")
        if not isinstance(found, list):
            return []
        return [item for item in found if isinstance(item, dict) and {"name", "text"} <= item.keys()]

    def to_model(self, session_id: str, left: timedelta) -> DebugSession:
        """Show it.

        Args:
            session_id: The session's.
            left: Time until it is ended unless somebody moves it.
        """
        about, market = self.about, self.market
        stack = self.stack.places if self.status is DebugStatus.PAUSED else []
        return DebugSession(
            id=session_id,
            strategy_id=about.strategy_id,
            strategy_version=about.strategy_version,
            class_name=about.class_name,
            dataset_id=about.dataset_id,
            dataset_name=about.dataset_name,
            dataset_hash=about.dataset_hash,
            benchmark=about.benchmark,
            features=dict(about.features),
            reference=about.reference,
            start_date=about.start,
            end_date=about.end,
            breakpoints=sorted({item.line for item in self.breakpoints}),
            breakpoint_details=self.breakpoints,
            variables={
                str(item["name"]): item["text"] if item.get("value") is None else item["value"]
                for item in self.own_variables()
            },
            status=self.status,
            current_timestamp=None if market is None else market.time,
            reason=self.reason,
            bar=self.bar,
            count=None if market is None else market.count,
            place=stack[0] if stack else None,
            stack=stack,
            market=None if market is None else market.state,
            summary=self.summary,
            error=None if self.error is None else JobError.model_validate(self.error),
            log=[*self.log, *([plain(self.unfinished)] if self.unfinished else [])],
            created_at=self.created_at,
            ended_at=self.ended_at,
            expires_at=None if self.ended_at is not None else utc_now() + left,
        )
