"""A debug session over HTTP from its start to its end: a real kernel in the sandbox, the real AAPL data."""

from __future__ import annotations

import alphintra as al
import pytest
from alphintra.data import catalogue
from alphintra_server.debug.answers import TEXT
from alphintra_server.routes import ROUTES

from .conftest import TestIdentities
from .debugging import AAPL, MALLORY, is_gone, sessions, told, watch  # noqa: F401  fixtures

CODE = '''\
import alphintra as al

class SmaCross(al.Strategy):
    """Long when the fast average is above the slow one."""
    fast = al.Param(20, low=2, high=100)

    def on_start(self):
        self.fast_ma = self.indicator(al.ta.SMA, self.data.close, self.fast)
        self.slow_ma = self.indicator(al.ta.SMA, self.data.close, 50)
        self.crossings = 0

    def on_bar(self):
        price = self.data.close[-1]
        if al.crossed_above(self.fast_ma, self.slow_ma):
            # A line without code.
            self.crossings += 1
            print("up", end=" ")
            print("at", price)
            self.order_target_percent(0.95)
        elif al.crossed_below(self.fast_ma, self.slow_ma):
            self.close()
'''
FIRST, COMMENT, UP, CLOSE = 13, 15, 16, 21
#: The first crossing of AAPL's averages of 20 and 50 days, and the bars of Lehman's bankruptcy.
BAR, DAY, PRICE = 89, "2000-07-07T20:00:00Z", "54.44"


@pytest.fixture
def identities():
    return TestIdentities


@pytest.fixture
def settings():
    return {"debug_evaluate_seconds": 1.0, "max_debug_sessions": 1}


async def test_a_session_from_its_start_to_its_end(sessions, watch, workspace, data_dir):  # noqa: F811
    (workspace / "secret.txt").write_text("the trader's")
    await sessions.store(CODE)
    session = await sessions.start(breakpoints=[COMMENT], features={"oil": "wti-daily"})
    process, folder = session.process, session.live._kernel.folder
    readers = [watch(session), watch(session)]

    # It stands at the first breakpoint that is hit, which was moved.
    found = await session.stood()
    assert found["error"] is None, found
    assert (found["status"], found["reason"], found["bar"]) == ("PAUSED", "breakpoint", BAR)
    assert (found["current_timestamp"], found["count"]) == (DAY, 3270)
    assert found["place"] | {"cell": None} == {
        "function": "on_bar", "file": "strategy.py", "line": UP, "cell": None, "cell_line": None,
    }  # fmt: skip
    assert found["breakpoints"] == [UP]
    (point,) = found["breakpoint_details"]
    assert (point["asked_line"], point["line"], point["verified"]) == (COMMENT, UP, True)
    assert f"moved to line {UP}" in point["message"]
    assert (found["variables"]["crossings"], found["log"]) == (0, [])
    assert found["market"]["account"]["cash"] == 100_000

    # Its variables are those of the real data.
    columns = catalogue.read_columns(catalogue.manifest("us-equities-daily"), ["AAPL"])["AAPL"]
    shown = (await session.ask("GET", "/variables")).json
    names = {item["name"]: item for item in shown["items"]}
    assert set(names) == {"price", "self"}
    assert (names["price"]["type"], names["price"]["text"]) == ("float", PRICE)
    assert repr(round(float(columns["close"][BAR]), 6)) == PRICE
    inside = await session.ask("GET", "/variables", params={"reference": names["self"]["reference"]})
    assert {item["name"]: item["text"] for item in inside.json["items"]}["crossings"] == "0"
    own = {item["name"]: item["text"] for item in shown["strategy"]}
    # Oil of the same day is known at 24:00 UTC only.
    assert (own["crossings"], own["features['oil'].close[-1]"]) == ("0", "30.19")

    # Others see nothing of it, and can do nothing: not even one who may do everything.
    bodies = {"/evaluate": {"expression": "1"}, "/run-to": {"bar": 100}}
    tried = 0
    for route in ROUTES:
        for verb in route.endpoints if "/debug/{sid}" in route.path else ():
            path = route.path.partition("{sid}")[2]
            body = None if verb in {"get", "delete"} else bodies.get(path, {})
            assert (await session.ask(verb.upper(), path, body, user=MALLORY)).status == 404, (verb, path)
            tried += 1
    assert tried == 11
    assert (await session.ask("GET")).json["bar"] == BAR
    listed = (await sessions.ask("GET")).json
    assert ([item["id"] for item in listed["items"]], listed["_pagination"]["total"]) == ([session.id], 1)
    more = await sessions.ask("POST", "", {"dataset_id": AAPL})
    assert (more.status, more.json["code"]) == (429, "TOO_MANY_SESSIONS")
    assert more.json["sessions"] == [{"id": session.id, "strategy_id": found["strategy_id"]}]

    # Steps by lines; a line that is printed in parts is one.
    for line in (17, 18, 19):
        found = await session.move("/step")
        assert (found["reason"], found["place"]["line"], found["bar"]) == ("step", line, BAR)
    assert found["log"][-1] == f"up at {PRICE}"
    # To the next bar: the order has filled at its open.
    found = await session.move("/step", unit="bar")
    assert found["error"] is None, found["error"]
    assert (found["reason"], found["bar"], found["place"]["line"]) == ("step", BAR + 1, FIRST)
    namespace: dict = {}
    exec(CODE, namespace)
    expected = al.backtest(namespace["SmaCross"], AAPL)
    assert float(await session.value("self.position().size")) == expected.fills["quantity"].iloc[0]
    # And back: all is as it was.
    found = await session.move("/step-back")
    assert (found["reason"], found["bar"], found["place"]["line"]) == ("step_back", BAR, FIRST)
    assert (found["variables"]["crossings"], await session.value("self.position().size")) == (0, "0.0")

    # A date, forwards and backwards, past breakpoints.
    found = await session.move("/run-to", timestamp="2008-09-15")
    assert (found["reason"], found["current_timestamp"]) == ("run_to", "2008-09-15T20:00:00Z")
    lehman = found["bar"]
    crossings = found["variables"]["crossings"]
    assert 10 < crossings < 30
    found = await session.move("/run-to", bar=BAR)
    assert (found["bar"], found["variables"]["crossings"]) == (BAR, 0)
    found = await session.move("/run-to", bar=lehman)
    assert found["variables"]["crossings"] == crossings
    for body in ({"timestamp": "2030-01-01"}, {"bar": 3270}, {"bar": 3}):
        assert (await session.refusal("/run-to", **body))[:2] == (409, "CANNOT_MOVE")
    assert (await session.ask("GET")).json["bar"] == lehman

    # Expressions: a value, an error, a change that others see, and one without end.
    assert await session.value("'%.2f' % price if 'price' in dir() else self.crossings") == str(crossings)
    assert (await session.refusal("/evaluate", expression="1 / 0"))[1:] == (
        "EXPRESSION_RAISED", "expression: ZeroDivisionError: division by zero",
    )  # fmt: skip
    reply = await session.ask("POST", "/evaluate", {"expression": "[0 for _ in iter(int, 1)]"})
    assert (reply.status, reply.json["code"]) == (422, "EXPRESSION_TIMEOUT")
    assert (await session.refusal("/evaluate", expression="1", frame=7))[0] == 422
    assert len(await session.value("'long' * 1_000_000")) == TEXT
    missing = await session.ask("GET", "/variables", params={"reference": 999_999})
    assert (missing.status, missing.json["code"]) == (422, "NO_VARIABLE")

    # It is as sealed as a job.
    assert await session.value("__import__('os').getuid() != 0") == "True"
    connect = "__import__('socket').create_connection(('198.51.100.1', 80), 1)"
    assert "Network is unreachable" in (await session.refusal("/evaluate", expression=connect))[2]
    for path, error in ((workspace / "secret.txt", "No such file"), (data_dir / "alphintra.sqlite", "No such file")):
        assert error in (await session.refusal("/evaluate", expression=f"open({str(path)!r})"))[2]
    assert "Read-only" in (await session.refusal("/evaluate", expression="open('/job/in/x', 'w')"))[2]
    assert await session.value("[n for n in __import__('os').environ if 'TOKEN' in n or 'JPY' in n]") == "[]"

    # A condition holds; one that raises stops the run, and says so.
    reply = await session.ask("PUT", "/breakpoints", {"breakpoints": [{"line": UP, "condition": "price > 500"}]})
    assert reply.json["breakpoint_details"][0]["condition"] == "price > 500"
    found = await session.move("/continue")
    assert (found["reason"], found["error"]) == ("breakpoint", None)
    assert float(await session.value("price")) > 500
    point = [{"line": FIRST, "condition": "self.nothing > 1"}]
    assert (await session.ask("PUT", "/breakpoints", {"breakpoints": point})).status == 200
    here = found["bar"]
    found = await session.move("/continue")
    assert (found["reason"], found["bar"]) == ("condition_error", here + 1)
    assert found["error"]["code"] == "CONDITION_RAISED"
    assert "has no attribute 'nothing'" in found["error"]["message"]

    # To the end, which is the backtest's.
    assert (await session.ask("PUT", "/breakpoints", {"breakpoints": []})).json["breakpoints"] == []
    found = await session.move("/continue")
    assert (found["status"], found["reason"], found["error"]) == ("COMPLETED", "finished", None)
    assert found["summary"]["final_equity"] == expected.metrics["final_equity"]
    assert found["summary"]["total_trades"] == expected.metrics["total_trades"]

    # Both readers saw the same, to the end; nothing is left.
    for reading, _ in readers:
        await reading
    first, second = (told(raw) for _, raw in readers)
    assert first[-1][2]["status"] == "COMPLETED"
    seen = {number for number, _, _ in first} & {number for number, _, _ in second}
    assert [item for item in first if item[0] in seen] == [item for item in second if item[0] in seen]
    assert {"session", "log"} <= {topic for _, topic, _ in first}
    reasons = [data["reason"] for _, topic, data in second if topic == "session" and data["status"] == "PAUSED"]
    assert [r for i, r in enumerate(reasons) if i == 0 or reasons[i - 1] != r] == [
        "breakpoint", "step", "step_back", "run_to", "breakpoint", "condition_error",
    ]  # fmt: skip
    again, raw = watch(session, headers={"Last-Event-ID": str(first[-2][0])})
    await again
    assert told(raw) == first[-1:]
    assert (await session.refusal("/step"))[:2] == (409, "DEBUG_ENDED")
    await session.live.closed()
    assert (process.poll() is not None, folder.exists(), is_gone(process.pid)) == (True, False, True)
    assert (await session.ask("DELETE")).json["status"] == "COMPLETED"
    assert (await session.ask("GET")).status == 404
