"""The kinds of job that read a file somebody sent: a first look, and making a dataset's version of it.

The file is ``in/upload``. ``inspect`` leaves ``inspection.json``; ``ingest`` leaves ``manifest.json`` and the files it
names, or where rows may come again and all of them did, ``report.json``. A version that another one goes on from is in
``in/parent``: its manifest, and its files. A version that is to be sealed is written with keys that came with the job,
and are of that version alone. The server believes nothing of what is left here: it checks all of it. What
is done with stored versions alone is in ``stored_job``.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphintra_kernel import stored_job
from alphintra_kernel.outputs import described, make_room, no_room_is_said
from alphintra_kernel.user_source import JobError, describe

if TYPE_CHECKING:
    from alphintra.ingest.mapping import Mapping
    from alphintra.ingest.reading import Staged
    from alphintra.rules.report import Report
    from alphintra.store.columns import Column
    from alphintra.store.manifest import About

    from alphintra_kernel.protocol import Progress

INSPECT, INGEST = "inspect", "ingest"
UPLOAD = "upload"
INSPECTION, MANIFEST = "inspection.json", "manifest.json"
#: Where unpacked and sorted rows lie meanwhile: on the disk, where the job's memory does not count them.
_WORK = "work"
#: How much of a job's time reading takes, beside writing what was read.
_READING = 0.6
_SAMPLE_BYTES = 1 << 20


def run(job: dict[str, Any], root: Path, progress: Progress) -> dict[str, Any]:
    """Run one job and write its files.

    Returns:
        The ``result`` or ``error`` message. Nothing that a file brings about is raised.
    """
    out = root / "out"
    try:
        make_room(out)
        with no_room_is_said():
            name = _DO[job["kind"]](job, root, progress)
        return {"type": "result", "files": [described(out / name)], "summary": {}}
    except BaseException as error:  # noqa: BLE001 - a parser may raise anything
        # The traceback is of our own code, and of nobody's interest who sent the file.
        return describe(error, root / "in") | {"traceback": None, "file": None, "line": None, "step": _step(error)}
    finally:
        shutil.rmtree(out / _WORK, ignore_errors=True)


def _step(error: BaseException) -> int | None:
    """Return the number of the step of a recipe that an error is about, if it is about one."""
    from alphintra.errors import AlphintraError
    from alphintra.recipes.recipe import step_of

    return step_of(error) if isinstance(error, AlphintraError) else None


def _inspect(job: dict[str, Any], root: Path, progress: Progress) -> str:
    from alphintra.ingest.inspecting import inspect

    progress.phase("inspecting", 0.0)
    found = inspect(
        root / "in" / UPLOAD,
        root / "out" / _WORK,
        name=str(job["upload"]["name"]),
        table=str(job.get("table") or ""),
    )
    text = json.dumps(found.to_json(), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    (root / "out" / INSPECTION).write_text(text, encoding="utf-8")
    return INSPECTION


def _ingest(job: dict[str, Any], root: Path, progress: Progress) -> str:
    from alphintra.ingest.mapping import Mapping
    from alphintra.ingest.reading import read
    from alphintra.rules.facts import of_staging
    from alphintra.rules.report import without_places
    from alphintra.rules.running import Validation
    from alphintra.store.manifest import About, Provenance
    from alphintra.store.opening import open_folder
    from alphintra.store.parent import Later
    from alphintra.store.staging import staged_rows
    from alphintra.store.writing import VersionWriter

    out, upload = root / "out", root / "in" / UPLOAD
    progress.phase("reading", 0.0)
    mapping = Mapping.from_json(json.dumps(job["mapping"]))
    staged = read(
        upload,
        mapping,
        out / _WORK,
        name=str(job["upload"]["name"]),
        progress=_reading(progress, upload, mapping),
    )
    columns, about = columns_of(mapping), stated(About(**job["about"]), mapping, staged)
    parent = open_folder(root / "in" / stored_job.PARENT) if job["parents"] else None
    if parent is not None:
        about = parent.manifest.about
    check = Validation(of_staging(mapping, staged, about, parent=parent), stored_job.choice_of(job))
    check.read(staged)
    later = Later(parent) if parent is not None and job.get("overlap") else None
    version, seal = str(job["version"]), stored_job.seal_of(job)
    with VersionWriter(out, version, columns, about, parent=parent, seal=seal) as writer:
        progress.phase("writing", _READING)
        written = added = 0
        for symbol, table in staged_rows(staged.files):
            new = table if later is None else later.rows(symbol, table)
            writer.add(symbol, new)
            check.see(symbol, table)
            written += len(table)
            added += len(new)
            fraction = _READING + (1 - _READING) * written / staged.rows
            progress.study(fraction, "writing", f"{written:,} of {staged.rows:,} rows")
        if later is not None and not added:
            return _nothing_new(check.finish(), out)
        report = check.finish() if seal is None else without_places(check.finish())
        writer.finish(
            Provenance(
                parents=tuple(job["parents"]),
                sources=({**job["upload"], "mapping": asdict(mapping)},),
                report=json.loads(report.to_json()),
                tools=_tools(),
            )
        )
    return MANIFEST


def _nothing_new(report: Report, out: Path) -> str:
    """Leave the report alone, where each row was there already; one that has changed is an error of the source's."""
    try:
        changed = report["OVERLAP_CONFLICT"]
    except KeyError:  # left out by choice
        changed = None
    if changed is not None and changed.count:
        first = changed.places[0]
        where = ", ".join(text for text in (first.symbol, first.time) if text)
        raise JobError(
            f"the source has other rows than are stored ({changed.count:,}), the first: {where} ({first.message})",
            "OVERLAP_CONFLICT",
        )
    (out / stored_job.REPORT).write_bytes(report.to_json())
    return stored_job.REPORT


def columns_of(mapping: Mapping) -> tuple[Column, ...]:
    """Return the columns that a version has of a file that is read by a mapping."""
    from alphintra.ingest.staging import schema_of
    from alphintra.store import columns

    schema = schema_of(mapping)
    return columns.columns_of(schema, {schema.field(1).name: "time", **{c.name: c.role for c in mapping.values}})


def stated(given: About, mapping: Mapping, staged: Staged) -> About:
    """Return what a version states of its values: what was said, and what the mapping says and the times show.

    A bar of which nobody said at which end it is stamped counts as stamped at its open: it is then known at its end,
    so never too early.
    """
    from dataclasses import replace

    adjusted = {"raw": "raw", "unknown": "unknown"}.get(mapping.adjustment, "adjusted")
    found = given.timeframe
    if found is None and mapping.kind == "bars":
        found = _timeframe(staged)
    return replace(
        given,
        timeframe=found,
        time_zone=mapping.zone,
        label="close" if mapping.label == "close" else "open",
        adjustment=adjusted,
    )


def _timeframe(staged: Staged) -> str | None:
    """Infer the time frame from the symbol whose rows come first; ``None`` where they show none."""
    import numpy as np
    import pyarrow.parquet as pq
    from alphintra.data.market import DAY_US
    from alphintra.data.timeframe import infer_timeframe
    from alphintra.data.times import Times
    from alphintra.errors import DataError
    from alphintra.store.columns import raw_values

    with pq.ParquetFile(staged.files[0]) as file:
        values = raw_values(file.read_row_group(0, columns=[file.schema_arrow.names[1]]).column(0))
    daily = values.dtype == np.int32
    utc = values.astype(np.int64) * DAY_US if daily else values
    session = values if daily else (values // DAY_US).astype(np.int32)
    try:
        return infer_timeframe(Times(utc, session, assumed_utc=False, midnight=daily))
    except DataError:
        return None


def _reading(progress: Progress, upload: Path, mapping: Mapping) -> Callable[[int], None]:
    """Tell how many rows were read, and of how many where that can be told from the length of the first ones."""
    rows = _rows_of(upload, mapping)

    def tell(done: int) -> None:
        share = 0.0 if rows is None else _READING * min(done / rows, 1.0)
        progress.study(share, "reading", f"{done:,} rows")

    return tell


def _rows_of(upload: Path, mapping: Mapping) -> float | None:
    if mapping.format not in ("csv", "jsonl"):
        return None
    with upload.open("rb") as file:
        sample = file.read(_SAMPLE_BYTES)
    lines = sample.count(b"\n")
    # A file that is packed has lines by chance only: zero bytes tell it from text in one byte a sign.
    if not lines or b"\0" in sample:
        return None
    return max(os.path.getsize(upload) / (len(sample) / lines), 1.0)  # noqa: PTH202


def _tools() -> dict[str, str]:
    import alphintra
    import duckdb
    import pyarrow

    return {"alphintra": alphintra.__version__, "duckdb": duckdb.__version__, "pyarrow": pyarrow.__version__}


_DO = {INSPECT: _inspect, INGEST: _ingest, **stored_job.DO}
KINDS = frozenset(_DO)
"""What :func:`run` does."""
