"""Programs that start kernels: each gets one in the sandbox, and works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from alphintra_kernel.isolation import kernel_level

from alphintra_kernel import levels

from . import kernels

pytestmark = pytest.mark.skipif(kernel_level() not in levels.OWN_FILES, reason="no sandbox here")
CELL = "import os\nprint(os.environ['HOME'], os.getuid() != 0, al.__name__)"


@pytest.fixture
def work(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    kernelspec = {"name": "alphintra", "display_name": "Alphintra", "language": "python"}
    output = nbformat.v4.new_output("stream", name="stdout", text="/home/trader True alphintra\n")
    cell = nbformat.v4.new_code_cell(CELL, outputs=[output], execution_count=1)
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernelspec})
    nbformat.write(notebook, folder / "study.ipynb")
    return folder


@pytest.fixture
def run(tmp_path, work):
    environment = kernels.installed(tmp_path / "installed")

    def run(*arguments, text=""):
        return subprocess.run(
            [sys.executable, "-P", "-m", *arguments], cwd=work, env=environment, capture_output=True, text=True,
            input=text, timeout=120,
        )  # fmt: skip

    return run


def test_nbconvert(run, work):
    ran = run("nbconvert", "--execute", "--to", "notebook", "--output", "done.ipynb", "study.ipynb")
    assert ran.returncode == 0, ran.stderr
    (cell,) = nbformat.read(work / "done.ipynb", 4).cells
    assert cell.outputs[0].text == "/home/trader True alphintra\n"


def test_nbval(run):
    ran = run("pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov", "--nbval", "study.ipynb")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout


def test_the_console(run):
    pytest.importorskip("jupyter_console", reason="THE CONSOLE WAS NOT TESTED: jupyter_console is not installed")
    ran = run("jupyter_console", "--kernel=alphintra", "--simple-prompt", text=f"{CELL}\nquit()\n")
    assert "/home/trader True alphintra" in ran.stdout, ran.stderr


def test_jupyter_run(run, work):
    (work / "script.py").write_text(CELL)
    ran = run("jupyter", "run", "--kernel=alphintra", "script.py")
    assert ran.stdout == "/home/trader True alphintra\n", ran.stderr


def test_where_there_is_no_sandbox(tmp_path, work, monkeypatch):
    """As on macOS: an ordinary kernel, which says so."""
    monkeypatch.setattr(levels, "probe_report", lambda: levels.Probe(levels.NONE, "no namespaces"))
    monkeypatch.setenv("ALPHINTRA_TEST_VARIABLE", "seen")
    with kernels.kernel(tmp_path / "specs", cwd=work, data_dir=tmp_path / "data") as kernel:
        assert kernel.banner.splitlines()[0].endswith(" · 🔴 not sandboxed")
        assert kernel.value("import os; os.environ['ALPHINTRA_TEST_VARIABLE']") == "'seen'"
        assert kernel.value("os.getuid()") == str(os.getuid())
        assert kernel.manager.transport == "tcp"
        reply, _ = kernel.run("%network off")
        assert (reply["status"], reply["ename"]) == ("error", "UsageError")
        kernel.manager.restart_kernel(now=True)
        kernel.client.wait_for_ready(timeout=180)
        assert kernel.value("6 * 7") == "42"


def test_a_program_that_knows_no_provisioner(tmp_path, work):
    """It starts the kernel from its command line, as VS Code does: not sandboxed, and that is said."""
    from jupyter_client.blocking import BlockingKernelClient
    from jupyter_client.connect import write_connection_file

    file, _ = write_connection_file(str(tmp_path / "connection.json"))
    spec = json.loads((kernels.RESOURCES / "kernel.json").read_text())
    argv = [sys.executable, *(part.format(connection_file=file) for part in spec["argv"][1:])]
    with subprocess.Popen(argv, cwd=work, env=dict(os.environ)) as process:
        client = BlockingKernelClient(connection_file=file)
        client.load_connection_file()
        client.start_channels()
        try:
            # Not wait_for_ready, which gives up where the heart does not beat at once.
            banner = client.kernel_info(reply=True, timeout=180)["content"]["banner"]
            assert banner.splitlines()[0].endswith(" · 🔴 not sandboxed")
            assert Path(file).exists()
        finally:
            client.stop_channels()
            process.kill()
