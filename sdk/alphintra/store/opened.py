"""A sealed version as an open one: the same rows in the same row groups, for readers that get rows and no keys.

It is written to whoever takes it, part by part, and nowhere else. The same version gives the same bytes each time, so a
reader that began with one copy goes on with the next.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from alphintra.store.columns import arrow_schema
from alphintra.store.finding import find
from alphintra.store.manifest import DataFile, Manifest, SideFile
from alphintra.store.open_file import Rules, rows_writer, write_group, write_side
from alphintra.store.reading import Version, group_tables, side_file
from alphintra.store.sketches import sketches_of


def write_opened(version: Version, put: Callable[[memoryview], object], ended: Callable[[str], None]) -> Manifest:
    """Write each file of a version openly, and last its manifest.

    Args:
        version: The version, with its keys.
        put: Takes the next bytes of a file.
        ended: Told at each file's end its SHA-256, by which the manifest knows it; of the manifest, that as well.

    Returns:
        The manifest of the copy: an open version of the same id, the same content, and the same provenance.

    Raises:
        DataError: ``SEALED`` where a key is missing; ``DAMAGED_FILE``.
    """
    manifest = version.manifest
    files = [_rows(version, number, put, ended) for number in range(len(manifest.files))]
    sketches = sketches_of(version)
    opened = replace(
        manifest,
        files=tuple(files),
        blocks=_side(version, "blocks", put, ended),
        sketches=_side(version, "sketches", put, ended),
        statistics=sketches.statistics(),
        sample=sketches.sample.to_json(),
        sealed=False,
    )
    sink = _Sink(put)
    sink.write(opened.to_json())
    ended(sink.sha256)
    return opened


def _rows(version: Version, number: int, put: Callable[[memoryview], object], ended: Callable[[str], None]) -> DataFile:
    manifest = version.manifest
    whole = find(manifest)
    own = replace(whole, places=np.sort(whole.places[manifest.groups[0][whole.places] == number]))
    schema, sink, symbols = arrow_schema(manifest.columns), _Sink(put), manifest.groups[2]
    with rows_writer(sink, schema, Rules().codec) as writer:
        for place, table in group_tables(version, own):
            write_group(writer, schema, manifest.symbols[int(symbols[place])], table.combine_chunks())
    ended(sink.sha256)
    return replace(manifest.files[number], sha256=sink.sha256, bytes=sink.tell(), key=None)


def _side(version: Version, name: str, put: Callable[[memoryview], object], ended: Callable[[str], None]) -> SideFile:
    sink = _Sink(put)
    with side_file(version, name) as file:
        write_side(sink, name, file.read())
    ended(sink.sha256)
    return SideFile(sink.sha256, sink.tell())


class _Sink(io.RawIOBase):
    """A file that goes on to whoever takes it: it is counted and hashed, and cannot go back."""

    def __init__(self, put: Callable[[memoryview], object]) -> None:
        self._put, self._at, self._hash = put, 0, hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Hash of what was written."""
        return self._hash.hexdigest()

    def writable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._at

    def write(self, data: Any) -> int:
        """Take all of it."""
        view = memoryview(data).cast("B")
        self._hash.update(view)
        self._put(view)
        self._at += len(view)
        return len(view)
