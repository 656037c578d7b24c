"""Ways around the sandbox: through the next job, the next user, the workspace, whatever runs outside for a trader."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alphintra_backtest import compile_cache
from jupyter_client.kernelspec import KernelSpecManager

from . import planted
from .server import TOKEN, Server, environment, serving, strategy
from .tenants import Kernel

LAB = Path(__file__).resolve().parents[2] / "scripts" / "lab.py"

POISON = """
import os, pathlib, json
def poison(folder):
    answers = set()
    for path in pathlib.Path(folder).rglob("*") if folder else ():
        if path.is_file():
            try:
                path.unlink()  # it may be a link to what all share
                path.write_bytes(b"POISON")
                answers.add("poisoned")
            except OSError as error:
                answers.add(type(error).__name__)
    return sorted(answers)
def poisoned(folder):
    return [path.name for path in pathlib.Path(folder).rglob("*") if path.is_file() and path.read_bytes() == b"POISON"]
"""


@pytest.fixture(scope="module")
def cached(machine: Path) -> Iterator[Server]:
    """A server whose host has a cache of compiled code."""
    root = machine / "cached"
    cache = root / "cache" / "numba" / compile_cache.version()
    cache.mkdir(parents=True)
    (cache / "engine.py311.nbi").write_bytes(b"an honest index")
    with serving(root, cache=root / "cache") as running:
        yield running


def _says(job: dict[str, Any]) -> Any:
    assert job["status"] == "COMPLETED", job["error"]
    return json.loads(job["log"][-1])


def test_a_poisoned_cache_stays_with_who_poisoned_it(cached: Server) -> None:
    """Numba's index is a pickle: whoever loads another's runs another's code."""
    own = "os.environ.get('ALPHINTRA_CACHE_DIR')"
    first = strategy(
        f"print(json.dumps([poison({own}), poison('/opt/alphintra/cache'), poisoned({own})]))", before=POISON
    )
    second = strategy(
        f"print(json.dumps([poisoned({own}), poisoned('/opt/alphintra/cache'), os.path.isdir({own})]))", before=POISON
    )
    assert _says(cached.run(first)) == [["poisoned"], ["OSError"], ["engine.py311.nbi"]]
    assert _says(cached.run(second)) == [[], [], True]
    kept = [path.read_bytes() for path in (cached.root / "cache").rglob("*.nbi")]
    assert kept == [b"an honest index"]


_PATCH = """
import alphintra, alphintra.strategy, builtins, json, os, sys, numpy
def patched():
    return [getattr(builtins, "PATCHED", 0), getattr(alphintra.Strategy, "patched", 0), "patched" in sys.modules,
            os.environ.get("PATCHED", ""), getattr(numpy, "patched", 0), os.path.exists("/tmp/patched"),
            os.path.exists("/dev/shm/patched")]
"""


def test_a_patched_sdk_is_not_the_next_jobs(server: Server) -> None:
    patch = """
builtins.PATCHED = alphintra.Strategy.patched = numpy.patched = 1
sys.modules["patched"] = sys
os.environ["PATCHED"] = "1"
for folder in ("/tmp", "/dev/shm"):
    open(folder + "/patched", "w").close()
print(json.dumps(patched()))
"""
    # More jobs than a pool has workers: whichever comes next, it is a fresh one.
    assert _says(server.run(strategy(patch, before=_PATCH))) == [1, 1, True, "1", 1, True, True]
    running = [server.start_job(strategy("print(json.dumps(patched()))", before=_PATCH)) for _ in range(3)]
    for backtest in running:
        assert _says(server.finish(backtest)) == [0, 0, False, "", 0, False, False]


def test_a_job_sees_no_other_jobs_folder(server: Server) -> None:
    look = "import os, json\ndef look():\n    return [sorted(os.listdir('/job')), sorted(os.listdir('/job/in/source'))]"
    assert _says(server.run(strategy("print(json.dumps(look()))", before=look))) == [["in", "out"], ["strategy.py"]]


@pytest.fixture
def secret(machine: Path) -> Iterator[Path]:
    folder = machine / "secrets"
    folder.mkdir()
    (folder / "plan.py").write_text("SECRET = 'the server may read it, a tenant may not'\n")
    yield folder / "plan.py"
    shutil.rmtree(folder)


def _cell(kernel: Kernel, code: str) -> str:
    reply, printed = kernel.run(code)
    assert reply["status"] == "ok", reply
    return printed


@pytest.mark.parametrize("kind", ["link to a file", "link to a folder", "pipe", "socket", "link to a device"])
def test_what_a_kernel_makes_of_a_file_is_not_read(kernel: Kernel, server: Server, secret: Path, kind: str) -> None:
    folder = server.workspace / "made"
    path = {"link to a folder": "made/folder/plan.py"}.get(kind, "made/plan.py")
    make = {
        "link to a file": f"os.symlink({str(secret)!r}, 'made/plan.py')",
        "link to a folder": f"os.symlink({str(secret.parent)!r}, 'made/folder')",
        "pipe": "os.mkfifo('made/plan.py')",
        "socket": "import socket; socket.socket(socket.AF_UNIX).bind('made/plan.py')",
        "link to a device": "os.symlink('/dev/zero', 'made/plan.py')",
    }[kind]
    try:
        _cell(kernel, f"import os\nos.chdir({str(server.workspace)!r})\nos.mkdir('made')\n{make}")
        if kind.startswith("link to a f"):  # the control: whoever follows links reads it
            assert "SECRET" in (server.workspace / path).read_text()
        reply = server.ask("POST", "/api/strategies/code/from-file", {"path": path}, seconds=60)
        assert reply.status == 404, reply.json
        assert "SECRET" not in json.dumps(reply.json)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


_SWAP = """
import os, time
os.chdir({workspace!r})
os.makedirs("swap-a", exist_ok=True)
with open("swap-a/plan.py", "w") as file:
    file.write("import alphintra as al\\nclass Mine(al.Strategy):\\n    def on_bar(self):\\n        pass\\n")
os.symlink({secrets!r}, "swap-b")
until = time.monotonic() + 120
times = 0
while time.monotonic() < until and not os.path.exists("swap-stop"):
    os.rename("swap-a", "swap"); os.rename("swap", "swap-a")
    os.rename("swap-b", "swap"); os.rename("swap", "swap-b")
    times += 1
print(times)
"""


def test_a_folder_that_becomes_a_link_while_it_is_read(kernel: Kernel, server: Server, secret: Path) -> None:
    """The control is a reader that looks first and opens then: it is caught at least once."""
    code = _SWAP.format(workspace=str(server.workspace), secrets=str(secret.parent))
    kernel.client.execute(code)
    leaked, found, caught, begin = [], 0, 0, time.monotonic()
    target = server.workspace / "swap" / "plan.py"
    # For some seconds, and on a slow machine until both readers have met what they look for.
    while (spent := time.monotonic() - begin) < 5 or (spent < 100 and not (found and caught)):
        reply = server.ask("POST", "/api/strategies/code/from-file", {"path": "swap/plan.py"})
        leaked += [reply.json] if "SECRET" in json.dumps(reply.json) else []
        found += reply.status in {200, 201}
        for _ in range(200):
            try:
                if not target.parent.is_symlink() and "SECRET" in target.read_text():
                    caught += 1
            except OSError:
                continue
    (server.workspace / "swap-stop").touch()
    assert leaked == []
    assert found > 0
    assert caught > 0


@pytest.fixture
def sown(machine: Path) -> Iterator[tuple[Path, Path]]:
    """A workspace full of traps, and where it shows that one has gone off outside of the sandbox."""
    markers = machine / "markers"
    markers.mkdir()
    markers.chmod(0o777)
    yield machine / "clone" / "workspace", markers
    shutil.rmtree(markers)
    shutil.rmtree(machine / "clone", ignore_errors=True)


@pytest.fixture
def lab(machine: Path, sown: tuple[Path, Path]) -> Iterator[str]:
    """``make lab`` in a clone whose workspace is full of traps: the address of its JupyterLab."""
    workspace, markers = sown
    scripts = machine / "clone" / "scripts"
    scripts.mkdir(parents=True)
    shutil.copyfile(LAB, scripts / "lab.py")
    workspace.mkdir()
    planted.plant(workspace, markers)
    log = machine / "clone" / "lab.log"
    folders = machine / "lab"
    variables = environment(folders) | {"JUPYTER_TOKEN": TOKEN}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(scripts / "lab.py"), "--no-browser", "--ip=127.0.0.1", "--port=0"],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        until = time.monotonic() + 240
        while True:
            assert process.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < until, log.read_text()[-3000:]
            try:
                url = json.loads((folders / "runtime" / f"jpserver-{process.pid}.json").read_text())["url"]
                with urllib.request.urlopen(f"{url}health", timeout=5):
                    break
            except (OSError, ValueError):
                time.sleep(0.1)
        yield str(url)
        assert _ask(str(url), "GET", "api/backtests")["items"] == []  # it answers as before
    finally:
        process.terminate()
        process.wait(120)


def _ask(url: str, method: str, path: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        url + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=120) as reply:
        return json.loads(reply.read() or b"null")


def _language_server(url: str, workspace: Path) -> list[str]:
    """Open a file of the workspace as Lab does, with an interpreter from the workspace; the completions."""
    import websocket

    def send(method: str, params: Any, number: int | None = None) -> Any:
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        connection.send(json.dumps(message | ({} if number is None else {"id": number})))
        while number is not None:
            heard = json.loads(connection.recv())
            if heard.get("id") == number and "method" not in heard:
                return heard.get("result")
        return None

    address = url.replace("http", "ws", 1) + "lsp/ws/pylsp"
    connection = websocket.create_connection(address, header=[f"Authorization: token {TOKEN}"], timeout=60)
    try:
        root = workspace.as_uri()
        send("initialize", {"processId": None, "rootUri": root, "capabilities": {}}, 1)
        send("initialized", {})
        jedi = {"environment": str(workspace / "environment"), "extra_paths": [str(workspace)]}
        plugins = {"jedi": jedi, "pylint": {"enabled": True, "executable": str(workspace / "bin" / "python")}}
        send("workspace/didChangeConfiguration", {"settings": {"pylsp": {"plugins": plugins}}})
        uri = f"{root}/sitecustomize.py"
        document = {"uri": uri, "languageId": "python", "version": 1, "text": "import os\nos.getp"}
        send("textDocument/didOpen", {"textDocument": document})
        place = {"textDocument": {"uri": uri}, "position": {"line": 1, "character": 7}}
        found = send("textDocument/completion", place, 2) or []
        items = found["items"] if isinstance(found, dict) else found
        return [item["label"].split("(")[0] for item in items]
    finally:
        connection.close()


def test_nothing_in_the_workspace_is_run_outside(lab: str, sown: tuple[Path, Path]) -> None:
    """``make lab``, a kernel, a language server and a check of code, in a workspace full of traps."""
    workspace, markers = sown
    specs = _ask(lab, "GET", "api/kernelspecs")["kernelspecs"]
    assert "evil" not in specs
    servers = _ask(lab, "GET", "lsp/status")["sessions"]
    assert "pylsp" in servers
    assert not {"pyright", "bash-language-server", "yaml-language-server"} & set(servers)
    kernel = _ask(lab, "POST", "api/kernels", {"name": "alphintra"})
    _language_server(lab, workspace)
    _ask(lab, "POST", "api/code/validate", {"code": "import sitecustomize, tornado\n"})
    time.sleep(2)
    urllib.request.urlopen(
        urllib.request.Request(
            f"{lab}api/kernels/{kernel['id']}", method="DELETE", headers={"Authorization": f"token {TOKEN}"}
        ),
        timeout=30,
    ).close()
    assert sorted(path.name for path in markers.iterdir()) == []


def test_traps_go_off_where_nobody_is_careful(machine: Path, sown: tuple[Path, Path]) -> None:
    """The control: Python and Node started in that folder, as they are by default."""
    workspace, markers = sown
    workspace.mkdir(parents=True)
    planted.plant(workspace, markers)
    subprocess.run([sys.executable, "-m", "tornado"], cwd=workspace, check=False, capture_output=True)
    subprocess.run([str(workspace / "environment/bin/python"), "-c", ""], check=False, capture_output=True)
    expected = {"tornado.py", "jedi-environment", "jupyter_server_config.py", "ipython-startup"}
    # Where the workspace is the home folder, as good as that: its settings are Jupyter's and IPython's.
    settings = {"JUPYTER_CONFIG_DIR": str(workspace), "IPYTHONDIR": str(workspace / ".ipython")}
    variables = environment(machine / "careless") | settings
    for command in (["jupyter_server", "--show-config"], ["IPython", "-c", "1"]):
        subprocess.run([sys.executable, "-P", "-m", *command], env=variables, check=True, capture_output=True)
    assert "evil" in KernelSpecManager(kernel_dirs=[str(workspace / "kernels")]).find_kernel_specs()
    if shutil.which("git"):
        git = ["git", "-c", "user.name=x", "-c", "user.email=x@y"]
        for command in (["init"], ["commit", "--allow-empty", "-m", "x"]):
            subprocess.run([*git, *command], cwd=workspace, check=True, capture_output=True)
        expected.add("git-hook")
    if shutil.which("node"):
        subprocess.run(["node", "node_modules/pyright/langserver.index.js"], cwd=workspace, check=True)
        expected.add("node")
    assert {path.name for path in markers.iterdir()} >= expected
    assert (workspace / "ran-inside").exists()


class TestLockdown:
    """What REST refuses where people run others' notebooks; the browser's side is in ``ui-tests/test_attacks.py``."""

    @pytest.fixture(autouse=True)
    def _links(self, locked: Server, locked_kernel: Kernel, secret: Path) -> Iterator[None]:
        made = (
            f"import os\nos.chdir({str(locked.workspace)!r})\n"
            f"os.symlink({str(secret)!r}, 'leak.py')\nos.symlink({str(secret.parent)!r}, 'leaks')\n"
            "open('.hidden.py', 'w').write('x = 1')\nopen('seen.py', 'w').write('y = 1')\n"
        )
        _cell(locked_kernel, made)
        yield
        for name in ("leak.py", "leaks", ".hidden.py", "seen.py"):
            (locked.workspace / name).unlink(missing_ok=True)

    # By contents and by files, which asks first whether it may.
    @pytest.mark.parametrize(
        ("path", "statuses"),
        [
            ("leak.py", (404, 403)),
            ("leaks/plan.py", (404, 403)),
            (".hidden.py", (404, 404)),
            ("../secrets/plan.py", (404, 403)),
            ("%2e%2e/secrets/plan.py", (404, 403)),
        ],
    )
    def test_no_file_outside_and_none_hidden(self, locked: Server, path: str, statuses: tuple[int, int]) -> None:
        for route, status in zip(("/api/contents/", "/files/"), statuses, strict=True):
            assert locked.ask("GET", f"{route}seen.py").status == 200
            reply = locked.ask("GET", f"{route}{path}")
            assert (reply.status, "SECRET" in json.dumps(reply.json)) == (status, False), (route, reply)

    def test_a_link_is_not_written_through(self, locked: Server, secret: Path) -> None:
        before = secret.read_text()
        body = {"type": "file", "format": "text", "content": "print('theirs')"}
        assert locked.ask("PUT", "/api/contents/seen.py", body).status == 200
        for path in ("leak.py", "leaks/plan.py", "leaks/new.py"):
            assert locked.ask("PUT", f"/api/contents/{path}", body).status == 404
        assert locked.ask("DELETE", "/api/contents/leaks/plan.py").status == 404
        assert locked.ask("POST", "/api/contents/leaks", {"type": "file"}).status == 404
        assert secret.read_text() == before
        assert [path.name for path in secret.parent.iterdir()] == [secret.name]

    @pytest.mark.parametrize("name", ["python3", "evil", "../alphintra", "alphintra/../python3"])
    def test_no_other_kernel(self, locked: Server, server: Server, name: str) -> None:
        assert set(locked.ask("GET", "/api/kernelspecs").json["kernelspecs"]) == {"alphintra"}
        reply = locked.ask("POST", "/api/kernels", {"name": name})
        assert (reply.status, reply.json["message"]) == (404, "There is no such kernel here.")
        session = {"name": "x", "path": "x.ipynb", "type": "notebook", "kernel": {"name": name}}
        assert locked.ask("POST", "/api/sessions", session).status == 501  # Jupyter's word for it
        running = {kernel["name"] for kernel in locked.ask("GET", "/api/kernels").json}
        assert running <= {"alphintra"}

    def test_the_control_of_another_kernel(self, server: Server) -> None:
        reply = server.ask("POST", "/api/kernels", {"name": "python3"})
        assert reply.status == 201, reply
        assert server.ask("DELETE", f"/api/kernels/{reply.json['id']}").status == 204

    def test_no_terminal(self, locked: Server, server: Server) -> None:
        control = server.ask("POST", "/api/terminals")
        assert control.status == 200, control
        assert server.ask("DELETE", f"/api/terminals/{control.json['name']}").status == 204
        assert locked.ask("POST", "/api/terminals").status == 404
        assert locked.ask("GET", "/api/terminals").status == 404

    def test_no_extension_is_installed(self, locked: Server) -> None:
        body = {"cmd": "install", "extension_name": "alphintra-no-such-extension"}
        assert locked.ask("POST", "/lab/api/extensions", body).status == 422

    def test_the_level_is_shown(self, locked: Server, locked_kernel: Kernel) -> None:
        sandbox = locked.ask("GET", "/api/system").json["sandbox"]
        assert sandbox["level"] in {"full", "no-cgroup"}
        assert sandbox["level"] in locked_kernel.banner
        assert f"Sandbox of jobs: {sandbox['level']}. " in (locked.root / "server.log").read_text()


def test_a_home_with_traps_is_the_kernels_alone(kernel: Kernel, server: Server, machine: Path) -> None:
    """What a kernel leaves in its home, the next kernel runs: inside. The server and its user's own tools do not."""
    markers = machine / "home-markers"
    markers.mkdir()
    markers.chmod(0o777)
    code = planted.python(markers / "startup")
    _cell(
        kernel,
        "import os, pathlib\nhome = pathlib.Path.home()\n"
        "for path in ('.ipython/profile_default/startup/00.py', 'site-packages/sitecustomize.py', '.bashrc'):\n"
        "    target = home / path\n    target.parent.mkdir(parents=True, exist_ok=True)\n"
        f"    target.write_text({code!r})\n",
    )
    try:
        second = Kernel(server)
        second.close()
        assert server.run(strategy("print('{}')"))["status"] == "COMPLETED"
        assert list(markers.iterdir()) == []
        real = server.root / "home"
        assert not (real / ".ipython/profile_default/startup/00.py").exists()
        assert not (real / ".bashrc").exists()
    finally:
        _cell(
            kernel,
            "for path in ('.ipython/profile_default/startup/00.py', 'site-packages/sitecustomize.py', '.bashrc'):\n"
            "    (home / path).unlink()",
        )
        shutil.rmtree(markers)


def test_paths_are_plain(server: Server) -> None:
    """The control of the fixtures: the tests' folder is not below ``/tmp``, which each sandbox has of its own."""
    assert not str(server.root).startswith("/tmp/")
    assert os.path.realpath(server.root) == str(server.root)
