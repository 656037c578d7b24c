# ruff: noqa: E501 - one case a line
"""Price bases (rule F8) and splits and dividends: those stored with the shares, and those given."""

import alphintra.data as data
import numpy as np
import pandas as pd
import pytest
from alphintra.data import basis
from alphintra.errors import DataError, RuleError

DAYS = pd.date_range("2024-01-02", periods=6, freq="B")  # 2 Jan to 9 Jan, all sessions of XNYS


def day(text):
    return int(np.datetime64(text, "D").astype(np.int64))


def us(text):
    return int(np.datetime64(text, "us").astype(np.int64))


def frame(closes=(100.0,) * 6, **columns):
    price = np.array(closes)
    values = dict.fromkeys(("open", "high", "low", "close"), price)
    return pd.DataFrame({**values, **columns}, index=DAYS[: len(price)])


def codes(market):
    return [note.code for note in market.notes if note.code != "time_zone_assumed"]


# --- the shipped shares


def test_auto_trades_the_shares_raw_with_events():
    market = data.resolve("us-equities-daily", prices="auto")
    assert market.prices == "raw, splits and dividends as events"
    stored = data.load("us-equities-daily").stored()
    for symbol, bars in market.bars.items():
        for column in ("open", "high", "low", "close", "volume"):
            np.testing.assert_array_equal(getattr(bars, column), stored[symbol][column])
    assert sorted(market.actions) == ["AAPL", "IBM", "MSFT"]  # FB and GOOG had none in these years
    assert codes(market) == ["survivors"]  # a known split is no news
    raw = data.resolve("us-equities-daily", prices="raw")
    assert raw.prices == market.prices
    assert raw.dataset_hash == market.dataset_hash == data.resolve("us-equities-daily").dataset_hash


def test_adjusted_is_what_it_was():
    market = data.resolve("us-equities-daily/AAPL", prices="adjusted")
    assert (market.prices, market.actions) == ("adjusted, dividends reinvested", {})
    # worked in test_data_shipped from the source's first and last row
    assert market.bars["AAPL"].close[0] == pytest.approx(130.31 * 0.24636624, rel=1e-7)


def test_the_default_is_one_constant(monkeypatch):
    assert data.resolve("us-equities-daily/AAPL").prices == data.resolve("us-equities-daily/AAPL", prices=basis.DEFAULT_PRICES).prices
    monkeypatch.setattr(basis, "DEFAULT_PRICES", "auto")
    assert data.resolve("us-equities-daily/AAPL").actions
    assert data.load("us-equities-daily/AAPL").market().actions
    # charts stay without the jumps of splits
    assert data.load("us-equities-daily/AAPL").shown().prices == "adjusted, dividends reinvested"


@pytest.mark.parametrize(
    ("symbol", "date", "split", "dividend"),
    [
        # investor.apple.com, "Stock split history" and "Dividend history" (amounts as paid, before 2014's 7:1)
        ("AAPL", "2000-06-21", 2.0, 0.0),
        ("AAPL", "2005-02-28", 2.0, 0.0),
        ("AAPL", "2012-08-09", 1.0, 2.65),
        ("AAPL", "2012-11-07", 1.0, 2.65),
        ("AAPL", "2013-02-07", 1.0, 2.65),
        # microsoft.com/investor, "Dividends and stock history": 2:1 in February 2003, $3.00 special and $0.08
        ("MSFT", "2003-02-18", 2.0, 0.0),
        ("MSFT", "2003-02-19", 1.0, 0.08),
        ("MSFT", "2004-11-15", 1.0, 3.08),
        # ibm.com/investor, "Dividends and stock splits": the split before was in May 1999
        ("IBM", "2012-08-08", 1.0, 0.85),
    ],
)
def test_actions_are_those_of_public_record(symbol, date, split, dividend):
    own = data.resolve("us-equities-daily", prices="auto").actions[symbol]
    row = list(own.ex).index(day(date))
    assert own.split[row] == split
    assert own.dividend[row] == pytest.approx(dividend, abs=1e-9)


def test_actions_have_their_types_and_order_and_are_known_at_the_open():
    market = data.resolve("us-equities-daily", prices="auto")
    assert [len(market.actions[s]) for s in ("AAPL", "IBM", "MSFT")] == [5, 52, 38]
    for own in market.actions.values():
        assert [a.dtype for a in (own.ex, own.split, own.dividend, own.known)] == [np.int32, np.float64, np.float64, np.int64]
        assert (np.diff(own.ex) > 0).all()
    assert (market.actions["IBM"].split == 1.0).all()
    apple = market.actions["AAPL"]
    assert list(apple.known[[0, 1]]) == [us("2000-06-21T13:30"), us("2005-02-28T14:30")]  # summer, winter


def test_raw_prices_and_events_give_the_vendors_adjusted_close():
    # The vendor multiplies all closes before an ex-date by close / (close + dividend) of that date,
    # and divides them by the split. Its last close is not 1: it carries splits after the data's end.
    market = data.resolve("us-equities-daily", prices="auto")
    for symbol, stored in data.load("us-equities-daily").stored().items():
        close = stored["close"]
        step = np.ones(len(close))
        if symbol in market.actions:
            own = market.actions[symbol]
            rows = np.searchsorted(stored["session"], own.ex)
            assert (stored["session"][rows] == own.ex).all()
            step[rows] = own.split * (1 + own.dividend / close[rows])
        before = np.append(np.cumprod(step[:0:-1])[::-1], 1.0)  # product of all later steps
        worked = close / before * (stored["adj_close"][-1] / close[-1])
        np.testing.assert_allclose(worked, stored["adj_close"], rtol=1e-10)


def test_derived_dividends_are_whole_cents():
    for own in data.resolve("us-equities-daily", prices="auto").actions.values():
        np.testing.assert_allclose(own.dividend, np.round(own.dividend, 2), atol=1e-9)


def test_end_cuts_events_too():
    market = data.resolve("us-equities-daily/AAPL,MSFT", end="2003-02-18", prices="auto")
    assert list(market.actions["AAPL"].ex) == [day("2000-06-21")]
    assert list(market.actions["MSFT"].ex) == [day("2003-02-18")]
    early = data.resolve("us-equities-daily/AAPL,MSFT", end="2003-02-14", prices="auto")
    assert sorted(early.actions) == ["AAPL"]


# --- the rule


@pytest.mark.parametrize(
    ("name", "prices", "text"),
    [
        ("us-indices-daily", "auto", "as given"),
        ("us-indices-daily", "raw", "as given"),
        ("us-indices-daily", "adjusted", "as given"),
        ("us-closes-daily/AAPL", "auto", "adjusted, dividends reinvested"),
        ("us-closes-daily/AAPL", "adjusted", "adjusted, dividends reinvested"),
    ],
)
def test_data_without_events(name, prices, text):
    assert data.resolve(name, prices=prices).prices == text


def test_a_frame_with_an_adjusted_close_trades_adjusted():
    given = frame([100, 50, 50, 50, 50, 50], **{"Adj Close": [50.0] * 6})
    for prices in (None, "auto", "adjusted"):
        market = data.resolve(given, prices=prices)
        assert (market.prices, market.actions) == ("adjusted, dividends reinvested", {})
        assert list(market.bars["DATA"].close) == [50.0] * 6
        assert codes(market) == []
    raw = data.resolve(given, prices="raw")
    assert raw.prices == "raw, splits and dividends not known"
    assert list(raw.bars["DATA"].close[:2]) == [100.0, 50.0]
    assert codes(raw) == ["looks_like_split"]
    # raw prices do not ask for an adjusted close everywhere
    assert data.resolve({"A": given, "B": frame()}, prices="raw").symbols == ("A", "B")


def test_a_price_basis_that_cannot_be():
    with pytest.raises(RuleError, match="Did you mean 'adjusted'"):
        data.resolve("us-equities-daily", prices="adjustd")
    with pytest.raises(DataError, match="adjusted prices only") as caught:
        data.resolve("us-closes-daily", prices="raw")
    assert caught.value.code == "NO_RAW_PRICES"
    adjusted = data.resolve("us-equities-daily/AAPL", prices="adjusted")
    with pytest.raises(DataError, match="was adjusted before"):
        data.resolve(adjusted, prices="raw")
    with pytest.raises(DataError, match="raw prices with events"):
        data.resolve(data.resolve("us-equities-daily/AAPL", prices="auto"), prices="adjusted")
    assert data.resolve(adjusted, prices="auto") is adjusted


# --- given events


SPLIT = [100, 100, 25, 25, 25, 25]


@pytest.mark.parametrize(
    "events",
    [
        {"splits": {"DATA": {"2024-01-04": 4.0}}},
        {"splits": {"2024-01-04": 4}},
        {"splits": {"DATA": pd.Series([4.0], index=pd.DatetimeIndex(["2024-01-04"]))}},
        {"splits": pd.Series([4.0], index=pd.DatetimeIndex(["2024-01-04"]))},
        {"splits": pd.Series([4.0], index=pd.DatetimeIndex(["2024-01-04"]).tz_localize("America/New_York"))},
        {"events": pd.DataFrame({"kind": ["split"], "ex_date": ["2024-01-04"], "value": [4.0]})},
        {"events": pd.DataFrame({"symbol": ["DATA"], "kind": ["split"], "ex_date": [pd.Timestamp("2024-01-04")], "value": [4]})},
    ],
)  # fmt: skip
def test_a_split_in_every_form(events):
    market = data.with_events(frame(SPLIT), **events)
    own = market.actions["DATA"]
    assert (list(own.ex), list(own.split), list(own.dividend)) == ([day("2024-01-04")], [4.0], [0.0])
    assert list(own.known) == [us("2024-01-04T14:30")]
    assert market.prices == "raw, splits and dividends as events"
    assert codes(market) == []
    assert data.resolve(market, prices="auto") is market
    assert market.dataset_hash != data.resolve(frame(SPLIT)).dataset_hash
    assert market.dataset_hash == data.with_events(frame(SPLIT), splits={"2024-01-04": 4.0}).dataset_hash
    assert market.dataset_hash != data.with_events(frame(SPLIT), splits={"2024-01-04": 4.5}).dataset_hash


def test_a_split_and_dividends_of_one_day():
    events = pd.DataFrame(
        {
            "symbol": "DATA",
            "kind": ["dividend", "split", "dividend", "dividend"],
            "ex_date": ["2024-01-04", "2024-01-04", "2024-01-04", "2024-01-08"],
            "value": [1.5, 4.0, 0.25, 2.0],
            "known_from": [None, None, "2023-12-20", None],
        }
    )
    own = data.with_events(frame(SPLIT), events).actions["DATA"]
    assert (list(own.split), list(own.dividend)) == ([4.0, 1.0], [1.75, 2.0])
    assert list(own.known) == [us("2023-12-20"), us("2024-01-08T14:30")]


def test_days_without_a_dividend_may_be_zero():
    column = pd.Series([0.0, 0.0, 0.5, 0.0, 0.0, 0.0], index=DAYS)
    own = data.with_events(frame(), dividends={"DATA": column}).actions["DATA"]
    assert (list(own.ex), list(own.dividend)) == ([day("2024-01-04")], [0.5])


def test_given_events_replace_the_stored_ones_of_their_symbol():
    market = data.with_events("us-equities-daily/AAPL,MSFT", dividends={"AAPL": {"2012-08-09": 2.65}})
    assert list(market.actions["AAPL"].ex) == [day("2012-08-09")]
    assert len(market.actions["MSFT"]) == 38
    # without its splits the shares' jumps are reported again
    warning = next(n for n in market.notes if n.code == "looks_like_split")
    assert warning.text == "looks like a split: AAPL on 2000-06-21, 2005-02-28"


def test_an_adjusted_close_beside_events_is_not_used():
    market = data.with_events(frame(SPLIT, adj_close=25.0), splits={"2024-01-04": 4})
    assert list(market.bars["DATA"].close) == SPLIT


def test_events_outside_the_bars_have_no_effect():
    market = data.with_events(frame(SPLIT), splits={"2024-01-02": 2, "2024-01-04": 4, "2030-01-02": 2})
    assert list(market.actions["DATA"].ex) == [day("2024-01-04")]
    assert market.notes[-1].text == "splits and dividends outside the bars of DATA, without effect: 2"


def test_doubtful_events_are_reported():
    adjusted = data.with_events(frame(), splits={"2024-01-04": 4})
    assert codes(adjusted) == ["split_without_move"]
    assert "on 2024-01-04; is it adjusted already?" in adjusted.notes[-1].text
    assert codes(data.with_events(frame(), dividends={"2024-01-04": 51})) == ["large_dividend"]
    assert codes(data.with_events(frame(), dividends={"2024-01-04": 49})) == []


def test_intraday_events_are_known_at_the_days_first_bar():
    index = pd.date_range("2024-01-03 20:00", periods=8, freq="h", tz="UTC")
    prices = dict.fromkeys(("open", "high", "low", "close"), 10.0)
    market = data.with_events(pd.DataFrame(prices, index=index), dividends={"2024-01-04": 1})
    assert list(market.actions["DATA"].known) == [us("2024-01-04T00:00")]


@pytest.mark.parametrize(
    ("events", "code", "says"),
    [
        ({"splits": {"DATA": {"2024-01-04": 0.0}}}, "BAD_SPLIT", "a split of ratio 0 (DATA, 2024-01-04)"),
        ({"splits": {"2024-01-04": -2}}, "BAD_SPLIT", "a split of ratio -2 (DATA, 2024-01-04)"),
        ({"splits": {"2024-01-04": float("nan")}}, "BAD_SPLIT", "a split of ratio nan (DATA, 2024-01-04)"),
        ({"splits": {"2024-01-04": float("inf")}}, "BAD_SPLIT", "a split of ratio inf (DATA, 2024-01-04)"),
        ({"splits": {"2024-01-04": 1001}}, "BAD_SPLIT", "a split of ratio 1001 is beyond"),
        ({"splits": {"2024-01-04": 0.0009}}, "BAD_SPLIT", "a split of ratio 0.0009 is beyond"),
        # also where it would have no effect
        ({"splits": {"1999-01-04": 0.0}}, "BAD_SPLIT", "(DATA, 1999-01-04)"),
        ({"dividends": {"2024-01-04": -1}}, "BAD_DIVIDEND", "a dividend of -1 (DATA, 2024-01-04)"),
        ({"dividends": {"2024-01-04": float("nan")}}, "BAD_DIVIDEND", "a dividend of nan"),
        ({"dividends": {"2024-01-04": "1 USD"}}, "BAD_EVENT", "the dividend '1 USD' is not a number (DATA, 2024-01-04)"),
        ({"splits": {"4 January": 2}}, "BAD_DATE", "split of DATA: ex_date='4 January' is not a date"),
        ({"splits": {"DAT": {"2024-01-04": 2}}}, "UNKNOWN_SYMBOL", "Did you mean 'DATA'?"),
        ({"splits": [2.0]}, "BAD_EVENT", "splits is a list"),
        ({"splits": {"DATA": 2.0}}, "BAD_EVENT", "the splits of 'DATA' are a float"),
        ({"events": [1]}, "BAD_DATA_TYPE", "events is a list"),
        ({"events": pd.DataFrame({"kind": ["split"], "value": [2]})}, "MISSING_COLUMN", "missing column ex_date (events)"),
        ({"events": pd.DataFrame({"kind": ["merger"], "ex_date": ["2024-01-04"], "value": [2]})}, "BAD_EVENT", "'merger' is neither split nor dividend (events, row 1)"),
        ({"events": pd.DataFrame({"kind": "split", "ex_date": ["2024-01-04"] * 2, "value": 2})}, "BAD_SPLIT", "two splits on one day (DATA, 2024-01-04)"),
        ({}, "NO_EVENTS", "no splits or dividends"),
    ],
)  # fmt: skip
def test_bad_events_are_named(events, code, says):
    with pytest.raises(DataError) as caught:
        data.with_events(frame(SPLIT), **events)
    assert (caught.value.code, says in str(caught.value)) == (code, True), str(caught.value)


def test_events_of_adjusted_prices_are_refused():
    with pytest.raises(DataError, match="is adjusted, so its events are in its prices"):
        data.with_events(data.resolve("us-equities-daily/AAPL", prices="adjusted"), splits={"2005-02-28": 2})
    with pytest.raises(DataError, match="missing column symbol"):
        data.with_events({"A": frame(), "B": frame()}, pd.DataFrame({"kind": ["split"], "ex_date": ["2024-01-04"], "value": [2]}))
