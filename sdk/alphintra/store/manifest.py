"""A dataset version's manifest: which files hold it, and everything that is known of it without reading them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra.errors import DataError
from alphintra.store.checked_json import Part, canonical, check_free, checked_text, parse, refuse
from alphintra.store.columns import Column, check_columns, time_column
from alphintra.store.layout import check_id, check_sha256

FORMAT = "alphintra-dataset/2"
MOST_BYTES = 16 << 20
"""Bytes of the largest manifest."""
MOST_SYMBOLS = 100_000
MOST_FILES = 100_000
MOST_GROUPS = 512
"""Row groups of one file: more of them make it slow to open."""
GROUP_ROWS = 131_072
MOST_SYMBOL = 128
_FREE_ITEMS = 500_000
_FILE_KEYS = ("sha256", "bytes", "symbol", "rows", "first", "last", "key")
_PRINTABLE = "no printable text without spaces at its ends"
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class About:
    """What is stated of the values; ``None`` where nobody said it.

    Attributes:
        asset_class: ``STOCKS``, ``CRYPTO``, ``FOREX``, …
        timeframe: ``1d``, ``1min``, …; ``None`` for ticks and features.
        time_zone: Zone that the source wrote its times in; they are stored in UTC.
        label: ``open`` or ``close``: which end of its bar a time is.
        calendar: ``XNYS``, ``24/7``, ``weekdays``, …
        calendar_version: Package and version that the calendar came from.
        currency: What prices are in, three letters.
        adjustment: ``raw``, ``adjusted`` or ``unknown``.
        simulated: True where nobody ever traded at these prices.
    """

    asset_class: str | None = None
    timeframe: str | None = None
    time_zone: str | None = None
    label: str = "open"
    calendar: str | None = None
    calendar_version: str | None = None
    currency: str | None = None
    adjustment: str = "unknown"
    simulated: bool = False


@dataclass(frozen=True)
class Provenance:
    """Where a version came from; each entry is JSON.

    Attributes:
        parents: Ids of the versions it was made of.
        sources: A mapping a source file: ``name``, ``bytes``, ``sha256``, the mapping of its columns.
        recipe: Steps by which it was made, or ``None``.
        report: The report of its validation, or ``None``.
        tools: Package → version of what made it.
    """

    parents: tuple[str, ...] = ()
    sources: tuple[Mapping[str, Any], ...] = ()
    recipe: Any = None
    report: Any = None
    tools: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class DataFile:
    """One file of rows, and its row groups: of each the symbol, the rows, the first and the last time.

    Attributes:
        sha256: Hash of its bytes, and its name.
        bytes: Its size.
        symbol: Position of each group's symbol in the manifest's list.
        rows: Rows of each group.
        first: Time of each group's first row: microseconds, or days where times are dates.
        last: Time of its last row.
        key: What the key service needs to give out the key of a sealed file, else ``None``.
    """

    sha256: str
    bytes: int
    symbol: I64
    rows: I64
    first: I64
    last: I64
    key: str | None = None


@dataclass(frozen=True)
class SideFile:
    """A file beside the rows.

    Attributes:
        sha256: Hash of its bytes, and its name.
        bytes: Its size.
        key: As of a :class:`DataFile`.
    """

    sha256: str
    bytes: int
    key: str | None = None


@dataclass(frozen=True, eq=False)
class Manifest:
    """One version of a dataset.

    Attributes:
        version: Its id.
        content_hash: ``sha256:…`` over its values, whatever files hold them.
        columns: Its columns, the symbol left out.
        symbols: Its symbols in byte order.
        files: Its files; the groups of one symbol follow each other in time.
        blocks: The block hashes, for comparison: a Parquet file with one column of digests, by symbol,
            column and block.
        sketches: What statistics and sample were counted from, so that rows can be added without reading those before.
        about: What is stated of the values.
        provenance: Where they came from.
        statistics: By column, one pass over it; empty in a sealed version.
        sample: ``columns`` and ``rows`` of at most 1,000 rows; empty in a sealed version.
        sealed: True where files are encrypted.
        written: When, RFC 3339 in UTC.
    """

    version: str
    content_hash: str
    columns: tuple[Column, ...]
    symbols: tuple[str, ...]
    files: tuple[DataFile, ...]
    blocks: SideFile
    sketches: SideFile
    about: About
    provenance: Provenance
    statistics: Mapping[str, Any]
    sample: Mapping[str, Any]
    sealed: bool
    written: str

    @cached_property
    def groups(self) -> tuple[I64, I64, I64, I64, I64, I64]:
        """All row groups: file, group in the file, symbol, rows, first and last time."""
        counts = [len(file.rows) for file in self.files]
        return (
            np.repeat(np.arange(len(counts)), counts),
            np.concatenate([np.arange(count) for count in counts]),
            *(np.concatenate([getattr(f, name) for f in self.files]) for name in ("symbol", "rows", "first", "last")),
        )  # type: ignore[return-value]

    @cached_property
    def symbol_rows(self) -> I64:
        """Rows of each symbol."""
        _, _, symbol, rows, _, _ = self.groups
        out = np.zeros(len(self.symbols), dtype=np.int64)
        np.add.at(out, symbol, rows)
        return out

    @property
    def rows(self) -> int:
        """Rows of all symbols."""
        return int(self.symbol_rows.sum())

    @property
    def time(self) -> Column:
        """The column that rows of a symbol are sorted by."""
        return time_column(self.columns)

    @property
    def hashes(self) -> frozenset[str]:
        """SHA-256 of every file that this version needs."""
        return frozenset([*(file.sha256 for file in self.files), *(file.sha256 for file in self.sides)])

    @property
    def sides(self) -> tuple[SideFile, ...]:
        """The files beside the rows."""
        return (self.blocks, self.sketches)

    def to_json(self) -> bytes:
        """Return it as canonical JSON."""
        raw = canonical(
            {
                "format": FORMAT,
                "version": self.version,
                "content_hash": self.content_hash,
                "columns": [vars(column) for column in self.columns],
                "symbols": list(self.symbols),
                "files": [
                    {name: v.tolist() if isinstance(v, np.ndarray) else v for name, v in vars(file).items()}
                    for file in self.files
                ],
                "blocks": vars(self.blocks),
                "sketches": vars(self.sketches),
                "about": vars(self.about),
                "provenance": vars(self.provenance),
                "statistics": self.statistics,
                "sample": self.sample,
                "sealed": self.sealed,
                "written": self.written,
            }
        )
        if len(raw) > MOST_BYTES:
            raise DataError(
                f"the manifest would take {len(raw):,} bytes, and at most {MOST_BYTES:,} are written",
                code="TOO_LARGE",
                hint="Cut the dataset into several, by symbols or by columns.",
            )
        return raw


def from_json(raw: bytes) -> Manifest:
    """Read a manifest that nobody has checked yet.

    Raises:
        DataError: ``BAD_MANIFEST``, with the entry that cannot be.
    """
    value = parse(raw, MOST_BYTES, "manifest")
    keys = ("format", "version", "content_hash", "columns", "symbols", "files", "blocks", "sketches", "about",
            "provenance", "statistics", "sample", "sealed", "written")  # fmt: skip
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        refuse(f"no manifest of {FORMAT}", "manifest")
    top = Part(value, "manifest", keys)
    columns = _columns(top)
    symbols = tuple(
        checked_text(item, f"{top.at('symbols')}[{i}]", MOST_SYMBOL)
        for i, item in enumerate(top.items("symbols", 1, MOST_SYMBOLS))
    )
    if any(left >= right for left, right in pairwise(symbols)):
        refuse("not sorted, or one stands twice", top.at("symbols"))
    sealed = top.yes("sealed")
    files = tuple(
        _data_file(Part(item, f"{top.at('files')}[{i}]", _FILE_KEYS), len(symbols), sealed)
        for i, item in enumerate(top.items("files", 1, MOST_FILES))
    )
    found = Manifest(
        version=_id(top.text("version", 64)),
        content_hash=top.text("content_hash", 71, "sha256:[0-9a-f]{64}"),
        columns=columns,
        symbols=symbols,
        files=files,
        blocks=_side_file(top, "blocks", sealed),
        sketches=_side_file(top, "sketches", sealed),
        about=_about(top.part("about", tuple(vars(About())))),
        provenance=_provenance(top.part("provenance", tuple(vars(Provenance())))),
        statistics=_statistics(top),
        sample=_sample(top),
        sealed=sealed,
        written=top.text("written", 20, r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
    )
    _check_groups(found)
    return found


def check_symbol(symbol: str) -> str:
    """Return a symbol that can be stored.

    Raises:
        DataError: It is empty, longer than 128 characters, or not printable.
    """
    if not symbol or len(symbol) > MOST_SYMBOL or not symbol.isprintable() or symbol != symbol.strip():
        raise DataError(_PRINTABLE, code="BAD_SYMBOL", where=repr(symbol[:MOST_SYMBOL]))
    return symbol


def _columns(top: Part) -> tuple[Column, ...]:
    found = []
    for i, item in enumerate(top.items("columns", 1, 2_000)):
        part = Part(item, f"{top.at('columns')}[{i}]", ("name", "type", "role", "unit"))
        name, kind = part.text("name", 200), part.text("type", 40)
        found.append(Column(name, kind, part.maybe("role", 40), part.maybe("unit", 40)))
    try:
        return check_columns(tuple(found))
    except DataError as error:
        refuse(error.message, f"{top.at('columns')}, {error.where}")


def _data_file(part: Part, symbols: int, sealed: bool) -> DataFile:
    count = len(part.items("rows", 1, MOST_GROUPS))
    found = DataFile(
        sha256=_sha256(part),
        bytes=part.whole("bytes", 1),
        symbol=part.numbers("symbol", count, 0, symbols - 1),
        rows=part.numbers("rows", count, 1, GROUP_ROWS),
        first=part.numbers("first", count),
        last=part.numbers("last", count),
        key=_key(part, sealed),
    )
    if (found.first > found.last).any():
        refuse("a group ends before it begins", part.at("last"))
    return found


def _side_file(top: Part, key: str, sealed: bool) -> SideFile:
    part = top.part(key, ("sha256", "bytes", "key"))
    return SideFile(_sha256(part), part.whole("bytes", 1), _key(part, sealed))


def _check_groups(manifest: Manifest) -> None:
    """Every symbol has rows, and its groups follow each other in time."""
    _, _, symbol, _, first, last = manifest.groups
    if len(np.unique(symbol)) != len(manifest.symbols):
        refuse("a symbol has no rows", "manifest.symbols")
    order = np.argsort(symbol, kind="stable")
    same = symbol[order][1:] == symbol[order][:-1]
    if (same & (first[order][1:] < last[order][:-1])).any():
        refuse("the groups of a symbol do not follow each other in time", "manifest.files")
    if len({file.sha256 for file in manifest.files}) != len(manifest.files):
        refuse("a file stands twice", "manifest.files")


def _about(part: Part) -> About:
    return About(
        asset_class=part.maybe("asset_class", 40),
        timeframe=part.maybe("timeframe", 20),
        time_zone=part.maybe("time_zone", 64),
        label=part.text("label", 5, "open|close"),
        calendar=part.maybe("calendar", 40),
        calendar_version=part.maybe("calendar_version", 80),
        currency=part.maybe("currency", 3, "[A-Z]{3}"),
        adjustment=part.text("adjustment", 8, "raw|adjusted|unknown"),
        simulated=part.yes("simulated"),
    )


def _provenance(part: Part) -> Provenance:
    tools = part.free("tools", 1_000)
    if not isinstance(tools, dict) or not all(isinstance(item, str) for item in tools.values()):
        refuse("no versions by package", part.at("tools"))
    sources = part.items("sources", 0, 10_000)
    if not all(isinstance(item, dict) for item in sources):
        refuse("a source is no object", part.at("sources"))
    check_free(sources, part.at("sources"), _FREE_ITEMS)
    return Provenance(
        parents=tuple(_id(item) for item in part.items("parents", 0, 1_000)),
        sources=tuple(sources),
        recipe=part.free("recipe", _FREE_ITEMS),
        report=part.free("report", _FREE_ITEMS),
        tools=tools,
    )


def _statistics(top: Part) -> Mapping[str, Any]:
    found = top.free("statistics", _FREE_ITEMS)
    if not isinstance(found, dict) or not all(isinstance(own, dict) for own in found.values()):
        refuse("no object of objects", top.at("statistics"))
    return found


def _sample(top: Part) -> Mapping[str, Any]:
    found = top.free("sample", _FREE_ITEMS)
    if found == {}:
        return {}
    part = top.part("sample", ("columns", "rows"))
    columns = [checked_text(name, part.at("columns"), 200) for name in part.items("columns", 1, 2_001)]
    rows = part.items("rows", 0, 1_000)
    if not all(isinstance(row, list) and len(row) == len(columns) for row in rows):
        refuse("a row has other cells than there are columns", part.at("rows"))
    return {"columns": columns, "rows": rows}


def _id(value: Any) -> str:
    try:
        return check_id(value, "a version")
    except DataError as error:
        refuse(error.message, "manifest")


def _sha256(part: Part) -> str:
    try:
        return check_sha256(part.text("sha256", 64))
    except DataError as error:
        refuse(error.message, part.at("sha256"))


def _key(part: Part, sealed: bool) -> str | None:
    found = part.maybe("key", 2_000)
    if (found is not None) != sealed:
        refuse("a file has a key exactly where the version is sealed", part.at("key"))
    return found
