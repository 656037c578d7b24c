"""What must work inside does: compiled and parallel code, indicators, processes of every kind, shared memory."""

from __future__ import annotations

import importlib.util

import pytest
from alphintra_kernel.limits import Limits
from alphintra_kernel.profile import Mount
from alphintra_kernel.sandbox import Sandbox

from alphintra_kernel import landlock

from .conftest import run_in

PARALLEL = """
import os
import numba, numpy as np
@numba.njit(parallel=True, cache=True)
def total(x):
    found = 0.0
    for i in numba.prange(x.size):
        found += x[i]
    return found
print(total(np.ones(100_000)), numba.threading_layer() != "", len(total.stats.cache_misses))
"""
SPREAD = """
import multiprocessing, sys
from multiprocessing import shared_memory

def work(arguments):
    name, i = arguments
    block = shared_memory.SharedMemory(name=name)
    block.buf[i] = i + 1
    block.close()
    return i * i

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    block = shared_memory.SharedMemory(create=True, size=8)
    with context.Pool(2) as pool:
        squares = pool.map(work, [(block.name, i) for i in range(4)])
    print(squares, list(block.buf[:4]))
    block.close()
    block.unlink()
"""


@pytest.fixture(params=["best", "landlock"])
def box(request, sandbox):
    if request.param == "landlock" and landlock.abi() < landlock.LOWEST_ABI:
        pytest.skip(f"level landlock cannot be had here: {landlock.why_not()}")
    return sandbox if request.param == "best" else Sandbox("landlock", allow_unsandboxed=True)


def script(box, tmp_path, source, *arguments):
    """Run a file of the tenant's, as a strategy's module is one."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "script.py").write_text(source)
    where = str(out) if box.host_paths else "/job/out"
    code = f"""
import subprocess
ran = subprocess.run([sys.executable, {where!r} + "/script.py", *{arguments!r}], capture_output=True, text=True)
say([ran.returncode, ran.stdout, ran.stderr[-2000:]])
"""
    said = run_in(box, code, mounts=[Mount(out, "/job/out", writable=True)], cwd=where, limits=Limits(wall_seconds=180))
    code, printed, error = said.value
    assert code == 0, error
    return printed.strip()


def test_compiled_parallel_code(box, tmp_path):
    assert script(box, tmp_path, PARALLEL) == "100000.0 True 1"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_and_memory_that_they_share(box, tmp_path, method):
    if box.level == "landlock" and method == "forkserver":
        pytest.skip("a fork server listens on a UNIX socket, which the level landlock refuses")
    assert script(box, tmp_path, SPREAD, method) == "[0, 1, 4, 9] [1, 2, 3, 4]"


def test_indicators(box, tmp_path):
    source = "import numpy as np, talib\nprint(talib.SMA(np.arange(5.0), 2).tolist()[1:])"
    assert script(box, tmp_path, source) == "[0.5, 1.5, 2.5, 3.5]"


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("polars", "import polars as pl\nprint(pl.DataFrame({'a': range(9)})['a'].sum())"),
        (
            "duckdb",  # as the readers of uploads ask for it: with bounds of its own
            "import duckdb\nsettings = {'memory_limit': '300MB', 'threads': 2, 'enable_external_access': 'false'}\n"
            "made = duckdb.connect(config=settings)\n"
            "print(made.sql('select sum(range) from range(9)').fetchall()[0][0])",
        ),
        ("pandas", "import pandas as pd\nprint(pd.DataFrame({'a': range(9)})['a'].sum())"),
        ("pyarrow", "import pyarrow as pa, pyarrow.compute as pc\nprint(pc.sum(pa.array(range(9))))"),
    ],
)
def test_tables(box, tmp_path, name, source):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    if name == "duckdb" and box.host_paths:
        # Where it has to work there, in the worker itself, test_worker_sandboxed has it.
        pytest.skip("DuckDB reads /proc/self/cgroup, which level landlock keeps from a process that another one starts")
    assert script(box, tmp_path, source) == "36"
