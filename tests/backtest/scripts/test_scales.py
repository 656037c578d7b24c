"""Random scripts: ten times the prices and the cash, and the symbols the other way round."""

from __future__ import annotations

from typing import Any

import alphintra as al
import numpy as np
import pytest
from alphintra_backtest import codes as c
from alphintra_backtest.options import options
from alphintra_backtest.session import Session

from ..fuzz import one_in
from . import play
from .make import ACTIONS, ON_BAR, Case, frames, script

pytestmark = pytest.mark.no_cover


def _run(data: Any, rows: Any, cash: float, **rules: Any) -> tuple[Session, Any]:
    chosen = options(
        cash=cash, commission=0.001, slippage=0.001, profile="default", risk_free_rate=0.0, seed=0,
        rules={"prices": "raw", **rules},
    )  # fmt: skip
    session, end = play.batch(Case(0, al.data.resolve(data, prices="raw"), chosen, rows))
    return session, play.state(session, end)["equity"]


@pytest.mark.parametrize("seed", one_in(5, range(100)))
def test_ten_times_the_prices_and_the_cash_is_ten_times_the_equity(seed: int) -> None:
    rng = np.random.default_rng([seed, 6])
    small = frames(rng, 2, 40, True, from_the_start=True)
    big = {s: f.assign(**{n: f[n] * 10 for n in ("open", "high", "low", "close")}) for s, f in small.items()}
    rows = script(seed, 40, 2, callbacks=False)
    rules: dict[str, Any] = {"fractional": True, "max_share": None, "leverage": 2.0}
    (one, equity), (_, ten) = (_run(d, rows, cash, **rules) for d, cash in ((small, 2e4), (big, 2e5)))
    assert len(equity) > 30 or one.books.reg[c.S_BANKRUPT]
    np.testing.assert_allclose(ten, equity * 10, rtol=1e-6)  # a lot of 1e-8 is worth 1e-4 at most


@pytest.mark.parametrize("seed", one_in(5, range(100)))
def test_the_order_of_the_symbols_does_not_matter_when_cash_is_ample(seed: int) -> None:
    rng = np.random.default_rng([seed, 7])
    data = frames(rng, 3, 40, bool(seed % 2))
    # what is sized by equity depends on what filled before it in the same bar
    actions = tuple(a for a in ACTIONS if a not in ("target_percent", "risk"))
    rows = script(seed, 40, 3, actions, callbacks=False)
    rows["size"] = np.minimum(rows["size"], 1)
    assert (rows["when"] == ON_BAR).all()
    turned = rows.copy()
    turned["symbol"] = 2 - rows["symbol"]
    one, equity = _run(data, rows, 1e9)
    two, other = _run(dict(reversed(data.items())), turned, 1e9)
    assert (one.symbols, two.symbols) == (("A", "B", "C"), ("C", "B", "A"))
    np.testing.assert_allclose(other, equity, rtol=1e-12)
    rows_of = [
        sorted(
            (i[c.L_BAR], s.symbols[i[c.L_SYMBOL]], i[c.L_ORDER], i[c.L_SIDE], i[c.L_LOTS], i[c.L_RULE], f[c.L_PRICE])
            for i, f in zip(s.books.fi[: s.books.reg[c.S_FILLS]].tolist(), s.books.ff.tolist(), strict=False)
        )
        for s in (one, two)
    ]
    assert rows_of[0] == rows_of[1]
