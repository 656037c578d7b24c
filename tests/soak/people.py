"""Who uses the servers while they die: some send jobs, some follow the events."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from .fleet import Server

DATA = "us-equities-daily/AAPL"
# For both workers: the small one of the tests reads ``act`` itself, the real one runs this.
STRATEGY = """\
import os
import time
import zlib

import alphintra as al


class Soak(al.Strategy):
    act = al.Param("finish")
    seconds = al.Param(0.0)

    def on_start(self):
        if self.act == "slow":
            time.sleep(self.seconds)
        if self.act == "die":
            os._exit(7)
        if self.act == "error":
            raise ValueError("boom")

    def on_bar(self):
        if self.bar_index % 50 == 0:
            self.buy(quantity=1)
        elif self.bar_index % 50 == 25:
            self.close()
"""
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Order:
    """A job that somebody wants.

    Attributes:
        key: Names it; its requests are repeated under keys made of it.
        act: What the strategy does.
        seconds: How long it sleeps where it is slow.
        execute: Whether it is made and started by one request.
        cancel_after: Seconds after which it is cancelled.
        pause: Seconds before it is sent.
    """

    key: str
    act: str
    seconds: float
    execute: bool
    cancel_after: float | None
    pause: float


@dataclass
class Acknowledged:
    """What the servers have promised."""

    order: Order
    user: str
    backtest_id: str
    job_id: str
    started: bool = False
    cancelled: str | None = None


class UnansweredError(RuntimeError):
    """A request was not answered within the patience that people have."""


def ask(
    servers: Sequence[Server],
    user: str,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    key: str | None = None,
    patience: float = PATIENCE_SECONDS,
) -> tuple[int, Any]:
    """Ask the servers in turn until one has answered: a status below 500 that is not "try again"."""
    until = time.monotonic() + patience
    # Not everybody begins with the same one.
    turn = zlib.crc32((key or path).encode())
    last = "no server answers"
    # Of some requests the first answer gets lost on its way.
    lost = key is not None and zlib.crc32(key.encode()) % 4 == 0
    while time.monotonic() < until:
        server = servers[turn % len(servers)]
        turn += 1
        try:
            status, answer = _ask_once(server, user, method, path, body, key, lost)
        except (OSError, http.client.HTTPException, ValueError) as error:
            last = f"{type(error).__name__}: {error}"
            time.sleep(0.05)
            continue
        if lost:
            lost = False
            time.sleep(0.1)
            continue
        again = isinstance(answer, dict) and answer.get("code") == "IDEMPOTENCY_IN_PROGRESS"
        if status < 500 and status != 429 and not again:
            return status, answer
        last = f"{status} {answer}"
        time.sleep(0.1)
    raise UnansweredError(f"{method} {path} of {user}: {last}")


def _ask_once(
    server: Server, user: str, method: str, path: str, body: dict[str, Any] | None, key: str | None, lost: bool
) -> tuple[int, Any]:
    headers = {"X-User": user}
    if key is not None:
        headers["Idempotency-Key"] = key
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        if lost:
            return 0, None
        response = connection.getresponse()
        raw = response.read()
        return response.status, json.loads(raw) if raw else None
    finally:
        connection.close()


class Sender(threading.Thread):
    """Sends one person's orders, each until it is acknowledged."""

    def __init__(
        self,
        servers: Sequence[Server],
        user: str,
        strategy_id: str,
        orders: Sequence[Order],
        promised: Callable[[Acknowledged], None],
    ) -> None:
        super().__init__(name=f"sender-{user}", daemon=True)
        self._servers = servers
        self._user = user
        self._strategy_id = strategy_id
        self._orders = orders
        self._promised = promised
        self.troubles: list[str] = []

    def run(self) -> None:
        """Send them."""
        for order in self._orders:
            time.sleep(order.pause)
            try:
                self._send(order)
            except UnansweredError as error:
                self.troubles.append(str(error))

    def _send(self, order: Order) -> None:
        settings = {
            "dataset_id": DATA,
            "start_date": "2013-01-02",
            "parameters": {"act": order.act, "seconds": order.seconds},
            "name": order.key,
        }
        if order.execute:
            made = self._post(f"/api/strategies/code/{self._strategy_id}/execute", settings, f"{order.key}-x", 202)
            if made is None:
                return
            promise = Acknowledged(order, self._user, made["backtest_id"], made["job_id"], started=True)
            self._promised(promise)
        else:
            made = self._post("/api/backtests", {"strategy_id": self._strategy_id, **settings}, f"{order.key}-c", 201)
            if made is None:
                return
            promise = Acknowledged(order, self._user, made["id"], made["job_id"])
            self._promised(promise)
            promise.started = self._post(f"/api/backtests/{made['id']}/run", {}, f"{order.key}-r", 202) is not None
        if order.cancel_after is not None:
            time.sleep(order.cancel_after)
            status, answer = ask(
                self._servers, self._user, "POST", f"/api/jobs/{promise.job_id}/cancel", {}, f"{order.key}-k"
            )
            if status == 202:
                promise.cancelled = answer["status"]
            elif (status, answer.get("code")) != (409, "ALREADY_FINISHED"):
                self.troubles.append(f"cancelling {order.key} of {self._user}: {status} {answer}")

    def _post(self, path: str, body: dict[str, Any], key: str, wanted: int) -> dict[str, Any] | None:
        status, answer = ask(self._servers, self._user, "POST", path, body, key)
        if status != wanted:
            self.troubles.append(f"POST {path} of {self._user} ({key}): {status} {answer}")
            return None
        assert isinstance(answer, dict)
        return answer


@dataclass
class Heard:
    """What a reader of events knows."""

    last: int = 0
    ends: dict[str, list[str]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)


class Reader(threading.Thread):
    """Follows one person's events, across servers that die, by ``Last-Event-ID`` alone."""

    def __init__(self, servers: Sequence[Server], user: str) -> None:
        super().__init__(name=f"reader-{user}", daemon=True)
        self._servers = servers
        self._user = user
        self._stop = threading.Event()
        self._connection: http.client.HTTPConnection | None = None
        self.heard = Heard()
        self.connections = 0

    def stop(self) -> None:
        """Leave."""
        self._stop.set()
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def run(self) -> None:
        """Follow, come back, follow."""
        turn = 0
        while not self._stop.is_set():
            server = self._servers[turn % len(self._servers)]
            turn += 1
            with suppress(OSError, http.client.HTTPException):
                self._follow(server)
            self._stop.wait(0.05)

    def _follow(self, server: Server) -> None:
        connection = self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        try:
            headers = {"X-User": self._user, "Last-Event-ID": str(self.heard.last)}
            connection.request("GET", "/api/stream", headers=headers)
            response = connection.getresponse()
            if response.status != 200:
                if response.status < 500:
                    said = response.read()[:300]
                    self.heard.troubles.append(f"the stream of {self._user} said {response.status}: {said!r}")
                    self._stop.wait(1)
                return
            self.connections += 1
            number = 0
            for raw in response:
                line = raw.decode().rstrip("\n")
                if line.startswith("id: "):
                    number = int(line[4:])
                elif line.startswith("data: "):
                    self._hear(number, json.loads(line[6:]))
        finally:
            connection.close()

    def _hear(self, number: int, data: dict[str, Any]) -> None:
        heard = self.heard
        if number <= heard.last:
            heard.troubles.append(f"{self._user} heard event {number} after {heard.last}")
            return
        if number != heard.last + 1:
            heard.troubles.append(f"{self._user} heard event {number} right after {heard.last}")
        heard.last = number
        if data.get("status") in {"COMPLETED", "FAILED", "CANCELLED"}:
            heard.ends.setdefault(data["job_id"], []).append(data["status"])
