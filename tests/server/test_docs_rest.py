"""The page on REST: its bodies are taken as they stand, its limits and codes are the server's."""

import json
import re

from alphintra_server.routes import ROUTES
from alphintra_server.services import method_checks

from tests.docs.pages import DOCS, blocks

from .test_methods import CODE, REFUSED

BODIES = [json.loads(block.text) for block in blocks("rest.md") if block.language == "json"]
PAGE = (DOCS / "rest.md").read_text()


async def test_the_bodies_are_taken_as_they_stand(api, make_strategy, finished):
    strategy = await make_strategy(CODE)
    assert [body.get("methodology") for body in BODIES] == [None, "SWEEP", "WALK_FORWARD", "MONTE_CARLO", None]
    for body in BODIES[:-1]:
        reply = await api("POST", f"/api/strategies/code/{strategy['id']}/execute", body)
        assert reply.status == 202, reply.json
        job = await finished(reply.json["backtest_id"])
        assert (job["status"], job["has_study"]) == ("COMPLETED", "methodology" in body)
        assert body.get("method", {}).items() <= (job["method"] or {}).items()
    absent = await api("POST", "/api/backtests/compare", BODIES[-1])
    assert (absent.status, absent.json["code"]) == (404, "NOT_FOUND")


def test_endpoints_limits_and_codes_are_the_servers():
    paths = {f"{verb.upper()} {route.path}" for route in ROUTES for verb in route.endpoints}
    named = re.findall(r"`((?:GET|POST) /api/[^`?]+)", PAGE)
    assert len(named) == 16
    assert set(named) <= paths
    checks = method_checks
    limits = (checks.MOST_COMBINATIONS, checks.MOST_VARIANTS, checks.MOST_RETURNS, checks.MOST_RUNS)
    for limit in (*limits, checks.MOST_OTHER_PATHS, checks.MOST_PATHS["prices"]):
        assert f"{limit:,}" in PAGE
    rows = {match[1] for match in re.finditer(r"^\| `([A-Z_]+)` \|", PAGE, re.MULTILINE)}
    assert {code for _, _, code, *_ in REFUSED} - {"SCHEMA"} <= rows
