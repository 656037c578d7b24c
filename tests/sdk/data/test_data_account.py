# ruff: noqa: E501 - one case a line
"""Instruments, the account's currency, and exchange rates."""

from datetime import date, datetime

import alphintra as al
import alphintra.data as data
import numpy as np
import pandas as pd
import pytest
from alphintra.errors import DataError

DAYS = pd.date_range("2024-01-02", periods=4, freq="B")  # sessions of XNYS
NAN, INF = float("nan"), float("inf")


def us(text):
    return int(np.datetime64(text, "us").astype(np.int64))


def frame(index=DAYS):
    return pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), 10.0), index=index)


def series(values, index=DAYS):
    return pd.Series(values, index=index[: len(values)])


# --- instruments


def test_an_instrument_keeps_what_it_was_given():
    own = al.Instrument(lot=1, tick=0.25, multiplier=50, currency="USD", asset_class="FUTURES", margin=12_000, start="2024-01-02", end=date(2024, 3, 15))
    assert (own.lot, own.tick, own.multiplier, own.margin) == (1.0, 0.25, 50.0, 12_000.0)
    assert (own.start, own.end) == (date(2024, 1, 2), date(2024, 3, 15))
    assert (own.first_session, own.last_session) == (19_724, 19_797)  # days since 1970, counted by hand: 54·365 + 13 + 1
    assert al.Instrument(start=datetime(2024, 1, 2), end=pd.Timestamp("2024-01-02")).end == date(2024, 1, 2)
    assert al.Instrument().first_session is None


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        *[({name: value}, f"{name}={value!r} is not a number above 0") for name in ("lot", "tick", "multiplier", "margin") for value in (0, -1, NAN, INF, True, "1")],
        ({"multiplier": None}, "multiplier=None is not a number above 0"),
        ({"currency": "usd"}, "currency='usd' is not upper case – Write 'USD'"),
        ({"currency": "DOLLAR"}, "currency='DOLLAR' is not a currency"),
        ({"currency": "ÄÖÜ"}, "is not a currency"),
        ({"asset_class": "FUTURE"}, "Did you mean 'FUTURES'?"),
        ({"start": "soon"}, "start='soon' is not a date"),
        ({"end": "2024-01-02 15:30"}, "has a time"),
        ({"start": "2024-01-03", "end": "2024-01-02"}, "start (2024-01-03) is after end (2024-01-02)"),
    ],
)  # fmt: skip
def test_bad_instruments_are_named(fields, says):
    with pytest.raises(DataError) as caught:
        al.Instrument(**fields)
    assert says in str(caught.value)


def test_what_is_left_open_comes_from_the_data_or_the_rule():
    market = data.resolve(
        {"A": frame(), "BTC": frame(), "EURUSD": frame(), "ES": frame(), "X": frame()},
        instruments={
            "BTC": {"asset_class": "CRYPTO"},
            "EURUSD": al.Instrument(asset_class="FOREX"),
            "ES": al.Instrument(asset_class="FUTURES", multiplier=50, tick=0.25, margin=12_000),
            "X": {"lot": 100},
        },
    )
    # F7: lot 1 for shares, 1e-8 for crypto, 1 elsewhere; no tick
    assert [(s, i.asset_class, i.lot, i.tick, i.multiplier, i.currency) for s, i in market.instruments.items()] == [
        ("A", "STOCKS", 1.0, None, 1.0, "USD"),
        ("BTC", "CRYPTO", 1e-8, None, 1.0, "USD"),
        ("EURUSD", "FOREX", 1.0, None, 1.0, "USD"),
        ("ES", "FUTURES", 1.0, 0.25, 50.0, "USD"),
        ("X", "STOCKS", 100.0, None, 1.0, "USD"),
    ]  # fmt: skip


def test_every_market_has_an_instrument_for_each_symbol():
    market = data.resolve("us-equities-daily")
    assert list(market.instruments) == list(market.symbols)
    assert {i.currency for i in market.instruments.values()} == {"USD"}
    assert list(data.resolve("us-equities-daily", end="2010-12-31").instruments) == ["AAPL", "GOOG", "IBM", "MSFT"]
    assert data.resolve("us-indices-daily/SP500").instruments["SP500"].asset_class == "INDEX"


def test_one_instrument_for_all_and_dates_outside_the_data():
    market = data.resolve({"A": frame(), "B": frame()}, instruments=al.Instrument(lot=10, start="1990-01-02", end="2050-01-03"))
    assert [i.lot for i in market.instruments.values()] == [10.0, 10.0]
    # what was said stays said when the data is resolved again
    assert data.resolve(market, end="2024-01-03").instruments["B"].end == date(2050, 1, 3)


@pytest.mark.parametrize(
    ("instruments", "code", "says"),
    [
        ({"APPL": al.Instrument()}, "UNKNOWN_SYMBOL", "no symbol 'APPL' in 'us-equities-daily/AAPL' – Did you mean 'AAPL'?"),
        ({"lot": 1}, "UNKNOWN_SYMBOL", "one instrument for all is al.Instrument"),
        ({"AAPL": {"lots": 1}}, "BAD_INSTRUMENT", "no field 'lots' (AAPL) – Did you mean 'lot'?"),
        ({"AAPL": {"lot": 0}}, "BAD_INSTRUMENT", "lot=0 is not a number above 0 (AAPL)"),
        ({"AAPL": 1}, "BAD_INSTRUMENT", "the instrument of 'AAPL' is a int"),
        ([al.Instrument()], "BAD_INSTRUMENT", "instruments is a list"),
    ],
)
def test_bad_mappings_of_instruments_are_named(instruments, code, says):
    with pytest.raises(DataError) as caught:
        data.resolve("us-equities-daily/AAPL", instruments=instruments)
    assert (caught.value.code, says in str(caught.value)) == (code, True), str(caught.value)


# --- currency


def test_given_data_is_in_the_accounts_currency_and_shipped_data_in_its_own():
    market = data.resolve(frame(), currency="EUR")
    assert (market.currency, market.instruments["DATA"].currency) == ("EUR", "EUR")
    assert data.resolve(data.resolve(frame()), currency="EUR").instruments["DATA"].currency == "EUR"
    with pytest.raises(DataError) as caught:
        data.resolve("us-equities-daily/AAPL", currency="EUR")
    assert caught.value.code == "MISSING_RATE"
    assert "'AAPL' is quoted in USD, and there is no rate from USD to EUR" in str(caught.value)
    assert 'rates={"USD": …}' in str(caught.value)


def test_a_currency_pair_is_quoted_in_its_second_currency():
    fx = {"USDJPY": {"asset_class": "FOREX"}}
    with pytest.raises(DataError, match="'USDJPY' is quoted in JPY"):
        data.resolve({"USDJPY": frame(), "B": frame()}, instruments=fx)
    market = data.resolve({"USDJPY": frame(), "B": frame()}, instruments=fx, rates={"JPY": 0.007})
    assert market.instruments["USDJPY"].currency == "JPY"


@pytest.mark.parametrize(("currency", "says"), [("usd", "Write 'USD'"), ("US", "three letters"), (1, "currency=1 is not")])
def test_bad_currencies_are_named(currency, says):
    with pytest.raises(DataError, match=says):
        data.resolve(frame(), currency=currency)


# --- rates

EURO = {"DATA": {"currency": "EUR"}}


def rates_of(rates, **more):
    return data.resolve(frame(), instruments=EURO, rates=rates, **more).rates["EUR"]


def test_a_constant_holds_from_the_first_bar():
    own = rates_of({"EUR": 1.25})
    assert (list(own.time), list(own.rate)) == ([us("2024-01-02T14:30")], [1.25])
    assert list(rates_of({"USDEUR": 0.8}).rate) == [1.25]  # inverted
    assert list(rates_of({"EUR/USD": 1.25}).rate) == [1.25]


def test_days_of_the_exchange_are_known_at_its_close():
    own = rates_of({"EUR": series([1.1, 1.2, 1.3, 1.4])})
    # the first day's rate holds from the first bar's open on: nothing is traded before its close
    assert [str(t)[:16] for t in own.time.astype("M8[us]")] == ["2024-01-02T14:30", "2024-01-03T21:00", "2024-01-04T21:00", "2024-01-05T21:00"]
    assert list(own.rate) == [1.1, 1.2, 1.3, 1.4]


def test_other_days_are_known_at_midnight():
    index = pd.DatetimeIndex(["2024-01-01", "2024-01-02", "2024-01-03"])  # New Year is no session
    own = rates_of({"EUR": series([1.1, 1.2, 1.3], index)})
    assert [str(t)[:16] for t in own.time.astype("M8[us]")] == ["2024-01-02T00:00", "2024-01-03T00:00", "2024-01-04T00:00"]


def test_times_are_known_when_they_say():
    index = pd.DatetimeIndex(["2024-01-01 16:00", "2024-01-03 15:00"])
    own = rates_of({"EURUSD": series([1.1, 1.2], index)})
    assert list(own.time) == [us("2024-01-01T16:00"), us("2024-01-03T15:00")]


@pytest.mark.parametrize("name", ["rate", "Close", "USD"])
def test_rates_in_frames_and_bars(name, tmp_path):
    wanted = [1.1, 1.2, 1.3, 1.4]
    one = pd.DataFrame({name: wanted}, index=DAYS)
    assert list(rates_of({"EUR": one}).rate) == wanted
    assert list(rates_of({"EUR": one.reset_index(names="date")}).rate) == wanted
    bars = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), wanted), index=DAYS)
    path = tmp_path / "eurusd.csv"
    bars.to_csv(path)
    for given in (bars, path, str(path), data.resolve(bars)):
        own = rates_of({"EUR": given})
        assert list(own.rate) == wanted
        assert own.time[1] == us("2024-01-03T21:00")


def test_end_cuts_rates_and_rates_are_part_of_the_identity():
    given = {"EUR": series([1.1, 1.2, 1.3, 1.4])}
    assert list(rates_of(given, end="2024-01-03").rate) == [1.1, 1.2]
    plain = data.resolve(frame())
    one, other = (data.resolve(frame(), instruments=EURO, rates={"EUR": rate}) for rate in (1.1, 1.2))
    assert len({plain.dataset_hash, one.dataset_hash, other.dataset_hash}) == 3
    again = data.resolve(one, end="2024-01-03")
    assert (again.dataset_hash, again.currency, list(again.rates)) == (one.dataset_hash, "USD", ["EUR"])
    with pytest.raises(DataError, match="are into USD, not CHF"):
        data.resolve(one, currency="CHF")


@pytest.mark.parametrize(
    ("rates", "code", "says"),
    [
        (None, "MISSING_RATE", "'DATA' is quoted in EUR, and there is no rate from EUR to USD (DATA)"),
        ({"EUO": 1.1}, "MISSING_RATE", "Did you mean 'EUO'?"),
        ({"EUR": 0}, "BAD_RATE", "the rate 0 is not a number above 0 (rates['EUR'])"),
        ({"EUR": -1.0}, "BAD_RATE", "the rate -1.0"),
        ({"EUR": NAN}, "BAD_RATE", "the rate nan"),
        ({"EUR": True}, "BAD_RATE", "the rate True"),
        ({"EUR": series([1.1, 0.0])}, "NOT_POSITIVE", "the rate is 0 (rates['EUR'], row 2, column 'rate')"),
        ({"EUR": series([1.1, -2.0])}, "NOT_POSITIVE", "the rate is -2"),
        ({"EUR": series([1.1, NAN])}, "NOT_FINITE", "the value is nan (rates['EUR'], row 2"),
        ({"EUR": series([1.1, INF])}, "NOT_FINITE", "the value is inf (rates['EUR'], row 2"),
        ({"EUR": series([1.1, 1.2], DAYS[[1, 0]])}, "UNSORTED_TIMES", "(rates['EUR'], row 2, column 'index') – Sort"),
        ({"EUR": series([1.1, 1.2], DAYS[[0, 0]])}, "DUPLICATE_TIME", "2024-01-02T00:00:00 occurs twice (rates['EUR'], row 2"),
        ({"EUR": series([1.1, 1.2], DAYS[1:])}, "RATE_BEGINS_LATE", "the rate of EUR begins on 2024-01-03, after the first bar of 'DATA' on 2024-01-02"),
        ({"EUR": series([])}, "NO_ROWS", "there are no rows (rates['EUR'])"),
        ({"EUR": pd.Series([1.1])}, "MISSING_COLUMN", "rates['EUR']"),
        ({"EUR": pd.DataFrame({"a": [1.0], "b": [2.0]}, index=DAYS[:1])}, "MISSING_COLUMN", "rates['EUR']"),
        ({"EUR": [1.1]}, "BAD_DATA_TYPE", "data is a list"),
        ({"EUR": "us-equities-daily"}, "BAD_RATE", "has 5 symbols (rates['EUR'])"),
        ({"EURO": 1.1}, "BAD_RATE", "rates: currency='EURO' is not a currency"),
        ({"eur": 1.1}, "BAD_RATE", "Write 'EUR'"),
        ({"EURGBP": 1.1}, "BAD_RATE", "'EURGBP' is no rate between USD and another currency"),
        ({"USD": 1.0}, "BAD_RATE", "USD is the account's currency"),
        ({"EUR": 1.1, "USDEUR": 0.9}, "BAD_RATE", "rates names EUR twice"),
        (1.1, "BAD_RATE", "rates is a float"),
    ],
)  # fmt: skip
def test_bad_rates_are_named(rates, code, says):
    with pytest.raises(DataError) as caught:
        rates_of(rates)
    assert (caught.value.code, says in str(caught.value)) == (code, True), str(caught.value)
