"""Rows and events as they were known: revisions, corrections, symbols that changed hands; nothing is overwritten."""

import dataclasses

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra.data.sources import FolderSource
from alphintra.errors import DataError, UnknownDataset
from alphintra.rules import of_reference
from alphintra.store import reference

from tests.sdk.recipes.made import DAILY, FEATURES, datasets, table
from tests.sdk.store.made import ABOUT, ROLES, bars

DAYS = ["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07", "2020-01-08"]
PRICES = table({"date": DAYS, "open": [100.0, 102.0, 50.0, 51.0, 52.0], "high": [103.0, 104.0, 52.0, 53.0, 54.0],
                "low": [99.0, 100.0, 49.0, 50.0, 51.0], "close": [102.0, 103.0, 51.0, 52.0, 53.0]})  # fmt: skip
FIGURES = table({
    "time": ["2020-01-01", "2020-01-01", "2020-02-01", "2020-02-01"],
    "known_at": ["2020-02-15T12:00", "2020-04-15", "2020-03-15", "2020-03-20"], "gdp": [1.0, 1.5, 2.0, 2.5],
})  # fmt: skip


def row(kind, ex_date, value=None, known_from="2019-12-31", instrument_id="I1", **more):
    return {"instrument_id": instrument_id, "kind": kind, "ex_date": ex_date, "value": value,
            "known_from": known_from, "source": "test", **more}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    roles = {"time": "time", "known_at": "known_at"}
    datasets(tmp_path, monkeypatch, {
        "prices": ({"AAPL": PRICES}, DAILY, {name: name for name in ("open", "high", "low", "close")}),
        "macro": ({"US": FIGURES}, FEATURES, roles),
        "minutes": ({"A": bars(2_000, 1), "B": bars(50, 2)}, ABOUT, ROLES),
        "figures": ({"US": FIGURES.drop_columns(["known_at"])}, FEATURES, {"time": "time"}),
    })  # fmt: skip
    return tmp_path


def test_rows_as_they_were_known(folder):
    known = {
        "2020-02-14": [], "2020-02-15": [1.0], "2020-03-15": [1.0, 2.0], "2020-03-20 00:00": [1.0, 2.5],
        "2020-03-19T23:59:59.999999+00:00": [1.0, 2.0], "2020-05-01": [1.5, 2.5],
    }  # fmt: skip
    for as_of, gdp in known.items():
        data = al.data.load("macro@1", as_of=as_of)
        assert data.to_arrow()["gdp"].to_pylist() == gdp, as_of
        one = al.data.load("macro", as_of=as_of, columns=["gdp"], end="2020-01-31").to_arrow()
        assert one.column_names == ["symbol", "time", "gdp"] and one["gdp"].to_pylist() == gdp[:1]
        assert [len(part) for _, part in data.batches()] == ([len(gdp)] if gdp else [])
    # A minute's bar is known at its end.
    data = al.data.load("minutes@1", as_of="2020-01-01 00:30")
    assert [(s, len(part)) for s, part in data.batches()] == [("A", 30), ("B", 30)]
    market = al.data.resolve(data)
    assert (len(market.bars["A"]), market.name) == (30, "minutes@1 as of 2020-01-01 00:30")
    assert market.dataset_hash == data.content_hash != al.data.load("minutes@1").content_hash
    assert len(al.data.load("prices@1", as_of="2020-01-06T20:59").to_pandas()) == 2  # before the close
    assert len(al.data.load("prices@1", as_of="2020-01-06").to_pandas()) == 3
    with pytest.raises(DataError, match="does not say when its rows were known") as caught:
        al.data.load("figures@1", as_of="2020-02-01")
    assert caught.value.code == "NO_KNOWLEDGE" and "known_at" in caught.value.hint
    with pytest.raises(DataError, match="was known then"):
        al.data.resolve(al.data.load("prices@1", as_of="2019-01-01"))
    with pytest.raises(DataError, match="a part of a version"):
        al.data.load("prices@1", as_of="2020-01-06").process([al.recipes.Sort()])
    with pytest.raises(DataError, match="for a dataset of your own"):
        al.data.load("us-equities-daily", as_of="2010-01-01")


def test_events_as_they_were_known(folder):
    first = al.data.add_reference("actions", pd.DataFrame([
        row("symbol", "1980-12-12", text="AAPL"),
        row("split", "2020-01-06", 4.0),
        row("dividend", "2020-01-08", 0.5, known_from="2020-01-07 12:00"),
        row("dividend", "2020-01-08", 9.0, instrument_id="I2"),
    ]))  # fmt: skip
    assert repr(first).startswith("Dataset actions@1: I1, I2; rows, 1980-12-12 to 2020-01-08, 4 rows")
    # A correction: two new shares for an old one, known on the 5th.
    second = al.data.add_reference("actions", [row("split", "2020-01-06", 2.0, known_from="2020-01-05")])
    assert second.about.provenance.parents == (first.about.version,)
    # As the rules take them: what is known today, of the symbols that there is anything of.
    opened = FolderSource(folder).open("actions", "2")
    split, dividend = (int(np.datetime64(day, "D").astype(int)) for day in ("2020-01-06", "2020-01-08"))
    assert of_reference(opened, ["AAPL", "I2", "MSFT"]) == {
        "events": {"AAPL": {split}, "I2": frozenset()},
        "ex_dates": {"AAPL": {split, dividend}, "I2": {dividend}},
    }
    with pytest.raises(DataError, match="holds no reference data"):
        of_reference(FolderSource(folder).open("macro", "1"), ["US"])
    facts = reference.facts(opened)
    assert [f.value for f in facts if f.kind == "split"] == [4.0, 2.0]
    expected = {
        "2019-12-30": [], "2020-01-04": [("split", 4.0)], "2020-01-05": [("split", 2.0)],
        "2020-01-07": [("split", 2.0), ("dividend", 0.5)], "2020-01-07 11:59": [("split", 2.0)],
    }  # fmt: skip
    for as_of, pairs in expected.items():
        found = al.data.load("prices@1", as_of=as_of, reference="actions@2").events()
        assert list(zip(found["kind"], found["value"], strict=True)) == pairs, as_of
    data = al.data.load("prices@1/AAPL", reference="actions")
    market = al.data.resolve(data)
    actions = market.actions["AAPL"]
    assert (actions.split.tolist(), actions.dividend.tolist()) == ([2.0, 1.0], [0.0, 0.5])
    assert str(actions.known.astype("M8[us]")[1]) == "2020-01-07T12:00:00.000000"
    given = al.data.with_events(al.data.load("prices@1/AAPL"), data.events())
    assert market.dataset_hash == given.dataset_hash != al.data.load("prices@1/AAPL").content_hash
    assert al.data.load("prices@1").events().empty
    # What a recipe takes out of raw prices.
    adjusted = data.process([al.recipes.Adjust(events=data.events(), dividends=False)])
    assert adjusted.to_pandas()["close"].tolist() == [102.0, 103.0, 102.0, 104.0, 106.0]


class Hold(al.Strategy):
    share = al.Param(0.5, low=0.1, high=1.0)

    def on_bar(self):
        if self.bar_index == 0:
            self.order_target_percent(self.share)


def test_a_run_goes_through_the_events_of_its_reference_data(folder):
    al.data.add_reference("actions", [
        row("symbol", "1980-12-12", text="AAPL"), row("split", "2020-01-06", 2.0), row("dividend", "2020-01-08", 0.5),
    ])  # fmt: skip
    loaded = al.backtest(Hold, al.data.load("prices@1/AAPL", reference="actions"))
    named = al.backtest(Hold, "prices@1/AAPL", reference="actions")
    assert named.run["reference"] == loaded.run["reference"]
    assert named.run["reference"]["dataset"] == "actions@1"
    assert named.run["dataset_hash"] == loaded.run["dataset_hash"] != al.data.load("prices@1/AAPL").content_hash
    assert named.metrics["final_equity"] == loaded.metrics["final_equity"]
    # By hand: half of 100,000 at the open of 102 is 490 shares, 980 after the split, of which the last close is 53.
    assert named.metrics["final_equity"] == 100_000 - 490 * 102 + 980 * 53 + 980 * 0.5
    assert al.backtest(Hold, "prices@1/AAPL").metrics["final_equity"] < 80_000
    swept = al.sweep(Hold, "prices@1/AAPL", {"share": [0.5]}, reference="actions@1", workers=1)
    assert swept.run["reference"] == named.run["reference"]
    assert swept.table["final_equity"].tolist() == [named.metrics["final_equity"]]
    replay = al.replay(Hold, "prices@1/AAPL", at="2020-01-08", reference="actions@1")
    assert replay.result().metrics["final_equity"] == named.metrics["final_equity"]
    # As of a time, events are those that were known then.
    al.data.add_reference("actions", [row("split", "2020-01-06", 5.0, known_from="2020-01-07")])
    for as_of, splits in (("2020-01-07 12:00", [2.0]), ("2020-01-07", [5.0]), ("2020-01-08", [5.0, 1.0])):
        then = al.data.load("prices@1/AAPL", as_of=as_of)
        both = [al.data.resolve(then, reference="actions@2"), al.data.resolve(then.known(as_of, "actions@2"))]
        assert both[0].dataset_hash == both[1].dataset_hash
        assert both[0].actions["AAPL"].split.tolist() == splits, as_of
    # Two series of one instrument, by its id and by its symbol, have both its events.
    both = al.data.resolve(dict.fromkeys(("I1", "AAPL"), al.data.load("prices@1").to_pandas()), reference="actions@1")
    assert [both.actions[symbol].split.tolist() for symbol in ("I1", "AAPL")] == [[2.0, 1.0]] * 2
    # Nothing of it is in prices of which nothing is known there; what is adjusted, or has its own, is refused.
    frame = al.data.load("prices@1/AAPL").to_pandas()
    other = al.data.resolve({"MSFT": frame}, reference="actions@1")
    assert (other.actions, other.reference.dataset) == ({}, "actions@1")
    assert other.notes[-1].text == "actions@1 has no row of MSFT: no split or dividend is known"
    assert "not_in_reference" not in [note.code for note in al.data.resolve("prices@1", reference="actions@1").notes]
    adjusted = frame.assign(adj_close=frame["close"])
    assert al.data.resolve({"AAPL": adjusted}, reference="actions@1").actions["AAPL"].split.tolist() == [2.0, 1.0]
    for data, more, code in (
        ("prices@1", {"prices": "adjusted"}, "NO_RAW_PRICES"),
        (al.data.resolve({"AAPL": adjusted}), {}, "NO_RAW_PRICES"),
        (al.data.load("prices@1/AAPL", reference="actions"), {}, "HAS_EVENTS"),
        ("us-equities-daily/AAPL", {}, "HAS_EVENTS"),
        ("prices@1/AAPL", {"reference": frame}, "BAD_DATA_TYPE"),
        ("prices@1/AAPL", {"reference": "minutes"}, "NO_REFERENCE"),
    ):
        with pytest.raises(DataError) as caught:
            al.data.resolve(data, **{"reference": "actions"} | more)
        assert caught.value.code == code, data


def test_rows_are_never_changed(folder):
    al.data.add_reference("actions", [row("split", "2020-01-06", 4.0), row("listing", "2000-01-01")])
    al.data.add_reference("actions", [row("split", "2020-01-06", 4.0)])  # is there already
    assert len(reference.facts(FolderSource(folder).open("actions", "2"))) == 2
    with pytest.raises(DataError, match="another split is there") as caught:
        al.data.add_reference("actions", [row("split", "2020-01-06", 3.0)])
    assert (caught.value.code, caught.value.where) == ("CONFLICT", "I1, 2020-01-06")
    assert FolderSource(folder).versions("actions") == ["1", "2"]
    with pytest.raises(DataError, match="holds no reference data"):
        al.data.add_reference("prices", [row("split", "2020-01-06", 4.0)])
    with pytest.raises(DataError, match="holds no reference data"):
        al.data.load("prices@1", reference="minutes").events()
    with pytest.raises(UnknownDataset, match="'nothing'"):
        al.data.load("prices@1", reference="nothing")
    with pytest.raises(DataError, match="ships with Alphintra"):
        al.data.add_reference("us-equities-daily", [row("listing", "2000-01-01")])


def test_symbols_that_changed_hands():
    def known(rows, until=None):
        return reference.known(reference.facts_of(rows), until)

    rows = [
        row("symbol", "2012-05-18", text="FB"),
        row("symbol", "2022-06-09", text="META", known_from="2022-05-31"),
        row("symbol", "2021-06-30", text="META", instrument_id="ETF"),
        row("symbol", "2022-01-31", text="METV", instrument_id="ETF", known_from="2022-01-20"),
    ]
    at = {text: int(pd.Timestamp(text, tz="UTC").value // 1_000) for text in ("2022-01-01", "2022-03-01", "2022-07-01")}
    symbols = {text: reference.instruments_of(known(rows, until), ["FB", "META", "I1"]) for text, until in at.items()}
    assert symbols == {
        "2022-01-01": {"FB": "I1", "META": "ETF", "I1": "I1"}, "2022-03-01": {"FB": "I1", "I1": "I1"},
        "2022-07-01": {"META": "I1", "I1": "I1"},
    }  # fmt: skip
    # Between the news of a new symbol and its first day an instrument has both, if nobody else is traded under it.
    between = int(pd.Timestamp("2022-06-03", tz="UTC").value // 1_000)
    assert reference.instruments_of(known(rows, between), ["FB", "META"], between) == {"FB": "I1", "META": "I1"}
    taken = reference.instruments_of(known(rows[:3], between), ["FB", "META"], between)
    assert taken == {"FB": "I1", "META": "ETF"}
    with pytest.raises(DataError, match="several instruments") as caught:
        reference.instruments_of(known([*rows[:2], rows[2]]), ["META"])
    assert caught.value.code == "AMBIGUOUS"
    gone = [*rows[:3], row("delisting", "2021-12-31", 3.5, instrument_id="ETF")]
    assert reference.instruments_of(known(gone), ["META"]) == {"META": "I1"}
    withdrawn = [row("dividend", "2020-01-08", 1.0, known_to="2020-01-03"), row("dividend", "2020-02-03", 2.0)]
    day = int(pd.Timestamp("2020-01-03 12:00", tz="UTC").value // 1_000)
    assert [fact.value for fact in known(withdrawn, day)] == [1.0, 2.0]
    assert [fact.value for fact in known(withdrawn)] == [2.0]


WRONG = [
    ({"kind": "split"}, "no row of reference data"),
    (row("split", "2020-01-06", 4.0) | {"extra": 1}, "no row of reference data"),
    (row("merger", "2020-01-06"), "no kind 'merger'"),
    (row("split", "2020-01-06"), "a split of ratio nan"),
    (row("split", "2020-01-06", 0.0), "a split of ratio 0"),
    (row("dividend", "2020-01-06", "x"), "'x' is no number"),
    (row("listing", "soon"), "is not a date"),
    (row("listing", None), "have to be given"),
    (row("listing", "2020-01-06", known_from=pd.NaT), "have to be given"),
    (row("symbol", "2020-01-06"), "text is the new symbol"),
    (row("listing", "2020-01-06", text="A"), "text is the new symbol"),
    (row("listing", "2020-01-06", known_to="2019-12-31"), "known_to is not after known_from"),
    (row("listing", "2020-01-06", instrument_id=" "), "no printable text"),
    (3, "a frame or a list"),
]


@pytest.mark.parametrize(("given", "match"), WRONG)
def test_what_is_wrong_is_named(given, match):
    with pytest.raises(DataError, match=match):
        reference.facts_of(given if given == 3 else [given])


def test_reference_data_with_open_errors_is_not_run_on(folder, monkeypatch):
    """Rows of it may be left out, and a split that is missing makes other figures: refused as on a server."""
    al.data.add_reference("actions", [row("split", "2020-01-06", 4.0, instrument_id="AAPL")])
    opened = FolderSource.open

    def with_errors(self, name, version):
        found = opened(self, name, version)
        return dataclasses.replace(found, open_errors=("EVENT_ROW: no kind 'splt' (1 place)",) * (name == "actions"))

    monkeypatch.setattr(FolderSource, "open", with_errors)
    loaded = al.data.load("prices@1", reference="actions@1")
    assert len(loaded.events()) == 1
    for resolve in (
        lambda: al.data.resolve(loaded),
        lambda: al.data.resolve("prices@1", reference="actions@1"),
        lambda: al.data.resolve(PRICES.to_pandas().set_index("date"), reference="actions@1"),
    ):
        with pytest.raises(DataError, match="EVENT_ROW: no kind 'splt'") as caught:
            resolve()
        assert (caught.value.code, caught.value.where) == ("DATASET_HAS_ERRORS", "actions@1")
