"""Two versions cell by cell, against pandas on the same rows."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from alphintra.errors import DataError
from alphintra.store.comparing import MOST_PLACES, compare
from alphintra.store.open_file import Rules
from alphintra.store.opening import open_folder

from .made import ROLES, bars, write

BIG = Rules(group_rows=50_000, groups=2)


def versions(tmp_path, old, new, roles=ROLES, rules=BIG):
    write(tmp_path / "old", old, "old", rules=rules, roles=roles)
    write(tmp_path / "new", new, "new", rules=rules, roles=roles)
    return open_folder(tmp_path / "old"), open_folder(tmp_path / "new")


def pandas_counts(old, new):
    """Rows added and removed, and cells changed, by an outer join."""
    joined = old.to_pandas().merge(new.to_pandas(), on="time", how="outer", indicator=True, suffixes=("_old", "_new"))
    both = joined[joined["_merge"] == "both"]
    changed = {}
    for name in ("open", "high", "low", "close", "volume"):
        left, right = both[f"{name}_old"], both[f"{name}_new"]
        count = int(((left != right) & ~(left.isna() & right.isna())).sum())
        if count:
            changed[name] = count
    return int((joined["_merge"] == "right_only").sum()), int((joined["_merge"] == "left_only").sum()), changed


def test_cells_rows_symbols_and_columns(tmp_path):
    old = bars(150_000, 1)
    frame = old.to_pandas()
    frame.loc[140_000, "close"] += 0.01
    frame.loc[140_001, ["close", "volume"]] = [np.nan, 5.0]
    frame = frame.drop(index=[135_000, 149_999])
    new = pa.concat_tables([pa.Table.from_pandas(frame, preserve_index=False).cast(old.schema), bars(3, 9, 2**51)])
    before = {"A": old, "B": bars(10, 2), "C": bars(5, 3)}
    left, right = versions(tmp_path, before, {"A": new, "B": bars(10, 2), "D": bars(7, 4)})
    found = compare(left, right)
    added, removed, changed = pandas_counts(old, new)
    assert (added, removed, changed) == (3, 2, {"close": 2, "volume": 1})
    assert (found.symbols_added, found.symbols_removed) == (["D"], ["C"])
    assert (found.rows_added, found.rows_removed) == (added + 7, removed + 5)
    assert found.cells_changed == changed
    assert not found.equal
    by_change = {}
    for place in found.places:
        by_change.setdefault(place.change, []).append(place)
    assert [p.time for p in by_change["removed"]] == ["2020-04-03T18:00:00Z", "2020-04-14T03:59:00Z"]
    assert len(by_change["added"]) == 3
    closes = [(p.old, p.new) for p in by_change["changed"] if p.column == "close"]
    was = old["close"][140_000].as_py()
    assert closes == [(was, was + 0.01), (old["close"][140_001].as_py(), None)]
    assert 0 < found.rows_read < 2 * (150_000 - 131_072) + 10  # the first two blocks are equal: not read


def test_only_blocks_that_differ_are_read(tmp_path):
    old = bars(200_000, 1)
    volume = old["volume"].to_numpy().copy()
    volume[70_000] = -1
    new = old.set_column(5, "volume", pa.array(volume))
    found = compare(*versions(tmp_path, {"A": old}, {"A": new}))
    assert found.cells_changed == {"volume": 1}
    assert found.rows_read == 2 * 65_536
    assert [(p.symbol, p.column, p.new) for p in found.places] == [("A", "volume", -1.0)]


def test_equal_versions_in_other_files_are_equal(tmp_path):
    table = bars(3_000, 1)
    write(tmp_path / "1", {"A": table}, "v1")
    write(tmp_path / "2", {"A": table}, "v2", rules=BIG)
    found = compare(open_folder(tmp_path / "1"), open_folder(tmp_path / "2"))
    assert found.equal
    assert found.rows_read == 0


def test_random_changes_against_pandas(tmp_path):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        old = bars(2_000, seed)
        frame = old.to_pandas()
        for name in ("open", "close", "volume"):
            frame.loc[rng.choice(2_000, 5), name] += 1
        frame = frame.drop(index=rng.choice(2_000, 40, replace=False))
        new = pa.Table.from_pandas(frame, preserve_index=False).cast(old.schema)
        if seed % 2:
            old, new = new, old
        found = compare(*versions(tmp_path / str(seed), {"A": old}, {"A": new}, rules=Rules(group_rows=97 + seed)))
        assert (found.rows_added, found.rows_removed, found.cells_changed) == pandas_counts(old, new), seed


def test_a_whole_symbol_that_changed_is_counted_and_its_places_are_bounded(tmp_path):
    old, new = bars(5_000, 1), bars(5_000, 2)
    found = compare(*versions(tmp_path, {"A": old}, {"A": new}, rules=Rules(group_rows=333)))
    assert (found.rows_added, found.rows_removed, found.cells_changed) == pandas_counts(old, new)
    assert len(found.places) == MOST_PLACES


def test_ticks_are_matched_by_sequence_and_order(tmp_path):
    def ticks(*rows):
        time, seq, price = zip(*rows, strict=True)
        time = pa.array(time, pa.timestamp("us", "UTC"))
        return pa.table({"time": time, "seq": pa.array(seq, pa.int64()), "price": price})

    old = ticks((1, 1, 10.0), (1, 2, 11.0), (1, 3, 12.0), (2, 1, 13.0), (2, 1, 14.0))
    new = ticks((1, 1, 10.0), (1, 3, 12.5), (2, 1, 13.0), (2, 1, 15.0), (2, 1, 16.0))
    roles = {"time": "time", "seq": "sequence"}
    found = compare(*versions(tmp_path, {"T": old}, {"T": new}, roles, Rules(group_rows=2)))
    assert (found.rows_added, found.rows_removed, found.cells_changed) == (1, 1, {"price": 2})
    assert [(p.old, p.new) for p in found.places if p.change == "changed"] == [(12.0, 12.5), (14.0, 15.0)]


def test_columns_of_other_names_and_types(tmp_path):
    days = pa.array([dt.date(2020, 1, 1), dt.date(2020, 1, 2)])
    some, none = pa.array(["x", None]), pa.array([None, None], pa.string())
    old = pa.table({"date": days, "a": [1.0, 2.0], "b": some, "c": pa.array([1, None], pa.int64()), "gone": [1.0, 1.0]})
    new = pa.table({"date": days, "a": ["1", "2"], "b": none, "c": pa.array([1, 0]), "here": [True, False]})
    left, right = versions(tmp_path, {"A": old}, {"A": new}, {"date": "time"})
    found = compare(left, right)
    assert (found.columns_added, found.columns_removed) == (["a", "here"], ["a", "gone"])
    assert found.cells_changed == {"b": 1, "c": 1}
    assert [(p.time, p.column, p.old, p.new) for p in found.places] == [
        ("2020-01-01", "b", "x", None), ("2020-01-02", "c", None, 0),
    ]  # fmt: skip
    write(tmp_path / "minutes", {"A": bars(3)}, "v3")
    with pytest.raises(DataError) as caught:
        compare(left, open_folder(tmp_path / "minutes"))
    assert caught.value.code == "NOT_COMPARABLE"
