"""The template notebooks that ship with Alphintra: what there is, and a copy to work on."""

from __future__ import annotations

import difflib
import json
import os
import sys
from pathlib import Path
from typing import Any

from .errors import DataError


def folder() -> Path:
    """Where the templates are: the environment's shared data, or a checkout's own folder.

    Raises:
        DataError: Neither exists.
    """
    checkout = Path(__file__).resolve().parents[2] / "templates"
    for place in (checkout, Path(sys.prefix) / "share" / "jupyter" / "alphintra" / "templates"):
        if (place / "manifest.json").is_file():
            return place
    raise DataError("the templates are not installed", hint="reinstall alphintra")


def templates() -> list[dict[str, Any]]:
    """The manifest's entries, in order."""
    entries: list[dict[str, Any]] = json.loads((folder() / "manifest.json").read_text(encoding="utf-8"))
    return entries


def clone(template_id: str, target: Path) -> Path:
    """Copy a template's notebook into ``target`` and return its path; ``-1``, ``-2`` … where the name exists.

    The copy has no outputs: what it shows is what the trader's own run shows.

    Raises:
        DataError: No such template (the nearest is named), or the folder cannot be written.
    """
    known = {t["id"]: t for t in templates()}
    if template_id not in known:
        near = difflib.get_close_matches(template_id, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else "there are: " + ", ".join(known)
        raise DataError(f"no template {template_id!r}", code="UNKNOWN_TEMPLATE", hint=hint)
    source = folder() / str(known[template_id]["file"])
    content = _without_outputs(source.read_text(encoding="utf-8"))
    for n in range(1000):
        path = target / f"{source.stem}{f'-{n}' if n else ''}{source.suffix}"
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            continue
        except OSError as error:
            raise DataError(f"cannot write {path}: {error.strerror}", code="CANNOT_WRITE") from error
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        return path
    raise DataError(f"{target} has a thousand copies of {source.stem}", code="CANNOT_WRITE")


def _without_outputs(text: str) -> str:
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
