"""The replay's widget in a real kernel: what a browser is sent, and what comes of what it asks for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from alphintra_kernel.replay_code import MODULE

from . import kernels

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


class Browser:
    """What a browser knows of the widgets of a kernel, from the messages alone."""

    def __init__(self, kernel: kernels.Client) -> None:
        self.kernel = kernel
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
        assert reply["status"] == "ok", (reply["ename"], reply["evalue"])
        for message in shown:
            self.hear(message)
        return shown

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
        self.hear_until(lambda: {"kind": "done", "id": name} in self.messages)
        return self.messages

    def tell(self, **request: Any) -> None:
        message = {"comm_id": self.id, "data": {"method": "custom", "content": request}}
        self.kernel.client.shell_channel.send(self.kernel.client.session.msg("comm_msg", message))

    def hear_until(self, heard: Callable[[], bool]) -> None:
        while not heard():
            self.hear(self.kernel.client.get_iopub_msg(timeout=60))

    def moves(self) -> list[dict[str, Any]]:
        return [state["_move"] for state in self.messages if state.get("_move")]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not MODULE.exists():
        pytest.skip(f"THE REPLAY'S WIDGET WAS NOT TESTED: {MODULE} has not been built (make env)")
    work, data = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("data")
    with kernels.kernel(tmp_path_factory.mktemp("kernels"), cwd=work, data_dir=data) as started:
        page = Browser(started)
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
