"""A kernel as Jupyter's server starts it: settings of the extension, the door, its end."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections import Counter
from pathlib import Path

import pytest
from alphintra_kernel.isolation import kernel_level
from alphintra_server import kernel_connection
from tornado.httpclient import HTTPClientError

import alphintra_kernel
from alphintra_kernel import levels

from ..kernel.kernels import register

pytestmark = pytest.mark.skipif(kernel_level() not in levels.OWN_FILES, reason="no sandbox here")


@pytest.fixture
def jp_server_config(jp_server_config, jp_data_dir):
    register()
    folder = Path(jp_data_dir) / "kernels" / "alphintra"
    folder.mkdir(parents=True)
    shutil.copy(Path(alphintra_kernel.__file__).parent / "resources" / "kernel.json", folder)
    return jp_server_config


@pytest.fixture
def start(jp_fetch, jp_serverapp, jp_asyncio_loop):
    """Start kernels over REST and run code in them, if they are to be heard."""
    clients = []

    async def start(path="", *, heard=True):
        body = json.dumps({"name": "alphintra", "path": path})
        kernel_id = json.loads((await jp_fetch("api", "kernels", method="POST", body=body)).body)["id"]
        client = jp_serverapp.kernel_manager.get_kernel(kernel_id).client()
        client.start_channels()
        await client.wait_for_ready(timeout=180)
        if heard:
            clients.append(client)
        else:
            client.stop_channels()  # who does not read is waited for

        async def run(code):
            printed = []
            hook = lambda m: printed.append(m["content"].get("text", ""))  # noqa: E731
            reply = await client.execute_interactive(code, timeout=180, allow_stdin=False, output_hook=hook)
            assert reply["content"]["status"] == "ok", reply["content"]
            return "".join(printed)

        return kernel_id, run

    yield start
    for client in clients:
        client.stop_channels()
    jp_asyncio_loop.run_until_complete(jp_serverapp.kernel_manager.shutdown_all(now=True))


async def test_a_kernel_of_the_server(services, extension, jp_serverapp, jp_fetch, start, workspace, data_dir):
    (workspace / "studies").mkdir()
    (workspace / "studies" / "one.ipynb").write_text("{}")
    kernel_id, run = await start("studies/one.ipynb")
    look = "import os\nprint(os.getcwd(), os.path.exists({database!r}), os.path.exists({jobs!r}))"
    database, jobs = data_dir / "alphintra.sqlite", data_dir / "jobs"
    assert (database.exists(), jobs.exists()) == (True, True)
    said = await run(look.format(database=str(database), jobs=str(jobs)))
    assert said == f"{workspace / 'studies'} False False\n"

    ask = "from alphintra._door import ask\nimport json, os\n"
    socket, me = json.loads(await run(f"{ask}print(json.dumps([os.environ['ALPHINTRA_DOOR'], ask('GET', '/v1/me')]))"))
    assert socket == "/run/alphintra/door.sock"
    assert me["user_id"] == "local"
    (door,) = extension.doors._open
    await jp_fetch("api", "kernels", kernel_id, method="DELETE")
    assert (extension.doors._open, door.exists()) == ({}, False)


async def test_a_restarted_kernel_gets_a_new_door(services, extension, jp_fetch, start):
    kernel_id, run = await start()
    token = "import os; print(os.environ['ALPHINTRA_DOOR_TOKEN'])"
    before = await run(token)
    (door,) = extension.doors._open
    await jp_fetch("api", "kernels", kernel_id, "restart", method="POST", body="")
    (after,) = extension.doors._open
    assert (door.exists(), after.exists()) == (False, True)
    assert await run(token) != before


async def test_the_server_tells_language_servers_where_to_run(services, jp_serverapp, workspace):
    spec = jp_serverapp.config.LanguageServerManager.language_servers["pylsp"]
    assert spec["argv"][1:] == ["-P", "-m", "alphintra_kernel.language_server", str(workspace)]
    assert (spec["languages"], spec["version"], spec["requires_documents_on_disk"]) == (["python"], 2, False)


class TestOwn:
    @pytest.fixture
    def jp_server_config(self, jp_server_config):
        mine = {"argv": ["mine"], "languages": ["python"], "version": 2, "mime_types": ["text/python"]}
        return jp_server_config | {
            "LanguageServerManager": {"language_servers": {"pylsp": mine}},
            "SandboxProvisioner": {"workspace": "/elsewhere"},
        }

    async def test_settings_of_the_administrator_stay(self, services, jp_serverapp):
        assert jp_serverapp.config.LanguageServerManager.language_servers["pylsp"]["argv"] == ["mine"]
        assert jp_serverapp.config.SandboxProvisioner.workspace == "/elsewhere"


async def test_an_unknown_kernel_is_refused(services, jp_fetch):
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("api", "kernels", method="POST", body=json.dumps({"name": "nothing"}))
    assert refused.value.code in {404, 500}


#: Past what ipykernel does with a state: its own function, called as often as a hostile cell likes.
STATES = """
from ipykernel.kernelapp import IPKernelApp
for _ in range(3_000):
    IPKernelApp.instance().kernel._publish_status("busy", "shell")
"""
#: The same message thrice, and one that is none.
NONSENSE = """
from ipykernel.kernelapp import IPKernelApp
app = IPKernelApp.instance()
same = [b"x", *app.session.serialize(app.session.msg("status", {"execution_state": "busy"}))]
app.iopub_thread.schedule(lambda: [app.iopub_thread.socket.send_multipart(m) for m in (same, same, same, [b"x"], same)])
"""
DISPLAYS = "for _ in range(500): display({'text/plain': 'word'}, raw=True)\n1 / 0"


async def test_a_page_hears_the_end_of_a_flood(services, jp_serverapp, monkeypatch, start, jp_ws_fetch):
    for name, value in (("MESSAGES_AT_ONCE", 50), ("MESSAGES_A_SECOND", 0.1), ("STEERING_AT_ONCE", 30_000)):
        monkeypatch.setattr(kernel_connection, name, value)
    monkeypatch.setattr(kernel_connection, "STEERING_A_SECOND", 100_000)
    kernel_id, _ = await start(heard=False)
    page = await jp_ws_fetch("api", "kernels", kernel_id, "channels")

    async def run(code):
        """What a page hears of a cell, until it knows that the cell is done."""
        header = {"msg_id": code[:8], "msg_type": "execute_request", "session": "x", "username": "", "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
        content["stop_on_error"] = False  # else what comes while a cell that raised is still answered is aborted
        rest = {"parent_header": {}, "metadata": {}, "buffers": []}
        await page.write_message(json.dumps({"channel": "shell", "header": header, "content": content, **rest}))
        heard = []
        while not {"execute_reply", "idle"} <= {heard_of for heard_of, _ in heard}:
            async with asyncio.timeout(120):
                message = json.loads(await page.read_message())
            if message["parent_header"].get("msg_id") == code[:8]:
                kind, content = message["msg_type"], message["content"]
                heard.append((content["execution_state"] if kind == "status" else kind, content))
        return Counter(kind for kind, _ in heard), [c["text"] for kind, c in heard if kind == "stream"]

    kinds, said = await run(DISPLAYS)
    assert (kinds["display_data"] <= 51, kinds["error"], kinds["idle"]) == (True, 1, 1)
    assert said == [
        "🔴 Some output is not shown: there was more than 8 MB or 0 messages a second, or this page was too slow. "
        "Write it to a file.\n"
    ]
    kinds, _ = await run(STATES)
    assert kinds["busy"] < 1_500  # of 3,000
    await run(NONSENSE)
    kinds, _ = await run("6 * 7")
    until = time.monotonic() + 60
    while jp_serverapp.kernel_manager.get_kernel(kernel_id).execution_state != "idle":  # what the list of kernels says
        assert time.monotonic() < until
        await asyncio.sleep(0.05)
    assert kinds == dict.fromkeys(("busy", "execute_input", "execute_result", "execute_reply", "idle"), 1)
    page.close()
