"""The page on debug sessions: its requests work as they stand, in their order; settings and codes are the server's."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from alphintra_server import debug
from alphintra_server.app import AlphintraServer
from alphintra_server.routes import ROUTES

from tests.docs.pages import DOCS, blocks

from .conftest import TestIdentities
from .debugging import sessions  # noqa: F401  fixture

PAGE = (DOCS / "debug-sessions.md").read_text()
BLOCKS = blocks("debug-sessions.md")


@pytest.fixture
def identities():
    return TestIdentities


def test_paths_settings_and_codes_are_the_servers():
    paths = {f"{verb.upper()} {route.path}" for route in ROUTES for verb in route.endpoints if "/debug" in route.path}
    shown = {block.text.splitlines()[0] for block in BLOCKS if block.language == "http"}
    collection = "/api/strategies/code/{id}/debug"
    told = {f"{verb} {collection}{rest}" for verb, rest in re.findall(r"`(GET|DELETE) …/debug(/\{sid\})?`", PAGE)}
    assert shown | told == paths
    traits = AlphintraServer.class_traits()
    for name, number in re.findall(r"`(\w+)` \((\d+)\)", PAGE):
        if name in traits:
            assert traits[name].default_value == int(number), name
    assert len(re.findall(r"`((?:max_)?debug_\w+)` \(\d+\)", PAGE)) == 4
    source = "".join(file.read_text() for file in Path(debug.__file__).parent.glob("*.py"))
    source += (Path(debug.__file__).parents[1] / "handlers" / "debug.py").read_text()
    codes = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", PAGE))
    assert len(codes) == 16
    for code in codes:
        assert f'"{code}"' in source, code


async def test_the_requests_work_as_they_stand(sessions):  # noqa: F811
    (code,) = [block.text for block in BLOCKS if block.language == "python"]
    await sessions.store(code)
    session, places = None, []
    for block in BLOCKS:
        if block.language != "http" or "/events" in block.text:
            continue
        first, _, rest = block.text.partition("\n")
        verb, path = first.split(" ")
        body = json.loads(rest) if rest else None
        after = path.partition("/debug")[2].removeprefix("/{sid}")
        if session is None:
            session = await sessions.start(**body)
            found = await session.stood()
        else:
            reply = await session.ask(verb, after, body)
            assert reply.status == 200, (first, reply.json)
            found = await session.stood()
        places.append((after, found["status"], found["reason"], (found["place"] or {}).get("line")))
    assert places == [
        ("", "PAUSED", "breakpoint", 14),
        ("/step", "PAUSED", "step", 15),
        ("/step", "PAUSED", "step", 12),
        ("/step-back", "PAUSED", "step_back", 12),
        ("/run-to", "PAUSED", "run_to", 12),
        ("/continue", "PAUSED", "breakpoint", 14),
        ("/variables", "PAUSED", "breakpoint", 14),
        ("/evaluate", "PAUSED", "breakpoint", 14),
        ("/breakpoints", "PAUSED", "breakpoint", 14),
        ("/stop", "COMPLETED", "stopped", None),
    ]
