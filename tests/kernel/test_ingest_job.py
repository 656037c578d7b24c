"""The jobs that read an upload, as a worker does them: what they leave, and what they say where nothing can be left."""

import gzip
import io
import json
import shutil
import zipfile

import pandas as pd
import pytest
from alphintra.rules.registry import rules
from alphintra.rules.report import from_json
from alphintra.store import committing
from alphintra.store.checked_json import canonical
from alphintra.store.opening import open_folder
from alphintra.store.reading import read

from alphintra_kernel import ingest_job

ROWS = "Date,Open,High,Low,Close\n" + "".join(
    f"2020-01-{day:02},{day},{day + 1},{day - 1},{day}.5\n" for day in range(2, 31)
)
LATER = "Date,Open,High,Low,Close\n2020-02-03,1,2,0.5,1.5\n2020-02-04,1,2,0.5,1.25\n"


class Said:
    """Takes what a job tells of its progress."""

    def __init__(self):
        self.said = []

    def phase(self, name, fraction):
        self.said.append((name, fraction, None))

    def study(self, fraction, phase, text):
        self.said.append((phase, fraction, text))


@pytest.fixture
def work(tmp_path):
    """Do a job on a file: the answer, the folder it leaves, what it told."""

    def go(kind, content, name="AAPL.csv", parent=None, **job):
        root = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        (root / "in").mkdir(parents=True)
        (root / "out").mkdir()
        (root / "in" / "upload").write_bytes(content if isinstance(content, bytes) else content.encode())
        if parent is not None:
            parent.rename(root / "in" / "parent")
        upload = {"name": name, "bytes": len(content), "sha256": "0" * 64}
        said = Said()
        whole = {"kind": kind, "upload": upload, "version": "v1", "parents": [], "about": {}, **job}
        return ingest_job.run(whole, root, said), root / "out", said.said

    return go


def mapping_of(work, content, name="AAPL.csv"):
    answer, out, _ = work("inspect", content, name)
    assert [item["name"] for item in answer["files"]] == ["inspection.json"]
    return json.loads((out / "inspection.json").read_text())["mapping"]


def left(out):
    return sorted(path.name for path in out.iterdir())


def test_a_file_becomes_a_version_and_later_rows_are_added(work):
    mapping = mapping_of(work, ROWS)
    answer, out, said = work("ingest", ROWS, mapping=mapping, about={"currency": "USD"})
    assert answer["type"] == "result"
    manifest = committing.check(out, "v1")
    assert left(out) == sorted(["manifest.json", *(f"{sha256}.parquet" for sha256 in manifest.hashes)])
    assert (manifest.rows, manifest.symbols, manifest.about.timeframe) == (29, ("AAPL",), "1d")
    assert (manifest.about.currency, manifest.about.adjustment) == ("USD", "unknown")
    assert [column.role for column in manifest.columns] == ["time", "open", "high", "low", "close"]
    assert read(open_folder(out))["close"].to_pylist() == [day + 0.5 for day in range(2, 31)]
    found = from_json(canonical(manifest.provenance.report))
    assert (found.rows, found.symbols, found.errors) == (29, 1, ())
    assert {result.rule for result in found.results} == set(rules())
    assert [phase for phase, _, _ in said] == ["reading", "reading", "writing", "writing"]
    assert said[1][1:] == (pytest.approx(0.6, rel=0.05), "29 rows")
    assert said[-1][1:] == (1.0, "29 of 29 rows")

    first = {path.name for path in out.iterdir()}
    answer, out, _ = work("ingest", LATER, mapping=mapping, version="v2", parents=["v1"], parent=out)
    assert answer["type"] == "result"
    added = committing.check(out, "v2")
    assert (added.rows, added.provenance.parents, added.about) == (31, ("v1",), manifest.about)
    assert not first & {path.name for path in out.iterdir() if path.suffix == ".parquet"}

    overlap, out, _ = work("ingest", ROWS, mapping=mapping, version="v3", parents=["v2"], parent=None)
    assert overlap["code"] == "UNKNOWN_VERSION"  # what it was to go on from was not given


def test_rows_that_are_there_already_are_refused_and_nothing_is_left(work):
    mapping = mapping_of(work, ROWS)
    _, before, _ = work("ingest", ROWS, mapping=mapping)
    answer, _, _ = work("ingest", ROWS, mapping=mapping, version="v2", parents=["v1"], parent=before)
    assert answer["code"] == "OVERLAP"
    assert "AAPL" in answer["message"]
    assert "2020-01-02" in answer["message"]


def test_where_a_source_gives_the_last_rows_once_more_only_what_is_later_is_added(work):
    mapping = mapping_of(work, ROWS)
    _, before, _ = work("ingest", ROWS, mapping=mapping)
    head, *days = ROWS.splitlines(keepends=True)

    def again(text, version):
        parent = shutil.copytree(before, before.with_name(f"parent of {version}"))
        return work("ingest", text, mapping=mapping, version=version, parents=["v1"], parent=parent, overlap=True)

    answer, out, _ = again(head + "".join(days[-3:]) + LATER.removeprefix(head), "v2")
    assert answer["type"] == "result"
    added = committing.check(out, "v2")
    assert added.rows == 31
    assert from_json(canonical(added.provenance.report)).errors == ()
    whole, later = shutil.copytree(out, out.with_name("whole")), LATER.replace("1.25", "1.75")
    for path in before.iterdir():
        if path.suffix == ".parquet":
            shutil.copy(path, whole)
    answer, _, _ = work(
        "ingest", head + "".join(days[-3:]) + later.removeprefix(head), mapping=mapping, parents=["v2"], parent=whole,
        overlap=True,
    )  # fmt: skip
    assert answer["code"] == "OVERLAP_CONFLICT", answer
    answer, out, _ = again(head + "".join(days[-3:]), "v3")
    assert [file["name"] for file in answer["files"]] == left(out) == ["report.json"]

    # A row that has changed, or one that was not there in between: told with its time, and nothing is made of it.
    changed = head + days[-2] + days[-1].replace(",", ",1", 1)
    answer, _, _ = again(changed, "v4")
    assert (answer["type"], answer["code"]) == ("error", "OVERLAP_CONFLICT")
    assert "AAPL, 2020-01-30" in answer["message"]
    answer, out, _ = again(changed + LATER.removeprefix(head), "v5")
    found = from_json(canonical(committing.check(out, "v5").provenance.report))
    assert [(result.rule, result.count) for result in found.errors if result.rule == "OVERLAP_CONFLICT"] == [
        ("OVERLAP_CONFLICT", 1)
    ]
    _, before, _ = work("ingest", head + "".join(days[:-2] + days[-1:]), mapping=mapping)
    answer, _, _ = again(head + "".join(days[-3:]), "v6")
    assert answer["code"] == "OVERLAP_CONFLICT"
    assert "no row at this time" in answer["message"]


def test_the_bars_of_an_exchange_are_read_as_whoever_fetches_them_writes_them(work):
    from alphintra_kernel.fetching.exchange_source import COLUMNS
    from alphintra_server.models.ingests import Stated
    from alphintra_server.services.exchange_bars import about_bars, mapping_of_bars

    first = 1_704_067_200_000  # 2024-01-01
    lines = [",".join(COLUMNS), *(f"BTC/USDT,{first + n * 3_600_000},100.0,102.0,98.0,101.0,0.5" for n in range(30))]
    about = about_bars(Stated(currency="USD").model_dump(), "1h")
    answer, out, _ = work("ingest", "\n".join(lines), "binance.csv", mapping=mapping_of_bars(), about=about)
    assert answer["type"] == "result", answer
    made = committing.check(out, "v1")
    assert (made.rows, made.symbols, made.about.timeframe, made.about.label) == (30, ("BTC/USDT",), "1h", "open")
    assert (made.about.asset_class, made.about.calendar, made.about.currency) == ("CRYPTO", "24/7", "USD")
    assert (made.about.adjustment, made.about.simulated) == ("raw", False)
    assert from_json(canonical(made.provenance.report)).errors == ()


def test_an_archive_becomes_one_version_and_what_it_leaves_out_is_an_open_error(work):
    from alphintra_server.jobs.ingest_output import collect_inspection
    from alphintra_server.jobs.protocol import OutputFile

    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in (("list.csv", "Symbol,Name\nAA,Alcoa\n"), ("d/aa.us.csv", ROWS), ("d/bb.us.csv", ROWS)):
            archive.writestr(name, content)
    answer, out, _ = work("inspect", sink.getvalue(), "stocks.zip")
    found = collect_inspection(out, [OutputFile(**item) for item in answer["files"]])  # as the server checks it
    assert [question.field for question in found.questions] == ["members", "symbol_pattern"]
    assert found.questions[0].choices == ["d/*", "*"]
    mapping = json.loads(found.mapping.to_json())
    for members, errors in (("", ["MEMBER_SKIPPED"]), ("d/*", [])):
        wanted = mapping | {"members": members, "symbol_pattern": "{SYMBOL}.us.csv"}
        answer, out, _ = work("ingest", sink.getvalue(), "stocks.zip", mapping=wanted)
        assert answer["type"] == "result", answer
        made = committing.check(out, "v1")
        assert (made.rows, made.symbols) == (58, ("AA", "BB"))
        report = from_json(canonical(made.provenance.report))
        assert [result.rule for result in report.errors] == errors
        assert made.provenance.sources[0]["mapping"]["members"] == members


def test_a_bad_row_is_left_out_and_told_with_its_place(work):
    mapping = mapping_of(work, ROWS)
    bad = ROWS.replace("2020-01-03,3,", "2020-01-03,x,")
    answer, out, _ = work("ingest", bad, mapping=mapping)
    assert answer["type"] == "result"
    report = committing.check(out, "v1").provenance.report
    found = from_json(canonical(report))
    assert (found.rows, [result.rule for result in found.errors]) == (28, ["SCHEMA_TYPE"])
    (place,) = found["SCHEMA_TYPE"].places
    assert (place.file, place.row, place.line, place.column) == ("AAPL.csv", 2, 3, "Open")


def minutes(symbol, count):
    stamps = [f"2024-01-02 {10 + n // 60}:{n % 60:02}:00" for n in range(count)]
    return [f"{symbol},{stamp},{n + 10},{n + 11},{n + 9},{n + 10}.5,{n}\n" for n, stamp in enumerate(stamps)]


HEAD = "symbol,time,open,high,low,close,volume\n"
A, B, C = minutes("A", 40), minutes("B", 50), minutes("C", 30)
WRONG = "B,2024-01-02 10:50:00,9,8,9,,-1\n"
ORDERS = {
    "in order": (True, [*A, *B, *C]),
    "with what is wrong in rows": (True, [*A, A[-1], *B, WRONG, WRONG.replace("9,8", "9,7"), *C]),
    "with rows that cannot be read": (
        True, [*A[:5], "A,never,1,1,1,1,1\n", *A[5:], ",2024-01-02 10:00:00,1,1,1,1,1\n", *B, WRONG, "C,2024\n", *C],
    ),
    "with blank lines": (True, [*A, "\n", *B, WRONG, "\n", *C]),
    "but for the last row": (False, [*A, *B, WRONG, *C, B[3]]),
    "but for a symbol": (False, [*B, WRONG, *A, *C]),
    "by time": (False, sorted([*A, *B, *C, WRONG], key=lambda row: row.split(",")[1])),
}  # fmt: skip


@pytest.mark.parametrize("order", ORDERS)
def test_a_version_is_the_same_whether_its_rows_were_staged_or_not(work, order, monkeypatch):
    """Its rows, files, statistics, and each place in its report."""
    from alphintra.ingest import reading, staging

    from alphintra_kernel import straight

    monkeypatch.setattr(staging, "GROUP_ROWS", 16)
    at_once, lines = ORDERS[order]
    text, mapping = HEAD + "".join(lines), mapping_of(work, HEAD + "".join(A), "bars.csv") | {"zone": "UTC"}
    used, give_up = [], straight.Straight.give_up
    monkeypatch.setattr(straight.Straight, "give_up", lambda own: used.append(own) or give_up(own))
    answer, out, _ = work("ingest", text, "bars.csv", mapping=mapping)
    assert (answer["type"], bool(used)) == ("result", not at_once), answer
    made = committing.check(out, "v1")
    assert left(out) == sorted(["manifest.json", *(f"{sha256}.parquet" for sha256 in made.hashes)])
    read_ = reading.read
    monkeypatch.setattr(reading, "read", lambda *given, sink, **more: read_(*given, **more))
    _, staged, _ = work("ingest", text, "bars.csv", mapping=mapping)
    wanted = committing.check(staged, "v1")
    assert (made.content_hash, made.hashes, made.about) == (wanted.content_hash, wanted.hashes, wanted.about)
    assert (made.statistics, made.sample) == (wanted.statistics, wanted.sample)
    reports = [from_json(canonical(own.provenance.report)).results for own in (made, wanted)]
    assert reports[0] == reports[1]
    if WRONG in lines:
        places = from_json(canonical(made.provenance.report))["OHLC_ORDER"].places
        wanted = [n + 2 for n, line in enumerate(lines) if line.startswith("B,2024-01-02 10:50:00,9")]
        assert {(place.file, place.line) for place in places} == {
            ("bars.csv", None if "\n" in lines else line) for line in wanted
        }


REFUSED = [
    (b"", "EMPTY_FILE"),
    (b"Date,Open,High,Low,Close\n", "NO_ROWS"),
    (gzip.compress(ROWS.encode())[:-20], "TRUNCATED_FILE"),
    (gzip.compress(bytes(50 << 20)), "TOO_LARGE"),
    (b"PK\x03\x04" + bytes(200), "DAMAGED_FILE"),
    (b"PAR1" + bytes(100), "DAMAGED_FILE"),
    (b"x" * (3 << 20), "CELL_LIMIT"),
]


@pytest.mark.parametrize("place", range(len(REFUSED)))
def test_what_cannot_be_read_is_refused_by_name_and_nothing_is_left(work, place):
    content, code = REFUSED[place]
    answer, out, _ = work("inspect", content, name="evil.csv")
    assert (answer["type"], answer["code"]) == ("error", code), answer
    assert "evil.csv" in answer["message"]
    assert str(out.parent) not in answer["message"]
    assert left(out) == []


def test_a_mapping_that_does_not_fit_leaves_nothing(work):
    mapping = mapping_of(work, ROWS)
    fewer = mapping | {"columns": [*mapping["columns"][:-1], mapping["columns"][-1] | {"source": "Price"}]}
    answer, out, _ = work("ingest", ROWS.replace("Close\n", "Close,More\n").replace(".5\n", ".5,1\n"), mapping=fewer)
    assert answer["code"] == "MAPPING_MISMATCH"
    assert left(out) == []


ACTIONS = """\
symbol,type,ex_date,ratio,declaration_date,source,to_symbol
MSFT,dividend,2020-11-18,0.56,2020-09-15,issuer,
AAPL,Split,2020-08-31,4,2020-07-30,issuer,
AAPL,dividend,2020-11-06,0.205,2020-10-29,,
AAPL,dividend,2020-11-06,0.205,2020-10-29,,
FB,symbol,2022-06-09,,2022-05-31,exchange,META
"""


def test_a_file_of_events_becomes_reference_data(work, tmp_path, monkeypatch):
    import alphintra as al
    from alphintra.store import reference

    mapping = mapping_of(work, ACTIONS, "actions.csv")
    assert mapping["kind"] == "reference"
    roles = ["symbol", "event", "time", "value", "known_at", "source", "new_symbol"]
    assert [column["role"] for column in mapping["columns"]] == roles
    answer, out, _ = work("ingest", ACTIONS, "actions.csv", mapping=mapping)
    assert answer["type"] == "result", answer
    manifest = committing.check(out, "v1")
    report = from_json(canonical(manifest.provenance.report))
    assert (report.rows, report.symbols, report.errors) == (4, 3, ())
    assert {result.status for result in report.results if result.rule == "KNOWN_AT_ORDER"} == {"not_checked"}
    # Byte for byte what a notebook makes of the same rows.
    rows = [
        {"instrument_id": "AAPL", "kind": "split", "ex_date": "2020-08-31", "value": 4, "known_from": "2020-07-30"},
        {"instrument_id": "AAPL", "kind": "dividend", "ex_date": "2020-11-06", "value": 0.205,
         "known_from": "2020-10-29", "source": "actions.csv"},
        {"instrument_id": "MSFT", "kind": "dividend", "ex_date": "2020-11-18", "value": 0.56,
         "known_from": "2020-09-15"},
        {"instrument_id": "FB", "kind": "symbol", "ex_date": "2022-06-09", "known_from": "2022-05-31",
         "text": "META", "source": "exchange"},
    ]  # fmt: skip
    monkeypatch.setenv("ALPHINTRA_DATASETS", str(tmp_path / "here"))
    made = al.data.add_reference("actions", [{"source": "issuer"} | row for row in rows])
    assert made.about.content_hash == manifest.content_hash
    assert reference.facts(open_folder(out), ["AAPL"])[0].known_from == 1_596_153_600_000_000  # the 30th's end

    # The same of a typed file, with the columns in another order.
    typed = pd.read_csv(io.StringIO(ACTIONS), parse_dates=["ex_date", "declaration_date"])
    typed["ex_date"] = typed["ex_date"].dt.date
    typed["declaration_date"] = typed["declaration_date"].dt.date
    typed[typed.columns[::-1]].to_parquet(packed := io.BytesIO(), index=False)
    own = mapping_of(work, packed.getvalue(), "actions.csv")
    answer, twin, _ = work("ingest", packed.getvalue(), "actions.csv", mapping=own)
    assert answer["type"] == "result", answer
    assert committing.check(twin, "v1").content_hash == manifest.content_hash

    # Rows that are added: a correction, and an instrument that comes between; what is there already is no news.
    more = ACTIONS.splitlines(keepends=True)[0] + (
        "AAPL,split,2020-08-31,2,2020-08-01,issuer,\nAAPL,split,2020-08-31,4,2020-07-30,issuer,\n"
        "GE,split,2021-08-02,0.125,2021-06-18,issuer,\n"
    )
    again = shutil.copytree(out, out.with_name("again"))
    answer, added, _ = work("ingest", more, "m.csv", mapping=mapping, version="v2", parents=["v1"], parent=out)
    assert answer["type"] == "result", answer
    found = committing.check(added, "v2")
    assert (found.rows, found.symbols, found.provenance.parents) == (6, ("AAPL", "FB", "GE", "MSFT"), ("v1",))
    facts = reference.known(reference.facts(open_folder(added), ["AAPL"]), None)
    assert [fact.value for fact in facts] == [2.0, 0.205]
    options = {"mapping": mapping, "version": "v3", "parents": ["v1"], "overlap": True, "parent": again}
    answer, out, _ = work("ingest", ACTIONS, "actions.csv", **options)
    assert [item["name"] for item in answer["files"]] == ["report.json"]


def test_rows_of_events_that_cannot_be_are_left_out_and_found(work):
    bad = ACTIONS + (
        "MSFT,merger,2020-11-19,1,2020-11-01,,\n"
        "MSFT,split,2020-11-20,-2,2020-11-01,,\n"
        "MSFT,dividend,2020-11-23,,2020-11-01,,\n"
        "MSFT,split,2020-11-24,4:0,2020-11-01,,\n"
        "MSFT,split,24 Nov,4,2020-11-01,,\n"
        "MSFT,split,2020-11-25,4,2020-11-01,,MS\n"
        "MSFT,split,2020-11-26,4,,,\n"
        "MSFT,dividend,2020-11-18,0.6,2020-09-15,,\n"
        f"MSFT,symbol,2020-11-27,,2020-11-01,,{'M' * 300}\n"
        "MSFT,dividend,2020-11-30,1:10,2020-11-01,,\n"
        "MSFT,split,2020-12-01,5000:1,2020-11-01,,\n"
    )
    mapping = mapping_of(work, ACTIONS, "a.csv")
    answer, out, _ = work("ingest", bad, "a.csv", mapping=mapping)
    assert answer["type"] == "result", answer
    manifest = committing.check(out, "v1")
    report = from_json(canonical(manifest.provenance.report))
    assert [result.rule for result in report.errors] == ["TS_PARSE", "EVENT_ROW"]
    assert manifest.rows == 4
    places = {place.row: place for place in report["EVENT_ROW"].places}
    assert {row: place.column for row, place in places.items()} == {
        6: "type", 7: "ratio", 8: "ratio", 9: "ratio", 11: "to_symbol", 12: "declaration_date", 13: "type",
        14: "to_symbol", 15: "ratio", 16: "ratio",
    }  # fmt: skip
    assert all((place.file, place.line) == ("a.csv", row + 1) for row, place in places.items())
    assert places[6].message.startswith("there is no kind 'merger'. There are listing, delisting")
    assert "a split of ratio -2" in places[7].message
    assert "known from the same time" in places[13].message
    assert report["EVENT_ROW"].count == len(places) == 10
    # A ratio is none of nothing, and no amount of money: a dividend of one share for ten is told, not paid as 0.10.
    assert places[9].message == "'4:0' is no ratio or amount; a ratio is written 4, 4:1, 4/1 or 4-for-1"
    assert places[15].message.startswith("'1:10' is no ratio or amount")
    assert "a split of ratio 5000 is beyond" in places[16].message
    assert [(p.row, p.column) for p in report["TS_PARSE"].places] == [(10, "ex_date")]
    # Nothing but such rows is no version.
    head, *_ = ACTIONS.splitlines(keepends=True)
    answer, _, _ = work("ingest", head + "MSFT,merger,2020-11-19,1,2020-11-01,,\n", "a.csv", mapping=mapping)
    assert (answer["code"], "a.csv, row 1 (line 2), column 'type'" in answer["message"]) == ("EVENT_ROW", True), answer


def test_a_ratio_is_read_however_it_is_written(work):
    from alphintra.store import reference

    spelled = {"4:1": 4, "3-for-2": 1.5, "1-For-10": 0.1, "7/1": 7, "3 : 2": 1.5, "2 for 1": 2, "1.5:1": 1.5, "9": 9}
    lines = [f"AAPL,split,2020-01-{day:02},{text},2019-12-01" for day, text in enumerate(spelled, 1)]
    text = "\n".join(["symbol,kind,date,ratio,announced", *lines, "AAPL,dividend,2020-02-03,0.205,2019-12-01", ""])
    answer, out, _ = work("inspect", text, "actions.csv")
    found = json.loads((out / "inspection.json").read_text())
    said = {own["field"]: (own["value"], own["reason"]) for own in found["reasons"]}
    assert said["columns[3].ratio"] == ("value", "4:1 is 4 new shares for 1 old")
    answer, out, _ = work("ingest", text, "actions.csv", mapping=found["mapping"])
    assert answer["type"] == "result", answer
    version = open_folder(out)
    assert from_json(canonical(version.manifest.provenance.report)).errors == ()
    assert [fact.value for fact in reference.facts(version)] == [*spelled.values(), 0.205]


WIDE = """\
Date,Open,High,Low,Close,Volume,Dividends,Stock Splits
2020-08-06,1,2,1,2,10,0.0,0.0
2020-08-07,1,2,1,2,10,0.82,0.0
2020-08-28,1,2,1,2,10,,1.0
2020-08-31,1,2,1,2,10,0.0,4.0
2020-11-06,1,2,1,2,10,0.205,2.0
2020-11-09,1,2,1,2,10,-1,-2
2020-11-10,1,2,1,2,10,soon,0
2020-11-11,1,2,1,2,10,0,0:1
"""


def test_splits_and_dividends_beside_prices_are_read_by_a_second_mapping(work):
    from alphintra.errors import DataError
    from alphintra.ingest.mapping import Mapping
    from alphintra.store import reference

    answer, out, _ = work("inspect", WIDE, "AAPL.csv")
    found = json.loads((out / "inspection.json").read_text())
    mapping = found["mapping"]
    assert (mapping["kind"], [own["role"] for own in mapping["columns"][6:]]) == ("bars", ["ignore", "ignore"])
    said = {own["field"]: own for own in found["reasons"]}
    assert [said[f"columns[{place}].event"]["value"] for place in (6, 7)] == ["dividend", "split"]
    assert "a second time as reference data" in said["columns[6].role"]["reason"]
    roles = {0: "time", 6: "dividend", 7: "split"}
    columns = [
        own | {"role": role, "name": role if place > 5 else ""}
        for place, own in enumerate(mapping["columns"])
        for role in [roles.get(place, "ignore")]
    ]
    events = mapping | {"kind": "reference", "columns": columns, "known_from": "ex_date", "label": "unknown"}
    answer, out, _ = work("ingest", WIDE, "AAPL.csv", mapping=events)
    assert answer["type"] == "result", answer
    version = open_folder(out)
    facts = reference.facts(version)
    assert [(str(pd.Timestamp(fact.ex, unit="D").date()), fact.kind, fact.value) for fact in facts] == [
        ("2020-08-07", "dividend", 0.82), ("2020-08-31", "split", 4.0), ("2020-11-06", "dividend", 0.205),
        ("2020-11-06", "split", 2.0),
    ]  # fmt: skip
    assert {(fact.instrument, fact.source) for fact in facts} == {("AAPL", "AAPL.csv")}
    report = from_json(canonical(version.manifest.provenance.report))
    places = sorted((place.row, place.column) for place in report["EVENT_ROW"].places)
    assert places == [(6, "Dividends"), (6, "Stock Splits"), (8, "Stock Splits")]
    assert [(place.row, place.column) for place in report["SCHEMA_TYPE"].places] == [(7, "Dividends")]
    # The same of a typed file, whatever order its rows are in; nothing that happened is no version.
    good = WIDE.splitlines(keepends=True)[:6]
    typed = pd.read_csv(io.StringIO("".join(good)), parse_dates=["Date"])
    typed["Date"] = typed["Date"].dt.date
    typed[::-1].to_parquet(packed := io.BytesIO(), index=False)
    native = [own | ({"format": "native"} if own["role"] == "time" else {}) for own in columns]
    own = events | {"format": "parquet", "columns": native}
    answer, twin, _ = work("ingest", packed.getvalue(), "AAPL.csv", mapping=own)
    assert answer["type"] == "result", answer
    assert committing.check(twin, "v1").content_hash == version.manifest.content_hash
    answer, _, _ = work("ingest", "".join(good[:2]), "AAPL.csv", mapping=events)
    assert (answer["code"], "no row has a split or a dividend" in answer["message"]) == ("NO_ROWS", True), answer
    with pytest.raises(DataError, match="none is the value"):
        value = [own | ({"role": "value", "name": "value"} if place == 4 else {}) for place, own in enumerate(columns)]
        Mapping.from_json(json.dumps(events | {"columns": value}))


def test_from_when_events_were_known_is_asked_and_never_made_up(work):
    from alphintra.errors import DataError
    from alphintra.ingest.mapping import Mapping
    from alphintra.store import reference

    plain = "ticker,action,ex_date,value\nAAPL,split,2020-08-31,4\nAAPL,split,2014-06-09,7\n"
    answer, out, _ = work("inspect", plain, "a.csv")
    found = json.loads((out / "inspection.json").read_text())
    assert [(own["field"], own["choices"]) for own in found["questions"]] == [("known_from", ["ex_date"])]
    mapping = found["mapping"]
    answer, _, _ = work("ingest", plain, "a.csv", mapping=mapping)
    assert answer["code"] == "KNOWN_FROM_MISSING"
    days = [1_402_272_000_000_000, 1_598_832_000_000_000]
    for rule, known in (("ex_date", days), ("2021-01-01", [1_609_545_600_000_000] * 2)):
        answer, out, _ = work("ingest", plain, "a.csv", mapping=mapping | {"known_from": rule})
        facts = reference.facts(open_folder(out))
        assert [(fact.value, fact.known_from) for fact in facts] == list(zip([7.0, 4.0], known, strict=True)), rule
    ends = "ticker,action,ex_date,value,announced,known_to\nA,split,2020-08-31,4,2020-01-01,9999-12-31\n"
    ends += "A,split,2020-09-01,4,2020-01-01,2020-02-01\nA,split,2020-09-02,4,2020-01-01,2020-01-01\n"
    answer, out, _ = work("ingest", ends, "a.csv", mapping=mapping_of(work, ends, "a.csv"))
    version = open_folder(out)
    assert [fact.known_to for fact in reference.facts(version)] == [None, 1_580_601_600_000_000]
    (place,) = from_json(canonical(version.manifest.provenance.report))["EVENT_ROW"].places
    assert (place.row, place.column, place.message) == (3, "known_to", "known_to is not after known_from")
    for change, code in (
        ({"known_from": "soon"}, "BAD_MAPPING"),
        ({"kind": "features"}, "BAD_MAPPING"),
        ({"resolution": "time", "known_from": "ex_date"}, "BAD_MAPPING"),
        ({"columns": [*mapping["columns"][:3], mapping["columns"][3] | {"role": "feature"}]}, "BAD_MAPPING"),
        ({"columns": [own | ({"role": "text"} if own["role"] == "event" else {}) for own in mapping["columns"]]},
         "SCHEMA_REQUIRED"),
    ):  # fmt: skip
        with pytest.raises(DataError) as caught:
            Mapping.from_json(json.dumps(mapping | change))
        assert caught.value.code == code, change


@pytest.mark.parametrize("order", [1, -1], ids=["straight", "sorted"])
def test_the_time_frame_is_that_of_the_first_symbol_that_shows_one(work, order):
    """Of a symbol of one row nobody can tell how long its bar is; bars without a time frame count as known at once."""
    minutes = [f"2024-01-02 14:{30 + minute}:00" for minute in range(20)]
    rows = [("A", minutes[0]), ("B", minutes[3]), *(("C", time) for time in minutes)][::order]
    head = "symbol,time,open,high,low,close\n"
    text = head + "".join(f"{symbol},{time},5,6,4,5\n" for symbol, time in rows)
    mapping = mapping_of(work, text, "minutes.csv") | {"zone": "UTC"}
    answer, out, _ = work("ingest", text, "minutes.csv", mapping=mapping)
    assert answer["type"] == "result", answer
    made = committing.check(out, "v1")
    assert (made.symbols, made.rows, made.about.timeframe) == (("A", "B", "C"), 22, "1min")
    assert read(open_folder(out), ["A"])["close"].to_pylist() == [5.0]
    alone, out, _ = work("ingest", head + f"A,{minutes[0]},5,6,4,5\n", "minutes.csv", mapping=mapping)
    assert alone["type"] == "result" and committing.check(out, "v1").about.timeframe is None
