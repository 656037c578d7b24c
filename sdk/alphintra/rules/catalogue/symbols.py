"""Names of instruments that a program has changed, and a universe that only knows survivors."""

from __future__ import annotations

from collections.abc import Mapping

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import DAY_US, Facts
from alphintra.rules.places import Place
from alphintra.rules.rule import Parameter, Rule

CASE = Rule(
    "SYMBOL_CASE", "error", "Two symbols differ in case alone.", "Classes of shares are told by a sign or a digit."
)
COERCED = Rule(
    "SYMBOL_COERCED",
    "error",
    "A symbol is what a program makes of a word or a number (`nan`, `None`, `True`, `1.0`), or all are numbers and one "
    "is shorter than the others and has lost its zeros. A warning where reading finds symbols that are numbers.",
    "The tickers TRUE and NA, in capitals; 000001.",
    seen_in="both",
)
SURVIVORS = Rule(
    "SURVIVORSHIP",
    "info",
    "All of many symbols have rows up to the end of a long history: those that did not survive are missing.",
    "Small universes and short histories.",
    (
        Parameter("symbols", 20, 2, 1e6, "symbols from which on it is checked", whole=True),
        Parameter("years", 5, 0, 1_000, "years of history from which on it is checked"),
        Parameter("days", 10, 0, 1_000, "days before the last row of all that count as the end"),
    ),
)
_WORDS = ("nan", "NaN", "None", "none", "null", "NaT", "<NA>", "True", "False", "true", "false", "inf", "-inf")


class Symbols(Check):
    """Keeps the names of symbols, and when each ends."""

    rules = (CASE, COERCED, SURVIVORS)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """A universe is one of prices."""
        return {SURVIVORS.id: "there are no prices" if facts.kind == "features" else None}

    def prepare(self) -> None:
        """No symbol yet."""
        self._names: list[str] = []
        self._first: int | None = None
        self._ends: list[int] = []

    def begin(self, symbol: str) -> None:
        """Keep its name."""
        self._names.append(symbol)

    def see(self, batch: Batch) -> None:
        """Keep when it begins and ends."""
        begins = int(batch.times[0])
        self._first = begins if self._first is None else min(begins, self._first)
        del self._ends[len(self._names) - 1 :]
        self._ends.append(batch.end_time)

    def finish(self) -> None:
        """Compare names and ends."""
        seen: dict[str, str] = {}
        for name in self._names:
            before = seen.setdefault(name.casefold(), name)
            if before != name:
                self.found.add(CASE.id, [Place(symbol=name, message=f"differs from '{before}' in case alone")])
        numbers = all(name.isdigit() for name in self._names)
        longest = max(map(len, self._names), default=0)
        for name in self._names:
            whole, dot, rest = name.partition(".")
            if name in _WORDS or (dot and whole.isdigit() and set(rest) == {"0"}):
                self.found.add(COERCED.id, [Place(symbol=name, message="a program made this of a word or a number")])
            elif numbers and longest >= 4 and len(name) < longest:
                message = f"shorter than others of {longest} digits: zeros before it may be lost"
                self.found.add(COERCED.id, [Place(symbol=name, message=message)])
        if self._first is not None and self.found.wants(SURVIVORS.id):
            self._survivors()

    def _survivors(self) -> None:
        last = max(self._ends)
        years = (last - (self._first or 0)) / (365.25 * DAY_US)
        near = last - self.value(SURVIVORS, "days") * DAY_US
        many = len(self._names) >= self.value(SURVIVORS, "symbols")
        if many and years >= self.value(SURVIVORS, "years") and min(self._ends) >= near:
            message = f"all {len(self._names):,} symbols of {years:.0f} years have rows up to the end"
            self.found.add(SURVIVORS.id, [Place(message=message)])
