"""Completion of SDK names, as JupyterLab gets it: the registered language server, spoken to over its protocol."""

from __future__ import annotations

import json
import subprocess
import time

import pytest

from alphintra_kernel import language_server

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
        until = time.monotonic() + 60
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
