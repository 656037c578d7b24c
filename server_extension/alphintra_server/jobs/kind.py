"""What a kind of job knows: its input, what its output means, and what else ends with it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.orm import Session

from ..db.tables import JobRow
from .attempt import JobInput
from .store import Claim


class JobKind(Protocol):
    """One kind of job."""

    keeps_output: bool = True
    """Whether what a completed attempt left stays in its folder."""

    def load(self, session: Session, held: Claim) -> JobInput:
        """Read what the worker gets."""

    def keeping(self, held: Claim, output: Any, folder: Path) -> AbstractContextManager[None]:
        """Put what the worker left where it stays, and hold it there until the job's end is written.

        Entered and left off the event loop, before and after that transaction, which may not come to be.

        Args:
            held: The claim.
            output: What was collected.
            folder: Where the attempt's output lies.

        Raises:
            BadOutputError: The output is not what it was said to be.
            OSError: There is no room for it.
        """
        return nullcontext()

    def save(self, session: Session, held: Claim, output: Any) -> None:
        """Write results, in the transaction that completes the job.

        Raises:
            BadOutputError: They cannot be kept as things are now; the job then fails with its code.
        """

    def told(self, row: JobRow, output: Any) -> None:
        """Count an end that was written; ``output`` is None where there is none."""
        return
