"""The page of connectors: its bodies are taken, its numbers, codes, settings and metrics are those of the code."""

import json
import re

from alphintra_kernel.fetching.http_source import MOST_REDIRECTS
from alphintra_server import metrics
from alphintra_server.jobs.fetch import ENDED
from alphintra_server.models.connectors import ConnectorCreate
from alphintra_server.services.connector_runs import _REASONS, KEPT_RUNS, PASSING
from alphintra_server.services.connector_schedule import MOST_RETRIES
from alphintra_server.services.connectors import MOST_CONNECTORS
from alphintra_server.settings import Settings

from .pages import DOCS, blocks

PAGE = (DOCS / "connectors.md").read_text()
FETCHING = DOCS.parent / "alphintra_kernel" / "alphintra_kernel" / "fetching"


def test_the_bodies_are_taken_as_they_stand():
    bodies = [json.loads(block.text) for block in blocks("connectors.md") if block.language == "json"]
    assert [ConnectorCreate.model_validate(body).source.kind for body in bodies] == ["http", "exchange", "postgresql"]


def test_what_it_names_there_is():
    numbers = {3: "three", 5: "five"}
    for said in (
        f"the newest {KEPT_RUNS} are kept",
        f"at most {MOST_CONNECTORS}.",
        f"A symbol more than {ENDED.days} days behind the newest row counts as ended",
        f"up to {numbers[MOST_RETRIES]} times",
        f"more than {numbers[MOST_REDIRECTS]} times",
    ):
        assert said in PAGE, said
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| .* \| (yes|no) \|$", PAGE, re.MULTILINE))
    assert {code for code, again in rows.items() if again == "yes"} == {c for c in PASSING if c.startswith("SOURCE_")}
    told = {code for path in FETCHING.glob("*.py") for code in re.findall(r'"(SOURCE_[A-Z_]+)"', path.read_text())}
    assert told == {code for code in rows if code.startswith("SOURCE_")} == {c for c in _REASONS if c[:7] == "SOURCE_"}
    assert set(rows) <= _REASONS
    for setting in ("max_fetch", "fetch_seconds", "connector_networks", "exchange_urls"):
        assert f"`{setting}`" in PAGE
        assert Settings.class_traits()[setting].help
    for metric in (metrics.CONNECTOR_RUNS, metrics.CONNECTOR_ROWS, metrics.CONNECTOR_FAILURES):
        assert f"`{metric.describe()[0].name}_total`" in PAGE
    assert f"`{metrics.CONNECTOR_AGE.describe()[0].name}`" in PAGE
