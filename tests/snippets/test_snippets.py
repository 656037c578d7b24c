"""Each shipped snippet runs as it is, in the place its header names."""

from __future__ import annotations

import textwrap
from pathlib import Path

import alphintra as al
import pytest
from alphintra_server.services.snippets import parse_snippet

FOLDER = Path(al.__file__).parent / "snippets"
FILES = sorted(FOLDER.glob("*.py"))
DATA = "us-equities-daily/AAPL"


@pytest.fixture(autouse=True)
def _private_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


def code(name: str) -> str:
    return parse_snippet(name, (FOLDER / f"{name}.py").read_text(), "builtin").code


def context(path: Path) -> str:
    lines = [line for line in path.read_text().splitlines() if line.startswith("# context:")]
    return lines[0].removeprefix("# context:").strip() if lines else ""


def run(name: str) -> dict:
    """Execute a snippet in its context; returns the names it leaves behind."""
    names: dict = {"al": al}
    where = context(FOLDER / f"{name}.py")
    if where == "":
        exec(code(name), names)
    elif where in ("after_strategy", "after_result"):
        exec(code("strategy"), names)
        if where == "after_result":
            exec(code("backtest"), names)
        exec(code(name), names)
    else:
        body = textwrap.indent(code(name), "        " if where == "on_start" else "            ")
        guard = "" if where == "on_start" else "        if self.bar_index in (30, 60):\n"
        if name == "schedule":
            guard = "        if True:\n"
        exec(f"class S(al.Strategy):\n    def {where}(self):\n{guard}{body}", names)
        names["result"] = al.backtest(names["S"], DATA, commission=0.001)
    return names


def test_there_are_at_least_twelve_with_titles():
    assert len(FILES) >= 12
    parsed = [parse_snippet(p.stem, p.read_text(), "builtin") for p in FILES]
    assert all(s.title and s.description and s.prefix.startswith("al") for s in parsed)
    assert len({s.prefix for s in parsed}) == len(parsed)
    assert not any(s.code.startswith("#") for s in parsed)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_snippet_runs(path):
    run(path.stem)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("market_order", ["MARKET", "MARKET"]),
        ("limit_order", ["LIMIT", "LIMIT"]),
        ("stop_order", ["STOP", "STOP"]),
        ("stop_limit_order", ["STOP_LIMIT", "STOP_LIMIT"]),
        ("bracket", ["MARKET", "STOP", "LIMIT", "MARKET", "STOP", "LIMIT"]),
        ("sizing", ["MARKET", "STOP", "MARKET", "STOP"]),
    ],
)
def test_order_snippets_place_their_order(name, kinds):
    assert run(name)["result"].orders["type"].tolist() == kinds


def test_the_others_do_what_they_say(tmp_path):
    assert run("record")["result"].recorded["exposure"].tolist() == [0.0, 0.0]
    assert len(run("schedule")["result"].orders) == 156  # month ends of March 2000 to February 2013
    assert run("backtest")["result"].run["parameters"] == {"length": 100, "share": 0.95}
    assert len(run("load")["prices"]) == 3270
    run("report")
    assert (tmp_path / "report.html").stat().st_size > 10_000
