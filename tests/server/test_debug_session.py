"""A debug session over HTTP, with a real kernel in the sandbox and the real AAPL data."""

from __future__ import annotations

import asyncio

import pytest

from .conftest import TestIdentities

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
            self.crossings += 1
            print("up at", price)
            self.order_target_percent(0.95)
        elif al.crossed_below(self.fast_ma, self.slow_ma):
            self.close()
'''
BAR, PRICE, IF, UP = 12, 13, 14, 15
AAPL = "us-equities-daily/AAPL"
ALICE, MALLORY = "alice:trader", "mallory:admin"


@pytest.fixture
def identities():
    return TestIdentities


@pytest.fixture
def settings():
    return {"debug_evaluate_seconds": 1.0}


async def test_a_session_from_its_start_to_its_end(api, services):
    made = await api("POST", "/api/strategies/code/create", {"name": "S", "code": CODE}, user=ALICE)
    base = f"/api/strategies/code/{made.json['id']}/debug"
    body = {"dataset_id": AAPL, "breakpoints": [UP], "wait_seconds": 0}
    reply = await api("POST", base, body, user=ALICE)
    assert reply.status == 201, reply.json
    one = f"{base}/{reply.json['id']}"

    async def ask(verb, path, body=None, **more):
        import time
        t = time.time()
        found = await api(verb, one + path, body, user=ALICE, **more)
        j = found.json
        if "breakpoint_details" in j: j = {k: j[k] for k in ("status","reason","bar","current_timestamp","place","error","log","breakpoint_details","variables","market","summary")}
        if found.status == 200 and verb == "GET" and path == "" and j["status"] == "ACTIVE": return found
        print(verb, path, round(time.time()-t, 3), found.status, str(j)[:900], flush=True)
        return found

    for i in range(100):
        if (await ask("GET", "")).json["status"] != "ACTIVE": break
        await asyncio.sleep(1)

    await ask("GET", "/variables")
    await ask("POST", "/step", {})
    await ask("POST", "/step", {})
    await ask("POST", "/step", {"unit": "bar"})
    await ask("POST", "/step-back", {})
    await ask("POST", "/run-to", {"timestamp": "2008-09-15"})
    await ask("POST", "/run-to", {"timestamp": "2030-09-15"})
    await ask("POST", "/evaluate", {"expression": "self.crossings"})
    await ask("POST", "/evaluate", {"expression": "1/0"})
    await ask("POST", "/evaluate", {"expression": "[0 for _ in iter(int, 1)]"})
    await ask("PUT", "/breakpoints", {"breakpoints": [{"line": 11, "condition": "self.nothing"}]})
    await ask("POST", "/continue", {"wait_seconds": 10})
    await ask("POST", "/evaluate", {"expression": "9**9**9"})
    await ask("POST", "/stop")
