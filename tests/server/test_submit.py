"""``al.submit`` in a kernel, through a door, on a server."""

import asyncio
import json
import re
import shutil
from pathlib import Path

import pytest
from alphintra import strategy_source, submitting
from alphintra_server.door import doors, listener
from alphintra_server.door.routes import ROUTES
from alphintra_server.handlers.reading import MAX_BODY
from alphintra_server.models import submissions

from tests.docs.pages import DOCS, blocks
from tests.kernel.kernels import RESOURCES, register

from ..sdk.store.made import bars
from .attempts import until
from .stored import store_version

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

        reply = await self.client.execute_interactive(code, timeout=180, allow_stdin=False, output_hook=see)
        assert not ok or reply["content"]["status"] == "ok", reply["content"]
        return reply["content"], shown

    async def value(self, code):
        """The JSON of an expression."""
        _, shown = await self.run(f"import json; print(json.dumps({code}))")
        text = "".join(m["content"]["text"] for m in shown if m["msg_type"] == "stream")
        return json.loads(text.splitlines()[-1])

    async def later(self, kind, wanted, seconds=120):
        """Wait for a message that comes after its cell has ended."""
        async with asyncio.timeout(seconds):
            while True:
                message = await self.client.get_iopub_msg(timeout=seconds)
                if message["msg_type"] == kind and wanted(message["content"]):
                    return message["content"]


@pytest.fixture
def jp_server_config(jp_server_config, jp_data_dir):
    register()
    folder = Path(jp_data_dir) / "kernels" / "alphintra"
    folder.mkdir(parents=True)
    shutil.copy(RESOURCES / "kernel.json", folder)
    return jp_server_config


@pytest.fixture
def notebook(services, workspace, jp_serverapp, jp_fetch, jp_asyncio_loop):
    """A notebook's kernel as JupyterLab starts it: in the sandbox where there is one, with its door."""
    (workspace / "helpers.py").write_text("WEIGHT = 1.0\n")
    (workspace / "Mine.ipynb").write_text("{}")
    run = jp_asyncio_loop.run_until_complete

    async def start():
        session = {"path": "Mine.ipynb", "name": "Mine.ipynb", "type": "notebook", "kernel": {"name": "alphintra"}}
        reply = await jp_fetch("api", "sessions", method="POST", body=json.dumps(session))
        manager = jp_serverapp.kernel_manager.get_kernel(json.loads(reply.body)["kernel"]["id"])
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready(timeout=180)
        return manager, client

    manager, client = run(start())
    yield Notebook(manager, client)
    client.stop_channels()
    run(jp_serverapp.kernel_manager.shutdown_all(now=True))


async def test_what_cells_submit_and_save_is_done_by_the_server(notebook, api, services, tmp_path):
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
    # As the last line of a cell it shows its progress and ends as its result.
    _, shown = await notebook.run(f"job = al.submit(SmaCross, '{DATA}'); job")
    first = next(m["content"] for m in shown if m["msg_type"] == "display_data")
    assert "SmaCross on us-equities-daily/AAPL" in first["data"]["text/plain"]
    display_id = first["transient"]["display_id"]
    last = first  # which a quick machine may have shown already
    if RESULT not in first["data"]:
        last = await notebook.later("update_display_data", lambda content: RESULT in content["data"])
    assert last["transient"]["display_id"] == display_id
    assert "Total return" in last["data"]["text/plain"]
    # What a recipe makes of a dataset of the server's is saved as a version there.
    tables = {"AAPL": bars(300).take([*range(100), *range(103, 300)])}
    store_version(services.database, services.storage, tmp_path / "made", "local", tables=tables)
    await notebook.run("prices = al.data.load('prices'); new = prices.process([al.recipes.Fill(rows=True)]).save()")
    name, rows, content = await notebook.value("[new.name, len(new.to_pandas()), new.content_hash]")
    assert (name, rows) == ("prices@2", 300)
    made = (await api("GET", "/api/datasets/prices/versions/2")).json
    assert (made["content_hash"], made["row_count"], made["current"]) == (content, 300, True)
    assert [step["kind"] for step in made["recipe"]["steps"]] == ["fill"]
    reply, _ = await notebook.run("prices.process([al.recipes.Derive(name='x', formula='nothing + 1')])", ok=False)
    assert "nothing" in reply["evalue"], reply


SLEEPER = """
import time
import alphintra as al

class Sleeper(al.Strategy):
    def on_bar(self):
        time.sleep(60)
"""
FAILING = """
class Failing(al.Strategy):
    def on_bar(self):
        return 1 / (self.bar_index - 3)
"""


async def test_what_is_interrupted_cancelled_refused_or_fails_is_told(notebook):
    await notebook.run(SLEEPER)
    await notebook.run(f"job = al.submit(Sleeper, '{DATA}', name='sleeps')")
    before = len(notebook.shown)
    waiting = asyncio.ensure_future(notebook.run("job.wait()", ok=False))
    await until(lambda: any(m["msg_type"].endswith("display_data") for m in notebook.shown[before:]))
    await asyncio.sleep(0.5)
    await notebook.manager.interrupt_kernel()
    reply, shown = await waiting
    assert reply["ename"] == "KeyboardInterrupt"
    words = [m["content"]["data"]["text/plain"] for m in shown if m["msg_type"].endswith("display_data")]
    assert words[0].startswith("sleeps: ")
    job_id = await notebook.value("job.id")
    assert f"The job goes on: al.Job('{job_id}').wait() waits again" in words[-1]
    assert await notebook.value("job.status") in ("PENDING", "RUNNING")
    reply, _ = await notebook.run("job.wait(0.3)", ok=False)
    assert (reply["ename"], "it goes on" in reply["evalue"]) == ("TimeoutError", True)
    await notebook.run(f"again = al.Job('{job_id}'); again.cancel(); again.wait(120); again.cancel()")
    assert await notebook.value("[again.status, again.name]") == ["CANCELLED", "sleeps"]
    reply, _ = await notebook.run("job.result()", ok=False)
    assert (reply["ename"], "was cancelled" in reply["evalue"]) == ("Cancelled", True)
    # A job that fails tells its place.
    await notebook.run(FAILING)
    reply, _ = await notebook.run(f"job = al.submit(Failing, '{DATA}'); job.result(180)", ok=False)
    assert reply["ename"] == "JobFailedError"
    assert "ZeroDivisionError" in reply["evalue"]
    assert reply["evalue"].count("line 6") == 1
    assert reply["evalue"].endswith("(return 1 / (self.bar_index - 3))")
    code, file = await notebook.value("[job.failure().code, job.error['file']]")
    assert (code, file) == ("STRATEGY_ERROR", "strategy.py")
    _, shown = await notebook.run("job")
    failed = next(m["content"]["data"] for m in shown if m["msg_type"] == "display_data")
    assert "failed: Failing raised ZeroDivisionError" in failed["text/plain"]
    assert "<details>" in failed["text/html"]
    refusals = {
        "al.submit(Failing, 'nothing/AAPL')": ("ServerError", "nothing"),
        f"al.submit(Failing, '{DATA}', params={{'fast': 1}})": ("ServerError", "fast"),
        f"al.submit(Failing, '{DATA}', start='2050-01-01')": ("ServerError", "start_date"),
        f"al.submit(Failing, '{DATA}', methodology='sweep')": ("ServerError", "SWEEP needs an object with its grid"),
        "al.Job('0' * 32)": ("ServerError", "There is no job"),
        "al.Job('../../etc')": ("ServerError", "nothing here"),
    }
    for code, (name, words) in refusals.items():
        reply, _ = await notebook.run(code, ok=False)
        assert (reply.get("ename"), words in reply.get("evalue", "")) == (name, True), (code, reply)


PAGE = (DOCS / "jobs-from-a-notebook.md").read_text()


async def test_the_page_runs_as_it_stands_and_a_module_too(notebook, workspace):
    for block in blocks("jobs-from-a-notebook.md"):
        assert block.language == "python"
        _, shown = await notebook.run(block.text)
    # The last block's value is the sweep's study.
    data = next(m["content"]["data"] for m in shown if m["msg_type"] == "execute_result")
    assert "8 variants" in data["text/plain"]
    assert await notebook.value("[again.id == sweep.id or again.id == job.id, len(al.jobs())]") == [True, 2]
    # A module's class is sent with its file.
    (workspace / "crossing.py").write_text("\n".join(CELLS).replace("import helpers", "import helpers\n"))
    await notebook.run("from crossing import SmaCross")
    grid = "{'grid': {'fast': range(5, 20, 5)}}"
    await notebook.run(f"job = al.submit(SmaCross, '{DATA}', methodology='sweep', method={grid}, end='2003-01-02')")
    _, shown = await notebook.run("job.result()")
    data = next(m["content"]["data"] for m in shown if m["msg_type"] == "execute_result")
    assert "application/vnd.alphintra.study.v1+json" in data
    assert "3 variants" in data["text/plain"]
    assert await notebook.value("[job.result().run['strategy'], job.result().study['kind']]") == ["SmaCross", "sweep"]


def test_the_page_names_what_is_behind_the_door_and_its_bounds():
    named = set(re.findall(r"`((?:GET|POST) /v1/[^`]*)`", PAGE))
    behind = set()
    for path, handler in ROUTES:
        for verb in ("get", "post"):
            if hasattr(getattr(handler, verb), "endpoint"):
                said = path.replace("([0-9a-f]{32})", "{id}").replace("([0-9a-f]{64})", "{sha256}")
                behind.add(f"{verb.upper()} {said}")
    assert named == behind
    assert f"{listener.MOST_CONNECTIONS} are open at a time, {listener.CONNECTIONS_A_SECOND:g} a second" in PAGE
    assert f"at most {MAX_BODY >> 20} MiB and a minute" in PAGE
    assert (listener.CONNECTION_SECONDS, doors.SUBMITS_A_SECOND) == (60, 2)
    assert f"handed over {doors.SUBMITS_AT_ONCE:g} times at once and twice a second" in PAGE
    assert f"{strategy_source.MAX_MODULES} of them and {strategy_source.MAX_BYTES >> 20} MiB at most" in PAGE
    assert (submissions.MAX_MODULES, submissions.MAX_ALL_MODULES) == (
        strategy_source.MAX_MODULES,
        strategy_source.MAX_BYTES,
    )
    for name in submitting._HERE_ONLY:
        assert f"`{name}`" in PAGE
