"""What a trader changed by hand in a replay, and the run that came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alphintra.result import Result

#: Longest text of a value.
LONGEST = 200

Change = tuple[str, Any, Any]


@dataclass(frozen=True, eq=False)
class Branch:
    """A run that is no longer what the strategy alone would do.

    Attributes:
        bar: Index of the last timestamp that was done when it was changed.
        time: Its close time; ``None`` before the first bar.
        changes: (name, before, after) of each: an attribute, ``orders``, or what else was changed. Numbers, texts and
            truths as they are, anything else as a text.
    """

    bar: int
    time: datetime | None
    changes: Sequence[Change]

    def __repr__(self) -> str:
        when = "before the first bar" if self.time is None else f"at {self.time:%Y-%m-%d %H:%M}"
        return f"<branch {when}: {self.text}>"

    @property
    def text(self) -> str:
        """The changes in a line."""
        shown = [
            f"{name} {after}" if before is None and isinstance(after, str) and name in ("orders", "log", "recorded")
            else f"{name} {before!r} → {after!r}"
            for name, before, after in self.changes
        ]  # fmt: skip
        return ", ".join(shown)


def plain(value: Any) -> Any:
    """A value for a list of changes: plain as it is, else as a short text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value[:LONGEST]
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a trader's own class
        text = f"<{type(value).__name__}>"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def marked(result: Result, branch: Branch) -> Result:
    """A result that says what was done to the run by hand."""
    when = "before the first bar" if branch.time is None else f"at {branch.time:%Y-%m-%d %H:%M}"
    items = [f"{name}: {before!r} → {after!r}" for name, before, after in branch.changes]
    said = {"code": "changed_by_hand", "text": f"changed by hand {when}: {branch.text}", "level": "warning"}
    result.assumptions.insert(0, {**said, "rule": None, "items": items})
    result.run["branch"] = {
        "bar": branch.bar,
        "time": None if branch.time is None else branch.time.isoformat().replace("+00:00", "Z"),
        "changes": [list(change) for change in branch.changes],
    }
    return result
