"""How rows come changes nothing: in batches of any size, out of a file, out of a stored version."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from alphintra import ingest
from alphintra.errors import DataError
from alphintra.ingest.findings import SEVERITIES, Finding
from alphintra.ingest.reading import Staged
from alphintra.rules import (
    Choice,
    Validation,
    acknowledge,
    check_version,
    from_json,
    keep_acknowledged,
    of_staging,
    rules,
)
from alphintra.store import About, Provenance, VersionWriter
from alphintra.store.opening import open_folder
from alphintra.store.staging import staged_rows

from tests.sdk.rules.made import DAY, HOUR, MINUTE, check, facts, fired, put, stamps, us, walk, without


def dirty(seed: int, calendar: str) -> pa.Table:
    """Rows in which most rules find something, at seeded places; simulated."""
    rng = np.random.default_rng(seed)
    if calendar == "XNYS":
        times = stamps("XNYS", "2024-06-26", "2024-07-10", 5 * MINUTE)
    else:
        times = us("2024-06-26T00:00") + 5 * MINUTE * np.arange(1_200)
    rows = len(times)
    more = us("2024-06-26T00:00") + 5 * MINUTE * rng.integers(0, 3_000, 12)
    times = np.sort(np.append(times, np.append(more, times[rng.integers(0, rows, 5)])))
    table = walk(times, seed)
    rows = len(times)
    close = table["close"].to_numpy().copy()
    for start in rng.integers(0, rows - 40, 4).tolist():
        close[start : start + int(rng.integers(8, 40))] = close[start]
    for row in rng.integers(60, rows - 4, 8).tolist():
        close[row] *= 1.3
    volume = table["volume"].to_numpy().copy()
    volume[rng.integers(0, rows, 30)] = 0
    table = table.set_column(4, "close", pa.array(close)).set_column(5, "volume", pa.array(volume))
    gone = rng.random(rows) < 0.1
    start = int(rng.integers(0, rows - 400))
    for name in ("open", "high", "low", "close", "volume"):
        own = table[name].to_numpy().copy()
        own[start : start + 330] = np.where(rng.random() < 0.7, np.nan, own[start : start + 330])
        table = table.set_column(table.column_names.index(name), name, pa.array(own))
    known = times + rng.integers(-1, 50, rows) * MINUTE
    table = table.append_column("adj_close", pa.array(close * np.where(np.arange(rows) > rows // 2, 0.9, 1)))
    table = table.append_column("feature", pa.array(np.where(gone, np.nan, np.append(close[2:], [0, 0]))))
    table = table.append_column("known_at", pa.array(known).cast(pa.timestamp("us", "UTC")))
    texts = np.array(["a", "=b", None, "x" * 66_000], dtype=object)[rng.choice(4, rows, p=[0.9, 0.05, 0.04, 0.01])]
    table = table.append_column("note", pa.array(texts.tolist(), pa.string()))
    return without(table, *rng.integers(1, rows - 1, 9).tolist())


def spliced(seed: int, calendar: str) -> pa.Table:
    """Quarters of an hour after the middle."""
    table = dirty(seed + 300, calendar)
    half = len(table) // 2
    return pa.concat_tables([table.slice(0, half), table.slice(half)[::3]]).combine_chunks()


def late(seed: int, calendar: str) -> pa.Table:
    """Stamped at the ends of bars; for some days an hour later; a day is missing, then all is a hundredfold."""
    times = stamps("XNYS", "2024-06-03", "2024-07-31", 5 * MINUTE) + 5 * MINUTE
    times += HOUR * ((times > us("2024-06-20")) & (times < us("2024-07-04")))
    times = times[(times < us("2024-07-10")) | (times > us("2024-07-11"))]
    table, like = walk(times, seed), dirty(seed, calendar).slice(0, 1)
    for i, name in enumerate(("open", "high", "low", "close", "volume")):
        own = table[name].to_numpy() * np.where(times > us("2024-07-15"), 100, 1)
        table = table.set_column(i + 1, name, pa.array(own))
    for field in like.schema:
        if field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(len(table), field.type))
    return table


EVERYWHERE = {
    "TS_DUP_CONFLICT", "FREQ_MIXED", "OHLC_ORDER", "PRICE_NONFINITE", "VOL_ZERO_MOVE", "PRICE_TICK", "STALE_RUN",
    "OUTLIER_RETURN", "ADJ_INCONSISTENT", "KNOWN_AT_ORDER", "NAN_PATTERN", "SYMBOL_CASE", "CELL_LIMIT", "FORMULA_TEXT",
    "CURRENCY_UNIT", "VOL_UNIT",
}  # fmt: skip
SESSIONS = {
    "TS_LABEL", "TS_TZ_SHIFT", "GAP_SESSION", "GAP_INTRADAY", "OFF_SESSION", "WEEKEND_ROWS", "HALF_DAY"
}  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("calendar", ["XNYS", "24/7"])
def test_batches_of_any_size(seed: int, calendar: str) -> None:
    tables = {"A": dirty(seed, calendar), "B": dirty(seed + 100, calendar)}
    tables |= {"b": dirty(seed + 200, calendar).slice(0, 7), "c": spliced(seed, calendar), "d": late(seed, calendar)}
    stated: dict[str, Any] = {"timeframe": "5min", "calendar": calendar, "asset_class": "STOCKS"}
    choice = Choice(parameters={"PRICE_TICK": {"tick": 0.05}, "NAN_PATTERN": {"days": 1}, "VOL_UNIT": {"days": 5}})
    whole = check(tables, choice, **stated)
    assert EVERYWHERE | (SESSIONS if calendar == "XNYS" else {"GAP_24X7"}) <= set(fired(whole))
    rng = np.random.default_rng(seed)
    assert check(tables, choice, lambda: rng.integers(1, 200), **stated) == whole
    if not seed:
        few = {symbol: table.slice(len(table) // 2, 150) for symbol, table in tables.items()}
        assert check(few, choice, lambda: 1, **stated) == check(few, choice, **stated)


SPECIAL = (0.0, -0.0, -1.0, np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, 100.0, 1e15)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("seed", range(24))
def test_values_that_no_market_has(seed: int) -> None:
    """No number, no time frame and no calendar ends a check, and the report can always be written and read."""
    rng = np.random.default_rng(seed)
    daily = bool(rng.random() < 0.3)
    tables = {}
    for number in range(rng.integers(1, 4)):
        rows = int(rng.integers(1, 300))
        step = int(rng.choice([MINUTE, HOUR, DAY]))
        times = us("2024-03-01") + np.sort(rng.integers(0, 3_000, rows)) * step
        if rng.random() < 0.2:
            times = np.sort(rng.integers(-6 * 10**16, 2 * 10**17, rows))
        table = walk(times, seed)
        for i, name in enumerate(("open", "high", "low", "close", "volume"), 1):
            own, wrong = table[name].to_numpy().copy(), rng.random(rows) < rng.choice([0, 0.05, 0.9])
            own[wrong] = rng.choice(SPECIAL, wrong.sum())
            table = table.set_column(i, name, pa.array(own, from_pandas=bool(rng.random() < 0.5)))
        table = table.append_column("adj_close", table["close"]).append_column("feature", table["volume"])
        if daily:
            dates = pa.array((times // DAY).astype(np.int32), pa.int32()).cast(pa.date32())
            table = table.set_column(0, "date", dates)
        tables[f"S{number}"] = table
    stated = {
        "calendar": (None, "24/7", "XNYS", "XTKS", "weekdays")[rng.integers(5)],
        "asset_class": (None, "FOREX", "STOCKS", "CRYPTO")[rng.integers(4)],
        "timeframe": (None, "1d", "1min", "1h", "1w", "1mo")[rng.integers(6)],
        "label": ("open", "close", "unknown")[rng.integers(3)],
        "adjustment": ("raw", "splits", "unknown")[rng.integers(3)],
    }
    choice = Choice(parameters={"PRICE_TICK": {"tick": 0.01}, "CURRENCY_UNIT": {"days": 1}, "VOL_UNIT": {"days": 3}})
    whole = check(tables, choice, **stated)
    assert check(tables, choice, lambda: rng.integers(1, 60), **stated) == whole
    assert from_json(whole.to_json()) == whole


#: A cell that is no number, one without a symbol, rows out of order, at one time, and with impossible values.
CSV = """Date,Ticker,Open,High,Low,Close,Volume
2024-06-03,B,10,11,9,10.5,100
2024-06-03,A,10,11,9,10.5,100
2024-06-05,A,10,11,9,x,100
2024-06-04,A,10,11,9,12,100
2024-06-06,A,10,11,9,10.7,-5
2024-06-06,A,10,11,9,10.8,7
2024-06-06,,10,11,9,10.8,7
"""


def test_out_of_a_file(tmp_path: Path) -> None:
    """In one pass with the writing: the reader's findings and the rows' in one report, each with its line."""
    source = tmp_path / "bars.csv"
    source.write_text(CSV)
    mapping = replace(ingest.inspect(source, tmp_path / "spool").guess.mapping, adjustment="raw")
    staged = ingest.read(source, mapping, tmp_path / "staging")
    about = About(timeframe="1d", calendar="XNYS", asset_class="STOCKS", adjustment="raw")
    stated = of_staging(mapping, staged, about, now=us("2024-07-01T00:00"))
    run = Validation(stated)
    run.read(staged)
    with VersionWriter(tmp_path / "version", "v1", stated.columns, about) as writer:
        for symbol, table in staged_rows(staged.files):
            run.see(symbol, table)
            writer.add(symbol, table)
        report = run.finish()
        writer.finish(Provenance(report=json.loads(report.to_json())))
    assert (report.rows, report.symbols, report.checked) == (5, 2, "2024-07-01T00:00:00Z")
    found = {r.rule: [(p.file, p.row, p.line, p.symbol, p.time) for p in r.places] for r in report.fired}
    assert found == {
        "SCHEMA_TYPE": [("bars.csv", 3, 4, None, None)],
        "SCHEMA_REQUIRED": [("bars.csv", 7, 8, None, None)],
        "TS_DUP_CONFLICT": [("bars.csv", 6, 7, "A", "2024-06-06")],
        "GAP_SESSION": [(None, None, None, "A", "2024-06-05")],
        "OHLC_ORDER": [("bars.csv", 4, 5, "A", "2024-06-04")],
        "VOL_NEGATIVE": [("bars.csv", 5, 6, "A", "2024-06-06")],
    }
    assert report["SCHEMA_TYPE"].places[0].message == "'x' is not a number"
    # The same rows as they are stored: the file's own findings are taken over, and only they have lines.
    version = open_folder(tmp_path / "version")
    again = check_version(version, now=us("2024-07-01T00:00"))
    assert fired(again) == fired(report)
    assert again["SCHEMA_TYPE"] == report["SCHEMA_TYPE"]
    assert again["SCHEMA_REQUIRED"] == report["SCHEMA_REQUIRED"]
    assert again["OHLC_ORDER"].places == (replace(report["OHLC_ORDER"].places[0], file=None, row=None, line=None),)
    accepted = acknowledge(report, [r.rule for r in report.errors], "ada", "2024-07-02T00:00:00Z", "known")
    assert keep_acknowledged(again, accepted).is_validated
    some = check_version(version, Choice(frozenset({"OHLC_ORDER", "SCHEMA_TYPE"})), before=accepted)
    assert {some[rule].status for rule in ("SCHEMA_TYPE", "OHLC_ORDER")} == {"left_out"}


def test_a_file_in_another_order(tmp_path: Path) -> None:
    """Newest rows first, in an archive of two files: every row but the last has an earlier one after it."""
    lines = [f"{dt.date(2024, 6, 3 + i)},10,11,9,10.{i},100" for i in range(5)]
    head = "Date,Open,High,Low,Close,Volume\n"
    with zipfile.ZipFile(tmp_path / "bars.zip", "w") as archive:
        archive.writestr("AAA.csv", head + "\n".join(lines[::-1]))
        archive.writestr("BBB.csv", head + "\n".join([*lines[:4], lines[4].replace("11", "1")]))
    source = tmp_path / "bars.zip"
    mapping = ingest.inspect(source, tmp_path / "spool").guess.mapping
    staged = ingest.read(source, mapping, tmp_path / "staging")
    run = Validation(of_staging(mapping, staged, About(timeframe="1d", calendar="XNYS"), now=us("2024-07-01T00:00")))
    run.read(staged)
    for symbol, table in staged_rows(staged.files):
        run.see(symbol, table)
    report = run.finish()
    unsorted = report["TS_UNSORTED"]
    assert (unsorted.count, {(p.file, p.symbol) for p in unsorted.places}) == (4, {("bars.zip/AAA.csv", "AAA")})
    assert [(p.row, p.line, p.time) for p in unsorted.places][:2] == [(4, 5, "2024-06-04"), (3, 4, "2024-06-05")]
    assert [(p.file, p.row, p.time) for p in report["OHLC_ORDER"].places] == [("bars.zip/BBB.csv", 5, "2024-06-07")]


def test_a_stored_version(tmp_path: Path) -> None:
    table = put(walk(us("2024-01-01T00:00") + HOUR * np.arange(300_000 // 100)), 2_000, high=1.0)
    about = About(timeframe="1h", calendar="24/7", asset_class="CRYPTO", time_zone="UTC", adjustment="raw")
    from tests.sdk.store.made import SMALL, write

    write(tmp_path / "v", {"A": table, "B": table}, rules=SMALL, about=about)
    report = check_version(open_folder(tmp_path / "v"))
    assert (report.rows, fired(report)) == (6_000, {"OHLC_ORDER": ("error", 2)})


def test_wide_rows_are_looked_at_in_parts() -> None:
    """Two thousand columns, one of which is the close of the next row."""
    rng = np.random.default_rng(0)
    base = walk(us("2024-01-01T00:00") + HOUR * np.arange(5_000)).select(["time", "close"])
    features = {f"f{i:04}": pa.array(rng.random(5_000)) for i in range(1_997)}
    features["f1000"] = pa.array(np.append(base["close"].to_numpy()[1:], np.nan))
    table = pa.table({name: base[name] for name in base.column_names} | features)
    report = check({"A": table}, timeframe="1h", calendar="24/7")
    assert fired(report) == {"LOOKAHEAD_COLUMN": ("warning", 1)}
    assert report["LOOKAHEAD_COLUMN"].places[0].message == "equals 'close' of 1 row later in all 4,999 rows"


def test_rows_of_other_types() -> None:
    table = walk(us("2024-01-01T00:00") + HOUR * np.arange(100))
    stated = facts(table, timeframe="1h", calendar="24/7")
    narrow = table.set_column(4, "close", table["close"].cast(pa.float32())).to_batches()[0]
    run = Validation(stated)
    run.see("A", narrow)
    assert run.finish().rows == 100
    for wrong in (table.drop_columns(["low"]), table.set_column(1, "open", pa.array(["x"] * 100))):
        with pytest.raises(DataError) as caught:
            Validation(stated).see("A", wrong)
        assert caught.value.code == "BAD_COLUMN"


def test_the_first_thousand_places_are_kept_and_all_are_counted() -> None:
    table = walk(us("2024-01-01T00:00") + HOUR * np.arange(3_000))
    table = table.set_column(5, "volume", pa.array(-np.arange(1.0, 3_001)))
    rng = np.random.default_rng(0)
    for cuts in (None, lambda: rng.integers(1, 700)):
        report = check({"A": table.slice(0, 700), "B": table}, cuts=cuts, timeframe="1h", calendar="24/7")
        found = report["VOL_NEGATIVE"]
        assert (found.count, len(found.places)) == (3_700, 1_000)
        assert [p.symbol for p in found.places].count("A") == 700
        assert found.places[-1].time == "2024-01-13T11:00:00Z"


def test_every_finding_of_the_reader_has_its_rule() -> None:
    """As grave as the reader says; symbols that are numbers in a typed file are a warning, in the rows an error."""
    graver = {rule for rule, severity in SEVERITIES.items() if rules()[rule].severity != severity}
    assert graver == {"SYMBOL_COERCED"}
    table = walk(us("2024-01-01T00:00") + HOUR * np.arange(50))
    findings = tuple(Finding(rule, severity, "as it was", "a.csv", row=3) for rule, severity in SEVERITIES.items())
    counts = dict.fromkeys(SEVERITIES, 7)
    staged = Staged((), 50, 1, (), False, True, findings, counts)
    run = Validation(facts(table, timeframe="1h", calendar="24/7", staged=True))
    run.read(staged)
    run.see("A", table)
    report = run.finish()
    assert fired(report) == {rule: (severity, 7) for rule, severity in SEVERITIES.items()}
    assert {(p.file, p.row, p.message) for r in report.fired for p in r.places} == {("a.csv", 3, "as it was")}


def test_volume_that_begins_late() -> None:
    table = walk(us("2024-01-01T00:00") + HOUR * np.arange(3_000))
    volume = np.where(np.arange(3_000) % 2_500 < 2_000, 0.0, 5.0)
    late = table.set_column(5, "volume", pa.array(volume))
    never = table.set_column(5, "volume", pa.array(np.zeros(3_000)))
    rng = np.random.default_rng(0)
    for cuts in (None, lambda: rng.integers(1, 400)):
        report = check({"A": never, "B": late, "C": never}, cuts=cuts, timeframe="1h", calendar="24/7")
        found = report["VOL_ZERO_MOVE"]
        assert (found.count, len(found.places), {p.symbol for p in found.places}) == (2_500, 1_000, {"B"})
        assert (found.places[0].time, found.places[-1].time) == ("2024-01-01T00:00:00Z", "2024-02-11T15:00:00Z")


def test_compiled_rules_are_found_without_loading_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alphintra.rules import compile_cache, compiled

    assert Path(compiled.bar_flags._cache.cache_path).name == compile_cache.own_folder().name
    monkeypatch.setenv("ALPHINTRA_CACHE_DIR", str(tmp_path))
    assert not compile_cache.is_compiled()
    another = compile_cache.folder() / "rules_of_another_installation"
    for folder in (another, compile_cache.own_folder()):
        assert not compile_cache.is_compiled()
        folder.mkdir(parents=True)
        (folder / "compiled.bar_flags-1.py311.nbi").touch()
    assert compile_cache.is_compiled()
