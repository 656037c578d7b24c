"""The SSE stream: one user's events, resumable, kept alive, cut off when too slow."""

import asyncio
import json

import pytest
from alphintra_server import events
from alphintra_server.handlers import stream

from .attempts import until
from .conftest import STRATEGY, TestIdentities


@pytest.fixture
def identities():
    return TestIdentities


@pytest.fixture
def follow(services, jp_fetch):
    """Read a stream until it has said ``count`` events, or ``seconds`` have passed."""

    async def read(user, count, *, headers=None, seconds=120, mark=b"\ndata: "):
        raw = bytearray()
        asking = jp_fetch(
            "api",
            "stream",
            headers={"X-User": user, **(headers or {})},
            streaming_callback=raw.extend,
            request_timeout=180,
            raise_error=False,
        )
        task = asyncio.ensure_future(asking)
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end and not task.done():
            if raw.count(mark) >= count and count:
                break
            await asyncio.sleep(0.02)
        done = task.result() if task.done() else None
        task.cancel()
        blocks = [block for block in raw.decode().split("\n\n") if "data: " in block]
        parsed = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]
        return [(int(item["id"]), item["event"], json.loads(item["data"])) for item in parsed], raw, done

    return read


@pytest.fixture
def create(api):
    async def make(user):
        strategy = await api(
            "POST", "/api/strategies/code/create", {"name": "S", "code": STRATEGY}, user=user
        )
        body = {"strategy_id": strategy.json["id"], "dataset_id": "us-equities-daily/AAPL"}
        return (await api("POST", "/api/backtests", body, user=user)).json

    return make


async def test_a_stream_has_ones_own_events_only(follow, create, services):
    reading = asyncio.ensure_future(follow("alice:viewer", 1))
    await until(lambda: services.events._subscriptions)
    await create("bob:trader")
    made = await create("alice:trader")
    found, raw, _ = await reading
    assert raw.startswith(b"retry: 2000\n\n")
    ((event_id, name, data),) = found
    assert name == "job"
    assert data["event_id"] == event_id
    assert (data["job_id"], data["resource_id"]) == (made["job_id"], made["id"])
    assert (data["kind"], data["status"], data["phase"]) == ("backtest", "PENDING", "created")


async def test_a_stream_resumes_after_the_last_id(follow, create):
    jobs = [(await create("alice:trader"))["job_id"] for _ in range(3)]
    found, _, _ = await follow("alice:viewer", 2, headers={"Last-Event-ID": "1"})
    assert [(event_id, data["job_id"]) for event_id, _, data in found] == [(2, jobs[1]), (3, jobs[2])]


async def test_events_that_are_gone_are_410(follow, create, services):
    await create("alice:trader")
    await create("alice:trader")
    await services.database.write(
        lambda session: session.query(events.OutboxRow).filter_by(event_id=1).delete() and None
    )
    _, _, reply = await follow("alice:viewer", 1, headers={"Last-Event-ID": "0"})
    assert reply.code == 410


async def test_a_bad_last_id_is_400(follow):
    _, _, reply = await follow("alice:viewer", 1, headers={"Last-Event-ID": "abc"})
    assert reply.code == 400


async def test_a_silent_stream_is_kept_alive(follow, monkeypatch):
    monkeypatch.setattr(stream, "KEEPALIVE_SECONDS", 0.1)
    _, raw, reply = await follow("alice:viewer", 3, mark=b": keepalive\n\n")
    assert raw.count(b": keepalive\n\n") >= 3
    assert reply is None


async def test_a_stream_ends_when_the_permission_does(follow, services, monkeypatch):
    monkeypatch.setattr(stream, "KEEPALIVE_SECONDS", 0.05)
    monkeypatch.setattr(stream, "RECHECK_SECONDS", 0.1)
    reading = asyncio.ensure_future(follow("alice:viewer", 0))
    await until(lambda: services.events._subscriptions)
    monkeypatch.setattr(TestIdentities, "get_user", lambda self, handler: None)
    _, _, reply = await reading
    assert reply is not None


async def test_a_slow_reader_is_cut_off_and_others_are_not(services):
    relay = services.events
    slow, quick = await relay.subscribe("alice"), await relay.subscribe("alice")
    for number in range(slow.queue.maxsize):
        slow.put(events.Event(number, "job", {}))
    assert slow.put(events.Event(-1, "job", {})) is False
    relay._cut_off(slow)
    assert slow not in relay._subscriptions
    assert quick in relay._subscriptions
    # None of what waited is sent: the reader comes back with the last id that it got, and would miss what was left out.
    assert [slow.queue.get_nowait() for _ in range(slow.queue.qsize())] == [None]


async def test_old_delivered_events_are_pruned_but_the_newest_stay(services, create, monkeypatch):
    monkeypatch.setattr(services.events, "_keep", events.timedelta(0))
    monkeypatch.setattr(events, "KEEP_AT_LEAST", 2)
    for _ in range(5):
        await create("alice:trader")
    await asyncio.sleep(0.2)  # as old as that they are
    services.events._next_prune = 0.0
    await services.events._prune()
    left = await services.database.read(
        lambda session: [row.event_id for row in session.query(events.OutboxRow).order_by("event_id")]
    )
    assert left == [4, 5]
