"""Completion of SDK names, as JupyterLab gets it: the registered language server, spoken to over its protocol."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from alphintra_kernel import language_server, levels

CODE = """import alphintra as al


class Mine(al.Strategy):
    def on_bar(self):
        self.order_tar
        al.ta.SM
"""
URI = "file:///mine.py"


class Client:
    """Just enough of the protocol to ask one question after another."""

    def __init__(self, folder) -> None:
        self.process = subprocess.Popen(
            language_server.command(folder), cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.last = 0

    def send(self, method, params, *, answer=True):
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if answer:
            self.last += 1
            message["id"] = self.last
        body = json.dumps(message).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()
        return self.read(self.last) if answer else None

    def read(self, number):
        until = time.monotonic() + 240
        while time.monotonic() < until:
            length = 0
            while (line := self.process.stdout.readline().strip()) or not length:
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            message = json.loads(self.process.stdout.read(length))
            if message.get("id") == number and "method" not in message:
                return message["result"]
        raise AssertionError("the language server did not answer")


@pytest.fixture
def client(tmp_path):
    found = Client(tmp_path)
    yield found
    found.process.terminate()
    found.process.wait()
    found.process.stdin.close()
    found.process.stdout.close()


def labels(client, line, character):
    place = {"textDocument": {"uri": URI}, "position": {"line": line, "character": character}}
    found = client.send("textDocument/completion", place)
    items = found["items"] if isinstance(found, dict) else found
    return [item["label"].split("(")[0] for item in items]


def test_completion_inside_on_bar(client):
    client.send("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    client.send("initialized", {}, answer=False)
    document = {"uri": URI, "languageId": "python", "version": 1, "text": CODE}
    client.send("textDocument/didOpen", {"textDocument": document}, answer=False)
    assert labels(client, 5, 22) == ["order_target_percent", "order_target_quantity", "order_target_value"]
    assert "SMA" in labels(client, 6, 16)


def test_lab_finds_the_server():
    from jupyter_lsp import LanguageServerManager

    manager = LanguageServerManager()
    manager.initialize()
    assert "pylsp" in manager.language_servers


@pytest.mark.skipif(levels.probe() not in levels.OWN_FILES, reason="no sandbox here")
def test_it_runs_in_the_sandbox(tmp_path):
    """No network, the workspace read-only and without settings of linters; seen from outside."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "setup.cfg").write_text("[flake8]\nmax-line-length = 1\n")
    (work / "mine.py").write_text("x = 1\n")
    with socket.create_server(("127.0.0.1", 0)):
        client = Client(work)
        try:
            client.send("initialize", {"processId": None, "rootUri": work.as_uri(), "capabilities": {}})
            server = next(
                found
                for found in psutil.Process(client.process.pid).children(recursive=True)
                if "--serve" in found.cmdline() and not found.children()
            )
            inside = Path(f"/proc/{server.pid}")
            for kind in ("net", "pid", "mnt", "ipc"):
                assert (inside / "ns" / kind).readlink() != Path("/proc/self/ns", kind).readlink()
            mounts = {line.split()[4]: line.split()[5] for line in (inside / "mountinfo").read_text().splitlines()}
            assert mounts[str(work)].startswith("ro,")
            root = inside / "root"
            assert (root / work.relative_to("/") / "mine.py").read_text() == "x = 1\n"
            assert (root / work.relative_to("/") / "setup.cfg").read_text() == ""
            assert not (root / Path(__file__).relative_to("/")).exists()
        finally:
            client.process.terminate()
            assert client.process.wait(120) != 0
            client.process.stdin.close()
            client.process.stdout.close()
    assert psutil.wait_procs([server], timeout=60)[1] == []


def test_settings_of_the_workspace_are_not_read(tmp_path):
    """Also where a file of settings came after the start."""
    (tmp_path / "setup.cfg").write_text("[flake8]\nmax-line-length = 7\n")
    code = f"""
from pathlib import Path
from pylsp import __main__ as pylsp
from pylsp.config import config
from alphintra_kernel import language_server

folder = Path({str(tmp_path)!r})
def read():
    found = config.Config(folder.as_uri(), {{}}, None, {{}})
    found.update({{"configurationSources": ["flake8"]}})
    print("7" in str(found.settings(str(folder / "mine.py"))))
read()
pylsp.main = read
language_server._serve()
"""
    ran = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "True\nFalse\n"


def test_it_ends_with_its_input(tmp_path):
    client = Client(tmp_path)
    client.send("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    client.process.stdin.close()
    assert client.process.wait(120) == 0
    client.process.stdout.close()
