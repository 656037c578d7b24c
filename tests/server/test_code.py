"""Checking code, snippets, templates and SDK documentation over REST."""

import json

import pytest
from alphintra_server.source.process import Parser, ParserFailedError

HEAD = "import alphintra as al\n\n\nclass A(al.Strategy):\n"


@pytest.fixture
def validate(api):
    async def check(code, **body):
        return await api("POST", "/api/code/validate", {"code": code, **body})

    return check


async def test_good_code_is_valid(validate):
    code = HEAD + (
        "    fast = al.Param(20)\n\n"
        "    def on_start(self):\n"
        "        self.ma = self.indicator(al.ta.SMA, self.data.close, self.fast)\n\n"
        "    def on_bar(self):\n"
        "        if self.data.close[-1] > self.ma[-1] and self.data.close[-3:].mean() > 0:\n"
        "            self.buy(quantity=1, stop_loss_percent=0.05)\n"
    )
    reply = await validate(code)
    assert (reply.status, reply.json) == (200, {"valid": True, "diagnostics": []})


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = (\n", (1, 5, 1, 6, "error", "SYNTAX_ERROR", "'(' was never closed")),
        ("return 1\n", (1, 1, 1, 2, "error", "SYNTAX_ERROR", "'return' outside function")),
        ("x\0y", (1, 1, 1, 2, "error", "SYNTAX_ERROR", None)),
        ("print(undefined)\n", (1, 7, 1, 16, "error", "UNDEFINED_NAME", "Undefined name 'undefined'")),
        ("é = 'é'; print(ü)\n", (1, 16, 1, 17, "error", "UNDEFINED_NAME", "Undefined name 'ü'")),
        ("import os\n", (1, 1, 1, 7, "warning", "UNUSED_IMPORT", "'os' imported but unused")),
        ("x = " + "(" * 5000 + "1", (1, 205, 1, 206, "error", "SYNTAX_ERROR", "Too many nested parentheses")),
        ("x = " + "-" * 200000 + "1", (1, 1, 1, 2, "error", "TOO_COMPLEX", None)),
    ],
)
async def test_findings_have_lines_and_columns_from_one(validate, code, expected):
    reply = await validate(code)
    assert reply.status == 200
    found = reply.json["diagnostics"][0]
    names = ("line", "column", "end_line", "end_column", "severity", "code", "message")
    given = tuple(found[name] for name in names)
    assert given[:6] == expected[:6]
    if expected[6]:
        assert given[6] == expected[6]
    assert reply.json["valid"] is (expected[4] != "error")


@pytest.mark.parametrize(
    ("body", "code", "line", "severity"),
    [
        ("def on_bar(self):\n        self.data.close[0]", "FORWARD_INDEX", 6, "error"),
        ("def on_bar(self):\n        self.data['MSFT'].close[3]", "FORWARD_INDEX", 6, "error"),
        ("def on_bar(self):\n        self.data.close[-9:-1]", "FORWARD_INDEX", 6, "error"),
        ("def on_start(self):\n        self.data.close[-1]", "READ_IN_ON_START", 6, "error"),
        ("def on_bar(self):\n        self.indicator(al.ta.SMA, 1)", "INDICATOR_LATE", 6, "error"),
        ("def on_start(self):\n        self.buy(quantity=1)", "ORDER_IN_ON_START", 6, "warning"),
        ("def on_bar(self):\n        self.buy(quantity=0)", "BAD_QUANTITY", 6, "error"),
        ("def on_bar(self):\n        self.buy(-5)", "BAD_QUANTITY", 6, "error"),
        ("def on_bar(self):\n        self.sell(quantity=float('nan'))", "BAD_QUANTITY", 6, "error"),
        ("def on_bar(self):\n        self.buy(quantity=1, value=2)", "BOTH_FORMS", 6, "error"),
        (
            "def on_bar(self):\n        self.buy(quantity=1, stop_loss=1, stop_loss_percent=.1)",
            "BOTH_FORMS",
            6,
            "error",
        ),
        ("def on_bar(self):\n        self.order_target_percent(95)", "PERCENT_AS_NUMBER", 6, "warning"),
        ("def next(self):\n        pass", "UNKNOWN_EVENT", 5, "warning"),
        ("def on_bars(self):\n        pass", "UNKNOWN_EVENT", 5, "warning"),
        ("async def on_bar(self):\n        pass", "ASYNC_EVENT", 5, "error"),
    ],
)
async def test_misuse_of_the_sdk(validate, body, code, line, severity):
    reply = await validate(HEAD + "    " + body + "\n")
    found = [(item["code"], item["line"], item["severity"]) for item in reply.json["diagnostics"]]
    assert (code, line, severity) in found
    assert reply.json["valid"] is (severity != "error")


async def test_an_indicator_may_not_be_read_forward_either(validate):
    code = HEAD + (
        "    def on_start(self):\n        self.up, self.down = self.indicator(f, self.data.close)\n\n"
        "    def on_bar(self):\n        self.down[0]\n"
    )
    found = {item["code"] for item in (await validate(code)).json["diagnostics"]}
    assert "FORWARD_INDEX" in found


async def test_other_classes_are_left_alone(validate):
    code = "class Box:\n    def on_bar(self):\n        self.data.close[0]\n        self.buy(0)\n"
    assert (await validate(code)).json == {"valid": True, "diagnostics": []}


async def test_validate_refuses_what_is_not_python_or_too_large(validate):
    reply = await validate("x", language="pine")
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, "language")
    reply = await validate("x" * ((1 << 20) + 1))
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, "code")


async def test_a_parser_that_fails_is_replaced():
    parser = Parser(seconds=2)
    try:
        assert (await parser.ask("validate", code="x"))["diagnostics"][0]["code"] == "UNDEFINED_NAME"
        parser._process.kill()
        with pytest.raises(ParserFailedError):
            await parser.ask("validate", code="x")
        assert (await parser.ask("validate", code="x = 1"))["diagnostics"] == []
        with pytest.raises(ParserFailedError, match="KeyError"):
            await parser.ask("validate")
        slow = Parser(seconds=0.0001)
        with pytest.raises(ParserFailedError):
            await slow.ask("validate", code="x = 1\n" * 50000)
        await slow.close()
    finally:
        await parser.close()


class TestTemplates:
    @pytest.fixture
    def settings(self, tmp_path):
        folder = tmp_path / "templates"
        folder.mkdir()
        notebook = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {},
            "cells": [
                {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# T"},
                {
                    "cell_type": "code",
                    "id": "b",
                    "metadata": {"trusted": True},
                    "execution_count": 3,
                    "outputs": [{"output_type": "stream", "name": "stdout", "text": "x"}],
                    "source": "import alphintra as al\nprint(1)\n",
                },
            ],
        }
        (folder / "sma_cross.ipynb").write_text(json.dumps(notebook))
        entry = {
            "id": "sma-cross",
            "name": "SMA cross",
            "description": "Long above",
            "category": "Trend",
            "difficulty_level": "BEGINNER",
            "data": "us-equities-daily/AAPL",
            "symbols": ["AAPL"],
            "parameters": {"fast": 50},
            "file": "sma_cross.ipynb",
            "documentation": "docs",
            "tags": ["trend"],
        }
        (folder / "manifest.json").write_text(json.dumps([entry]))
        return {"templates_dir": str(folder)}

    async def test_list_has_the_plans_model(self, api):
        reply = await api("GET", "/api/strategies/templates")
        assert reply.json["_pagination"]["total"] == 1
        assert reply.json["items"] == [
            {
                "id": "sma-cross",
                "name": "SMA cross",
                "description": "Long above",
                "category": "Trend",
                "code": "import alphintra as al\n",
                "parameters": {"fast": 50},
                "documentation": "docs",
                "difficulty_level": "BEGINNER",
                "is_public": True,
                "author_id": "alphintra",
                "usage_count": 0,
                "rating": None,
                "data": "us-equities-daily/AAPL",
                "symbols": ["AAPL"],
                "file": "sma_cross.ipynb",
                "tags": ["trend"],
            }
        ]

    async def test_clones_never_overwrite(self, api, workspace):
        path = "/api/strategies/templates/sma-cross/clone"
        (workspace / "mine.ipynb").symlink_to("/etc/hostname")
        names = [(await api("POST", path)).json["path"] for _ in range(3)]
        assert names == ["sma_cross.ipynb", "sma_cross-1.ipynb", "sma_cross-2.ipynb"]
        named = await api("POST", path, {"name": "mine"})
        assert (named.status, named.json["path"]) == (201, "mine-1.ipynb")
        cells = json.loads((workspace / "sma_cross.ipynb").read_text())["cells"]
        assert (cells[1]["outputs"], cells[1]["execution_count"], cells[1]["metadata"]) == ([], None, {})
        (template,) = (await api("GET", "/api/strategies/templates")).json["items"]
        assert template["usage_count"] == 4

    @pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "", "x" * 101, "nul\0"])
    async def test_names_that_lead_elsewhere_are_422(self, api, workspace, name):
        reply = await api("POST", "/api/strategies/templates/sma-cross/clone", {"name": name})
        assert (reply.status, reply.json["errors"][0]["field"]) == (422, "name")
        assert list(workspace.iterdir()) == []

    async def test_unknown_template_is_404(self, api):
        assert (await api("POST", "/api/strategies/templates/nothing/clone")).status == 404


async def test_snippets_builtin_and_the_traders_own(api, workspace):
    folder = workspace / "snippets"
    folder.mkdir()
    (folder / "entry.py").write_text("# title: My entry\n# description: d\n# prefix: me\n\nself.buy(1)\n")
    (folder / "plain_one.py").write_text("x = 1\n")
    (folder / "notes.txt").write_text("no")
    (folder / "link.py").symlink_to("/etc/passwd")
    (folder / "latin.py").write_bytes(b"\xff")
    reply = await api("GET", "/api/snippets", params={"limit": 200})
    own = [item for item in reply.json["items"] if item["source"] == "user"]
    shown = [(item["id"], item["title"], item["description"], item["prefix"]) for item in own]
    assert shown == [("entry", "My entry", "d", "me"), ("plain_one", "Plain one", "", "plain_one")]
    assert [item["code"] for item in own] == ["self.buy(1)\n", "x = 1\n"]


async def test_sdk_documentation(api):
    reply = await api("GET", "/api/sdk/documentation")
    assert reply.status == 200
    assert reply.json["version"]
    missing = await api("GET", "/api/sdk/documentation", params={"name": "NoSuchThing"})
    assert missing.status == 404
