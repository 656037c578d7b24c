"""How a strategy and what it holds look in a debugger: a line in the tree, a table under Render Variable."""

from __future__ import annotations

import alphintra as al


class Held(al.Strategy):
    def on_bar(self) -> None:
        if self.bar_index == 2:
            self.order = self.buy(10, limit=5_000.0, tag="<first>")


def test_one_line_and_a_table() -> None:
    replay = al.replay(Held, "us-equities-daily/AAPL", end="2003-12-31")
    assert repr(Held.__new__(Held)) == "<Held: before the first bar>"
    replay.to(2)
    strategy = replay.strategy
    assert repr(strategy).endswith(": equity 100,000.00, flat>")
    order = strategy.order._repr_html_()
    assert "<caption>Order 0</caption>" in order and "<td>&lt;first&gt;</td>" in order
    assert "<th style='text-align:left'>limit</th><td>5,000</td>" in order
    assert "<th style='text-align:left'>stop</th><td>–</td>" in order
    replay.step(2)
    assert repr(strategy).endswith(", 10 AAPL>")
    position = strategy.position()._repr_html_()
    assert "<caption>Position in AAPL</caption>" in position and "size</th><td>10</td>" in position
