"""What the ``alphintra`` command makes of texts: values, settings, ranges of parameters, the strategy in a file."""

from __future__ import annotations

import importlib.util
import inspect
import json
import sys
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from .errors import ParameterError
from .strategy import Strategy

#: Values that a range of fractions may have; a sweep says itself when a grid is too large.
MOST_STEPS = 1_000_000


def literal(text: str) -> Any:
    """A value as typed on a command line: JSON where it parses (numbers, true, null), else the text."""
    try:
        return json.loads({"None": "null", "True": "true", "False": "false"}.get(text, text))
    except json.JSONDecodeError:
        return text


def pairs(items: Sequence[str], what: str) -> dict[str, Any]:
    """``NAME=VALUE`` arguments as a dict.

    Raises:
        ParameterError: An argument without ``=``.
    """
    found = {}
    for item in items:
        name, sign, value = item.partition("=")
        if not sign or not name.strip():
            raise ParameterError(f"{what} {item!r} is not NAME=VALUE", where=what)
        found[name.strip()] = literal(value.strip())
    return found


def load_strategy(target: str) -> type[Strategy]:
    """The strategy class named by ``FILE.py:Class``; the class may be left out where the file has one.

    Raises:
        ParameterError: No such file or class, or several classes to choose from.
        SyntaxError: The file does not parse.
    """
    name, _, class_name = target.partition(":")
    path = Path(name)
    if not path.is_file():
        raise ParameterError(f"no file {name!r}", hint="give FILE.py:Class", where="strategy")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ParameterError(f"{name!r} is not a Python file", where="strategy")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.resolve().parent))
    spec.loader.exec_module(module)
    classes = {
        n: c
        for n, c in vars(module).items()
        if inspect.isclass(c) and issubclass(c, Strategy) and c.__module__ == path.stem
    }
    if class_name:
        if class_name not in classes:
            have = ", ".join(classes) or "none"
            raise ParameterError(f"{name} has no strategy {class_name!r}", hint=f"it has: {have}", where="strategy")
        return classes[class_name]
    if len(classes) != 1:
        raise ParameterError(
            f"{name} has {len(classes)} strategies", hint="name one: " + ", ".join(f"{name}:{n}" for n in classes)
        )
    return next(iter(classes.values()))


def grid_from_text(items: Sequence[str], drawn: bool) -> dict[str, Any]:
    """Read ``NAME=LOW:HIGH:STEP`` (both ends included), ``NAME=VALUE,VALUE`` or a JSON list as a grid.

    Args:
        items: The arguments.
        drawn: Whether ``LOW:HIGH`` is everything in between, as ``random`` and ``optuna`` take it, not steps of 1.

    Raises:
        ParameterError: An argument that is none of these.
    """
    found: dict[str, Any] = {}
    for item in items:
        name, sign, value = (part.strip() for part in item.partition("="))
        if not sign or not name or not value:
            raise ParameterError(
                f"--grid {item!r} is not NAME=VALUES", where="--grid", hint="write fast=5:50:5 or slow=20,50,100"
            )
        if value.startswith("["):
            found[name] = literal(value)
        elif ":" in value:
            found[name] = _steps(item, value.split(":"), drawn)
        else:
            found[name] = [literal(part.strip()) for part in value.split(",")]
    return found


def _steps(item: str, parts: Sequence[str], drawn: bool) -> Any:
    """The numbers of ``LOW:HIGH`` or ``LOW:HIGH:STEP``."""
    try:
        low, high, *rest = (Decimal(part.strip()) for part in parts)
        step = rest[0] if rest else Decimal(1)
        if len(parts) > 3 or step <= 0 or not all(v.is_finite() for v in (low, high, step)):
            raise ValueError
    except (InvalidOperation, ValueError) as error:
        raise ParameterError(
            f"--grid {item!r} has no range that can be read", where="--grid", hint="write LOW:HIGH:STEP"
        ) from error
    whole = all(v == v.to_integral_value() for v in (low, high, step))
    if drawn and not rest:
        return (int(low), int(high)) if whole else (float(low), float(high))
    if whole:
        return range(int(low), int(high) + 1, int(step))
    count = int((high - low) / step) + 1
    if count > MOST_STEPS:
        raise ParameterError(f"--grid {item!r} has {count:,} values", code="GRID_TOO_LARGE", where="--grid")
    return [float(low + i * step) for i in range(count)]
