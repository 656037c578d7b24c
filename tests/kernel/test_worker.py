"""The worker in the test's own process: the conversation, the files, and errors in the trader's source."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from alphintra_kernel.protocol import Channel, Log, Progress, ProtocolError, iso_time

from alphintra_kernel import worker

from . import jobs


def talk(root: Path, *lines: Any) -> tuple[int, list[dict[str, Any]]]:
    """Say lines to a worker and return its exit code and answers."""
    said = b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines
    )
    writer = io.BytesIO()
    code = worker.serve(io.BytesIO(said), writer, root)
    return code, [json.loads(line) for line in writer.getvalue().splitlines()]


def run(root: Path, job: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
    return talk(root, {"type": "run", "job": job})


def test_a_job_gives_the_numbers_of_a_notebook(tmp_path):
    import alphintra as al

    root = jobs.folder(tmp_path, {"strategy.py": jobs.SMA_CROSS, "shares.py": jobs.SHARES})
    code, said = run(root, jobs.job(parameters={"fast": 10}))
    assert code == 0
    assert [m["type"] for m in said[:2]] == ["ready", "progress"]
    assert said[0]["pid"] == os.getpid()
    assert set(said[0]["versions"]) == {"alphintra", "python", "numpy"}

    space: dict[str, Any] = {"__name__": "notebook"}
    exec(jobs.SMA_CROSS.replace("from shares import SHARE", "SHARE = 0.95"), space)
    expected = al.backtest(
        space["SmaCross"], "us-equities-daily/AAPL", commission=0.001, params={"fast": 10}
    ).to_dict()
    stored = json.loads((root / "out" / "result.json").read_text())
    assert stored["run"]["parameters"] == {"fast": 10, "slow": 50}
    assert stored["metrics"] == expected["metrics"]
    assert stored["fills"] == expected["fills"]
    assert len(stored["fills"]) > 20
    assert said[-1]["summary"]["final_equity"] == stored["metrics"]["final_equity"] != 100_000


def test_files_are_described_and_readable(tmp_path):
    import pyarrow.parquet as pq

    root = jobs.folder(tmp_path, {"strategy.py": jobs.SMA_CROSS, "shares.py": jobs.SHARES})
    _, said = run(root, jobs.job())
    files = {entry["name"]: entry for entry in said[-1]["files"]}
    assert set(files) == {
        *("result.json", "view.json", "report.html", "trials.json", "sessions.json"),
        *("trades.parquet", "fills.parquet", "orders.parquet", "equity.parquet"),
    }
    for name, entry in files.items():
        content = (root / "out" / name).read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    view = json.loads((root / "out" / "view.json").read_text())
    assert (view["version"], view["header"]["strategy"]) == (1, "SmaCross")
    assert "<html" in (root / "out" / "report.html").read_text()[:500]
    stored = json.loads((root / "out" / "result.json").read_text())
    equity = pq.read_table(root / "out" / "equity.parquet")
    assert equity.column_names == ["time", "session", "equity", "cash", "exposure", "benchmark"]
    assert equity["equity"][-1].as_py() == pytest.approx(stored["metrics"]["final_equity"], rel=1e-12)
    assert pq.read_metadata(root / "out" / "trades.parquet").num_rows == len(stored["trades"])


def test_a_job_is_checked_for_look_ahead(tmp_path):
    root = jobs.folder(tmp_path, {"strategy.py": jobs.SMA_CROSS, "shares.py": jobs.SHARES})
    code, said = run(root, jobs.job(seconds=600.0))
    assert code == 0
    stored = json.loads((root / "out" / "result.json").read_text())
    (entry,) = [a for a in stored["assumptions"] if a["code"] == "look_ahead"]
    assert (entry["level"], entry["text"]) == ("info", "look-ahead: none found at 8 points")
    progress = [m for m in said if m["type"] == "progress"]
    assert [m["fraction"] for m in progress] == sorted(m["fraction"] for m in progress)
    phases = [m["phase"] for m in progress]
    assert {"loading", "running", "writing"} <= set(phases) <= {"loading", "running", "checking", "writing"}


def test_a_job_tells_that_it_is_being_checked(tmp_path):
    """The run itself is the first fifth of the progress, its check the rest; what it prints is printed once."""
    body = "import time; time.sleep(0.0002); print(self.bar_index)"
    _, said = run(jobs.folder(tmp_path, minimal(body)), jobs.job("Minimal"))
    progress = [m for m in said if m["type"] == "progress"]
    running = [m["fraction"] for m in progress if m["phase"] == "running"]
    checking = [m["fraction"] for m in progress if m["phase"] == "checking"]
    assert max(running) < 0.2 <= min(checking) and max(checking) > 0.9
    assert len(jobs.log_of(said)) == 2001


def test_a_job_that_reads_the_future_says_so(tmp_path):
    body = "self.record(ma=self.ma[-1])"
    source = minimal(body)["strategy.py"].replace("al.ta.SMA, self.data.close, 10", "ahead, self.data.close")
    source = "import numpy as np\ndef ahead(c): return np.append(c[1:], np.nan)\n" + source
    root = jobs.folder(tmp_path, {"strategy.py": source})
    code, said = run(root, jobs.job("Minimal"))
    assert (code, said[-1]["type"]) == (0, "result")
    stored = json.loads((root / "out" / "result.json").read_text())
    first = next(a for a in stored["assumptions"] if a["code"] == "look_ahead")
    assert first["level"] == "error"
    assert first["text"].startswith("look-ahead: the indicator ahead at ")
    assert first["text"] in (root / "out" / "report.html").read_text()


def test_a_job_without_time_for_its_check_still_has_its_result(tmp_path):
    root = jobs.folder(tmp_path, {"strategy.py": jobs.SMA_CROSS, "shares.py": jobs.SHARES})
    code, _ = run(root, jobs.job(seconds=0.0))
    assert code == 0
    stored = json.loads((root / "out" / "result.json").read_text())
    (entry,) = [a for a in stored["assumptions"] if a["code"] == "look_ahead"]
    assert (entry["level"], entry["text"]) == ("warning", "look-ahead: not checked")
    assert entry["items"] == ["The time for checking was over after 0 of 8 points."]


def minimal(body: str, imports: str = "") -> dict[str, str]:
    return {"strategy.py": jobs.MINIMAL.format(body=body, imports=imports)}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            minimal("1 / 0"),
            ("STRATEGY_ERROR", "strategy.py", 9, "2000-03-14T21:00:00Z", "ZeroDivisionError"),
        ),
        (
            minimal("helper.size(self)", "import helper")
            | {"helper.py": "def size(strategy):\n    return strategy.nothing\n"},
            ("STRATEGY_ERROR", "helper.py", 2, "2000-03-14T21:00:00Z", "no attribute 'nothing'"),
        ),
        (
            minimal("self.buy(float('nan'))"),
            ("BAD_ORDER", "strategy.py", 9, "2000-03-14T21:00:00Z", ""),
        ),
        (minimal("self.data.close[0]"), ("LOOK_AHEAD", "strategy.py", 9, "2000-03-14T21:00:00Z", "[-1]")),
        (minimal("pass", "import nosuchmodule"), ("STRATEGY_ERROR", "strategy.py", 2, None, "nosuchmodule")),
        (minimal("x = ("), ("SYNTAX_ERROR", "strategy.py", 9, None, "never closed")),
        (
            minimal("import sys; sys.exit(3)"),
            ("STRATEGY_ERROR", "strategy.py", 9, "2000-03-14T21:00:00Z", "sys.exit(3)"),
        ),
        ({"strategy.py": "Minimal = 3\n"}, ("NO_CLASS", None, None, None, "no class Minimal")),
        ({"strategy.py": "class Minimal: pass\n"}, ("BAD_PARAMETER", None, None, None, "not a Strategy")),
        ({}, ("NO_SOURCE", None, None, None, "strategy.py")),
    ],
    ids=[
        *("raises", "helper raises", "NaN order", "look-ahead", "missing module"),
        *("syntax", "exit", "no class", "no strategy", "no source"),
    ],
)
def test_errors_name_their_place(tmp_path, files, expected):
    code, said = run(jobs.folder(tmp_path, files), jobs.job("Minimal"))
    error = said[-1]
    assert code == 1
    assert error["type"] == "error"
    assert (error["code"], error["file"], error["line"], error["bar_time"]) == expected[:4]
    assert expected[4] in error["message"]
    assert str(tmp_path) not in error["message"] + error["traceback"]
    assert list((tmp_path / "out").iterdir()) == []


def test_the_traceback_begins_in_the_traders_source(tmp_path):
    _, said = run(jobs.folder(tmp_path, minimal("1 / 0")), jobs.job("Minimal"))
    assert said[-1]["traceback"].splitlines() == [
        "Traceback (most recent call last):",
        '  File "strategy.py", line 9, in on_bar',
        "    1 / 0",
        "    ~~^~~",
        "ZeroDivisionError: division by zero",
    ]


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"data": {"name": "us-equities-dayly"}}, "UNKNOWN_DATASET", "us-equities-daily"),
        ({"parameters": {"fast": 1000}}, "BAD_PARAMETER", "fast"),
        ({"parameters": {"quick": 3}}, "BAD_PARAMETER", "quick"),
        ({"configuration": {"rules": {"max_sare": 1}}}, "BAD_RULE", "max_share"),
        ({"kind": "training"}, "PROTOCOL", "training"),
        ({"source": {"file": "../../secret.py", "class_name": "X"}}, "NO_SOURCE", "secret"),
    ],
)
def test_what_a_job_asks_for_is_checked(tmp_path, changes, code, text):
    root = jobs.folder(tmp_path / "job", {"strategy.py": jobs.SMA_CROSS, "shares.py": jobs.SHARES})
    (tmp_path / "secret.py").write_text("X = type")
    _, said = run(root, jobs.job(**changes))
    assert said[-1]["code"] == code
    assert text in said[-1]["message"]


def test_prints_are_log_lines_and_never_messages(tmp_path):
    source = minimal("pass", "import sys")["strategy.py"]
    source += """
    def on_stop(self):
        print('{"type": "result", "files": []}')
        print("red \\x1b[31mtext\\x1b[0m\\rand\\x00more", file=sys.stderr)
        print("no line end", end="")
"""
    code, said = run(jobs.folder(tmp_path, {"strategy.py": source}), jobs.job("Minimal"))
    assert code == 0
    assert jobs.log_of(said) == [
        '{"type": "result", "files": []}',
        "red textandmore",
        "no line end",
    ]
    assert [m["type"] for m in said].count("result") == 1


def test_the_log_is_bounded(tmp_path):
    source = minimal("print(self.bar_index)\n        print('x' * 100)\n        print('y')")
    _, said = run(jobs.folder(tmp_path, source), jobs.job("Minimal"))
    log = jobs.log_of(said)
    assert len(log) == 2001
    # Printed as fast as it goes: many lines to a message, few messages a second.
    assert len([m for m in said if m["type"] == "log"]) < 400
    assert log[-1] == "… 7,783 more lines not kept"
    assert said[-1]["type"] == "result"


def test_a_line_that_never_ends_is_bounded():
    writer = io.BytesIO()
    log = Log(Channel(io.BytesIO(), writer))
    for _ in range(3_000):
        assert log.write("z" * 1_000) == 1_000
    log.finish()
    assert log.writable()
    said = [json.loads(line)["text"] for line in writer.getvalue().splitlines()]
    assert len(writer.getvalue()) < 1_200_000
    assert said[0] == "z" * 997 + " … " + "z" * 997
    assert said[-1].endswith("more lines not kept")


def test_progress_is_told_ten_times_a_second():
    now = [0.0]
    writer = io.BytesIO()
    progress = Progress(Channel(io.BytesIO(), writer), clock=lambda: now[0])
    for step in range(100):  # one second
        now[0] = step / 100
        progress.bar(step / 100, 1_000_000 * step)
    progress.phase("writing", 1.7)
    said = [json.loads(line) for line in writer.getvalue().splitlines()]
    assert len(said) == 11
    assert said[0] == {
        "type": "progress", "fraction": 0.0, "phase": "running", "bar_time": "1970-01-01T00:00:00Z",
    }  # fmt: skip
    assert said[-1] == {"type": "progress", "fraction": 1.0, "phase": "writing", "bar_time": None}


def test_times_keep_their_fraction():
    assert iso_time(1_700_000_000_000_000) == "2023-11-14T22:13:20Z"
    assert iso_time(1_700_000_000_000_001) == "2023-11-14T22:13:20.000001Z"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "not JSON"),
        (b"[1]", "an object with a type"),
        (b'{"type": "stop"}', "expected a run message"),
        (b'{"type": "run", "job": 3}', "expected a run message"),
    ],
)
def test_what_is_not_a_request_is_refused(tmp_path, line, message):
    code, said = talk(tmp_path, line)
    assert code == 2
    assert (said[-1]["type"], said[-1]["code"]) == ("error", "PROTOCOL")
    assert message in said[-1]["message"]


def test_a_supervisor_that_goes_away_ends_the_worker(tmp_path):
    code, said = talk(tmp_path)
    assert (code, [m["type"] for m in said]) == (2, ["ready"])


def test_messages_have_a_size():
    with pytest.raises(ProtocolError, match="at most 61440"):
        Channel(io.BytesIO(), io.BytesIO()).send({"type": "log", "text": "x" * 70_000})
    with pytest.raises(ProtocolError, match="more than 16777216 bytes"):
        Channel(io.BytesIO(b"x" * (17 << 20)), io.BytesIO()).receive()


def test_the_traders_modules_are_forgotten(tmp_path):
    path = list(sys.path)
    root = jobs.folder(tmp_path, {"strategy.py": jobs.SMA_CROSS, "shares.py": jobs.SHARES})
    run(root, jobs.job())
    assert sys.path == path
    assert not {"strategy", "shares"} & set(sys.modules)


def test_main_speaks_on_its_descriptors(tmp_path, monkeypatch):
    monkeypatch.setenv("ALPHINTRA_JOB_ROOT", str(jobs.folder(tmp_path, minimal("pass"))))
    (their_read, our_write), (our_read, their_write) = os.pipe(), os.pipe()
    os.write(our_write, json.dumps({"type": "run", "job": jobs.job("Minimal")}).encode() + b"\n")
    assert worker.main([str(their_read), str(their_write)]) == 0
    os.close(our_write)
    with os.fdopen(our_read, "rb") as stream:
        said = [json.loads(line) for line in stream]
    assert [said[0]["type"], said[-1]["type"]] == ["ready", "result"]


def test_main_needs_two_descriptors(capsys):
    assert worker.main(["3"]) == 2
    assert "READ_FD WRITE_FD" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("body", "imports", "message"),
    [
        ('raise ValueError("\\U0001f600" * 20_000)', "", "raised ValueError"),
        (
            "raise Odd() from Odd()",
            "class Odd(Exception):\n    def __eq__(self, other):\n        raise RuntimeError('no')",
            "raised Odd",
        ),
        (
            "raise Mute()",
            "class Mute(Exception):\n    def __str__(self):\n        raise RuntimeError('no')",
            "its text cannot be read",
        ),
    ],
    ids=["long", "unequal", "mute"],
)
def test_an_odd_exception_keeps_its_place(tmp_path, body, imports, message):
    files = {"strategy.py": jobs.MINIMAL.format(body=body, imports=imports)}
    line = files["strategy.py"].splitlines().index(f"        {body}") + 1
    _, said = run(jobs.folder(tmp_path, files), jobs.job("Minimal"))
    error = said[-1]
    assert (error["code"], error["bar_time"]) == ("STRATEGY_ERROR", "2000-03-14T21:00:00Z")
    assert message in error["message"]
    assert (error["file"], error["line"]) == ("strategy.py", line)


def test_a_traceback_shows_the_traders_lines_only(tmp_path):
    """Neither our frames nor where anything is installed, whether the trader's code is to blame or the request."""
    for files, changes in ((minimal("self.buy(float('nan'))"), {}), (minimal("pass"), {"parameters": {"x": 1}})):
        folder = tmp_path / str(len(changes))
        folder.mkdir()
        _, said = run(jobs.folder(folder, files), jobs.job("Minimal") | changes)
        text = said[-1]["traceback"]
        assert "site-packages" not in text and "alphintra_" not in text and "/sdk/" not in text
