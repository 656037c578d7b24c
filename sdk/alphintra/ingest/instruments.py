"""Tables in which each instrument has columns of its own: whose each column is, and what it holds.

Three ways of writing them are told: a header of two rows, names that join both (``AAPL.Close``, ``close_BTCUSDT``), and
names of instruments alone, whose cells are prices: those may be something else, so they are asked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from alphintra.ingest import habits
from alphintra.ingest.habits import folded
from alphintra.ingest.levels import FIELDS, PRICE_FIELDS, Owner, of_names
from alphintra.ingest.sniffing import Table, notation_of
from alphintra.ingest.symbols import is_ticker

CLOSE = "Close"
"""What a column is taken to hold that is called by its instrument alone."""
_SEPARATORS = "._ :|/-"
_MOST_SIGNS = 24
_CLOSES = frozenset(
    {"close", "adj_close", "adjclose", "adjusted_close", "price", "last", "close_price", "px_last", "bid"}
)
_NO_INSTRUMENTS = frozenset(
    {
        "bid", "ask", "mid", "adj", "adjusted", "raw", "unadj", "unadjusted", "prev", "previous", "prior", "pre",
        "post", "first", "last", "next", "open", "high", "low", "close", "day", "daily", "week", "weekly", "month",
        "monthly", "year", "yearly", "total", "avg", "mean", "median", "min", "max", "std", "var", "sum", "sma", "ema",
        "ma", "wma", "hma", "rsi", "macd", "adx", "atr", "cci", "obv", "mfi", "roc", "bb", "bbands", "upper", "lower",
        "middle", "base", "quote", "spot", "future", "futures", "index", "x", "y", "left", "right", "market", "regular",
        "typical", "weighted", "log", "pct", "change", "diff", "lag", "lead", "shift", "signal", "buy", "sell",
        "target", "pred", "predicted", "actual", "true", "norm", "normalized", "scaled", "ratio", "rolling", "session",
        "overnight", "intraday", "premarket", "aftermarket", "vwap", "split", "dividend", "event", "trade", "ha",
        "heikin", "heikinashi", "best", "call", "put", "strike", "level", "lvl", "px", "sz", "ct", "size", "qty",
        "quantity", "amount", "count", "side", "perp", "perpetual", "swap", "near", "far", "front", "back", "leg",
        "hour", "hourly", "minute", "mn", "delta", "osc", "zscore", "rank", "score", "flow", "imbalance", "trend",
        "profile", "spike", "momentum",
    }
)  # fmt: skip
"""Words beside a field that name no instrument, alone or with a number behind."""
_PERIOD = re.compile(r"\d{1,3}[a-zA-Z]{0,3}|([mhdw]|mn|tf)\d{1,3}", re.IGNORECASE)
_NUMBERED = re.compile(r"[_-]?\d+[a-z]?$")


@dataclass(frozen=True)
class Layout:
    """Whose the columns of a table are.

    Attributes:
        owners: Of each column the instrument and the name of its field; both empty of what is all instruments'.
        way: How it is told: by a ``header`` of two rows, by ``names``, or they may be ``closes``.
        asked: Whether it is a guess that only the user can confirm.
        proposed: Whether it is the guess; else it is offered.
        left_out: Columns that cannot be read, and why.
    """

    owners: tuple[Owner, ...]
    way: Literal["header", "names", "closes"]
    asked: bool = False
    proposed: bool = True
    left_out: tuple[tuple[int, str], ...] = ()

    @property
    def instruments(self) -> tuple[str, ...]:
        """The instruments, in the file's order."""
        return tuple(dict.fromkeys(symbol for symbol, _ in self.owners if symbol))

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of fields, as the instrument has them that has most."""
        counts = Counter(symbol for symbol, field in self.owners if symbol and field)
        most = max(self.instruments, key=lambda symbol: counts[symbol])
        own = [field for symbol, field in self.owners if symbol == most]
        return tuple(dict.fromkeys((*own, *(field for symbol, field in self.owners if symbol and field))))

    def reduced(self, table: Table) -> tuple[Table, list[int]]:
        """Return the table of one instrument, and of each of its columns the place in the whole one."""
        gone = {place for place, _ in self.left_out}
        places = [place for place, owner in enumerate(self.owners) if owner == ("", "") and place not in gone]
        names = [table.names[place] for place in places]
        for field in self.fields:
            own = [p for p, (symbol, name) in enumerate(self.owners) if symbol and name == field and p not in gone]
            if own:
                # A volume of noughts, as those of currencies and indices are, tells nothing of the others'.
                told = (p for p in own if any(cell.strip("0.,") for cell in table.column(p)))
                places.append(next(told, next((place for place in own if table.column(place)), own[0])))
                names.append(field)
        return replace(
            table,
            names=tuple(names),
            rows=tuple(tuple(row[place] for place in places) for row in table.rows),
            kinds=tuple(table.kinds[place] for place in places),
            symbol=self.instruments[0],
            owners=(),
        ), places


def layout_of(table: Table, stem: str) -> Layout | None:
    """Return whose the columns of a table are; ``None`` where it is of one instrument, or a column says whose rows are.

    Args:
        table: Its sample.
        stem: The file's name without folders and suffixes.
    """
    if not table.header or table.symbol:
        return None
    levels = of_names(table.names)
    owners = table.owners or (() if levels is None else levels.owners)
    if owners:
        # What a table of means and deviations of each field has in its second row names no instruments.
        named = {symbol for symbol, field in owners if symbol and field}
        words = all(names_none(symbol) and not is_ticker(symbol) for symbol in named)
        return None if words else _checked(table, owners, "header")
    return _joined(table, stem) or _closes(table, stem)


def _checked(
    table: Table, owners: Sequence[Owner], way: Literal["header", "names"], *, asked: bool = False
) -> Layout | None:
    """Leave out columns that are nobody's, or whose instrument has that field already."""
    left_out: dict[int, str] = {}
    seen: dict[Owner, int] = {}
    closing = {symbol for symbol, field in owners if folded(field) in _CLOSES}
    for place, (symbol, field) in enumerate(owners):
        if field and not symbol:
            left_out[place] = "the header names no instrument for it"
        elif field and symbol not in closing:
            left_out[place] = f"{symbol} has no close"
        elif field and (symbol, folded(field)) in seen:
            left_out[place] = f"column {seen[symbol, folded(field)] + 1} is the {field} of {symbol} already"
        seen.setdefault((symbol, folded(field)), place)
    found = Layout(tuple(owners), way, asked, left_out=tuple(left_out.items()))
    return found if closing else None


def _joined(table: Table, stem: str) -> Layout | None:
    """Return whose columns are, by names that join instrument and field, where at least two have the same fields."""
    names = [name.strip() for name in table.names]
    if any(folded(name) in PRICE_FIELDS for name in names) or any(folded(n) in habits.NAMES["symbol"] for n in names):
        return None
    ways: dict[tuple[str, bool], dict[int, Owner]] = {}
    for place, name in enumerate(names):
        for way, owner in _splits(name).items():
            ways.setdefault(way, {})[place] = owner
    best: dict[int, Owner] = {}
    for found in ways.values():
        own = _of_several(found)
        best = own if len(own) > len(best) else best
    if not best:
        return None
    symbols = {symbol for symbol, _ in best.values()}
    fields = {folded(field) for _, field in best.values()}
    prices = fields & PRICE_FIELDS
    if not all(map(is_ticker, symbols)) and not ({"high", "low"} <= prices or {"bid", "ask"} <= prices):
        return None
    # Exchanges, currencies and legs of one instrument have such columns as well: small letters may be any of them.
    whole = all(map(is_ticker, symbols)) and any(len(symbol) > 1 for symbol in symbols)
    doubtful = len(prices) == 1 or not whole or _is_named(stem, symbols)
    owners = [best.get(place, ("", "")) for place in range(len(names))]
    # What else the same instruments have is theirs as well.
    sign, last = next(way for way, found in ways.items() if best.items() <= found.items())
    for place, name in enumerate(names):
        for at in (at for at, own in enumerate(name) if own == sign and place not in best):
            front, back = name[:at].strip(), name[at + 1 :].strip()
            symbol, field = (front, back) if last else (back, front)
            if symbol in symbols and field:
                owners[place] = (symbol, field)
    return _checked(table, owners, "names", asked=doubtful)


def _is_named(stem: str, symbols: Collection[str]) -> bool:
    """Tell whether a file is called after an instrument that is none of those of its columns."""
    named = habits.symbol_of(stem)
    return habits.says_a_symbol(stem) and is_ticker(named) and named not in symbols


def _splits(name: str) -> dict[tuple[str, bool], Owner]:
    """Return for each sign, and whether the field comes last, the instrument and the longest known field in a name."""
    found: dict[tuple[str, bool], Owner] = {}
    if folded(name) in FIELDS or len(name) > 80:
        return found
    for at, sign in enumerate(name):
        if sign not in _SEPARATORS:
            continue
        left, right = name[:at].strip(), name[at + 1 :].strip()
        if folded(right) in FIELDS and 0 < len(left) <= _MOST_SIGNS:
            found.setdefault((sign, True), (left, right))  # the first sign leaves the longest field
        if folded(left) in FIELDS and 0 < len(right) <= _MOST_SIGNS:
            found[sign, False] = (right, left)
    return found


def _are_none(texts: Collection[str]) -> bool:
    """Tell whether a third of some names or more are words that name no instrument: of tickers, few are words."""
    return 3 * sum(map(names_none, texts)) >= len(texts)


def names_none(text: str) -> bool:
    """Tell whether a name is a word that names no instrument, or holds that of a field: ``l1_price``."""
    if _PERIOD.fullmatch(text) or _NUMBERED.sub("", text).casefold() in _NO_INSTRUMENTS:
        return True
    return any(folded(word) in FIELDS for word in (text, *re.split(r"[._ :|/-]", text)))


def _of_several(found: dict[int, Owner]) -> dict[int, Owner]:
    """Return the columns of instruments that have a close, if at least two have the same prices."""
    prices: dict[str, set[str]] = {}
    for symbol, field in found.values():
        if folded(field) in PRICE_FIELDS:
            prices.setdefault(symbol, set()).add(folded(field))
    closing = {symbol: frozenset(own) for symbol, own in prices.items() if own & _CLOSES}
    if not closing or _are_none(closing) or Counter(closing.values()).most_common(1)[0][1] < 2:
        return {}
    return {place: owner for place, owner in found.items() if owner[0] in closing}


def _closes(table: Table, stem: str) -> Layout | None:
    """Return that columns may be the closes of instruments, by which they are called."""
    names = [name.strip() for name in table.names]
    times = {*habits.NAMES["time"], *habits.NAMES["date"], *habits.NAMES["clock"]}
    own = [
        place
        for place, name in enumerate(names)
        if name and folded(name) not in times and table.kinds[place] in ("text", "number")
    ]
    if len(own) < 2 or len(own) == len(names) or not all(is_ticker(names[place]) for place in own):
        return None
    if _are_none([names[place] for place in own]) or {"O", "H", "L", "C"} <= {names[place] for place in own}:
        return None
    if _is_named(stem, {names[place] for place in own}):
        return None  # numbers that belong to the instrument after which the file is called
    cells = {place: table.column(place) for place in own}
    if any(cells[p] and table.kinds[p] == "text" and notation_of(cells[p], table.dialect)[1] < 0.5 for p in own):
        return None
    prices = all(cell[0] != "-" and cell.strip("0.,") for place in own for cell in cells[place][:100])
    owners = [("", "")] * len(names)
    for place in own:
        owners[place] = (names[place], CLOSE)
    layout = Layout(tuple(owners), "closes", asked=True, proposed=prices)
    return layout if len(layout.instruments) == len(own) else None
