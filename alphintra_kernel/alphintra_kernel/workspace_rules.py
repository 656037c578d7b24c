"""Which folders may be a workspace: kernels write there, so it must hold nothing that guards or starts them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from alphintra_kernel import profile

#: Our packages that no sandbox has; known by name only.
_OTHERS = ("alphintra_server", "alphintra_lab", "alphintra_hub", "alphintra_papertrade")

#: Where nobody works: the system's own, and what it shows of itself.
_SYSTEM = (
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr", "/var/log", "/var/run",
    "/var/spool",
)  # fmt: skip
#: Folders of many: one below them may be a workspace.
_SHARED = ("/home", "/media", "/mnt", "/opt", "/root", "/srv", "/tmp", "/var", "/var/tmp")
_REMEDY = "Start Jupyter in a folder of its own, or set AlphintraServer.workspace."

Places = Mapping[str, Iterable[Path]]


def refusal(root: Path, extra: Mapping[str, Path] | None = None) -> str | None:
    """Say why a folder must not be the workspace, or ``None`` if it may.

    Args:
        root: The folder; links and letter case are followed to what it really is.
        extra: Further places that it must neither be, hold nor lie in, by what they are called.
    """
    try:
        folder = root.expanduser().resolve(strict=False)
        if folder.exists() and not folder.is_dir():
            return f"{folder} is not used as workspace, because it is not a folder. {_REMEDY}"
        holders = _identities(folder)
    except (OSError, RuntimeError) as error:
        return f"{root} is not used as workspace, because it cannot be looked at ({error})."
    outer: dict[str, list[Path]] = {
        "your home folder": [Path.home()],
        "the Python environment": [Path(sys.prefix), Path(sys.base_prefix)],
        "folders of the system": [Path(name) for name in (*_SYSTEM, *_SHARED) if Path(name).is_dir()],
        **{name: [place] for name, place in (extra or {}).items()},
        "Alphintra's own code": _repositories(),
        "the settings of Jupyter or IPython": _settings(),
    }
    for what, places in outer.items():
        if any(_is_within(place, folder) for place in places):
            return f"{folder} is not used as workspace, because it holds {what}. {_REMEDY}"
    inner: dict[str, list[Path]] = {
        "the Python environment": [Path(sys.prefix), Path(sys.base_prefix)],
        **{name: [place] for name, place in (extra or {}).items()},
        "Alphintra's own code": _packages(),
        "a folder of the system": [Path(name) for name in _SYSTEM],
        "the settings of Jupyter or IPython": _settings(),
    }
    for what, places in inner.items():
        if any(_identity(place.resolve()) in holders for place in places if place.exists()):
            return f"{folder} is not used as workspace, because it lies inside {what}. {_REMEDY}"
    if any(part.casefold() in {".git", ".hg", ".svn"} for part in folder.parts):
        return f"{folder} is not used as workspace, because it lies inside .git. {_REMEDY}"
    return None


def _identity(path: Path) -> tuple[int, int]:
    """What a folder is, whatever the letters and links by which it was reached."""
    found = path.stat()
    return found.st_dev, found.st_ino


def _identities(folder: Path) -> set[tuple[int, int]]:
    """What a folder and all folders above it are."""
    return {_identity(path) for path in (folder, *folder.parents) if path.exists()}


def _is_within(place: Path, folder: Path) -> bool:
    """Tell whether a place is the folder or lies in it; a place that is not there yet counts by its name."""
    resolved = place.expanduser().resolve()
    if resolved.is_relative_to(folder):
        return True
    return folder.exists() and _identity(folder) in _identities(resolved)


def _packages() -> list[Path]:
    """The source folders of our packages, and of others that are run from where they lie (``PYTHONPATH``)."""
    import alphintra

    own = Path(alphintra.__file__).resolve().parent
    roots = profile.source_roots()
    others = [Path(spec.origin).resolve().parent for spec in map(find_spec, _OTHERS) if spec and spec.origin]
    found = [own, *others, *(root / name for root in roots for name in profile.SANDBOX_PACKAGES), *roots]
    return [place for place in found if place.is_dir()]


def _repositories() -> list[Path]:
    """The clone that our packages run from, told by its ``.git``, and the packages themselves."""
    found = _packages()
    for package in list(found):
        for above in package.parents:
            if (above / ".git").exists():
                found.append(above)
                break
    return found


def _settings() -> list[Path]:
    """Folders from which Jupyter and IPython take code and settings: a kernelspec there starts any program."""
    return [path for path in _settings_candidates() if path != Path("/")]


def _settings_candidates() -> Iterator[Path]:
    from jupyter_core import paths

    yield Path(paths.jupyter_config_dir())
    yield Path(paths.jupyter_data_dir())
    yield Path(paths.jupyter_runtime_dir())
    for text in (*paths.jupyter_config_path(), *paths.jupyter_path()):
        yield Path(text)
    yield Path(os.environ.get("IPYTHONDIR") or Path.home() / ".ipython")
