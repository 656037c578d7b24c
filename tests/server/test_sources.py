"""Source out of workspace files: notebooks, modules beside the file, links and other traps."""

import json
import os

import pytest

IMPORTS = "%matplotlib inline\nimport alphintra as al; print('hello')\n!ls\n"
CLASS = '''\
@(lambda c: c)
class SmaCross(al.Strategy):
    """Crossing.

    %not a magic
    """
    fast = al.Param(FAST, low=2)

    def on_bar(self):
        return tidy(self.data.close[-1])
'''


def notebook(*cells):
    return json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {},
            "cells": [
                {"cell_type": "markdown", "metadata": {}, "source": ["# Title"]},
                *(
                    {
                        "cell_type": "code",
                        "metadata": {},
                        "outputs": [],
                        "execution_count": None,
                        "source": cell,
                    }
                    for cell in cells
                ),
            ],
        }
    )


@pytest.fixture
def inspect(api, workspace):
    async def look(path, text=None):
        if text is not None:
            (workspace / path).parent.mkdir(parents=True, exist_ok=True)
            (workspace / path).write_text(text)
        return await api("POST", "/api/strategies/code/inspect", {"path": path})

    return look


async def test_notebook_keeps_imports_functions_classes_and_constants(api, inspect):
    cells = [
        IMPORTS,
        "FAST, SLOW = 20, 2 * 25\nframe = al.data.load('x')\n",
        "def tidy(value):\n    return round(value, FAST)\n",
        CLASS.splitlines(keepends=True),
        "al.backtest(SmaCross)\n",
    ]
    reply = await inspect("sma.ipynb", notebook(*cells))
    assert reply.status == 200
    assert reply.json["language"] == "notebook"
    assert reply.json["diagnostics"] == []
    (found,) = reply.json["classes"]
    assert (found["name"], found["cell"], found["line"]) == ("SmaCross", 5, 2)
    assert found["doc"].startswith("Crossing.")
    saved = await api("POST", "/api/strategies/code/from-file", {"path": "sma.ipynb"})
    assert saved.status == 201, saved.json
    assert saved.json["code"] == (
        "import alphintra as al\n"
        "FAST, SLOW = 20, 2 * 25\n"
        "def tidy(value):\n    return round(value, FAST)\n" + CLASS
    )
    assert saved.json["name"] == "SmaCross"
    assert saved.json["class_name"] == "SmaCross"
    assert saved.json["source_path"] == "sma.ipynb"
    assert saved.json["created_version"] is True


async def test_a_missing_name_is_an_error_that_names_the_cell(api, inspect):
    cells = [
        "import alphintra as al\nwindow = compute()\n",
        "class A(al.Strategy):\n    def on_bar(self):\n        window\n",
    ]
    reply = await inspect("n.ipynb", notebook(*cells))
    errors = [item for item in reply.json["diagnostics"] if item["severity"] == "error"]
    assert [(item["code"], item["cell"], item["line"]) for item in errors] == [("UNDEFINED_NAME", 3, 3)]
    assert errors[0]["message"] == (
        "Cell 3, line 3: Undefined name 'window': cell 2 defines it in a statement that is not an import, a "
        "function, a class or a constant, and a job does not run that"
    )
    refused = await api("POST", "/api/strategies/code/from-file", {"path": "n.ipynb"})
    assert (refused.status, refused.json["code"]) == (422, "UNDEFINED_NAME")
    assert refused.json["errors"][0]["cell"] == 3
    assert refused.json["diagnostics"] == reply.json["diagnostics"]
    assert (await api("GET", "/api/strategies/code")).json["items"] == []


async def test_cell_magics_are_dropped_whole_and_said(inspect):
    cells = ["%%time\nimport alphintra as al\n", "class A(al.Strategy):\n    def on_bar(self): pass\n"]
    reply = await inspect("n.ipynb", notebook(*cells))
    assert "cell 2 defines it in a cell that starts with %%time" in reply.json["diagnostics"][0]["message"]


async def test_a_cell_that_does_not_parse_is_named(api, inspect):
    cells = ["import alphintra as al\n", "class A(al.Strategy:\n    pass\n"]
    reply = await inspect("n.ipynb", notebook(*cells))
    (finding,) = [item for item in reply.json["diagnostics"] if item["severity"] == "error"]
    assert (finding["code"], finding["cell"], finding["line"]) == ("SYNTAX_ERROR", 3, 1)
    refused = await api("POST", "/api/strategies/code/from-file", {"path": "n.ipynb"})
    assert refused.status == 422
    assert refused.json["errors"][0]["cell"] == 3


async def test_several_classes_let_the_trader_pick(api, inspect):
    code = (
        "import alphintra as al\nclass A(al.Strategy):\n    def on_bar(self): pass\n"
        "class B(al.Strategy):\n    def on_bar(self): pass\n"
    )
    await inspect("two.py", code)
    refused = await api("POST", "/api/strategies/code/from-file", {"path": "two.py"})
    assert (refused.status, refused.json["code"]) == (422, "SEVERAL_STRATEGIES")
    assert [item["name"] for item in refused.json["classes"]] == ["A", "B"]
    a = await api("POST", "/api/strategies/code/from-file", {"path": "two.py", "class_name": "A"})
    b = await api("POST", "/api/strategies/code/from-file", {"path": "two.py", "class_name": "B"})
    assert (a.status, b.status) == (201, 201)
    assert a.json["id"] != b.json["id"]


async def test_a_row_per_file_and_class_and_a_version_per_change(api, inspect, workspace):
    code = "import alphintra as al\nclass A(al.Strategy):\n    def on_bar(self): pass\n"
    await inspect("a.py", code)
    save = lambda: api("POST", "/api/strategies/code/from-file", {"path": "a.py"})  # noqa: E731
    first, same = await save(), await save()
    assert (first.status, first.json["version"]) == (201, 1)
    assert (same.status, same.json["version"], same.json["created_version"]) == (200, 1, False)
    assert same.json["id"] == first.json["id"]
    (workspace / "a.py").write_text(code + "X = 1\n")
    changed = await save()
    assert (changed.status, changed.json["version"], changed.json["created_version"]) == (200, 2, True)
    await api("POST", f"/api/strategies/code/{first.json['id']}/archive")
    assert (await save()).json["code"] == "ARCHIVED"


async def test_modules_beside_the_file_are_stored_and_hashed(api, inspect, workspace):
    files = {
        "lab/a.py": "import alphintra as al\nimport random, helpers\nfrom pack.inner import Base\n"
        "class A(Base):\n    def on_bar(self): helpers.go(random)\n",
        "lab/helpers.py": "import other\ndef go(x): return other.y\n",
        "lab/other.py": "y = 1\n",
        "lab/random.py": "raise SystemExit\n",
        "lab/unused.py": "raise SystemExit\n",
        "lab/pack/__init__.py": "",
        "lab/pack/inner.py": "from . import more\nimport alphintra as al\n"
        "class Base(al.Strategy):\n    base = al.Param(3)\n",
        "lab/pack/more.py": "z = 1\n",
        "helpers.py": "raise SystemExit\n",
    }
    for path, text in files.items():
        (workspace / path).parent.mkdir(parents=True, exist_ok=True)
        (workspace / path).write_text(text)
    reply = await inspect("lab/a.py")
    modules = ["helpers.py", "other.py", "pack/__init__.py", "pack/inner.py", "pack/more.py"]
    assert reply.json["modules"] == modules
    assert reply.json["classes"][0]["parameters"] == {"base": {"default": 3}}
    first = await api("POST", "/api/strategies/code/from-file", {"path": "lab/a.py"})
    assert (first.status, first.json["modules"]) == (201, modules)
    (workspace / "lab/other.py").write_text("y = 2\n")
    second = await api("POST", "/api/strategies/code/from-file", {"path": "lab/a.py"})
    assert (second.json["version"], second.json["code"]) == (2, first.json["code"])
    assert second.json["source_hash"] != first.json["source_hash"]
    version = await api("GET", f"/api/strategies/code/{first.json['id']}/versions/1")
    assert version.json["modules"]["other.py"] == "y = 1\n"


async def test_a_module_that_does_not_parse_is_named(api, inspect, workspace):
    (workspace / "broken.py").write_text("def\n")
    await inspect(
        "a.py", "import alphintra as al, broken\nclass A(al.Strategy):\n    def on_bar(self): broken\n"
    )
    refused = await api("POST", "/api/strategies/code/from-file", {"path": "a.py"})
    assert refused.status == 422
    assert refused.json["detail"] == "broken.py, line 1: Invalid syntax"
    assert refused.json["errors"][0]["file"] == "broken.py"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("missing.py", 404),
        ("no/such/folder.py", 404),
        ("../outside.py", 422),
        ("a/../../outside.py", 422),
        (".hidden.py", 422),
        (".git/config.py", 422),
        ("nul\0.py", 422),
        ("notes.txt", 422),
        ("", 422),
        ("/", 422),
        ("link.py", 404),
        ("folder.py", 404),
        ("pipe.py", 404),
        ("linked/a.py", 404),
        ("latin.py", 422),
        ("broken.ipynb", 200),
    ],
)
async def test_what_is_not_read(inspect, workspace, tmp_path, path, status):
    (tmp_path / "outside.py").write_text("SECRET = 1\n")
    (tmp_path / "a.py").write_text("SECRET = 1\n")
    (workspace / "link.py").symlink_to(tmp_path / "outside.py")
    (workspace / "linked").symlink_to(tmp_path)
    os.mkfifo(workspace / "pipe.py")
    (workspace / "folder.py").mkdir()
    (workspace / "latin.py").write_bytes(b"x = 1\nname = '\xe9'\n")
    (workspace / "broken.ipynb").write_text("{")
    reply = await inspect(path)
    assert reply.status == status, reply.json
    assert "SECRET" not in json.dumps(reply.json)
    if path == "latin.py":
        assert reply.json["detail"] == "path: latin.py is not UTF-8 (line 2)"
    if path == "broken.ipynb":
        assert reply.json["diagnostics"][0]["code"] == "NOT_A_NOTEBOOK"


async def test_a_link_beside_the_file_is_no_module(inspect, workspace, tmp_path):
    (tmp_path / "secret.py").write_text("SECRET = 1\n")
    (workspace / "secret.py").symlink_to(tmp_path / "secret.py")
    reply = await inspect("a.py", "import alphintra as al, secret\nclass A(al.Strategy): pass\n")
    assert reply.json["modules"] == []


async def test_too_large_a_file_is_413(inspect, workspace):
    (workspace / "big.py").write_text("# " + "x" * (9 << 20))
    assert (await inspect("big.py")).status == 413
