"""Does the best half of the time stay the best: PBO by combinatorially symmetric cross-validation (rule M7).

Source: Bailey, Borwein, López de Prado and Zhu, "The Probability of Backtest Overfitting" (2014).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from alphintra.overfitting import BLOCKS, HalfSplits

from alphintra_backtest.overfitting.luck import CONSTANT

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

MOST_BLOCKS = 20
#: Numbers in one matrix of halves × trials: it stays in the processor's cache, and its product is too small for BLAS
#: to spread over threads, which wait for each other longer than they compute where other work runs.
_CELLS = 32_768
#: Sharpe ratios this close, relative to their size, are the same number computed in two ways.
_TIE = 1e-10


def probability_of_backtest_overfitting(
    returns: npt.ArrayLike, blocks: int = BLOCKS, *, risk_free: float = 0.0
) -> HalfSplits:
    """Split the sessions into two halves in every way, choose the best trial in one and rank it in the other.

    The sessions are cut into ``blocks`` blocks of equal length and order; where their number is no multiple, the
    *oldest* sessions are left out. Each choice of half the blocks is one split: the trial with the best Sharpe
    ratio there is ranked among all K by its Sharpe ratio in the other half, ``w = rank / (K + 1)``. Of equal
    trials the first is chosen; equal ranks share their mean. A trial whose returns do not vary in a half, or are
    not finite anywhere, has no Sharpe ratio there and ranks last.

    Args:
        returns: Session returns of the trials, shape (n, K), in order of time.
        blocks: S, even, from 2 to 20; 16 gives 12,870 splits.
        risk_free: Return of cash per session.

    Raises:
        ParameterError: ``blocks`` is odd or out of bounds, one trial only, or fewer than two sessions a block.
    """
    from alphintra.errors import ParameterError

    matrix = np.asarray(returns, dtype=np.float64)
    if isinstance(blocks, bool) or not isinstance(blocks, int) or blocks % 2 or not 2 <= blocks <= MOST_BLOCKS:
        raise ParameterError(f"blocks must be an even number from 2 to {MOST_BLOCKS}, got {blocks!r}", where="blocks")
    if matrix.ndim != 2 or matrix.shape[1] < 2:
        count = matrix.shape[1] if matrix.ndim == 2 else 1
        raise ParameterError(
            f"the probability of overfitting needs two trials, there {'is' if count == 1 else 'are'} {count}",
            code="TOO_FEW_TRIALS",
            where="returns",
            hint="give the session returns of all variants that were tried, one column each",
        )
    n, trials = matrix.shape
    if n < 2 * blocks:
        raise ParameterError(
            f"{blocks} blocks need {2 * blocks} sessions, there are {n}",
            code="TOO_FEW_SESSIONS",
            where="returns",
            hint="use fewer blocks or more data",
        )
    length, dropped = n // blocks, n % blocks
    sums, squares = _block_sums(matrix[dropped:], blocks, length, risk_free)
    found = _rank_all(sums, squares, blocks, length)
    kept = found.chosen >= 0
    return HalfSplits(
        logits=found.logits[kept],
        in_sample=found.best[kept],
        out_of_sample=found.other[kept],
        chosen=found.chosen[kept],
        trials=trials,
        sessions=n - dropped,
        dropped=dropped,
        blocks=blocks,
        skipped=int(np.count_nonzero(~kept)),
    )


def _block_sums(matrix: F64, blocks: int, length: int, risk_free: float) -> tuple[F64, F64]:
    """Sums and sums of squares of each block and trial, both (blocks, K): all that a half's Sharpe ratio needs."""
    trials = matrix.shape[1]
    sums, squares = np.empty((blocks, trials)), np.empty((blocks, trials))
    with np.errstate(invalid="ignore", over="ignore"):
        for b in range(blocks):
            part = matrix[b * length : (b + 1) * length] - risk_free
            part.sum(axis=0, out=sums[b])
            np.einsum("ij,ij->j", part, part, out=squares[b])
    broken = ~(np.isfinite(sums).all(axis=0) & np.isfinite(squares).all(axis=0))
    sums[:, broken] = squares[:, broken] = 0.0  # never varies: undefined in every half
    return sums, squares


@dataclass(frozen=True, eq=False)
class _Ranked:
    logits: F64
    best: F64
    other: F64
    chosen: I64


def _rank_all(sums: F64, squares: F64, blocks: int, length: int) -> _Ranked:
    """Go through the splits in lexicographic order, in which split i and split −1 − i swap their halves."""
    count, trials = math.comb(blocks, blocks // 2), sums.shape[1]
    members = np.fromiter(
        itertools.chain.from_iterable(itertools.combinations(range(blocks), blocks // 2)),
        dtype=np.int64,
        count=count * blocks // 2,
    ).reshape(count, -1)
    halves = np.zeros((count, blocks))
    np.put_along_axis(halves, members, 1.0, axis=1)
    out = _Ranked(np.empty(count), np.empty(count), np.empty(count), np.empty(count, dtype=np.int64))
    step = max(1, _CELLS // trials)
    for first in range(0, count // 2, step):
        here = np.arange(first, min(first + step, count // 2))
        there = count - 1 - here
        one = _sharpe(halves[here], sums, squares, length * blocks // 2)
        two = _sharpe(halves[there], sums, squares, length * blocks // 2)
        _rank(one, two, here, out)
        _rank(two, one, there, out)
    return out


def _sharpe(halves: F64, sums: F64, squares: F64, n: int) -> F64:
    """Sharpe ratio (ddof 1) of each half and trial, −inf where it is undefined: such a trial ranks last."""
    total, square = halves @ sums, halves @ squares
    # With t the sum and q the sum of squares: S = t/n / √((q − t²/n) / (n−1)) = t·√((n−1)/n) / √(n·q − t²)
    square *= n
    spread = np.multiply(total, total)
    np.subtract(square, spread, out=spread)
    square *= CONSTANT
    undefined = spread <= square
    with np.errstate(invalid="ignore", divide="ignore"):
        np.sqrt(spread, out=spread)
        total *= math.sqrt((n - 1) / n)
        np.divide(total, spread, out=total)
    if undefined.any():
        total[undefined] = -np.inf
    return total


def _rank(inside: F64, outside: F64, where: I64, out: _Ranked) -> None:
    """Choose each row's best trial inside and rank it outside."""
    rows = np.arange(len(inside))
    best = inside.max(axis=1)
    slack = _TIE * np.abs(best)
    slack[~np.isfinite(best)] = 0.0
    chosen = np.argmax(inside >= (best - slack)[:, None], axis=1)
    value = outside[rows, chosen]
    slack = _TIE * np.abs(value)
    slack[~np.isfinite(value)] = 0.0
    below = np.count_nonzero(outside < (value - slack)[:, None], axis=1)
    equal = np.count_nonzero(outside <= (value + slack)[:, None], axis=1) - below
    rank = below + (equal + 1) / 2
    share = rank / (inside.shape[1] + 1)
    out.logits[where] = np.log(share / (1 - share))
    out.best[where] = best
    out.other[where] = np.where(np.isfinite(value), value, np.nan)
    out.chosen[where] = np.where(np.isfinite(best), chosen, -1)
