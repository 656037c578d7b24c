"""Checking code: what pyflakes finds, and what misuses the SDK."""

from __future__ import annotations

import ast
import re

from pyflakes import checker, messages

from .classes import imports_of, strategy_classes
from .findings import Finding, Severity, UnreadableSourceError, column_of, parse, source_lines
from .misuse import misuses

_MAX_FINDINGS = 500

# pyflakes reports bugs and untidiness alike; these are the ones that raise when the line runs.
_ERRORS = {
    "UndefinedName": "UNDEFINED_NAME",
    "UndefinedLocal": "UNDEFINED_LOCAL",
    "UndefinedExport": "UNDEFINED_NAME",
    "ReturnOutsideFunction": "SYNTAX_ERROR",
    "YieldOutsideFunction": "SYNTAX_ERROR",
    "ContinueOutsideLoop": "SYNTAX_ERROR",
    "BreakOutsideLoop": "SYNTAX_ERROR",
    "DefaultExceptNotLast": "SYNTAX_ERROR",
    "TwoStarredExpressions": "SYNTAX_ERROR",
    "TooManyExpressionsInStarredAssignment": "SYNTAX_ERROR",
    "LateFutureImport": "SYNTAX_ERROR",
    "FutureFeatureNotDefined": "SYNTAX_ERROR",
    "DuplicateArgument": "SYNTAX_ERROR",
    "ForwardAnnotationSyntaxError": "SYNTAX_ERROR",
}


def check(code: str, modules: dict[str, str] | None = None) -> list[Finding]:
    """List what is wrong or doubtful in code, in order of place; nothing is executed."""
    try:
        tree = parse(code)
        found = [*_pyflakes(tree, code), *_compile(code)]
        classes = strategy_classes(tree, modules)
        found += misuses(tree, classes, imports_of(tree), source_lines(code))
    except UnreadableSourceError as error:
        return [error.finding]
    except (RecursionError, MemoryError):
        return [Finding(1, 1, 1, 2, "error", "TOO_COMPLEX", "Nested too deeply to be checked")]
    unique = {(item.line, item.column, item.code, item.message): item for item in found}
    return sorted(unique.values(), key=lambda item: (item.line, item.column))[:_MAX_FINDINGS]


def _compile(code: str) -> list[Finding]:
    # The grammar admits what the compiler refuses, such as ``return`` outside a function or ``nonlocal x``
    # at the top. Compiling makes a code object and runs nothing.
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(code, "<code>", "exec", dont_inherit=True)
    except SyntaxError as error:
        line, column = error.lineno or 1, max(error.offset or 1, 1)
        message = error.msg[:1].upper() + error.msg[1:]
        return [Finding(line, column, line, column + 1, "error", "SYNTAX_ERROR", message)]
    return []


def _pyflakes(tree: ast.Module, code: str) -> list[Finding]:
    lines = source_lines(code)
    found = sorted(checker.Checker(tree, withDoctest=False).messages, key=lambda each: (each.lineno, each.col))
    # Cut before each is placed: on one very long line that takes as long as the line for each of them.
    return [_finding(message, lines) for message in found[:_MAX_FINDINGS]]


def _finding(message: messages.Message, lines: list[str]) -> Finding:
    kind = type(message).__name__
    text = message.message % message.message_args
    severity: Severity = "error" if kind in _ERRORS else "warning"
    code = _ERRORS.get(kind) or re.sub(r"(?<!^)(?=[A-Z])", "_", kind).upper()
    column = column_of(lines, message.lineno, message.col)
    line = lines[message.lineno - 1] if message.lineno <= len(lines) else ""
    word = re.match(r"\w+", line[column - 1 :])
    width = len(word.group()) if word else 1
    return Finding(
        message.lineno,
        column,
        message.lineno,
        column + width,
        severity,
        code,
        text[:1].upper() + text[1:],
    )
