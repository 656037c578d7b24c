"""The files that a worker leaves in its out folder."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphintra_kernel.earlier_trials import FOLDER as TRIALS_FOLDER
from alphintra_kernel.user_source import JobError

if TYPE_CHECKING:
    from alphintra.result import Result
    from alphintra_backtest.methods import Done

_NO_ROOM = {
    errno.EFBIG: ("OUTPUT_TOO_LARGE", "a file of the result is larger than a job may write; record less"),
    errno.ENOSPC: ("DISK_FULL", "there is no room for the result"),
    errno.EDQUOT: ("DISK_FULL", "there is no room for the result"),
}
TABLES = ("trades", "fills", "orders")


def write(done: Done, trials: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    """Write what came of a job and say what was written.

    Args:
        done: What came of it.
        trials: What it adds to the trials of its strategy.
        folder: Where to.

    Returns:
        ``{name, bytes, sha256}`` of each file.
    """
    make_room(folder)
    result = done.result
    (folder / "result.json").write_text(result.to_json(), encoding="utf-8")
    _write_json(folder / "view.json", result.view)
    result.report(folder / "report.html", **done.sections)
    _write_json(folder / "trials.json", trials)
    _write_json(folder / "sessions.json", _sessions(result))
    names = ["result.json", "view.json", "report.html", "trials.json", "sessions.json"]
    study = done.payload()
    if study is not None:
        _write_json(folder / "study.json", study)
        names.append("study.json")
    for table in TABLES:
        getattr(result, table).to_parquet(folder / f"{table}.parquet", index=False)
        names.append(f"{table}.parquet")
    _write_equity(result, folder / "equity.parquet")
    names.append("equity.parquet")
    return [described(folder / name) for name in names]


def _sessions(result: Result) -> dict[str, Any]:
    """What a comparison reads: account values by session, as plain numbers that nobody has to unpickle."""
    from alphintra_backtest.comparison import Run

    run = Run.of(result)
    return {"day": run.day.tolist(), "value": run.value.tolist()}


def _write_json(path: Path, content: Any) -> None:
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    path.write_text(text, encoding="utf-8")


def _write_equity(result: Result, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    curves = result.curves
    table = pa.table(
        {
            "time": pa.array(curves.time, pa.int64()).cast(pa.timestamp("us", "UTC")),
            "session": pa.array(curves.session, pa.int32()).cast(pa.date32()),
            "equity": curves.equity,
            "cash": curves.cash,
            "exposure": curves.exposure,
            "benchmark": curves.benchmark,
        }
    )
    pq.write_table(table, path)


@contextlib.contextmanager
def no_room_is_said() -> Iterator[None]:
    """Within it, a file that does not fit is a :class:`JobError` that says so."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        code, text = _NO_ROOM[error.errno]
        raise JobError(text, code) from error


def make_room(folder: Path) -> None:
    """Remove what lies there: user code that writes relative paths writes them there, and not only plain files."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            if path.name != TRIALS_FOLDER:
                shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def described(path: Path) -> dict[str, Any]:
    """Say of a file what the server checks it by: ``{name, bytes, sha256}``."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"name": path.name, "bytes": file.tell(), "sha256": digest}
