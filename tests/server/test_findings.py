"""What stays of errors, and of their acceptance, where rows are looked at again or go through a recipe."""

import pytest
from alphintra.rules.registry import rules
from alphintra.rules.report import Report, Result
from alphintra_server.services.findings import COUNTS, added_up, handed_on, looked_again, together, verdict

OF_FILE = "SCHEMA_TYPE: 'x' is not a number (1 place: a.csv, row 8)"
OF_ROWS = "OHLC_ORDER: high 1 is below 2 (1 place: AAPL, 2020-01-09)"
ABOUT = {COUNTS: {"OHLC_ORDER": 1, "SCHEMA_TYPE": 1}}


def found(*left_out, **counts):
    """A report on stored rows: all rules were looked at but those left out, and some found errors."""
    results = [
        Result(rule, "info", "left_out", "left out") if rule in left_out
        else Result(rule, "error" if counts.get(rule) else "info", "checked", count=counts.get(rule, 0))
        for rule in rules()
    ]  # fmt: skip
    return verdict(Report(340, 2, "2026-01-01T00:00:00Z", tuple(results)))


def accepted(rule, count=None):
    own = {"rule": rule, "who": "alice", "when": "2026-01-01T00:00:00Z", "why": "known"}
    return own if count is None else own | {"count": count}


def rules_of(lines):
    return [line.partition(":")[0] for line in lines]


@pytest.mark.parametrize("after", [looked_again, handed_on])
def test_leaving_a_rule_out_accepts_none_of_its_errors(after):
    look = found("OHLC_ORDER")
    stands = after([OF_ROWS], [], {COUNTS: {"OHLC_ORDER": 1}}, look)
    assert (stands.errors, stands.counts, look.ran) == ([OF_ROWS], {"OHLC_ORDER": 1}, False)
    stands = after([], [accepted("OHLC_ORDER", 1)], {COUNTS: {"OHLC_ORDER": 1}}, look)
    assert (stands.errors, stands.acknowledgements) == ([], [accepted("OHLC_ORDER", 1)])
    assert after([OF_ROWS], [], {COUNTS: {"OHLC_ORDER": 1}}, found()).errors == []  # looked at, and none there


@pytest.mark.parametrize("after", [looked_again, handed_on])
def test_what_only_a_file_told_stays_though_the_newest_report_is_of_another_file(after):
    """Rows were added to a version whose file had an error: the report has that of the added rows' file alone."""
    stands = after([OF_FILE], [], ABOUT, found(OHLC_ORDER=2))
    assert rules_of(stands.errors) == ["OHLC_ORDER", "SCHEMA_TYPE"]
    assert stands.errors[1] == OF_FILE
    assert stands.counts == {"OHLC_ORDER": 2, "SCHEMA_TYPE": 1}
    assert after([], [accepted("SCHEMA_TYPE", 1)], ABOUT, found(SCHEMA_TYPE=1)).errors == []


def test_an_acceptance_is_of_as_many_places_as_there_were():
    own = [accepted("OHLC_ORDER", 1)]
    assert looked_again([], own, ABOUT, found(OHLC_ORDER=1)).errors == []
    more = looked_again([], own, ABOUT, found(OHLC_ORDER=2))
    assert rules_of(more.errors) == ["OHLC_ORDER"]
    # Accepted once more, all of them are.
    both = [*own, accepted("OHLC_ORDER", more.counts["OHLC_ORDER"])]
    assert looked_again(more.errors, both, {COUNTS: more.counts}, found(OHLC_ORDER=2)).errors == []
    # One that was kept without a number is of all.
    assert looked_again([], [accepted("OHLC_ORDER")], {}, found(OHLC_ORDER=9)).errors == []
    # Rows that are made anew are looked at anew.
    assert rules_of(handed_on([], own, ABOUT, found(OHLC_ORDER=1)).errors) == ["OHLC_ORDER"]


def test_a_line_tells_of_the_rows_before_and_of_those_that_were_added():
    old = "OHLC_ORDER: high 3 is below 4 (2 places, the first: a.csv, row 7)"
    new = "OHLC_ORDER: high 1 is below 2 (1 place)"
    first = together([OF_FILE, old], [new], {"OHLC_ORDER": 2})
    assert first == (f"{new}; in the rows before: {old.partition(': ')[2]}", OF_FILE)
    # However often rows are added, it stays one line of some length.
    again = together(first, [new], {"OHLC_ORDER": 3})
    assert again[0] == f"{new}; in the rows before (3 places in all): {old.partition(': ')[2]}"
    assert together(again, [new], {"OHLC_ORDER": 4})[0] == again[0].replace("(3 places", "(4 places")
    assert together(again, [], {}) == again
    assert together([], [new], {"OHLC_ORDER": 4}) == (new,)  # what was accepted of the rows before is closed


def test_counts_of_added_rows_come_on_top():
    assert added_up({"OHLC_ORDER": 1}, {"OHLC_ORDER": 2, "ROW_SHAPE": 3}) == {"OHLC_ORDER": 3, "ROW_SHAPE": 3}
