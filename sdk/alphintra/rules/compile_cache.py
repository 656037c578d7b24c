"""Where the compiled rules are kept, and under which name; known without loading Numba."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import sys
from pathlib import Path

import platformdirs


def folder() -> Path:
    """Return the folder of this version's compiled rules, under ``$ALPHINTRA_CACHE_DIR`` or the user's cache."""
    root = os.environ.get("ALPHINTRA_CACHE_DIR") or platformdirs.user_cache_dir("alphintra")
    made_of = Path(__file__).with_name("compiled.py").read_bytes()
    made_of += f"{importlib.metadata.version('numba')} {sys.version_info[:2]}".encode()
    return Path(root) / "numba" / f"rules-{hashlib.sha256(made_of).hexdigest()[:16]}"


def own_folder() -> Path:
    """Return where in it those of this installation are, as Numba names it: by the folder of the source."""
    source = Path(__file__).absolute().parent
    return folder() / f"{source.name}_{hashlib.sha1(str(source).encode(), usedforsecurity=False).hexdigest()}"


def is_compiled() -> bool:
    """Tell whether those of this installation are there; a process that only waits must not compile them."""
    return any(own_folder().glob("*.nbi"))
