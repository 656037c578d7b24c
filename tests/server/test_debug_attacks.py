"""What runs in a debug session's kernel holds the kernel's key: whatever it says, the server stays as it is."""

from __future__ import annotations

import asyncio
import json

import pytest
from alphintra_server.debug import answers, dap, feed, inspection, live
from alphintra_server.errors import Conflict, Invalid
from alphintra_server.models.debug import BreakpointGiven, DebugStatus

from .forging import FRAME, MARKET, ended, forged, printed, shown


def whole(body):
    return b'{"success": true, "body": ' + body + b"}"


#: Name → command, what is answered to it.
SENSELESS = {
    "no JSON": ("stackTrace", b"{"),
    "not an object": ("stackTrace", b"[1]"),
    "deep": ("stackTrace", whole(b"[" * 50_000 + b"]" * 50_000)),
    "not a number": ("alphintra/market", whole(b'{"status": "paused", "state": {"x": NaN}}')),
    "half a letter": ("stackTrace", whole(b'{"stackFrames": [{"id": 1, "name": "\\ud800"}]}')),
    "endless number": ("stackTrace", whole(b'{"stackFrames": [{"id": ' + b"1" * 5_000 + b"}]}")),
    "large number": ("stackTrace", {"stackFrames": [FRAME | {"id": 2**31}]}),
    "negative line": ("stackTrace", {"stackFrames": [FRAME | {"line": -1}]}),
    "no list": ("stackTrace", {"stackFrames": {"id": 1}}),
    "no status": ("alphintra/market", MARKET | {"status": "flying"}),
    "no zone": ("alphintra/market", MARKET | {"time": "2000-01-03T21:00:00"}),
    "large state": ("alphintra/market", MARKET | {"state": {"x": ["y" * 1_000] * 200}}),
    "more breakpoints": ("setBreakpoints", {"breakpoints": [{"line": 6}] * 2}),
}


@pytest.mark.parametrize("name", SENSELESS)
async def test_an_answer_without_sense_ends_the_session(name):
    command, said = SENSELESS[name]
    async with forged({command: said}) as (session, _):
        code, message = await ended(session)
        assert code == "PROTOCOL", message
        assert len(message) < 500


async def test_what_is_asked_of_a_session_that_stands_is_no_better_believed():
    for command, said, ask in (
        ("evaluate", {"result": "1", "variablesReference": -1}, lambda s: s.evaluate("1", 0)),
        ("variables", {"variables": 7}, lambda s: s.variables(0, None)),
        ("scopes", {"scopes": [{}] * 100}, lambda s: s.variables(0, None)),
        ("setBreakpoints", {"breakpoints": []}, lambda s: s.set_breakpoints([BreakpointGiven(line=6)])),
        ("alphintra/market", b'{"success": false, "message": "no"}', lambda s: s.evaluate("1", 0)),
        ("next", b"]", lambda s: s.step("line")),
    ):
        async with forged() as (session, forger):
            assert shown(session)["variables"] == {"fast": 20}
            assert (await session.evaluate("1", 0)).text == "1"
            forger.said[command] = said
            with pytest.raises(Conflict) as refused:
                await ask(session)
            assert refused.value.code == "DEBUG_ENDED"
            assert (await ended(session))[0] == "PROTOCOL", command


async def test_what_is_too_much_is_cut():
    many = [{"name": f"v{n}", "value": "x", "type": "str"} for n in range(9_000)]
    deep = [FRAME | {"name": "f" * 5_000}] * 3_000
    async with forged({"variables": {"variables": many}, "stackTrace": {"stackFrames": deep}}) as (session, forger):
        found = await session.variables(0, None)
        assert [item.name for item in found.items] == [f"v{n}" for n in range(500)]
        assert (len(shown(session)["stack"]), len(shown(session)["stack"][0]["function"])) == (answers.MAX_FRAMES, 200)
        forger.said["evaluate"] = {"result": "x" * 900_000, "type": "t" * 900}
        value = await session.evaluate("1", 0)
        assert (len(value.text), len(value.type)) == (answers.TEXT, 200)
        forger.said["evaluate"] = b'{"success": false, "message": "' + b"e" * 900_000 + b'"}'
        with pytest.raises(Invalid) as raised:
            await session.evaluate("1", 0)
        assert len(json.dumps(raised.value.extra)) < 5_000
        assert session.status is DebugStatus.PAUSED


async def test_floods(monkeypatch):
    # Stops where there is nothing of the strategy, again and again.
    elsewhere = {"stackFrames": [FRAME | {"source": {"path": "/usr/lib/x.py"}}]}
    async with forged({"stackTrace": elsewhere}) as (session, _):
        code, message = await ended(session)
        assert (code, "again and again" in message) == ("PROTOCOL", True)

    # Stops without end, while it stands and while it is asked about one of them.
    async with forged() as (session, forger):
        for said in ("before", "after"):
            for _ in range(500):
                await forger.stop()
            await forger.publish("stream", {"text": f"{said}\n"})
            await printed(session, said)
            forger.said["stackTrace"] = None
            if said == "before":
                await session.go_on()
        assert (session._stops.qsize(), len(session._tasks)) == (1, 3)

    # Lines without end, and what would forge a terminal's.
    async with forged() as (session, forger):
        await forger.publish("stream", {"text": "x\n" * 500_000 + "\x1b[31mred\r\x00 line\nunfinished"})
        await forger.publish("stream", {"text": "y" * 900_000})
        await forger.publish("stream", {"text": "\nlast\n"})
        await printed(session, "last")
        log = shown(session)["log"]
        assert (len(log), log[-3], log[-2][:12], len(log[-2])) == (200, "red line", "unfinishedyy", 2_000)
        assert sum(len(told.data) for told in session.feed.after(session.feed.last - 3)) < 40_000
        for number in range(250):
            await forger.publish("stream", {"text": f"{number}\n"})
        await printed(session, "249")
        assert len(session.feed.after(session.feed.last - feed.KEPT)) == feed.KEPT
        assert session.feed.after(1) is None

        # All of it together.
        monkeypatch.setattr(dap, "MAX_BYTES", 4 << 20)
        monkeypatch.setattr(dap, "BYTES_PER_SECOND", 0)
        for _ in range(8):
            await forger.publish("display_data", {"data": {"text/plain": "z" * 900_000}})
        assert (await ended(session))[0] == "OUTPUT_LIMIT"
    # Small ones, that are the answer to nothing.
    async with forged() as (session, forger):
        for _ in range(4_500):
            await forger.publish("debug_event", {"event": "x"})
        assert (await ended(session))[0] == "OUTPUT_LIMIT"


async def test_a_stop_that_meets_the_end_changes_nothing_and_keeps_nothing_alive():
    # It is heard right after the end.
    async with forged() as (session, _):
        session.end("stopped")
        session._stopped(answers.Stopped(threadId=1))
        async with asyncio.timeout(20):
            await session.closed()
    # The end comes while the kernel is asked about it.
    async with forged() as (session, forger):
        market = session._market

        async def ends():
            found = await market()
            session.end("stopped")
            return found

        session._market = ends
        await session.go_on()
        await forger.stop()
        await session._over.wait()
        await session.closed()
        assert (shown(session)["status"], shown(session)["reason"]) == ("COMPLETED", "stopped")


async def test_other_messages_than_answers(monkeypatch):
    for kind, content, header in (
        ("stream", {"text": "x"}, {"dates": ["2000-01-01T00:00:00Z"] * 1_000}),  # each would be looked at
        ("stream", {}, {}),
        ("debug_event", {"body": {}}, {}),
        ("stream", b"\xff", {}),
        ("stream", {"text": "x"}, {"msg_id": "1", "msg_type": ["stream"]}),
    ):
        async with forged() as (session, forger):
            await forger.send("iopub", kind, content, {"header": {}}, [b"x"], header)
            if isinstance(header.get("msg_type"), list):  # of no kind that is known
                assert (await session.evaluate("1", 0)).text == "1"
                continue
            code, message = await ended(session)
            assert (code, "not a message" in message) == ("PROTOCOL", True), kind
    # A message with another key, and the answer to a question that was not asked.
    async with forged() as (session, forger):
        await forger.send("control", "debug_reply", {}, {"header": {"msg_id": "none"}}, [b"nobody"])
        assert (await session.evaluate("1", 0)).text == "1"
        forger._session.key = b"another"
        await forger.stop()
        assert (await ended(session))[0] == "PROTOCOL"


async def test_how_a_run_ended_is_believed_no_further_than_it_goes():
    for outcome, code in (
        (None, "PROTOCOL"),
        ([], "PROTOCOL"),
        ({"type": "result", "summary": {str(n): 1.0 for n in range(50)}}, "PROTOCOL"),
        ({"type": "result", "summary": {"sharpe_ratio": "much"}}, "PROTOCOL"),
        ({"type": "error", "code": "<b>", "message": "x"}, "PROTOCOL"),
        ({"type": "error", "code": "MINE", "message": "\x1b]0;x\x07" + "m" * 9_000, "file": "f\nx", "line": 3}, "MINE"),
    ):
        async with forged() as (session, forger):
            await forger.finish(outcome)
            found, message = await ended(session)
            assert (found, len(message) <= 4_000, message.isprintable()) == (code, True, True)


async def test_silence(monkeypatch):
    monkeypatch.setattr(live, "_ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(inspection, "_GRACE_SECONDS", 0.1)
    async with forged({"stackTrace": None}) as (session, _):
        assert (await ended(session))[1] == "The debugger does not say where it stands: no answer within 0.2 s"
    for command, ask, code in (
        ("evaluate", lambda s: s.evaluate("9**9**9", 0), "EXPRESSION_TIMEOUT"),
        ("next", lambda s: s.step("line"), "NO_ANSWER"),
    ):
        async with forged() as (session, forger):
            forger.said[command] = None
            with pytest.raises(Conflict, match="so the session was ended"):
                await ask(session)
            assert ((await ended(session))[0], forger.interrupted) == (code, int(command == "evaluate"))


async def test_clients_ask_one_after_the_other(monkeypatch):
    monkeypatch.setattr(inspection, "_GRACE_SECONDS", 0.1)
    async with forged({"evaluate": None}) as (session, forger):
        found = await asyncio.gather(*(session.evaluate(str(n), 0) for n in range(3)), return_exceptions=True)
        assert [error.code for error in found] == ["DEBUG_ENDED"] * 3
        assert forger.interrupted == 1
