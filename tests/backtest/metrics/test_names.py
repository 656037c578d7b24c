"""Our module can stand in for empyrical: every public name of it that is about returns, with the same arguments."""

from __future__ import annotations

import inspect
import types
from typing import Any

import empyrical
import pytest
from alphintra_backtest import metrics

NAMES = [n for n, v in vars(empyrical).items() if not n.startswith("_") and not isinstance(v, types.ModuleType)]
#: What we leave out, and why.
LEFT_OUT = {"version_tuple": "the version of their package"}


def arguments(function: Any) -> list[tuple[str, Any, Any]]:
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize("name", [n for n in NAMES if n not in LEFT_OUT])
def test_each_name_is_here_with_the_same_arguments(name: str) -> None:
    ours, theirs = getattr(metrics, name), getattr(empyrical, name)
    if callable(theirs):
        assert arguments(ours) == arguments(theirs)
    else:
        assert ours == theirs
    assert name in metrics.__all__


def test_nothing_is_left_out_without_need() -> None:
    assert len(NAMES) > 50
    assert set(LEFT_OUT) <= set(NAMES)


def test_everything_we_export_exists_and_is_described() -> None:
    for name in metrics.__all__:
        value = getattr(metrics, name)
        assert not callable(value) or value.__doc__
