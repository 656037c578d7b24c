"""What the browsers know of a replay, and what each movement adds to it.

A movement sends the candles that are new and the facts that differ, not the picture. Who comes later gets it whole.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

#: Candles that a browser keeps, as in ``labextension/src/replay/store.ts``: beyond, the older half goes.
MOST_CANDLES = 2000
#: With fewer candles than this before the bar, and more in the data, the picture is sent anew.
FEWEST_CANDLES = 150

Json = dict[str, Any]


class Picture:
    """Candles, lines and facts as the browsers have them.

    Args:
        candles: ``[time, open, high, low, close, volume]`` each, in the order of their times.
        lines: ``{name, overlay, pane, values}`` each, with one value for each candle.
        facts: Everything else; of ``fills`` those of the candles.
    """

    def __init__(self, candles: list[list[Any]], lines: list[Json], facts: Json) -> None:
        self.seq = 0
        self._set(candles, lines, facts)

    def _set(self, candles: list[list[Any]], lines: list[Json], facts: Json) -> None:
        self.candles, self.lines, self.facts = candles, lines, facts

    @property
    def last(self) -> float | None:
        """Time of the last candle."""
        return self.candles[-1][0] if self.candles else None

    def whole(self) -> Json:
        """The picture as it is sent whole."""
        return {"seq": self.seq, "candles": self.candles, "lines": self.lines, "facts": self.facts}

    def renew(self, candles: list[list[Any]], lines: list[Json], facts: Json) -> Json:
        """Take another picture in the place of this one; returns it as it is sent."""
        self.seq += 1
        self._set(candles, lines, facts)
        return self.whole()

    def move(self, candles: list[list[Any]], lines: list[Json], facts: Json) -> Json | None:
        """Go to another bar.

        Args:
            candles: Those up to the bar: as many as have passed since the last movement, or more.
            lines: Their lines.
            facts: All that holds at the bar.

        Returns:
            What is sent, empty where nothing has changed; ``None`` where the picture has to be sent anew: the candles
            do not join those that are known, the lines are others, a split has changed all prices, or too few candles
            would be left.
        """
        known = [candle[0] for candle in self.candles]
        now = candles[-1][0] if candles else None
        if [_kind(line) for line in lines] != [_kind(line) for line in self.lines] or now is None or not known:
            return None
        until = now if now < known[-1] else None
        kept = bisect_right(known, now) if until is not None else len(known)
        new = next((i for i, candle in enumerate(candles) if candle[0] > known[-1]), len(candles))
        if kept == 0 or new == 0 or (until is not None and kept < min(FEWEST_CANDLES, facts["bar"] + 1)):
            return None
        if candles[new - 1] != self.candles[kept - 1]:
            return None
        added, values = candles[new:], [line["values"][new:] for line in lines]
        length = kept + len(added)
        drop = length - MOST_CANDLES // 2 if length > MOST_CANDLES else 0
        fills = [fill for fill in facts["fills"] if fill["time"] > known[-1]]
        before = [fill for fill in self.facts["fills"] if fill["time"] <= now]
        facts = {**facts, "fills": before + fills}
        changed = {name: fact for name, fact in facts.items() if self.facts.get(name, self) != fact}
        if not added and until is None and not changed:
            return {}
        self.seq += 1
        self._set(
            [*self.candles[drop:kept], *added],
            [
                {**line, "values": [*line["values"][drop:kept], *more]}
                for line, more in zip(self.lines, values, strict=True)
            ],
            # Those that are as they were stay the same objects, which are compared at once.
            {**self.facts, **changed},
        )
        changed.pop("fills", None)
        return {
            "seq": self.seq, "until": until, "candles": added, "values": values, "fills": fills, "facts": changed,
        }  # fmt: skip


def _kind(line: Mapping[str, Any]) -> tuple[Any, Any]:
    return line["name"], line["pane"]
