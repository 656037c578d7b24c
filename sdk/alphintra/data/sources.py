"""Where a trader's own datasets come from: a folder that was given to this process, or the server behind its door."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from alphintra.data.instrument import did_you_mean
from alphintra.errors import DataError, UnknownDataset

if TYPE_CHECKING:
    from alphintra.store.reading import Version

FOLDER_VARIABLE = "ALPHINTRA_DATASETS"
"""Path of a folder of versions that this process may read."""
INDEX = "index.json"
INDEX_FORMAT = "alphintra-datasets/1"
_MOST_BYTES = 16 << 20
_MOST_NAME = 200
_MOST_NAMES = 100_000
_MOST_VERSIONS = 100_000
Index = dict[str, tuple[str, list[tuple[str, str]]]]
"""By name: the owner, and pairs of number and version id, the newest last."""


class VersionSource(Protocol):
    """Finds versions by name."""

    def names(self) -> list[str]:
        """Return the names of datasets, sorted."""
        ...

    def versions(self, name: str) -> list[str]:
        """Return the versions of a dataset, the newest last; none for an unknown name."""
        ...

    def open(self, name: str, version: str) -> Version:
        """Open a version.

        Raises:
            DataError: It is not there, or damaged.
        """
        ...


@dataclass(frozen=True)
class FolderSource:
    """Versions in a folder: a store's layout, and an ``index.json`` that says which names they have.

    ::

        {"format": "alphintra-datasets/1",
         "datasets": {"prices": {"owner": "…", "versions": [["1", "version id"], ["2", "version id"]]}}}

    Attributes:
        root: The folder.
    """

    root: Path

    def names(self) -> list[str]:
        """See :class:`VersionSource`."""
        return sorted(self._index())

    def versions(self, name: str) -> list[str]:
        """See :class:`VersionSource`."""
        found = self._index().get(name)
        return [] if found is None else [number for number, _ in found[1]]

    def open(self, name: str, version: str) -> Version:
        """See :class:`VersionSource`."""
        from alphintra.store.blobs import Folder
        from alphintra.store.opening import open_version

        owner, versions = self._index()[name]
        return open_version(Folder(self.root), owner, dict(versions)[version])

    def owner(self, name: str, like: str | None = None) -> str:
        """Return whose a dataset is; of a name that is new, whose another one is, or the first of all."""
        index = self._index()
        known = index.get(name) or index.get(like or "") or next(iter(index.values()), None)
        return "me" if known is None else known[0]

    def add(self, name: str, owner: str, version: str) -> str:
        """Give a version that is in the store the next number of a name, and return it.

        Raises:
            OSError: The folder may not be written to.
        """
        import fcntl
        import json

        path = self.root / INDEX
        with (self.root / f"{INDEX}.lock").open("ab") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            top: dict[str, Any] = {"format": INDEX_FORMAT, "datasets": {}}
            if path.exists():
                top = json.loads(path.read_bytes())
            versions = top["datasets"].setdefault(name, {"owner": owner, "versions": []})["versions"]
            number = str(1 + max((int(own) for own, _ in versions if own.isdecimal()), default=0))
            versions.append([number, version])
            written = path.with_name(f"{INDEX}.new")
            with written.open("wb") as file:
                file.write(json.dumps(top, ensure_ascii=False, indent=1).encode())
                file.flush()
                os.fsync(file.fileno())
            written.replace(path)
        return number

    def _index(self) -> Index:
        path = self.root / INDEX
        try:
            about = path.stat()
        except FileNotFoundError:
            return {}
        return _index_of(path, about.st_ino, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=4)
def _index_of(path: Path, *changed: int) -> Index:
    """Read an index; once for as long as it does not change."""
    from alphintra.store.checked_json import Part, checked_text, parse, refuse

    top = Part(parse(path.read_bytes(), _MOST_BYTES, INDEX), INDEX, ("format", "datasets"))
    if top.text("format", 40) != INDEX_FORMAT:
        refuse(f"no {INDEX_FORMAT}", INDEX)
    datasets: Any = top.free("datasets", 1_000_000)
    if not isinstance(datasets, dict) or len(datasets) > _MOST_NAMES:
        refuse("no datasets by name", top.at("datasets"))
    out = {}
    for name, entry in datasets.items():
        part = Part(entry, f"{top.at('datasets')}.{name[:80]}", ("owner", "versions"))
        pairs = []
        for pair in part.items("versions", 1, _MOST_VERSIONS):
            if not isinstance(pair, list) or len(pair) != 2:
                refuse("no pair of number and id", part.at("versions"))
            pairs.append((checked_text(pair[0], part.at("versions"), 20), checked_text(pair[1], part.where, 64)))
        out[name] = (part.text("owner", 64), pairs)
    return out


def check_name(name: str) -> str:
    """Return a name that a dataset may have.

    Raises:
        DataError: It is empty, too long, or has an ``@`` in it.
    """
    if not 1 <= len(name) <= _MOST_NAME or "@" in name or not name.isprintable() or name != name.strip():
        raise DataError(
            f"{name[:_MOST_NAME]!r} is no name of a dataset", code="BAD_NAME",
            hint=f"1 to {_MOST_NAME} printable characters without @.",
        )  # fmt: skip
    return name


def source() -> VersionSource | None:
    """Return where this process finds datasets by name; ``None`` if it was given nothing."""
    from alphintra import _door

    folder = os.environ.get(FOLDER_VARIABLE)
    if folder:
        return FolderSource(Path(folder))
    if _door.is_there():
        from alphintra.data.served import DoorSource

        return DoorSource()
    return None


def from_server() -> bool:
    """Tell whether this process finds datasets on the server behind its door."""
    from alphintra import _door

    return not os.environ.get(FOLDER_VARIABLE) and _door.is_there()


@dataclass(frozen=True)
class Found:
    """A name that a source knows.

    Attributes:
        name: Name of the dataset.
        version: Which version.
        symbols: Symbols that were asked for; ``None`` for all.
    """

    name: str
    version: str
    symbols: tuple[str, ...] | None


def find(text: str, where: VersionSource) -> Found | None:
    """Read ``name``, ``name@version``, and either with ``/SYMBOL`` or ``/A,B`` after it.

    Returns:
        ``None`` if no dataset has this name.

    Raises:
        UnknownDataset: The dataset has no such version.
    """
    # Names and symbols may hold a slash themselves: the longest name that is known counts.
    cuts = [len(text), *(place for place in range(len(text) - 1, 0, -1) if text[place] == "/")]
    for cut in cuts[:32]:
        name, at, version = text[:cut].partition("@")
        if not name or (at and not version) or "/" in version:
            continue
        numbers = where.versions(name)
        if not numbers:
            continue
        if at and version not in numbers:
            raise UnknownDataset(
                f"'{name}' has no version '{version}'",
                code="UNKNOWN_VERSION",
                hint=did_you_mean(version, numbers) + "It has " + ", ".join(numbers[-20:]) + ".",
            )
        rest = text[cut + 1 :]
        symbols = tuple(part.strip() for part in rest.split(",")) if cut < len(text) else None
        return Found(name, version or numbers[-1], symbols)
    return None


def open_named(name: str) -> Version:
    """Open ``name@version``, or the newest version of ``name``, from where this process finds datasets.

    Raises:
        UnknownDataset: There is none of this name.
    """
    return open_pinned(name)[1]


def open_pinned(name: str) -> tuple[str, Version]:
    """Open a version as :func:`open_named`; returns its name with its version as well.

    Raises:
        UnknownDataset: There is none of this name.
    """
    where = source()
    found = None if where is None else find(name, where)
    if where is None or found is None:
        known = [] if where is None else where.names()
        hint = f"There are {', '.join(known[:20])}." if known else "This process was given no datasets."
        raise UnknownDataset(f"there is no dataset {name!r}", where=name, hint=hint)
    return f"{found.name}@{found.version}", where.open(found.name, found.version)


def check_accepted(name: str, version: Version) -> None:
    """Refuse a version with errors that nobody has accepted, as far as who gives it knows of them.

    Raises:
        DataError: ``DATASET_HAS_ERRORS``.
    """
    if version.open_errors:
        raise DataError(
            f"'{name}' has errors that nobody has accepted: {version.open_errors[0]}", code="DATASET_HAS_ERRORS",
            where=name,
            hint="Mend the rows by a recipe, or accept the errors with a reason, in its report in JupyterLab or "
            "over REST. al.data.load(…).to_pandas() has the rows as they are.",
        )  # fmt: skip
