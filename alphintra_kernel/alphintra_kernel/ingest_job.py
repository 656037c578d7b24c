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
from alphintra_kernel.straight import Straight, columns_of, first_times, stated
from alphintra_kernel.user_source import JobError, describe

if TYPE_CHECKING:
    from alphintra.ingest.mapping import Mapping
    from alphintra.ingest.reading import Staged
    from alphintra.rules.report import Report
    from alphintra.rules.running import Validation
    from alphintra.store.reading import Version
    from alphintra.store.writing import VersionWriter

    from alphintra_kernel.protocol import Progress

INSPECT, INGEST = "inspect", "ingest"
UPLOAD = "upload"
INSPECTION, MANIFEST = "inspection.json", "manifest.json"
#: Where unpacked and sorted rows lie meanwhile: on the disk, where the job's memory does not count them.
_WORK = "work"
#: How much of a job's time reading takes, beside writing what was read.
_READING = 0.6
#: How much it takes where rows are written and checked as they come: little is left then.
_STRAIGHT = 0.95
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
    from alphintra.store.manifest import About
    from alphintra.store.opening import open_folder

    out, upload = root / "out", root / "in" / UPLOAD
    progress.phase("reading", 0.0)
    mapping, given = Mapping.from_json(json.dumps(job["mapping"])), About(**job["about"])
    parent = open_folder(root / "in" / stored_job.PARENT) if job["parents"] else None
    if mapping.kind == "reference":
        return _reference(job, root, mapping, parent, progress)
    with Straight(out, str(job["version"]), mapping, given, stored_job.choice_of(job)) as straight:
        staged = read(
            upload,
            mapping,
            out / _WORK,
            name=str(job["upload"]["name"]),
            progress=_reading(progress, upload, mapping, straight),
            # What is written sealed cannot be taken back, to be sorted after all.
            sink=straight if parent is None and not job.get("seal") else None,
        )
        if straight.writer is None or straight.check is None:
            return _from_staging(job, out, mapping, staged, parent, progress)
        straight.check.read(staged)
        progress.phase("writing", _STRAIGHT)
        _finish(job, straight.writer, straight.check, mapping)
        progress.study(1.0, "writing", f"{staged.rows:,} of {staged.rows:,} rows")
    return MANIFEST


def _from_staging(
    job: dict[str, Any], out: Path, mapping: Mapping, staged: Staged, parent: Version | None, progress: Progress
) -> str:
    from alphintra.rules.facts import of_staging
    from alphintra.rules.running import Validation
    from alphintra.store.manifest import About
    from alphintra.store.parent import Later
    from alphintra.store.staging import staged_rows
    from alphintra.store.writing import VersionWriter

    if parent is not None:
        about = parent.manifest.about
    else:
        about = stated(About(**job["about"]), mapping, first_times(staged.files))
    check = Validation(of_staging(mapping, staged, about, parent=parent), stored_job.choice_of(job))
    check.read(staged)
    later = Later(parent) if parent is not None and job.get("overlap") else None
    version, seal = str(job["version"]), stored_job.seal_of(job)
    with VersionWriter(out, version, columns_of(mapping), about, parent=parent, seal=seal) as writer:
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
        _finish(job, writer, check, mapping)
    return MANIFEST


def _reference(
    job: dict[str, Any], root: Path, mapping: Mapping, parent: Version | None, progress: Progress
) -> str:
    """Make a version of events: always all of them, those of the version before among them."""
    from alphintra.ingest.event_rows import EventRows
    from alphintra.ingest.reading import read
    from alphintra.rules.facts import of_columns
    from alphintra.rules.running import Validation
    from alphintra.store import reference
    from alphintra.store.writing import VersionWriter

    out, upload, name = root / "out", root / "in" / UPLOAD, str(job["upload"]["name"])
    if parent is not None:
        reference.check_holds(parent)  # before all of the file is read
    staged = read(upload, mapping, out / _WORK, name=name, progress=lambda done: progress.study(0.0, "reading", ""))
    events = EventRows(staged, mapping, name, () if parent is None else reference.by_instrument(parent))
    about, columns = reference.ABOUT, reference.COLUMNS
    check = Validation(of_columns(columns, about, staged=True, sources=staged.sources), stored_job.choice_of(job))
    with VersionWriter(out, str(job["version"]), columns, about, seal=stored_job.seal_of(job)) as writer:
        progress.phase("writing", _READING)
        for facts in events.instruments():
            for symbol, table in reference.tables(facts).items():
                writer.add(symbol, table)
                check.see(symbol, table)
        check.read(events.staged())
        if job.get("overlap") and parent is not None and not events.added:
            return _nothing_new(check.finish(), out)
        if parent is None and not events.added:
            raise events.refusal()
        _finish(job, writer, check, mapping)
    return MANIFEST


def _finish(job: dict[str, Any], writer: VersionWriter, check: Validation, mapping: Mapping) -> None:
    """End a version whose rows are all written and checked."""
    from alphintra.rules.report import without_places
    from alphintra.store.manifest import Provenance

    report = without_places(check.finish()) if job.get("seal") else check.finish()
    writer.finish(
        Provenance(
            parents=tuple(job["parents"]),
            sources=({**job["upload"], "mapping": asdict(mapping)},),
            report=json.loads(report.to_json()),
            tools=_tools(),
        )
    )


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


def _reading(progress: Progress, upload: Path, mapping: Mapping, straight: Straight) -> Callable[[int], None]:
    """Tell how many rows were read, and of how many where that can be told from the length of the first ones."""
    rows = _rows_of(upload, mapping)

    def tell(done: int) -> None:
        whole = _READING if straight.writer is None else _STRAIGHT
        share = 0.0 if rows is None else whole * min(done / rows, 1.0)
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
