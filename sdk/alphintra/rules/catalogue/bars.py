"""Bars that cannot be: order, sign and finiteness of prices, and volumes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import PRICES, Facts
from alphintra.rules.places import Parts, Place, first_cells
from alphintra.rules.rule import Parameter, Rule

ORDER = Rule(
    "OHLC_ORDER",
    "error",
    "High is below open, close or low, or low above open, close or high, beyond the tolerance. A warning where prices "
    "are adjusted and the difference is at most the tick (0.01 where none is set): that is rounding.",
    "Closes alone.",
    (
        Parameter("tolerance", 1e-9, 0, 0.1, "share of the price by which it may be off"),
        Parameter("tick", 0.01, 0, 1e6, "price step of adjusted prices"),
    ),
)
POSITIVE = Rule(
    "PRICE_POSITIVE",
    "error",
    "A price is 0 or below.",
    "Not checked for commodities, futures and factors, which may be: crude oil was, on 20 April 2020.",
)
NONFINITE = Rule(
    "PRICE_NONFINITE",
    "error",
    "A price is infinite, or missing while others of the same bar are there.",
    "A bar without any price: it is a missing bar.",
)
NEGATIVE = Rule("VOL_NEGATIVE", "error", "The volume is below 0.", "−1 for unknown: leave the cell empty.")
ZERO_MOVE = Rule(
    "VOL_ZERO_MOVE",
    "warning",
    "The volume is 0, and high and low differ.",
    "A symbol whose volume is 0 throughout, as that of currencies and indices.",
)
FRACTION = Rule(
    "VOL_FRACTION",
    "info",
    "A volume of shares is no whole number.",
    "Not checked where prices are adjusted, nor for anything but shares and funds.",
)
SIGNED = ("COMMODITY", "FUTURES", "FACTOR")
SHARES = ("STOCKS", "FUNDS")
_BAR = ("open", "high", "low", "close")
_MESSAGES = {
    POSITIVE.id: "a price is 0 or below",
    NONFINITE.id: "a price is missing or infinite",
    NEGATIVE.id: "the volume is below 0",
    ZERO_MOVE.id: "there is no volume, and the price moved",
    FRACTION.id: "the volume is no whole number",
}


class Bars(Check):
    """Flags bars in one compiled pass."""

    rules = (ORDER, POSITIVE, NONFINITE, NEGATIVE, ZERO_MOVE, FRACTION)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """Which columns there are, and what the asset may be."""
        prices = None if facts.names(*PRICES) else "there are no prices"
        volume = None if facts.names("volume", "size") else "there is no volume"
        bar = facts.without(*_BAR)
        signed = "such prices may be 0 or below" if facts.asset_class in SIGNED else None
        fraction = volume or ("volumes of adjusted prices are adjusted" if facts.adjusted else None)
        if fraction is None and facts.asset_class not in SHARES:
            fraction = "the asset is not known to be shares"
        return {
            ORDER.id: bar,
            POSITIVE.id: prices or signed,
            NONFINITE.id: prices,
            NEGATIVE.id: volume,
            ZERO_MOVE.id: bar or facts.without("volume"),
            FRACTION.id: fraction,
        }

    def prepare(self) -> None:
        """Load what is compiled."""
        from alphintra.rules import compiled

        self._flagged = compiled.bar_flags
        self._bits = {
            ORDER.id: compiled.ORDER,
            POSITIVE.id: compiled.POSITIVE,
            NONFINITE.id: compiled.NONFINITE,
            NEGATIVE.id: compiled.NEGATIVE,
            ZERO_MOVE.id: compiled.ZERO_MOVE,
            FRACTION.id: compiled.FRACTION,
        }
        self._traded_bit = compiled.TRADED
        facts = self.facts
        self._whole = self.found.wants(FRACTION.id)
        self._is_bar = facts.without(*_BAR) is None
        self._bar = [facts.name(role) or facts.close or "" for role in _BAR] if facts.close else []
        self._volume = next(iter(facts.names("volume", "size")), None)
        self._others = [name for name in facts.names(*PRICES) if name not in self._bar]
        self._tolerance = self.value(ORDER, "tolerance") if self.found.wants(ORDER.id) else 0.0

    def begin(self, symbol: str) -> None:
        """Forget whether there was volume."""
        self._traded = False
        self._moves: list[tuple[Batch | None, Parts, list[Place] | None, int]] = []
        self._held = 0

    def see(self, batch: Batch) -> None:
        """Flag rows, and look at those that are."""
        flags = np.zeros(len(batch), dtype=np.uint8)
        every = 0
        empty = np.zeros(0)
        volumes = empty if self._volume is None else batch.numbers(self._volume)
        if self._bar:
            arrays = [batch.numbers(name) for name in self._bar]
            every = self._flagged(*arrays, volumes, self._tolerance, self._whole, flags)
        elif len(volumes):
            every = self._flagged(*[np.ones(len(batch))] * 4, volumes, 0.0, self._whole, flags)
        self._traded = self._traded or bool(every & self._traded_bit)
        if self._traded and self._moves:
            self._let_go()
        parts: dict[str, Parts] = {}
        for rule, bit in self._bits.items():
            if every & bit:
                parts[rule] = [(np.flatnonzero(flags & bit), _MESSAGES.get(rule), None)]
        for name in self._others:
            values = batch.numbers(name)
            for rule, wrong in ((POSITIVE.id, values <= 0), (NONFINITE.id, np.isinf(values))):
                if wrong.any():
                    parts.setdefault(rule, []).append((np.flatnonzero(wrong), _MESSAGES[rule], name))
        for rule, own in parts.items():
            if rule == ORDER.id:
                self._order(batch, np.asarray(own[0][0]))
            elif rule == ZERO_MOVE.id:
                self._hold(batch, np.asarray(own[0][0]))
            else:
                self.found.cells(rule, batch, own)

    def _order(self, batch: Batch, rows: npt.NDArray[np.int64]) -> None:
        """Tell rounding from what cannot be."""
        if not self._is_bar or not self.found.wants(ORDER.id):
            return
        opens, highs, lows, closes = (batch.numbers(name)[rows] for name in self._bar)
        most = np.fmax(np.fmax(opens, closes), lows) + 0.0  # not −0
        least = np.fmin(np.fmin(opens, closes), highs) + 0.0
        above = most > highs
        off = np.maximum(most - highs, lows - least)
        rounding = self.facts.adjusted & (off <= self.value(ORDER, "tick") * (1 + 1e-9))

        def message(i: int) -> str:
            if above[i]:
                return f"high {highs[i]:g} is below {most[i]:g}"
            return f"low {lows[i]:g} is above {least[i]:g}"

        severity = "warning" if np.all(rounding) else "error"
        self.found.rows(ORDER.id, batch, rows, message, severity=severity)  # type: ignore[arg-type]

    def _hold(self, batch: Batch, rows: npt.NDArray[np.int64]) -> None:
        """Keep rows without volume until it is known whether the symbol has volume at all."""
        if self._traded:
            self.found.rows(ZERO_MOVE.id, batch, rows, _MESSAGES[ZERO_MOVE.id])
            return
        room = max(0, self.found.room(ZERO_MOVE.id) - self._held)
        parts: Parts = [(rows[:room], _MESSAGES[ZERO_MOVE.id], None)]
        self._held += min(room, len(rows))
        # Most symbols without volume have none throughout: of the first batch places are made when they are needed.
        places = None if not self._moves else first_cells(batch, parts, room)
        first = batch if places is None else None
        self._moves.append((first, parts, places, len(rows)))

    def _let_go(self) -> None:
        """Count the rows that were kept."""
        for batch, parts, places, count in self._moves:
            shown = first_cells(batch, parts, self.found.room(ZERO_MOVE.id)) if batch is not None else places or []
            self.found.add(ZERO_MOVE.id, shown, count)
        self._moves.clear()

    def end(self, symbol: str) -> None:
        """Count rows without volume, if others have some."""
        if self._traded:
            self._let_go()
        self._moves.clear()
