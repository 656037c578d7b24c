"""PBO of a sweep: ours beside the plain way to write it, a loop over the splits with pandas."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

SESSIONS, TRIALS, BLOCKS = 5_000, 990, 16
#: What both are compared on: 70 splits, every one of them in both.
FEW_SESSIONS, FEW_TRIALS, FEW_BLOCKS = 1_003, 50, 8
#: Splits that the loop is timed on.
TIMED = 100


def noise(sessions: int, trials: int) -> np.ndarray:
    """Session returns of trials without skill, but the first, shape (sessions, trials)."""
    returns = np.random.default_rng(5).normal(0.0, 0.01, (sessions, trials))
    returns[:, 0] += 0.0005
    return returns


def loop(returns: np.ndarray, blocks: int, most: int | None = None) -> list[float]:
    """Logits of (the first) splits, by pandas."""
    frame = pd.DataFrame(returns[len(returns) % blocks :])
    parts = [frame.iloc[rows] for rows in np.array_split(np.arange(len(frame)), blocks)]
    logits = []
    for half in itertools.islice(itertools.combinations(range(blocks), blocks // 2), most):
        inside = pd.concat([parts[b] for b in half])
        outside = pd.concat([parts[b] for b in range(blocks) if b not in half])
        chosen = (inside.mean() / inside.std()).idxmax()
        share = (outside.mean() / outside.std()).rank()[chosen] / (frame.shape[1] + 1)
        logits.append(math.log(share / (1 - share)))
    return logits


def difference() -> str | None:
    """Where ours and the loop differ, ``None`` where they agree."""
    from alphintra_backtest.overfitting import probability_of_backtest_overfitting

    returns = noise(FEW_SESSIONS, FEW_TRIALS)
    ours, theirs = probability_of_backtest_overfitting(returns, FEW_BLOCKS).logits, loop(returns, FEW_BLOCKS)
    if len(ours) != len(theirs):
        return f"{len(ours)} splits, the loop has {len(theirs)}"
    for split, (one, two) in enumerate(zip(ours, theirs, strict=True)):
        if abs(one - two) > 1e-9:
            return f"split {split}: logit {one}, the loop has {two}"
    return None


def seconds() -> tuple[float, float]:
    """Seconds of ours for all splits (the best of three), and of the loop for :data:`TIMED` of them."""
    from alphintra_backtest.overfitting import probability_of_backtest_overfitting

    returns = noise(SESSIONS, TRIALS)
    ours = min(_timed(lambda: probability_of_backtest_overfitting(returns, BLOCKS)) for _ in range(3))
    return ours, _timed(lambda: loop(returns, BLOCKS, TIMED))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    problem = difference()
    if problem:
        raise SystemExit(f"NOT EQUAL, PBO and a plain loop: {problem}")
    mine, slow = seconds()
    splits = math.comb(BLOCKS, BLOCKS // 2)
    print(
        f"equal: {math.comb(FEW_BLOCKS, FEW_BLOCKS // 2)} logits of PBO and of a plain loop\n"
        f"PBO, {TRIALS} trials × {SESSIONS:,} sessions, {splits:,} splits: {mine:.3f} s (target ≤ 2 s)\n"
        f"  pandas, {TIMED} of the splits: {slow:.2f} s, {slow / TIMED * splits:,.0f} s for all at that rate"
    )
