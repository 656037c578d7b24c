"""Random scripts in backtrader itself and in its profile: every fill, refusal, trade and the account at every bar."""

from __future__ import annotations

from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra_backtest import codes
from alphintra_backtest.options import options

from ..fuzz import one_in
from ..rules.scripted import explained
from ..scripts import make, play
from .backtrader_peer import assert_equal, frames, ours, peer, script

pytestmark = pytest.mark.no_cover

#: What the profile and the scripts of the walks have in common.
ACTIONS = (
    "market", "limit", "stop", "stop_limit", "at_close", "target_quantity", "target_value", "target_percent", "close",
    "cancel", "cancel_symbol", "oco", "risk", "random",
)  # fmt: skip


@pytest.mark.parametrize("batch", one_in(4, range(12)))
def test_a_random_script(batch: int) -> None:
    """One to three feeds, every fourth time with missing bars; costs, little cash, slippage."""
    fills = refused = trades = 0
    for seed in range(20 * batch, 20 * batch + 20):
        feeds = 1 + seed % 3
        data = frames(seed, feeds, missing=0.12 if seed % 4 == 3 else 0.0)
        rows = script(seed, 60, feeds)
        costs = {
            "cash": (10_000.0, 3_000.0, 50_000.0)[seed % 5 % 3],
            "commission": 0.001 * (seed % 2),
            "slippage": 0.002 * (seed % 7 == 3),
        }
        theirs = peer(rows, data, **costs)
        mine, result = ours(rows, data, **costs)
        assert_equal(mine, theirs)
        last = {name: float(own["close"].iloc[-1]) for name, own in data.items()}
        gained = theirs.values[-1] - costs["cash"]
        assert explained(result, last) == pytest.approx(gained, abs=1e-6)  # M10, with trades from flat to flat
        fills += len(theirs.fills)
        trades += len(theirs.trades)
        refused += sum(end[0] in ("Margin", "Rejected") for end in theirs.ends.values())
    assert fills > 600 and trades > 150 and refused > 20


@pytest.mark.parametrize("batch", one_in(3, range(3)))
def test_random_scripts_with_contracts(batch: int) -> None:
    """A margin and a multiplier each, beside shares; gains paid at each close; a commission per unit."""
    fills = 0
    for seed in range(20 * batch, 20 * batch + 20):
        feeds = 1 + seed % 3
        data = frames(5_000 + seed, feeds, missing=0.1 if seed % 4 == 3 else 0.0)
        rows = script(5_000 + seed, 60, feeds)
        contracts = {
            name: (float(data[name]["close"].iloc[0]) * (0.2, 1.5)[seed % 2], (10.0, 1.0, 5.0)[seed % 3])
            for name in list(data)[-(1 + seed % 2) :]
        }
        terms: dict[str, Any] = {
            "cash": (10_000.0, 3_000.0, 50_000.0)[seed % 5 % 3],
            "per_unit": (0.0, 1.5)[seed // 2 % 2],
            "contracts": contracts,
        }
        theirs = peer(rows, data, **terms)
        mine, _ = ours(rows, data, **terms)
        assert_equal(mine, theirs)
        fills += len(theirs.fills)
    assert fills > 500


@pytest.mark.parametrize("seed", range(6))
def test_three_bars_a_session(seed: int) -> None:
    """Market-on-close orders wait for the session's last bar; ``sessionend`` is its time."""
    days = pd.DatetimeIndex(np.unique(frames(seed)["S0"].index))[:20]
    daily = frames(seed, n=60)["S0"]
    stamps = [day + pd.Timedelta(hours=hour) for day in days for hour in (15, 17, 20)]
    bars = daily.set_index(pd.DatetimeIndex(stamps))
    rows = script(900 + seed, 60, kinds=("market", "at_close", "at_close", "limit", "stop", "bracket", "cancel"))
    feed = {"sessionend": stamps[2].time(), "timeframe": 4, "compression": 120}  # 4: minutes
    theirs = peer(rows, {"S0": bars}, feed=feed)
    mine, _ = ours(rows, {"S0": bars})
    assert_equal(mine, theirs)
    assert len(theirs.fills) > 20


@pytest.mark.parametrize("missing", [0.0, 0.15])
def test_it_begins_where_all_averages_are_defined(missing: float) -> None:
    data = frames(7, 3, missing=missing)
    rows = script(7, 60, 3)
    theirs = peer(rows, data, period=15)
    mine, _ = ours(rows, data, period=15)
    assert theirs.first >= 14
    assert_equal(mine, theirs)


def random_case(profile: str, seed: int) -> make.Case:
    """A script of all verbs that the profile knows, on one to three symbols."""
    rng = np.random.default_rng([seed, 9])
    market = al.data.resolve(make.frames(rng, int(rng.integers(1, 4)), 40, True))
    chosen = options(
        cash=float(rng.choice([2_000.0, 20_000.0])), commission=float(rng.choice([0.0, 0.001])), slippage=0,
        profile=profile, risk_free_rate=0.0, seed=seed, rules={},
    )  # fmt: skip
    return make.Case(seed, market, chosen, make.script(seed, 40, len(market.symbols), ACTIONS))


@pytest.mark.parametrize("batch", one_in(4, range(4)))
@pytest.mark.parametrize("profile", ["backtrader", "vectorbt-close"])
def test_however_it_is_walked_the_run_is_the_same(profile: str, batch: int) -> None:
    """Step by step, on from a snapshot, and where only bytes arrived."""
    fills = 0
    for seed in range(10 * batch, 10 * batch + 10):
        case, rng = random_case(profile, seed), np.random.default_rng([seed, 10])
        session, end = play.batch(case)
        fills += int(session.books.reg[codes.S_FILLS])
        whole = play.state(session, end)
        for what, walked in (
            ("stepped", play.stepped(case)),
            ("rewound", play.rewound(case, rng)),
            ("unpacked", play.unpacked(case, rng)),
        ):
            play.assert_same(whole, play.state(*walked), f"{case}, {what}", but=play.NOTES)
    assert fills > 40


@pytest.mark.parametrize("profile", ["backtrader", "vectorbt-close"])
def test_the_compiled_core_is_the_same(profile: str) -> None:
    for seed in range(20):
        case = random_case(profile, seed)
        plain = play.state(*play.batch(case))
        with play.compiled():
            play.assert_same(plain, play.state(*play.batch(case)), f"{case}, compiled")
