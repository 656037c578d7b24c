"""The widgets of a replay and of ``al.widgets`` in a real kernel: what a browser is sent, and what it asks for."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alphintra_kernel.replay_code import MODULE

from . import kernels
from .dap import Dap

STRATEGY = """
import alphintra as al

class SmaCross(al.Strategy):
    fast = al.Param(20, low=2, high=100)
    stake = 0.6

    def on_start(self):
        self.fast_ma = self.indicator(al.ta.SMA, self.data.close, self.fast)
        self.slow_ma = self.indicator(al.ta.SMA, self.data.close, 50)
        self.seen = 0

    def on_bar(self):
        self.seen += 1
        if al.crossed_above(self.fast_ma, self.slow_ma):
            self.order_target_percent(self.stake)
        elif al.crossed_below(self.fast_ma, self.slow_ma):
            self.close()

replay = al.replay(SmaCross, data="us-equities-daily/AAPL", at="2010-04-20")
"""
#: A cell that runs until it is told to go on, and a moment longer: what was sent before has come by then.
BUSY = """
import pathlib, time
pathlib.Path("busy").touch()
while not pathlib.Path("go").exists(): time.sleep(0.01)
time.sleep(0.5)
pathlib.Path("go").unlink()
"""


class Browser:
    """What a browser knows of the widgets of a kernel, from the messages alone."""

    def __init__(self, kernel: kernels.Client, work: Path) -> None:
        self.kernel, self.work = kernel, work
        self.models: dict[str, dict[str, Any]] = {}
        self.messages: list[dict[str, Any]] = []

    def hear(self, message: dict[str, Any]) -> None:
        content = message["content"]
        if message["msg_type"] == "comm_open":
            self.models[content["comm_id"]] = dict(content["data"]["state"])
        elif message["msg_type"] == "comm_msg":
            data = content["data"]
            if data["method"] == "update":
                self.models[content["comm_id"]] |= data["state"]
                self.messages.append(data["state"])
            elif data["method"] == "custom":
                self.messages.append(data["content"])

    def run(self, code: str) -> list[dict[str, Any]]:
        reply, shown = self.kernel.run(code)
        assert reply["status"] == "ok", reply
        for message in shown:
            self.hear(message)
        return shown

    def model(self, kind: str) -> str:
        """The comm of the last model of a kind."""
        return [key for key, state in self.models.items() if state.get("_model_name") == kind][-1]

    @property
    def id(self) -> str:
        """The comm of the replay."""
        return next(key for key, state in self.models.items() if "_scene" in state)

    @property
    def state(self) -> dict[str, Any]:
        return self.models[self.id]

    def ask(self, **request: Any) -> list[dict[str, Any]]:
        """What the kernel sends up to its word that the request is done."""
        self.messages = []
        name = f"page-{time.monotonic_ns()}"
        self.tell(id=name, **request)
        self.hear_until(lambda: {"kind": "done", "of": name} in self.messages)
        return self.messages

    def tell(self, *, subshell: str | None = None, **request: Any) -> None:
        self.send(self.id, {"method": "custom", "content": request}, subshell)

    def send(self, model: str, data: dict[str, Any], subshell: str | None = None) -> None:
        """A message to a model, as JupyterLab sends it on a subshell where there is one."""
        message = self.kernel.client.session.msg("comm_msg", {"comm_id": model, "data": data})
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.kernel.client.shell_channel.send(message)

    def wait_for(self, name: str) -> None:
        """Wait until the kernel has made a file, and take it away."""
        until = time.monotonic() + 180
        while not (self.work / name).exists():
            assert time.monotonic() < until, name
            time.sleep(0.01)
        (self.work / name).unlink()

    def hear_until(self, heard: Callable[[], bool]) -> None:
        while not heard():
            self.hear(self.kernel.client.get_iopub_msg(timeout=180))

    def moves(self) -> list[dict[str, Any]]:
        """What has moved. The weight of the copies is looked at once a second, whether anything has or not."""
        moves = [state["_move"] for state in self.messages if state.get("_move")]
        return [move for move in moves if move["facts"].keys() != {"snapshot_bytes"}]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not MODULE.exists():
        pytest.skip(f"THE REPLAY'S WIDGET WAS NOT TESTED: {MODULE} has not been built (make env)")
    work, data = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("data")
    with kernels.kernel(tmp_path_factory.mktemp("kernels"), cwd=work, data_dir=data) as started:
        page = Browser(started, work)
        page.run(STRATEGY)
        yield page


def test_a_replay_is_shown_as_a_widget_whose_code_is_shared(browser):
    (shown,) = [m["content"]["data"] for m in browser.run("replay") if m["msg_type"] == "execute_result"]
    assert set(shown) == {
        "text/plain",
        "text/html",
        "application/vnd.jupyter.widget-view+json",
        "application/vnd.alphintra.replay.v1+json",
    }
    assert shown["application/vnd.jupyter.widget-view+json"]["model_id"] == browser.id
    assert "2010-04-20" in shown["text/html"]
    scene = browser.state["_scene"]
    assert (len(scene["candles"]), scene["facts"]["bar"], scene["facts"]["count"]) == (400, 2548, 3270)
    assert len(browser.state["_esm"]) < 1_000
    assert browser.models[browser.state["_code"]]["text"] == MODULE.read_text()
    browser.run("other = al.replay(SmaCross, data='us-equities-daily/MSFT')")
    assert [key for key, state in browser.models.items() if "digest" in state] == [browser.state["_code"]]
    browser.run("other.close()")


def test_a_browser_moves_it_and_a_cell_sees_it(browser):
    browser.run("replay.to('2010-04-20')")
    browser.ask(action="step", bars=1)
    (move,) = browser.moves()
    assert (len(move["candles"]), move["until"], move["facts"]["bar"]) == (1, None, 2549)
    assert browser.kernel.value("replay.bar, replay.strategy.seen") == "(2549, 2501)"
    browser.ask(action="back", bars=2)
    (move,) = browser.moves()
    assert (move["candles"], move["facts"]["bar"]) == ([], 2547)
    browser.ask(action="until", what="fill")
    browser.hear_until(lambda: browser.moves() != [])
    assert browser.state["_status"]["busy"] is None
    assert browser.kernel.value("str(replay.time.date())") == "'2010-06-14'"
    assert [fill["side"] for move in browser.moves() for fill in move["fills"]] == ["SELL"]
    browser.ask(action="to", when="2005-01-03")
    assert browser.state["_scene"]["facts"]["time"].startswith("2005-01-03")
    # A cell moves it as well, and the browser sees that.
    browser.messages = []
    browser.run("replay.step(3)")
    assert [len(move["candles"]) for move in browser.moves()] == [3]


def test_play_gives_bars_as_long_as_it_is_on(browser):
    browser.run("replay.to(1000)")
    browser.ask(action="next", bars=2)
    assert browser.moves() == [], "nobody plays"
    browser.ask(action="play", by="page", rate=30)
    assert browser.state["_status"]["play"] == {"by": "page", "rate": 30.0}
    browser.ask(action="next", bars=2)
    browser.ask(action="next", bars=1)
    assert browser.kernel.value("replay.bar") == "1003"
    browser.ask(action="pause")
    browser.ask(action="next", bars=5)
    assert browser.kernel.value("replay.bar") == "1003"
    browser.run("replay.to(3267)")
    browser.ask(action="play", by="page", rate=30)
    browser.ask(action="next", bars=1000)
    assert browser.state["_status"] == {"play": None, "busy": None, "problem": None}
    assert browser.kernel.value("replay.bar, replay.done") == "(3269, True)"


def test_what_goes_wrong_is_said(browser):
    browser.run("replay.to(1000)")
    browser.ask(action="to", when="1950-01-01")
    assert browser.state["_status"]["problem"]["text"] == "OUTSIDE_DATA"
    browser.ask(action="dismiss")
    assert browser.state["_status"]["problem"] is None
    browser.ask(action="until", what="self.nothing")
    problem = browser.state["_status"]["problem"]
    assert problem["text"] == "EXPRESSION_FAILED"
    assert "'SmaCross' object has no attribute 'nothing'" in problem["title"]
    browser.ask(action="to")
    assert browser.state["_status"]["problem"]["title"] == "KeyError"
    browser.ask(action="no such thing")
    browser.ask(action="step", bars="many")
    assert browser.state["_status"]["problem"]["title"] == "ValueError"


def test_a_search_is_stopped(browser):
    browser.run("replay.to(60)")
    # Until a bar that never comes, each of which takes a while.
    slow = "__import__('time').sleep(0.01)"
    browser.messages = []
    browser.tell(action="until", what=slow, id="search")
    browser.hear_until(lambda: (browser.state["_status"]["busy"] or {"bar": 0})["bar"] > 60)
    browser.ask(action="stop")
    stood = int(browser.kernel.value("replay.bar"))
    assert 60 < stood < 2000
    assert browser.state["_status"] == {"play": None, "busy": None, "problem": None}
    assert int(browser.kernel.value("replay.bar")) == stood


def test_an_expression_that_never_ends_is_stopped_or_interrupted(browser):
    control = browser.kernel.client.control_channel
    control.send(browser.kernel.client.session.msg("create_subshell_request", {}))
    subshell = browser.kernel.client.get_control_msg(timeout=180)["content"]["subshell_id"]
    endless = "open('begun', 'w').close() or any(False for _ in iter(int, 1))"
    idle = {"play": None, "busy": None, "problem": None}
    browser.run("replay.to(60)")
    browser.messages = []
    browser.tell(action="until", what=endless, id="endless", subshell=subshell)
    browser.wait_for("begun")
    browser.tell(action="stop", id="stop", subshell=subshell)
    browser.hear_until(lambda: {"kind": "done", "of": "stop"} in browser.messages)
    assert browser.state["_status"] == idle
    assert browser.kernel.value("replay.bar in (60, 61), replay.branches") == "(True, [])"
    browser.tell(action="until", what=endless, id="again")
    browser.wait_for("begun")
    browser.kernel.manager.interrupt_kernel()
    browser.hear_until(lambda: {"kind": "done", "of": "again"} in browser.messages)
    assert browser.state["_status"]["problem"]["title"] == "Interrupted"
    browser.ask(action="dismiss")
    browser.ask(action="to", when=70)
    assert browser.kernel.value("replay.bar") == "70"
    # Stopped before it has begun: behind a cell that runs.
    browser.kernel.client.execute(BUSY)
    browser.wait_for("busy")
    browser.tell(action="until", what=endless, id="late", subshell=subshell)
    browser.tell(action="stop", id="stop late", subshell=subshell)
    (browser.work / "go").touch()
    browser.hear_until(lambda: {"kind": "done", "of": "stop late"} in browser.messages)
    assert {"kind": "done", "of": "late"} in browser.messages
    assert (browser.state["_status"], (browser.work / "begun").exists()) == (idle, False)


def test_another_symbol_is_drawn(browser):
    browser.run("class Quiet(al.Strategy):\n    def on_bar(self): pass")
    browser.run("two = al.replay(Quiet, data='us-equities-daily/AAPL,MSFT', at=100)")
    two = [key for key, state in browser.models.items() if "_scene" in state][-1]
    apple = browser.models[two]["_scene"]
    assert (apple["facts"]["symbols"], apple["facts"]["symbol"]) == (["AAPL", "MSFT"], "AAPL")
    browser.messages = []
    request = {"action": "symbol", "symbol": "MSFT", "id": "other"}
    browser.send(two, {"method": "custom", "content": request})
    browser.hear_until(lambda: {"kind": "done", "of": "other"} in browser.messages)
    other = browser.models[two]["_scene"]
    assert other["facts"]["symbol"] == "MSFT"
    assert len(other["candles"]) == len(apple["candles"]) == 101
    assert other["candles"][-1][4] != apple["candles"][-1][4]
    browser.run("two.close()")


def test_what_going_back_costs_is_told(browser):
    facts = browser.state["_scene"]["facts"]
    assert facts["snapshot_bytes"] > 1_000  # how many copies there are depends on the time that the run took
    assert facts["snapshot_limit"] == 256 * 2**20
    assert facts["run_seconds"] > 0


def test_a_debugger_that_is_registered_is_offered_and_gets_the_replay(browser):
    browser.run("import alphintra_backtest.replay as package; own, package.debug_hook = package.debug_hook, None")
    browser.run("replay.to(100)")
    browser.ask(action="scene")
    assert browser.state["_scene"]["facts"]["can_debug"] is False
    browser.run("asked = []; package.debug_hook = lambda replay, wish: asked.append((replay.bar, wish))")
    browser.ask(action="scene")
    assert browser.state["_scene"]["facts"]["can_debug"] is True
    browser.ask(action="debug")
    assert browser.kernel.value("asked") == "[(100, True)]"
    browser.run("package.debug_hook = own")


def test_a_change_in_a_cell_is_shown_and_becomes_a_branch(browser):
    browser.run("replay.to('2010-04-20')")
    browser.messages = []
    browser.run("replay.strategy.stake = 0.3")
    (changed,) = [move["facts"]["variables"] for move in browser.moves()]
    assert {v["name"]: v["text"] for v in changed}["stake"] == "0.3"
    browser.ask(action="step", bars=1)
    (move,) = browser.moves()
    assert "stake" in move["facts"]["branch"]["text"]
    (answer,) = [m for m in browser.ask(action="compare") if m.get("kind") == "comparison"]
    assert "the run" in answer["html"]
    (answer,) = [m for m in browser.ask(action="still") if m.get("kind") == "still"]
    assert "branch: stake" in answer["html"]


def test_a_slider_runs_the_backtest_again_and_only_its_last_place_counts(browser):
    browser.run("view = al.widgets.parameters(SmaCross, data='us-equities-daily/AAPL')")
    slider = browser.model("IntSliderModel")
    assert {name: browser.models[slider][name] for name in ("description", "value", "min", "max")} == {
        "description": "fast", "value": 20, "min": 2, "max": 100,
    }  # fmt: skip
    output, status = browser.model("OutputModel"), browser.model("HTMLModel")
    browser.run("runs = []; plain = SmaCross.on_start")
    browser.run("SmaCross.on_start = lambda self: (runs.append(self.fast), plain(self))")
    # While a cell runs, the slider is let go at three places.
    browser.kernel.client.execute(BUSY)
    browser.wait_for("busy")
    for value in (30, 31, 32):
        browser.send(slider, {"method": "update", "state": {"value": value}})
    (browser.work / "go").touch()
    browser.hear_until(lambda: browser.models[status]["value"].startswith("<span role=\"status\""))
    assert "Running SmaCross with fast 3" in browser.models[status]["value"]
    browser.hear_until(lambda: browser.models[status]["value"] == "")
    (shown,) = browser.models[output]["outputs"]
    assert "text/html" in shown["data"]
    assert "image/png" not in shown["data"]
    assert browser.kernel.value("runs, view.values, view.result.run['parameters']") == (
        "([32], {'fast': 32}, {'fast': 32})"
    )
    # A run that never ends is interrupted, and what was there stays.
    browser.run(
        "SmaCross.on_start = lambda self: open('begun', 'w').close() or any(False for _ in iter(int, 1))"
    )
    browser.send(slider, {"method": "update", "state": {"value": 40}})
    browser.hear_until(lambda: "Running" in browser.models[status]["value"])
    browser.wait_for("begun")
    browser.kernel.manager.interrupt_kernel()
    browser.hear_until(lambda: "Interrupted" in browser.models[status]["value"])
    assert browser.models[output]["outputs"] == [shown]
    assert browser.kernel.value("view.result.run['parameters'], type(view.error)") == (
        "({'fast': 32}, KeyboardInterrupt)"
    )


def test_the_debugger_stops_at_the_bar_that_the_widget_shows_and_the_widget_shows_where_it_ends(browser):
    dap = Dap(browser.kernel)
    dap.overhear = browser.hear
    idle = {"play": None, "busy": None, "problem": None}
    cell = STRATEGY.strip()
    browser.run(cell)
    browser.run("replay.close()\nreplay = al.replay(SmaCross, data='us-equities-daily/AAPL', at=1000)")
    widget = [key for key, state in browser.models.items() if "_scene" in state][-1]

    def shown():
        """Bar, value of ``seen`` and the time of the last candle."""
        scene = browser.models[widget]["_scene"]
        seen = {variable["name"]: variable["text"] for variable in scene["facts"]["variables"]}["seen"]
        return scene["facts"]["bar"], seen, scene["candles"][-1][0]

    def ask(action, name):
        browser.send(widget, {"method": "custom", "content": {"action": action, "id": name}})

    def done(name):
        browser.hear_until(lambda: {"kind": "done", "of": name} in browser.messages)

    ask("debug", "off")
    done("off")
    problem = browser.models[widget]["_status"]["problem"]
    assert (problem["title"], problem["text"]) == ("the debugger is off", "DEBUGGER_OFF")
    bar, seen, time_of_1000 = shown()
    assert (bar, seen) == (1000, "952")

    dap.start()
    path = dap.dump(cell)
    line = next(n for n, text in enumerate(cell.splitlines(), 1) if text.strip() == "self.seen += 1")
    ask("debug", "on")
    assert dap.stopped()["reason"] == "breakpoint"
    assert (dap.frame()["source"]["path"], *dap.here()) == (path, line, "1000")
    assert dap.value("self.seen") == "951"
    assert browser.models[widget]["_status"] == idle | {
        "busy": {"text": "In the debugger: its panel moves the replay", "bar": 1000, "held": True}
    }
    # Two bars on and one back, where the run is ended: the widget shows that bar as it then is.
    assert dap.go("alphintra/runTo", bar=1002) == (line, "1002")
    assert dap.go("stepBack") == (line, "1001")
    dap.ask("evaluate", expression="self.seen = 7000", frameId=dap.frame()["id"], context="repl")
    dap.ask("alphintra/stop")
    done("on")
    assert browser.models[widget]["_status"] == idle
    bar, seen, last = shown()
    assert (bar, seen) == (1001, "7001") and last > time_of_1000
    assert browser.kernel.value("replay.bar, replay.strategy.seen, replay.done") == "(1001, 7001, False)"

    # From a breakpoint of the trader's on to the end of the data.
    ask("debug", "stopped")
    dap.stopped()
    assert dap.here() == (line, "1001")
    dap.ask("alphintra/condition", path=path, line=line, condition="self.bar_index == 1500")
    dap.breakpoints(path, line)
    assert dap.go("continue") == (line, "1500")
    dap.breakpoints(path)
    dap.ask("continue", threadId=dap.thread)
    done("stopped")
    assert shown()[0] == 3269
    assert browser.kernel.value("replay.bar, replay.done") == "(3269, True)"
    dap.ask("disconnect", restart=False, terminateDebuggee=False)
    browser.run("replay.close()")
