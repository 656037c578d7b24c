"""Reading checks: ``sharpe_ratio >= 0.8``, ``no look-ahead``, ``same fills``. Nothing in them is evaluated as code."""

from __future__ import annotations

import difflib
import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from alphintra_backtest.metrics.definitions import DEFINITIONS

MOST_CHECKS = 50
MOST_CHARS = 200

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}
_SHAPE = re.compile(r"(?P<metric>[A-Za-z]\w*)\s*(?P<sign>[<>=!]+)\s*(?P<number>[^\s%]+)\s*(?P<percent>%?)")
_WORDS = {
    "no look ahead": "look-ahead",
    "no lookahead": "look-ahead",
    "same fills": "fills",
    "same fills as last time": "fills",
    "the same fills as last time": "fills",
}
#: Fractions with both ends: a bound beyond them is a percentage without its sign, and the check would say nothing.
_RANGES = {
    "max_drawdown": (-1.0, 0.0),
    "avg_drawdown": (-1.0, 0.0),
    "win_rate": (0.0, 1.0),
    "long_win_rate": (0.0, 1.0),
    "short_win_rate": (0.0, 1.0),
    "positive_sessions": (0.0, 1.0),
    "time_in_market": (0.0, 1.0),
}
_EXAMPLE = 'for example "sharpe_ratio >= 0.8", "max_drawdown > -20 %", "no look-ahead" or "same fills"'


@dataclass(frozen=True)
class ParsedCheck:
    """A check that was read.

    Attributes:
        text: As it was written.
        kind: ``metric``, ``look-ahead`` or ``fills``.
        metric: Name of the metric, empty for the other kinds.
        sign: Its comparison.
        bound: The number that it is compared with; fractions are fractions.
    """

    text: str
    kind: str
    metric: str = ""
    sign: str = ""
    bound: float = 0.0

    @property
    def means(self) -> tuple[str, str, str, float]:
        """What two texts that say the same have in common."""
        return self.kind, self.metric, self.sign, self.bound

    def holds(self, value: float) -> bool:
        """Whether a value of the metric passes; an undefined one never does."""
        return not math.isnan(value) and _COMPARISONS[self.sign](value, self.bound)


def parse(checks: Any, where: str = "checks") -> tuple[ParsedCheck, ...]:
    """Read a list of checks.

    Args:
        checks: The texts.
        where: What to call the list in an error.

    Raises:
        ParameterError: It is no list of texts, is empty, too long, or has a check that cannot be read or is there
            twice.
    """
    from alphintra.errors import ParameterError

    if isinstance(checks, str | bytes) or not isinstance(checks, Sequence):
        got = repr(checks)[:80]
        raise ParameterError(f"{where} is a list of texts, got {got}", code="BAD_CHECK", where=where, hint=_EXAMPLE)
    if not checks:
        raise ParameterError("there are no checks", code="NO_CHECKS", where=where, hint=_EXAMPLE)
    if len(checks) > MOST_CHECKS:
        raise ParameterError(f"{len(checks)} checks are more than {MOST_CHECKS}", code="BAD_CHECK", where=where)
    found = [_one(text, f"{where}[{index}]") for index, text in enumerate(checks)]
    for index, check in enumerate(found):
        if any(check.means == earlier.means for earlier in found[:index]):
            raise ParameterError(f"{check.text!r} is there twice", code="BAD_CHECK", where=f"{where}[{index}]")
    return tuple(found)


def _one(text: Any, where: str) -> ParsedCheck:
    from alphintra.errors import ParameterError

    def refuse(message: str, hint: str) -> ParameterError:
        return ParameterError(message, code="BAD_CHECK", where=where, hint=hint)

    if not isinstance(text, str):
        raise refuse(f"a check is a text, got {repr(text)[:80]}", _EXAMPLE)
    if len(text) > MOST_CHARS:
        raise refuse(f"a check has at most {MOST_CHARS} characters, this has {len(text)}", _EXAMPLE)
    written = " ".join(text.split())
    word = _WORDS.get(written.lower().replace("-", " "))
    if word is not None:
        return ParsedCheck(written, word)
    shape = _SHAPE.fullmatch(written)
    if shape is None:
        near = difflib.get_close_matches(written.lower().replace("-", " "), _WORDS, 1)
        raise refuse(f"{written!r} is no check", f"did you mean {_shown(near[0])!r}?" if near else _EXAMPLE)
    metric, sign, number = shape["metric"], shape["sign"], shape["number"].replace("\u2212", "-")
    if metric not in DEFINITIONS:
        near = difflib.get_close_matches(metric.lower(), DEFINITIONS, 1, 0.5)
        hint = f"did you mean {near[0]!r}?" if near else "the page Metrics of the reference lists them"
        raise refuse(f"there is no metric {metric!r}", hint)
    if sign not in _COMPARISONS:
        raise refuse(f"{sign!r} in {written!r} is no comparison", f"there is: {', '.join(_COMPARISONS)}")
    bound = _number(number)
    if bound is None:
        raise refuse(f"{shape['number']!r} in {written!r} is no number", _EXAMPLE)
    if shape["percent"]:
        unit = DEFINITIONS[metric].unit
        if unit != "fraction":
            raise refuse(f"{metric} is no fraction ({unit}), so no percentage", "leave the % out")
        bound /= 100
    low, high = _RANGES.get(metric, (-math.inf, math.inf))
    if not low <= bound <= high:
        raise refuse(
            f"{written!r} says nothing: {metric} is a fraction from {low:g} to {high:g}",
            f"a percentage is written with its sign, such as {metric} {sign} {shape['number']} %",
        )
    return ParsedCheck(written, "metric", metric, sign, bound)


def _number(text: str) -> float | None:
    """A finite decimal number; Python's other spellings (``1_000``, ``inf``, ``nan``) are none."""
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text, re.ASCII) is None:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def _shown(word: str) -> str:
    return "no look-ahead" if _WORDS[word] == "look-ahead" else "same fills"
