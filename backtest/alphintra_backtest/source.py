"""The hash of a strategy's source: its file and the modules beside it, or its class where there is none."""

from __future__ import annotations

import hashlib
import inspect
import sys
from pathlib import Path
from weakref import WeakKeyDictionary

#: Hash of each class, with the files that it was made from as they were: path → (size, time of change).
_KNOWN: WeakKeyDictionary[type, tuple[dict[Path, tuple[int, int]], str]] = WeakKeyDictionary()


def strategy_hash(strategy: type) -> str:
    """``sha256:…`` over the class's source and the user modules it imports from its own folder.

    A class without readable source (typed into a plain interpreter) is hashed by its compiled code.
    """
    known = _KNOWN.get(strategy)
    if known is not None and known[0] and all(_stamp(path) == stamp for path, stamp in known[0].items()):
        return known[1]
    files: dict[Path, tuple[int, int]] = {}
    value = _hash(strategy, files)
    _KNOWN[strategy] = files, value
    return value


def _stamp(path: Path) -> tuple[int, int]:
    try:
        now = path.stat()
    except OSError:
        return (-1, -1)
    return (now.st_size, now.st_mtime_ns)


def _hash(strategy: type, files: dict[Path, tuple[int, int]]) -> str:
    digest = hashlib.sha256()
    try:
        digest.update(inspect.getsource(strategy).encode())
    except (OSError, TypeError):
        for name, member in sorted(vars(strategy).items()):
            if inspect.isfunction(member):
                digest.update(
                    name.encode() + member.__code__.co_code + repr(member.__code__.co_consts).encode()
                )
    module = sys.modules.get(strategy.__module__)
    file = getattr(module, "__file__", None)
    if file and Path(file).is_file():
        home = Path(file).resolve()
        for value in (home, *sorted(_beside(module, home))):
            files[value] = _stamp(value)
            digest.update(value.read_bytes())
    return f"sha256:{digest.hexdigest()}"


def _beside(module: object, home: Path) -> set[Path]:
    """Files in the module's own folder of the modules whose names it uses."""
    found: set[Path] = set()
    for value in vars(module).values():
        owner = (
            value if inspect.ismodule(value) else sys.modules.get(getattr(value, "__module__", None) or "")
        )
        file = getattr(owner, "__file__", None)
        if file and Path(file).resolve().parent == home.parent and Path(file).resolve() != home:
            found.add(Path(file).resolve())
    return found
