"""A data folder for each test, and one Dask cluster for all of a file's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import alphintra as al
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "alphintra-data"
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(folder))
    return folder


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    """150 days of a random walk."""
    rng = np.random.default_rng(11)
    close = 100 * np.exp(np.cumsum(rng.normal(0.0005, 0.02, 150)))
    opens = close * np.exp(rng.normal(0, 0.004, 150))
    high, low = np.maximum(opens, close) * 1.003, np.minimum(opens, close) * 0.997
    columns = {"open": opens, "high": high, "low": low, "close": close, "volume": np.full(150, 1e6)}
    return pd.DataFrame(columns, index=pd.bdate_range("2020-01-01", periods=150, name="time"))


@pytest.fixture(scope="session")
def market(frame: pd.DataFrame) -> al.data.market.MarketData:
    return al.data.resolve(frame)


class DaskProcess:
    """A scheduler and a worker in a process of their own, which a test may kill."""

    CODE = (
        "import sys; from distributed import LocalCluster\n"
        "cluster = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, processes=False,"
        " protocol='tcp://')\n"
        "print(cluster.scheduler_address, flush=True)\n"
        "sys.stdin.read()"
    )

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.executor = "dask://" + self.process.stdout.readline().strip().removeprefix("tcp://")

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def dask_process() -> Iterator[DaskProcess]:
    process = DaskProcess()
    yield process
    process.kill()
