"""Uploads that are here, and the jobs on them, as their sender asks for them."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import uuid
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from alphintra_server.db.dataset_tables import UploadRow
from alphintra_server.db.types import utc_now
from sqlalchemy import func, select

HOLD = """\
import alphintra as al

class Hold(al.Strategy):
    def on_bar(self):
        if self.data.close[-1] > self.data.open[-1]:
            self.order_target_percent(0.9)
        else:
            self.close()
"""


ALICE = "alice:researcher"


def prices(symbols, days=40, first="2020-01-02"):
    """Made-up daily bars of some symbols, by date and symbol as a download has them."""
    dice = np.random.default_rng(7)
    dates = pd.bdate_range(first, periods=days)
    frames = []
    for number, symbol in enumerate(symbols):
        close = 100 + 10 * number + np.cumsum(dice.normal(0, 1, days)).round(2)
        opened = (close + dice.normal(0, 0.5, days)).round(2)
        frames.append(
            pd.DataFrame(
                {
                    "Date": dates, "Symbol": symbol, "Open": opened, "High": np.maximum(opened, close) + 0.5,
                    "Low": np.minimum(opened, close) - 0.5, "Close": close, "Volume": 1000.0 + np.arange(days),
                }
            )
        )  # fmt: skip
    return pd.concat(frames).sort_values(["Date", "Symbol"], ignore_index=True)


def as_csv(frame):
    return frame.to_csv(index=False, date_format="%Y-%m-%d").encode()


def here(database, storage, content, filename="prices.csv", dataset="prices", user="alice"):
    """Put a file where an upload leaves it, with its row; its id."""
    upload_id, now = uuid.uuid4().hex, utc_now()
    path = storage.upload(upload_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    row = UploadRow(
        id=upload_id, user_id=user, filename=filename, dataset_name=dataset, length=len(content),
        received=len(content), sha256=hashlib.sha256(content).hexdigest(), state="RECEIVED", kept=True,
        expires_at=now + timedelta(days=1), created_at=now, updated_at=now,
    )  # fmt: skip
    database.write_now(lambda session: session.add(row))
    return upload_id


@pytest.fixture
def put_upload(services):
    return functools.partial(here, services.database, services.storage)


@pytest.fixture
def job_end(api):
    async def wait(job_id, user=ALICE):
        for _ in range(12_000):
            job = (await api("GET", f"/api/jobs/{job_id}", user=user)).json
            if job["status"] in {"COMPLETED", "FAILED", "CANCELLED"}:
                return job
            await asyncio.sleep(0.05)
        raise AssertionError(job)

    return wait


@pytest.fixture
def looked_at(api, job_end):
    """Wait for the look at an upload that is under way; what was found."""

    async def wait(upload_id):
        address = f"/api/datasets/upload/{upload_id}/inspection"
        found = (await api("GET", address, user=ALICE)).json
        await job_end(found["job_id"])
        return (await api("GET", address, user=ALICE)).json

    return wait


@pytest.fixture
def look_at(api, looked_at):
    """Look at an upload; what was found."""

    async def go(upload_id):
        asked = await api("POST", f"/api/datasets/upload/{upload_id}/inspect", user=ALICE)
        assert asked.status == 202, asked.json
        return await looked_at(upload_id)

    return go


@pytest.fixture
def make_version(api, job_end):
    """Make a version of an upload; the job's end."""

    async def go(upload_id, mapping, **more):
        body = {"mapping": mapping, **more}
        asked = await api("POST", f"/api/datasets/upload/{upload_id}/ingest", body, user=ALICE)
        assert asked.status == 202, asked.json
        return await job_end(asked.json["job_id"])

    return go


def counts(services, *tables):
    def work(session):
        return [session.scalar(select(func.count()).select_from(table)) for table in tables]

    return services.database.read_now(work)


def files_below(folder):
    """What lies in a folder, without the locks of the store."""
    return sorted(p.name for p in folder.rglob("*") if p.is_file() and not p.name.endswith(".lock"))
