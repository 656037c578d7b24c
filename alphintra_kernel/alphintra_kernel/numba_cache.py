"""The engine's compiled code in a sandbox: a private copy, or every job would compile it anew.

Numba's index files are pickles, and a cache folder that cannot be written to is not used at all, silently. So
the host's cache is mounted read-only, and each process copies it to a folder of its own before Numba is
imported. A copy stays valid as long as the engine's sources keep their path and their times; a sandbox mounts
them as they are.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

import platformdirs
from alphintra_backtest import compile_cache

CACHE_VARIABLE = "ALPHINTRA_CACHE_DIR"
SHARED_VARIABLE = "ALPHINTRA_SHARED_CACHE"
TARGET = "/opt/alphintra/cache"
#: In a copied folder: the time of the one that it was made of.
_MADE_OF = ".made-of"


def shared_cache() -> Path | None:
    """Find the folder of the engine's compiled code on this host, in which ``compile_cache.cache_dir`` lies.

    Done without importing the engine: the server that asks must not load Numba.
    """
    root = os.environ.get(CACHE_VARIABLE) or platformdirs.user_cache_dir("alphintra")
    folder = Path(root).absolute() / "numba"
    return folder if folder.is_dir() else None


def _not_ours(_folder: str, names: list[str]) -> list[str]:
    """Name what is left out: files that somebody writes now, and the same engine installed elsewhere.

    Numba calls a folder after the one that the sources are in, with a digest of its path.
    """
    engine = Path(compile_cache.__file__).absolute().parent
    digest = hashlib.sha1(str(engine).encode(), usedforsecurity=False).hexdigest()
    return [
        name
        for name in names
        if ".tmp." in name
        or name == compile_cache.WRITING  # held by whoever writes there; this process writes elsewhere
        or (name.startswith(f"{engine.name}_") and name != f"{engine.name}_{digest}")
    ]


def adopt(environ: MutableMapping[str, str] | None = None) -> Path | None:
    """Copy the cache that the environment names to a private folder and have the engine use it.

    Returns:
        The private folder, or ``None`` when no cache was given.
    """
    env = os.environ if environ is None else environ
    shared = env.get(SHARED_VARIABLE)
    if not shared or not Path(shared).is_dir():
        return None
    private = Path(env.get("TMPDIR", "/tmp"), f"alphintra-{os.getpid()}")
    (private / "numba").mkdir(parents=True)
    # This engine's version alone: upgrades leave others behind, which may be newer, and a copy is memory.
    for theirs in (Path(shared) / compile_cache.version(), *_of_rules(Path(shared))):
        if not theirs.is_dir():
            continue
        try:
            # Links: the folders are the process's own, and what it compiles beside or anew is written to them.
            shutil.copytree(theirs, private / "numba" / theirs.name, ignore=_not_ours, copy_function=os.symlink)
        except shutil.Error:  # no room for it: half an index is worse than none
            shutil.rmtree(private / "numba" / theirs.name, ignore_errors=True)
    env[CACHE_VARIABLE] = str(private)
    return private


def keep(root: Path, environ: MutableMapping[str, str] | None = None) -> Path | None:
    """Copy the cache that the environment names to a folder that stays, anew where the host has compiled since.

    Args:
        root: A folder of this user's own, such as the home of their kernels.
        environ: Read, and told of the copy.

    Returns:
        ``root``, or ``None`` when no cache was given.
    """
    env = os.environ if environ is None else environ
    shared = env.get(SHARED_VARIABLE)
    if not shared or not Path(shared).is_dir():
        return None
    version = compile_cache.version()
    copy = root / "numba" / version
    copy.mkdir(parents=True, exist_ok=True)
    theirs = Path(shared) / version
    names = [folder.name for folder in theirs.iterdir()] if theirs.is_dir() else []
    # Folder by folder: the home may know this version from an engine that is installed elsewhere, or was before.
    for name in sorted({*names} - {*_not_ours("", names)}):
        _copy_if_newer(theirs / name, copy / name)
    for folder in _of_rules(Path(shared)):
        _copy_if_newer(folder, root / "numba" / folder.name)
    env[CACHE_VARIABLE] = str(root)
    return root


def _of_rules(shared: Path) -> list[Path]:
    """List the folders of the compiled validation rules: small, each named by what it was made of."""
    return sorted(shared.glob("rules-*"))


def _copy_if_newer(theirs: Path, copy: Path) -> None:
    """Copy a folder of compiled code, unless the copy was made of what it holds now."""
    # Numba renames into the folder whatever it keeps, which its time tells. Read first: what is written meanwhile
    # makes the copy one of yesterday.
    made_of = str(theirs.stat().st_mtime_ns)
    with contextlib.suppress(OSError):
        if (copy / _MADE_OF).read_text() == made_of:
            return
    # Under another name first: two kernels may start at once, and half a cache is compiled code that is missing.
    with tempfile.TemporaryDirectory(dir=copy.parent, prefix=".", ignore_cleanup_errors=True) as folder:
        whole = Path(folder, copy.name)
        shutil.copytree(theirs, whole, ignore=_not_ours)
        (whole / _MADE_OF).write_text(made_of)
        with contextlib.suppress(OSError):
            copy.rename(Path(folder, "before"))
        with contextlib.suppress(OSError):
            whole.rename(copy)
