"""Which column says whose a row is: by its name, by its cells, by what tells rows of one time apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from alphintra.ingest.habits import NULL_WORDS, keys_of
from alphintra.ingest.sniffing import Table
from alphintra.ingest.stamps import Stamp

if TYPE_CHECKING:
    from alphintra.ingest.roles import Draft

STRONG = frozenset(
    {
        "symbol", "ticker", "tic", "sym", "symbols", "tickers", "isin", "cusip", "sedol", "ric", "wkn", "figi",
        "ticker_symbol", "tradingsymbol", "trading_symbol", "stock_code", "security_code", "ts_code", "secid",
        "tckrsymb", "instrument_name", "inst_id", "instid", "sym_root", "sc_code",
        "銘柄", "銘柄コード", "コード", "证券代码", "股票代码", "代码", "종목코드",
    }
)  # fmt: skip
"""Names that nothing but a symbol has, whatever its cells are like; others must look like it."""
_WORDS = frozenset({"symbol", "ticker", "isin", "cusip", "sedol", "ric"})
_OTHER = frozenset({"side", "type", "currency", "ccy", "exchange", "venue", "source", "sector", "industry", "flag",
                    "series", "complete", "confirm", "status", "period"})
_TRUTHS = ("True", "False", "true", "false")
_MOST_SIGNS = 24
_TICKER = re.compile(r"\^?(?=[A-Z0-9.=/-]*[A-Z])[A-Z0-9][A-Z0-9.=/-]{0,9}")


def cells_of(table: Table, place: int) -> list[str]:
    """Return the cells of a column as symbols: NA and TRUE are some; a column of words for nothing alone has none."""
    cells = [(row[place] or "").strip() for row in table.rows]
    named = [cell for cell in cells if cell and (cell not in NULL_WORDS or cell.isalpha())]
    return [] if set(named) <= set(NULL_WORDS) - {"NA"} else named


def is_strong(key: str) -> bool:
    """Tell whether a folded name is that of a symbol, as one word or among others: ``base_symbol``."""
    return key in STRONG or not _WORDS.isdisjoint(key.split("_"))


def by_rows(draft: Draft, stamp: Stamp | None) -> None:
    """Where no column is called a symbol, take the one that tells the rows of one time apart."""
    table = draft.table
    if "symbol" in draft.roles or stamp is None:
        return
    places = [*([] if stamp.in_name else [stamp.place]), *([] if stamp.clock is None else [stamp.clock])]
    times = [tuple(row[place] for place in places) for row in table.rows]
    if len(set(times)) == len(times):
        return
    for place, key in enumerate(keys_of(table.names)):
        cells = cells_of(table, place)
        if not draft.free(place) or key in _OTHER or len(cells) < len(times) or not _are_codes(cells):
            continue
        if len(set(zip(times, cells, strict=True))) == len(set(zip(times, table.rows, strict=True))):
            draft.claim(place, "symbol", 0.7, "it tells the rows of one time apart")
            return


def candidates(table: Table) -> tuple[str, ...]:
    """Return what a column has in all rows that may be the symbol of them: to be asked for, not to be taken."""
    found = []
    for place, key in enumerate(keys_of(table.names)):
        cells = cells_of(table, place)
        one = key not in _OTHER and len(cells) == len(table.rows) > 1 and len(set(cells)) == 1
        if one and cells[0] not in _TRUTHS and _are_codes(cells):
            found.append(cells[0])
    return tuple(dict.fromkeys(found))[:3]


def is_ticker(text: str) -> bool:
    """Tell whether a text is written as exchanges and vendors write an instrument: short, and in capitals."""
    return _TICKER.fullmatch(text) is not None


def _are_codes(cells: Sequence[str]) -> bool:
    """Tell whether cells are short and no numbers, or numbers of one length with a zero in front, as codes are."""
    distinct = set(cells)
    if any(len(cell) > _MOST_SIGNS or "  " in cell for cell in distinct) or len(distinct) > max(20, len(cells) // 2):
        return False
    if all(any(sign.isalpha() for sign in cell) for cell in distinct):
        return True
    whole = all(cell.isdigit() and len(cell) > 1 for cell in distinct) and len({len(cell) for cell in distinct}) == 1
    return whole and any(cell.startswith("0") for cell in distinct)
