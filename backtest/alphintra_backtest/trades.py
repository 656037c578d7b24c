"""Round trips: each a FIFO match of one entry order with one exit order, fills of an order merged (M10)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from . import codes


@dataclass
class Trade:
    """A round trip, open while ``exit_bar`` is −1.

    Quantities are lots, in shares of its exit (or of now); ``…_value`` is Σ price × units, ``…_notional`` the same in
    the account's currency, ``extra`` the dividends, fractions and borrow cost of what was held.
    """

    symbol: int
    side: int
    entry_order: int
    entry_bar: int
    entry_phase: int
    lots: int
    entry_value: float
    entry_notional: float
    commission: float
    extra: float = 0.0
    exit_order: int = -1
    exit_bar: int = -1
    exit_phase: int = 0
    exit_value: float = 0.0
    exit_notional: float = 0.0
    ambiguous: bool = False
    reason: str = "OPEN"

    @property
    def gross(self) -> float:
        """Price part of the P&L."""
        return self.side * (self.exit_notional - self.entry_notional)

    @property
    def pnl(self) -> float:
        """P&L: price + dividends − fees and borrow cost."""
        return self.gross + self.extra - self.commission


@dataclass
class Open:
    """What is left of an entry order: lots in today's shares, money as in ``Trade``."""

    order: int
    bar: int
    phase: int
    side: int
    lots: int
    value: float
    notional: float
    fee: float
    extra: float = 0.0
    ambiguous: bool = False


@dataclass
class TradeBook:
    """Matches fills and legs as they come; ``closed`` grows, ``open`` holds what is left.

    Args:
        lots: Units of a lot, per symbol.
        multipliers: Money per unit and price of 1, per symbol.

    A fill that names the entry order it closes is matched with that one, any other with the oldest.
    """

    #: What a position's queue consists of.
    entry: ClassVar[type[Open]] = Open
    lots: np.ndarray[Any, Any]
    multipliers: np.ndarray[Any, Any]
    queues: dict[int, deque[Open]] = field(default_factory=dict)
    closed: list[Trade] = field(default_factory=list)
    _pairs: dict[tuple[int, int, int], Trade] = field(default_factory=dict)
    _splits: dict[int, int] = field(default_factory=dict)
    #: Both numbers of each symbol as Python's.
    _terms: list[tuple[float, float]] = field(init=False)

    def __post_init__(self) -> None:
        self._terms = list(zip(self.lots.tolist(), self.multipliers.tolist(), strict=True))

    def add(self, fi: list[int], ff: list[float], role: int) -> None:
        """Book one fill row, as plain lists; ``role`` is that of its order."""
        bar, order, s, side, n, _, phase, flag, entry = fi
        price, fee, _, _, rate = ff
        unit, multiplier = self._terms[s]
        money = multiplier * rate
        total = n
        queue = self.queues.get(s)
        if queue is None:
            queue = self.queues[s] = deque()
        while n and queue and queue[0].side != side:
            head = queue[0] if entry < 0 else next(q for q in queue if q.order == entry)
            take = min(n, head.lots)
            part = take / head.lots
            key = (head.order, order, self._splits.get(s, 0))
            trade = self._pairs.get(key)
            if trade is None:
                trade = Trade(s, head.side, head.order, head.bar, head.phase, 0, 0.0, 0.0, 0.0)
                trade.exit_order = order
                trade.reason = codes.ROLES[role] or "SIGNAL"
                if role == codes.LIQUIDATE:
                    trade.reason = "LIQUIDATION"
                self._pairs[key] = trade
                self.closed.append(trade)
            trade.lots += take
            trade.entry_value += head.value * part
            trade.entry_notional += head.notional * part
            trade.extra += head.extra * part
            trade.exit_value += take * unit * price
            trade.exit_notional += take * unit * price * money
            trade.commission += head.fee * part + fee * take / total
            trade.exit_bar, trade.exit_phase = bar, phase
            trade.ambiguous = trade.ambiguous or head.ambiguous or flag != 0
            head.lots -= take
            head.value -= head.value * part
            head.notional -= head.notional * part
            head.extra -= head.extra * part
            head.fee -= head.fee * part
            n -= take
            if head.lots == 0 and queue[0] is head:
                queue.popleft()
            elif head.lots == 0:
                queue.remove(head)
        if n:
            value = n * unit * price
            if queue and queue[-1].order == order:
                last = queue[-1]
                last.lots += n
                last.value += value
                last.notional += value * money
                last.fee += fee * n / total
            else:
                last = Open(order, bar, phase, side, n, value, value * money, fee * n / total)
                queue.append(last)
            last.ambiguous = last.ambiguous or flag & codes.FLAG_AMBIGUOUS != 0

    def leg(self, ci: Any, cf: Any) -> None:
        """Book a dividend, a split, a paid fraction or borrow cost to the lots that are held (F8, F9, F11)."""
        s, kind = int(ci[codes.C_SYMBOL]), int(ci[codes.C_KIND])
        if kind == codes.LEG_INTEREST:
            return
        queue = self.queues.get(s, deque())
        held = sum(q.lots for q in queue)
        if kind == codes.LEG_SPLIT:
            ratio, after = float(cf[codes.C_RATIO]), held + abs(int(ci[codes.C_LOTS])) * (
                1 if (int(ci[codes.C_LOTS]) > 0) == (not queue or queue[0].side > 0) else -1
            )
            self._splits[s] = self._splits.get(s, 0) + 1
            seen, given = 0, 0
            for q in queue:  # whole lots that add up to the position's
                seen += q.lots
                share = after if seen == held else min(after, int(seen * ratio + 1e-9))
                q.lots = share - given
                given = share
            self._merge_empty(queue)
            return
        amount = float(cf[codes.C_AMOUNT])
        for q in queue:
            q.extra += amount * q.lots / held

    @staticmethod
    def _merge_empty(queue: deque[Open]) -> None:
        """Entries of which a reverse split left less than a lot: what they cost goes to the next one."""
        for q in [q for q in queue if q.lots == 0]:
            at = queue.index(q)
            heir = queue[at + 1] if at + 1 < len(queue) else queue[at - 1]
            heir.value += q.value
            heir.notional += q.notional
            heir.fee += q.fee
            heir.extra += q.extra
            queue.remove(q)

    def open(self) -> list[Trade]:
        """What is still open, oldest entry first."""
        rest = [
            Trade(
                s, q.side, q.order, q.bar, q.phase, q.lots, q.value, q.notional, q.fee, q.extra, ambiguous=q.ambiguous
            )
            for s, queue in self.queues.items()
            for q in queue
        ]
        return sorted(rest, key=lambda t: (t.entry_bar, t.entry_order))
