# ruff: noqa: E501 - one case a line
"""Finer bars beside the bars of a run."""

import alphintra.data as data
import numpy as np
import pandas as pd
import pytest
from alphintra.errors import DataError


def bars(index, high=12.0, low=8.0, **columns):
    """Bars that open and close at 10."""
    values = {"open": 10.0, "high": high, "low": low, "close": 10.0, **columns}
    return pd.DataFrame(values, index=pd.DatetimeIndex(index))


# Three sessions of XNYS, 14:30 to 21:00 UTC
DAYS = ["2024-01-02", "2024-01-03", "2024-01-04"]
HALF_HOURS = [*pd.date_range("2024-01-02 14:30", "2024-01-02 20:30", freq="30min"), *pd.date_range("2024-01-04 14:30", "2024-01-04 20:30", freq="30min")]  # fmt: skip


def note(market):
    return next(n for n in market.notes if n.code == "detail")


def rows(market, symbol="DATA"):
    first, last = data.detail_rows(market)[symbol]
    assert first.dtype == last.dtype == np.int64
    return list(zip(first.tolist(), last.tolist(), strict=True))


def test_each_bar_knows_its_finer_bars():
    market = data.resolve(bars(DAYS), detail=bars(HALF_HOURS))
    assert market.detail.timeframe == "30min"
    assert market.detail.symbols == ("DATA",)
    assert rows(market) == [(0, 13), (13, 13), (13, 26)]  # 6.5 hours are 13 half hours; none on the 3rd
    assert (note(market).text, note(market).level) == ("finer bars (30min) for 2 of 3 bars", "info")
    assert market.dataset_hash != data.resolve(bars(DAYS)).dataset_hash
    assert data.detail_rows(data.resolve(bars(DAYS)))["DATA"][1].tolist() == [0, 0, 0]


def test_bars_outside_are_left_out_and_long_ones_end_with_their_bar():
    # hours from 12:30, so that the last one of a session would end at 21:30; two before the open, two after
    hours = pd.date_range("2024-01-02 12:30", "2024-01-02 22:30", freq="h")
    market = data.resolve(bars(DAYS), detail=bars(hours, volume=range(11)))
    own = market.detail.bars["DATA"]
    assert [str(t)[11:16] for t in own.open_time[[0, -1]].astype("M8[us]")] == ["14:30", "20:30"]
    assert str(own.close_time[-1].astype("M8[us]"))[11:16] == "21:00"
    assert list(own.volume) == [2, 3, 4, 5, 6, 7, 8]
    assert rows(market) == [(0, 7), (7, 7), (7, 7)]
    assert note(market).text.endswith("for 1 of 3 bars; 1 finer bars end with their bar")


def test_finer_bars_that_miss_the_range_are_a_warning():
    market = data.resolve(bars(DAYS), detail=bars(HALF_HOURS, high=11.0))
    assert note(market).text == "finer bars (30min) for 2 of 3 bars; in 2 of them they do not reach the bar's high or low"
    assert note(market).level == "warning"


def test_several_symbols_and_none_for_some():
    coarse = {"A": bars(DAYS), "B": bars(DAYS[1:]), "C": bars(DAYS)}
    market = data.resolve(coarse, detail={"B": bars(HALF_HOURS), "A": bars(HALF_HOURS)})
    assert market.detail.symbols == ("A", "B")
    assert rows(market, "A") == [(0, 13), (13, 13), (13, 26)]
    assert rows(market, "B") == [(0, 0), (0, 13)]  # what is before its first bar is left out
    assert rows(market, "C") == [(0, 0)] * 3
    assert note(market).text == "finer bars (30min) for 3 of 8 bars"


def test_one_symbol_takes_the_name_of_the_run(tmp_path):
    path = tmp_path / "ACME-30min.csv"
    bars(HALF_HOURS).to_csv(path)
    market = data.resolve({"ACME": bars(DAYS)}, detail=str(path))
    assert market.detail.symbols == ("ACME",)
    assert market.detail.bars["ACME"].symbol == "ACME"


def test_end_cuts_finer_bars_too():
    market = data.resolve(bars(DAYS), detail=bars(HALF_HOURS), end="2024-01-03")
    assert rows(market) == [(0, 13), (13, 13)]
    assert len(market.detail.bars["DATA"]) == 13
    whole = data.resolve(bars(DAYS), detail=bars(HALF_HOURS))
    assert data.resolve(whole, end="2024-01-03").dataset_hash == whole.dataset_hash
    assert len(data.resolve(whole, end="2024-01-03").detail.bars["DATA"]) == 13
    later = data.resolve(bars(DAYS), detail=bars(HALF_HOURS[13:]))
    assert data.resolve(later, end="2024-01-03").detail is None


def test_raw_shares_take_finer_bars():
    # AAPL on 2013-03-01: high 438.182, low 429.98 in the source
    fine = bars(["2013-03-01 14:30", "2013-03-01 15:30"]).assign(open=431.0, high=438.0, low=430.0, close=431.0)
    market = data.resolve("us-equities-daily/AAPL", prices="raw", detail=fine)
    assert note(market).text.startswith("finer bars (1h) for 1 of 3,270 bars; in 1 of them")
    with pytest.raises(DataError) as caught:
        data.resolve("us-equities-daily/AAPL", prices="adjusted", detail=fine)
    assert caught.value.code == "DETAIL_BASIS"
    assert 'prices="raw"' in caught.value.hint


def test_rounding_is_no_contradiction():
    market = data.resolve(bars(DAYS), detail=bars(HALF_HOURS, high=12.0 * (1 + 5e-10)))
    assert note(market).level == "info"


def test_intraday_bars_take_finer_ones():
    hours = pd.date_range("2024-01-02 14:00", periods=3, freq="h")
    minutes = pd.date_range("2024-01-02 14:00", periods=36, freq="5min")
    assert rows(data.resolve(bars(hours), detail=bars(minutes))) == [(0, 12), (12, 24), (24, 36)]


@pytest.mark.parametrize(
    ("coarse", "fine", "code", "says"),
    [
        (bars(DAYS), bars(HALF_HOURS, high=[12.0] * 15 + [12.5] * 11), "DETAIL_RANGE", "the range 8 to 12.5 is not within that of its bar, 8 to 12 (11 finer bars are like this) (detail of DATA, 2024-01-04T15:30)"),
        (bars(DAYS), bars(HALF_HOURS, low=[8.0] * 25 + [7.5]), "DETAIL_RANGE", "the range 7.5 to 12 is not within that of its bar, 8 to 12 (detail of DATA, 2024-01-04T20:30)"),
        # 14:00 to 15:00 begins before New York opens and ends after it
        (bars(DAYS), bars(pd.date_range("2024-01-02 13:00", periods=6, freq="h")), "DETAIL_ACROSS", "the bar from 2024-01-02T14:00 to 2024-01-02T15:00 begins before the bar of 2024-01-02T14:30 and ends in it (detail of DATA, row 2)"),
        (bars(pd.date_range("2024-01-02 14:00", periods=3, freq="h")), bars(pd.date_range("2024-01-02 14:15", periods=5, freq="30min")), "DETAIL_ACROSS", "from 2024-01-02T14:45 to 2024-01-02T15:15"),
        (bars(DAYS), bars(DAYS), "NOT_FINER", "not finer than those of the run (detail of DATA)"),
        (bars(DAYS), bars(pd.date_range("2024-02-02 14:30", periods=3, freq="h")), "NO_OVERLAP", "detail from 2024-02-02T14:30 to 2024-02-02T17:30 UTC, bars from 2024-01-02T14:30 to 2024-01-04T21:00 UTC"),
        ({"AAA": bars(DAYS), "B": bars(DAYS)}, {"AAB": bars(HALF_HOURS)}, "UNKNOWN_SYMBOL", "no symbol 'AAB' in 'DATA' (detail) – Did you mean 'AAA'?"),
        ("us-indices-daily/SP500", "vix-daily", "DETAIL_BASIS", "'vix-daily' has closes only"),
        ("vix-daily", bars(HALF_HOURS), "DETAIL_BASIS", "'vix-daily' has closes only"),
        (bars(DAYS), bars(HALF_HOURS).iloc[::-1], "UNSORTED_TIMES", "row 2"),
    ],
)  # fmt: skip
def test_bad_finer_bars_are_named(coarse, fine, code, says):
    with pytest.raises(DataError) as caught:
        data.resolve(coarse, detail=fine)
    assert (caught.value.code, says in str(caught.value)) == (code, True), str(caught.value)


def test_times_in_another_zone_do_not_lie_in_the_bars():
    # New York's 09:30 to 16:00, read as UTC: from 09:30 to 14:30 outside, the last hour inside
    local = pd.date_range("2024-01-02 09:30", "2024-01-02 13:30", freq="h")
    with pytest.raises(DataError, match="Check dates and time zones") as caught:
        data.resolve(bars(DAYS), detail=bars(local))
    assert caught.value.code == "NO_OVERLAP"
    stated = data.with_calendar(bars(local), "XNYS", timezone="America/New_York")
    assert rows(data.resolve(bars(DAYS), detail=stated)) == [(0, 5), (5, 5), (5, 5)]
