"""Build the platform datasets: Parquet, manifests, licence texts, and the exchange's sessions.

    python scripts/build_datasets.py [FOLDER]

writes into ``sdk/alphintra/datasets`` or into FOLDER. The same packages give the same content
hashes; ``tests/sdk/data/test_build.py`` compares them with what is committed.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "sdk")]

from alphintra.data.content_hash import block_hashes, content_hash  # noqa: E402
from alphintra.data.simulated import GENERATOR  # noqa: E402
from dataset_sources import SOURCES  # noqa: E402
from simulated_sources import simulated_sources  # noqa: E402
from source_files import Calendar, Source, folder, licence_text, sha256  # noqa: E402

FORMAT = "alphintra-dataset/1"
# Before 1970 the rules of exchange_calendars have the exchange open at New Year and Christmas.
FIRST_SESSION, LAST_SESSION = "1970-01-01", "2035-12-31"
SAMPLE_ROWS = 200
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
BINS = 20
TYPES = {
    "date32": pa.date32(),
    "timestamp[us, UTC]": pa.timestamp("us", "UTC"),
    "double": pa.float64(),
}


def build(target: Path) -> None:
    """Write all datasets below ``target``."""
    xnys = build_calendar(target / "calendars")
    build_licences(target / "licenses")
    for make in SOURCES:
        source = make(xnys)
        manifest = write_dataset(target / source.about["name"], source)
        print(f"{manifest['name']:<25} {manifest['rows']:>7} rows  {manifest['content_hash']}")
    build_simulated(target)


def build_simulated(target: Path) -> None:
    """Write the manifests of the datasets that are made when they are asked for."""
    for source in simulated_sources():
        package, _, number = GENERATOR.partition("/")
        manifest = describe(source, [], None) | {
            "simulated": {"generator": GENERATOR},
            "source": {"package": package, "version": number, "files": []},
        }
        folder = target / source.about["name"]
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "manifest.json", manifest)
        print(f"{manifest['name']:<25} {manifest['rows']:>7} rows  {manifest['content_hash']}")


def build_calendar(target: Path) -> Calendar:
    """Write the sessions of XNYS as minutes from midnight UTC, early closes included."""
    import exchange_calendars

    calendar = exchange_calendars.get_calendar("XNYS", start=FIRST_SESSION, end=LAST_SESSION)
    session = calendar.sessions.to_numpy().astype("M8[D]").astype(np.int32)
    midnight = session.astype(np.int64) * 1440
    opens, closes = (
        times.dt.tz_localize(None).to_numpy().astype("M8[m]").astype(np.int64)
        for times in (calendar.schedule["open"], calendar.schedule["close"])
    )
    target.mkdir(parents=True, exist_ok=True)
    columns = {
        "session": session,
        "open_minute": (opens - midnight).astype(np.int32),
        "close_minute": (closes - midnight).astype(np.int32),
    }
    table = pa.table(
        {
            "session": pa.array(session, pa.int32()).cast(pa.date32()),
            "open_minute": pa.array(columns["open_minute"], pa.int32()),
            "close_minute": pa.array(columns["close_minute"], pa.int32()),
        }
    )
    path = target / "XNYS.parquet"
    pq.write_table(
        table, path, compression="zstd", store_schema=False, use_dictionary=["open_minute", "close_minute"],
        column_encoding={"session": "DELTA_BINARY_PACKED"},
    )  # fmt: skip
    about = {
        "calendar": "XNYS",
        "first": iso_date(session[0]),
        "last": iso_date(session[-1]),
        "sessions": len(session),
        "early_closes": len(calendar.early_closes),
        "source": {"package": "exchange_calendars", "version": version("exchange_calendars")},
        "licence": {"name": "Apache-2.0", "file": "licenses/exchange_calendars.txt"},
        "content_hash": content_hash({"XNYS": columns}),
        "file": file_entry(path, len(session)),
        "written_by": writer(),
    }
    write_json(target / "XNYS.json", about)
    return Calendar(session, opens * 60_000_000, closes * 60_000_000)


def build_licences(target: Path) -> None:
    """Copy the licence texts, and what the packages say of the data's own terms."""
    target.mkdir(parents=True, exist_ok=True)
    for package in ("arch", "skfolio", "exchange_calendars"):
        (target / f"{package}.txt").write_text(licence_text(package), encoding="utf-8")
    records = next(
        file for file in importlib.metadata.files("bokeh_sampledata") or [] if file.name == "datasets.json"
    )
    inventory = json.loads(records.read_text())
    entries = inventory if isinstance(inventory, list) else inventory["datasets"]
    stocks = next(entry for entry in entries if entry.get("module") == "stocks")
    lines = [
        "The prices (stocks.csv.gz) are in the public domain:",
        "",
        *(f"{key}: {stocks[key]}" for key in ("attribution", "verified_source_terms", "notes")),
        *(f"source: {url}" for url in stocks["sources"]),
        "",
        "The package they come from:",
        "",
        licence_text("bokeh_sampledata"),
    ]
    (target / "bokeh_sampledata.txt").write_text("\n".join(lines), encoding="utf-8")


def write_dataset(target: Path, source: Source) -> dict[str, Any]:
    """Write bars (a row group a symbol), events and manifest; return the manifest."""
    target.mkdir(parents=True, exist_ok=True)
    bars = target / "bars.parquet"
    schema = pa.schema(
        [("symbol", pa.string()), *((column["name"], TYPES[column["type"]]) for column in source.columns)]
    )
    symbols = sorted(source.rows)
    times = [column["name"] for column in source.columns if column["type"] != "double"]
    with pq.ParquetWriter(
        bars,
        schema,
        compression="zstd",
        store_schema=False,
        use_dictionary=[name for name in schema.names if name not in times],
        column_encoding=dict.fromkeys(times, "DELTA_BINARY_PACKED"),
    ) as out:
        for symbol in symbols:
            out.write_table(symbol_table(symbol, source.rows[symbol], source, schema))
    files = [file_entry(bars, row_count(source))]
    events = None
    if source.events:
        path = target / "events.parquet"
        events = write_events(path, source)
        files.append(file_entry(path, len(source.events)))
    origin = {
        "package": source.package,
        "version": version(source.package),
        "files": [
            {"path": str(path.relative_to(folder(source.package))), "sha256": sha256(path)} for path in source.files
        ],
    }
    manifest = describe(source, files, events) | {"source": origin, "written_by": writer()}
    write_json(target / "manifest.json", manifest)
    return manifest


def row_count(source: Source) -> int:
    """Return the rows of all symbols."""
    return sum(len(columns["session"]) for columns in source.rows.values())


def describe(source: Source, files: list[dict[str, Any]], events: dict[str, Any] | None) -> dict[str, Any]:
    """Return what the manifest says of the rows."""
    symbols = sorted(source.rows)
    sessions = np.concatenate([columns["session"] for columns in source.rows.values()])
    return {
        "format": FORMAT,
        **source.about,
        "time_zone": "UTC",
        "symbols": [symbol_entry(symbol, group, source) for group, symbol in enumerate(symbols)],
        "first": iso_date(sessions.min()),
        "last": iso_date(sessions.max()),
        "rows": row_count(source),
        "columns": [
            {"name": "symbol", "type": "string", "unit": None, "role": "symbol", "statistics": None},
            *({**column, "statistics": statistics(column, source)} for column in source.columns),
        ],
        "events": events,
        "sample": sample(source),
        "files": files,
        "content_hash": content_hash(source.rows),
        "blocks": {
            symbol: {
                name: [block.hex() for block in block_hashes(symbol, name, values)]
                for name, values in sorted(source.rows[symbol].items())
            }
            for symbol in symbols
        },
        "calendar_source": {"package": "exchange_calendars", "version": version("exchange_calendars")},
        "licence": source.licence,
    }


def symbol_table(symbol: str, columns: dict[str, np.ndarray], source: Source, schema: pa.Schema) -> pa.Table:
    """Return one symbol's rows as an Arrow table."""
    arrays = [pa.array([symbol] * len(columns["session"]))]
    for column in source.columns:
        storage = {"date32": pa.int32(), "timestamp[us, UTC]": pa.int64(), "double": pa.float64()}
        values = pa.array(columns[column["name"]], storage[column["type"]])
        arrays.append(values.cast(TYPES[column["type"]]))
    return pa.Table.from_arrays(arrays, schema=schema)


def write_events(path: Path, source: Source) -> dict[str, Any]:
    """Write splits and dividends; nobody recorded when they became known."""
    table = pa.table(
        {
            "symbol": pa.array([event["symbol"] for event in source.events]),
            "kind": pa.array([event["kind"] for event in source.events]),
            "ex_date": pa.array([event["ex_date"] for event in source.events], pa.int32()).cast(pa.date32()),
            "value": pa.array([event["value"] for event in source.events], pa.float64()),
            "known_from": pa.nulls(len(source.events), pa.timestamp("us", "UTC")),
            "known_to": pa.nulls(len(source.events), pa.timestamp("us", "UTC")),
            "source": pa.array([event["source"] for event in source.events]),
        }
    )
    pq.write_table(table, path, compression="zstd", store_schema=False)
    by_symbol: dict[str, dict[str, np.ndarray]] = {}
    for symbol in sorted({event["symbol"] for event in source.events}):
        own = [event for event in source.events if event["symbol"] == symbol]
        by_symbol[symbol] = {
            "kind": np.array([event["kind"] for event in own]),
            "ex_date": np.array([event["ex_date"] for event in own], dtype=np.int32),
            "value": np.array([event["value"] for event in own]),
        }
    return {
        "rows": len(source.events),
        "splits": sum(event["kind"] == "split" for event in source.events),
        "dividends": sum(event["kind"] == "dividend" for event in source.events),
        "source": "derived",
        "content_hash": content_hash(by_symbol),
    }


def symbol_entry(symbol: str, group: int, source: Source) -> dict[str, Any]:
    """Return what the manifest says of one symbol."""
    session = source.rows[symbol]["session"]
    return {
        "name": symbol,
        "title": source.titles.get(symbol, symbol),
        "first": iso_date(session[0]),
        "last": iso_date(session[-1]),
        "rows": len(session),
        "row_group": group,
    }


def statistics(column: dict[str, Any], source: Source) -> dict[str, Any]:
    """Return counts, extremes, moments, quantiles and a histogram of a column over all symbols."""
    values = np.concatenate([columns[column["name"]] for columns in source.rows.values()])
    if column["type"] != "double":
        shown = iso_date if column["type"] == "date32" else iso_time
        return {"count": len(values), "nulls": 0, "min": shown(values.min()), "max": shown(values.max())}
    counts, edges = np.histogram(values, bins=BINS)
    return {
        "count": len(values),
        "nulls": int(np.isnan(values).sum()),
        "min": float(values.min()),
        "max": float(values.max()),
        "mean": rounded(values.mean()),
        "std": rounded(values.std(ddof=1)),
        "quantiles": {str(q): rounded(np.quantile(values, q)) for q in QUANTILES},
        "histogram": {"edges": [rounded(edge) for edge in edges], "counts": counts.tolist()},
    }


def sample(source: Source) -> dict[str, Any]:
    """Return the first rows of each symbol, at most about 200 in all."""
    each = max(5, SAMPLE_ROWS // len(source.rows))
    names = ["symbol", *(column["name"] for column in source.columns)]
    shown = {"date32": iso_date, "timestamp[us, UTC]": iso_time, "double": float}
    rows = [
        [symbol, *(shown[column["type"]](columns[column["name"]][row]) for column in source.columns)]
        for symbol, columns in sorted(source.rows.items())
        for row in range(min(each, len(columns["session"])))
    ]
    return {"columns": names, "rows": rows}


def rounded(value: Any) -> float:
    """Round to ten significant digits: sums differ in the last ones between processors."""
    return float(f"{float(value):.10g}")


def iso_date(value: Any) -> str:
    """Return days since 1970-01-01 as a date."""
    return (date(1970, 1, 1) + timedelta(days=int(value))).isoformat()


def iso_time(value: Any) -> str:
    """Return microseconds since 1970-01-01 as a time in UTC."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(value))).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )


def file_entry(path: Path, rows: int) -> dict[str, Any]:
    """Return name, size and hash of a written file."""
    return {"path": path.name, "bytes": path.stat().st_size, "sha256": sha256(path), "rows": rows}


def version(package: str) -> str:
    """Return a package's version."""
    return importlib.metadata.version(package)


def writer() -> dict[str, str]:
    """Return what wrote the files: other versions may give other bytes for the same content."""
    return {"package": "pyarrow", "version": pa.__version__}


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write JSON with sorted keys, one line a top-level entry."""
    lines = [
        f"{json.dumps(key)}: {json.dumps(value[key], sort_keys=True, ensure_ascii=False, allow_nan=False)}"
        for key in sorted(value)
    ]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = HERE.parent / "sdk" / "alphintra" / "datasets"
    parser.add_argument("folder", nargs="?", type=Path, default=default)
    build(parser.parse_args().folder)


if __name__ == "__main__":
    main()
