"""The process that reads one version of a dataset inside the sandbox, for charts and downloads.

Started as ``python -P -m alphintra_kernel.dataset_reader READ_FD WRITE_FD [SHIPPED]``: the version lies in
``in/version`` below the folder that ``ALPHINTRA_JOB_ROOT`` names, or is the dataset that ships under a name. It says
``ready``, answers one request after another, and ends with its connection. What a message counts as ``bytes`` comes
behind its line. Of a sealed version it gets the key first, as a message: whoever else is in a sandbox never does.

It loads pyarrow and NumPy, and nothing else: it has to be there while somebody waits for a picture.
"""

from __future__ import annotations

import io
import os
import sys
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from alphintra.errors import AlphintraError, DataError
from alphintra.store.candles import CandleSeries, StoredSeries
from alphintra.store.checked_json import canonical
from alphintra.store.exporting import FORMATS, Rows, count, rows_of, write
from alphintra.store.opened import write_opened
from alphintra.store.opening import open_folder
from alphintra.store.reading import Version
from alphintra.store.sealed import Seal, VersionKeys
from alphintra.store.sketches import sketches_of, statistics_of_symbol

from alphintra_kernel.protocol import Channel, shorten

ROOT_VARIABLE = "ALPHINTRA_JOB_ROOT"
FOLDER = "version"
"""Below ``in``."""
PART = 256 << 10
"""Bytes of a file that follow one line."""
_KEPT = 192 << 20
"""Bytes of candles that are kept of all symbols."""
_TEXT = 2_000


def main(argv: list[str] | None = None) -> int:
    """Answer over the two descriptors given until the other side leaves."""
    arguments = sys.argv[1:] if argv is None else argv
    if len(arguments) not in (2, 3) or not all(argument.isdigit() for argument in arguments[:2]):
        sys.stderr.write("usage: python -P -m alphintra_kernel.dataset_reader READ_FD WRITE_FD [SHIPPED]\n")
        return 2
    read_fd, write_fd = map(int, arguments[:2])
    root = Path(os.environ.get(ROOT_VARIABLE, "/job"))
    with os.fdopen(read_fd, "rb") as reader, os.fdopen(write_fd, "wb", buffering=0) as writer:
        channel = Channel(reader, writer)
        shipped = arguments[2] if len(arguments) == 3 else None
        try:
            opened = Opened(root / "in" / FOLDER, shipped, channel)
        except AlphintraError as error:
            channel.send(_said(error))
            return 1
        channel.send({"type": "ready"})
        while (request := channel.receive()) is not None:
            try:
                opened.answer(request, channel, writer)
            except AlphintraError as error:
                channel.send(_said(error))
    return 0


class Opened:
    """A dataset that is read.

    Args:
        folder: Holds the manifest and the files of a version.
        shipped: Name of a dataset that ships, instead.
        channel: Where the key of a sealed version comes from; ``None`` where there is none.
    """

    def __init__(self, folder: Path, shipped: str | None, channel: Channel | None) -> None:
        self._version: Version | None = None if shipped is not None else _opened(folder, channel)
        self._shipped = shipped
        self._series: OrderedDict[tuple[str, str | None], StoredSeries] = OrderedDict()

    def answer(self, request: dict[str, Any], channel: Channel, out: IO[bytes]) -> None:
        """Answer one request.

        Raises:
            AlphintraError: What is asked for is not there, or cannot be read.
        """
        if request["type"] == "candles":
            self._draw(request, channel, out)
            return
        if request["type"] == "statistics":
            assert self._version is not None
            _send(statistics_of_symbol(self._version, request["symbol"]), channel, out)
            channel.send({"type": "end"})
            return
        if request["type"] in ("sketches", "open"):
            assert self._version is not None
            _SEALED[request["type"]](self._version, channel, out)
            channel.send({"type": "end"})
            return
        rows, kind = self._rows(request), FORMATS[request["format"]]
        counted = count(rows, kind)
        channel.send({"type": "counted", "rows": counted.rows})
        if request["type"] == "export":
            with io.BufferedWriter(_Parts(channel, out), PART) as parts:
                write(rows, kind, parts, counted, escape=request["escape"])
            channel.send({"type": "end"})

    def _draw(self, request: dict[str, Any], channel: Channel, out: IO[bytes]) -> None:
        assert self._version is not None
        series = self._series_of(self._version, request["symbol"], request["column"])
        begin, stop = request["first_row"], request["stop_row"]
        if begin is None or stop is None:
            begin, stop = series.span(request["start"], request["end"])
        found = series.rows(begin, stop, request["points"])
        raw = b"".join(column.tobytes() for column in found.arrays())
        channel.send(
            {
                "type": "candles",
                "points": len(found.time),
                "rows_each": found.rows_each,
                "first_row": found.first_row,
                "rows": found.rows_of_all,
                "days": self._version.manifest.time.type == "date32",
                "bars": series.bars,
                "volume": found.volume is not None,
                "bytes": len(raw),
            }
        )
        _write_all(out, raw)

    def _series_of(self, version: Version, symbol: str, column: str | None) -> StoredSeries:
        found = self._series.get((symbol, column))
        if found is None:
            found = self._series[symbol, column] = StoredSeries(version, symbol, column)
        self._series.move_to_end((symbol, column))
        while len(self._series) > 1 and _kept(self._series.values()) > _KEPT:
            self._series.popitem(last=False)
        return found

    def _rows(self, request: dict[str, Any]) -> Rows:
        which = (request["symbols"], request["columns"], request["start"], request["end"])
        if self._version is not None:
            return rows_of(self._version, *which)
        from alphintra.data.downloading import shipped_rows

        assert self._shipped is not None
        return shipped_rows(self._shipped, *which)


class _Parts(io.RawIOBase):
    """A file that goes out in parts, each behind a line that counts it."""

    def __init__(self, channel: Channel, out: IO[bytes]) -> None:
        self._channel, self._out = channel, out

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any) -> int:
        """Send at most a part."""
        part = memoryview(data).cast("B")[:PART]
        self._channel.send({"type": "part", "bytes": len(part)})
        _write_all(self._out, part)
        return len(part)


def _opened(folder: Path, channel: Channel | None) -> Version:
    version = open_folder(folder)
    if not version.manifest.sealed:
        return version
    told = None if channel is None else channel.receive()
    if told is None or told["type"] != "key":
        raise DataError("the version is sealed, and there came no key", code="SEALED")
    return Version(version.manifest, version.files, Seal(VersionKeys.from_json(told), version.manifest.version))


def _tell(version: Version, channel: Channel, out: IO[bytes]) -> None:
    """Send what the manifest of an open version has of its values, as JSON."""
    found = sketches_of(version)
    _send({"statistics": found.statistics(), "sample": found.sample.to_json()}, channel, out)


def _send(told: dict[str, Any], channel: Channel, out: IO[bytes]) -> None:
    """Send JSON, in parts."""
    with io.BufferedWriter(_Parts(channel, out), PART) as parts:
        parts.write(canonical(told))


def _open(version: Version, channel: Channel, out: IO[bytes]) -> None:
    """Send the files of an open copy, each with its hash behind it; the manifest is the last."""
    parts = io.BufferedWriter(_Parts(channel, out), PART)

    def ended(sha256: str) -> None:
        parts.flush()
        channel.send({"type": "file", "sha256": sha256})

    write_opened(version, parts.write, ended)


_SEALED = {"sketches": _tell, "open": _open}


def _kept(series: Iterable[CandleSeries]) -> int:
    return sum(own.kept for own in series)


def _write_all(out: IO[bytes], data: bytes | memoryview) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[out.write(rest) :]


def _said(error: AlphintraError) -> dict[str, Any]:
    texts = {name: getattr(error, name, None) for name in ("message", "code", "where", "hint")}
    return {"type": "error", **{name: shorten(str(text), _TEXT) if text else "" for name, text in texts.items()}}


if __name__ == "__main__":
    sys.exit(main())
