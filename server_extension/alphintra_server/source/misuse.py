"""Misuses of the SDK that can be seen by reading: each would raise, or do nothing, when it runs."""

from __future__ import annotations

import ast
import difflib
import math
from collections.abc import Iterator

from .classes import SDK, Imports, StrategyClass
from .findings import Finding, Severity, at_node
from .sdk import keywords, public_names

_SERIES = {"open", "high", "low", "close", "volume"}
_EVENTS = ("on_start", "on_bar", "on_fill", "on_order", "on_stop", "signals")
_FOREIGN = {
    "next": "on_bar",
    "init": "on_start",
    "handle_data": "on_bar",
    "on_data": "on_bar",
    "on_tick": "on_bar",
}
_SIZES = {"buy": ("quantity", "value", "percent"), "sell": ("quantity", "value", "percent")}
_PAIRS = (
    ("stop_loss", "stop_loss_percent"),
    ("take_profit", "take_profit_percent"),
    ("trail", "trail_percent"),
)
_FRACTIONS = {"percent", "stop_loss_percent", "take_profit_percent", "trail_percent"}
_VERBS = {"buy", "sell", "order_target_quantity", "order_target_value", "order_target_percent", "close"}


def misuses(
    tree: ast.Module, classes: list[StrategyClass], imports: Imports, lines: list[str]
) -> list[Finding]:
    """List the misuses in the strategy classes of a module."""
    found = list(_unknown_names(tree, imports, lines))
    for strategy in classes:
        found += _Class(strategy, imports, lines).findings()
    return found


def _unknown_names(tree: ast.Module, imports: Imports, lines: list[str]) -> Iterator[Finding]:
    known = public_names()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in imports.sdk and node.attr not in known and not node.attr.startswith("_"):
                message = f"alphintra has no `{node.attr}`{_nearest(node.attr, known)}"
                yield at_node(node, lines, "error", "UNKNOWN_SDK_NAME", message)
        elif isinstance(node, ast.ImportFrom) and node.module == SDK and not node.level:
            for alias in node.names:
                if alias.name not in known and alias.name != "*" and not alias.name.startswith("_"):
                    message = f"alphintra has no `{alias.name}`{_nearest(alias.name, known)}"
                    yield at_node(node, lines, "error", "UNKNOWN_SDK_NAME", message)


def _nearest(name: str, known: frozenset[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), 1)
    return f"; did you mean `{near[0]}`?" if near else ""


class _Class:
    """One strategy class under review."""

    def __init__(self, strategy: StrategyClass, imports: Imports, lines: list[str]) -> None:
        self._node = strategy.node
        self._lines = lines
        self._methods = [
            node for node in self._node.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        self._indicators = set(self._indicator_names())

    def findings(self) -> list[Finding]:
        return [*self._names_of_methods(), *self._in_methods()]

    def _say(self, node: ast.expr | ast.stmt, severity: Severity, code: str, message: str) -> Finding:
        return at_node(node, self._lines, severity, code, message)

    def _indicator_names(self) -> Iterator[str]:
        for method in self._methods:
            for node in ast.walk(method):
                if isinstance(node, ast.Assign) and _self_call(node.value) == "indicator":
                    for target in node.targets:
                        parts = target.elts if isinstance(target, ast.Tuple) else [target]
                        yield from (name for part in parts if (name := _self_attribute(part)))

    def _names_of_methods(self) -> Iterator[Finding]:
        for method in self._methods:
            meant = _FOREIGN.get(method.name)
            if not meant and method.name.startswith("on_") and method.name not in _EVENTS:
                meant = next(iter(difflib.get_close_matches(method.name, _EVENTS, 1)), None)
            if meant:
                message = f"`{method.name}` is never called; the event is `{meant}`"
                yield self._name_of(method, "warning", "UNKNOWN_EVENT", message)
            if isinstance(method, ast.AsyncFunctionDef) and method.name in _EVENTS:
                message = f"`{method.name}` must be a plain function: a coroutine would never run"
                yield self._name_of(method, "error", "ASYNC_EVENT", message)

    def _name_of(self, method: ast.stmt, severity: Severity, code: str, message: str) -> Finding:
        finding = self._say(method, severity, code, message)
        end = len(self._lines[finding.line - 1]) + 1
        return Finding(finding.line, finding.column, finding.line, end, severity, code, message)

    def _in_methods(self) -> Iterator[Finding]:
        for method in self._methods:
            for node in ast.walk(method):
                if isinstance(node, ast.Subscript):
                    yield from self._subscript(node, method.name)
                elif isinstance(node, ast.Call):
                    yield from self._call(node, method.name)

    def _subscript(self, node: ast.Subscript, method: str) -> Iterator[Finding]:
        name = self._series(node.value)
        if name is None:
            return
        if method == "on_start":
            message = f"`{name}` has no values yet in on_start; give it to self.indicator(fn, …)"
            yield self._say(node, "error", "READ_IN_ON_START", message)
            return
        index = _number(node.slice)
        if isinstance(index, int) and index >= 0:
            message = f"`{name}[{index}]` raises: views count back from now, `{name}[-1]` is the current bar"
            yield self._say(node, "error", "FORWARD_INDEX", message)
        elif isinstance(node.slice, ast.Slice) and node.slice.upper is not None:
            message = f"a slice of `{name}` ends at now: write `{name}[-n:]`"
            yield self._say(node, "error", "FORWARD_INDEX", message)

    def _series(self, node: ast.expr) -> str | None:
        name = _self_attribute(node)
        if name is not None:
            return f"self.{name}" if name in self._indicators else None
        if isinstance(node, ast.Attribute) and node.attr in _SERIES:
            holder = node.value
            if isinstance(holder, ast.Subscript):
                holder = holder.value
            if _self_attribute(holder) == "data":
                return ast.unparse(node)
        return None

    def _call(self, node: ast.Call, method: str) -> Iterator[Finding]:
        verb = _self_call(node)
        if verb is None:
            return
        if verb == "indicator" and method in {"on_bar", "on_fill", "on_order", "on_stop"}:
            message = "self.indicator belongs in on_start: an indicator is declared once, not on every bar"
            yield self._say(node, "error", "INDICATOR_LATE", message)
        if verb not in _VERBS:
            return
        if method == "on_start":
            message = f"self.{verb}() in on_start: there is no bar yet to trade on"
            yield self._say(node, "warning", "ORDER_IN_ON_START", message)
        words = {word.arg: word.value for word in node.keywords if word.arg}
        taken = keywords(verb)
        for name, value in words.items():
            if taken is not None and name not in taken:
                message = f"self.{verb}() takes no `{name}`{_nearest(name, taken)}"
                yield self._say(value, "error", "UNKNOWN_ARGUMENT", message)
        for pair in (*_PAIRS, *_combinations(_SIZES.get(verb, ()))):
            if pair[0] in words and pair[1] in words:
                message = f"`{pair[0]}` and `{pair[1]}` together: give one of them"
                yield self._say(node, "error", "BOTH_FORMS", message)
        fractions = {name: words[name] for name in _FRACTIONS & words.keys()}
        if verb == "order_target_percent" and node.args:
            fractions["order_target_percent"] = node.args[0]
        for name, value in fractions.items():
            number = _number(value)
            if number is not None and abs(number) > 1.5:
                hint = f"{name} is a fraction: {number / 100:g} means {number:g} %"
                yield self._say(value, "warning", "PERCENT_AS_NUMBER", hint)
        quantity = words.get("quantity") or (node.args[0] if verb in {"buy", "sell"} and node.args else None)
        number = _number(quantity) if quantity is not None else None
        if number is not None and verb in {"buy", "sell"} and (number <= 0 or math.isnan(number)):
            message = f"self.{verb}() takes a quantity above zero; the verb gives the direction"
            yield self._say(node, "error", "BAD_QUANTITY", message)


def _self_attribute(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        return node.attr
    return None


def _self_call(node: ast.expr) -> str | None:
    return _self_attribute(node.func) if isinstance(node, ast.Call) else None


def _number(node: ast.expr) -> float | int | None:
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "float"
        and node.args
    ):
        text = node.args[0]
        if isinstance(text, ast.Constant) and text.value in ("nan", "NaN"):
            return math.nan
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        sign, node = -1, node.operand
    if (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and not isinstance(node.value, bool)
    ):
        return sign * node.value
    return None


def _combinations(names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for index, name in enumerate(names):
        for other in names[index + 1 :]:
            yield name, other
