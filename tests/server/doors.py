"""Talking to a door in raw bytes: what a client library would not send."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

from .conftest import STRATEGY

DATA = "us-equities-daily/AAPL"


async def exchange(door, data, *, wait=120.0, then=None):
    """Send bytes and return all that comes back until the server closes the connection."""
    reader, writer = await asyncio.open_unix_connection(str(door.socket))
    try:
        try:
            writer.write(data)
            await writer.drain()
            if then is not None:
                await then(writer)
        except ConnectionError:
            pass  # it may have answered and gone before all was sent
        said = b""
        try:
            async with asyncio.timeout(wait):
                while chunk := await reader.read(1 << 16):
                    said += chunk
        except ConnectionError:
            pass
        return said
    finally:
        writer.close()


def request(method, path, *, token=None, body=None, headers=()):
    """Write a request."""
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: door"]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    if body is not None:
        lines.append(f"Content-Length: {len(data)}")
    return "\r\n".join([*lines, *headers, "", ""]).encode() + data


def answer(said):
    """Read one answer; there must be no second one."""
    head, _, body = said.partition(b"\r\n\r\n")
    status_line, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    assert len(body) == int(headers.get("content-length", len(body))), said
    kind = headers.get("content-type", "")
    return SimpleNamespace(
        status=int(status_line.split()[1]),
        headers=headers,
        kind=kind,
        json=json.loads(body) if "json" in kind else None,
    )


async def ask(door, method, path, body=None, *, token=None, headers=()):
    """Send a request with the door's own token, and read the answer."""
    said = await exchange(
        door, request(method, path, token=door.token if token is None else token, body=body, headers=headers)
    )
    return answer(said)


async def ended(door, job_id, seconds=120):
    """Wait for the end of a job and return it."""
    for _ in range(int(seconds / 0.05)):
        reply = await ask(door, "GET", f"/v1/jobs/{job_id}")
        if reply.json["status"] in {"COMPLETED", "FAILED", "CANCELLED"}:
            return reply.json
        await asyncio.sleep(0.05)
    raise AssertionError(reply.json)


def submission(**more):
    """Body of a backtest that a kernel hands over."""
    return {"code": STRATEGY, "class_name": "SmaCross", "source_path": "N.ipynb", "dataset_id": DATA, **more}
