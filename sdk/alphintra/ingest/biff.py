"""Old Excel files (BIFF in a compound file): how many cells their sheets span, without making any of them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from alphintra.errors import DataError

_END = 0xFFFFFFFA  # this and above are no sectors
_BEGIN_OF_FILE, _END_OF_FILE = 0x0809, 0x000A
_CELLS = {0x0006, 0x0201, 0x0203, 0x0204, 0x0205, 0x00FD, 0x027E, 0x00D6}
_RUNS = {0x00BD, 0x00BE}
_MOST_BYTES = 64 << 20
_ENCRYPTED = "EncryptedPackage"


def measure(path: Path, name: str) -> int:
    """Return the cells of the rectangles that the used cells of all sheets span.

    Raises:
        DataError: The file is damaged or longer than 64 MiB.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise DataError("an old Excel file may have 64 MiB", code="TOO_LARGE", where=name, hint="Save it as xlsx.")
    try:
        return _spanned(_workbook(path.read_bytes()))
    except (struct.error, IndexError, ValueError) as error:
        message = "the workbook is encrypted" if str(error) == _ENCRYPTED else "the workbook is damaged"
        hint = "Save it as xlsx, without a password."
        raise DataError(message, code="DAMAGED_FILE", where=name, hint=hint) from error


def _spanned(stream: bytes) -> int:
    total = place = 0
    low_row = low_column = 1 << 16
    high_row = high_column = -1
    while place + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, place)
        body = place + 4
        place = body + length
        if kind in _CELLS or kind in _RUNS:
            row, first = struct.unpack_from("<HH", stream, body)
            last = struct.unpack_from("<H", stream, place - 2)[0] if kind in _RUNS else first
            low_row, high_row = min(low_row, row), max(high_row, row)
            low_column, high_column = min(low_column, first), max(high_column, last)
        elif kind in (_BEGIN_OF_FILE, _END_OF_FILE):
            if high_row >= 0:
                total += (high_row - low_row + 1) * (high_column - low_column + 1)
            low_row = low_column = 1 << 16
            high_row = high_column = -1
    return total


def _workbook(raw: bytes) -> bytes:
    """Return the stream of a compound file that holds the workbook."""
    size = 1 << struct.unpack_from("<H", raw, 30)[0]
    if size not in (512, 4096):
        raise ValueError("sectors of an unknown size")
    tables, directory, _, small, mini_start, _, more, _ = struct.unpack_from("<8I", raw, 44)

    def sector(number: int) -> bytes:
        start = (number + 1) * size
        if start >= len(raw):
            raise ValueError("a sector beyond the end")
        return raw[start : start + size]

    places = list(struct.unpack_from("<109I", raw, 76))
    seen = 0
    while more < _END:
        numbers = struct.unpack(f"<{size // 4}I", sector(more))
        places += numbers[:-1]
        more, seen = numbers[-1], seen + 1
        if seen > len(raw) // size:
            raise ValueError("a chain without an end")
    table: list[int] = []
    for number in places[:tables]:
        if number < _END:
            table += struct.unpack(f"<{size // 4}I", sector(number).ljust(size, b"\xff"))

    def chain(number: int, links: list[int]) -> Iterator[int]:
        for _ in range(len(links) + 1):
            if number >= _END:
                return
            yield number
            number = links[number]
        raise ValueError("a chain without an end")

    entries = b"".join(sector(number) for number in chain(directory, table))
    root = entries[:128]
    for place in range(0, len(entries) - 127, 128):
        entry = entries[place : place + 128]
        (length,) = struct.unpack_from("<H", entry, 64)
        called = entry[: max(length - 2, 0)].decode("utf-16-le")
        if called == _ENCRYPTED:
            raise ValueError(_ENCRYPTED)
        if called not in ("Workbook", "Book"):
            continue
        start, bytes_used = struct.unpack_from("<II", entry, 116)
        if bytes_used >= small:
            return b"".join(sector(number) for number in chain(start, table))[:bytes_used]
        minis = b"".join(sector(number) for number in chain(mini_start, table))
        links = list(struct.unpack(f"<{len(minis) // 4}I", minis))
        body = b"".join(sector(number) for number in chain(struct.unpack_from("<I", root, 116)[0], table))
        return b"".join(body[number * 64 : number * 64 + 64] for number in chain(start, links))[:bytes_used]
    raise ValueError("no workbook")
