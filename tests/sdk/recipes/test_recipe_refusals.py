"""What cannot be is refused with the step's number, the column, and what to do."""

import json

import alphintra.recipes as r
import numpy as np
import pyarrow as pa
import pytest
from alphintra.errors import AlphintraError, DataError, LookAheadError, ParameterError
from alphintra.recipes import Context
from alphintra.store.manifest import About

from tests.sdk.recipes.made import DAILY, FEATURES, run, stored, table
from tests.sdk.store.made import ABOUT, ROLES, bars

LABELLED = bars(30).append_column("label", bars(30)["close"])
FEATURE = table({"time": ["2020-01-01T00:00", "2020-01-01T00:01"], "x": [1.0, 2.0], "word": ["a", "b"]})
DAYS = table({"date": ["2020-01-06", "2020-01-13"], "close": [1.0, 2.0]})
CLOCKS = table({"time": ["2020-01-02T15:00", "2020-01-02T16:00"], "close": [1.0, 2.0]})
EVENT = {"symbol": "DATA", "kind": "split", "ex_date": "2020-01-03", "value": 2.0}
AHEAD = [
    # What looks ahead by what is written: where, and what to do instead.
    ({"kind": "normalise", "columns": ["close"]}, "normalise", "Give window="),
    ({"kind": "winsorise", "columns": ["close"]}, "winsorise", "fit_until="),
    ({"kind": "winsorise", "window": 30, "centred": True}, "winsorise), centred", "leave centred out"),
    ({"kind": "normalise", "window": 30, "centred": True}, "normalise), centred", "leave centred out"),
    ({"kind": "fill", "method": "backward"}, "fill), method", "use method='forward'"),
    ({"kind": "fill", "method": "linear"}, "fill), method", "use method='forward'"),
    ({"kind": "derive", "name": "x", "formula": "lag(close, -1)"}, "derive), formula", "Use lag(x, 1)"),
    ({"kind": "derive", "name": "x", "formula": "lead(close, 1)"}, "derive), formula", "add a step 'label'"),
    ({"kind": "adjust", "events": [EVENT], "direction": "backward"}, "adjust", "state as_of="),
    # By the columns that it is used on.
    ({"kind": "drop", "where": "label > 0"}, "drop", "Leave rows out by other columns"),
    ({"kind": "drop", "columns": ["label"]}, "drop", "Leave rows out by other columns"),
    ({"kind": "normalise", "columns": ["label"], "window": 20}, "normalise", "Choose other columns"),
    ({"kind": "winsorise", "columns": ["label"], "window": 20}, "winsorise", "Choose other columns"),
]


@pytest.mark.parametrize(("step", "where", "hint"), AHEAD)
def test_what_looks_ahead_is_refused_with_a_remedy(step, where, hint):
    with pytest.raises(LookAheadError) as caught:
        r.preview(LABELLED, [{"kind": "sort"}, step], about=ABOUT)
    assert caught.value.code == "LOOK_AHEAD"
    assert caught.value.where.startswith(f"step 2 ({where}") and hint in caught.value.hint


def test_what_looks_ahead_on_such_rows(tmp_path):
    revised = table({"time": ["2020-01-01"] * 2, "known_at": ["2020-02-01", "2020-03-01"], "x": [1.0, 2.0]})
    cases = [
        (FEATURE, r.Resample(timeframe="5min", label="open"), "Use label='close'."),
        (revised, r.Deduplicate(keep="last"), "Use keep='first'"),
        (revised, r.Resample(timeframe="1d"), "Use 'join'"),
    ]
    for data, step, hint in cases:
        with pytest.raises(LookAheadError, match=hint) as caught:
            r.preview(data, step, about=FEATURES)
        assert caught.value.where == f"step 1 ({step.kind})"
    version = stored(tmp_path, {"DATA": LABELLED}, roles=ROLES | {"label": "label"})
    context = Context(lambda name: version)
    found = r.preview(FEATURE, r.Join(dataset="a@1", prefix="a_"), about=FEATURES, context=context)
    assert "a_label" not in found.after.column_names and "a_close" in found.after.column_names
    with pytest.raises(LookAheadError, match="is a label") as caught:
        r.preview(FEATURE, r.Join(dataset="a@1", columns=["label"]), about=FEATURES, context=context)
    assert caught.value.where == "step 1 (join)"


WRONG = [
    ([], ParameterError, "recipe", "Give 1 to 50"),
    ([{"kind": "sort"}] * 51, ParameterError, "recipe", "Give 1 to 50"),
    ({"steps": [{"kind": "sort"}], "format": "other/1"}, ParameterError, "recipe", ""),
    ("{", ParameterError, "recipe", "JSON"),
    ([3], ParameterError, "step 1", "al.recipes.Fill"),
    ([{"kind": "sort"}, {"kind": "resampel"}], ParameterError, "step 2", "Did you mean resample?"),
    ([{"kind": "fill", "limits": 3}], ParameterError, "step 1 (fill), limits", "Did you mean limit?"),
    ([{"kind": "adjust", "events": [EVENT, EVENT]}], ParameterError, "step 1 (adjust), events, row 2", "Leave one"),
    ([{"kind": "adjust", "events": [EVENT | {"known_from": "2020-01-02", "known_to": "2020-01-02"}]}], ParameterError,
     "step 1 (adjust), events, row 1", ""),
    ([{"kind": "label"}], ParameterError, "step 1 (label), horizon", "How far it looks."),
    ([{"kind": "label", "horizon": 0}], ParameterError, "step 1 (label), horizon", ""),
    ([{"kind": "label", "horizon": 1.5}], ParameterError, "step 1 (label), horizon", ""),
    ([{"kind": "label", "horizon": True}], ParameterError, "step 1 (label), horizon", ""),
    ([{"kind": "label", "horizon": 10**400}], ParameterError, "step 1 (label), horizon", ""),
    ([{"kind": "winsorise", "lower": float("nan"), "window": 20}], ParameterError, "step 1 (winsorise), lower", ""),
    ([{"kind": "winsorise", "window": 5}], ParameterError, "step 1 (winsorise), least", "a lesser least"),
    ([{"kind": "winsorise", "window": 20, "fit_until": "2020-01-01"}], ParameterError, "step 1 (winsorise), fit_until",
     "one of them"),
    ([{"kind": "winsorise", "fit_until": "soon"}], ParameterError, "step 1 (winsorise), fit_until", "2010-12-31"),
    ([{"kind": "winsorise", "low": 2, "high": 1}], ParameterError, "step 1 (winsorise), low, high", ""),
    ([{"kind": "drop", "columns": ["close", "close"]}], ParameterError, "step 1 (drop), columns", ""),
    ([{"kind": "drop", "columns": ["closes"]}], DataError, "step 1 (drop), column 'closes'", "close"),
    ([{"kind": "sort", "columns": ["x"]}], DataError, "step 1 (sort), column 'x'", "There are time, open"),
    ([{"kind": "resample", "timeframe": "5 minutes"}], ParameterError, "step 1 (resample), timeframe", "Write 5min"),
    ([{"kind": "resample", "timeframe": "30s"}], ParameterError, "step 1 (resample), timeframe", "multiple"),
    ([{"kind": "resample", "timeframe": "5min", "aggregate": {"close": "maximum"}}], ParameterError,
     "step 1 (resample), aggregate, close", "There are first"),
    ([{"kind": "label", "horizon": 2}, {"kind": "resample", "timeframe": "5min"}], DataError,
     "step 2 (resample), column 'label'", "after 'resample'"),
    ([{"kind": "join", "dataset": "other"}], ParameterError, "step 1 (join), dataset", "Write name@3"),
    ([{"kind": "join", "dataset": "other@1"}], DataError, "step 1 (join), other@1", "ALPHINTRA_DATASETS"),
    ([{"kind": "join", "dataset": "other@1", "oldest": "5 days"}], ParameterError, "step 1 (join), oldest", "5d"),
    ([{"kind": "indicator", "function": "SMAA"}], ParameterError, "step 1 (indicator), function", "Did you mean SMA?"),
    ([{"kind": "indicator", "function": "SMA", "settings": {"period": 3}}], ParameterError,
     "step 1 (indicator), settings, period", "SMA has timeperiod"),
    ([{"kind": "indicator", "function": "SMA", "settings": {"timeperiod": 0}}], ParameterError,
     "step 1 (indicator), settings", ""),
    ([{"kind": "indicator", "function": "SMA", "inputs": ["open", "close"]}], ParameterError,
     "step 1 (indicator), inputs", "SMA reads close"),
    ([{"kind": "label", "horizon": 2, "method": "triple_barrier"}], ParameterError, "step 1 (label), up, down", "up="),
    ([{"kind": "label", "horizon": 2, "up": 1}], ParameterError, "step 1 (label), up", ""),
    ([{"kind": "label", "horizon": 2, "name": "close"}], ParameterError, "step 1 (label), name", "another"),
    ([{"kind": "derive", "name": "time", "formula": "close"}], ParameterError, "step 1 (derive), column 'time'", ""),
    ([{"kind": "normalise", "columns": ["close"], "window": 20, "suffix": ""}], ParameterError,
     "step 1 (normalise), suffix", "Give a suffix"),
    ([{"kind": "normalise", "window": 20}], ParameterError, "step 1 (normalise), columns", "Name the columns"),
    ([{"kind": "fill", "method": "value"}], ParameterError, "step 1 (fill), value", ""),
    ([{"kind": "adjust", "events": [EVENT | {"value": 0}]}], ParameterError, "step 1 (adjust), events, row 1", "4.0"),
    ([{"kind": "adjust", "events": [EVENT | {"kind": "x"}]}], ParameterError, "step 1 (adjust), events, row 1", ""),
    ([{"kind": "adjust", "events": [EVENT | {"ex_date": None}]}], ParameterError, "step 1 (adjust), events, row 1", ""),
    ([{"kind": "adjust", "events": [EVENT]}, {"kind": "adjust", "events": [EVENT]}], DataError, "step 2 (adjust)",
     "in the prices already"),
]  # fmt: skip


@pytest.mark.parametrize(("recipe", "error", "where", "hint"), WRONG)
def test_what_is_wrong_is_named(recipe, error, where, hint):
    with pytest.raises(AlphintraError) as caught:
        r.preview(bars(30), recipe, about=ABOUT)
    assert type(caught.value) is error, caught.value
    assert caught.value.where == where and hint in (caught.value.hint or ""), caught.value


def test_a_recipe_fits_into_a_manifest():
    events = [EVENT | {"symbol": f"S{i}"} for i in range(20_000)]
    step = r.Adjust(events=events)
    r.Recipe((step,))
    with pytest.raises(ParameterError, match="more than 250,000 values"):
        r.Recipe((step, step))
    with pytest.raises(ParameterError, match="1 to 20,000 splits"):
        r.Adjust(events=[*events, EVENT])


def shifted(rows):
    """Minute bars, two in a hundred of which are half a minute late."""
    table = bars(rows)
    late = [np.timedelta64(30_000_000 * (i % 50 == 49), "us") for i in range(rows)]
    return table.set_column(0, "time", pa.array(np.array(table["time"]) + late).cast(pa.timestamp("us", "UTC")))


def test_what_is_wrong_with_rows():
    mixed = table({"time": ["2020-01-02", "2020-01-01"], "x": [1.0, 2.0]})
    cases = [
        (mixed, r.Fill(), FEATURES, "DATA", "Put the step 'sort' before it."),
        (FEATURE, r.Normalise(columns=["word"], window=20), FEATURES, "column 'word'", "columns of numbers"),
        (FEATURE, r.Label(horizon=1), FEATURES, "column 'close'", None),
        (FEATURE, r.Fill(rows=True), FEATURES, "rows", "State the time frame"),
        (CLOCKS, r.Fill(rows=True), About(timeframe="1h", calendar="XNYS"), "DATA, rows", "calendar and label"),
        (bars(30), r.Adjust(events=[EVENT]), About(), "", "raw=True"),
        (DAYS, r.Adjust(events=[EVENT]), About(timeframe="1w", adjustment="raw"), "", "Put 'adjust' before 'resample'"),
        (shifted(50), r.Fill(rows=True), ABOUT, "DATA, rows", "calendar and label"),
        (bars(30), r.Adjust(events=[EVENT | {"symbol": "X"}]), ABOUT, "events", "The dataset has DATA."),
        (FEATURE.rename_columns(["time", "close", "word"]), r.Indicator(function="ATR"), FEATURES, "inputs", "inputs="),
    ]
    for data, step, about, where, hint in cases:
        with pytest.raises(DataError) as caught:
            run(data, step, about=about)
        assert caught.value.where == ", ".join(part for part in (f"step 1 ({step.kind})", where) if part)
        assert hint is None or hint in caught.value.hint
    with pytest.raises(DataError, match="a dividend of 3 on a close of 2"):
        given = table({"date": ["2020-01-02", "2020-01-03"], "close": [2.0, 2.0]})
        run(given, r.Adjust(events=[EVENT | {"kind": "dividend", "value": 3}]), about=DAILY)


FORMULAS = [
    "__import__('os')", "close.real", "(lambda: 1)()", "[x for x in y]", "close[0]", "'text'", "True", "1 if a else 2",
    "close := 3", "f'{close}'", "mean(close)", "mean(close, 2.5)", "mean(close, 0)", "mean(close, open)", "lag(a, n=1)",
    "(close)(1)", "col(close)", "1" + "0" * 400, "", "close +", "1" + "+1" * 400, "-" * 900 + "close", "close is open",
    "close @ open", "mean(*close, 2)", "close // 2", "print(close)", "abs(abs)(1)", "1j", "close and ...",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_no_python(text):
    with pytest.raises(ParameterError) as caught:
        r.Derive(name="x", formula=text)
    assert caught.value.where == "formula" and caught.value.hint.startswith(("Write columns", "There are abs"))


def test_the_schema_takes_what_the_steps_take():
    jsonschema = pytest.importorskip("jsonschema")
    schema = r.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    steps = [
        r.Sort(), r.Deduplicate(), r.Fill(limit=3), r.Drop(where="close > 1"), r.Resample(timeframe="5min"),
        r.Adjust(events=[EVENT]), r.Join(dataset="a@1"), r.Derive(name="x", formula="1"), r.Indicator(function="SMA"),
        r.Winsorise(window=20), r.Normalise(fit_until="2020-01-01"), r.Label(horizon=1),
    ]  # fmt: skip
    assert [step.kind for step in steps] == list(r.STEPS)
    recipe = r.Recipe(tuple(steps))
    validator.validate(recipe.to_dict()["steps"])
    assert r.recipe_of(recipe.to_json()) == recipe and r.recipe_of(json.loads(recipe.to_json())).sha256 == recipe.sha256
    for wrong in ({"kind": "label"}, {"kind": "label", "horizon": 0}, {"kind": "fill", "method": "backward"},
                  {"kind": "winsorise", "window": 20, "centred": True}, {"kind": "sort", "more": 1}):  # fmt: skip
        assert not validator.is_valid([wrong]), wrong
    label = next(item for item in schema["items"]["oneOf"] if item["title"] == "label")["properties"]
    assert label["horizon"] == {
        "description": "How far it looks.", "x-kind": "whole", "type": "integer", "minimum": 1, "maximum": 100_000,
        "x-unit": "rows",
    }  # fmt: skip
    assert (label["entry"]["default"], label["entry"]["enum"]) == ("close", ["close", "next_open"])
