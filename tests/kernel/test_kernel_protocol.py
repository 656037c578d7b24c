"""Jupyter's own tests of a kernel's messages, run against ours in its sandbox."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import jupyter_kernel_test

from . import kernels


class TestProtocol(jupyter_kernel_test.KernelTests):
    """``history/range`` is left out: the stock Python kernel does not pass it either."""

    language_name = "python"
    file_extension = ".py"
    code_hello_world = "print('hello, world')"
    code_stderr = "import sys; print('test', file=sys.stderr)"
    completion_samples = (
        {"text": "al.Strat", "matches": {"Strategy"}},
        {"text": "zi", "matches": {"zip"}},
    )
    complete_code_samples = ("1", "print('hello, world')", "class A(al.Strategy):\n    pass\n\n")
    incomplete_code_samples = ("class A(al.Strategy):", "def f(x):\n  x*2")
    invalid_code_samples = ("import = 7q",)
    code_page_something = "len?"
    code_generate_error = "raise ValueError('no')"
    code_execute_result = ({"code": "1+2+3", "result": "6"},)
    code_display_data = (
        {"code": "from IPython.display import HTML, display; display(HTML('<b>test</b>'))", "mime": "text/html"},
    )
    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "search")
    code_inspect_sample = "al.backtest"
    code_clear_output = "from IPython.display import clear_output; clear_output()"

    @classmethod
    def setUpClass(cls) -> None:
        with contextlib.ExitStack() as stack:
            root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            (root / "work").mkdir()
            started = stack.enter_context(
                kernels.kernel(root / "kernels", cwd=root / "work", data_dir=root / "data")
            )
            # What answers the questions of the start has been heard: the tests take each message for one of theirs.
            assert started.run("pass")[0]["status"] == "ok"
            cls.km, cls.kc = started.manager, started.client
            cls._opened = stack.pop_all()

    @classmethod
    def tearDownClass(cls) -> None:
        cls._opened.close()
