"""The kinds of job that read stored versions: checking one again, a recipe tried or run on one, two compared.

The version is in ``in/parent``: its manifest, and its files; the one it is compared with is in ``in/other``; the
reference data whose events the rules know is in ``in/reference``; what a recipe joins is in ``in/datasets``, under the
names that it has there. ``validate`` leaves ``report.json``, ``process`` a ``manifest.json`` and the files it names,
``preview`` leaves ``preview.json``, ``compare`` ``comparison.json``. The server believes nothing of what is left here:
it checks all of it.
"""

from __future__ import annotations

import json
from math import isinf
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alphintra.recipes.step import Context
    from alphintra.rules.registry import Choice
    from alphintra.store.reading import Version
    from alphintra.store.sealed import Seal

    from alphintra_kernel.protocol import Progress

VALIDATE, PROCESS, PREVIEW, COMPARE = "validate", "process", "preview", "compare"
PARENT, OTHER, DATASETS, REFERENCE = "parent", "other", "datasets", "reference"
REPORT, MANIFEST, TRIED, COMPARISON = "report.json", "manifest.json", "preview.json", "comparison.json"
#: Cells of the rows before and after a recipe that are told, and names of symbols.
_MOST_CELLS, _MOST_NAMES = 20_000, 1_000
_MOST_TEXT = 4_000


def choice_of(job: dict[str, Any]) -> Choice:
    """Return which rules a job is to check."""
    from alphintra.rules.registry import Choice

    return Choice.from_json(json.dumps(job.get("rules") or {}))


def seal_of(job: dict[str, Any]) -> Seal | None:
    """Return what a new version is sealed with, if it is to be.

    Whoever writes a version has its rows: that it has the keys of this one version as well tells it nothing.
    """
    from alphintra.store.sealed import Seal, VersionKeys

    return Seal(VersionKeys.from_json(job["seal"]), str(job["version"])) if job.get("seal") else None


def _validate(job: dict[str, Any], root: Path, progress: Progress) -> str:
    from alphintra.rules.facts import of_reference
    from alphintra.rules.report import from_json, without_places
    from alphintra.rules.running import check_version

    progress.phase("validating", 0.0)
    version = _opened(root, PARENT)
    before = None if job["before"] is None else from_json(json.dumps(job["before"]).encode())
    events: dict[str, Any] = {}
    if job.get(REFERENCE):
        events = dict(of_reference(_opened(root, REFERENCE), version.manifest.symbols))
    found = check_version(version, choice_of(job), before, **events)
    # Messages quote values: of a sealed version they are not to come to the disk.
    (root / "out" / REPORT).write_bytes((without_places(found) if job.get("counts") else found).to_json())
    return REPORT


def _process(job: dict[str, Any], root: Path, progress: Progress) -> str:
    from alphintra.recipes import apply

    version = _opened(root, PARENT)
    progress.phase("processing", 0.0)
    apply(
        version,
        job["recipe"],
        root / "out",
        str(job["version"]),
        symbols=job["symbols"],
        context=_joined(root),
        seal=seal_of(job),
        check=choice_of(job),
        progress=lambda share: progress.study(share, "processing", f"{share:.0%} of the rows"),
    )
    return MANIFEST


def _preview(job: dict[str, Any], root: Path, progress: Progress) -> str:
    from alphintra.errors import AlphintraError
    from alphintra.recipes import Sample, preview
    from alphintra.recipes.recipe import step_of

    progress.phase("previewing", 0.0)
    sample = Sample(**job["sample"])
    try:
        found = preview(_opened(root, PARENT), job["recipe"], sample, context=_joined(root))
    except AlphintraError as error:
        # What is wrong with a recipe is what a preview of it is for.
        texts = {name: getattr(error, name) for name in ("message", "where", "hint")}
        about = {name: None if text is None else text[:_MOST_TEXT] for name, text in texts.items()}
        return _write(root, TRIED, {"refused": about | {"code": error.code, "step": step_of(error)}})
    most = max(1, _MOST_CELLS // (len(found.after.column_names) + len(found.before.column_names)))
    told = found.to_dict(min(int(job["shown"]), most))
    for effect in told["effects"]:
        effect["places"] = [_place(place) for place in effect["places"]]
    return _write(root, TRIED, {"refused": None, **told})


def _compare(job: dict[str, Any], root: Path, progress: Progress) -> str:
    from alphintra.store.comparing import compare

    progress.phase("comparing", 0.0)
    found = compare(_opened(root, PARENT), _opened(root, OTHER))
    return _write(
        root,
        COMPARISON,
        vars(found)
        | {
            "equal": found.equal,
            "symbols_added": found.symbols_added[:_MOST_NAMES],
            "symbols_removed": found.symbols_removed[:_MOST_NAMES],
            "symbols_added_count": len(found.symbols_added),
            "symbols_removed_count": len(found.symbols_removed),
            "places": [_place(vars(place)) for place in found.places],
        },
    )


def _opened(root: Path, name: str) -> Version:
    from alphintra.store.opening import open_folder

    return open_folder(root / "in" / name)


def _joined(root: Path) -> Context:
    """Return where a recipe finds the versions that it joins: by name and number, and there are no others."""
    from alphintra.data.sources import FolderSource
    from alphintra.recipes.step import Context, no_datasets

    source = FolderSource(root / "in" / DATASETS)

    def find(name: str) -> Version:
        base, _, number = name.rpartition("@")
        if number not in source.versions(base):
            return no_datasets(name)
        return source.open(base, number)

    return Context(find)


def _place(place: dict[str, Any]) -> dict[str, Any]:
    """Return a difference as JSON has it: numbers without end are texts."""
    return {key: str(value) if isinstance(value, float) and isinf(value) else value for key, value in place.items()}


def _write(root: Path, name: str, content: dict[str, Any]) -> str:
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    (root / "out" / name).write_text(text, encoding="utf-8")
    return name


DO = {VALIDATE: _validate, PROCESS: _process, PREVIEW: _preview, COMPARE: _compare}
"""By kind: what does it, and returns the name of the file that it announces."""
