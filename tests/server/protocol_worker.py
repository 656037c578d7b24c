"""A worker that speaks the real protocol and does what the job's parameter ``act`` says.

It is run as ``python -c``, so that every sandbox level can start it. It proves the server's side of the
seam: the state machine, the bounds, the checks of output.
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path

reader, writer = (os.fdopen(int(fd), mode) for fd, mode in zip(sys.argv[-2:], "rw", strict=True))
out = Path(os.environ["ALPHINTRA_JOB_ROOT"]) / "out"


def say(**message):
    writer.write(json.dumps(message) + "\n")
    writer.flush()


def put(name, text):
    data = text if isinstance(text, bytes) else text.encode()
    (out / name).write_bytes(data)
    return {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


say(type="ready", pid=os.getpid(), versions={"python": sys.version.split()[0]})
say(type="warm")
job = json.loads(reader.readline())["job"]
act = job["parameters"].get("act", "finish")
say(type="progress", fraction=0.4, phase="running", bar_time="2008-09-15T20:00:00Z")
say(type="log", text=f"act {act}\x1b[31m red \u2028 line")

if act == "error":
    say(
        type="error",
        code="STRATEGY_ERROR",
        message="boom",
        file="strategy.py",
        line=4,
        bar_time="2008-09-15T20:00:00Z",
    )
    sys.exit()
if act == "error_of_many":
    bad = {"parameters": {"fast": float("nan")}} if job["parameters"].get("odd") else None
    say(
        type="error",
        code="STRATEGY_ERROR",
        message="<script>alert(1)</script>",
        file="strategy.py",
        line=5,
        bar_time="2008-09-15T20:00:00Z",
        traceback="</pre><img src=x onerror=alert(2)>",
        run=bad or {
            "parameters": {"act": "error_of_many", "fast": 7},
            "window": 2,
            "part": "training",
            "start": "2005-01-03",
            "end": "2008-12-31",
        },
    )
    sys.exit()
if act == "sleep":
    time.sleep(600)
if act == "die":
    os._exit(7)
if act == "nonsense":
    writer.write("not json\n")
    writer.flush()
    time.sleep(600)
if act == "long_line":
    writer.write("x" * 200_000)
    writer.flush()
    time.sleep(600)
if act == "flood":
    while True:
        say(type="log", text="x" * 1000)
if act == "slow":
    time.sleep(float(job["parameters"]["seconds"]))

if job["kind"] == "check":
    passed = act != "fail"
    side = {"fill": {"price": 10.0}, "order": None, "history": [], "decision_bar": None, "fill_bar": None}
    previous = Path(os.environ["ALPHINTRA_JOB_ROOT"]) / "in" / "previous.json"
    before = json.loads(previous.read_text())["id"] if previous.exists() else None
    if act == "foreign_before":
        before = "0" * 32
    outcome = {
        "strategy": "S", "passed": passed,
        "results": [{"text": "total_trades > 1", "passed": passed, "value": 2.0, "reason": "total_trades is 2"}],
        "compared_with": before and {"id": before},
        "inputs": [{"what": "code", "text": f"{act}\x1b[31m changed"}],
        "differences": {
            "metrics": [{"name": "cagr", "before": None, "after": 0.5, "difference": None}],
            "equal_fills": 3,
            "first_fill": {"number": 4, "before": side, "now": side, "text": "differs"},
        },
        "metrics": {"total_return": 0.25, "max_drawdown": None, "sharpe_ratio": 1.5, "total_trades": 2},
    }  # fmt: skip
    if act == "other_checks":
        outcome["results"][0]["text"] = "total_trades > 0"
    if act == "no_results":
        outcome["results"] = []
    text = json.dumps(outcome)
    if act == "nan_value":
        text = text.replace("2.0", "NaN")
    files = [put("checks.json", text), put("record.json", json.dumps({"id": job["id"]}))]
    if act == "forged_record":
        files[1]["sha256"] = "0" * 64
    if act == "missing_record":
        files.pop()
    say(type="result", files=files, summary={"passed": passed})
    sys.exit()

trade = {
    "id": 1, "backtest_id": "r", "symbol": "AAPL", "side": "BUY", "quantity": 100.0, "entry_price": 0.1,
    "exit_price": 31.25, "entry_time": "2008-09-15T13:30:00Z", "exit_time": "2008-10-15T13:30:00Z",
    "pnl": 3115.0, "commission": 0.3, "exit_reason": "SIGNAL", "return": 0.5, "bars": 21, "mae": -0.1,
    "mfe": 0.6, "open": False,
}  # fmt: skip
opened = trade | {"id": 2, "side": "SELL", "exit_price": None, "exit_time": None, "pnl": None}
opened |= {"exit_reason": "OPEN", "open": True, "return": None, "entry_time": "2009-01-05T14:30:00Z"}
lost = trade | {"id": 3, "pnl": -900.25, "symbol": "IBM", "entry_time": "2009-02-05T14:30:00Z"}
result = {
    "run": {"id": "r", "job": job, "seed": 99},
    "assumptions": [{"code": "costs", "text": "costs: none", "level": "error", "rule": None, "items": []}],
    "metrics": {"total_return": 0.25, "annualized_return": 0.02, "max_drawdown": -0.5, "sharpe_ratio": 0.75,
                "total_trades": 2, "final_equity": 125000.0, "sortino_ratio": None, "win_rate": 0.5,
                "longest_winning_streak": 1, "longest_losing_streak": 1},
    "undefined": {"sortino_ratio": "no losing session"},
    "trades": [trade, opened, lost], "fills": [], "orders": [],
}  # fmt: skip
kind = (job["methodology"] or "STANDARD").lower()
shift = int(job["parameters"].get("shift", 0))
days = [13_880 + shift + index for index in range(40)]
account = [100_000.0 * 1.001 ** ((index * index) % 7) for index in range(40)]
result["run"] |= {"strategy": "SmaCross", "dataset": job["data"]["name"], "parameters": job["parameters"],
                  "periods_per_year": 252, "engine_version": "1"}
study = {"version": 1, "kind": kind, "title": "T", "sections": [
    {"name": "a", "title": "A", "blocks": [{"type": "text", "lines": ["x"]}]}]}
trials = {"count": 7 if kind == "sweep" else 1, "sample": [13880, 13919, 39], "spread": [1, 0.1, 0.0]}
sessions = {"day": days, "value": account}
if act == "bad_study":
    study["sections"][0]["blocks"][0]["type"] = "script"
if act == "bad_trials":
    trials["count"] = 10**9
if act == "ruined":
    sessions["value"] = [0.0] * 40
if act == "bad_sessions":
    sessions["day"] = sessions["day"][::-1]
view = {"version": 1, "charts": {"curve": {"equity": [100000.0 + index for index in range(100)]}}}
report = "<!doctype html><title>r</title></script><img src=x onerror=alert(1)>"
text = json.dumps(result)
if act == "nan":
    text = text.replace("0.25", "NaN")
drawn = json.dumps(view)
if act == "noise":
    text = text.replace("-900.25", "-1.7763568394002505e-15").replace("125000.0", "1.25e+35")
if act == "endless_number":
    text = text.replace("-900.25", '"1E-1000000000"')
if act == "endless_zero":
    text = text.replace("-900.25", '"0E+1000000000"')
if act == "infinite":
    drawn = drawn.replace("100099.0", "1e999")
if act == "long_integer":
    drawn = drawn.replace("100099.0", "1" * 400)
if act == "deep":
    text = text.replace('"seed": 99', '"seed": ' + "[" * 400 + "]" * 400)
if act == "half_character":
    text = text.replace("costs: none", "\\ud800")
if act == "untold_assumption":
    text = text.replace('"text": "costs: none", ', "")
if act == "odd_level":
    text = text.replace('"level": "error"', '"level": [1]')
if act == "nul":
    text = text.replace('"IBM"', '"I\\u0000BM"')
if act == "long_name":
    text = text.replace('"win_rate": 0.5', '"' + "x" * 1_000_000 + '": "x"')
if act == "far_time":
    text = text.replace("2009-02-05T14:30:00Z", "0001-01-01T00:00:00+14:00")
files = [put("result.json", text), put("view.json", drawn), put("report.html", report)]
if act != "old_worker":
    files += [put("trials.json", json.dumps(trials)), put("sessions.json", json.dumps(sessions))]
    if kind != "standard":
        files.append(put("study.json", json.dumps(study)))
if act == "forged_hash":
    files[0]["sha256"] = "0" * 64
if act == "foreign_file":
    files.append({"name": "../in/source/strategy.py", "bytes": 1, "sha256": "0" * 64})
if act in {"link", "fifo", "hard_link", "huge"}:
    path = out / "report.html"
    path.unlink()
    if act == "link":
        path.symlink_to("/etc/hostname")
    elif act == "fifo":
        os.mkfifo(path)
    elif act == "hard_link":
        path.hardlink_to(out / "view.json")
    else:
        with path.open("wb") as file:
            file.truncate(17 << 20)
if act == "missing_file":
    files = [file for file in files if file["name"] != "report.html"]
say(type="result", files=files, summary={})
