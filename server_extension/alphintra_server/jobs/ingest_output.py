"""Reading what a worker leaves that has read an upload: ``inspection.json``, or a manifest and the files it names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from alphintra.errors import DataError
from alphintra.ingest.findings import Severity
from alphintra.ingest.mapping import Format
from alphintra.ingest.mapping import Mapping as FileMapping
from alphintra.rules.report import Report, from_json, without_places
from alphintra.store import committing
from alphintra.store.checked_json import canonical
from alphintra.store.layout import file_name
from alphintra.store.manifest import DataFile, Manifest, SideFile
from alphintra.store.sealed import VersionKeys
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ..services.dataset_recording import span
from .output import BadOutputError, _checked, _read
from .protocol import FILES, OutputFile, clean

INSPECTION, MANIFEST, REPORT = "inspection.json", "manifest.json", "report.json"
_MOST_PLACES = 20_000


def _text(most: int) -> BeforeValidator:
    return BeforeValidator(lambda value: clean(value)[:most] if isinstance(value, str) else value)


Short = Annotated[str, _text(200)]
Long = Annotated[str, _text(1_000)]
Number = Annotated[int, Field(ge=0, lt=2**53)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="ignore")


class FindingDocument(_Document):
    """One place at which a rule fired."""

    rule: str = Field(pattern=r"^[A-Z][A-Z0-9_]{0,59}$")
    severity: Severity
    message: Long
    file: Long
    row: Number | None = None
    line: Number | None = None
    column: Short | None = None
    symbol: Short | None = None
    time: Short | None = None


class ReasonDocument(_Document):
    """Why a guess is as it is."""

    field: Short
    value: Short
    confidence: float = Field(ge=0, le=1)
    reason: Long


class QuestionDocument(_Document):
    """What only the sender knows."""

    field: Short
    text: Long
    choices: list[Short] = Field(max_length=1_000)


class InspectionDocument(_Document):
    """What a first look at a file found."""

    name: Annotated[str, _text(255)]
    format: Format
    table: Long
    tables: list[Long] = Field(max_length=1_000)
    rows: list[Annotated[list[Short | None], Field(max_length=10_000)]] = Field(max_length=20)
    kinds: list[Short] = Field(max_length=10_000)
    mapping: FileMapping
    reasons: list[ReasonDocument] = Field(max_length=50_000)
    questions: list[QuestionDocument] = Field(max_length=10_000)
    confidence: float = Field(ge=0, le=1)
    fingerprint: str = Field(pattern=r"^[0-9a-f]{64}$")
    findings: list[FindingDocument] = Field(max_length=_MOST_PLACES)
    owners: list[tuple[Short, Short]] = Field(default_factory=list, max_length=10_000)


@dataclass(frozen=True)
class Written:
    """A version that a worker wrote; its files have not been looked at yet.

    Attributes:
        manifest: What it says, checked as far as that can be without the files.
        report: What the rules found.
        files: Names of its files in the folder; what it has of a version before it lies in the store already.
    """

    manifest: Manifest
    report: Report
    files: tuple[str, ...]


@dataclass(frozen=True)
class NothingNew:
    """Each row that might have been added was there already, as it is.

    Attributes:
        report: What the rules found on them.
        files: None.
    """

    report: Report
    files: tuple[str, ...] = ()


def collect_inspection(folder: Path, claimed: list[OutputFile]) -> InspectionDocument:
    """Check what a first look left.

    Raises:
        BadOutputError: It is not what a first look leaves.
    """
    return _checked(InspectionDocument, INSPECTION, _only(folder, claimed, INSPECTION))


def collect_version(
    folder: Path,
    claimed: list[OutputFile],
    *,
    version: str,
    parents: tuple[str, ...],
    source: Mapping[str, Any],
    overlap: bool = False,
    keys: VersionKeys | None = None,
) -> Written | NothingNew:
    """Check the manifest that a worker left. Its files are checked when they come into the store.

    Args:
        folder: Where it is.
        claimed: What the worker says that it left.
        version: Id that the version has to have.
        parents: Ids of the versions that it goes on from.
        source: The file that it was made of, with how it was read.
        overlap: Whether rows of the parent may come again, so that there may be no new ones.
        keys: Those that it has to be sealed with.

    Raises:
        BadOutputError: It is no manifest, or not of what was to be done.
    """
    if overlap and [item.name for item in claimed] == [REPORT]:
        return NothingNew(collect_report(folder, claimed))
    found = written(folder, claimed, version, keys)
    provenance, report = found.manifest.provenance, found.report
    if provenance.parents != parents or list(provenance.sources) != [source] or provenance.recipe is not None:
        raise BadOutputError(f"{MANIFEST}: the version was made of something else than it should be.")
    if not parents and (report.rows, report.symbols) != (found.manifest.rows, len(found.manifest.symbols)):
        raise BadOutputError(f"{MANIFEST}: report: other rows were checked than were written.")
    return found


def written(
    folder: Path, claimed: list[OutputFile], version: str, keys: VersionKeys | None = None
) -> Written:
    """Check what the manifest of any version has to be, and its report.

    Raises:
        BadOutputError: It is no manifest of a version of this id, open or sealed with these keys.
    """
    _only(folder, claimed, MANIFEST)
    try:
        found = committing.check(folder, version)
    except DataError as error:
        raise BadOutputError(f"{MANIFEST}: {clean(error)[:500]}") from None
    try:
        span(found)
    except OverflowError:
        raise BadOutputError(f"{MANIFEST}: times lie outside of the years 1 to 9999.") from None
    if found.sealed != (keys is not None):
        kind = "sealed" if found.sealed else "open"
        raise BadOutputError(f"{MANIFEST}: the version is {kind}, and should not be.")
    report = _report(canonical(found.provenance.report), MANIFEST)
    if keys is not None:
        _check_sealed(found, report, keys)
    files = tuple(name for name in map(file_name, sorted(found.hashes)) if os.path.lexists(folder / name))
    return Written(found, report, files)


def _check_sealed(found: Manifest, report: Report, keys: VersionKeys) -> None:
    """Look that a version can be opened again, and that its manifest, which anybody reads, tells no values."""
    named: dict[str, DataFile | SideFile] = {f"{number:05}": file for number, file in enumerate(found.files)}
    try:
        for name, file in (named | {"blocks": found.blocks, "sketches": found.sketches}).items():
            keys.unwrap(file.key or "", f"{found.version}/{name}")
    except DataError as error:
        raise BadOutputError(f"{MANIFEST}: {clean(error)[:500]}") from None
    if found.statistics or found.sample or any(result.places for result in report.results):
        raise BadOutputError(f"{MANIFEST}: the manifest of a sealed version tells of its values.")


def collect_report(folder: Path, claimed: list[OutputFile], *, sealed: bool = False) -> Report:
    """Check the report on a version that was checked again; of a sealed one it has the counts alone.

    Raises:
        BadOutputError: It is none.
    """
    found = _report(_only(folder, claimed, REPORT), REPORT)
    return without_places(found) if sealed else found


def _report(raw: bytes, name: str) -> Report:
    try:
        found = from_json(raw)
    except DataError as error:
        raise BadOutputError(f"{name}: report: {clean(error)[:500]}") from None
    if found.acknowledged:
        raise BadOutputError(f"{name}: report: nobody has acknowledged anything yet.")
    return found


def _only(folder: Path, claimed: list[OutputFile], name: str) -> bytes:
    if [item.name for item in claimed] != [name]:
        raise BadOutputError(f"This job leaves {name}, and announces nothing else.")
    data, digest, size = _read(folder / name, FILES[name], keep=True)
    if digest != claimed[0].sha256 or size != claimed[0].bytes:
        raise BadOutputError(f"{name} is not the file that the job announced.")
    return data
