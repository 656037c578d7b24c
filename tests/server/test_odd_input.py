"""Input at the edges: each is refused with its field, and none ends in a 500."""

from __future__ import annotations

import json

import pytest

DATA = "us-equities-daily/AAPL"
NOTEBOOK = """import alphintra as al

class S(al.Strategy):
    length = al.Param(20, low=2)
    on = al.Param(True)

    def on_bar(self):
        pass
"""


@pytest.fixture
def strategy(api):
    async def make(**extra):
        body = {"name": "s", "code": NOTEBOOK, **extra}
        return await api("POST", "/api/strategies/code/create", body)

    return make


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"start_date": "0001-01-01T00:00:00+14:00"}, "start_date"),
        ({"end_date": "9999-12-31T23:59:59-14:00"}, "end_date"),
        ({"start_date": "12345678"}, "start_date"),
        ({"start_date": "20051332"}, "start_date"),
        ({"strategy_version": 10**30}, "strategy_version"),
        ({"rules": {"max_share": 10**400}}, "rules.max_share"),
        ({"rules": {"cash_buffer": 10**400}}, "rules.cash_buffer"),
        ({"parameters": {"length": "x" * 70_000}}, "parameters"),
        ({"parameters": {"length": "x"}}, "parameters.length"),
        ({"parameters": {"length": None}}, "parameters.length"),
        ({"parameters": {"length": 2.5}}, "parameters.length"),
        ({"parameters": {"length": True}}, "parameters.length"),
        ({"parameters": {"on": 1}}, "parameters.on"),
        ({"benchmark": "zz"}, "benchmark"),
        ({"benchmark": "us-equities-daily/NOPE"}, "benchmark"),
        ({"benchmark": "us-equities-daily"}, "benchmark"),
        ({"benchmark": "a\u0000b"}, "benchmark"),
        ({"name": "\u001b[0m"}, "name"),
        ({"name": "  "}, "name"),
    ],
)
async def test_settings_of_a_run(api, strategy, settings, field):
    made = (await strategy()).json
    body = {"dataset_id": DATA, **settings}
    if field.startswith("parameters."):  # what the code declares is read when it is to run
        reply = await api("POST", f"/api/strategies/code/{made['id']}/execute", body)
    else:
        reply = await api("POST", "/api/backtests", {"strategy_id": made["id"], **body})
    assert reply.status == 422, reply.json
    assert [e["field"] for e in reply.json["errors"]] == [field]
    assert (await api("GET", "/api/backtests")).json["items"] == []


async def test_a_benchmark_of_closes_is_fine(api, strategy):
    made = (await strategy()).json
    body = {"strategy_id": made["id"], "dataset_id": DATA, "benchmark": "us-closes-daily/AAPL"}
    assert (await api("POST", "/api/backtests", body)).status == 201


@pytest.mark.parametrize("extra", [{"name": "\u0000"}, {"name": "a\u0000b"}, {"code": "x = 1\u0000"}])
async def test_control_characters_are_not_stored(strategy, extra):
    assert (await strategy(**extra)).status == 422


async def test_a_number_larger_than_any_is_not_json(api):
    raw = '{"name": "s", "code": "x = 1", "parameters": {"a": 1e999}}'
    reply = await api("POST", "/api/strategies/code/create", raw=raw)
    assert reply.status == 400 and "1e999 is larger" in reply.json["detail"]


async def test_a_name_too_long_for_a_file(api, workspace):
    reply = await api("POST", "/api/strategies/templates/sma-cross/clone", {"name": "漢" * 100})
    assert reply.status == 422 and reply.json["errors"][0]["field"] == "name"
    assert list(workspace.iterdir()) == []


@pytest.mark.parametrize(("event", "status"), [("99999999", 410), ("9" * 23, 422)])
async def test_stream_ids_that_no_event_has(api, event, status):
    assert (await api("GET", "/api/stream", params={"last_event_id": event})).status == status


async def test_one_file_is_one_strategy_however_its_path_is_written(api, workspace):
    (workspace / "sub").mkdir()
    (workspace / "sub" / "m.py").write_text(NOTEBOOK)
    first = await api("POST", "/api/strategies/code/from-file", {"path": "sub/m.py"})
    again = await api("POST", "/api/strategies/code/from-file", {"path": "./sub//m.py"})
    assert (first.status, again.status) == (201, 200)
    assert first.json["id"] == again.json["id"]


def cells(*sources):
    made = [{"cell_type": "code", "source": s, "metadata": {}, "outputs": []} for s in sources]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made})


@pytest.mark.parametrize("change", ["A += 2", "A = compute()", "for A in range(3): pass"])
async def test_a_constant_that_a_dropped_statement_changes_is_no_constant(api, workspace, change):
    code = NOTEBOOK.replace("pass", "self.buy(quantity=A)")
    (workspace / "n.ipynb").write_text(cells("A = 1\nB = 2", change, code))
    reply = await api("POST", "/api/strategies/code/from-file", {"path": "n.ipynb"})
    assert reply.status == 422, reply.json
    (found,) = reply.json["diagnostics"]
    assert found["cell"] == 3 and "'A'" in found["message"] and "cell 2" in found["message"]


async def test_what_changes_an_unused_constant_does_not_matter(api, workspace):
    (workspace / "n.ipynb").write_text(cells("A = 1", "A += 2", NOTEBOOK))
    assert (await api("POST", "/api/strategies/code/from-file", {"path": "n.ipynb"})).status == 201
