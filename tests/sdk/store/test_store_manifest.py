"""A manifest is read as something that nobody has checked."""

import dataclasses
import json
import random

import pytest
from alphintra.errors import DataError
from alphintra.store import Provenance, manifest

from .made import ABOUT, bars, write

PROVENANCE = Provenance(
    parents=("v0",),
    sources=({"name": "a.csv", "bytes": 10, "sha256": "0" * 64, "mapping": {"time": "Date"}},),
    recipe=[{"step": "sort"}],
    report={"errors": 0},
    tools={"pyarrow": "26.0.1"},
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    tables = {"A": bars(2_500, 1), "B": bars(10, 2)}
    return write(tmp_path_factory.mktemp("version"), tables, provenance=PROVENANCE)


def test_it_is_read_back_as_it_was_written(written):
    raw = written.to_json()
    read = manifest.from_json(raw)
    assert read.to_json() == raw
    assert (read.about, read.provenance, read.columns) == (ABOUT, PROVENANCE, written.columns)
    assert (read.rows, read.time.name, read.sealed) == (2_510, "time", False)
    assert len(read.hashes) == 2 + len(read.files)
    assert json.loads(raw)["format"] == "alphintra-dataset/2"


def changed(*path, to):
    def change(value):
        for key in path[:-1]:
            value = value[key]
        if to is KeyError:
            del value[path[-1]]
        else:
            value[path[-1]] = to

    return change


DEEP = []
for _ in range(20):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (changed("format", to="alphintra-dataset/3"), "manifest"),
        (changed("rows", to=1), "manifest.rows"),
        (changed("blocks", to=KeyError), "manifest.blocks"),
        (changed("version", to="../../etc"), "manifest"),
        (changed("content_hash", to="sha256:" + "A" * 64), "manifest.content_hash"),
        (changed("columns", to=[]), "manifest.columns"),
        (changed("columns", 0, "type", to="timestamp[ns]"), "manifest.columns, time"),
        (changed("columns", 1, "role", to="time"), "manifest.columns, None"),
        (changed("columns", 1, "name", to="time"), "manifest.columns, time"),
        (changed("columns", 1, "name", to="symbol"), "manifest.columns, symbol"),
        (changed("columns", 1, "name", to="x" * 201), "manifest.columns[1].name"),
        (changed("symbols", to=["B", "A"]), "manifest.symbols"),
        (changed("symbols", to=["A", "A"]), "manifest.symbols"),
        (changed("symbols", to=["A", "B", "C"]), "manifest.symbols"),
        (changed("symbols", to=["A", 5]), "manifest.symbols[1]"),
        (changed("symbols", to=["A", "\ud800"]), "manifest"),
        (changed("files", to=[]), "manifest.files"),
        (changed("files", 0, "sha256", to="../" + "0" * 61), "manifest.files[0].sha256"),
        (changed("files", 0, "bytes", to=-1), "manifest.files[0].bytes"),
        (changed("files", 0, "bytes", to=1.5), "manifest.files[0].bytes"),
        (changed("files", 0, "bytes", to=True), "manifest.files[0].bytes"),
        (changed("files", 0, "rows", to=[1] * 513), "manifest.files[0].rows"),
        (changed("files", 0, "rows", 0, to=131_073), "manifest.files[0].rows"),
        (changed("files", 0, "rows", 0, to=0), "manifest.files[0].rows"),
        (changed("files", 0, "rows", 0, to=1.5), "manifest.files[0].rows"),
        (changed("files", 0, "rows", 0, to=True), "manifest.files[0].rows"),
        (changed("files", 0, "symbol", 0, to=2), "manifest.files[0].symbol"),
        (changed("files", 0, "symbol", 0, to=-1), "manifest.files[0].symbol"),
        (changed("files", 0, "symbol", to=[0]), "manifest.files[0].symbol"),
        (changed("files", 0, "first", 0, to=2**63), "manifest.files[0].first"),
        (changed("files", 0, "first", 0, to=2**62), "manifest.files[0].last"),
        (changed("files", 0, "last", 0, to=2**62), "manifest.files"),
        (changed("files", 0, "key", to="k"), "manifest.files[0].key"),
        (changed("blocks", "sha256", to=5), "manifest.blocks.sha256"),
        (changed("sketches", to={"sha256": "0" * 64, "bytes": 1, "key": None, "more": 1}), "manifest.sketches.more"),
        (changed("sealed", to=True), "manifest.files[0].key"),
        (changed("sealed", to="no"), "manifest.sealed"),
        (changed("about", "currency", to="usd"), "manifest.about.currency"),
        (changed("about", "label", to="middle"), "manifest.about.label"),
        (changed("about", "more", to=1), "manifest.about.more"),
        (changed("provenance", "parents", to=["a/b"]), "manifest"),
        (changed("provenance", "recipe", to=DEEP), "manifest.provenance.recipe"),
        (changed("provenance", "report", to=[0] * 500_001), "manifest.provenance.report"),
        (changed("provenance", "report", to="x" * 65_537), "manifest.provenance.report"),
        (changed("provenance", "tools", to={"a": 1}), "manifest.provenance.tools"),
        (changed("provenance", "sources", to=["a.csv"]), "manifest.provenance.sources"),
        (changed("statistics", to=[]), "manifest.statistics"),
        (changed("statistics", "close", to=2**64), "manifest.statistics"),
        (changed("statistics", "close", to=[]), "manifest.statistics"),
        (changed("sample", to={"columns": ["symbol"]}), "manifest.sample.rows"),
        (changed("sample", "rows", to=[[1, 2]]), "manifest.sample.rows"),
        (changed("sample", "rows", to=[["A"] * 7] * 1_001), "manifest.sample.rows"),
        (changed("sample", "columns", 0, to=5), "manifest.sample.columns"),
        (changed("written", to="yesterday at five o'c"), "manifest.written"),
    ],
)
def test_what_cannot_be_is_named(written, change, where):
    value = json.loads(written.to_json())
    change(value)
    with pytest.raises(DataError) as caught:
        manifest.from_json(json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass"))
    assert (caught.value.code, caught.value.where) == ("BAD_MANIFEST", where)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b"{",
        b"[" * 100_000,
        b'{"format": NaN}',
        b"1" * 10_000,
        b" " * (manifest.MOST_BYTES + 1),
    ],
    ids=["empty", "no text", "a list", "null", "cut", "deep", "NaN", "digits", "large"],
)
def test_what_is_no_manifest_at_all(raw):
    with pytest.raises(DataError) as caught:
        manifest.from_json(raw)
    assert (caught.value.code, caught.value.where) == ("BAD_MANIFEST", "manifest")


def test_a_changed_byte_ends_in_a_manifest_or_in_an_error_that_says_where(written):
    small = dataclasses.replace(written, sample={}, statistics={})
    raw = small.to_json()
    rng = random.Random(8)
    refused = 0
    for _ in range(1_500):
        changed = bytearray(raw)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(changed))
            changed[at : at + rng.choice((0, 1, 1, 4))] = rng.choice((b"", b"0", b"-", b"9" * 30, b"null", b"[", b'"'))
        try:
            found = manifest.from_json(bytes(changed))
        except DataError as error:
            assert (error.code, error.where.startswith("manifest")) == ("BAD_MANIFEST", True)
            refused += 1
        else:
            assert found.rows > 0
            assert manifest.from_json(found.to_json()).to_json() == found.to_json()
    assert refused > 1_000


def test_numbers_without_end_are_refused_in_free_parts(written):
    raw = written.to_json().replace(b'"errors":0', b'"errors":1e999')
    with pytest.raises(DataError, match="without end") as caught:
        manifest.from_json(raw)
    assert caught.value.where == "manifest.provenance.report"
