"""Random scripts in backtesting.py itself and in its profile: all fills, trades and the equity curve are equal."""

from __future__ import annotations

import alphintra as al
import numpy as np
import pytest
from alphintra_backtest.options import options

from ..fuzz import one_in
from ..scripts import play
from ..scripts.make import Case, frames, script
from .peer_backtesting import by_peer, by_profile, difference, random_bars, random_script

pytestmark = pytest.mark.no_cover


@pytest.mark.parametrize("batch", one_in(5, range(20)))
def test_a_random_script_ends_as_in_backtesting_py(batch: int) -> None:
    fills = 0
    for seed in range(20 * batch, 20 * batch + 20):
        rng = np.random.default_rng(seed)
        grid = float(rng.choice([0, 0.01, 0.5]))
        frame = random_bars(rng, int(rng.choice([20, 60, 120])), grid)
        orders = random_script(rng, frame, grid)
        cash, commission = float(rng.choice([5000, 100_000])), float(rng.choice([0, 0.001, 0.02]))
        margin = float(rng.choice([1, 0.5, 0.1]))
        peer = by_peer(frame, orders, cash=cash, commission=commission, margin=margin)
        own, _ = by_profile(frame, orders, cash=cash, commission=commission, initial_margin=margin)
        assert difference(peer, own) is None, f"seed {seed}: {difference(peer, own)}"
        fills += len(peer.fills)
    assert fills > 200


@pytest.mark.parametrize("batch", one_in(5, range(10)))
def test_however_it_is_walked_the_run_is_the_same(batch: int) -> None:
    """All verbs of the SDK, several symbols, leverage, slippage, financing: step by step, and on from snapshots."""
    for seed in range(10 * batch, 10 * batch + 10):
        rng = np.random.default_rng([seed, 7])
        symbols = int(rng.integers(1, 4))
        made = al.data.resolve(frames(rng, symbols, int(rng.integers(20, 50)), bool(rng.random() < 0.6)))
        chosen = options(
            cash=float(rng.choice([2_000.0, 1e6])),
            commission=float(rng.choice([0.0, 0.001])),
            slippage=float(rng.choice([0.0, 0.001])),
            profile="backtesting.py",
            risk_free_rate=0.0,
            seed=seed,
            rules={
                "leverage": float(rng.choice([1.0, 4.0])),
                "borrow_rate": float(rng.choice([0.0, 0.2])),
                "limit_fill": str(rng.choice(["touch", "strict"])),
                "close_at_end": str(rng.choice(["no", "last_close", "last_open"])),
            },
        )
        case = Case(seed, made, chosen, script(seed, len(made.bars[made.symbols[0]].close), symbols))
        whole = play.state(*play.batch(case))
        play.assert_same(whole, play.state(*play.stepped(case)), f"{case}, stepped")
        play.assert_same(whole, play.state(*play.rewound(case, rng)), f"{case}, rewound")
        play.assert_same(whole, play.state(*play.unpacked(case, rng)), f"{case}, unpacked")
