"""The notebook kernel: IPython with engine and SDK loaded, and a banner that says where it runs."""

from __future__ import annotations

import contextlib
import os
import site
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import alphintra_backtest.replay
from alphintra_backtest.replay import debugging
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from tornado.ioloop import IOLoop
from traitlets import Type, default

from alphintra_kernel import isolation, kernel_home, levels, numba_cache, output_bound, output_wait
from alphintra_kernel.preload import preload, warm_up
from alphintra_kernel.variables import Requests

#: Seconds between two parts of what a waiting kernel loads.
PAUSE = 0.05
#: Seconds after which an expression that the debugger evaluates is interrupted.
EXPRESSION_SECONDS = 10


class AlphintraKernel(IPythonKernel):
    """A Python kernel for trading notebooks."""

    implementation = "alphintra"
    debugger_class = Type("alphintra_kernel.replay_debugger.ReplayDebugger")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        debugging.stops = getattr(self, "debugger", None)
        alphintra_backtest.replay.debug_hook = debugging.debug

    @property
    def banner(self) -> str:  # type: ignore[override]
        """Name, versions, and how far the code of a cell is kept from the rest of the machine."""
        from alphintra._version import __version__

        return f"Alphintra {__version__} · {isolation.own()}\n{super().banner}"

    @cached_property
    def variables(self) -> Requests:
        """Answers what the Variables panel asks."""
        return Requests(self.shell)

    async def do_debug_request(self, msg: dict[str, Any]) -> Any:
        """Answer on the control channel, also while a cell runs; what is not about variables is the debugger's."""
        reply = await self.variables.answer(msg)
        return reply if reply is not None else await super().do_debug_request(msg)  # type: ignore[no-untyped-call]

    def start(self) -> None:
        """Take messages; what the first result needs is loaded meanwhile."""
        super().start()  # type: ignore[no-untyped-call]
        self._load_next(warm_up())

    def _load_next(self, parts: Iterator[None]) -> None:
        """One part now and the next a moment later: requests that came meanwhile are taken first."""
        debugger = debugging.stops  # one that is on already would follow each line that is loaded
        with contextlib.nullcontext() if debugger is None else debugging.unfollowed(debugger):
            more = next(parts, self) is not self
        if more:
            IOLoop.current().call_later(PAUSE, self._load_next, parts)


class AlphintraKernelApp(IPKernelApp):
    """Starts the kernel."""

    name = "alphintra-kernel"
    kernel_class = AlphintraKernel

    def init_path(self) -> None:
        """Let notebooks import the modules beside them, after the standard library.

        The kernel itself is started with ``-P``, so that no module of a workspace takes part in its start; IPython
        takes that for its notebooks' wish too.
        """
        if "" not in sys.path:
            installed = {"site-packages", "dist-packages"}
            first = next((at for at, path in enumerate(sys.path) if Path(path).name in installed), len(sys.path))
            sys.path.insert(first, "")

    def init_iopub(self, context: Any) -> None:
        """Make the socket for output, which sends no more at once than the server takes, and no faster."""
        super().init_iopub(context)  # type: ignore[no-untyped-call]
        output_wait.wait(self.iopub_thread)
        if most := output_bound.most():
            output_bound.bound(self.iopub_thread, self.session, most)

    @default("exec_lines")
    def _default_exec_lines(self) -> list[str]:
        # After the kernel is made, so that the debugger can step into the SDK.
        return ["%load_ext alphintra_kernel.magics", "import alphintra as al"]


def settle() -> None:
    """Make use of the kernel's home: its compiled code, and what its trader installed."""
    if not Path("/etc/fonts").exists():
        # A sandbox has none, and what looks for fonts would complain in the trader's first cell.
        os.environ.setdefault("FONTCONFIG_FILE", str(Path(__file__).with_name("fonts.conf")))
    if os.environ.get(isolation.LEVEL_VARIABLE) not in levels.OWN_FILES:
        return
    numba_cache.keep(Path.home() / kernel_home.CACHE)
    packages = Path(os.environ.get("PIP_TARGET") or Path.home() / kernel_home.SITE_PACKAGES)
    packages.mkdir(parents=True, exist_ok=True)  # or Python would remember that there is nothing
    # Last on the path: what is installed there must not take the place of what Alphintra was tested with.
    site.addsitedir(str(packages))


def _seen(replay: Any) -> Any:
    """A replay as a widget; what that needs is loaded with the first one."""
    from alphintra_kernel.replay_widget import ReplayWidget

    return ReplayWidget(replay)


def main(argv: list[str] | None = None, **kwargs: Any) -> None:
    """Run the kernel until it is shut down."""
    settle()
    # Before the debugger is loaded: an expression that never ends is interrupted, and the run stays where it is.
    os.environ.setdefault("PYDEVD_INTERRUPT_THREAD_TIMEOUT", str(EXPRESSION_SECONDS))
    preload()
    alphintra_backtest.replay.view_hook = _seen
    AlphintraKernelApp.launch_instance(argv, **kwargs)
