"""What ``al.submit`` sends: the class, what it uses, and nothing that a job could not have."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from alphintra.errors import SourceError
from alphintra.strategy_source import source_of

MINE = "import alphintra as al\nimport mine_too\nWEIGHT = 3\nclass Base(al.Strategy):\n    pass\n"


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """What the classes of ``cells.py`` became."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "mine.py").write_text(MINE)
    (folder / "mine_too.py").write_text("K = 1\n")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("cells.py")), str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "JPY_SESSION_NAME": "/work/Mine.ipynb", "IPYTHONDIR": str(folder / "ipython")},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


EXPECTED = '''\
from __future__ import annotations
from mine import Base
import pandas as pd
from datetime import date
import alphintra as al
from functools import lru_cache
from scipy.stats import norm
import mine
import numpy as np
from alphintra import ta
import scipy
import scipy.stats
'''


def test_a_class_of_a_cell_comes_with_what_it_uses(cells):
    code = cells["SmaCross"]["code"]
    head, _, rest = code.partition("\n\n")
    assert set(head.splitlines()) <= set(EXPECTED.splitlines()) | {"from alphintra.ta import SMA"}
    assert code.startswith("from __future__ import annotations\n")
    for line in ("FAST = 25", "SLOW = 40", "LIST = [1, 2, (3, 4)]", 'INF = float("inf")', "NUMBER = 3.5"):
        assert line in rest.splitlines()
    for line in ("DAY = date(2020, 1, 2)", "STAMP = pd.Timestamp('2020-01-01')", "add = lambda x: x + FAST"):
        assert line in rest.splitlines()
    assert "alias = second" in rest.splitlines()
    assert '@lru_cache\ndef helper(x):\n    """Doc."""\n' in rest
    assert "df = " not in rest.split("class SmaCross")[0]
    assert "model" not in rest.split("class SmaCross")[0]
    assert cells["SmaCross"]["path"] == "/work/Mine.ipynb"
    assert cells["SmaCross"]["modules"] == {"mine.py": MINE, "mine_too.py": "K = 1\n"}


def test_names_come_before_what_uses_them_and_the_whole_runs(cells, tmp_path, monkeypatch):
    for path, text in cells["NoMethods"]["modules"].items():
        (tmp_path / path).write_text(text)
    (tmp_path / "stored.py").write_text(cells["NoMethods"]["code"])
    monkeypatch.syspath_prepend(tmp_path)
    stored = importlib.import_module("stored")
    try:
        assert stored.NoMethods.__mro__[1].__name__ == "SmaCross"
        assert stored.helper(2) == 2 * 40 + 2 + 25 + 0.5
        assert stored.odd(3)
        assert stored.alias is stored.second
    finally:
        for name in ("stored", "mine", "mine_too"):
            sys.modules.pop(name, None)


def test_of_two_classes_of_one_name_the_last(cells):
    assert cells["Twice"]["code"].endswith("return 2\n")


def test_what_a_job_cannot_have_is_named(cells):
    assert cells["UsesFrame"] == {
        "code": "NOT_PORTABLE",
        "error": "reads uses df, a pandas.DataFrame of this notebook, and a job cannot see it – make df a Param, "
        "compute it in on_start, or move what makes it into a function of the class",
    }
    assert cells["UsesObject"]["code"] == "NOT_PORTABLE"
    assert "UsesObject uses model, a object of this notebook" in cells["UsesObject"]["error"]
    assert cells["Inner"] == {
        "code": "NO_SOURCE",
        "error": "Inner is defined inside make.<locals> – define it at the top of a cell or file",
    }
    # A name that nothing defines is the server's to refuse, with its line.
    assert "nothing_of_this_name" in cells["Undefined"]["code"]


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write modules and import one; they are forgotten with the test."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def write(name, **texts):
        for each, text in texts.items():
            path = tmp_path / (each.replace("__dot__", "/") + ".py")
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(text)
        return importlib.import_module(name)

    yield write
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


STRATEGY = "import alphintra as al\nfrom tools.sizes import HALF\nclass S(al.Strategy):\n    size = al.Param(HALF)\n"


def test_a_class_of_a_module_comes_with_its_file_and_the_modules_beside_it(module, tmp_path):
    found = source_of(
        module(
            "mystrategy",
            mystrategy=STRATEGY,
            tools__dot____init__="",
            tools__dot__sizes="from . import more\nHALF = 1 / 2\ndef late():\n    import tools.later\n",
            tools__dot__more="import json\nimport numpy\n",
            tools__dot__later="X = 1\n",
            unused="Y = 1\n",
        ).S
    )
    assert found.code == STRATEGY
    assert sorted(found.modules) == ["tools/__init__.py", "tools/later.py", "tools/more.py", "tools/sizes.py"]
    assert found.path == str(tmp_path / "mystrategy.py")
    assert found.line(3) == "class S(al.Strategy):"
    assert found.line(99) == found.line(None) == ""


def test_relative_imports_of_the_strategys_own_file_are_refused(module):
    made = module(
        "pack.s",
        pack__dot____init__="",
        pack__dot__s="import alphintra as al\nfrom . import other\nclass S(al.Strategy):\n    pass\n",
        pack__dot__other="",
    )
    with pytest.raises(SourceError, match=r"imports relatively in line 2.*from pack"):
        source_of(made.S)


def test_too_many_modules_are_refused(module):
    imports = "".join(f"import many{number}\n" for number in range(70))
    made = module(
        "big",
        big=imports + "import alphintra as al\nclass S(al.Strategy):\n    pass\n",
        **{f"many{number}": "" for number in range(70)},
    )
    with pytest.raises(SourceError, match="more than 64 modules"):
        source_of(made.S)


def test_what_was_installed_in_the_notebook_is_refused(module, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "site-packages"))
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    made = module(
        "uses",
        **{"site-packages/brought": "X = 1\n"},
        uses="import alphintra as al\nimport brought\nclass S(al.Strategy):\n    pass\n",
    )
    with pytest.raises(SourceError, match="uses brought, which was installed in this notebook"):
        source_of(made.S)


def test_an_installed_class_is_refused_with_what_to_do():
    import alphintra as al

    with pytest.raises(SourceError, match=r"class MyStrategy\(Strategy\)"):
        source_of(al.Strategy)
