"""What Binance answers to the requests that ccxt makes for bars, from bars of the tests' own."""

import json
from urllib.parse import parse_qs, urlsplit

MINUTE = 60_000
PAGE = 1_000


def market(base, quote):
    """A market as ``exchangeInfo`` has it."""
    return {
        "symbol": base + quote, "status": "TRADING", "baseAsset": base, "quoteAsset": quote, "baseAssetPrecision": 8,
        "quotePrecision": 8, "quoteAssetPrecision": 8, "orderTypes": ["LIMIT"], "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False, "permissions": ["SPOT"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.0", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.0", "stepSize": "0.00001"},
        ],
    }  # fmt: skip


def bar(opened, price):
    """A bar as ``klines`` has it."""
    texts = [f"{price:.2f}", f"{price + 2:.2f}", f"{price - 2:.2f}", f"{price + 1:.2f}", "12.5"]
    return [opened, *texts, opened + MINUTE - 1, "1000.0", 10, "6.0", "500.0", "0"]


def speak_binance(source, bars):
    """Have a source answer as Binance does.

    Args:
        source: The server.
        bars: Symbol, such as ``BTCUSDT``, → times at which bars open, in milliseconds.
    """

    def say(handler, content):
        source.say(handler, 200, json.dumps(content).encode(), Content_Type="application/json")

    def klines(handler):
        asked = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        assert asked["interval"] == "1m"
        since, most = int(asked["startTime"]), int(asked["limit"])
        times = [opened for opened in bars[asked["symbol"]] if opened >= since]
        say(handler, [bar(opened, opened // MINUTE % 1_000 + 100) for opened in times[:most]])

    def markets(handler):
        say(handler, {"timezone": "UTC", "symbols": [market("BTC", "USDT"), market("ETH", "USDT")]})

    source.answers["/api/v3/exchangeInfo"] = markets
    for path in ("/fapi/v1/exchangeInfo", "/dapi/v1/exchangeInfo"):
        source.answers[path] = lambda handler: say(handler, {"symbols": []})
    source.answers["/api/v3/klines"] = klines
