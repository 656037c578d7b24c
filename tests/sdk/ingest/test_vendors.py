"""Files as vendors write them: what each means by its columns, and what no cell of theirs says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.sdk.ingest.conftest import Desk, rows
from tests.sdk.ingest.test_guessing import BAR, MINUTES, Shape, at

LABEL = "Do times say when a bar opens or when it closes?"
_DAILY = dt.date(2020, 1, 2)
_NS = 1_704_205_800_000_000_000  # 2024-01-02 14:30 UTC
_OPENED = {"label": "open", "adjustment": "raw"}

SHAPES = {
    "CoinGecko: a volume of billions is no time": Shape(
        "btc-usd-max.csv",
        "snapped_at,price,market_cap,total_volume\n2020-01-02 00:00:00 UTC,7000.5,130580829150,2080845427\n"
        "2020-01-03 00:00:00 UTC,7300.5,133000000000,2811107379\n",
        "time close feature volume",
        {"symbol": "btc-usd-max", "date": _DAILY, "close": 7000.5, "market_cap": 130580829150.0,
         "volume": 2080845427.0},
        {"kind": "bars", "resolution": "date"},
    ),
    "CoinMarketCap: the number of a coin is no symbol": Shape(
        "Bitcoin_1_1_2020-2_1_2020_historical_data_coinmarketcap.csv",
        "timeOpen;timeClose;timeHigh;timeLow;name;open;high;low;close;volume;marketCap;timestamp\n"
        + "".join(
            f'"{day}T00:00:00.000Z";"{day}T23:59:59.999Z";"{day}T01:00:00.000Z";"{day}T02:00:00.000Z";"2781";1;2;0.5;'
            f'1.5;10;99;"{day}T23:59:59.999Z"\n' for day in ("2020-01-03", "2020-01-02")
        ),
        "time ignore ignore ignore ignore open high low close volume feature ignore",
        {"symbol": "Bitcoin", "date": _DAILY, **BAR, "volume": 10.0, "marketCap": 99.0, "_row": 2},
        {"symbol_from": "name"},
    ),
    "Databento: prices in whole numbers": Shape(
        "glbx-mdp3-20240102.ohlcv-1m.csv",
        "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol\n"
        f"{_NS},33,1,5602,1000000000,2000000000,500000000,1500000000,10,ESH4\n"
        f"{_NS + 60_000_000_000},33,1,5602,1000000000,2000000000,500000000,9223372036854775807,10,ESH4\n",
        "time feature feature feature open high low close volume symbol",
        {"symbol": "ESH4", "time": at(2024, 1, 2, 14, 30), "rtype": 33.0, "publisher_id": 1.0,
         "instrument_id": 5602.0, **BAR, "volume": 10.0},
        _OPENED,
    ),
    "Databento: nanoseconds written out, and orders that are no trades": Shape(
        "xnas-itch-20240102.mbp-1.csv",
        "ts_recv,ts_event,action,side,rtype,publisher_id,price,size,bid_px_00,ask_px_00,bid_sz_00,ask_sz_00,symbol\n"
        "2024-01-02T14:30:00.000001999Z,2024-01-02T14:30:00.000000500Z,A,B,1,2,179.99,7,179.98,180.01,200,300,AAPL\n"
        "2024-01-02T14:30:00.000002999Z,2024-01-02T14:30:00.000000700Z,C,B,1,2,179.99,7,179.98,180.01,200,300,AAPL\n",
        "time ignore text text feature feature feature feature bid ask bid_size ask_size symbol",
        {"symbol": "AAPL", "time": at(2024, 1, 2, 14, 30, 0, 1), "action": "A", "side": "B", "rtype": 1.0,
         "publisher_id": 2.0, "price": 179.99, "size": 7.0, "bid": 179.98, "ask": 180.01, "bid_size": 200.0,
         "ask_size": 300.0},
        {"kind": "ticks"},
    ),
    "Polygon's flat files": Shape(
        "2024-01-02.csv",
        "ticker,volume,open,close,high,low,window_start,transactions\n"
        f"AAPL,10,1,1.5,2,0.5,{_NS},3\nTRUE,10,1,1.5,2,0.5,{_NS},3\n",
        "symbol volume open close high low time feature",
        {"symbol": "AAPL", "time": at(2024, 1, 2, 14, 30), **BAR, "volume": 10.0, "transactions": 3.0},
        _OPENED,
    ),
    "Quandl's WIKI: closes are raw": Shape(
        "AAPL.csv",
        "Date,Open,High,Low,Close,Volume,Ex-Dividend,Split Ratio,Adj. Open,Adj. High,Adj. Low,Adj. Close,Adj. Volume\n"
        "2020-01-02,1,2,0.5,1.5,10,0.0,1.0,0.25,0.5,0.125,0.375,40\n"
        "2020-01-03,1,2,0.5,1.5,10,0.0,1.0,0.25,0.5,0.125,0.375,40\n",
        "time open high low close volume ignore ignore feature feature feature adj_close feature",
        {"symbol": "AAPL", "date": _DAILY, **BAR, "volume": 10.0, "Adj. Open": 0.25, "Adj. High": 0.5,
         "Adj. Low": 0.125, "adj_close": 0.375, "Adj. Volume": 40.0},
        {"adjustment": "raw"},
    ),
    "Sharadar: closes are adjusted for splits": Shape(
        "SHARADAR_SEP.csv",
        "ticker,date,open,high,low,close,volume,closeadj,closeunadj,lastupdated\n"
        "A,2020-01-03,1,2,0.5,1.5,10,1.4,6,2021-01-05\nA,2020-01-02,1,2,0.5,1.5,10,1.4,6,2021-01-05\n",
        "symbol time open high low close volume adj_close feature text",
        {"symbol": "A", "date": _DAILY, **BAR, "volume": 10.0, "adj_close": 1.4, "closeunadj": 6.0,
         "lastupdated": "2021-01-05", "_row": 2},
        {"adjustment": "splits"},
    ),
    "Sharadar: fundamentals are known from the day of filing on": Shape(
        "SHARADAR_SF1.csv",
        "ticker,dimension,calendardate,datekey,eps,price\nA,ARQ,2019-12-31,2020-02-19,1.1,84\n"
        "A,ARQ,2020-03-31,2020-05-21,1.2,85\n",
        "symbol text time known_at feature feature",
        {"symbol": "A", "date": dt.date(2019, 12, 31), "dimension": "ARQ",
         "known_at": dt.datetime(2020, 2, 20, tzinfo=dt.UTC), "eps": 1.1, "price": 84.0},
        {"kind": "features"},
    ),
    "FirstRate Data: adjustment and zone are in the name": Shape(
        "AAPL_full_1min_adjsplit.txt",
        "2024-01-02 09:30:00,1,2,0.5,1.5,10\n2024-01-02 09:31:00,1,2,0.5,1.5,10\n",
        "time open high low close volume",
        {"symbol": "AAPL", "time": at(2024, 1, 2, 14, 30), **BAR, "volume": 10.0},
        {"zone": "America/New_York", "label": "open", "adjustment": "splits"},
    ),
    "HistData: ticks, in Eastern Standard Time all the year": Shape(
        "DAT_ASCII_EURUSD_T_202407.csv",
        "20240701 093000902,1.10025,1.1003,0\n20240701 093001033,1.10026,1.1003,0\n",
        "time bid ask ignore",
        {"symbol": "EURUSD", "time": at(2024, 7, 1, 14, 30, 0, 902_000), "bid": 1.10025, "ask": 1.1003},
        {"kind": "ticks", "zone": "Etc/GMT+5"},
    ),
    "Dukascopy: days are before months; local times say how far they are ahead": Shape(
        "EURUSD_Candlestick_1_Hour_BID_01.06.2024-05.06.2024.csv",
        "Local time,Open,High,Low,Close,Volume\n01.06.2024 22:00:00.000 GMT+0200,1,2,0.5,1.5,10\n"
        "02.06.2024 00:00:00.000 GMT+0200,1,2,0.5,1.5,10\n",
        "time open high low close volume",
        {"symbol": "EURUSD", "time": at(2024, 6, 1, 20), **BAR, "volume": 10.0},
        {"label": "open"},
    ),
    "Stooq in Polish, with times of day": Shape(
        "eurusd_5.csv",
        "Data,Czas,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie\n2024-01-02,09:30:00,1,2,0.5,1.5\n"
        "2024-01-02,09:35:00,1,2,0.5,1.5\n",
        "date clock open high low close",
        {"symbol": "eurusd_5", "time": at(2024, 1, 2, 14, 30), **BAR},
        {},
        (MINUTES, LABEL),
    ),
    "MultiCharts stamps a bar at its close, whose columns are called as MetaTrader's": Shape(
        "ES.csv",
        "<Date>, <Time>, <Open>, <High>, <Low>, <Close>, <Volume>\n01/22/2024, 09:31:00,1,2,0.5,1.5,10\n"
        "01/22/2024, 09:32:00,1,2,0.5,1.5,10\n",
        "date clock open high low close volume",
        {"symbol": "ES", "time": at(2024, 1, 22, 14, 31), **BAR, "volume": 10.0},
        {"label": "unknown"},
        (MINUTES, LABEL),
    ),
    "A date, a clock and no header is not MetaTrader's alone": Shape(
        "IVE.txt",
        "01/22/2024,09:30,1,2,0.5,1.5,10\n01/22/2024,09:31,1,2,0.5,1.5,10\n",
        "date clock open high low close volume",
        {"symbol": "IVE", "time": at(2024, 1, 22, 14, 30), **BAR, "volume": 10.0},
        {"label": "unknown"},
        (MINUTES, LABEL),
    ),
    "TradingView": Shape(
        "NASDAQ_AAPL, 5.csv",
        "time,open,high,low,close,Volume,Volume MA\n1704205800,1,2,0.5,1.5,10,9\n1704206100,1,2,0.5,1.5,10,9\n",
        "time open high low close volume feature",
        {"symbol": "AAPL", "time": at(2024, 1, 2, 14, 30), **BAR, "volume": 10.0,
         "Volume MA": 9.0},
        {"label": "open"},
    ),
    "Interactive Brokers: the zone behind each time": Shape(
        "AAPL.csv",
        "date,open,high,low,close\n20240102 09:30:00 US/Eastern,1,2,0.5,1.5\n"
        "20240102 09:31:00 US/Eastern,1,2,0.5,1.5\n",
        "time open high low close",
        {"symbol": "AAPL", "time": at(2024, 1, 2, 14, 30), **BAR},
        {"zone": "US/Eastern"},
        (LABEL,),
    ),
    "Interactive Brokers: a semicolon inside of quotes is no delimiter": Shape(
        "trades.csv",
        '"Account","Symbol","DateTime","TradePrice"\n"U1","AAPL","20240102;093000","1.5"\n'
        '"U1","AAPL","20240102;093100","1.6"\n',
        "text symbol time feature",
        {"symbol": "AAPL", "time": at(2024, 1, 2, 14, 30), "Account": "U1", "TradePrice": 1.5},
        {},
        (MINUTES,),
    ),
    "NinjaTrader's ticks": Shape(
        "AAPL.txt",
        "20240102 093000 4074839;1.5;1.4;1.6;3\n20240102 093000 4074839;1.5;1.4;1.6;4\n",
        "time price bid ask size",
        {"symbol": "AAPL", "time": at(2024, 1, 2, 14, 30, 0, 407_483), "price": 1.5, "bid": 1.4, "ask": 1.6,
         "size": 3.0},
        {"kind": "ticks"},
        (MINUTES,),
    ),
    "Kraken over REST: the average price is no volume": Shape(
        "XBTUSD.json",
        '{"error":[],"result":{"XXBTZUSD":[[1704205800,"1","2","0.5","1.5","1.25","10",17],'
        '[1704205860,"1","2","0.5","1.5","1.25","10",17]],"last":1704205860}}',
        "time open high low close feature volume feature",
        {"symbol": "XBTUSD", "time": at(2024, 1, 2, 14, 30), **BAR, "column_6": 1.25, "volume": 10.0, "column_8": 17.0},
        {},
        (LABEL,),
    ),
    "Bybit over REST: one object around the rows": Shape(
        "BTCUSDT.json",
        '{"retCode":0,"result":{"symbol":"BTCUSDT","list":[["1704205860000","1","2","0.5","1.5","10"],'
        '["1704205800000","1","2","0.5","1.5","10"]]},"time":1704205900000}',
        "time open high low close volume",
        {"symbol": "BTCUSDT", "time": at(2024, 1, 2, 14, 30), **BAR, "volume": 10.0, "_row": 2},
        {"path": "result.list.item"},
        (LABEL,),
    ),
    "Coinbase: low, high, open, close": Shape(
        "BTC-USD.json",
        "[[1704205800,0.5,2,1,1.5,10],[1704205860,0.5,2,1,1.75,10]]",
        "time low high open close volume",
        {"symbol": "BTC-USD", "time": at(2024, 1, 2, 14, 30), **BAR, "volume": 10.0},
        {},
        (LABEL,),
    ),
    "Bitfinex: open, close, high, low": Shape(
        "tBTCUSD.json",
        "[[1704205800000,1,1.5,2,0.5,10],[1704205860000,1,1.5,2,0.5,10]]",
        "time open close high low volume",
        {"symbol": "tBTCUSD", "time": at(2024, 1, 2, 14, 30), **BAR, "volume": 10.0},
        {},
        (LABEL,),
    ),
    "Binance, across the change from milliseconds to microseconds": Shape(
        "BTCUSDT-1h.csv",
        "1735686000000,1,2,0.5,1.5,10,1735689599999,15,3,5,7,0\n"
        "1735689600000000,1,2,0.5,1.5,10,1735693199999999,15,3,5,7,0\n",
        "time open high low close volume ignore feature feature feature feature ignore",
        {"symbol": "BTCUSDT", "time": at(2024, 12, 31, 23), **BAR, "volume": 10.0, "quote_volume": 15.0, "trades": 3.0,
         "taker_buy_volume": 5.0, "taker_buy_quote_volume": 7.0},
    ),
    "CryptoDataDownload: the volume of the coin that is traded": Shape(
        "Binance_ETHUSDT_d.csv",
        "https://www.CryptoDataDownload.com\nUnix,Date,Symbol,Open,High,Low,Close,Volume ETH,Volume USDT\n"
        "1578009600000,2020-01-03,ETHUSDT,1,2,0.5,1.5,10,15\n1577923200000,2020-01-02,ETHUSDT,1,2,0.5,1.5,10,15\n",
        "time ignore symbol open high low close volume feature",
        {"symbol": "ETHUSDT", "date": _DAILY, **BAR, "volume": 10.0, "Volume USDT": 15.0, "_row": 2},
    ),
    "Investing.com in German": Shape(
        "DAX.csv",
        '"Datum","Zuletzt","Eröffn.","Hoch","Tief","Vol.","+/- %"\n"13.01.2020","13.451,52","13.495,25","13.496,11",'
        '"13.431,79","64,96M","-0,24%"\n"02.01.2020","1,5","1,0","2,0","0,5","1,5K","1,03%"\n',
        "time close open high low volume feature",
        {"symbol": "DAX", "date": _DAILY, **BAR, "volume": 1500.0, "+/- %": 0.0103, "_row": 2},
    ),
    "Ariva: shares, not what was paid for them": Shape(
        "SAP.csv",
        "Datum;Erster;Hoch;Tief;Schlusskurs;Stuecke;Volumen\n2020-01-02;1,0;2,0;0,5;1,5;1.000;1.500\n"
        "2020-01-03;1,0;2,0;0,5;1,5;21.513.905;32.270.857\n",
        "time open high low close volume feature",
        {"symbol": "SAP", "date": _DAILY, **BAR, "volume": 1000.0, "Volumen": 1500.0},
    ),
    "Tushare: lots of a hundred, money in thousands": Shape(
        "000001.SZ.csv",
        ",ts_code,trade_date,open,high,low,close,vol,amount\n"
        + "".join(f"{n},000001.SZ,2020010{n + 2},1,2,0.5,1.5,12.25,{12.25 * 100 * 1.45 / 1000}\n" for n in range(4)),
        "ignore symbol time open high low close volume feature",
        {"symbol": "000001.SZ", "date": _DAILY, **BAR, "volume": 1225.0, "amount": 1.77625},
    ),
    "AKShare: Chinese names, lots of a hundred": Shape(
        "000001.csv",
        "日期,股票代码,开盘,收盘,最高,最低,成交量,成交额\n"
        + "".join(f"2020-01-0{n + 2},000001,1,1.5,2,0.5,12,{12 * 100 * 1.4}\n" for n in range(4)),
        "time symbol open close high low volume feature",
        {"symbol": "000001", "date": _DAILY, **BAR, "volume": 1200.0, "成交额": 1680.0},
    ),
    "Baostock: the time of day is not lost": Shape(
        "sh.600000.csv",
        "date,time,code,open,high,low,close\n2024-01-02,20240102093500000,sh.600000,1,2,0.5,1.5\n"
        "2024-01-02,20240102094000000,sh.600000,1,2,0.5,1.5\n",
        "ignore time symbol open high low close",
        {"symbol": "sh.600000", "time": at(2024, 1, 2, 14, 35), **BAR},
        {},
        (MINUTES, LABEL),
    ),
    "TAQ: the time of day is not lost": Shape(
        "taq.csv",
        "DATE,TIME_M,SYM_ROOT,SIZE,PRICE\n20240102,9:30:00.503453740,IBM,100,160.0\n"
        "20240102,9:30:00.503453741,IBM,100,160.1\n",
        "date clock symbol size price",
        {"symbol": "IBM", "time": at(2024, 1, 2, 14, 30, 0, 503_453), "size": 100.0, "price": 160.0},
        {"kind": "ticks"},
        (MINUTES,),
    ),
    "NSE's bhavcopy: traders know the ticker, not the ISIN": Shape(
        "bhav.csv",
        "TradDt,ISIN,TckrSymb,OpnPric,HghPric,LwPric,ClsPric,TtlTradgVol\n2020-01-02,INE002A01018,RELIANCE,1,2,0.5,1.5,"
        "10\n2020-01-02,INE009A01021,INFY,1,2,0.5,1.5,10\n",
        "time text symbol open high low close volume",
        {"symbol": "INFY", "date": _DAILY, "ISIN": "INE009A01021", **BAR, "volume": 10.0, "_row": 2},
    ),
    "Kenneth French: -99.99 is no return": Shape(
        "F-F_Research_Data_Factors_daily.csv",
        "This file was created by CMPT_ME_BEME_RETS.\nBy hand.\n\n,Mkt-RF,SMB,HML,RF\n20200102, -99.99,  -0.97,  "
        "-0.34,  0.006\n20200103,  -0.67,   0.30,  -99.99,  0.006\n",
        "time feature feature feature feature",
        {"symbol": "F-F_Research_Data_Factors_daily", "date": _DAILY, "Mkt-RF": None, "SMB": -0.97, "HML": -0.34,
         "RF": 0.006},
    ),
    "Bloomberg: a word for nothing loses no row": Shape(
        "AAPL.csv",
        "Security,AAPL US Equity\nCurrency,USD\n\nDate,PX_OPEN,PX_LAST\n2020-01-02,1,1.5\n2020-01-03,#N/A N/A,1.5\n",
        "time open close",
        {"symbol": "AAPL", "date": _DAILY, "open": 1.0, "close": 1.5},
        {"null_values": ("#N/A N/A",)},
    ),
    "A sign of money behind, thousands between spaces": Shape(
        "BMW.csv",
        "Datum;Schlusskurs;Volumen\n02.01.2020;1,50 €;1\u202f000\n13.01.2020;7\u202f501,50 €;76\u202f496\u202f171\n",
        "time close volume",
        {"symbol": "BMW", "date": _DAILY, "close": 1.5, "volume": 1000.0},
    ),
    "ALFRED: values are known from their vintage on": Shape(
        "GDP.csv",
        "date,realtime_start,value\n2020-01-01,2020-04-29,1.5\n2020-04-01,2020-07-30,2.5\n",
        "time known_at feature",
        {"symbol": "GDP", "date": dt.date(2020, 1, 1), "known_at": dt.datetime(2020, 4, 30, tzinfo=dt.UTC),
         "value": 1.5},
        {"kind": "features"},
    ),
    "FRED: the day of the download is not from when values were known": Shape(
        "GDP.csv",
        "date,realtime_start,value\n2020-01-01,2024-04-29,1.5\n2020-04-01,2024-04-29,2.5\n",
        "time text feature",
        {"symbol": "GDP", "date": dt.date(2020, 1, 1), "realtime_start": "2024-04-29", "value": 1.5},
    ),
    "The day on which a contract ends is not that of a bar": Shape(
        "ES.csv",
        "expiry,session,open,high,low,close\n2020-03-20,2020-01-02,1,2,0.5,1.5\n2020-03-20,2020-01-03,1,2,0.5,1.5\n",
        "text time open high low close",
        {"symbol": "ES", "date": _DAILY, "expiry": "2020-03-20", **BAR},
    ),
    "Numbers of trades without a header are no times where times are written": Shape(
        "ES.csv",
        "1700000000,1.5,10,2024-01-02T14:30:00Z\n1700000001,1.6,10,2024-01-02T14:30:01Z\n",
        "feature feature feature time",
        {"symbol": "ES", "time": at(2024, 1, 2, 14, 30), "column_1": 1_700_000_000.0, "column_2": 1.5,
         "column_3": 10.0},
    ),
    "Yahoo's page, as it is copied": Shape(
        "AAPL.csv",
        "Date,Open,High,Low,Close Close price adjusted for splits.,Adj Close Adjusted close price adjusted for splits "
        'and dividend and/or capital gain distributions.,Volume\n"Jan 2, 2020",1,2,0.5,1.5,1.4,"1,000"\n'
        '"Jan 3, 2020",1,2,0.5,1.5,1.4,"1,000"\n',
        "time open high low close adj_close volume",
        {"symbol": "AAPL", "date": _DAILY, **BAR, "adj_close": 1.4, "volume": 1000.0},
    ),
    "Swiss thousands": Shape(
        "NESN.csv",
        "Date;Close;Volume\n2020-01-02;1.5;1'000\n2020-01-03;3'019.40;76'496'171\n",
        "time close volume",
        {"symbol": "NESN", "date": _DAILY, "close": 1.5, "volume": 1000.0},
    ),
}  # fmt: skip


FINE = {
    "Databento: nanoseconds written out, and orders that are no trades", "NinjaTrader's ticks",
    "TAQ: the time of day is not lost",
}  # fmt: skip
"""Those whose times are finer than microseconds."""


@pytest.mark.parametrize("vendor", SHAPES)
def test_a_vendor_is_recognised(vendor: str, desk: Desk) -> None:
    shape = SHAPES[vendor]
    path = desk.write(shape.name, shape.text)
    guess = desk.inspect(path).guess
    mapping = guess.mapping
    assert " ".join(column.role for column in mapping.columns) == shape.roles
    assert {name: getattr(mapping, name) for name in shape.fields} == shape.fields
    assert tuple(own.text for own in guess.questions if own.field != "symbol") == shape.asked
    if MINUTES in shape.asked:
        mapping = replace(mapping, zone="America/New_York")
    staged = desk.read_as(path, mapping)
    found = rows(staged)
    assert found[0] == shape.first
    assert len(found) == staged.rows > 1
    assert staged.counts == ({"TS_PRECISION": staged.rows} if vendor in FINE else {})


def _days(header: str, row: Callable[[int], str]) -> str:
    return "".join([f"{header}\n", *(f"2020-01-0{n + 1},{row(n)}\n" for n in range(9))])


ORDINARY = {
    "whole prices that are in full, with Databento's columns": _days(
        "ts_event,rtype,publisher_id,open,high,low,close,volume", lambda n: f"35,1,60000,60500,59000,6010{n},1000000"
    ),
    "whole prices that are in full, with Nautilus' columns": _days(
        "ts_event,open,high,low,close,volume,ts_init", lambda n: f"99000000,99100000,98900000,9900000{n},0.25,1"
    ),
    "gold, a thousand grams a contract, money in ten thousands": _days(
        "trade_date,open,high,low,close,settle,vol,amount,oi", lambda n: f"400,410,390,400,400,{n + 5},{(n + 5) * 40},1"
    ),
    "Huobi, whose volume is the money": _days(
        "date,open,close,low,high,amount,vol,count", lambda n: f"0.1,0.1,0.09,0.11,{1000 + n},{(1000 + n) / 10},7"
    ),
}  # fmt: skip


@pytest.mark.parametrize("header", [",Close,PnL", ",long,short"])
def test_a_loss_of_999_is_one_where_nothing_says_that_it_is_none(header: str, desk: Desk) -> None:
    text = f"A strategy\n\n\n{header}\n2020-01-02,1.5,-999\n2020-01-03,1.5,12\n"
    assert desk.inspect(desk.write("x.csv", text)).guess.mapping.null_values == ()


@pytest.mark.parametrize("what", ORDINARY)
def test_numbers_of_others_are_taken_as_they_are_written(what: str, desk: Desk) -> None:
    mapping = desk.inspect(desk.write("x.csv", ORDINARY[what])).guess.mapping
    assert {column.divisor for column in mapping.columns} == {1.0}
