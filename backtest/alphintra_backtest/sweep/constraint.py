"""Which combinations of parameters a sweep may run: a function of them, or a comparison as text."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_HINT = "compare parameters and numbers, such as fast < slow or 2 * fast <= slow and stop > 0"


class Constraint:
    """Whether a combination is allowed.

    Args:
        given: A function of the parameters (``lambda p: p.fast < p.slow``), the same as text
            (``"fast < slow"``; names, numbers, ``+ - * /``, comparisons, ``and``, ``or``, ``not``), or None.
        names: The strategy's parameters.

    Raises:
        ParameterError: It is neither, or the text is something else than a comparison.
    """

    def __init__(self, given: Any, names: tuple[str, ...]) -> None:
        from alphintra.errors import ParameterError

        self._names = names
        self._call: Callable[[Any], Any] | None = None
        if isinstance(given, str):
            tree = _parsed(given, names)
            self._call = lambda values: _value(tree, vars(values))
        elif callable(given):
            self._call = given
        elif given is not None:
            raise ParameterError(
                f"a constraint is a function or text, got {given!r}", where="constraint", hint=_HINT
            )

    def __bool__(self) -> bool:
        """Whether it excludes anything at all."""
        return self._call is not None

    def allows(self, values: Mapping[str, Any]) -> bool:
        """Return whether a combination is allowed.

        Raises:
            ParameterError: The constraint cannot say.
        """
        from alphintra.errors import ParameterError

        if self._call is None:
            return True
        try:
            return bool(self._call(SimpleNamespace(**values)))
        except Exception as error:
            at = ", ".join(f"{name}={value!r}" for name, value in values.items())
            hint = f"parameters are: {', '.join(self._names)}" if isinstance(error, AttributeError) else None
            raise ParameterError(
                f"the constraint raised {type(error).__name__}: {error}", where=f"constraint at {at}", hint=hint
            ) from error


def _parsed(text: str, names: tuple[str, ...]) -> ast.expr:
    """The expression in a text, if it has nothing but what is allowed."""
    from alphintra.errors import ParameterError

    if len(text) > 1_000:
        raise ParameterError("the constraint is longer than 1,000 characters", where="constraint")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ParameterError(f"the constraint {text!r} cannot be read", where="constraint", hint=_HINT) from error
    if not _has_comparison(tree):
        raise ParameterError(f"the constraint {text!r} compares nothing", where="constraint", hint=_HINT)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in names:
            raise ParameterError(
                f"the constraint names {node.id!r}, which is no parameter", where="constraint",
                hint=f"parameters are: {', '.join(names)}",
            )  # fmt: skip
        if not _is_allowed(node):
            raise ParameterError(
                f"the constraint {text!r} has more than comparisons ({type(node).__name__})", where="constraint",
                hint=_HINT,
            )  # fmt: skip
    return tree


def _has_comparison(tree: ast.expr) -> bool:
    return any(isinstance(node, ast.Compare) for node in ast.walk(tree))


def _is_allowed(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, bool | int | float | str)
    allowed = (ast.Name, ast.Load, ast.Compare, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp)
    return isinstance(node, (*allowed, *_COMPARE, *_ARITHMETIC))


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    """What an allowed expression is worth."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, values)
        return (not inner) if isinstance(node.op, ast.Not) else -inner
    if isinstance(node, ast.BoolOp):
        all_of = isinstance(node.op, ast.And)
        return all(_value(v, values) for v in node.values) if all_of else any(_value(v, values) for v in node.values)
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left, values), _value(node.right, values)
        if not isinstance(left, int | float) or not isinstance(right, int | float):
            raise TypeError("arithmetic is for numbers")
        return _ARITHMETIC[type(node.op)](left, right)
    assert isinstance(node, ast.Compare)
    left = _value(node.left, values)
    for op, other in zip(node.ops, node.comparators, strict=True):
        right = _value(other, values)
        if not _COMPARE[type(op)](left, right):
            return False
        left = right
    return True
