"""What breakpoints depend on: kept here, as JupyterLab sends nothing but lines, and those anew with each run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

#: Breakpoints with conditions that a kernel keeps, the oldest go first; and how long a condition may be.
MOST, LONGEST = 1000, 2000
_HITS = re.compile(r"\s*(==|>=|<=|>|<|%)?\s*\d{1,12}\s*")
_NAMES = ("condition", "hitCondition")


class Conditions:
    """By file and line: ``condition``, a Python expression, and ``hitCondition``, such as ``>= 5`` or ``% 5``."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], dict[str, str]] = {}

    def of(self, path: str, line: int) -> dict[str, str]:
        """What a breakpoint depends on; empty where it always stops."""
        return dict(self._kept.get((path, line), {}))

    def on(self, path: str, lines: Iterable[int]) -> list[dict[str, Any]]:
        """A file's breakpoints as the debugger takes them."""
        return [{"line": line, **self.of(path, line)} for line in lines]

    def change(self, given: Mapping[str, Any]) -> tuple[str, int]:
        """Keep what ``path``, ``line``, ``condition`` and ``hitCondition`` say; returns path and line.

        Raises:
            ValueError: It is no condition, or names no line; the text says which and why.
        """
        path, line = given.get("path"), given.get("line")
        if not isinstance(path, str) or not path or isinstance(line, bool) or not isinstance(line, int) or line < 1:
            raise ValueError("a condition belongs to a path and a line")
        self._keep(path, line, _checked(given))
        return path, line

    def take(self, path: str, asked: int, line: int, given: Mapping[str, Any]) -> None:
        """A breakpoint is set: with a condition of its own, which is kept, or with what was kept for the line asked."""
        if any(given.get(name) for name in _NAMES):
            self._keep(path, line, {name: str(given[name]) for name in _NAMES if given.get(name)})
        elif asked != line and (path, asked) in self._kept:
            self._keep(path, line, self._kept.pop((path, asked)))

    def _keep(self, path: str, line: int, condition: dict[str, str]) -> None:
        self._kept.pop((path, line), None)
        if condition:
            self._kept[path, line] = condition
            while len(self._kept) > MOST:
                del self._kept[next(iter(self._kept))]


def _checked(given: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name in _NAMES:
        text = given.get(name)
        if text is None or text == "":
            continue
        if not isinstance(text, str) or len(text) > LONGEST:
            raise ValueError(f"{name} is a text of at most {LONGEST} characters")
        if text.strip():
            found[name] = text.strip()
    if "condition" in found:
        try:
            compile(found["condition"], "<condition>", "eval")
        except (SyntaxError, ValueError) as error:
            raise ValueError(f"the condition is no Python expression: {getattr(error, 'msg', error)}") from None
    if "hitCondition" in found and not _HITS.fullmatch(found["hitCondition"]):
        raise ValueError("hitCondition is a count such as 5, >= 5 or % 5")
    return found
