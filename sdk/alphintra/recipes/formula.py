"""Formulas over columns: a small language of its own, in Python's writing; nothing of it is run as Python."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from alphintra.errors import LookAheadError, ParameterError
from alphintra.recipes.functions import FUNCTIONS, Function
from alphintra.recipes.rows import F64, Rows
from alphintra.recipes.windows import MOST_ROWS

MOST_TEXT = 1_000
MOST_PARTS = 300
_ARITHMETIC: dict[type, Callable[..., Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
}
_COMPARE: dict[type, Callable[..., Any]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
_COLUMN = "col"
_HINT = "Write columns, numbers, + - * / % **, comparisons, and, or, not, and functions such as mean(close, 20)."


class Formula:
    """A formula that was read and checked.

    Columns are named as they are, or as ``col("adj close")``. A comparison is 1 or 0. What a missing number goes into
    is missing.

    Args:
        text: The formula, at most 1,000 characters and 300 parts.
        where: The parameter that it is.

    Raises:
        ParameterError: It cannot be read, or has something else in it.
        LookAheadError: It reads later rows.
    """

    def __init__(self, text: str, where: str) -> None:
        self._text, self._where = text, where
        if len(text) > MOST_TEXT or not text.strip():
            self._refuse(f"a formula has 1 to {MOST_TEXT:,} characters")
        try:
            self._tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            self._refuse(f"{text[:80]!r} cannot be read")
        if sum(1 for _ in ast.walk(self._tree)) > MOST_PARTS:
            self._refuse(f"the formula has more than {MOST_PARTS} parts")
        self.columns: tuple[str, ...] = tuple(dict.fromkeys(self._check(self._tree)))

    @property
    def mixes_rows(self) -> bool:
        """Whether rows before a row are read."""
        calls = [node.func.id for node in ast.walk(self._tree) if isinstance(node, ast.Call)
                 and isinstance(node.func, ast.Name)]  # fmt: skip
        return any(name in FUNCTIONS and FUNCTIONS[name].window for name in calls)

    def value(self, rows: Rows) -> F64:
        """Return the formula's value on each row, float64; NaN where it is undefined."""
        with np.errstate(all="ignore"):
            found = np.asarray(self._value(self._tree, rows), dtype=np.float64)
            found = np.broadcast_to(found, (len(rows),))
            return np.where(np.isfinite(found), found, np.nan)

    def _check(self, node: ast.expr) -> Iterator[str]:
        """Yield the columns that are read; refuse everything that is not in the language."""
        below: list[ast.expr] = []
        if isinstance(node, ast.Constant):
            if isinstance(node.value, bool) or not isinstance(node.value, int | float):
                self._refuse(f"{node.value!r:.40} is no number")
            self._constant(node)
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd | ast.Not):
            below = [node.operand]
        elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            below = [node.left, node.right]
        elif isinstance(node, ast.BoolOp):
            below = node.values
        elif isinstance(node, ast.Compare) and all(type(op) in _COMPARE for op in node.ops):
            below = [node.left, *node.comparators]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            if node.func.id == _COLUMN:
                yield self._named(node)
            else:
                below = self._arguments(node)
        else:
            self._refuse(f"there is no {type(node).__name__} in formulas")
        for part in below:
            yield from self._check(part)

    def _arguments(self, node: ast.Call) -> list[ast.expr]:
        """Return the arguments of a call that are formulas themselves; check the window."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        function = self._function(name)
        if len(node.args) != function.arguments + function.window:
            more = f" and a number of rows, as in {name}(close, 20)" if function.window else ""
            self._refuse(f"{name} takes {function.arguments} column{'s' * (function.arguments > 1)}{more}")
        if function.window:
            self._window(node.args[-1], name)
        return node.args[: function.arguments]

    def _function(self, name: str) -> Function:
        if name in ("lead", "next", "future"):
            self._ahead(f"{name}(…)")
        if name not in FUNCTIONS:
            near = difflib.get_close_matches(name, FUNCTIONS, 1)
            hint = (f"Did you mean {near[0]}? " if near else "") + "There are " + ", ".join(FUNCTIONS) + "."
            raise ParameterError(f"there is no function {name[:40]!r}", where=self._where, hint=hint)
        return FUNCTIONS[name]

    def _window(self, node: ast.expr, name: str) -> int:
        sign = 1
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            sign, node = -1, node.operand
        if not isinstance(node, ast.Constant) or type(node.value) is not int:
            self._refuse(f"the rows of {name} are a whole number that stands in the formula")
        rows = sign * node.value
        if rows < 0:
            self._ahead(f"{name}(…, {rows})")
        if not 1 <= rows <= MOST_ROWS:
            self._refuse(f"the rows of {name} are from 1 to {MOST_ROWS:,}, not {rows}")
        return rows

    def _named(self, node: ast.Call) -> str:
        argument = node.args[0] if len(node.args) == 1 else None
        if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
            self._refuse('a column is named as col("adj close")')
        return argument.value

    def _constant(self, node: ast.Constant) -> float:
        try:
            return float(node.value)  # type: ignore[arg-type]
        except OverflowError:
            self._refuse("a number is too large")

    def _value(self, node: ast.expr, rows: Rows) -> Any:
        if isinstance(node, ast.Constant):
            return np.float64(self._constant(node))
        if isinstance(node, ast.Name):
            return rows.numbers(node.id)
        if isinstance(node, ast.UnaryOp):
            inner = self._value(node.operand, rows)
            if isinstance(node.op, ast.Not):
                return np.where(np.isnan(inner), np.nan, inner == 0)
            return -inner if isinstance(node.op, ast.USub) else inner
        if isinstance(node, ast.BinOp):
            return _ARITHMETIC[type(node.op)](self._value(node.left, rows), self._value(node.right, rows))
        if isinstance(node, ast.BoolOp):
            join = _both if isinstance(node.op, ast.And) else _either
            return _joined(join, [self._value(part, rows) for part in node.values])
        if isinstance(node, ast.Compare):
            sides = [self._value(part, rows) for part in (node.left, *node.comparators)]
            pairs = zip(node.ops, sides, sides[1:], strict=False)
            return _joined(_both, [_compared(_COMPARE[type(op)], left, right) for op, left, right in pairs])
        assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id == _COLUMN:
            return rows.numbers(self._named(node))
        function = FUNCTIONS[node.func.id]
        inner = [self._value(part, rows) for part in node.args[: function.arguments]]
        if not function.window:
            return function.call(*inner)
        whole = np.broadcast_to(np.asarray(inner[0], dtype=np.float64), (len(rows),))
        return function.call(whole, self._window(node.args[-1], node.func.id))

    def _ahead(self, what: str) -> NoReturn:
        raise LookAheadError(
            f"{what} reads later rows", where=self._where,
            hint="Use lag(x, 1) for the row before; what comes after is a label: add a step 'label'.",
        )  # fmt: skip

    def _refuse(self, what: str) -> NoReturn:
        raise ParameterError(what, where=self._where, hint=_HINT)


def _compared(compare: Callable[..., Any], left: Any, right: Any) -> Any:
    return np.where(np.isnan(left) | np.isnan(right), np.nan, compare(left, right))


def _joined(join: Callable[[Any, Any], Any], parts: list[Any]) -> Any:
    found = parts[0]
    for part in parts[1:]:
        found = join(found, part)
    return found


def _both(left: Any, right: Any) -> Any:
    unknown = np.isnan(left) | np.isnan(right)
    return np.where((left == 0) | (right == 0), 0.0, np.where(unknown, np.nan, 1.0))


def _either(left: Any, right: Any) -> Any:
    unknown = np.isnan(left) | np.isnan(right)
    yes = ((left != 0) & ~np.isnan(left)) | ((right != 0) & ~np.isnan(right))
    return np.where(yes, 1.0, np.where(unknown, np.nan, 0.0))
