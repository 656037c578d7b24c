"""Windows of a walk-forward, laid out by hand: sessions are written as their numbers, or as dates."""

from __future__ import annotations

import numpy as np
import pytest
from alphintra.errors import ParameterError
from alphintra_backtest.walk_forward.windows import layout, length_of, windows


def days(*dates: str) -> np.ndarray:
    return np.array(dates, dtype="datetime64[D]").astype(np.int32)


def rows(session, *, first=0, step=None, anchored=False, purge=0, calendar=None, **lengths):
    """(train_first, purged_stop, test_first, test_stop, partial) of each window."""
    found = windows(session, layout(lengths["train"], lengths["test"], step, anchored, purge), first, calendar)
    assert [w.number for w in found] == list(range(len(found)))
    return [(w.train_first, w.purged_stop, w.test_first, w.test_stop, w.partial) for w in found]


#: Ten sessions of one bar: timestamps are sessions.
TEN = np.arange(10, dtype=np.int32)


def test_rolling_windows_follow_each_other():
    # train 4, test 2:  0123|45  2345|67  4567|89
    assert rows(TEN, train=4, test=2) == [(0, 4, 4, 6, False), (2, 6, 6, 8, False), (4, 8, 8, 10, False)]


def test_anchored_windows_begin_at_the_first_session():
    assert rows(TEN, train=4, test=2, anchored=True) == [(0, 4, 4, 6, False), (0, 6, 6, 8, False), (0, 8, 8, 10, False)]


def test_a_last_window_that_the_data_cuts_short_is_kept_and_said_so():
    # train 4, test 4:  0123|4567  4567|89
    assert rows(TEN, train=4, test=4) == [(0, 4, 4, 8, False), (4, 8, 8, 10, True)]


def test_a_longer_step_leaves_sessions_between_the_windows():
    # train 3, test 2, step 4:  012|34  4567 begins at 7: 456|78
    assert rows(TEN, train=3, test=2, step=4) == [(0, 3, 3, 5, False), (4, 7, 7, 9, False)]


def test_purge_drops_bars_at_the_end_of_training():
    assert rows(TEN, train=4, test=3, purge=1) == [(0, 3, 4, 7, False), (3, 6, 7, 10, False)]


def test_sessions_of_several_bars_are_split_between_sessions_and_purged_by_bars():
    # five sessions of 3, 1, 2, 3, 2 bars: they begin at bars 0, 3, 4, 6, 9 and end at 11
    session = np.repeat(np.arange(5, dtype=np.int32), (3, 1, 2, 3, 2))
    assert rows(session, train=2, test=1, purge=2) == [
        (0, 2, 4, 6, False), (3, 4, 6, 9, False), (4, 7, 9, 11, False),
    ]  # fmt: skip


def test_a_walk_that_starts_later_has_its_first_training_window_there():
    assert rows(TEN, first=3, train=3, test=2) == [(3, 6, 6, 8, False), (5, 8, 8, 10, False)]
    assert rows(TEN, first=3, train=3, test=2, anchored=True)[-1] == (3, 8, 8, 10, False)


def test_durations_are_calendar_time_and_do_not_drift():
    session = days(
        "2020-01-15", "2020-01-30", "2020-02-14", "2020-02-18", "2020-03-16", "2020-03-31", "2020-04-16", "2020-05-14"
    )
    # split dates: 02-15, 03-15, 04-15, 05-15; the first sessions from them on are numbers 3, 4, 6
    calendar = days("2020-05-14", "2020-05-15")
    assert rows(session, train="1M", test="1M", calendar=calendar) == [
        (0, 3, 3, 4, False), (3, 4, 4, 6, False), (4, 6, 6, 8, False),
    ]  # fmt: skip
    # one more session of the calendar before 05-15 that the data does not have: the last window is cut short
    assert rows(session[:-1], train="1M", test="1M", calendar=calendar)[-1] == (4, 6, 6, 7, True)


def test_months_are_counted_from_the_first_date_so_that_short_ones_lose_no_days():
    # from 31 January: 29 February, 31 March, 30 April; without that, 29 March would begin the third window
    session = days("2020-01-31", "2020-02-29", "2020-03-29", "2020-03-31", "2020-04-29", "2020-04-30")
    assert [row[2:4] for row in rows(session, train="1M", test="1M")] == [(1, 3), (3, 5), (5, 6)]


def test_days_weeks_and_years_are_durations_and_may_be_mixed_with_sessions():
    assert (length_of("train", "90D").days, length_of("train", "8w").days) == (90, 56)
    assert (length_of("train", "2Y").months, length_of("train", " 6 M").months) == (24, 6)
    session = days("2020-01-01", "2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07", "2020-01-08")
    # training: the two sessions before; tests: 3 days from 01-03, 01-06; the sessions from 01-03 on are 2, 3, 4, 5
    assert rows(session, train=2, test="3D") == [(0, 2, 2, 3, False), (1, 3, 3, 6, False)]


def test_windows_without_a_session_are_left_out():
    session = days("2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07")  # Thursday, Friday, Monday, Tuesday
    assert [row[2:4] for row in rows(session, train=1, test="1D", calendar=session)] == [(1, 2), (2, 3), (3, 4)]


@pytest.mark.parametrize(
    ("arguments", "where", "says"),
    [
        ({"train": 10, "test": 2}, "train", "longer than the data leaves: 10 sessions from 1970-01-01 to 1970-01-10"),
        ({"train": 11, "test": 2}, "train", "longer than the data"),
        ({"train": 10, "test": "2D"}, "train", "longer than the data"),
        ({"train": 2, "test": 11}, "test", "longer than the data"),
        ({"train": "1M", "test": "1D"}, "train", "longer than the data"),
        ({"train": "2D", "test": "1Y"}, "test", "longer than the data"),
        ({"train": 0, "test": 2}, "train", "no length of a window"),
        ({"train": -3, "test": 2}, "train", "no length of a window"),
        ({"train": 2.5, "test": 2}, "train", "no length of a window"),
        ({"train": True, "test": 2}, "train", "no length of a window"),
        ({"train": "2 years", "test": 2}, "train", "no length of a window"),
        ({"train": "9999Y", "test": 2}, "train", "no length of a window"),
        ({"train": "0D", "test": 2}, "train", "no length of a window"),
        ({"train": 2, "test": None}, "test", "no length of a window"),
        ({"train": 2, "test": 2, "step": 0}, "step", "no length of a window"),
        ({"train": 2, "test": 2, "step": 1}, "step", "would overlap"),
        ({"train": 2, "test": "3D", "step": "1D"}, "step", "would overlap"),
        ({"train": 2, "test": 2, "purge": -1}, "purge", "no number of bars"),
        ({"train": 2, "test": 2, "purge": 0.5}, "purge", "no number of bars"),
        ({"train": 2, "test": 2, "purge": 2}, "purge", "leaves nothing of a training window of 2 bars"),
        ({"train": 2, "test": 2, "anchored": "yes"}, "anchored", "true or false"),
    ],
)
def test_what_makes_no_sense_is_named(arguments, where, says):
    with pytest.raises(ParameterError, match=says) as caught:
        rows(TEN, **arguments)
    assert caught.value.where == where
