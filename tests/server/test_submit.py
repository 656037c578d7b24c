"""``al.submit`` in a kernel, through a door, on a server."""

import asyncio
import json
import sys

import pytest
from alphintra_kernel.doors import opener
from jupyter_client.manager import AsyncKernelManager

DATA = "us-equities-daily/AAPL"
CELLS = [
    "import alphintra as al\nimport numpy as np\nimport helpers",
    "FAST = 20\nSCALE = np.float64(1.0)",
    "def part(x):\n    return x * SCALE * helpers.WEIGHT",
    '''
class SmaCross(al.Strategy):
    """Long when the fast average is above the slow one."""
    fast = al.Param(FAST, low=2, high=100)

    def on_start(self):
        self.fast_ma = self.indicator(al.ta.SMA, self.data.close, self.fast)
        self.slow_ma = self.indicator(al.ta.SMA, self.data.close, 50)

    def on_bar(self):
        if al.crossed_above(self.fast_ma, self.slow_ma):
            self.order_target_percent(part(0.95))
        elif al.crossed_below(self.fast_ma, self.slow_ma):
            self.close()
''',
]
RESULT = "application/vnd.alphintra.result.v1+json"


@pytest.fixture
def worker_argv():
    return None


class Notebook:
    """A kernel and what its cells showed."""

    def __init__(self, manager, client):
        self.manager = manager
        self.client = client
        self.shown = []

    async def run(self, code, *, ok=True):
        """Run a cell; returns the reply and what it showed meanwhile."""
        shown = []

        def see(message):
            shown.append(message)
            self.shown.append(message)

        reply = await self.client.execute_interactive(code, timeout=60, allow_stdin=False, output_hook=see)
        assert not ok or reply["content"]["status"] == "ok", reply["content"]
        return reply["content"], shown

    async def value(self, code):
        """The JSON of an expression."""
        _, shown = await self.run(f"import json; print(json.dumps({code}))")
        text = "".join(m["content"]["text"] for m in shown if m["msg_type"] == "stream")
        return json.loads(text.splitlines()[-1])

    async def later(self, kind, wanted, seconds=30):
        """Wait for a message that comes after its cell has ended."""
        async with asyncio.timeout(seconds):
            while True:
                message = await self.client.get_iopub_msg(timeout=seconds)
                if message["msg_type"] == kind and wanted(message["content"]):
                    return message["content"]


@pytest.fixture
def notebook(services, workspace, jp_asyncio_loop):
    """A kernel with a door, in the workspace."""
    (workspace / "helpers.py").write_text("WEIGHT = 1.0\n")

    async def start():
        door = await opener().open(user_id="local", tenant="kernel", subject="k1")
        manager = AsyncKernelManager()
        manager.kernel_spec.argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        environment = {**__import__("os").environ, **door.environment(mounted=False)}
        await manager.start_kernel(
            cwd=str(workspace), env=environment | {"JPY_SESSION_NAME": str(workspace / "Mine.ipynb")}
        )
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready(timeout=60)
        return door, manager, client

    door, manager, client = jp_asyncio_loop.run_until_complete(start())
    yield Notebook(manager, client)

    async def stop():
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
        await opener().close(door)

    jp_asyncio_loop.run_until_complete(stop())


async def test_a_class_of_cells_runs_as_it_does_here(notebook, api):
    for cell in CELLS:
        await notebook.run(cell)
    options = "data='us-equities-daily/AAPL', commission=0.001, params={'fast': 10}, start='2005-01-03'"
    await notebook.run(f"job = al.submit(SmaCross, {options})")
    there = await notebook.value("job.result().metrics")
    here = await notebook.value(f"al.backtest(SmaCross, {options}).to_dict()['metrics']")
    assert there == here
    assert there["total_trades"] > 5
    assert await notebook.value("[job.status, job.finished, job.error, job.progress.fraction]") == [
        "COMPLETED", True, None, 1.0,
    ]  # fmt: skip
    stored = (await api("GET", "/api/strategies/code")).json["items"]
    assert [(item["name"], item["source_path"], item["modules"]) for item in stored] == [
        ("SmaCross", "Mine.ipynb", ["helpers.py"])
    ]
    assert "def part(x):" in stored[0]["code"]
    assert "FAST = 20" in stored[0]["code"]
    rows = await notebook.value("al.jobs()[['status', 'kind', 'progress']].values.tolist()")
    assert rows == [["COMPLETED", "backtest", 1.0]]


async def test_in_a_cell_it_shows_its_progress_and_ends_as_its_result(notebook):
    for cell in CELLS:
        await notebook.run(cell)
    _, shown = await notebook.run(f"job = al.submit(SmaCross, '{DATA}'); job")
    first = next(m["content"] for m in shown if m["msg_type"] == "display_data")
    assert "SmaCross on us-equities-daily/AAPL" in first["data"]["text/plain"]
    display_id = first["transient"]["display_id"]
    last = await notebook.later("update_display_data", lambda content: RESULT in content["data"])
    assert last["transient"]["display_id"] == display_id
    assert "Total return" in last["data"]["text/plain"]
