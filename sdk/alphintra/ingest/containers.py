"""What a file is packed in: gzip, zip, zstd, one level deep. A member's name is never a path; every byte is counted."""

from __future__ import annotations

import gzip
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Any, Literal

import pyarrow as pa

from alphintra.errors import DataError
from alphintra.ingest.findings import Findings, shown
from alphintra.ingest.limits import MIB, Limits

Content = Literal["text", "excel", "parquet", "feather", "gzip", "zstd", "zip"]

_MAGIC: tuple[tuple[bytes, Content], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PAR1", "parquet"),
    (b"ARROW1", "feather"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "excel"),
)
_REFUSED = (
    (b"PARE", "a Parquet file with an encrypted footer"),
    (b"FEA1", "a Feather file of the first version"),
    (b"BZh", "packed by bzip2"),
    (b"\xfd7zXZ\x00", "packed by xz"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x89HDF\r\n", "an HDF5 file"),
    (b"Obj\x01", "an Avro file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"DBN", "a Databento file (DBN)"),
    (b"\x04\x22\x4d\x18", "packed by LZ4"),
    (b"ORC", "an ORC file"),
    (b"\x80\x04\x95", "a pickle"),
    (b"\x80\x05\x95", "a pickle"),
)
_PAGES = (b"<!doctype html", b"<html", b"<head", b"<table")
_PACKED = (".gz", ".gzip", ".zst", ".zstd", ".zip")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_PACK_FEWER = "Give it in parts, each in an archive of its own."
_UNPACKING = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError)
_HEAD_BYTES = 4 << 10
_JUNK = ("__macosx/", ".ds_store", "thumbs.db", "desktop.ini")
_DOCUMENTS = (".md", ".pdf", ".html", ".htm", ".ipynb", ".py", ".png", ".jpg", ".checksum", ".license", ".doc", ".docx")


@dataclass(frozen=True)
class Part:
    """One table's bytes, unpacked.

    Attributes:
        name: What errors and findings call it: the file's name, or ``archive.zip/member.csv``.
        stem: The name without folders and suffixes, where a symbol or a date may be.
        path: Where its bytes are.
        content: What they are.
        base: Its file's name without folders, all suffixes kept.
        folder: Where in its archive it is, as of :func:`folder_of`.
    """

    name: str
    stem: str
    path: Path
    content: Content
    base: str = ""
    folder: str = ""


@dataclass(frozen=True)
class Head:
    """How a table of an archive begins.

    Attributes:
        name: As of :class:`Part`.
        inside: What the archive calls it, folders included; only ever compared, never a path.
        start: Its first bytes.
        content: What they are; ``None`` where they cannot be unpacked.
    """

    name: str
    inside: str
    start: bytes
    content: Content | None


def heads_of(source: Path, name: str, limits: Limits) -> list[Head]:
    """Return how the tables of an archive begin, without unpacking more of any; none of what is no archive.

    Raises:
        DataError: It is of a kind that is not read, or a damaged archive.
    """
    if content_of(source, name, limits) != "zip":
        return []
    found = []
    with open_zip(source, name, limits) as archive:
        for entry, inside in _data(archive, name, Findings(0)):
            try:
                with archive.open(entry) as stream:
                    start = stream.read(_HEAD_BYTES)
            except _UNPACKING:  # said when it is read
                start = b""
            kinds: list[Content] = [content for magic, content in _MAGIC if start.startswith(magic)]
            found.append(Head(inside, entry.filename, start, [*kinds, "text"][0] if start else None))
    return found


def parts(
    source: Path, name: str, spool: Path, limits: Limits, findings: Findings, only: str = "", members: str = ""
) -> Iterator[Part]:
    """Yield the tables of a file one after the other; each is gone when the next one is asked for.

    Args:
        source: The file.
        name: What it is called; never used as a path.
        spool: A folder to unpack to.
        limits: How much may come out.
        findings: Takes the members that are left out.
        only: Name of the one table that is wanted; all if left out.
        members: What those tables of an archive are called that are wanted, folders included: ``*`` stands for
            anything, ``?`` for one sign; all if left out.

    Raises:
        DataError: It is empty, damaged, of a kind that is not read, more comes out than is allowed, or no table of an
            archive is called as is wanted.
    """
    content = content_of(source, name, limits)
    if content not in ("gzip", "zstd", "zip"):
        yield Part(name, stem_of(name), source, content, base_of(name))
        return
    spool.mkdir(parents=True, exist_ok=True)
    if content == "zip":
        yield from _members(source, name, spool, limits, findings, only, members)
        return
    target = spool / "unpacked"
    packed = source.stat().st_size
    with source.open("rb") as file:
        _unpack(_stream(file, content), target, packed, limits.unpacked, limits, name)
    try:
        yield _inner(target, name, name, limits)
    finally:
        target.unlink(missing_ok=True)


def content_of(path: Path, name: str, limits: Limits) -> Content:
    """Tell by its first bytes what a file is, whatever it is called.

    Raises:
        DataError: It is empty, or something that is not read.
    """
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        raise DataError("the file is empty", code="EMPTY_FILE", where=name, hint="Save it again with its rows.")
    for magic, kind in _REFUSED:
        if head.startswith(magic):
            raise _unread(f"the file is {kind}", name)
    if head[257:262] == b"ustar":
        raise _unread("the file is a tar archive", name)
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_PAGES):
        # What a site answers instead of a file, and what some brokers call a spreadsheet.
        raise _unread("the file is a web page", name, "Open it in a browser: it may say why; save its table as CSV.")
    for magic, content in _MAGIC:
        if head.startswith(magic):
            return "excel" if content == "zip" and _is_workbook(path, limits) else content
    return "text"


def base_of(name: str) -> str:
    """Return a name without folders, whichever way they are written."""
    return name.replace("\\", "/").rsplit("/", 1)[-1]


def folder_of(inside: str) -> str:
    """Return the folder of an archive's table with the sign that ends it; empty where it is in none."""
    return inside[: len(inside) - len(base_of(inside))]


def stem_of(name: str) -> str:
    """Return a name without folders, packing, suffix, and the market that some write after the symbol (``aapl.us``)."""
    last = base_of(name)
    for suffix in _PACKED:
        if last.lower().endswith(suffix) and len(last) > len(suffix):
            last = last[: -len(suffix)]
            break
    stem = last.rsplit(".", 1)[0] if "." in last[1:] else last
    return stem.removesuffix(".us").removesuffix(".US")


def open_zip(path: Path, name: str, limits: Limits) -> zipfile.ZipFile:
    """Open an archive, once its directory is known to be short: all of it is held in memory.

    Raises:
        DataError: Its directory is damaged, or has too many entries.
    """
    if _directory_bytes(path) > limits.members << 10:
        message = f"the archive's directory is longer than {limits.members:,} entries need"
        raise DataError(message, code="TOO_LARGE", where=name, hint=_PACK_FEWER)
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise _damaged("zip archive", name) from error
    entries = archive.infolist()
    strange = next((own for own in entries if own.compress_type not in _METHODS), None)
    if len(entries) <= limits.members and strange is None:
        return archive
    archive.close()
    if strange is not None:
        # LZMA allocates what the file asks for.
        raise _unread("the member is packed by a method other than deflate", f"{name}/{shown(strange.filename, 80)}")
    message = f"the archive has {len(entries):,} entries, more than {limits.members:,}"
    raise DataError(message, code="TOO_LARGE", where=name, hint=_PACK_FEWER)


def _directory_bytes(path: Path) -> int:
    """Return what an archive says of its directory's length; 0 if it says nothing."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - (66 << 10)))
        tail = file.read()
        end = tail.rfind(b"PK\x05\x06")
        if end < 0 or end + 16 > len(tail):
            return 0
        (length,) = struct.unpack_from("<I", tail, end + 12)
        if length < 0xFFFFFFFF or end < 20 or tail[end - 20 : end - 16] != b"PK\x06\x07":
            return int(length)
        file.seek(min(struct.unpack_from("<Q", tail, end - 12)[0], size))
        record = file.read(48)
        return int(struct.unpack_from("<Q", record, 40)[0]) if len(record) == 48 else 0


def _is_workbook(path: Path, limits: Limits) -> bool:
    try:
        with open_zip(path, "", limits) as archive:
            names = {entry.filename.lower() for entry in archive.infolist()}
    except DataError:
        return False
    return "[content_types].xml" in names or {"content.xml", "mimetype"} <= names


def _members(
    source: Path, name: str, spool: Path, limits: Limits, findings: Findings, only: str, members: str
) -> Iterator[Part]:
    packed = source.stat().st_size
    # Entries may share their bytes: what comes out of all is bounded by the archive as well.
    left = min(limits.unpacked, MIB + packed * limits.ratio)
    with open_zip(source, name, limits) as archive:
        entries = _data(archive, name, findings)
        if not entries:
            hint = "Put tables into it: CSV, JSON, Parquet or Feather."
            raise DataError("the archive holds no data", code="EMPTY_FILE", where=name, hint=hint)
        if members:
            called = [shown(entry.filename, 80) for entry, _ in entries]
            entries = [own for own in entries if fnmatchcase(own[0].filename, members)]
            if not entries:
                raise DataError(
                    f"no table of the archive is called {shown(members, 80)}", code="MAPPING_MISMATCH", where=name,
                    hint="It has " + ", ".join(called[:10]) + (", …" if len(called) > 10 else "") + ".",
                )  # fmt: skip
        for entry, inside in entries:
            if only not in ("", inside):
                continue
            if entry.flag_bits & 1:
                raise _unread("the archive is encrypted", inside)
            target = spool / "member"
            size = min(max(entry.compress_size, 1), packed)
            try:
                with archive.open(entry) as stream:
                    left -= _unpack(stream, target, size, left, limits, inside)
                yield _inner(target, inside, entry.filename, limits, folder_of(entry.filename))
            except _UNPACKING as error:
                raise _damaged("zip archive", inside) from error
            finally:
                target.unlink(missing_ok=True)


def _data(archive: zipfile.ZipFile, name: str, findings: Findings) -> list[tuple[zipfile.ZipInfo, str]]:
    """Return the entries that may be tables, each with its name, in the order of their names."""
    found = []
    for entry in sorted(archive.infolist(), key=lambda own: own.filename):
        inside = f"{name}/{shown(entry.filename, 120)}"
        if entry.is_dir() or any(junk in entry.filename.lower() for junk in _JUNK):
            continue
        if entry.filename.lower().endswith(_DOCUMENTS):
            findings.add("MEMBER_SKIPPED", "the member is a document, not data", inside)
        elif not entry.file_size:
            findings.add("MEMBER_SKIPPED", "the member is empty", inside)
        else:
            found.append((entry, inside))
    return found


def _inner(path: Path, name: str, inside: str, limits: Limits, folder: str = "") -> Part:
    content = content_of(path, name, limits)
    if content in ("gzip", "zstd", "zip"):
        raise _unread("the file is packed twice", name)
    return Part(name, stem_of(inside), path, content, base_of(inside), folder)


def _stream(file: IO[bytes], content: Content) -> Any:
    """Return a stream of what comes out; a file that asks for a window beyond 128 MiB is refused."""
    return gzip.GzipFile(fileobj=file, mode="rb") if content == "gzip" else pa.CompressedInputStream(file, "zstd")


def _unpack(stream: Any, target: Path, packed: int, allowed: int, limits: Limits, name: str) -> int:
    """Write a stream to a file and return its bytes."""
    written = 0
    with target.open("wb") as out:
        while True:
            try:
                chunk = stream.read(MIB)
            except (EOFError, OSError, zlib.error) as error:
                if isinstance(error, EOFError) or "Truncated" in str(error):
                    message = "the packed file is cut off: its end is missing"
                    hint = "Upload it again; where it is as short on your disk, get it anew."
                    raise DataError(message, code="TRUNCATED_FILE", where=name, hint=hint) from error
                raise _damaged("packed file", name) from error
            if not chunk:
                return written
            written += out.write(chunk)
            if written > MIB + packed * limits.ratio:
                raise DataError(
                    f"more than {limits.ratio} bytes come out for each one of the packed file",
                    code="TOO_LARGE",
                    where=name,
                    hint="Give the file unpacked.",
                )
            if written > allowed:
                raise DataError("more bytes come out than are allowed", code="TOO_LARGE", where=name, hint=_PACK_FEWER)


def _damaged(what: str, name: str) -> DataError:
    return DataError(f"the {what} is damaged", code="DAMAGED_FILE", where=name, hint="Upload it again.")


def _unread(
    message: str, name: str, hint: str = "CSV, JSON, Excel, Parquet and Feather are read, also in gzip, zip and zstd."
) -> DataError:
    return DataError(message, code="UNKNOWN_FILE_TYPE", where=name, hint=hint)
