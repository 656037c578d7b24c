"""Round trips from flat to flat: all entries and exits in between are one trade (``trades="flat"``)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from . import codes
from .trades import Open, Trade, TradeBook


@dataclass
class Round(Open):
    """A trade under way: beside what is still open, what of it was closed.

    ``done`` counts lots, ``paid_…`` is what these had cost, ``got_…`` what they brought, ``fees`` what both cost.
    """

    done: int = 0
    paid_value: float = 0.0
    paid_notional: float = 0.0
    got_value: float = 0.0
    got_notional: float = 0.0
    fees: float = 0.0


@dataclass
class FlatBook(TradeBook):
    """A trade begins where a position leaves zero and ends where it is back; a reversal ends one and begins one.

    What is closed in between costs the average price of the position.
    """

    entry: ClassVar[type[Open]] = Round

    def add(self, fi: list[int], ff: list[float], role: int) -> None:
        """Book one fill row, as plain lists; ``role`` is that of its order."""
        s, side, n = fi[codes.L_SYMBOL], fi[codes.L_SIDE], fi[codes.L_LOTS]
        order, bar, phase = fi[codes.L_ORDER], fi[codes.L_BAR], fi[codes.L_PHASE]
        unit, multiplier = self._terms[s]
        money = multiplier * ff[codes.L_RATE]
        value = n * unit * ff[codes.L_PRICE]
        fee, total = ff[codes.L_FEE], n
        queue: Any = self.queues.setdefault(s, deque())
        flag = fi[codes.L_FLAG]
        if queue and queue[0].side != side:
            now = queue[0]
            now.ambiguous = now.ambiguous or flag != 0
            take = min(n, now.lots)
            part, own = take / now.lots, take / total
            now.done += take
            now.paid_value += now.value * part
            now.paid_notional += now.notional * part
            now.got_value += value * own
            now.got_notional += value * own * money
            now.fees += now.fee * part + fee * own
            now.lots -= take
            now.value -= now.value * part
            now.notional -= now.notional * part
            now.fee -= now.fee * part
            n -= take
            if now.lots == 0:
                queue.popleft()
                trade = Trade(
                    s, now.side, now.order, now.bar, now.phase, now.done, now.paid_value, now.paid_notional, now.fees,
                    now.extra, order, bar, phase, now.got_value, now.got_notional, now.ambiguous,
                    reason="LIQUIDATION" if role == codes.LIQUIDATE else codes.ROLES[role] or "SIGNAL",
                )  # fmt: skip
                self._pairs[(now.order, order, len(self.closed))] = trade
                self.closed.append(trade)
        if n:
            if not queue:
                queue.append(Round(order, bar, phase, side, 0, 0.0, 0.0, 0.0))
            now = queue[0]
            now.ambiguous = now.ambiguous or bool(flag & codes.FLAG_AMBIGUOUS)
            now.lots += n
            now.value += value * n / total
            now.notional += value * n / total * money
            now.fee += fee * n / total

    def leg(self, ci: Any, cf: Any) -> None:
        """Book a leg; a split counts what was closed in the shares of after it, too."""
        queue: Any = self.queues.get(int(ci[codes.C_SYMBOL]), ())
        super().leg(ci, cf)
        if int(ci[codes.C_KIND]) == codes.LEG_SPLIT:
            for now in queue:
                now.done = round(now.done * float(cf[codes.C_RATIO]))

    def open(self) -> list[Trade]:
        """What is still open; what was closed of it is in ``extra`` and ``commission``."""
        rest = []
        for s, queue in self.queues.items():
            for now in queue:
                assert isinstance(now, Round)
                gained = now.extra + now.side * (now.got_notional - now.paid_notional)
                rest.append(
                    Trade(
                        symbol=s,
                        side=now.side,
                        entry_order=now.order,
                        entry_bar=now.bar,
                        entry_phase=now.phase,
                        lots=now.lots,
                        entry_value=now.value,
                        entry_notional=now.notional,
                        commission=now.fee + now.fees,
                        extra=gained,
                    )
                )
        return sorted(rest, key=lambda t: (t.entry_bar, t.entry_order))


def trade_book(how: str, lots: np.ndarray[Any, Any], multipliers: np.ndarray[Any, Any]) -> TradeBook:
    """The book that matches trades as the rule ``trades`` says."""
    return (FlatBook if how == "flat" else TradeBook)(lots, multipliers)
