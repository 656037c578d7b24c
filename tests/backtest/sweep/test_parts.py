"""Variants for other studies, the worker's conversation, and the line of progress."""

from __future__ import annotations

import io
import pickle
import threading
from pathlib import Path
from typing import Any

import alphintra as al
import numpy as np
import pytest
from alphintra.errors import Cancelled, DataError, ParameterError, RuleError
from alphintra_backtest.sweep import progress, worker
from alphintra_backtest.sweep.variant import market_of, run_on, run_variants
from alphintra_backtest.sweep.work import Job, packed

from .strategies import Cross, Fails

OPTIONS = {"start": "2020-03-02", "end": "2020-06-30", "commission": 0.001, "max_share": None}


def test_variants_for_another_study_are_backtests_in_order(frame: Any) -> None:
    market = market_of(frame, OPTIONS)
    sets: list[Any] = [{"fast": 9}, {}, {"fast": 3, "slow": 30}]
    told: list[tuple[float, str]] = []
    found = run_variants(
        Cross, market, sets, OPTIONS, executor="threads", workers=2, progress=lambda f, text: told.append((f, text))
    )
    assert [v.number for v in found] == [0, 1, 2]
    assert [v.params for v in found] == [
        {"fast": 9, "slow": 20}, {"fast": 5, "slow": 20}, {"fast": 3, "slow": 30},
    ]  # fmt: skip
    assert told == [(1 / 3, "1 of 3 variants"), (2 / 3, "2 of 3 variants"), (1.0, "3 of 3 variants")]
    for variant, params in zip(found, sets, strict=True):
        result = al.backtest(Cross, frame, params=params, **OPTIONS)
        assert np.array_equal(variant.returns, result.returns.to_numpy())
        assert np.datetime64(variant.first_session, "D") == result.returns.index[0].to_numpy().astype("datetime64[D]")
        whole = run_on(Cross, market, params, OPTIONS)
        assert whole.metrics["final_equity"] == variant.metrics["final_equity"] == result.metrics["final_equity"]
        assert whole.run["configuration"] == result.run["configuration"]


def test_variants_that_make_no_sense(frame: Any) -> None:
    market = market_of(frame, {})
    assert run_variants(Cross, market, [], {}) == []
    with pytest.raises(ParameterError, match="fast=1 is below its low"):
        run_variants(Cross, market, [{"fast": 3}, {"fast": 1}], {})
    with pytest.raises(RuleError, match="analyzers is no option of a variant"):
        run_variants(Cross, market, [{}], {"analyzers": ()})
    assert run_variants(Fails, market, [{"fast": 7}], {})[0].error is not None
    event = threading.Event()
    event.set()
    with pytest.raises(Cancelled, match="cancelled after 0 of 1 variants"):
        run_variants(Cross, market, [{}], {}, cancel=event)
    with pytest.raises(DataError) as found:
        market_of("us-equities-20", {})
    assert found.value.code in ("NOT_TRADABLE", "UNKNOWN_DATASET")


def answers(job: Path, *chunks: Any) -> list[tuple[str, Any]]:
    out = io.BytesIO()
    worker.serve(job, io.BytesIO(b"".join(pickle.dumps(chunk) for chunk in chunks)), out)
    out.seek(0)
    found = []
    while out.tell() < len(out.getvalue()):
        found.append(pickle.load(out))
    return found


def test_a_worker_answers_each_variant_and_says_what_is_wrong(market: Any, tmp_path: Path) -> None:
    file = tmp_path / "job"
    file.write_bytes(packed(Job(Cross, market, {"commission": 0.001})))
    found = answers(file, [(0, {"fast": 3}), (1, {"fast": 4})], [(2, {"fast": 5})])
    assert [word for word, _ in found] == ["variant", "variant", "done", "variant", "done"]
    (expected,) = run_variants(Cross, market, [{"fast": 4}], {"commission": 0.001})
    assert np.array_equal(found[1][1].returns, expected.returns)
    ((word, error),) = answers(file, [(0, {"fast": 1})])
    assert word == "error" and isinstance(error, ParameterError) and str(error).startswith("fast=1 is below")
    assert (error.message, error.where) == ("fast=1 is below its low of 2", "fast")
    ((word, trace),) = answers(file, 5)
    assert word == "failed" and "Traceback" in trace
    file.write_bytes(b"no pickle")
    assert answers(file)[0][0] == "failed"


def test_a_strategy_s_module_and_its_neighbours_travel_with_it(tmp_path: Path, market: Any) -> None:
    """A worker that cannot import the trader's files runs them all the same."""
    import subprocess
    import sys

    (tmp_path / "sizes_of_mine.py").write_text("SIZE = 0.5\ndef size(): return SIZE\n")
    (tmp_path / "rule_of_mine.py").write_text(
        "import alphintra as al\nimport sizes_of_mine\n"
        "class Rule(al.Strategy):\n    days = al.Param(3, low=1, high=9)\n"
        "    def on_bar(self):\n        if self.bar_index % self.days == 0:\n"
        "            self.order_target_percent(sizes_of_mine.size())\n"
    )
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import rule_of_mine\n"
        "import alphintra as al, pickle; from pathlib import Path\n"
        "from alphintra_backtest.sweep.work import Job, packed\n"
        "market = pickle.loads(Path(sys.argv[2]).read_bytes())\n"
        "Path(sys.argv[3]).write_bytes(packed(Job(rule_of_mine.Rule, market, {})))"
    )
    (tmp_path / "market").write_bytes(pickle.dumps(market))
    command = [sys.executable, "-c", program, *(str(tmp_path / n) for n in ("", "market", "job"))]
    subprocess.run(command, check=True)
    found = answers(tmp_path / "job", [(0, {"days": 2})])
    assert [word for word, _ in found] == ["variant", "done"]
    assert found[0][1].error is None and found[0][1].metrics["turnover"] > 0
    assert "rule_of_mine" not in sys.modules and "sizes_of_mine" not in sys.modules


def test_the_line_of_progress_comes_late_and_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    written: list[tuple[str, bool]] = []
    line = progress.Line(lambda text, last: written.append((text, last)))
    for second, fraction in ((0.1, 0.1), (0.6, 0.25), (0.7, 0.3), (20.0, 0.5), (40.0, 1.0)):
        now[0] = second
        line(fraction, f"{fraction:.0%} done")
    # 0.6 s for a quarter leave 1.8 s; 20 s for a half leave 20 s
    assert [text.replace("\u202f", " ") for text, _ in written] == [
        " 25%  25% done, about 1.8 s left", " 50%  50% done, about 20 s left", "100%  100% done, 40 s",
    ]  # fmt: skip
    assert [last for _, last in written] == [False, False, True]
    written.clear()
    now[0] = 0.0
    quick = progress.Line(lambda text, last: written.append((text, last)))
    quick(1.0, "all")
    assert written == []


def test_progress_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", screen)
    monkeypatch.setattr(progress, "FIRST", 0.0)
    told = progress.teller(True)
    told(0.5, "1 of 2 variants")
    told(1.0, "2 of 2 variants")
    assert screen.getvalue().startswith("\r\x1b[K 50%  1 of 2 variants, about ")
    monkeypatch.setattr(progress.sys, "stderr", io.StringIO())
    assert progress.teller(True) is progress.teller(False)
