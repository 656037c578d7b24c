"""The files that a worker leaves in its out folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alphintra.result import Result

TABLES = ("trades", "fills", "orders")


def write(result: Result, folder: Path) -> list[dict[str, Any]]:
    """Write a result and say what was written.

    Args:
        result: What the backtest returned.
        folder: Where to.

    Returns:
        ``{name, bytes, sha256}`` of each file.
    """
    (folder / "result.json").write_text(result.to_json(), encoding="utf-8")
    view = json.dumps(result.view, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    (folder / "view.json").write_text(view, encoding="utf-8")
    result.report(folder / "report.html")
    names = ["result.json", "view.json", "report.html"]
    for table in TABLES:
        getattr(result, table).to_parquet(folder / f"{table}.parquet", index=False)
        names.append(f"{table}.parquet")
    _write_equity(result, folder / "equity.parquet")
    names.append("equity.parquet")
    return [described(folder / name) for name in names]


def _write_equity(result: Result, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    curves = result.curves
    table = pa.table(
        {
            "time": pa.array(curves.time, pa.int64()).cast(pa.timestamp("us", "UTC")),
            "equity": curves.equity,
            "cash": curves.cash,
            "exposure": curves.exposure,
            "benchmark": curves.benchmark,
        }
    )
    pq.write_table(table, path)


def described(path: Path) -> dict[str, Any]:
    """Say of a file what the server checks it by: ``{name, bytes, sha256}``."""
    content = path.read_bytes()
    return {"name": path.name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
