"""A recipe makes a version: the same each time, with where it came from; versions are compared and gone back to."""

import json
from concurrent.futures import ThreadPoolExecutor

import alphintra as al
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from alphintra.data.sources import FOLDER_VARIABLE, FolderSource
from alphintra.errors import Cancelled, DataError, ParameterError, UnknownDataset
from alphintra.recipes import Context, Recipe, apply, recipe_of
from alphintra.recipes.step import Outcome
from alphintra.rules import Choice
from alphintra.store import manifest as manifests
from alphintra.store.columns import numbers
from alphintra.store.comparing import compare
from alphintra.store.open_file import Rules
from alphintra.store.opening import open_folder
from alphintra.store.sealed import Seal

from tests.sdk.recipes.made import FEATURES, after, datasets, rows, stored
from tests.sdk.store.key_folder import KeyFolder
from tests.sdk.store.made import ABOUT, ROLES, bars, write

r = al.recipes
STEPS = [
    r.Drop(where="volume > 950"), r.Derive(name="ret", formula="log(close / lag(close, 1))", unit="fraction"),
    r.Winsorise(columns=["ret"], fit_until="2020-01-01"), r.Normalise(columns=["ret"], fit_until="2020-01-01"),
    r.Indicator(function="RSI"), r.Label(horizon=5),
]  # fmt: skip


def two():
    return {"AAPL": bars(3_000, 1), "MSFT": bars(2_500, 2)}


def test_the_same_recipe_makes_the_same_version(tmp_path):
    old = stored(tmp_path / "old", two())
    first = apply(old, STEPS, tmp_path / "a", "a")
    other = apply(old, recipe_of(json.dumps(Recipe(tuple(STEPS)).to_dict())), tmp_path / "b", "b",
                  rules=Rules(group_rows=700, groups=2, codec="zstd"))  # fmt: skip
    assert first.manifest.content_hash == other.manifest.content_hash
    assert first.recipe.to_json() == other.recipe.to_json()
    # What was fitted is fitted no more: on other rows it stays what it was.
    fitted = first.recipe.fitted[3]["AAPL"]["ret"]
    bounded = 0
    for table in two().values():
        kept = np.array(table["volume"]) <= 950
        returns = np.diff(np.log(np.array(table["close"])[kept]))
        ends = np.quantile(returns[: int(kept[:1_440].sum()) - 1], (0.01, 0.99))
        bounded += int(((returns < ends[0]) | (returns > ends[1])).sum())
        if len(table) == 3_000:
            np.testing.assert_allclose(fitted, ends, rtol=1e-9)
    later = stored(tmp_path / "later", {"AAPL": bars(3_000, 7), "NEW": bars(100, 8)})
    again = apply(later, first.recipe, tmp_path / "c", "c")
    assert again.recipe.fitted[3] == first.recipe.fitted[3]
    assert apply(later, first.recipe.unfitted(), tmp_path / "d", "d").recipe.fitted[3] != first.recipe.fitted[3]
    # Where it came from is in the manifest, and read back from it.
    kept = manifests.from_json((tmp_path / "a" / "manifest.json").read_bytes())
    assert kept.provenance.parents == ("v1",)
    entry = kept.provenance.recipe
    assert recipe_of(entry).to_json() == first.recipe.to_json()
    effects = {effect["step"]: effect for effect in entry["effects"]}
    left = sum(int((np.array(table["volume"]) > 950).sum()) for table in two().values())
    assert (effects[1]["rows_in"], effects[1]["rows_out"], effects[1]["rows_removed"]) == (5_500, 5_500 - left, left)
    assert effects[2]["columns_added"] == ["ret"] and effects[3]["cells_changed"] == {"ret": bounded}
    roles = {column.name: (column.role, column.unit) for column in kept.columns}
    assert roles["label"] == ("label", "fraction") and roles["ret"] == ("feature", "fraction")


def test_what_is_made_of_a_sealed_version_is_sealed_and_its_manifest_tells_nothing(tmp_path):
    keys = KeyFolder(tmp_path / "keys")
    write(tmp_path / "old", two(), seal=Seal(keys, "v1"))
    old = open_folder(tmp_path / "old", keys)
    with pytest.raises(DataError, match="has to be sealed as well"):
        apply(old, STEPS, tmp_path / "open", "a")
    made = apply(old, STEPS, tmp_path / "a", "a", seal=Seal(keys, "a"), check=Choice())
    plain = apply(stored(tmp_path / "plain", two()), STEPS, tmp_path / "b", "b", check=Choice())
    assert made.manifest.content_hash == plain.manifest.content_hash
    entry, report = made.manifest.provenance.recipe, made.manifest.provenance.report
    assert (made.manifest.sealed, made.manifest.statistics, entry["fitted"]) == (True, {}, {})
    assert plain.manifest.provenance.recipe["fitted"] and made.recipe.fitted == plain.recipe.fitted
    counts = [[result["count"] for result in own["results"]] for own in (report, plain.manifest.provenance.report)]
    assert counts[0] == counts[1] and any(counts[0])
    assert not any(result["places"]["count"] for result in report["results"])
    # Nor does an error, which is written down where a job ends.
    step = r.Adjust(events=[{"symbol": "AAPL", "kind": "dividend", "ex_date": "2020-01-02", "value": 98765.0}])
    for seal, said in ((Seal(keys, "c"), "a dividend is not less than"), (None, "a dividend of 98765 on a close of ")):
        given = old if seal else stored(tmp_path / "again", two())
        with pytest.raises(DataError, match=said) as caught:
            apply(given, step, tmp_path / said[-4:], "c", seal=seal)
        assert caught.value.code == "BAD_DIVIDEND"
        assert ("98765" in str(caught.value)) == (seal is None)


def test_what_a_step_changed_is_what_two_versions_differ_in(tmp_path):
    table = bars(2_000, 3)
    close = np.array(table["close"]).copy()
    close[[10, 11, 500]] = np.nan
    table = table.set_column(4, "close", pa.array(close))
    holes = pa.concat_tables([table.slice(0, 700), table.slice(702)])
    old = stored(tmp_path / "old", {"A": holes})
    made = apply(old, r.Fill(rows=True), tmp_path / "new", "new")
    effect, new = made.effects[0], open_folder(tmp_path / "new")
    found = compare(old, new)
    assert (found.rows_added, found.rows_removed, found.cells_changed) == (2, 0, {"close": 3})
    assert (effect.rows_added, effect.rows_removed, effect.cells_changed) == (2, 0, {"close": 3})
    assert [(p.time, p.column, p.old, p.new) for p in found.places if p.change == "changed"] == [
        (p.time, p.column, p.old, p.new) for p in effect.places if p.change == "changed"
    ] == [(f"2020-01-01T{m // 60:02}:{m % 60:02}:00Z", "close", None, close[m - 1 - (m == 11)]) for m in (10, 11, 500)]


def test_memory_is_that_of_one_symbol(tmp_path):
    whole = {f"S{i:02}": bars(20_000, i) for i in range(16)}
    size = next(iter(whole.values())).nbytes
    old = stored(tmp_path / "old", whole)
    del whole
    steps = [r.Fill(), r.Derive(name="x", formula="mean(close, 20)"), r.Normalise(columns=["x"], window=50)]
    default = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(default)
    pa.set_memory_pool(pool)
    try:
        apply(old, steps, tmp_path / "new", "new")
    finally:
        pa.set_memory_pool(default)
    assert size < pool.max_memory() < 6 * size


def test_a_join_is_a_parent_as_well(tmp_path):
    figures = pa.table({"time": bars(40)["time"], "vix": np.arange(40.0)})
    other = stored(tmp_path / "other", {"VIX": figures}, "o1", about=FEATURES, roles={"time": "time"})
    old = stored(tmp_path / "old", {"A": bars(50)})
    context = Context(lambda name: other)
    with pytest.raises(DataError, match="does not say when its rows were known") as caught:
        apply(old, r.Join(dataset="vix@3", symbol="VIX"), tmp_path / "no", "no", context=context)
    assert caught.value.where == "step 1 (join), dataset" and "known_at_time=True" in caught.value.hint
    step = r.Join(dataset="vix@3", symbol="VIX", known_at_time=True)
    made = apply(old, step, tmp_path / "new", "new", context=context)
    assert made.manifest.provenance.parents == ("v1", "o1")
    assert made.manifest.provenance.recipe["inputs"] == [
        {"dataset": "vix@3", "content_hash": other.manifest.content_hash}
    ]
    # A minute's bar is known at its end, the index at its time: the first row already knows the second value.
    values = open_folder(tmp_path / "new").manifest.statistics["vix"]
    assert (values["min"], values["max"], values["nulls"]) == (1.0, 39.0, 0)


def test_a_recipe_that_ends_early_leaves_no_version(tmp_path):
    old = stored(tmp_path / "old", two())
    with pytest.raises(DataError, match="there are no rows"):
        apply(old, r.Drop(where="close > 0"), tmp_path / "none", "none")

    class Set:
        def is_set(self):
            return True

    with pytest.raises(Cancelled):
        apply(old, STEPS, tmp_path / "gone", "gone", cancel=Set())
    shares = []
    apply(old, STEPS, tmp_path / "part", "part", symbols=["MSFT"], progress=shares.append)
    assert shares == [1.0] and open_folder(tmp_path / "part").manifest.symbols == ("MSFT",)
    with pytest.raises(UnknownDataset, match="MSFT"):
        apply(old, STEPS, tmp_path / "x", "x", symbols=["MSF"])
    assert not any((tmp_path / name / "manifest.json").exists() for name in ("none", "gone", "x"))


def test_in_a_notebook(tmp_path, monkeypatch):
    datasets(tmp_path, monkeypatch, {"prices": (two(), ABOUT, ROLES)})
    data = al.data.load("prices@1").process(STEPS)
    assert repr(data) == "prices: drop → derive → winsorise → normalise → indicator → label"
    shown = data.preview(r.Sample(rows=2_000))
    assert shown.leaks == () and shown.effects[0].rows_out == len(shown.after)
    assert repr(shown).splitlines()[1] == "step 2 (derive): 3,807 rows in, 3,807 out; new: ret"
    new = data.save()
    assert repr(new).startswith("Dataset prices@2: AAPL, MSFT; 1min, 2020-01-01")
    assert new.to_arrow().schema == data.to_arrow().schema
    pd.testing.assert_frame_equal(new.to_pandas(), data.to_pandas())
    assert al.data.load("prices@2").content_hash == new.content_hash
    # Undoing it is going back; what is traded has no label in it.
    assert al.data.load("prices@1").about.content_hash != new.content_hash
    assert "label" in new.about.statistics
    assert not hasattr(al.data.resolve("prices@2/AAPL").bars["AAPL"], "label")
    one = al.data.load("prices@2/MSFT").process([r.Sort()])
    assert one.save("other").symbols == ("MSFT",) and al.data.load("other").name == "other@1"
    frame = one.to_pandas()
    assert list(frame.index[:1].strftime("%H:%M")) == ["00:00"] and frame["label"].isna().sum() == 5
    joined = al.data.load("other@1").process([r.Join(dataset="prices@1", columns=["close"], prefix="old_")])
    assert (joined.to_pandas()["old_close"] == joined.to_pandas()["close"]).all()
    for wrong, error in (("prices@9", UnknownDataset), ("nothing@1", UnknownDataset)):
        with pytest.raises(error) as caught:
            al.data.load("other@1").process([r.Join(dataset=wrong, prefix="x_")])
        assert caught.value.where.startswith("step 1 (join)")
    with pytest.raises(DataError, match="a part of a version"):
        al.data.load("prices@1", columns=["close"]).process(STEPS)
    with pytest.raises(DataError, match="no name of a dataset"):
        one.save("a@b")
    monkeypatch.delenv(FOLDER_VARIABLE)
    with pytest.raises(DataError, match="nothing can be kept here") as caught:
        one.save()
    assert caught.value.code == "READ_ONLY" and "ALPHINTRA_DATASETS" in caught.value.hint


def test_numbers_of_versions_are_given_once(tmp_path, monkeypatch):
    datasets(tmp_path, monkeypatch, {"prices": ({"A": bars(10)}, ABOUT, ROLES)})
    where = FolderSource(tmp_path)
    with ThreadPoolExecutor(8) as executor:
        given = list(executor.map(lambda i: where.add("prices", "me", f"v{i}"), range(24)))
    assert sorted(map(int, given)) == list(range(2, 26)) and where.versions("prices") == [str(i) for i in range(1, 26)]


def test_how_a_preview_looks():
    class Peeking(r.Derive):
        def run(self, rows, shape, context, fitted):
            """Take the mean of all closes."""
            x = np.full(len(rows), rows.numbers("close").mean())
            return Outcome({**rows.arrays, "x": numbers(x)})

    steps = [r.Fill(columns=["close"], rows=True), Peeking(name="x", formula="close")]
    shown = r.preview(pa.concat_tables([bars(50).slice(0, 10), bars(50).slice(12)]), steps, about=ABOUT)
    lines = repr(shown).splitlines()
    assert lines[:2] == [
        "step 1 (fill): 48 rows in, 50 out", "step 2 (derive): 50 rows in, 50 out; new: x",
    ]  # fmt: skip
    assert lines[2] == (
        "step 2 (derive) looks ahead: on DATA, column x, first at 2020-01-01T00:00:00Z changed "
        "with what became known after 2020-01-01T00:19:00Z"
    )
    told = json.loads(json.dumps(shown.to_dict(rows=2), allow_nan=False))
    first = dict(zip(told["after"]["columns"], told["after"]["rows"][0], strict=True))
    assert first == {
        "symbol": "DATA", "time": "2020-01-01T00:00:00Z", "x": shown.after["x"][0].as_py(),
        **{name: bars(50)[name][0].as_py() for name in ("open", "high", "low", "close", "volume")},
    }  # fmt: skip
    assert len(told["before"]["rows"]) == 2 and told["effects"][0]["places"][0] == {
        "symbol": "DATA", "time": "2020-01-01T00:10:00Z", "column": None, "old": None, "new": None, "change": "added"
    }  # fmt: skip
    few = r.preview(bars(50), r.Normalise(columns=["close"], fit_until="2020-01-01", least=5), about=ABOUT)
    assert (few.tried, shown.tried) == (0, 3) and repr(few).splitlines()[1].startswith("whether a step looks ahead was")
    with pytest.raises(ParameterError, match="0 rows"):
        r.preview(bars(50), r.Sort(), r.Sample(rows=0))
    html = shown._repr_mimebundle_()["text/html"]
    assert "step 2 (derive) looks ahead" in html and "<td" in html and ">48<" in html


def test_frames_are_taken_as_well():
    import polars as pl

    table = bars(50, 1)
    both = {"pandas": table.to_pandas(), "polars": pl.from_arrow(table), "arrow": table, "index": None}
    both["index"] = both["pandas"].set_index("time")
    for frame in both.values():
        shown = r.preview(frame, r.Derive(name="x", formula="close * 2"), about=ABOUT)
        assert shown.after["x"].to_pylist() == [2 * price for price in table["close"].to_pylist()]
    several = pa.concat_tables([table.append_column("symbol", pa.array([name] * 50)) for name in "BA"])
    shown = r.preview(several, r.Sort(), r.Sample(symbols=["B"], rows=10))
    assert shown.before["symbol"].to_pylist() == ["B"] * 10
    with pytest.raises(DataError, match="a int holds no rows"):
        r.preview(3, r.Sort())
    naive = rows(table.to_pandas().assign(time=lambda f: f["time"].dt.tz_localize(None)), ABOUT)
    assert after(naive, r.Sort()).text_of(1) == "2020-01-01T00:01:00Z"
