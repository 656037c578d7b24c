"""The command line does what the README says, and tells what is wrong with its input."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from alphintra import cli, gallery
from alphintra.errors import DataError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _private_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def sma(tmp_path) -> Path:
    """The README's own strategy, so that the README is what is tested."""
    code = re.search(r"```python\n(.*?)\nresult =", (ROOT / "README.md").read_text(), re.S)
    path = tmp_path / "sma_readme.py"
    path.write_text(code.group(1))
    return path


def run(capsys, *argv: str) -> tuple[int, str, str]:
    status = cli.main(list(argv))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


AAPL = ("--data", "us-equities-daily/AAPL", "--cash", "100000", "--commission", "0.001")


def test_json_has_everything_that_the_run_rests_on(sma, capsys):
    status, out, _ = run(capsys, "backtest", f"{sma}:SmaCross", *AAPL, "--param", "fast=20", "--json")
    document = json.loads(out)
    assert status == 0
    assert set(document) >= {"run", "assumptions", "metrics", "undefined", "trades", "fills", "orders"}
    keys = {"dataset", "dataset_hash", "strategy_hash", "parameters", "seed", "engine_version", "configuration"}
    assert set(document["run"]) >= keys
    assert document["run"]["parameters"] == {"fast": 20, "slow": 50}
    assert round(document["metrics"]["final_equity"], 2) == 721_635.91
    assert document["metrics"]["total_trades"] == 31
    assert len(document["trades"]) == 31 and len(document["fills"]) == 62
    fill = {"time", "symbol", "side", "quantity", "price", "commission", "rule", "order_id"}
    assert set(document["fills"][0]) >= fill
    assert document["fills"][0]["rule"] == "F1.open"
    assert {o["state"] for o in document["orders"]} == {"FILLED"}


def test_readme_states_the_figures_of_that_run():
    text = (ROOT / "README.md").read_text()
    assert "ends at 721,635.91 with 31 closed trades" in text


def test_plain_output_and_report(sma, capsys, tmp_path):
    report = tmp_path / "r.html"
    status, out, err = run(capsys, "backtest", str(sma), *AAPL, "--report", str(report))
    assert status == 0
    assert "+621.6\u202f%" in out and str(report) in err
    assert "<html" in report.read_text()[:200].lower()


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("0.001", 0.001),
        ("percent=0.001", 0.001),
        ("per_share=0.005,minimum=1", {"per_share": 0.005, "minimum": 1.0}),
        ('{"per_share": 0.005, "tiers": [[10000, 0.002], [null, 0.001]]}',
         {"per_share": 0.005, "tiers": [[10000.0, 0.002], [None, 0.001]]}),
    ],
)  # fmt: skip
def test_costs_as_parts(sma, capsys, typed, stored):
    data = ("--data", "us-equities-daily/AAPL", "--end", "2001-01-31", "--json")
    status, out, _ = run(capsys, "backtest", str(sma), *data, "--commission", typed, "--slippage", "spread=0.02")
    document = json.loads(out)
    assert status == 0
    assert document["run"]["configuration"]["commission"] == stored
    assert document["run"]["configuration"]["slippage"] == {"spread": 0.02}
    if stored == {"per_share": 0.005, "minimum": 1.0}:
        for fill in document["fills"]:
            assert fill["commission"] == pytest.approx(max(1.0, 0.005 * fill["quantity"]))
            assert fill["slippage"] == pytest.approx(0.01 * fill["quantity"])


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ((), {"per_share": 0.005, "minimum": 1.0, "maximum_percent": 0.005}),
        (("--commission", "0"), 0.0),
        (("--commission", "per_share=0.01,maximum_percent=0.01"), {"per_share": 0.01, "maximum_percent": 0.01}),
    ],
)
def test_a_profile_has_a_commission_of_its_own(sma, capsys, typed, stored):
    data = ("--data", "us-equities-daily/AAPL", "--end", "2001-01-31", "--json", "--profile", "lean")
    status, out, _ = run(capsys, "backtest", str(sma), *data, *typed)
    assert (status, json.loads(out)["run"]["configuration"]["commission"]) == (0, stored)


def test_a_csv_file_is_data(sma, capsys, tmp_path):
    rows = ["date,open,high,low,close,volume"]
    for i in range(200):
        price = 10 + i % 7
        rows.append(f"2020-{1 + i // 28:02d}-{1 + i % 28:02d},{price},{price + 1},{price - 1},{price},1000")
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(rows))
    status, out, _ = run(capsys, "backtest", str(sma), "--data", str(path), "--param", "slow=30", "--json")
    document = json.loads(out)
    assert status == 0
    assert document["run"]["dataset"] == "mine" and document["run"]["symbols"] == ["mine"]
    assert document["assumptions"][0]["code"] == "costs_none"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--data", "us-equities-daily/APL"], "did you mean 'aapl'"),
        (["--data", "us-equites-daily"], "us-equities-daily"),
        ([*AAPL, "--param", "fst=2"], "did you mean 'fast'"),
        ([*AAPL, "--param", "fast=1"], "below its low of 2"),
        ([*AAPL, "--param", "fast"], "is not name=value"),
        ([*AAPL, "--rule", "maxshare=1"], "did you mean 'max_share'"),
        ([*AAPL, "--rule", "max_share=2"], "outside [0, 1]"),
        ([*AAPL, "--profile", "zipline"], "unknown profile 'zipline'"),
        ([*AAPL, "--start", "2030-01-01"], "2013-03-01"),
        ([*AAPL, "--cash", "-5"], "cash=-5.0 is outside"),
        ([*AAPL, "--commission", "much"], "'much' is not a number (commission) – a fraction (0.001), parts"),
        ([*AAPL, "--commission", "0.7"], "commission=0.7 is outside [0, 0.5]"),
        ([*AAPL, "--commission", "per_share=0.01,1"], "commission: '1' is not part=number"),
        ([*AAPL, "--commission", "per_share=x"], "commission: 'per_share=x' is not a number"),
        ([*AAPL, "--commission", "fixed=1,fixed=2"], "commission: fixed is given twice"),
        ([*AAPL, "--commission", '{"fixed": 1, "fixed": 2}'], "commission: fixed is given twice"),
        ([*AAPL, "--commission", '{"tiers": [[true, 0.1]]}'], "cannot be read"),
        ([*AAPL, "--commission", "per_shar=1"], "no part 'per_shar' (commission) – parts are: percent, per_share"),
        ([*AAPL, "--commission", "minimum=2,maximum=1"], "maximum 1 is below minimum 2"),
        ([*AAPL, "--commission", "{percent: 1}"], "is not json"),
        ([*AAPL, "--slippage", "spread=-1"], "spread must be a finite number ≥ 0"),
    ],
)
def test_bad_input_says_what_to_do(sma, capsys, argv, said):
    status, out, err = run(capsys, "backtest", str(sma), *argv)
    assert status == 2 and out == ""
    assert said in err.lower()


def test_bad_strategy_files(capsys, tmp_path, sma):
    assert "no file" in run(capsys, "backtest", "absent.py:X", *AAPL)[2]
    assert "has no strategy 'Other'" in run(capsys, "backtest", f"{sma}:Other", *AAPL)[2]
    broken = tmp_path / "broken.py"
    broken.write_text("class A(:\n")
    status, _, err = run(capsys, "backtest", str(broken), *AAPL)
    assert status == 2 and "SYNTAX_ERROR" in err and "line 1" in err
    two = tmp_path / "two_strategies.py"
    two.write_text("import alphintra as al\nclass A(al.Strategy): pass\nclass B(al.Strategy): pass\n")
    assert "2 strategies" in run(capsys, "backtest", str(two), *AAPL)[2]
    raises = tmp_path / "raises_late.py"
    raises.write_text("import alphintra as al\nclass A(al.Strategy):\n    def on_bar(self):\n        1 / 0\n")
    status, _, err = run(capsys, "backtest", str(raises), *AAPL)
    assert status == 2
    assert "raises_late.py, line 4, bar 2000-03-01T21:00:00Z" in err


def test_data_list(capsys):
    status, out, _ = run(capsys, "data", "list")
    assert status == 0 and "us-equities-daily" in out
    assert {d["name"] for d in json.loads(run(capsys, "data", "list", "--json")[1])} == {
        "us-equities-daily",
        "us-indices-daily",
        "vix-daily",
        "wti-daily",
        "us-factors-monthly",
        "us-closes-daily",
        "simulated-crypto-hourly",
        "simulated-equities-minute",
        "simulated-fx-hourly",
    }


def test_templates_are_listed_and_cloned_without_overwriting(capsys, tmp_path):
    assert "sma-cross" in run(capsys, "template", "list")[1]
    assert len(json.loads(run(capsys, "template", "list", "--json")[1])) == 7
    first = run(capsys, "template", "clone", "sma-cross", "--to", str(tmp_path))[1].strip()
    second = run(capsys, "template", "clone", "sma-cross", "--to", str(tmp_path))[1].strip()
    assert first == str(tmp_path / "sma-cross.ipynb") and second == str(tmp_path / "sma-cross-1.ipynb")
    assert Path(first).read_bytes() == Path(second).read_bytes()
    status, _, err = run(capsys, "template", "clone", "sma-cros", "--to", str(tmp_path))
    assert status == 2 and "did you mean 'sma-cross'" in err
    with pytest.raises(DataError, match="cannot write"):
        gallery.clone("sma-cross", tmp_path / "absent")


def test_check_says_what_it_found_and_ends_with_it(sma, tmp_path, capsys):
    status, out, err = run(capsys, "backtest", f"{sma}:SmaCross", *AAPL, "--check")
    assert (status, err) == (0, "")
    assert "not checked" not in out
    cheat = tmp_path / "cheat.py"
    cheat.write_text(
        "import alphintra as al\n"
        "def high(c): return c / c.max()\n"
        "class Cheat(al.Strategy):\n"
        "    def on_start(self): self.h = self.indicator(high, self.data.close)\n"
        "    def on_bar(self): pass\n"
    )
    status, out, err = run(capsys, "backtest", f"{cheat}:Cheat", *AAPL, "--check")
    assert status == 1
    assert "[error] look-ahead: the indicator high at 2000-03-01 changed when later bars were removed" in out
    assert err.startswith("alphintra: <Check Cheat on us-equities-daily/AAPL: FAILED, look-ahead: the indicator high")


def test_test_ends_with_one_where_a_check_fails(sma, capsys):
    status, out, _ = run(capsys, "test", str(sma), *AAPL, "--check", "total_trades == 31", "--check", "same fills")
    assert status == 0
    assert out.splitlines()[1] == "passed  total_trades == 31: total_trades is 31"
    # The README's figures: 31 trades, final equity 721,635.91.
    again = ("test", str(sma), *AAPL, "--check", "final_equity > 721635.92", "--check", "same fills", "--json")
    status, out, _ = run(capsys, *again)
    document = json.loads(out)
    assert (status, document["passed"]) == (1, False)
    assert [r["passed"] for r in document["results"]] == [False, True]
    assert document["differences"]["equal_fills"] == 62


def test_test_refuses_a_strategy_without_checks_and_a_check_that_is_none(sma, capsys):
    status, _, err = run(capsys, "test", str(sma), *AAPL)
    assert (status, "NO_CHECKS: there are no checks (SmaCross.checks)" in err) == (2, True)
    status, _, err = run(capsys, "test", str(sma), *AAPL, "--check", "sharpe >= 1")
    assert (status, "BAD_CHECK: there is no metric 'sharpe'" in err) == (2, True)
