"""Checking code, snippets, templates and SDK documentation over REST."""

import json

import pytest

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


async def test_findings_are_answered_with_their_places(validate):
    reply = await validate(HEAD + "    def on_bar(self):\n        self.data.close[0]\n")
    assert reply.json == {
        "valid": False,
        "diagnostics": [
            {
                "line": 6,
                "column": 9,
                "end_line": 6,
                "end_column": 27,
                "severity": "error",
                "code": "FORWARD_INDEX",
                "message": "`self.data.close[0]` raises: views count back from now, "
                "`self.data.close[-1]` is the current bar",
                "cell": None,
                "file": None,
            }
        ],
    }
    warned = await validate("import os\n")
    assert (warned.json["valid"], warned.json["diagnostics"][0]["severity"]) == (True, "warning")


async def test_validate_refuses_what_is_not_python_or_too_large(validate):
    reply = await validate("x", language="pine")
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, "language")
    reply = await validate("x" * ((1 << 20) + 1))
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, "code")


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
