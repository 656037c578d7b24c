"""Signals as compiled code, as the same code in plain Python, and as the reference ``on_bar``: equal books."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from alphintra_backtest import codes

from .cases import assert_same, force, random_data, random_options, random_strategy, state

pytestmark = pytest.mark.no_cover

#: Seeds a chunk; the chunks are tests, so that a failure is near its seed.
CHUNK = 40


@pytest.mark.parametrize("chunk", range(8))
def test_compiled_plain_and_reference_leave_equal_books(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        strategy, data, given = random_strategy(seed), random_data(seed), random_options(seed)
        force(monkeypatch, compiled=False)
        plain = state(strategy, data, given, compiled=True)
        by_bar = state(strategy, data, given, compiled=False)
        force(monkeypatch, compiled=True)
        fast = state(strategy, data, given, compiled=True)
        try:
            assert_same(plain, by_bar)
            assert_same(plain, fast)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, {given}: {error}") from error


def test_the_random_cases_reach_what_they_are_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise equality would say little: refusals, brackets, caps, reversals and several symbols all happen."""
    force(monkeypatch, compiled=False)
    reasons: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    symbols: Counter[int] = Counter()
    reversals = 0
    for seed in range(160):
        after: dict[str, Any] = state(random_strategy(seed), random_data(seed), random_options(seed), compiled=True)
        reasons.update(codes.REASON_NAMES[r] for r in after["ev"][:, codes.E_REASON])
        rules.update(codes.RULE_NAMES[r] for r in after["fi"][:, codes.L_RULE])
        symbols[len(after["pos"])] += 1
        held = [0] * len(after["pos"])
        for row in after["fi"]:
            s, lots = int(row[codes.L_SYMBOL]), int(row[codes.L_SIDE]) * int(row[codes.L_LOTS])
            reversals += bool(held[s] * (held[s] + lots) < 0)
            held[s] += lots
    for reason in (
        "REPLACED", "TARGET_REACHED", "OCO", "POSITION_CLOSED", "PARENT_CANCELLED", "VOLUME_CAP", "FUNDS_TRIMMED",
        "SHORT_NOT_ALLOWED", "INSUFFICIENT_FUNDS", "BELOW_MIN_VALUE",
    ):  # fmt: skip
        assert reasons[reason] > 5, reason
    for rule in ("F1.open", "F1.close", "F2.open", "F2.stop", "F4.open", "F4.limit", "F5.rest", "F10.end"):
        assert rules[rule] > 5, rule
    assert set(symbols) == {1, 2, 3, 4}
    assert reversals > 100
