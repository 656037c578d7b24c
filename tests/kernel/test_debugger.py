"""The kernel's debugger over the control channel: a strategy of a cell and of a file, bar by bar and back."""

from __future__ import annotations

import pytest

from . import kernels
from .dap import Dap

STRATEGY = '''import alphintra as al

class Cross(al.Strategy):
    n = al.Param(3, low=1, high=9)

    def on_start(self):
        self.seen = []
        self.ma = self.indicator(al.ta.SMA, self.data.close, self.n)

    def on_bar(self):
        """Buys what rises."""
        self.seen.append(self.bar_index)
        if al.crossed_above(self.data.close, self.ma):
            self.buy(1)

        self.last = len(self.seen)
'''
FIRST, CROSSED, BOUGHT, EMPTY, LAST = 12, 13, 14, 15, 16
RUN = """
r = al.replay({name}, "us-equities-daily/AAPL", start="2012-01-03", end="2012-12-31", debug=True{more})
str(r.strategy.seen)
"""
#: Bar of 2012-01-03, the first, and of the last day.
START, END = 2979, 3228


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    (work / "filed.py").write_text(STRATEGY.replace("Cross", "Filed"))
    data = tmp_path_factory.mktemp("data")
    with kernels.kernel(tmp_path_factory.mktemp("kernels"), cwd=work, data_dir=data) as started:
        started.work = work
        yield started


@pytest.fixture(scope="module")
def dap(kernel):
    client = Dap(kernel)
    client.start()
    return client


@pytest.fixture(scope="module")
def cell(dap, kernel):
    """The strategy is defined; the path of its cell."""
    path = dap.dump(STRATEGY)
    assert kernel.run(STRATEGY)[0]["status"] == "ok"
    return path


@pytest.fixture
def start(dap, cell):
    """Begin a run with breakpoints; ended and without conditions afterwards."""
    conditions = []

    def begin(*lines, condition=None, path=cell, name="Cross", more=""):
        for line, text in (condition or {}).items():
            dap.ask("alphintra/condition", path=path, line=line, condition=text)
            conditions.append((path, line))
        dap.breakpoints(path, *lines)
        dap.run(RUN.format(name=name, more=more))

    yield begin
    for path, line in conditions:
        dap.ask("alphintra/condition", path=path, line=line, condition="")
    if dap.ask("alphintra/market")["status"] != "done":
        dap.ask("alphintra/stop")
        dap.finished()
    dap.breakpoints(cell)


def test_step_over_at_the_end_of_a_bar_lands_on_the_next_bar(dap, cell, start):
    start(FIRST)
    assert dap.stopped()["reason"] == "breakpoint"
    frame = dap.frame()
    assert (frame["name"], frame["source"]["path"]) == ("on_bar", cell)
    assert dap.here() == (FIRST, str(START))
    steps = [dap.go("next") for _ in range(8)]
    one, two = str(START), str(START + 1)
    assert steps[:3] == [(CROSSED, one), (LAST, one), (FIRST, two)]
    assert steps[3:6] == [(CROSSED, two), (LAST, two), (FIRST, str(START + 2))]


def test_back_a_bar_and_back_again(dap, start):
    """The bar before is not just shown: what the strategy holds is what it held."""
    start(LAST)
    dap.stopped()
    assert [dap.go("continue")[1] for _ in range(3)] == [str(START + n) for n in (1, 2, 3)]
    assert dap.value("self.seen[-2:], self.last") == f"([{START + 2}, {START + 3}], 3)"
    assert [dap.go("stepBack") for _ in range(3)] == [(FIRST, str(START + n)) for n in (2, 1, 0)]
    assert dap.value("self.seen, hasattr(self, 'last')") == "([], False)"
    assert dap.refused("stepBack", threadId=dap.thread) == "this is the first bar of the run"
    # and on: the trader's breakpoint is there again
    assert dap.go("continue") == (LAST, str(START))
    assert dap.go("continue") == (LAST, str(START + 1))
    assert dap.value("self.seen") == f"[{START}, {START + 1}]"


def test_to_a_date_on_and_back(dap, start):
    start(FIRST)
    dap.stopped()
    assert dap.go("alphintra/runTo", time="2012-08-01") == (FIRST, "3125")
    assert dap.value("str(self.now)") == "'2012-08-01 20:00:00+00:00'"
    assert dap.value("len(self.seen)") == "146"  # the trader's breakpoint did not stop on the way
    assert dap.go("alphintra/runTo", time="2012-02-29T12:00:00Z") == (FIRST, "3018")
    assert dap.value("len(self.seen)") == "39"
    assert dap.go("alphintra/runTo", bar=3000) == (FIRST, "3000")
    assert dap.go("continue") == (FIRST, "3001")
    span = "the run goes from 2012-01-03 (bar 2979) to 2012-12-31 (bar 3228)"
    assert dap.refused("alphintra/runTo", time="2013-02-01") == f"2013-02-01 is outside the data – {span}"
    assert dap.refused("alphintra/runTo", bar=17) == f"there is no bar 17 to stand at – {span}"
    assert dap.refused("alphintra/runTo", time="Augustus").startswith("when='Augustus' is not a date")
    assert dap.refused("alphintra/runTo") == f"None is neither a bar nor a date – {span}"


def test_what_was_changed_in_a_bar_is_kept_on_the_way(dap, start):
    start(FIRST)
    dap.stopped()
    dap.value("setattr(self, 'note', 'mine')")
    dap.go("alphintra/runTo", bar=START + 5)
    assert dap.value("self.note, self.seen[0]") == f"('mine', {START})"


def test_a_condition_holds_over_runs_that_send_lines_alone(dap, cell, start):
    start(FIRST, condition={FIRST: "self.data.close[-1] > 600"})
    dap.stopped()
    assert dap.here() == (FIRST, "3031")
    dap.ask("alphintra/stop")
    dap.finished()
    start(FIRST, LAST)
    dap.stopped()
    assert dap.here() == (LAST, str(START))
    dap.breakpoints(cell, FIRST)
    assert dap.go("continue") == (FIRST, "3031")
    assert dap.go("continue") == (FIRST, "3032")
    assert dap.ask("debugInfo")["breakpoints"] == [
        {"source": cell, "breakpoints": [{"line": FIRST, "condition": "self.data.close[-1] > 600"}]}
    ]
    # back two bars and on: it is in force again
    assert [dap.go("stepBack")[1] for _ in range(2)] == ["3031", "3030"]
    assert dap.go("continue") == (FIRST, "3031")
    changed = dap.ask("alphintra/condition", path=cell, line=FIRST, condition="self.bar_index == 3200")
    assert changed == {"path": cell, "line": FIRST, "set": True, "condition": "self.bar_index == 3200"}
    assert dap.go("continue") == (FIRST, "3200")


def test_a_count_as_condition(dap, cell, start):
    dap.ask("alphintra/condition", path=cell, line=FIRST, hitCondition="% 10")
    start(FIRST, condition={})
    dap.stopped()
    assert dap.here() == (FIRST, str(START + 9))
    dap.ask("alphintra/condition", path=cell, line=FIRST)
    assert dap.go("continue") == (FIRST, str(START + 10))


def test_a_condition_that_raises_stops_the_run_and_says_what_to_write(dap, cell, start):
    start(FIRST, condition={FIRST: "self.nothing > 3"})
    said = dap.stopped()
    assert dap.here() == (FIRST, str(START))
    assert said["description"] == (
        "the condition 'self.nothing > 3' raised AttributeError: 'Cross' object has no attribute 'nothing' "
        f"(line {FIRST}, bar {START}, 2012-01-03 21:00) – Cross has ma, n, seen, and what each strategy has, "
        "such as equity and data"
    )
    assert dap.ask("alphintra/market")["error"] == said["description"]
    # At the next stop nothing of it is left.
    dap.ask("alphintra/condition", path=cell, line=FIRST, condition="len(self.seen) == 2")
    dap.ask("continue", threadId=dap.thread)
    assert "description" not in dap.stopped()
    assert (dap.here(), dap.ask("alphintra/market")["error"]) == ((FIRST, str(START + 2)), None)


def test_what_is_no_condition_is_refused(dap, cell):
    refused = {"condition": "a +", "hitCondition": "often", "line": 0}
    said = [
        dap.refused("alphintra/condition", **{"path": cell, "line": 3, name: value}) for name, value in refused.items()
    ]
    assert said == [
        "the condition is no Python expression: invalid syntax",
        "hitCondition is a count such as 5, >= 5 or % 5",
        "a condition belongs to a path and a line",
    ]


def test_a_breakpoint_without_code_is_moved_and_says_so(dap, cell):
    docs, empty, plain = dap.breakpoints(cell, 11, EMPTY, FIRST)
    assert (docs["line"], docs["message"]) == (FIRST, "line 11 has no code to stop at: moved to line 12")
    assert (empty["line"], empty["message"]) == (LAST, "line 15 has no code to stop at: moved to line 16")
    assert plain["line"] == FIRST and "message" not in plain


def test_a_strategy_of_a_file(dap, kernel, start):
    path = str(kernel.work / "filed.py")
    assert dap.ask("alphintra/folder") == {"path": str(kernel.work)}
    assert kernel.run("from filed import Filed")[0]["status"] == "ok"
    start(FIRST, path=path, name="Filed", condition={FIRST: "self.bar_index == 3000"})
    dap.stopped()
    frame = dap.frame()
    assert (frame["name"], frame["source"]["path"], frame["line"]) == ("on_bar", path, FIRST)
    assert dap.go("stepBack") == (FIRST, "2999")
    assert dap.go("next") == (CROSSED, "2999")


def test_a_strategy_that_cannot_be_copied_runs_again_from_the_start(dap, kernel, start):
    code = STRATEGY.replace("Cross", "Held").replace("self.seen = []", "self.seen, self.file = [], open('/dev/null')")
    path = dap.dump(code)
    assert kernel.run(code)[0]["status"] == "ok"
    start(FIRST, path=path, name="Held", condition={FIRST: f"self.bar_index == {START + 9}"})
    dap.stopped()
    assert dap.go("stepBack") == (FIRST, str(START + 8))
    assert dap.value("self.seen == list(range(2979, 2987))") == "True"
    (notice,) = dap.ask("alphintra/market")["state"]["notices"]
    assert "file" in notice and "from the start" in notice, notice


def test_without_a_breakpoint_it_stops_at_the_first_bar(dap, start):
    start()
    dap.stopped()
    assert dap.here() == (FIRST, str(START))
    dap.ask("continue", threadId=dap.thread)
    dap.finished()
    assert dap.shown == [repr(str(list(range(START, END + 1))))]


def test_the_market_and_the_end(dap, start):
    start(BOUGHT)
    dap.stopped()
    market = dap.ask("alphintra/market")
    assert {name: market[name] for name in ("status", "bar", "first", "count", "time", "line", "error")} == {
        "status": "paused", "bar": 2988, "first": START, "count": END + 1, "time": "2012-01-17T21:00:00Z",
        "line": BOUGHT, "error": None,
    }  # fmt: skip
    assert market["state"]["account"]["cash"] == 100_000
    dap.ask("alphintra/stop")
    dap.finished()
    assert dap.shown == [repr(str(list(range(START, 2989))))]
    assert dap.ask("alphintra/market")["status"] == "done"
    assert dap.refused("alphintra/stop") == "no replay is being debugged"
    assert dap.refused("stepBack", threadId=dap.thread) == "no replay is paused in a bar"


def test_trading_objects_in_a_line_and_in_a_table(dap, kernel, start):
    """JupyterLab's tree shows a class where it knows one; for what trades it shows what it is."""
    start(LAST, condition={LAST: f"self.bar_index == {START + 20}"})
    dap.stopped()
    frame = dap.frame()["id"]

    def tree(reference):
        return {v["name"]: v for v in dap.ask("variables", variablesReference=reference)["variables"]}

    strategy = tree(dap.ask("scopes", frameId=frame)["scopes"][0]["variablesReference"])["self"]
    assert ("type" in strategy, strategy["value"]) == (False, dap.value("self"))
    held = tree(strategy["variablesReference"])
    assert "type" not in held["ma"] and held["ma"]["value"].startswith("<series SMA")
    assert held["seen"]["type"] == "list"
    rich = dap.ask("richInspectVariables", variableName="self", frameId=frame)["data"]
    assert "Cross</caption>" in rich["text/html"] and "Positions</caption>" in rich["text/html"]

    # JupyterLab asks for what lies within a variable by its own name alone.
    def drawn(name):
        return dap.ask("richInspectVariables", variableName=name, frameId=frame)["data"]

    assert drawn("ma")["text/html"].startswith("<p><code>self.ma</code></p><div") and "<svg" in drawn("ma")["text/html"]
    first = tree(held["seen"]["variablesReference"])["00"]
    assert (first["value"], drawn("00")["text/plain"]) == (str(START), f"self.seen[0]: {START}")
    assert drawn("none") == {}
    # Whatever is wrong with a request, it is answered.
    said = dap.refused("richInspectVariables", frameId=frame)
    assert said == "the debugger failed (KeyError: 'variableName')"
    # Lab maps over these lists of a frame that is gone without looking whether it was refused.
    gone = dap.reply("variables", variablesReference=987_654)
    assert (gone["success"], gone["body"]["variables"]) == (False, [])
    gone = dap.reply("scopes", frameId=987_654)
    assert (gone["success"], gone["body"]["scopes"]) == (False, [])


@pytest.mark.slow  # the ten seconds
def test_an_expression_that_never_ends_is_interrupted(dap, start):
    start(FIRST)
    dap.stopped()
    endless = dap.reply(
        "evaluate", expression="all(n == 0 for n in iter(int, 1))", frameId=dap.frame()["id"], context="repl"
    )
    assert (endless["success"], endless["message"].strip().splitlines()[-1]) == (False, "KeyboardInterrupt")
    assert dap.here() == (FIRST, str(START))
    assert dap.go("next") == (CROSSED, str(START))
