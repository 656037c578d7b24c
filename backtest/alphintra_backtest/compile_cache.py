"""Where the compiled core is kept, and under which name; known without loading Numba."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import sys
from pathlib import Path

import platformdirs

#: What is compiled, and how: a change in any of these is another version.
_SOURCES = (
    *("codes", "core_sizing", "core_orders", "core_entries", "core_booking", "core_account", "core_fine"),
    *("core_queue_cash", "core_queue", "core_single", "core_closings", "core_inside", "core_matching", "core_turns"),
    *("core", "core_sums", "core_signals", "compiled", "bundle"),
)

#: Held while something is written to a folder of compiled code.
WRITING = ".writing"


def version() -> str:
    """Name of this version of the engine: made of its sources, Numba's version and Python's."""
    digest = hashlib.sha256()
    for name in _SOURCES:
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    digest.update(f"{importlib.metadata.version('numba')} {sys.version_info[:2]}".encode())
    return digest.hexdigest()[:16]


def cache_dir() -> Path:
    """Folder of this version's compiled code, under ``$ALPHINTRA_CACHE_DIR`` or the user's cache."""
    root = os.environ.get("ALPHINTRA_CACHE_DIR") or platformdirs.user_cache_dir("alphintra")
    return Path(root) / "numba" / version()
