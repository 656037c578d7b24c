"""How a strategy and what it holds look in a debugger: a line in the tree, a table under Render Variable."""

from __future__ import annotations

from html import escape

import alphintra as al


class Held(al.Strategy):
    def on_start(self) -> None:
        self.note = "<b>mine</b>"
        self.average = self.indicator(al.ta.SMA, self.data.close, 3)
        self.handle = (repr(self.average), self.average._repr_html_(), self._repr_html_())

    def on_bar(self) -> None:
        if self.bar_index == 2:
            self.order = self.buy(10, limit=5_000.0, tag="<first>")


def test_one_line_and_a_table() -> None:
    replay = al.replay(Held, "us-equities-daily/AAPL", end="2003-12-31")
    assert repr(Held.__new__(Held)) == "<Held: before the first bar>"
    assert replay.strategy.handle[1:] == (None, None)  # before the first bar there is nothing to show
    replay.to(2)
    strategy = replay.strategy
    assert repr(strategy) == f"<Held at {strategy.now:%Y-%m-%d %H:%M}: equity 100,000.00, flat>"
    order = strategy.order._repr_html_()
    assert "Order 0</caption>" in order and ">&lt;first&gt;</td>" in order
    assert "limit</th><td style='text-align:left'>5,000</td>" in order
    assert "stop</th><td style='text-align:left'>–</td>" in order
    table = strategy._repr_html_()
    assert "Held</caption>" in table and "Working orders</caption>" in table and "Positions" not in table
    assert "note</th><td style='text-align:left'>&#x27;&lt;b&gt;mine&lt;/b&gt;&#x27;</td>" in table
    assert f"order 0</th><td style='text-align:left'>{escape(repr(strategy.order)[1:-1])}</td>" in table
    replay.step(2)
    assert repr(strategy).endswith(", 10 AAPL>")
    position = strategy.position()._repr_html_()
    assert "Position in AAPL</caption>" in position and "size</th><td style='text-align:left'>10</td>" in position
    assert "Positions</caption>" in strategy._repr_html_()
    series = strategy.average._repr_html_()
    closes = [strategy.data.close[-n] for n in (1, 2, 3)]
    assert f"[−1]</th><td style='text-align:left'>{sum(closes) / 3:,.6g}</td>" in series
    assert "[−5]</th><td style='text-align:left'>–</td>" in series  # an average of three has no value yet
    assert "5 values up to now" in series  # and nothing of what comes after them
