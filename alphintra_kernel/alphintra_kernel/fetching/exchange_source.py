"""Bars of crypto exchanges, by the library ccxt: the one place that imports it."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from alphintra_kernel.user_source import JobError

from .addresses import AddressRefusedError, refused, resolve
from .asked import Asked, Fetched, without, words
from .bounds import Sink

COLUMNS = ("symbol", "time", "open", "high", "low", "close", "volume")
_PAGE = 500
_MOST_REQUESTS = 100_000
_TIMEOUT_MS = 20_000


def fetch(asked: Asked, target: Path) -> Fetched:
    """Fetch the bars that have closed, symbol by symbol.

    Raises:
        JobError: They could not be had; the code says why.
    """
    library = _library()
    exchange = _exchange(library, asked)
    timeframe = str(asked.source["timeframe"])
    rows = 0
    try:
        exchange.load_markets()
        if not exchange.has.get("fetchOHLCV") or timeframe not in (exchange.timeframes or {timeframe: timeframe}):
            raise JobError(f"{exchange.id} has no bars of {timeframe}", "SOURCE_MISSING")
        with (
            Sink(target, asked.most_bytes) as sink,
            io.TextIOWrapper(io.BufferedWriter(sink), "utf-8", newline="") as text,
        ):
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(COLUMNS)
            for symbol in asked.source["symbols"]:
                for bar in _bars(exchange, asked, str(symbol), timeframe):
                    writer.writerow([symbol, *bar])
                    rows += 1
                    if not rows % _PAGE:
                        asked.tell(f"{rows:,} bars")
    except library.BaseError as error:
        raise _said(library, error, asked, exchange.id) from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        raise JobError(f"{exchange.id} answered with something that is not bars", "SOURCE_STATUS") from None
    return Fetched("fetched", f"{exchange.id}.csv") if rows else Fetched("empty")


def _library() -> Any:
    try:
        import ccxt
    except ImportError:
        raise JobError(
            "exchanges need the package ccxt: an administrator installs it by pip install 'alphintra[ccxt]'",
            "MISSING_LIBRARY",
        ) from None
    return ccxt


def _exchange(library: Any, asked: Asked) -> Any:
    name = str(asked.source["exchange"])
    if name not in library.exchanges:
        raise JobError(f"ccxt knows no exchange {name!r}", "SOURCE_MISSING")
    exchange = getattr(library, name)({"enableRateLimit": True, "timeout": _TIMEOUT_MS})
    exchange.enableLastJsonResponse = True
    base = asked.source.get("base")
    if base is not None:
        exchange.urls["api"] = _moved(exchange.urls["api"], str(base))
    for url in sorted(set(_texts(exchange.urls["api"]))):
        host = urlsplit(url.replace("{hostname}", str(exchange.hostname or ""))).hostname
        if base is not None and host is not None:
            resolve(host, 443, asked.allowed)
    return exchange


def _moved(urls: Any, base: str) -> Any:
    """Have the addresses of an exchange lead to where an administrator has put it."""
    if isinstance(urls, dict):
        return {name: _moved(own, base) for name, own in urls.items()}
    return base.rstrip("/") + urlsplit(urls).path if isinstance(urls, str) else urls


def _texts(urls: Any) -> Iterator[str]:
    if isinstance(urls, dict):
        for own in urls.values():
            yield from _texts(own)
    elif isinstance(urls, str):
        yield urls


def _bars(exchange: Any, asked: Asked, symbol: str, timeframe: str) -> Iterator[list[Any]]:
    """Go through the bars of a symbol page by page; one that has not closed yet is left for the next time."""
    step = int(exchange.parse_timeframe(timeframe) * 1000)
    start = asked.since_of.get(symbol, asked.since) or datetime(1970, 1, 1, tzinfo=UTC)
    since, until = int(start.timestamp() * 1000), int(asked.until.timestamp() * 1000)
    for _ in range(_MOST_REQUESTS):
        # Half a history is stored as well as a whole one: the next run goes on after its last bar.
        if since + step > until or time.monotonic() > asked.enough_at:
            return
        page = exchange.fetch_ohlcv(symbol, timeframe, since, _PAGE)
        if not isinstance(exchange.last_json_response, list | dict):
            # A page for people, say of whoever stands in between, would count as no bars.
            raise ValueError("the answer is not JSON")
        last = since - step
        for bar in page:
            opened = int(bar[0])
            if opened <= last:
                continue
            if opened + step > until:
                return
            last = opened
            yield [opened, *bar[1:6]]
        # Where there was no trade for long, an exchange may answer with nothing though there is more to come.
        since = last + step if last >= since else since + _PAGE * step
    raise JobError(f"{symbol} has too many bars: ask for them from a later time on", "SOURCE_TOO_LARGE")


def _said(library: Any, error: Exception, asked: Asked, name: str) -> JobError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AddressRefusedError):
            return refused(name)
        cause = cause.__cause__ or cause.__context__
    text = re.sub(r"\s+", " ", without(str(error), words(asked.secret)))[:200]
    if isinstance(error, library.BadSymbol):
        return JobError(f"{name} has no such market: {text}", "SOURCE_MISSING")
    if isinstance(error, library.AuthenticationError):
        return JobError(f"{name} refuses access: {text}", "SOURCE_REFUSED")
    if isinstance(error, library.NetworkError):
        return JobError(f"{name} cannot answer now: {text}", "SOURCE_BUSY")
    return JobError(f"{name}: {text}", "SOURCE_STATUS")
