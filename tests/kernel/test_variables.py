"""What the kernel tells of a notebook's variables: while a cell runs, and whatever the variables are."""

from __future__ import annotations

import itertools
import json
import time

import pytest

from . import kernels
from .test_kernel import STRATEGY

SEQUENCE = itertools.count(1)

TRADING = """
import matplotlib.font_manager, numpy as np, pandas as pd  # the first time it looks for fonts, it says so
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
data = al.data.load("us-equities-daily/AAPL")
result = al.backtest(SmaCross, data, commission=0.001)
walk = al.replay(SmaCross, data, at="2004-01-02")
held = walk.strategy.position()
swept = al.sweep(SmaCross, data, {"fast": [10, 20]}, progress=None)
market = data.market()
frame = data.to_pandas()
closes = frame["close"]
fit = LogisticRegression(C=0.5).fit([[0.0, 1.0], [1.0, 0.0]], [0, 1])
line = make_pipeline(StandardScaler(), LogisticRegression())
runs = [result, result]
by_symbol = {"AAPL": frame, "MSFT": frame}
weights = np.linspace(0, 1, 5)
lot, note, numbers = 100, "a text", [1, 2]
def of_mine(): pass
"""

#: Objects that do what objects should not, and note when anything is asked of them.
HOSTILE = """
touched = []
def forever(*_):
    touched.append("asked")
    while True: pass
def fails(*_):
    touched.append("asked")
    raise ValueError("no")
class Meta(type):
    __getattribute__ = __eq__ = __instancecheck__ = __subclasscheck__ = __call__ = forever
    def __hash__(cls): return forever()
class Endless(metaclass=Meta):
    __class__ = property(forever)
    __dict__ = property(forever)
    __repr__ = __str__ = __len__ = __eq__ = __getattribute__ = __bool__ = __iter__ = __array__ = forever
    _repr_mimebundle_ = _repr_html_ = _ipython_display_ = forever
endless = object.__new__(Endless)
class EndlessStrategy(al.Strategy):
    '''Never ends.'''
    fast = al.Param(20)
    __repr__ = __getattribute__ = __getattr__ = forever
    __dict__ = property(forever)
strategy_of_mine = object.__new__(EndlessStrategy)
class EndlessFrame(pd.DataFrame):
    shape = columns = index = dtypes = empty = property(forever)
    __repr__ = __len__ = __getitem__ = memory_usage = forever
    _repr_html_ = forever
frame_of_mine = EndlessFrame({"open": [1.0], "close": [2.0]})
class EndlessResult(al.Result):
    run = property(forever)
    __repr__ = __getattribute__ = forever
result_of_mine = object.__new__(EndlessResult)
class EndlessList(list):
    __iter__ = __len__ = __getitem__ = forever
list_of_mine = EndlessList([frame_of_mine])
class EndlessText(str):
    __hash__ = str.__hash__
    __str__ = __repr__ = __len__ = lower = casefold = startswith = isidentifier = forever
class EndlessModel(LogisticRegression):
    def __init__(self): pass
    __repr__ = __getattribute__ = forever
model_of_mine = object.__new__(EndlessModel)
class Fails(al.Strategy):
    '''Fails.'''
    __repr__ = fails
failing = Fails()
failing.huge, failing.text, failing.fails = 10 ** 100_000, "x" * 10_000_000, failing
class Huge(pd.DataFrame):
    def _repr_html_(self): return "<b>" + "x" * 20_000_000 + "</b>"
huge = Huge({"a": [1]})
class FailingFrame(pd.DataFrame):
    _repr_html_ = fails
failing_frame = FailingFrame({"x" * 10_000: [1]})
globals()[EndlessText("frame_hidden")] = frame
things = {k: v for k, v in globals().items() if type(k) is str and not k.startswith("_")}
del things
touched.clear()
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    root = tmp_path_factory.mktemp("variables")
    (root / "work").mkdir()
    with kernels.kernel(root / "kernels", cwd=root / "work", data_dir=root / "data") as started:
        assert started.run(STRATEGY)[0]["status"] == "ok"
        reply, _ = started.run(TRADING)
        assert reply["status"] == "ok", reply
        yield started


def asked(kernel, command, **arguments):
    """The answer on the control channel."""
    client = kernel.client
    content = {"type": "request", "seq": next(SEQUENCE), "command": command, "arguments": arguments}
    message = client.session.msg("debug_request", content)
    client.control_channel.send(message)
    while True:
        reply = client.get_control_msg(timeout=180)
        if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
            return reply["content"]


def listed(kernel, **arguments):
    while True:
        answer = asked(kernel, "alphintra/variables", **arguments)
        assert answer["success"], answer
        if answer["body"].get("state") != "working":
            return answer["body"]


def view(kernel, name):
    """The view of an object as it is when it is done."""
    answer = asked(kernel, "alphintra/view", name=name)
    while answer["success"] and answer["body"]["state"] == "working":
        answer = asked(kernel, "alphintra/view", ticket=answer["body"]["ticket"])
    assert answer["success"], answer
    return answer["body"]


def row(variables, name):
    found = {one["name"]: one for one in variables}[name]
    return found["group"], found["type"], found["size"].replace("\u202f", " "), found["summary"].replace("\u202f", " ")


def test_trading_objects_are_listed_with_what_they_are(kernel):
    found = listed(kernel)
    names = [one["name"] for one in found["variables"]]
    assert names == [
        *("result", "runs", "swept", "held", "walk", "SmaCross"),
        *("by_symbol", "data", "frame", "market", "fit", "line", "closes", "weights"),
    ]
    assert (found["total"], found["others"]) == (14, 10)
    rows = {name: row(found["variables"], name) for name in names}
    run = "SmaCross on us-equities-daily/AAPL"
    figures = f"return +621.6 %, Sharpe 0.64, trades 31 · {run}"
    columns = "2000-03-01 to 2013-03-01; open, high, low, close, volume, adj_close"
    assert rows == {
        "result": ("result", "Result", "3 222 bars", figures),
        "runs": ("result", "list of Result", "2 items", f"last: {figures}"),
        "swept": ("study", "Sweep", "2 variants", f"best sharpe_ratio 0.7600 with fast=10 · {run}"),
        "held": ("replay", "Position", "", "AAPL: flat"),
        "walk": ("replay", "Replay", "3 270 bars", f"2004-01-02 21:00, bar 964 of 3270 · {run}"),
        "SmaCross": ("strategy", "Strategy", "1 parameter", "fast=20"),
        "by_symbol": ("data", "dict of DataFrame", "2 items", "AAPL, MSFT"),
        "data": ("data", "Dataset", "3 270 rows", "us-equities-daily/AAPL: AAPL; 1d, 2000-03-01 to 2013-03-01"),
        "frame": ("data", "DataFrame", "3 270 × 6", columns),
        "market": (
            *("data", "MarketData", "3 270 bars"),
            "AAPL; 1d, 2000-03-01 to 2013-03-01, prices raw, splits and dividends as events",
        ),
        "fit": ("model", "LogisticRegression", "", "fitted, 2 features; C=0.5"),
        "line": ("model", "Pipeline", "", "not fitted; StandardScaler → LogisticRegression"),
        "closes": ("table", "Series", "3 270 values", "close; float64; 2000-03-01 to 2013-03-01; last 430.47"),
        "weights": ("table", "ndarray", "5 values", "float64; 0 … 1"),
    }
    assert {one["name"]: one["bytes"] for one in found["variables"]}["frame"] == 3270 * 6 * 8


def test_it_is_told_while_a_cell_runs_and_changes_nothing(kernel):
    cell = kernel.client.execute(
        "import time\ngrown = np.zeros(2)\nwhile True:\n    time.sleep(0.01); grown = np.zeros(len(grown) + 1)"
    )
    sizes = set()
    while len(sizes) < 3:
        found = {one["name"]: one for one in listed(kernel, filter="GROWN")["variables"]}
        sizes |= {one["size"] for one in found.values()}
        assert set(found) <= {"grown"}
    shown = view(kernel, "result")
    assert shown["state"] == "done"
    assert list(shown["data"]) == ["application/vnd.alphintra.result.v1+json", "text/html", "text/plain"]
    # The cell has not come to an end, and is interrupted as ever.
    kernel.manager.interrupt_kernel()
    reply = kernel.client.get_shell_msg(timeout=180)
    assert (reply["parent_header"]["msg_id"], reply["content"]["ename"]) == (cell, "KeyboardInterrupt")
    seen = set()
    while ("status", "idle", "execute_request") not in seen:
        message = kernel.client.get_iopub_msg(timeout=180)
        parent = message["parent_header"].get("msg_type")
        seen.add((message["msg_type"], message["content"].get("execution_state"), parent))
    assert {kind for kind, _, parent in seen if parent != "execute_request"} <= {"status"}
    assert {kind for kind, _, parent in seen if parent == "execute_request"} == {"status", "execute_input", "error"}


def test_views_are_what_a_cell_shows_or_a_page(kernel):
    def text(name, kind="text/html"):
        shown = view(kernel, name)
        assert shown["state"] == "done", shown
        return shown["data"][kind]

    assert "adjusted" in text("data") and "<svg" in text("data")
    assert "<svg" in text("market")
    assert "<svg" in text("frame") and "class=\"dataframe\"" in text("frame")
    assert "<svg" in text("closes")
    assert "Source" in text("SmaCross") and "al.crossed_above" in text("SmaCross") and ">20<" in text("SmaCross")
    assert "application/vnd.alphintra.study.v1+json" in view(kernel, "swept")["data"]
    for name, said in (("walk", "2004-01-02"), ("held", "AAPL")):  # a picture or a text, as a cell shows them
        assert said in json.dumps(view(kernel, name)["data"])
    assert "LogisticRegression" in text("fit")
    assert text("by_symbol").count("DataFrame") == 2 and "3\u202f270 \u00d7" in text("by_symbol")
    assert text("weights", "text/plain") == "array([0.  , 0.25, 0.5 , 0.75, 1.  ])"
    assert asked(kernel, "alphintra/view", name="nobody")["message"] == "there is no variable of this name now"
    assert asked(kernel, "alphintra/view", name="1 + 1")["success"] is False
    assert asked(kernel, "alphintra/view", ticket="99")["message"] == "there is no such view any more"


def test_hostile_objects_are_listed_without_being_asked(kernel):
    reply, _ = kernel.run(HOSTILE)
    assert reply["status"] == "ok", reply
    found = listed(kernel)["variables"]
    rows = {one["name"]: row(found, one["name"]) for one in found}
    assert {name: said for name, said in rows.items() if f"\n{name} =" in HOSTILE or f"class {name}(al" in HOSTILE} == {
        "result_of_mine": ("result", "EndlessResult", "", "a Result of a class of your own"),
        "EndlessStrategy": ("strategy", "Strategy", "1 parameter", "Never ends. · fast=20"),
        "Fails": ("strategy", "Strategy", "0 parameters", "Fails."),
        "failing": ("strategy", "Fails", "", f"not in a run; huge=…, text={'x' * 59}…"),
        "strategy_of_mine": ("strategy", "EndlessStrategy", "", "not in a run"),
        "model_of_mine": ("model", "EndlessModel", "", "not fitted"),
        "failing_frame": ("table", "FailingFrame", "1 × 1", f"{'x' * 59}…"),
        "frame_of_mine": ("table", "EndlessFrame", "1 × 2", "open, close"),
        "huge": ("table", "Huge", "1 × 1", "a"),
    }
    assert "list_of_mine" not in rows and "endless" not in rows and "frame_hidden" not in rows
    assert all(len(value) <= 300 for one in found for value in one.values() if isinstance(value, str))
    assert kernel.value("touched") == "[]"


def test_a_view_that_never_ends_is_stopped_and_keeps_nobody_waiting(kernel):
    first = asked(kernel, "alphintra/view", name="frame_of_mine")["body"]
    assert first["state"] == "working"
    ticket = first["ticket"]
    assert listed(kernel)["total"] > 14
    assert kernel.value("6 * 7") == "42"
    assert asked(kernel, "alphintra/view", ticket=ticket)["body"]["state"] == "working"
    assert asked(kernel, "alphintra/view", ticket=ticket, stop=True)["body"]["state"] == "failed"
    deadline = time.monotonic() + 240
    while kernel.value("any(t.name == 'alphintra-variables' for t in __import__('threading').enumerate())") == "True":
        assert time.monotonic() < deadline
    # Four at most at a time.
    tickets = [asked(kernel, "alphintra/view", name="frame_of_mine")["body"]["ticket"] for _ in range(4)]
    refused = asked(kernel, "alphintra/view", name="data")
    assert refused["message"] == "4 views are being made and have not come to an end"
    for one in tickets:
        asked(kernel, "alphintra/view", ticket=one, stop=True)
    failed = [view(kernel, name) for name in ("failing_frame", "huge")]
    assert [(one["state"], one["message"]) for one in failed] == [
        ("failed", "ValueError: no"),
        ("failed", "This view is larger than a message may be (20.0 MB of text/html)."),
    ]
    assert view(kernel, "data")["state"] == "done"


def test_ten_thousand_variables(kernel):
    assert kernel.run("globals().update({f'v{i:05d}': closes for i in range(10_000)})")[0]["status"] == "ok"
    found = listed(kernel, filter="v0")
    assert (len(found["variables"]), found["total"]) == (200, 10_000)
    assert [one["name"] for one in listed(kernel, filter="V0999")["variables"]] == [f"v0999{i}" for i in range(10)]
    assert len(json.dumps(listed(kernel))) < 200_000


def test_it_is_told_while_a_debugger_holds_a_cell(kernel):
    code = "def held_up(values):\n    total = values.sum()\n    return total\nsummed = held_up(weights)"
    asked(kernel, "initialize", clientID="jupyterlab", adapterID="", pathFormat="path", linesStartAt1=True)
    asked(kernel, "attach")
    path = asked(kernel, "dumpCell", code=code)["body"]["sourcePath"]
    asked(kernel, "setBreakpoints", source={"path": path}, breakpoints=[{"line": 2}], sourceModified=False)
    cell = kernel.client.execute(code)
    while (message := kernel.client.get_iopub_msg(timeout=180))["content"].get("event") != "stopped":
        assert message["msg_type"] != "execute_result"
    assert row(listed(kernel, filter="weights")["variables"], "weights")[2] == "5 values"
    for name in ("data", "SmaCross", "weights"):  # beside the thread that stands still
        assert view(kernel, name)["state"] == "done"
    asked(kernel, "continue", threadId=message["content"]["body"]["threadId"])
    reply = kernel.client.get_shell_msg(timeout=180)
    assert (reply["parent_header"]["msg_id"], reply["content"]["status"]) == (cell, "ok")
    asked(kernel, "disconnect", restart=False, terminateDebuggee=False)
