"""Round trips: each a FIFO match of one entry order with one exit order, fills of an order merged (M10)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import codes


@dataclass
class Trade:
    """A round trip, open while ``exit_bar`` is −1; quantities in lots, money in the account's currency."""

    symbol: int
    side: int
    entry_order: int
    entry_bar: int
    entry_phase: int
    lots: int
    entry_notional: float
    commission: float
    exit_order: int = -1
    exit_bar: int = -1
    exit_phase: int = 0
    exit_notional: float = 0.0
    ambiguous: bool = False
    reason: str = "OPEN"

    @property
    def gross(self) -> float:
        """Price part of the P&L."""
        return self.side * (self.exit_notional - self.entry_notional)

    @property
    def pnl(self) -> float:
        """P&L after fees."""
        return self.gross - self.commission


@dataclass
class _Open:
    order: int
    bar: int
    phase: int
    side: int
    lots: int
    notional: float
    fee: float


@dataclass
class TradeBook:
    """Matches fills as they come; ``closed`` grows, ``open`` holds what is left."""

    lots: np.ndarray[Any, Any]
    queues: dict[int, deque[_Open]] = field(default_factory=dict)
    closed: list[Trade] = field(default_factory=list)
    _pairs: dict[tuple[int, int], Trade] = field(default_factory=dict)

    def add(self, fi: Any, ff: Any, role: int) -> None:
        """Book one fill row; ``role`` is that of its order."""
        s, side, n = int(fi[codes.L_SYMBOL]), int(fi[codes.L_SIDE]), int(fi[codes.L_LOTS])
        order, bar, phase = int(fi[codes.L_ORDER]), int(fi[codes.L_BAR]), int(fi[codes.L_PHASE])
        price, fee = float(ff[codes.L_PRICE]), float(ff[codes.L_FEE])
        unit = float(self.lots[s])
        total = n
        queue = self.queues.setdefault(s, deque())
        while n and queue and queue[0].side != side:
            head = queue[0]
            take = min(n, head.lots)
            entry_notional = head.notional * take / head.lots
            entry_fee = head.fee * take / head.lots
            key = (head.order, order)
            trade = self._pairs.get(key)
            if trade is None:
                trade = Trade(s, head.side, head.order, head.bar, head.phase, 0, 0.0, 0.0, order, bar, phase)
                trade.reason = codes.ROLES[role] or "SIGNAL"
                self._pairs[key] = trade
                self.closed.append(trade)
            trade.lots += take
            trade.entry_notional += entry_notional
            trade.exit_notional += take * unit * price
            trade.commission += entry_fee + fee * take / total
            trade.exit_bar, trade.exit_phase = bar, phase
            trade.ambiguous = trade.ambiguous or bool(fi[codes.L_FLAG])
            head.lots -= take
            head.notional -= entry_notional
            head.fee -= entry_fee
            n -= take
            if head.lots == 0:
                queue.popleft()
        if n:
            if queue and queue[-1].order == order:
                last = queue[-1]
                last.lots += n
                last.notional += n * unit * price
                last.fee += fee * n / total
            else:
                queue.append(_Open(order, bar, phase, side, n, n * unit * price, fee * n / total))

    def open(self) -> list[Trade]:
        """What is still open, oldest entry first."""
        rest = [
            Trade(s, q.side, q.order, q.bar, q.phase, q.lots, q.notional, q.fee)
            for s, queue in self.queues.items()
            for q in queue
        ]
        return sorted(rest, key=lambda t: (t.entry_bar, t.entry_order))
