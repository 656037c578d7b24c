"""What looks wrong and is right: real prices, and simulated ones at real times of exchanges, currencies, crypto."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from alphintra.ingest.zones import Localizer
from alphintra.rules.hours import hours_of

from tests.sdk.rules.made import (
    DAY,
    HOUR,
    MINUTE,
    check,
    fired,
    places,
    sessions,
    shipped,
    splits,
    stamps,
    us,
    walk,
)

SHARES: dict[str, Any] = {"timeframe": "1d", "calendar": "XNYS", "asset_class": "STOCKS"}


def test_real_shares_through_their_splits() -> None:
    """Five US shares by day, 2000 to 2013, with the holidays, 11 September and hurricane Sandy, and AAPL's splits."""
    rows = shipped("us-equities-daily")
    assert (sum(map(len, rows.values())), splits()["AAPL"]) == (12_154, {11_129, 12_842})
    known = {symbol: splits(("split", "dividend")).get(symbol, frozenset()) for symbol in rows}
    assert fired(check(rows, **SHARES, events=splits(), ex_dates=known)) == {}
    late = known | {"IBM": frozenset(day + 1 for day in known["IBM"])}
    assert set(places(check(rows, **SHARES, events=splits(), ex_dates=late), "ADJ_INCONSISTENT")) > {
        ("IBM", "2013-02-06")
    }
    unknown = check(rows, **SHARES)
    assert (fired(unknown), places(unknown, "SPLIT_LIKE")) == (
        {"SPLIT_LIKE": ("warning", 2)}, [("AAPL", "2000-06-21"), ("AAPL", "2005-02-28")]
    )  # fmt: skip
    assert {r.rule: r.reason for r in unknown.results if r.status == "not_checked" and r.rule.startswith("GAP")} == {
        "GAP_INTRADAY": "bars are not shorter than sessions", "GAP_24X7": "the market closes"
    }  # fmt: skip


def test_real_closes_and_indices() -> None:
    """What fires on them is there: RRC traded in eighths in 1990, and October 2008 was as it was."""
    oil = check(shipped("wti-daily"), timeframe="1d", calendar="weekdays", asset_class="COMMODITY")
    assert fired(oil) == {}
    assert oil["GAP_SESSION"].reason == "the holidays of 'weekdays' are not known"
    assert oil["PRICE_POSITIVE"].reason == "such prices may be 0 or below"
    assert fired(check(shipped("vix-daily"), **SHARES | {"asset_class": "INDEX"})) == {}
    indices = check(shipped("us-indices-daily"), **SHARES | {"asset_class": "INDEX"})
    assert fired(indices) == {"VOL_ZERO_MOVE": ("warning", 2), "OUTLIER_RETURN": ("warning", 3)}
    closes = check(shipped("us-closes-daily"), **SHARES | {"adjustment": "splits_and_dividends"})
    assert {symbol for symbol, _ in places(closes, "STALE_RUN")} == {"RRC"}
    assert not closes.errors


@pytest.mark.parametrize("calendar", ["XNYS", "XTKS", "XHKG", "XLON"])
def test_a_year_of_an_exchange(calendar: str) -> None:
    """Lunch breaks, half days and two changes of the clocks; Tokyo's later close from 5 November 2024."""
    stated: dict[str, Any] = {"timeframe": "5min", "calendar": calendar, "asset_class": "STOCKS"}
    times = stamps(calendar, "2024-01-01", "2024-12-31", 5 * MINUTE)
    report = check({"A": walk(times)}, **stated)
    assert fired(report) == {}
    assert {report[rule].status for rule in ("GAP_INTRADAY", "OFF_SESSION", "HALF_DAY", "TS_LABEL", "TS_TZ_SHIFT")} == {
        "checked"
    }
    hours = hours_of(calendar, None)
    year = sessions(calendar, "2024-01-01", "2024-12-31")
    early = int((hours.usual_close[year] > hours.close[year]).sum())
    assert (early, bool((hours.break_end[year] < hours.close[year]).any())) == {
        "XNYS": (3, False), "XTKS": (0, True), "XHKG": (3, True), "XLON": (2, False)
    }[calendar]  # fmt: skip
    assert fired(check({"A": walk(times + 5 * MINUTE)}, **stated | {"label": "close"})) == {}


def test_crypto_over_two_changes_of_the_clocks() -> None:
    """They never close, and UTC has no such changes."""
    stated: dict[str, Any] = {"timeframe": "1h", "calendar": "24/7", "asset_class": "CRYPTO"}
    times = us("2024-01-01T00:00") + HOUR * np.arange(366 * 24)
    report = check({"BTC": walk(times)}, **stated)
    assert (fired(report), report["GAP_24X7"].status) == ({}, "checked")
    assert report["WEEKEND_ROWS"].reason == "the market never closes"
    # In local time an hour comes twice in autumn, and so it does here; UTC's stamps read as local ones have it once.
    for zone, hour in (("America/New_York", "2024-11-03T05:00:00Z"), ("Europe/Berlin", "2024-10-27T00:00:00Z")):
        right = check({"BTC": walk(times)}, **stated, zone=zone)
        assert (fired(right), right["TS_DST_ABSENT"].status) == ({}, "checked")
        local = Localizer(zone, repeats=False)
        utc = np.unique(local.to_utc(times, ["BTC"], np.zeros(len(times), dtype=np.int64))[0])
        wrong = check({"BTC": walk(utc)}, **stated, zone=zone)
        assert places(wrong, "TS_DST_ABSENT") == [("BTC", hour)]
    assert check({"BTC": walk(times)}, **stated, zone="UTC")["TS_DST_ABSENT"].reason == "in UTC clocks are not changed"
    assert report["TS_DST_ABSENT"].reason == "the zone of the times is not known"


def test_currencies_over_weekends_and_holidays() -> None:
    """From Sunday 17:00 to Friday 17:00 in New York, which is another time of UTC in winter; closed at Christmas."""
    stated: dict[str, Any] = {"timeframe": "15min", "calendar": "weekdays", "asset_class": "FOREX"}
    times = stamps("weekdays", "2024-02-05", "2025-01-10", 15 * MINUTE, "FOREX")
    hours = hours_of("weekdays", "FOREX")
    closed = hours.optional[np.searchsorted(hours.close, times, side="right")]
    assert closed.sum() == 2 * 96
    table = walk(times[~closed]).drop_columns(["volume"])
    report = check({"EURUSD": table}, **stated)
    assert fired(report) == {}
    first = times[times >= us("2024-03-03T00:00")][0], times[times >= us("2024-03-10T00:00")][0]
    assert first == (us("2024-03-03T22:00"), us("2024-03-10T21:00"))
    assert report["OFF_SESSION"].status == "checked"
    assert (report["WEEKEND_ROWS"].reason, report["VOL_NEGATIVE"].reason) == ("it is no exchange", "there is no volume")
    saturday = walk(np.sort(np.append(times[~closed], us("2024-06-08T12:00")))).drop_columns(["volume"])
    assert fired(check({"EURUSD": saturday}, **stated)) == {"OFF_SESSION": ("warning", 1)}


def test_a_share_that_is_seldom_traded() -> None:
    """A bar only where there was a trade: gaps are counted, and nothing else is made of them."""
    times = stamps("XNYS", "2024-01-02", "2024-12-31")
    thin = times[np.random.default_rng(7).random(len(times)) < 0.15]
    report = check({"THIN": walk(thin)}, timeframe="1min", calendar="XNYS", asset_class="STOCKS")
    first, last = np.searchsorted(times, thin[0]), np.searchsorted(times, thin[-1])
    assert fired(report) == {"GAP_INTRADAY": ("info", int(last - first + 1 - len(thin)))}


def test_an_exchange_that_trades_on_sundays() -> None:
    """Riyadh: Sunday to Thursday."""
    hours = hours_of("XSAU", None)
    year = sessions("XSAU", "2024-01-01", "2024-12-31")
    times = hours.session[year]
    assert int(((times + 3) % 7 == 6).sum()) == 48
    table = walk(times * DAY).set_column(0, "date", pa.array(times.astype(np.int32)).cast(pa.date32()))
    report = check({"2222": table}, timeframe="1d", calendar="XSAU", asset_class="STOCKS")
    assert fired(report) == {}
    assert report["WEEKEND_ROWS"].reason == "the exchange trades at weekends"


def test_what_is_not_known_is_not_passed() -> None:
    times = us("2024-01-01T00:00") + HOUR * np.arange(100)
    report = check({"A": walk(times)})
    unknown = {r.rule: r.reason for r in report.results if r.status == "not_checked"}
    rules = ("GAP_SESSION", "OFF_SESSION", "WEEKEND_ROWS", "HALF_DAY", "GAP_24X7", "TS_TZ_SHIFT")
    assert {unknown[rule] for rule in rules} == {"calendar unknown"}
    assert unknown["GAP_INTRADAY"] == unknown["FREQ_MIXED"] == unknown["FREQ_MISDECLARED"] == "time frame unknown"
    assert unknown["VOL_FRACTION"] == "the asset is not known to be shares"
    assert unknown["TS_PARSE"] == "only the file tells, and it is not read here"
    broken = check({"A": walk(times)}, calendar="XXXX", timeframe="1h")
    assert broken["GAP_SESSION"].reason == "calendar cannot be read: there is no calendar 'XXXX'"
