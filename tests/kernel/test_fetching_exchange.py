"""Bars of an exchange, by the real ccxt, of a local server that speaks Binance's protocol."""

from datetime import UTC, datetime

import pytest
from alphintra_kernel.fetching import exchange_source
from alphintra_kernel.fetching.addresses import Allowed
from alphintra_kernel.fetching.asked import Asked, Fetched
from alphintra_kernel.user_source import JobError

from ..server.exchange_server import MINUTE, speak_binance
from ..server.source_server import source  # noqa: F401  a fixture

pytest.importorskip("ccxt")
START = datetime(2024, 1, 1, tzinfo=UTC)
FIRST = int(START.timestamp() * 1000)


@pytest.fixture
def fetch(source, tmp_path):  # noqa: F811
    def go(symbols=("BTC/USDT",), minutes=1_300, timeframe="1m", networks=("127.0.0.0/8",), exchange="binance", **more):
        asked = Asked(
            source={"exchange": exchange, "symbols": symbols, "timeframe": timeframe, "base": source.url}, secret={},
            since=START, until=datetime.fromtimestamp(FIRST / 1000 + minutes * 60 + 30, UTC),
            allowed=Allowed(networks), most_bytes=1_000_000, folder=tmp_path, **more,
        )  # fmt: skip
        target = tmp_path / "bars.csv"
        found = exchange_source.fetch(asked, target)
        return found, [line.split(",") for line in target.read_text().splitlines()]

    return go


def code(fetch, **more):
    with pytest.raises(JobError) as caught:
        fetch(**more)
    return caught.value.code


def test_bars_come_page_by_page_from_where_each_symbol_ended_and_only_closed_ones(source, fetch):  # noqa: F811
    gap = [*range(700), *range(2_400, 2_600)]
    speak_binance(source, {"BTCUSDT": [FIRST + n * MINUTE for n in gap], "ETHUSDT": [FIRST + n * MINUTE for n in gap]})
    found, lines = fetch()
    assert found == Fetched("fetched", "binance.csv")
    assert lines[0] == list(exchange_source.COLUMNS)
    assert lines[1] == ["BTC/USDT", str(FIRST), "220.0", "222.0", "218.0", "221.0", "12.5"]
    assert [int(line[1]) for line in lines[1:]] == [FIRST + n * MINUTE for n in range(700)]
    asked = [path for path, _ in source.asked if "klines" in path]
    starts = [int(path.partition("startTime=")[2].partition("&")[0]) - FIRST for path in asked]
    assert starts == [0, 500 * MINUTE]
    # The bar that opened at minute 2,500 has not closed; what another symbol lacks is asked from its own end.
    ended = datetime.fromtimestamp(FIRST / 1000 + 2_450 * 60, UTC)
    _, lines = fetch(("BTC/USDT", "ETH/USDT"), minutes=2_500, since_of={"ETH/USDT": ended})
    times = {symbol: [int(line[1]) for line in lines[1:] if line[0] == symbol] for symbol in ("BTC/USDT", "ETH/USDT")}
    assert [len(times["BTC/USDT"]), times["BTC/USDT"][-1]] == [800, FIRST + 2_499 * MINUTE]
    assert [len(times["ETH/USDT"]), times["ETH/USDT"][0]] == [50, FIRST + 2_450 * MINUTE]
    # What takes too long ends early, and goes on the next time.
    assert fetch(enough_at=0.0)[0] == Fetched("empty")


def test_what_the_exchange_says_is_told_with_a_code(source, fetch):  # noqa: F811
    speak_binance(source, {"BTCUSDT": []})
    assert code(fetch, symbols=("DOGE/USDT",)) == "SOURCE_MISSING"
    assert code(fetch, timeframe="7m") == "SOURCE_MISSING"
    assert code(fetch, exchange="nosuch") == "SOURCE_MISSING"
    source.answers["/api/v3/klines"] = lambda handler: source.say(handler, 429, b'{"code":-1003,"msg":"slow down"}')
    assert code(fetch) == "SOURCE_BUSY"
    source.answers["/api/v3/klines"] = lambda handler: source.say(handler, 200, b"<html>no</html>")
    assert code(fetch) == "SOURCE_STATUS"
    source.asked.clear()
    assert code(fetch, networks=()) == "SOURCE_ADDRESS"
    assert source.asked == []
