"""The Alphintra kernel as a client sees it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alphintra_kernel.isolation import kernel_level

import alphintra_kernel

from . import kernels

RESOURCES = Path(alphintra_kernel.__file__).parent / "resources"

STRATEGY = """
import alphintra as al

class SmaCross(al.Strategy):
    fast = al.Param(20, low=2, high=100)

    def on_start(self):
        self.fast_ma = self.indicator(al.ta.SMA, self.data.close, self.fast)
        self.slow_ma = self.indicator(al.ta.SMA, self.data.close, 50)

    def on_bar(self):
        if al.crossed_above(self.fast_ma, self.slow_ma):
            self.order_target_percent(0.95)
        elif al.crossed_below(self.fast_ma, self.slow_ma):
            self.close()
"""
MAGIC = "%backtest SmaCross --data us-equities-daily/AAPL --cash 50000 --commission 0.001 --param fast=10"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    (work / "random.py").write_text("raise RuntimeError('the workspace shadowed the standard library')")
    data = tmp_path_factory.mktemp("data")
    with kernels.kernel(tmp_path_factory.mktemp("kernels"), cwd=work, data_dir=data) as started:
        yield started


def test_the_kernelspec():
    spec = json.loads((RESOURCES / "kernel.json").read_text())
    assert spec == {
        "argv": [
            *("python", "-P", "-Xfrozen_modules=off", "-m", "alphintra_kernel"),
            *("-f", "{connection_file}"),
        ],
        "display_name": "Alphintra",
        "language": "python",
        "interrupt_mode": "message",
        "metadata": {
            "debugger": True,
            "supported_encryption": ["curve"],
            "kernel_provisioner": {"provisioner_name": "alphintra-sandbox"},
        },
    }
    assert sorted(path.name for path in RESOURCES.iterdir()) == [
        *("kernel.json", "logo-32x32.png", "logo-64x64.png", "logo-svg.svg"),
    ]


def test_the_banner_says_where_it_runs(kernel):
    info = kernel.client.kernel_info(reply=True, timeout=180)["content"]
    first = info["banner"].splitlines()[0]
    assert first.startswith("Alphintra ")
    level = kernel_level()
    assert first.endswith("🔴 not sandboxed" if level == "none" else f" · sandboxed ({level}), network on")
    assert (info["implementation"], info["language_info"]["name"]) == ("alphintra", "python")
    assert "debugger" in info["supported_features"]


def test_sdk_and_engine_are_there(kernel):
    assert kernel.value("al.__name__") == "'alphintra'"
    assert kernel.value("import sys; 'alphintra_backtest.runner' in sys.modules") == "True"
    assert kernel.value("'numba' in sys.modules") == "False"  # long runs alone need it


def test_the_debugger_may_step_into_the_sdk_but_not_the_engine(kernel):
    code = """
from ipykernel.kernelapp import IPKernelApp
hidden = IPKernelApp.instance().kernel._kernel_modules
[any(f.endswith(end) for f in hidden) for end in ("alphintra_backtest/runner.py", "alphintra/strategy.py")]
"""
    assert kernel.value(code) == "[True, False]"


def test_an_error_is_an_error(kernel):
    reply, _ = kernel.run("1 / 0")
    assert (reply["status"], reply["ename"]) == ("error", "ZeroDivisionError")


def test_completion_of_the_sdk(kernel):
    reply = kernel.client.complete("al.Strat", reply=True, timeout=180)["content"]
    assert any(match.endswith("Strategy") for match in reply["matches"])


def test_the_workspace_does_not_shadow_the_standard_library(kernel):
    assert kernel.value("import random; random.Random(1).randint(0, 9)") == "2"


def test_a_result_is_shown(kernel):
    assert kernel.run(STRATEGY)[0]["status"] == "ok"
    reply, shown = kernel.run(MAGIC)
    assert reply["status"] == "ok", reply
    data = next(m["content"]["data"] for m in shown if m["msg_type"] == "execute_result")
    assert {"application/vnd.alphintra.result.v1+json", "text/html", "image/png", "text/plain"} <= set(data)
    header = data["application/vnd.alphintra.result.v1+json"]["header"]
    assert (header["strategy"], header["parameters"]) == ("SmaCross", {"fast": 10})
    assert data["image/png"].startswith("iVBOR")
    same = f"""
r = {MAGIC}
s = al.backtest(SmaCross, "us-equities-daily/AAPL", cash=50_000, commission=0.001, params=dict(fast=10))
[r.metrics["final_equity"] == s.metrics["final_equity"], len(r.fills) > 20]
"""
    assert kernel.value(same) == "[True, True]"


def test_interrupt(kernel):
    msg_id = kernel.client.execute("import time\nprint('begun', flush=True)\nfor i in range(6000): time.sleep(0.1)")
    while (message := kernel.client.get_iopub_msg(timeout=180))["msg_type"] != "stream":
        pass
    assert (message["parent_header"]["msg_id"], message["content"]["text"]) == (msg_id, "begun\n")
    kernel.manager.interrupt_kernel()
    reply = kernel.client.get_shell_msg(timeout=180)
    while reply["parent_header"].get("msg_id") != msg_id:
        reply = kernel.client.get_shell_msg(timeout=180)
    assert (reply["content"]["status"], reply["content"]["ename"]) == ("error", "KeyboardInterrupt")
    assert kernel.value("6 * 7") == "42"


def test_the_preload_is_light_and_without_the_sdk():
    code = """
import sys
from alphintra_kernel.preload import preload
names = preload()
heavy = {"alphintra", "numba", "pandas", "talib", "plotly", "matplotlib", "pyarrow"}
print(len(names) > 20, "alphintra_backtest.runner" in names, sorted(heavy & set(sys.modules)))
"""
    shown = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "True True []\n"


def test_a_waiting_kernel_loads_what_the_first_result_needs(kernel):
    """No cell has asked for any of it."""
    code = "all(name in __import__('sys').modules for name in ('pandas', 'talib', 'matplotlib.figure'))"
    deadline = time.monotonic() + 240
    while kernel.value(code) != "True" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert kernel.value(code) == "True"


def test_a_first_cell_may_import_what_is_being_loaded(tmp_path):
    """A kernel that is asked at once: the parts of a library are whole, whoever imports them first."""
    work = tmp_path / "work"
    work.mkdir()
    with kernels.kernel(tmp_path / "kernels", cwd=work, data_dir=tmp_path / "data") as fresh:
        assert fresh.value("from pandas.api.types import is_numeric_dtype; is_numeric_dtype(float)") == "True"
        assert fresh.value("import matplotlib.pyplot as plt; plt.__name__") == "'matplotlib.pyplot'"


def test_the_application_in_process(capsys, monkeypatch):
    import alphintra_backtest.replay
    from alphintra_kernel.kernelapp import AlphintraKernel, AlphintraKernelApp, main
    from IPython.core.interactiveshell import InteractiveShell

    assert AlphintraKernelApp().exec_lines == ["%load_ext alphintra_kernel.magics", "import alphintra as al"]
    kernel = AlphintraKernel.__new__(AlphintraKernel)
    kernel.shell = InteractiveShell()
    assert kernel.banner.splitlines()[0].endswith("🔴 not sandboxed")
    AlphintraKernelApp.clear_instance()
    monkeypatch.setattr(alphintra_backtest.replay, "view_hook", None)  # the kernel's stays with the process
    with contextlib.suppress(SystemExit):
        main(["--help"])
    assert alphintra_backtest.replay.view_hook is not None
    AlphintraKernelApp.clear_instance()
    assert "kernel" in capsys.readouterr().out


FAILS = """class Fails(al.Strategy):
    def on_bar(self):
        if self.bar_index == 5:
            self.ratio = 1 / (self.bar_index - 5)
"""
FAILURE = "application/vnd.alphintra.failure+json"


def failure(shown):
    return [m["content"]["data"] for m in shown if FAILURE in m["content"].get("data", {})]


def test_a_strategy_that_raises_is_told_below_its_traceback(kernel):
    assert kernel.run(FAILS)[0]["status"] == "ok"
    cell = kernel.value("len(In) - 2")
    for code in ('al.backtest(Fails, "us-equities-daily/AAPL")', "%backtest Fails --data us-equities-daily/AAPL"):
        reply, shown = kernel.run(code)
        assert (reply["status"], reply["ename"]) == ("error", "StrategyError")
        kinds = [m["msg_type"] for m in shown if m["msg_type"] in ("error", "display_data")]
        assert kinds == ["error", "display_data"]
        (data,) = failure(shown)
        told = data[FAILURE]
        assert told | {"source": None} == {
            "version": 1,
            "message": "Fails raised ZeroDivisionError: division by zero",
            "place": f"Cell In[{cell}]",
            "line": 4,
            "source": None,
            "bar": 5,
            "bar_time": "2000-03-08T21:00:00Z",
            "stands": True,
        }
        assert told["source"][-1] == [4, "            self.ratio = 1 / (self.bar_index - 5)"]
        assert "<script" not in data["text/html"]
        for form in ("text/html", "text/plain"):
            assert "al.post_mortem()" in data[form]
            assert f"Cell In[{cell}], line 4, at the bar of 2000-03-08 21:00 UTC" in data[form]
    assert kernel.value("import sys; type(sys.last_value).__name__") == "'StrategyError'"
    again = kernel.run("%tb")[1]
    assert "ZeroDivisionError" in "".join(line for m in again for line in m["content"].get("traceback", []))
    assert failure(again) == []
    plainly = "from alphintra_backtest import replay as shown_by; shown_by.view_hook = None\nal.post_mortem().bar"
    assert kernel.value(plainly) == "4"


def test_other_errors_show_what_they_always_did(kernel):
    kernel.run(FAILS)
    nested = """
try:
    al.backtest(Fails, "us-equities-daily/AAPL")
except Exception as error:
    raise RuntimeError("mine") from error
"""
    own = 'from alphintra.errors import StrategyError\nraise StrategyError("mine")'
    for code, name in ((nested, "RuntimeError"), (own, "StrategyError"), ("1 / 0", "ZeroDivisionError")):
        reply, shown = kernel.run(code)
        assert (reply["ename"], failure(shown)) == (name, [])
