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
    version = compile_cache.version()
    if (Path(shared) / version).is_dir():
        try:
            # Links: the folders are the process's own, and what it compiles beside or anew is written to them.
            shutil.copytree(
                Path(shared) / version, private / "numba" / version, ignore=_not_ours, copy_function=os.symlink
            )
        except shutil.Error:  # no room for it: half an index is worse than none
            shutil.rmtree(private / "numba" / version, ignore_errors=True)
    env[CACHE_VARIABLE] = str(private)
    return private


def keep(root: Path, environ: MutableMapping[str, str] | None = None) -> Path | None:
    """Copy the cache that the environment names to a folder that stays, once for each version of the engine.

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
    copy.parent.mkdir(parents=True, exist_ok=True)
    if (Path(shared) / version).is_dir() and not copy.is_dir():
        # Under another name first: two kernels may start at once, and half a cache is compiled code that is missing.
        with tempfile.TemporaryDirectory(dir=copy.parent, prefix=".") as folder:
            shutil.copytree(Path(shared) / version, Path(folder, version))
            with contextlib.suppress(OSError):
                Path(folder, version).rename(copy)
    env[CACHE_VARIABLE] = str(root)
    return root
