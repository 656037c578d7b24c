"""The list of a notebook's trading objects."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from alphintra_kernel.variables.described import Described
from alphintra_kernel.variables.kinds import GROUPS, Entry, Known
from alphintra_kernel.variables.reading import shortened

#: Objects that are listed.
MOST = 200
#: Characters of a name, class, size or summary.
LONGEST = 300
#: Seconds after which the rest is listed without what would have to be computed for it; the next list has it.
ENOUGH = 1.0
_BUSY = Described(summary="changes just now")
_LATER = Described(summary="…")


def listing(names: Mapping[str, Any], hidden: Mapping[str, Any], wanted: str = "") -> dict[str, Any]:
    """List the trading objects among a notebook's variables.

    Args:
        names: The variables.
        hidden: Names that were there before the notebook.
        wanted: A part of their names, in any case; empty: all.

    Returns:
        ``variables``: at most :data:`MOST`, by group and name, each with ``name``, ``group``, ``type``, ``size``,
        ``bytes``, ``summary`` and ``id``, which is another one when the name stands for another object; ``total``: how
        many there are; ``others``: variables that are no trading objects; ``seconds``: what it took.
    """
    began = time.perf_counter()
    known, wanted = Known(), wanted.casefold()
    found: list[tuple[int, str, Any, Entry]] = []
    others = 0
    for name, thing in names.items():
        if type(name) is not str or name.startswith("_") or name in hidden:
            continue
        entry = _entry(known, thing)
        if entry is None:
            others += 1
        elif wanted in name.casefold():
            found.append((GROUPS.index(entry.group), name, thing, entry))
    found.sort(key=lambda one: one[:2])
    return {
        "variables": [
            {
                "name": name[:LONGEST],
                "group": entry.group,
                "type": entry.type[:LONGEST],
                "id": f"{id(thing):x}",
                **_described(entry, thing, time.perf_counter() - began > ENOUGH),
            }
            for _, name, thing, entry in found[:MOST]
        ],
        "total": len(found),
        "others": others,
        "seconds": round(time.perf_counter() - began, 6),
    }


def _entry(known: Known, thing: Any) -> Entry | None:
    try:
        return known.entry(thing)
    except Exception:  # noqa: BLE001 - the cell that runs is changing it
        return None


def _described(entry: Entry, thing: Any, late: bool) -> dict[str, Any]:
    try:
        said = _LATER if late else entry.describe(thing)
    except Exception:  # noqa: BLE001 - the cell that runs is changing it
        said = _BUSY
    return {
        "size": said.size[:LONGEST],
        "bytes": said.bytes,
        "summary": shortened(said.summary, LONGEST),
    }
