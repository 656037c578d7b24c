"""The kind of job that fetches data from where others keep it.

It leaves ``fetched``, as it came, and ``fetched.json``, which says what that is; only the latter where nothing is new.
Its sandbox has a network, and nothing that is worth sending anywhere but the secret of this one source.
"""

from __future__ import annotations

import json
import shutil
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphintra_kernel.fetching.addresses import Allowed, keep_to
from alphintra_kernel.fetching.asked import Asked, Fetched, without, words
from alphintra_kernel.fetching.bounds import within
from alphintra_kernel.outputs import described, make_room, no_room_is_said
from alphintra_kernel.user_source import describe

if TYPE_CHECKING:
    from alphintra_kernel.protocol import Progress

KIND = "fetch"
FETCHED, SAID = "fetched", "fetched.json"
_WORK = "work"
#: How much of its time a source may take that gives rows piece by piece.
_ENOUGH = 0.8


def run(job: dict[str, Any], root: Path, progress: Progress) -> dict[str, Any]:
    """Run one job and write its files.

    Returns:
        The ``result`` or ``error`` message, in which no secret stands. Nothing that a source brings about is raised.
    """
    out = root / "out"
    secret = job.get("secret") or {}
    try:
        make_room(out)
        (out / _WORK).mkdir()
        progress.phase("fetching", 0.0)
        allowed = Allowed(job["networks"])
        keep_to(allowed)
        asked = Asked(
            source=job["connector"],
            secret=secret,
            since=None if job["since"] is None else datetime.fromisoformat(job["since"]),
            since_of={symbol: datetime.fromisoformat(time) for symbol, time in job["since_of"].items()},
            until=datetime.fromisoformat(job["until"]),
            conditions=job["conditions"],
            allowed=allowed,
            most_bytes=int(job["most_bytes"]),
            folder=out / _WORK,
            tell=lambda text: progress.study(0.0, "fetching", text),
            enough_at=time.monotonic() + _ENOUGH * float(job["fetch_seconds"]),
        )
        with no_room_is_said(), within(float(job["fetch_seconds"])):
            found = _fetch(asked, out / FETCHED)
        said = {"state": found.state, "name": found.name, "etag": found.etag, "modified": found.modified}
        (out / SAID).write_text(json.dumps(said), encoding="utf-8")
        names = [FETCHED, SAID] if found.state == "fetched" else [SAID]
        return {"type": "result", "files": [described(out / name) for name in names], "summary": {}}
    except BaseException as error:  # noqa: BLE001 - a library may raise anything
        told = describe(error, root / "in") | {"traceback": None, "file": None, "line": None}
        return told | {"message": without(str(told["message"]), words(secret))}
    finally:
        shutil.rmtree(out / _WORK, ignore_errors=True)


def _fetch(asked: Asked, target: Path) -> Fetched:
    kind = asked.source["kind"]
    if kind == "exchange":
        from alphintra_kernel.fetching import exchange_source

        return exchange_source.fetch(asked, target)
    if kind == "postgresql":
        from alphintra_kernel.fetching import postgres_source

        return postgres_source.fetch(asked, target)
    from alphintra_kernel.fetching import http_source

    return http_source.fetch(asked, target)
