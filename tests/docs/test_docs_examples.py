"""Quick start and SDK tour are run as they stand; the reference is what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import alphintra as al
import pytest

from .pages import DOCS, Block, blocks

QUICK = blocks("quickstart.md")
SDK = [block for block in blocks("sdk.md") if block.language == "python"]


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


def under(heading: str, language: str) -> list[Block]:
    return [b for b in QUICK if b.heading == heading and b.language == language]


def shell(command: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    from alphintra.cli import main

    capsys.readouterr()
    assert main(command.split()[1:]) in (0, None)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_quick_start_in_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source,) = under("In a terminal", "python")
    (command,) = under("In a terminal", "sh")
    backtest, datasets = under("In a terminal", "text")
    (tmp_path / "sma_cross.py").write_text(source.text)
    assert shell(command.text, capsys) == backtest.text.splitlines()
    assert shell("alphintra data list", capsys) == datasets.text.splitlines()


def test_quick_start_in_python(tmp_path: Path) -> None:
    names: dict[str, Any] = {"__name__": "quickstart"}
    exec(under("In a terminal", "python")[0].text, names)
    exec(under("In Python", "python")[0].text, names)
    assert names["result"].run["parameters"] == {"fast": 10, "slow": 50}
    assert (tmp_path / "report.html").read_text().startswith("<!")


def test_the_tour_runs_and_every_strategy_in_it_trades() -> None:
    names: dict[str, Any] = {"__name__": "tour"}
    for block in SDK:
        exec(block.text, names)
    found = {n: v for n, v in names.items() if isinstance(v, type) and issubclass(v, al.Strategy)}
    assert list(found) == ["Breakout", "WithTheWeek", "Rotation", "Reversion", "EveryOrder", "FastCross", "Hindsight"]
    (stated,) = [b.text for b in blocks("sdk.md") if (b.heading, b.language) == ("Check for look-ahead", "text")]
    assert names["check"].differences[0].text == stated
    assert [c.equal for c in names["verification"].comparisons] == [False, False]
    for cls in found.values():
        result = al.backtest(cls, getattr(cls, "universe", "us-equities-daily/AAPL"))
        assert result.metrics["total_trades"] >= 1
    orders = al.backtest(names["EveryOrder"], "us-equities-daily/AAPL").orders
    assert set(orders["type"]) == {"MARKET", "LIMIT", "STOP", "STOP_LIMIT"}


def test_the_first_page_says_what_it_does_not_do() -> None:
    first = (DOCS / "index.md").read_text()
    for word in ("Options", "Futures rolls", "Tick backtests", "Live brokers"):
        assert f"**{word}.**" in first
    assert "Costs default to zero, and every report says so in red" in first


def test_the_reference_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(DOCS / "generate.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_links_lead_to_pages() -> None:
    for page in DOCS.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert target.startswith("http") or (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_architecture_page_states_the_engine_s_threshold() -> None:
    from alphintra_backtest.books import PLAIN_BELOW

    assert f"runs under {PLAIN_BELOW:,} timestamps" in (DOCS / "architecture.md").read_text()


def test_the_index_names_the_number_of_shipped_shares() -> None:
    assert len(al.data.load("us-equities-daily").market().symbols) == 5
    assert "The five shares that ship" in (DOCS / "index.md").read_text()
