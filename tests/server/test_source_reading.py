"""Reading and checking source, in this process: pure functions of text."""

import json

import pytest
from alphintra_server.source.requests import describe, imports, read, validate

HEAD = "import alphintra as al\n\n\nclass A(al.Strategy):\n"


def check(code):
    return validate({"code": code})["diagnostics"]


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
def test_findings_have_lines_and_columns_from_one(code, expected):
    found = check(code)[0]
    names = ("line", "column", "end_line", "end_column", "severity", "code", "message")
    given = tuple(found[name] for name in names)
    assert given[:6] == expected[:6]
    if expected[6]:
        assert given[6] == expected[6]


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
        ("def on_bar(self):\n        self.buy(quantity=1, stoploss=3)", "UNKNOWN_ARGUMENT", 6, "error"),
        ("def on_bar(self):\n        al.croossed_above(1, 2)", "UNKNOWN_SDK_NAME", 6, "error"),
        ("def next(self):\n        pass", "UNKNOWN_EVENT", 5, "warning"),
        ("def on_bars(self):\n        pass", "UNKNOWN_EVENT", 5, "warning"),
        ("async def on_bar(self):\n        pass", "ASYNC_EVENT", 5, "error"),
    ],
)
def test_misuse_of_the_sdk(body, code, line, severity):
    found = [(item["code"], item["line"], item["severity"]) for item in check(HEAD + "    " + body + "\n")]
    assert (code, line, severity) in found


def test_an_indicator_may_not_be_read_forward_either():
    code = HEAD + (
        "    def on_start(self):\n        self.up, self.down = self.indicator(f, self.data.close)\n\n"
        "    def on_bar(self):\n        self.down[0]\n"
    )
    found = {item["code"] for item in check(code)}
    assert "FORWARD_INDEX" in found


def test_other_classes_are_left_alone():
    code = "class Box:\n    def on_bar(self):\n        self.data.close[0]\n        self.buy(0)\n"
    assert check(code) == []


def notebook(*cells):
    made = [{"cell_type": "code", "source": cell} for cell in cells]
    return json.dumps({"cells": [{"cell_type": "markdown", "source": "# T"}, *made]})


def kept(*cells):
    answer = read({"language": "notebook", "text": notebook(*cells)})
    assert answer["diagnostics"] == []
    return answer


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("import a; run(a)", "import a\n"),
        ("run(); x = 1; y = [x, -2, {'k': (3, 4)}]", "x = 1\ny = [x, -2, {'k': (3, 4)}]\n"),
        ("x = f()\nz = x + 1", ""),
        ("n: int = 3\nm: int", "n: int = 3\n"),
        ("a, (b, c) = 1, (2, 3)\nd.e = 1\nf[0] = 1", "a, (b, c) = 1, (2, 3)\n"),
        ("if True:\n    import a\nfor i in x: pass\nwith y: pass", ""),
        ("%load_ext x\n!pip install y\nz?\n?z\nq = !ls\nw = %time 1\nimport a", "import a\n"),
        ("def f():\n    %time go()\n    return 1", "def f():\n    pass\n    return 1\n"),
        ('t = """\n%not magic\n!nor this\n"""', 't = """\n%not magic\n!nor this\n"""\n'),
        ("!ls \\\n  -l\nimport a", "import a\n"),
        ("x = (10\n  % 3)", "x = (10\n  % 3)\n"),
        ("@d\n@e(1)\ndef f(): pass", "@d\n@e(1)\ndef f(): pass\n"),
        ("%%bash\nimport a", ""),
        ("s = 'é'; import a", "s = 'é'\nimport a\n"),
        ("async def f(): await g()", "async def f(): await g()\n"),
    ],
)
def test_what_a_job_keeps_of_a_cell(cell, code):
    assert kept(cell)["code"] == code


def test_future_imports_come_first_and_lines_keep_their_cells():
    answer = kept("import a\n\nX = 1", "from __future__ import annotations\n")
    assert answer["code"] == "from __future__ import annotations\nimport a\nX = 1\n"
    assert answer["line_map"] == [(3, 1), (2, 1), (2, 3)]
    assert answer["imports"] == ["__future__", "__future__.annotations", "a"]


def test_a_name_that_is_dropped_and_kept_later_is_not_missed():
    answer = kept("x = f()\n", "x = 1\n", "with g() as h: pass\n")
    assert list(answer["dropped"]) == ["h"]


@pytest.mark.parametrize(
    "text", ["{", "[]", "3", "{}", '{"cells": 3}', '{"cells": [{"cell_type": "code"}]}', "[" * 100_000]
)
def test_what_is_no_notebook(text):
    answer = read({"language": "notebook", "text": text})
    assert [item["code"] for item in answer["diagnostics"]] == ["NOT_A_NOTEBOOK"]


CLASSES = """\
import alphintra as tool
from alphintra import Param as P
import base.deep as deep
from base import Mine, Other

class One(tool.Strategy):
    'Doc.'
    a: int = P(1, low=0, high=2, step=1, description='x')
    b = P(default='m')
    c = P(2 * 3)
    d = 5

class Two(One):
    b = P(7)

class Three(Mine): pass
class Four(Other): pass
class Five(deep.Far): pass
class _Hidden(One): pass
class Six(dict, One): pass
class One(tool.Strategy): pass
"""


def test_classes_with_their_parameters_through_modules_and_aliases():
    modules = {
        "base/__init__.py": "from alphintra import Strategy\nclass Mine(Strategy): pass\nclass Other: pass\n",
        "base/deep.py": "import base\nclass Far(base.Mine): pass\n",
    }
    found = {item["name"]: item for item in describe({"code": CLASSES, "modules": modules})["classes"]}
    assert list(found) == ["Two", "Three", "Five", "Six", "One"]
    assert found["Two"]["parameters"] == {
        "a": {"default": 1, "low": 0, "high": 2, "step": 1, "description": "x"},
        "b": {"default": 7},
        "c": {"default": None},
    }
    assert (found["One"]["line"], found["One"]["parameters"]) == (21, {})


def test_modules_that_import_each_other_end():
    modules = {"a.py": "from b import B\nclass A(B): pass\n", "b.py": "from a import A\nclass B(A): pass\n"}
    assert describe({"code": "from a import A\nclass C(A): pass\n", "modules": modules})["classes"] == []


def test_imports_of_a_module_relative_ones_included():
    code = (
        "from . import x\nfrom .y import z\nfrom ..up import v\nimport q.r\n"
        "from s import *\nfrom .... import far\n"
    )
    answer = imports({"code": code, "package": "p.inner", "path": "p/inner/m.py"})
    assert sorted(answer["imports"]) == [
        "p", "p.inner", "p.inner.x", "p.inner.y", "p.inner.y.z", "p.up", "p.up.v", "q", "q.r", "s",
    ]  # fmt: skip
    broken = imports({"code": "def", "package": "", "path": "m.py"})
    assert (broken["imports"], broken["diagnostics"][0]["file"]) == ([], "m.py")


def test_a_dropped_name_is_explained():
    extracted = kept("w = compute()", "def f():\n    return w\n")
    answer = describe({key: extracted[key] for key in ("code", "line_map", "dropped")})
    assert [item["message"] for item in answer["diagnostics"]] == [
        "Cell 3, line 2: Undefined name 'w': cell 2 defines it in a statement that is not an import, a "
        "function, a class or a constant, and a job does not run that"
    ]
