"""Known numbers of the shipped data: from its sources, from public record, or worked by hand."""

import alphintra.data as data
import numpy as np
import pandas as pd
import pytest


def us(text):
    return int(np.datetime64(text, "us").astype(np.int64))


def day(text):
    return int(np.datetime64(text, "D").astype(np.int64))


def row(bars, date):
    return int(np.flatnonzero(bars.session == day(date))[0])


def test_aapl_trades_adjusted_and_ends_at_the_quoted_price():
    market = data.resolve("us-equities-daily/AAPL", prices="adjusted")
    bars = market.bars["AAPL"]
    # The source's first row: open 118.56, close 130.31, volume 9616100, adj_close 4.186662803811;
    # its last: close 430.47, adj_close 56.137353… (0.1304 of it, for splits after the data's end).
    raw = data.load("us-equities-daily/AAPL").to_pandas()
    last_factor = raw["adj_close"].iloc[-1] / 430.47
    assert last_factor == pytest.approx(0.13040944338859387)
    factor = 4.186662803811 / 130.31 / last_factor
    assert factor == pytest.approx(0.24636624, rel=1e-7)
    assert bars.open[0] == pytest.approx(118.56 * factor)
    assert bars.close[0] == pytest.approx(130.31 * factor)
    assert bars.volume[0] == pytest.approx(9616100 / factor)
    assert (bars.open[-1], bars.close[-1], bars.volume[-1]) == (
        raw["open"].iloc[-1],
        430.47,
        raw["volume"].iloc[-1],
    )
    # Two 2:1 splits: raw −49 % overnight, adjusted not.
    split = row(bars, "2005-02-28")
    assert raw["close"].iloc[split] / raw["close"].iloc[split - 1] == pytest.approx(44.86 / 88.99)
    assert bars.close[split] / bars.close[split - 1] == pytest.approx(2 * 44.86 / 88.99)
    assert market.prices == "adjusted, dividends reinvested"


def test_adjusting_keeps_notional_and_the_order_of_prices():
    raw = data.load("us-equities-daily").stored()
    for symbol, bars in data.resolve("us-equities-daily").bars.items():
        own = raw[symbol]
        np.testing.assert_allclose(bars.close * bars.volume, own["close"] * own["volume"], rtol=1e-12)
        assert (bars.low <= np.minimum(bars.open, bars.close)).all()
        assert (bars.high >= np.maximum(bars.open, bars.close)).all()


def test_what_a_run_must_know_of_the_shares():
    market = data.resolve("us-equities-daily")
    assert (market.asset_class, market.timeframe, market.calendar) == ("STOCKS", "1d", "XNYS")
    assert (market.periods_per_year, market.lot, market.tick) == (252, 1.0, None)
    assert not market.closes_only
    assert [(note.code, note.level) for note in market.notes] == [("survivors", "warning")]
    assert market.sessions[0] == day("2000-03-01")
    assert market.sessions[-1] >= day("2013-03-01") + 40
    assert len(market.bars["FB"]) == 196


def test_bars_open_and_close_with_the_exchange():
    bars = data.resolve("us-equities-daily/AAPL").bars["AAPL"]
    # New York switched to summer time on 2012-03-11; the day after Thanksgiving ends at 13:00.
    for date, opens, closes in [
        ("2012-03-09", "14:30", "21:00"),
        ("2012-03-12", "13:30", "20:00"),
        ("2012-11-23", "14:30", "18:00"),
    ]:
        at = row(bars, date)
        assert bars.open_time[at] == us(f"{date}T{opens}")
        assert bars.close_time[at] == us(f"{date}T{closes}")
    assert (np.diff(bars.open_time) > 0).all()
    assert (bars.open_time < bars.close_time).all()
    assert bars.open_time.dtype == np.int64
    assert bars.session.dtype == np.int32


def test_events_are_those_of_public_record():
    events = data.load("us-equities-daily").events()
    assert (events["kind"] == "split").sum() == 3
    assert set(events["source"]) == {"derived"}
    assert set(events["symbol"]) == {"AAPL", "IBM", "MSFT"}  # FB and GOOG had none in these years

    def value(symbol, date, kind):
        hit = events[(events["symbol"] == symbol) & (events["ex_date"] == date) & (events["kind"] == kind)]
        return list(hit["value"])

    assert value("AAPL", "2000-06-21", "split") == [2.0]
    assert value("AAPL", "2005-02-28", "split") == [2.0]
    assert value("MSFT", "2003-02-18", "split") == [2.0]
    assert value("AAPL", "2012-08-09", "dividend") == pytest.approx([2.65])
    assert value("MSFT", "2004-11-15", "dividend") == pytest.approx([3.08])  # 3.00 special and 0.08
    assert value("MSFT", "2003-02-19", "dividend") == pytest.approx([0.08])  # its first
    assert value("IBM", "2012-08-08", "dividend") == pytest.approx([0.85])
    assert data.load("us-equities-daily/FB").events().empty
    assert list(data.load("vix-daily").events().columns)[:4] == ["symbol", "kind", "ex_date", "value"]


def test_indices_have_no_traded_volume():
    market = data.resolve("us-indices-daily/SP500")
    bars = market.bars["SP500"]
    assert (bars.open[0], bars.close[0]) == (1229.22998, 1228.099976)
    assert bars.close[-1] == 2506.850098
    assert bars.volume is None
    assert (market.asset_class, market.prices, market.notes) == ("INDEX", "as given", ())
    assert data.load("us-indices-daily").to_pandas().loc["SP500", "volume"].iloc[0] == 877_000_000


def test_closes_only_invent_no_prices():
    market = data.resolve("us-closes-daily/AAPL")
    bars = market.bars["AAPL"]
    assert market.closes_only
    assert bars.close[0] == 0.264
    assert bars.close[-1] == 125.674
    for column in (bars.open, bars.high, bars.low):
        assert np.isnan(column).all()
    assert bars.volume is None
    assert len(data.resolve("us-closes-daily").symbols) == 20


def test_vix_leaves_out_days_without_a_value():
    bars = data.resolve("vix-daily").bars["VIX"]
    assert bars.close[0] == 13.76
    assert day("2014-01-20") not in bars.session  # Martin Luther King day: "." in the source


def test_wti_has_its_own_days():
    market = data.resolve("wti-daily")
    bars = market.bars["WTI"]
    assert (bars.close[0], bars.close[-1]) == (25.56, 46.92)
    assert day("1987-07-03") in bars.session  # the exchange was closed
    assert market.calendar == "weekdays"
    assert bars.open_time[0] == us("1986-01-02T00:00")
    assert bars.close_time[0] == us("1986-01-03T00:00")
    assert market.sessions[-1] >= day("2019-01-03") + 40


def test_factor_dates_are_months_not_1970():
    frame = data.load("us-factors-monthly").to_pandas()
    assert frame.index[0] == pd.Timestamp("1926-07-31")
    assert frame.index[-1] == pd.Timestamp("2018-11-30")
    assert list(frame.columns) == ["mkt_rf", "smb", "hml", "rf"]
    assert list(frame.iloc[0]) == [0.0296, -0.023, -0.0287, 0.0022]
    assert frame.loc["1931-09-30", "mkt_rf"] == -0.2913  # the worst month of the series
    stored = data.load("us-factors-monthly").stored()["FACTORS"]
    assert stored["open_time"][-1] == us("2018-11-01T00:00")
    assert stored["close_time"][-1] == us("2018-12-01T00:00")
