"""Templates: manifest and notebooks agree, and one of them is computed again by other means.

The notebooks themselves run under nbval, which compares their key numbers.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import alphintra as al
import nbformat
import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "templates"
MANIFEST = json.loads((FOLDER / "manifest.json").read_text())


@pytest.fixture(autouse=True)
def _private_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path))


def code_cells(entry: dict) -> list:
    notebook = nbformat.read(FOLDER / entry["file"], as_version=4)
    nbformat.validate(notebook)
    return [c for c in notebook.cells if c.cell_type == "code"]


def strategy(entry: dict) -> type:
    source = next(c.source for c in code_cells(entry) if "(al.Strategy)" in c.source)
    names: dict = {"al": al}
    exec(source, names)
    return next(c for c in names.values() if isinstance(c, type) and issubclass(c, al.Strategy))


def test_manifest_lists_every_notebook():
    assert {e["file"] for e in MANIFEST} == {p.name for p in FOLDER.glob("*.ipynb")}
    assert [e["id"] for e in MANIFEST] == [
        "sma-cross", "donchian-breakout", "momentum-rotation", "rsi-mean-reversion", "volatility-targeting",
        "pairs-spread", "ml-classifier",
    ]  # fmt: skip
    assert {e["difficulty_level"] for e in MANIFEST} <= {"BEGINNER", "INTERMEDIATE", "ADVANCED"}


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda e: e["id"])
def test_notebook_is_ready_to_run(entry):
    notebook = nbformat.read(FOLDER / entry["file"], as_version=4)
    cells = code_cells(entry)
    assert notebook.metadata.kernelspec.name == "alphintra"
    assert cells[0].source == "import alphintra as al"
    assert "survivors" in " ".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    assert any("commission=0.001" in c.source for c in cells)
    stored = [c for c in cells if c.outputs]
    assert len(stored) == 1 and stored[0] is cells[-1]
    assert stored[0].source.startswith("# NBVAL_CHECK_OUTPUT")


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda e: e["id"])
def test_manifest_states_the_strategys_own_parameters(entry):
    declared = strategy(entry).parameters()
    keys = ("default", "low", "high", "description")
    assert entry["parameters"] == {name: {k: p[k] for k in keys} for name, p in declared.items()}


#: What is fitted in a walk-forward has no plain backtest: see test_ml_classifier.
PLAIN = [e for e in MANIFEST if e["id"] != "ml-classifier"]


@pytest.mark.parametrize("entry", PLAIN, ids=lambda e: e["id"])
def test_strategy_reads_no_future(entry):
    """F12, on the data of the template's own backtest."""
    source = "\n".join(c.source for c in code_cells(entry))
    data = re.search(r"""al\.backtest\(\s*\w+,\s*(?:data=)?"([^"]+)\"""", source).group(1)
    check = al.check(strategy(entry), data, commission=0.001).raise_if_failed()
    assert check.deterministic and len(check.points) == 8 and check.notes == ()


def test_sma_cross_equals_a_plain_loop():
    """Next-open fills, whole shares, 95 % of equity at the open fee included, 0.1 % commission: no engine involved.

    Raw prices: a split changes the shares before its open, a dividend goes to who held at the close before, and the
    averages are over prices in one kind of share.
    """
    bars = al.data.resolve("us-equities-daily/AAPL").bars["AAPL"]
    ratios, paid = {}, {}
    for row in al.data.load("us-equities-daily/AAPL").events().itertuples():
        (ratios if row.kind == "split" else paid)[int(np.datetime64(row.ex_date, "D").astype(int))] = row.value
    became = np.cumprod([ratios.get(int(day), 1.0) for day in bars.session])
    average = {n: np.convolve(bars.close * became, np.ones(n) / n)[: len(bars.close)] for n in (20, 50)}
    cash, shares, trades = 100_000.0, 0, 0
    for i in range(50, len(bars.close) - 1):
        fast, slow = average[20], average[50]
        price = bars.open[i + 1]
        cash += shares * paid.get(int(bars.session[i + 1]), 0.0)
        shares = int(shares * ratios.get(int(bars.session[i + 1]), 1.0))  # both were 2:1: no fractions
        if fast[i] > slow[i] and fast[i - 1] <= slow[i - 1] and shares == 0:
            budget = 0.95 * cash
            shares = math.floor(budget / (price * 1.001))
            cash -= shares * price * 1.001
        elif fast[i] < slow[i] and fast[i - 1] >= slow[i - 1] and shares:
            cash += shares * price * 0.999
            shares, trades = 0, trades + 1
    assert shares == 0
    result = al.backtest(strategy(MANIFEST[0]), "us-equities-daily/AAPL", cash=100_000, commission=0.001)
    assert trades == result.metrics["total_trades"] == 31
    assert round(cash, 2) == round(result.metrics["final_equity"], 2) == 721_635.91
