"""A report as JSON, what of it is refused, what is accepted and by whom, and the choice of rules."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from alphintra.errors import DataError, RuleError
from alphintra.rules import (
    Choice,
    Place,
    Report,
    Result,
    acknowledge,
    from_json,
    keep_acknowledged,
    rules,
    without_places,
)
from alphintra.rules.report import MOST_BYTES

from tests.sdk.rules.made import CRYPTO, MINUTE, check, put, us, walk

TABLE = walk(us("2024-01-02T00:00") + MINUTE * np.arange(100))
WHEN = "2026-11-27T12:00:00Z"


def wrong(rows: int = 1) -> Report:
    table = TABLE
    for row in range(rows):
        table = put(table, row, high=1.0)
    return check({"A": put(table, 50, volume=-1.0)}, **CRYPTO)


def test_json_and_back() -> None:
    report = acknowledge(wrong(), ["OHLC_ORDER"], "ada", WHEN, "checked by hand")
    raw = report.to_json()
    assert from_json(raw) == report
    assert from_json(raw).to_json() == raw == json.dumps(
        json.loads(raw), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()  # fmt: skip


def test_a_sealed_version_shows_counts_alone() -> None:
    report = without_places(wrong())
    assert [(result.count, result.places) for result in report.errors] == [(1, ()), (1, ())]
    assert from_json(report.to_json()) == report
    assert b"2024" not in report.to_json()


def test_a_report_is_of_bounded_size() -> None:
    places = tuple(Place("f" * 200, i, i, "c" * 100, "S" * 64, "2024-01-01T00:00:00Z", "m" * 300) for i in range(1_000))
    results = tuple(Result(rule, "warning", count=10_000, places=places, parameters={}) for rule in rules())
    report = Report(1_000_000, 10, WHEN, results)
    raw = report.to_json()
    found = from_json(raw)
    kept = {len(result.places) for result in found.results}
    assert len(raw) <= MOST_BYTES
    assert kept == {62}
    assert {result.count for result in found.results} == {10_000}


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("format",), "alphintra-report/9", "report"),
        (("rows",), -1, "report.rows"),
        (("rows",), True, "report.rows"),
        (("checked",), "today", "report.checked"),
        (("more",), 1, "report.more"),
        (("results", 0, "severity"), "grave", "report.results[0].severity"),
        (("results", 0, "rule"), "schema", "report.results[0].rule"),
        (("results", 1, "rule"), "SCHEMA_TYPE", "report.results"),
        (("results", 0, "count"), 3, "report.results[0]"),
        (("results", 0, "reason"), None, "report.results[0]"),
        (("results", 0, "parameters"), {"a": "b"}, "report.results[0].parameters"),
        (("results", 0, "places"), {"count": 1}, "report.results[0]"),
        (("results", 0, "places"), {"count": 2, "row": [1]}, "report.results[0].places.row"),
        (("results", 0, "places"), {"count": 1, "row": [1.5]}, "report.results[0].places.row"),
        (("results", 0, "places"), {"count": 1, "symbol": ["S" * 129]}, "report.results[0].places.symbol"),
        (("results", 0, "places"), {"count": 0, "secret": []}, "report.results[0].places.secret"),
        (("acknowledged",), [{"rule": "TS_RANGE", "who": "a", "when": WHEN, "why": "b"}], "report.acknowledged"),
    ],
)
def test_what_is_refused(path: tuple[Any, ...], value: Any, where: str) -> None:
    whole = json.loads(wrong().to_json())
    assert (whole["results"][0]["rule"], whole["results"][0]["status"]) == ("SCHEMA_TYPE", "not_checked")
    at = whole
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    if path[-1] == "places":
        whole["results"][0].update(status="checked", reason=None, count=1 if value != {"count": 1} else 0)
    with pytest.raises(DataError) as caught:
        from_json(json.dumps(whole).encode())
    assert (caught.value.code, caught.value.where) == ("BAD_REPORT", where)
    for raw in (b"", b"[]", b"\xff", b'{"rows": NaN}', b"[" * 100_000):
        with pytest.raises(DataError, match="report"):
            from_json(raw)


def test_errors_are_open_until_they_are_accepted() -> None:
    report = wrong()
    assert [result.rule for result in report.open_errors] == ["OHLC_ORDER", "VOL_NEGATIVE"]
    assert not report.is_validated
    one = acknowledge(report, ["OHLC_ORDER"], "ada", WHEN, "  the vendor's test bar ")
    assert [result.rule for result in one.open_errors] == ["VOL_NEGATIVE"]
    assert (len(report.acknowledged), one["OHLC_ORDER"]) == (0, report["OHLC_ORDER"])
    both = acknowledge(one, ["VOL_NEGATIVE"], "bob", WHEN, "unknown")
    assert both.is_validated
    assert [(own.rule, own.who, own.when, own.why) for own in both.acknowledged] == [
        ("OHLC_ORDER", "ada", WHEN, "the vendor's test bar"), ("VOL_NEGATIVE", "bob", WHEN, "unknown")
    ]  # fmt: skip
    assert both.errors == report.errors
    for given, code in (
        ((["OHLC_ORDER"], "ada", WHEN, "again"), "NO_OPEN_ERROR"),
        ((["STALE_RUN"], "ada", WHEN, "what"), "NO_OPEN_ERROR"),
        ((["VOL_NEGATIVE"], "ada", WHEN, "  "), "BAD_ACKNOWLEDGEMENT"),
        ((["VOL_NEGATIVE"], "", WHEN, "why"), "BAD_ACKNOWLEDGEMENT"),
        ((["VOL_NEGATIVE"], "ada", "yesterday", "why"), "BAD_ACKNOWLEDGEMENT"),
        (([], "ada", WHEN, "why"), "BAD_ACKNOWLEDGEMENT"),
    ):
        with pytest.raises(DataError) as caught:
            acknowledge(one, *given)
        assert caught.value.code == code


def test_what_was_accepted_stays_where_nothing_has_changed() -> None:
    before = acknowledge(wrong(), ["OHLC_ORDER", "VOL_NEGATIVE"], "ada", WHEN, "known")
    assert keep_acknowledged(wrong(), before).is_validated
    worse = keep_acknowledged(wrong(2), before)
    assert [result.rule for result in worse.open_errors] == ["OHLC_ORDER"]


def test_validated_is_what_all_rules_saw() -> None:
    assert check({"A": TABLE}, **CRYPTO).is_validated
    assert not check({"A": TABLE}, Choice(frozenset({"STALE_RUN"})), **CRYPTO).is_validated
    report = check({"A": TABLE}, **CRYPTO)
    assert not replace(report, results=report.results[:-1]).is_validated
    assert [result.rule for result in report.results] == list(rules())


def test_the_choice_of_rules() -> None:
    choice = Choice(frozenset({"STALE_RUN"}), {"TS_RANGE": {"first_year": 1900}})
    assert Choice.from_json(choice.to_json()) == choice
    assert choice.values()["TS_RANGE"] == {"first_year": 1900}
    assert "STALE_RUN" not in choice.values()
    for given, message in (
        ('{"left_out": ["STALE_RUNS"]}', "there is no validation rule 'STALE_RUNS'"),
        ('{"parameters": {"STALE_RUN": {"row": 3}}}', "there is no parameter 'row' .*traded, rows"),
        ('{"parameters": {"STALE_RUN": {"rows": 1}}}', "rows is a whole number from 2 to 1e[+]09, not 1"),
        ('{"parameters": {"STALE_RUN": {"rows": 2.5}}}', "rows is a whole number"),
        ('{"parameters": {"FREQ_MIXED": {"share": true}}}', "share is a number from 0 to 1"),
        ('{"parameters": {"FREQ_MIXED": {"share": NaN}}}', "share is a number from 0 to 1"),
        ('{"parameters": {"FREQ_MIXED": 3}}', "has an object for each rule"),
        ('{"rules": []}', "has 'left_out' and 'parameters'"),
        ('{"left_out": [1]}', "'left_out' is a list of rules"),
        ("x", "is not JSON"),
    ):
        with pytest.raises(RuleError, match=message):
            Choice.from_json(given)


def test_defaults_are_within_their_bounds() -> None:
    for rule in rules().values():
        given = {p.name: p.default for p in rule.parameters}
        assert Choice(parameters={rule.id: given}).values()[rule.id] == given


def test_reports_are_read_without_what_checks_them() -> None:
    code = (
        "import sys; from alphintra.rules import from_json, acknowledge, Choice\n"
        "print([m for m in ('numba', 'pandas', 'duckdb', 'exchange_calendars') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
