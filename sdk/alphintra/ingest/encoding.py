"""Which encoding a text is in, whether all of it is, and where its lines are."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from alphintra.errors import DataError
from alphintra.ingest.findings import Findings
from alphintra.ingest.limits import MIB, Limits
from alphintra.ingest.zones import I64

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BLANK = re.compile(rb"\n(?=\r?\n)")
_REPLACEMENT = "�".encode()
_BLANKS = 1_000_000
#: What most programs write where they do not write UTF-8.
_USUAL = ("cp1252", "latin_1")
#: Encodings to choose from: more are no help to anybody.
_OFFERED = 6
#: What no text holds: a byte that was not read, or a control character.
_BROKEN = re.compile("[\ufffd\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
#: Encodings in which tables are written whose columns have names beyond ASCII, also where nothing else points to them.
_OF_COLUMNS = ("gb18030", "cp949", "cp932", "cp1251", "cp1250")
_WORDS = re.compile(r"[\r\n\t,;|\"]+")
#: What a word ends at.
_SIGNS = [bytes([sign]) for sign in b"\r\n\t ,;|\"'"]


@dataclass(frozen=True)
class Encoding:
    """A proposal.

    Attributes:
        name: Python's name of the encoding.
        sure: Whether it is no guess.
        reason: Why.
        others: What else it could be: each reads the file otherwise than those before it.
        reads: How the first word with a letter beyond ASCII reads in each of them, the proposed one first.
    """

    name: str
    sure: bool
    reason: str
    others: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Scan:
    """What one pass over a text in UTF-8 found.

    Attributes:
        mixed: Whether lines end in different ways.
        ended: Whether the last line ends.
        lines: How many lines there are.
        blanks: Bytes at which blank lines begin, without those at the very beginning.
    """

    mixed: bool
    ended: bool
    lines: int
    blanks: I64


def propose(path: Path) -> Encoding:
    """Propose an encoding: its mark, else UTF-8 if all of the file is, else what the bytes resemble.

    The last is a guess that only the user can confirm: cp1252 and cp1250 differ in a few letters.
    """
    with path.open("rb") as file:
        head = file.read(64 << 10)
        for mark, name in _BOMS:
            if head.startswith(mark):
                return Encoding(name, True, "the file begins with its mark")
        zeros = [head[place : 4096 : 2].count(0) * 2 > len(head[:4096]) * 0.8 for place in (0, 1)]
        if any(zeros) and len(head) >= 2:
            return Encoding("utf-16-be" if zeros[0] else "utf-16-le", False, "every second byte is zero")
        file.seek(0)
        bad = _first_bad(file)
        if bad is None:
            return Encoding("utf-8", True, "all of the file is UTF-8")
        start = max(0, bad - (8 << 10))
        file.seek(start)
        around = file.read(16 << 10)
    return _resembles(around, bad, bad - start)


def _first_bad(file: BinaryIO) -> int | None:
    """Return the place of the first byte that is no UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    place = 0
    while True:
        chunk = file.read(4 * MIB)
        if chunk.isascii() and not decoder.getstate()[0]:
            place += len(chunk)
        else:
            kept = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return place - kept + error.start
            place += len(chunk)
        if not chunk:
            return None


def _resembles(around: bytes, bad: int, place: int) -> Encoding:
    """Propose what bytes resemble; ``bad`` is the first of the file that is no UTF-8, ``place`` where it is in them."""
    from charset_normalizer import from_bytes

    best, *others = [match.encoding for match in from_bytes(around, threshold=0.4)] or _USUAL
    # Many read the same bytes alike: the usual one stands for all of those, and is never crowded out by rare ones.
    reading: dict[str, str] = {}
    for name in (best, *_USUAL, *others):
        text = around.decode(name, "replace")
        if name == best or not _BROKEN.search(text):
            if text in reading and reading[text] == best and name in _USUAL:
                reading[text] = name
            reading.setdefault(text, name)
    names = _by_words(around, tuple(reading.values()))[:_OFFERED]
    word = _word(around, place)
    return Encoding(
        names[0],
        False,
        f"byte {bad + 1} is not UTF-8; the bytes around it resemble {names[0]}",
        names[1:],
        tuple(word.decode(name, "replace") for name in names),
    )


def _by_words(around: bytes, names: tuple[str, ...]) -> tuple[str, ...]:
    """Put that encoding first in which most words are names of columns that are known: 开盘, Eröffnung."""
    from alphintra.ingest import habits

    known = {name for own in habits.NAMES.values() for name in own if not name.isascii()}
    counts = {
        name: sum(habits.folded(word) in known for word in _WORDS.split(around.decode(name, "replace")))
        for name in (*names, *(own for own in _OF_COLUMNS if own not in names))
    }
    best = max(counts, key=lambda name: counts[name])
    return (best, *(name for name in names if name != best)) if counts[best] > counts[names[0]] else names


def _word(around: bytes, place: int) -> bytes:
    """Return the word around a byte, at most 24 bytes of it."""
    begin = max((around.rfind(sign, 0, place) for sign in _SIGNS), default=-1) + 1
    ends = [end for sign in _SIGNS if (end := around.find(sign, place)) >= 0]
    return around[max(begin, place - 12) : min([*ends, place + 12])]


def transcode(source: Path, target: Path, encoding: str, limits: Limits, name: str) -> None:
    """Write a text as UTF-8 with lines that end in a line feed.

    Raises:
        DataError: A byte is not in the encoding, or there is no such encoding.
    """
    try:
        bytes(4).decode(encoding, "replace")  # refuses what is no encoding of text, such as base64
        decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    except (LookupError, ValueError) as error:
        raise DataError(f"there is no encoding '{encoding}'", code="BAD_MAPPING", where=name) from error
    lines = written = 0
    held = ""
    with source.open("rb") as file, target.open("wb") as out:
        while True:
            chunk = file.read(MIB)
            try:
                text = held + decoder.decode(chunk, final=not chunk)
            except (UnicodeError, ValueError) as error:
                raise _undecodable(encoding, lines + 1, name) from error
            held = ""
            if chunk and text.endswith("\r"):
                text, held = text[:-1], "\r"
            text = text.replace("\r\n", "\n").replace("\r", "\n")
            lines += text.count("\n")
            written += out.write(text.encode("utf-8", "surrogatepass"))
            if written > limits.unpacked:
                raise DataError("the text is too long", code="TOO_LARGE", where=name)
            if not chunk:
                return


def scan(path: Path, limits: Limits, name: str, findings: Findings) -> Scan:
    """Read a file once as strict UTF-8.

    Raises:
        DataError: A byte is not UTF-8 or zero, or a line is too long; names the line.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    blanks: list[int] = []
    start = replaced = run = feeds = 0
    returns, last = False, b""
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(MIB), b""):
            if not chunk.isascii() or decoder.getstate()[0]:
                kept = len(decoder.getstate()[0])
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError as error:
                    raise _undecodable("UTF-8", _line_at(path, start - kept + error.start), name) from error
                if not replaced and _REPLACEMENT in chunk:
                    replaced = _line_at(path, start + chunk.index(_REPLACEMENT))
            if b"\0" in chunk:
                raise DataError(
                    "the text holds NUL bytes",
                    code="ENCODING",
                    where=f"{name}, line {_line_at(path, start + chunk.index(0))}",
                    hint="The file is damaged, or in another encoding.",
                )
            run = _longest(chunk, run, limits, path, start, name)
            returns = returns or b"\r" in chunk
            ends = np.frombuffer(chunk, np.uint8) == 10
            feeds += int(np.count_nonzero(ends))
            if _has_blank(last + chunk[:2], chunk, ends, b"\r" in chunk):
                blanks += [start - len(last) + own.end() for own in _BLANK.finditer(last + chunk)]
                if len(blanks) > _BLANKS:
                    raise DataError("there are more than a million blank lines", code="ROW_SHAPE", where=name)
            last = chunk[-2:] if chunk.endswith(b"\n\r") else chunk[-1:]
            start += len(chunk)
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise _undecodable("UTF-8", _line_at(path, start), name) from error
    if replaced:
        message = "the text holds replacement characters: letters were lost before"
        findings.add("ENCODING", message, name, "warning", line=replaced)
    ended = last[-1:] in (b"\n", b"\r", b"")
    return Scan(returns and _mixed(path), ended, feeds + (not ended), np.array(blanks, dtype=np.int64))


def _has_blank(edge: bytes, chunk: bytes, ends: npt.NDArray[np.bool_], returns: bool) -> bool:
    """Tell whether a line end follows on another, in a chunk or at its edge; faster than looking for both signs."""
    if b"\n\n" in edge or b"\n\r\n" in edge or bool((ends[1:] & ends[:-1]).any()):
        return True
    return returns and b"\n\r\n" in chunk


def _longest(chunk: bytes, run: int, limits: Limits, path: Path, start: int, name: str) -> int:
    """Return the bytes since the last line feed; refuse a line that is too long."""
    step = max(limits.line // 2, 1)
    # A line that is too long holds a whole step without a line feed: only then are the lines measured.
    suspects = any(chunk.find(b"\n", place, place + step) < 0 for place in range(0, len(chunk), step))
    if suspects or run + max(chunk.find(b"\n"), 0) > limits.line:
        begin = 0
        for piece in chunk.split(b"\n")[:-1]:
            if run + len(piece) > limits.line:
                _too_long(path, start + begin, limits, name)
            begin += len(piece) + 1
            run = 0
    tail = len(chunk) - (chunk.rfind(b"\n") + 1)
    run = tail if b"\n" in chunk else run + tail
    if run > limits.line:
        _too_long(path, start + len(chunk) - tail, limits, name)
    return run


def _too_long(path: Path, place: int, limits: Limits, name: str) -> None:
    raise DataError(
        f"the line is longer than {limits.line:,} bytes",
        code="CELL_LIMIT",
        where=f"{name}, line {_line_at(path, place)}",
        hint="Each row needs a line of its own; check for a quote that is not closed.",
    )


def _mixed(path: Path) -> bool:
    """Tell whether carriage returns and line feeds do not always come together."""
    last = b""
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(MIB), b""):
            whole = last + chunk
            last = b"\r" if whole.endswith(b"\r") else b""
            whole = whole[:-1] if last else whole
            pairs = whole.count(b"\r\n")
            if pairs != whole.count(b"\n") or pairs != whole.count(b"\r"):
                return True
    return bool(last)


def _undecodable(encoding: str, line: int, name: str) -> DataError:
    return DataError(
        f"the text is not {encoding}",
        code="ENCODING",
        where=f"{name}, line {line}",
        hint="Choose the encoding that it was written in, or save it as UTF-8.",
    )


def _line_at(path: Path, place: int) -> int:
    return next(lines_at(path, [place]))


def lines_at(path: Path, places: list[int]) -> Iterator[int]:
    """Yield the line, from 1, of each byte of a file; the bytes rise."""
    line, passed = 1, 0
    with path.open("rb") as file:
        for place in places:
            while passed < place:
                chunk = file.read(min(MIB, place - passed))
                if not chunk:
                    break
                line += chunk.count(b"\n")
                passed += len(chunk)
            yield line
