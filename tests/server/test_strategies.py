"""Strategies over REST: rows, versions, states."""

import pytest

from .conftest import STRATEGY

ROOT = "/api/strategies/code"
DATA = "us-equities-daily"


async def test_create_gives_the_plans_model(api):
    body = {
        "name": "SMA cross",
        "description": "Long above",
        "code": STRATEGY,
        "parameters": {"fast": 30},
        "tags": ["trend", "daily", "trend"],
    }
    reply = await api("POST", f"{ROOT}/create", body)
    assert reply.status == 201
    made = reply.json
    assert reply.headers["Location"] == f"/a%40b{ROOT}/{made['id']}"
    assert reply.headers["ETag"] == '"1"'
    assert len(made["id"]) == 32
    assert made["user_id"] == "local"
    assert made["language"] == "python"
    assert made["status"] == "DRAFT"
    assert made["tags"] == ["trend", "daily"]
    assert made["parameters"] == {"fast": 30}
    assert made["code"] == STRATEGY
    assert made["version"] == 1
    assert made["created_at"] == made["updated_at"]
    assert made["created_at"].endswith("Z")
    assert made["source_hash"] == "sha256:" + made["source_hash"][7:]
    assert (await api("GET", f"{ROOT}/{made['id']}")).json == made


async def test_every_saved_change_is_a_version_and_nothing_else_is(api, make_strategy):
    made = await make_strategy(tags=["a"])
    path = f"{ROOT}/{made['id']}"
    same = await api("PUT", path, {"code": STRATEGY, "name": "SMA"})
    assert (same.status, same.json["version"]) == (200, 1)
    renamed = await api("PUT", path, {"name": "Other"})
    assert renamed.json["version"] == 2
    edited = await api("PUT", path, {"code": STRATEGY + "\n# more\n", "tags": ["b"]})
    assert edited.json["version"] == 3
    assert edited.headers["ETag"] == '"3"'
    active = await api("PUT", path, {"status": "ACTIVE"})
    assert (active.json["status"], active.json["version"]) == ("ACTIVE", 3)
    versions = (await api("GET", f"{path}/versions")).json
    assert versions["_pagination"]["total"] == 3
    assert [(item["version"], item["name"]) for item in versions["items"]] == [
        (3, "Other"),
        (2, "Other"),
        (1, "SMA"),
    ]
    first = (await api("GET", f"{path}/versions/1")).json
    assert (first["code"], first["tags"]) == (STRATEGY, ["a"])
    assert first["source_hash"] == made["source_hash"] != edited.json["source_hash"]
    missing = await api("GET", f"{path}/versions/4")
    assert (missing.status, missing.json["detail"]) == (
        404,
        "The strategy has no version 4; the newest is 3.",
    )


async def test_if_match_keeps_a_slower_writer_out(api, make_strategy):
    made = await make_strategy()
    path = f"{ROOT}/{made['id']}"
    first = await api("PUT", path, {"name": "First"}, headers={"If-Match": '"1"'})
    assert first.status == 200
    second = await api("PUT", path, {"name": "Second"}, headers={"If-Match": '"1"'})
    assert (second.status, second.json["version"]) == (412, 2)
    assert (await api("GET", path)).json["name"] == "First"


async def test_archived_ones_leave_the_lists_and_refuse_to_run_until_restored(api, make_strategy):
    made = await make_strategy()
    path = f"{ROOT}/{made['id']}"
    await api("PUT", path, {"status": "ACTIVE"})
    backtest = await api("POST", "/api/backtests", {"strategy_id": made["id"], "dataset_id": DATA})
    archived = await api("POST", f"{path}/archive")
    assert (archived.status, archived.json["status"]) == (200, "ARCHIVED")
    assert (await api("GET", ROOT)).json["items"] == []
    listed = await api("GET", ROOT, params={"status": "ARCHIVED"})
    assert [item["id"] for item in listed.json["items"]] == [made["id"]]
    refused = [
        await api("POST", f"{path}/execute", {}),
        await api("POST", "/api/backtests", {"strategy_id": made["id"], "dataset_id": DATA}),
        await api("POST", f"/api/backtests/{backtest.json['id']}/run"),
        await api("PUT", path, {"name": "x"}),
    ]
    assert [(reply.status, reply.json["code"]) for reply in refused] == [(409, "ARCHIVED")] * 4
    again = await api("POST", f"{path}/archive")
    assert (again.status, again.json["code"]) == (409, "ALREADY_ARCHIVED")
    restored = await api("POST", f"{path}/restore")
    assert restored.json["status"] == "ACTIVE"
    assert (await api("POST", f"{path}/restore")).status == 409
    assert len((await api("GET", ROOT)).json["items"]) == 1


async def test_lists_filter_by_tag_search_and_page(api, make_strategy):
    await make_strategy(name="Alpha", tags=["trend", 'quo"te'])
    await make_strategy(name="Beta 100%", tags=["trends"])
    await make_strategy(name="Gamma", description="mean reversion", tags=[])
    names = lambda reply: [item["name"] for item in reply.json["items"]]  # noqa: E731
    assert names(await api("GET", ROOT)) == ["Gamma", "Beta 100%", "Alpha"]
    assert names(await api("GET", ROOT, params={"sort": "name"})) == ["Alpha", "Beta 100%", "Gamma"]
    assert names(await api("GET", ROOT, params={"tag": "trend"})) == ["Alpha"]
    assert names(await api("GET", ROOT, params={"tag": 'quo"te'})) == ["Alpha"]
    assert names(await api("GET", ROOT, params={"search": "REVERSION"})) == ["Gamma"]
    assert names(await api("GET", ROOT, params={"search": "%"})) == ["Beta 100%"]
    page = await api("GET", ROOT, params={"limit": 2, "offset": 2})
    assert (names(page), page.json["_pagination"]["total"]) == (["Alpha"], 3)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"code": "x"}, "name"),
        ({"name": "", "code": "x"}, "name"),
        ({"name": "a\nb", "code": "x"}, "name"),
        ({"name": "n"}, "code"),
        ({"name": "n", "code": ""}, "code"),
        ({"name": "n", "code": 3}, "code"),
        ({"name": "n", "code": "x" * ((1 << 20) + 1)}, "code"),
        ({"name": "n", "code": "x", "language": "rust"}, "language"),
        ({"name": "n", "code": "x", "tags": "trend"}, "tags"),
        ({"name": "n", "code": "x", "tags": [""]}, "tags"),
        ({"name": "n", "code": "x", "parameters": []}, "parameters"),
        ({"name": "n", "code": "x", "surprise": 1}, "surprise"),
        ({"name": "n", "code": "x", "class_name": "not a name"}, "class_name"),
    ],
)
async def test_a_body_that_breaks_the_schema_names_the_field(api, body, field):
    reply = await api("POST", f"{ROOT}/create", body)
    assert reply.status == 422
    assert reply.kind == "application/problem+json"
    assert [error["field"] for error in reply.json["errors"]] == [field]
    assert (await api("GET", ROOT)).json["_pagination"]["total"] == 0


async def test_update_refuses_nulls_and_archiving(api, make_strategy):
    made = await make_strategy()
    path = f"{ROOT}/{made['id']}"
    for body, field in [
        ({"name": None}, "name"),
        ({"code": None}, "code"),
        ({"status": "ARCHIVED"}, "status"),
    ]:
        reply = await api("PUT", path, body)
        assert (reply.status, reply.json["errors"][0]["field"]) == (422, field)
    assert (await api("GET", path)).json == made


async def test_code_that_does_not_parse_can_be_saved_but_not_run(api, make_strategy):
    made = await make_strategy(
        "import alphintra as al\nclass A(al.Strategy):\n    def on_bar(self)\n        pass\n"
    )
    for path, body in [
        (f"{ROOT}/{made['id']}/execute", {}),
        (f"{ROOT}/{made['id']}/execute", {"dataset_id": "us-equities-daily/AAPL"}),
    ]:
        reply = await api("POST", path, body)
        assert (reply.status, reply.json["code"]) == (422, "SYNTAX_ERROR")
        assert reply.json["detail"] == "line 3: Expected ':'"
        assert reply.json["errors"] == [
            {"field": "code", "message": "Expected ':'", "line": 3, "column": 21, "code": "SYNTAX_ERROR"}
        ]
    backtest = await api("POST", "/api/backtests", {"strategy_id": made["id"], "dataset_id": DATA})
    reply = await api("POST", f"/api/backtests/{backtest.json['id']}/run")
    assert (reply.status, reply.json["code"]) == (422, "SYNTAX_ERROR")
    job = (await api("GET", f"/api/backtests/{backtest.json['id']}")).json
    assert (job["status"], job["phase"]) == ("PENDING", "created")
    assert (await api("GET", "/api/backtests")).json["_pagination"]["total"] == 1


TWO = """\
from alphintra import Strategy, Param

class One(Strategy):
    fast = Param(5, low=2, high=10)
    def on_bar(self): pass

class Two(One):
    slow = Param(50)
"""


async def test_the_class_to_run(api, make_strategy):
    made = await make_strategy(TWO)
    path = f"{ROOT}/{made['id']}/execute"
    several = await api("POST", path, {})
    assert (several.status, several.json["code"]) == (422, "SEVERAL_STRATEGIES")
    assert [item["name"] for item in several.json["classes"]] == ["One", "Two"]
    assert several.json["classes"][1]["parameters"] == {
        "fast": {"default": 5, "low": 2, "high": 10},
        "slow": {"default": 50},
    }
    unknown = await api("POST", path, {"class_name": "Three"})
    assert (unknown.status, unknown.json["code"]) == (422, "UNKNOWN_CLASS")
    good = await api("POST", path, {"class_name": "Two", "parameters": {"fast": 3, "slow": 1}})
    assert good.status == 202
    backtest = (await api("GET", f"/api/backtests/{good.json['backtest_id']}")).json
    assert backtest["class_name"] == "Two"
    none = await make_strategy("x = 1\n")
    refused = await api("POST", f"{ROOT}/{none['id']}/execute", {})
    assert (refused.status, refused.json["code"]) == (422, "NO_STRATEGY")


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"parameters": {"fats": 3}}, "parameters.fats", "BAD_PARAMETER"),
        ({"parameters": {"fast": 1}}, "parameters.fast", "BAD_PARAMETER"),
        ({"parameters": {"fast": 101}}, "parameters.fast", "BAD_PARAMETER"),
        ({"parameters": {"fast": "many"}}, "parameters.fast", "BAD_PARAMETER"),
        ({"dataset_id": "nowhere"}, "dataset_id", "UNKNOWN_DATASET"),
        ({"dataset_id": "us-equities-daily/TSLA"}, "dataset_id", "UNKNOWN_SYMBOL"),
        ({"dataset_id": "us-equities-daily/"}, "dataset_id", "UNKNOWN_SYMBOL"),
        ({"dataset_id": "us-equities-daily/IBM,IBM"}, "dataset_id", "UNKNOWN_SYMBOL"),
        ({"dataset_id": "us-factors-monthly"}, "dataset_id", "NOT_TRADABLE"),
        ({"dataset_id": "us-closes-daily/AAPL"}, "dataset_id", "NOT_TRADABLE"),
        ({"start_date": "2013-03-02"}, "start_date", "OUT_OF_RANGE"),
        ({"end_date": "2000-02-01"}, "end_date", "OUT_OF_RANGE"),
        ({"start_date": "2010-01-01", "end_date": "2009-01-01"}, "end_date", "OUT_OF_RANGE"),
        ({"start_date": "yesterday"}, "start_date", "SCHEMA"),
        ({"start_date": 1234567890}, "start_date", "SCHEMA"),
        ({"initial_capital": 0}, "initial_capital", "SCHEMA"),
        ({"initial_capital": "NaN"}, "initial_capital", "SCHEMA"),
        ({"initial_capital": "Infinity"}, "initial_capital", "SCHEMA"),
        ({"commission": -0.1}, "commission", "SCHEMA"),
        ({"commission": 1}, "commission", "SCHEMA"),
        ({"commission": 0.6}, "commission", "BAD_RULE"),
        ({"commission": "per_share=1"}, "commission", "SCHEMA"),
        ({"commission": {"per_shar": 1}}, "commission.per_shar", "SCHEMA"),
        ({"commission": {"per_share": -1}}, "commission.per_share", "SCHEMA"),
        ({"commission": {"per_share": "NaN"}}, "commission.per_share", "SCHEMA"),
        ({"commission": {"minimum": 2, "maximum": 1}}, "commission", "BAD_RULE"),
        ({"commission": {"tiers": [[100, 0.1], [50, 0.1]]}}, "commission", "BAD_RULE"),
        ({"commission": {"tiers": [[100]]}}, "commission.tiers.0.1", "SCHEMA"),
        ({"commission": [0.1]}, "commission", "SCHEMA"),
        ({"slippage": {"volume_share": 11}}, "slippage", "BAD_RULE"),
        ({"slippage": {"per_share": 1}}, "slippage.per_share", "SCHEMA"),
        ({"slippage": "free"}, "slippage", "SCHEMA"),
        ({"rules": {"max_shares": 0.1}}, "rules.max_shares", "BAD_RULE"),
        ({"rules": {"max_share": 2}}, "rules.max_share", "BAD_RULE"),
        ({"rules": {"progress": 1}}, "rules.progress", "BAD_RULE"),
        ({"rules": [1]}, "rules", "SCHEMA"),
        ({"seed": -1}, "seed", "SCHEMA"),
        ({"cash": 5}, "cash", "SCHEMA"),
    ],
)
async def test_bad_input_to_execute_is_422_and_makes_nothing(api, make_strategy, body, field, code):
    made = await make_strategy()
    reply = await api("POST", f"{ROOT}/{made['id']}/execute", body)
    assert (reply.status, reply.json["code"]) == (422, code), reply.json
    assert reply.json["errors"][0]["field"].partition(".decimal")[0] == field
    assert (await api("GET", "/api/backtests")).json["_pagination"]["total"] == 0


async def test_out_of_range_names_the_range(api, make_strategy):
    made = await make_strategy()
    reply = await api("POST", f"{ROOT}/{made['id']}/execute", {"start_date": "2020-01-01"})
    assert reply.json["detail"] == (
        "start_date: is after the end of the data: us-equities-daily/AAPL has 2000-03-01 to 2013-03-01"
    )
