"""Rows are added to a version without writing or reading those before them."""

import pyarrow as pa
import pytest
from alphintra.errors import DataError
from alphintra.store import VersionWriter, manifest, reading
from alphintra.store.blobs import Folder
from alphintra.store.columns import columns_of
from alphintra.store.committing import commit
from alphintra.store.comparing import compare
from alphintra.store.hashing import stored_hash
from alphintra.store.open_file import Rules
from alphintra.store.opening import open_folder, open_version
from alphintra.store.sealed import Seal
from alphintra.store.sketches import sketches_of
from alphintra.store.sweeping import lease

from tests.sdk.store.key_folder import KeyFolder

from .made import ABOUT, ROLES, SMALL, bars, expected_hash, write

WHOLE = {"A": bars(140_000, 1), "B": bars(65_536, 2), "C": bars(10, 3), "D": bars(300, 4), "Z": bars(7, 5)}
#: Rows of each symbol after the first, second and third time; B ends with a whole block, D is new, C has nothing new.
STEPS = ({"A": 66_000, "B": 65_536, "C": 10, "Z": 5}, {"A": 131_072, "B": 65_536, "C": 10, "D": 200, "Z": 5}, None)
BIG = Rules(group_rows=50_000)


def plain(table):
    """The same table with symbols as texts."""
    return table.set_column(0, "symbol", table["symbol"].cast(pa.string()))


def add(folder, parent, before, after, version, **how):
    """Write what ``after`` has beyond ``before``."""
    with VersionWriter(folder, version, columns_of(bars(1).schema, ROLES), ABOUT, rules=BIG, parent=parent, **how) as w:
        for symbol in sorted(after):
            w.add(symbol, WHOLE[symbol].slice(before.get(symbol, 0), after[symbol] - before.get(symbol, 0)))
        return w.finish()


def test_a_version_that_was_added_to_is_the_version_written_at_once(tmp_path):
    blobs = Folder(tmp_path / "store")
    steps = [*STEPS[:2], {symbol: len(table) for symbol, table in WHOLE.items()}]
    before, parent, held = {}, None, set()
    for number, after in enumerate(steps):
        with lease(blobs.root, "me") as folder:
            added = add(folder, parent, before, after, f"v{number}")
            written = {path.stem for path in folder.glob("*.parquet")}
            assert held <= added.hashes  # the files of the parent are those of the child
            assert not written & held
            with commit(blobs, "me", folder, f"v{number}"):
                pass
        parent = open_version(blobs, "me", f"v{number}")
        held = {file.sha256 for file in parent.manifest.files}
        before = after
        want = {symbol: WHOLE[symbol].slice(0, count) for symbol, count in after.items()}
        assert parent.manifest.content_hash == expected_hash(want), number
        assert stored_hash(parent.manifest, reading.batches(parent))[0] == parent.manifest.content_hash
        assert len(reading.block_digests(parent)) == 6 * sum(-(-count // 65_536) for count in after.values())
    write(tmp_path / "once", WHOLE, rules=BIG)
    once = open_folder(tmp_path / "once")
    assert compare(once, parent).equal
    assert parent.manifest.symbols == ("A", "B", "C", "D", "Z")
    for part in ((None, None), ("A", ["close"], "2020-03-01", "2020-03-31")):
        assert plain(reading.read(parent, *part)).equals(plain(reading.read(once, *part)))
    assert parent.manifest.sample == once.manifest.sample
    for name, found in once.manifest.statistics.items():
        got = parent.manifest.statistics[name]
        assert {k: v for k, v in got.items() if k not in ("mean", "std")} == {
            k: v for k, v in found.items() if k not in ("mean", "std")
        }
        for key in found.keys() & {"mean", "std"}:
            assert got[key] == pytest.approx(found[key], rel=1e-8)
    assert sketches_of(parent).statistics() == parent.manifest.statistics
    assert manifest.from_json(parent.manifest.to_json()).to_json() == parent.manifest.to_json()


def test_what_cannot_be_added(tmp_path):
    write(tmp_path / "old", {"A": bars(1_000, 1)})
    parent = open_folder(tmp_path / "old")
    columns = columns_of(bars(1).schema, ROLES)

    def adding(table, **how):
        with VersionWriter(tmp_path / "new", "v2", how.pop("columns", columns), parent=parent, **how) as writer:
            writer.add("A", table)
            writer.finish()

    keys = Seal(KeyFolder(tmp_path / "keys"), "v2")
    for table, how, code in (
        (bars(1_000, 1).slice(999), {}, "OVERLAP"),  # the same time again
        (bars(1_000, 1).slice(10, 5), {}, "OVERLAP"),
        (bars(2_000, 1), {}, "OVERLAP"),
        (bars(2_000, 1).slice(1_000), {"columns": columns[:-1]}, "BAD_COLUMN"),
        (bars(2_000, 1).slice(1_000), {"seal": keys}, "SEALED"),
        (bars(0), {}, "NO_ROWS"),
    ):
        with pytest.raises(DataError) as caught:
            adding(table, **how)
        assert caught.value.code == code
    write(tmp_path / "sealed", {"A": bars(10)}, seal=Seal(KeyFolder(tmp_path / "keys"), "v1"))
    parent = open_folder(tmp_path / "sealed", KeyFolder(tmp_path / "keys"))
    with pytest.raises(DataError) as caught:
        adding(bars(20).slice(10))
    assert caught.value.code == "SEALED"


def test_a_parent_with_damaged_sketches_is_refused(tmp_path):
    first = write(tmp_path / "old", {"A": bars(1_000, 1)})
    path = tmp_path / "old" / f"{first.sketches.sha256}.parquet"
    path.write_bytes((tmp_path / "old" / f"{first.blocks.sha256}.parquet").read_bytes())
    with pytest.raises(DataError) as caught:
        add(tmp_path / "new", open_folder(tmp_path / "old"), {"A": 1_000}, {"A": 1_001}, "v2")
    assert (caught.value.code, caught.value.where) == ("DAMAGED_FILE", first.sketches.sha256)


def test_rows_of_a_version_in_many_small_groups_are_read_in_their_order(tmp_path):
    table = bars(100, 1)
    write(tmp_path / "0", {"A": table.slice(0, 10)}, rules=SMALL)
    parent = open_folder(tmp_path / "0")
    with VersionWriter(tmp_path / "1", "v2", parent.manifest.columns, rules=Rules(group_rows=1), parent=parent) as w:
        w.add("A", table.slice(10))
        w.finish()
    assert not any((tmp_path / "1" / f"{file.sha256}.parquet").exists() for file in parent.manifest.files)
    for file in parent.manifest.files:
        (tmp_path / "0" / f"{file.sha256}.parquet").rename(tmp_path / "1" / f"{file.sha256}.parquet")
    child = open_folder(tmp_path / "1")
    assert child.manifest.content_hash == expected_hash({"A": table})
    assert reading.read(child)["close"].to_pylist() == table["close"].to_pylist()
