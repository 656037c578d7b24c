"""The kernel of a debug session: ``python -P -Xfrozen_modules=off -m alphintra_kernel.debug_kernel -f FILE``.

The notebook's kernel without what a notebook wants: nothing is loaded for a first picture, nothing is remembered.
"""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Iterator
from typing import Any

from traitlets import Type, default

# Loaded before the kernel is made, as the engine is: what leads to a strategy's line is no place to stop at.
from alphintra_kernel import debug_job, numba_cache, output_bound, replay_debugger  # noqa: F401
from alphintra_kernel.kernelapp import AlphintraKernel, AlphintraKernelApp
from alphintra_kernel.preload import preload

#: What a run imports when it needs it.
LIBRARIES = ("pandas", "pyarrow.parquet", "alphintra._talib", "alphintra.backtesting", "alphintra.data")


class DebugKernel(AlphintraKernel):
    """Waits for one strategy."""

    def _load_next(self, parts: Iterator[None]) -> None:
        """Nothing: what the run needs is loaded by it."""

    async def do_debug_request(self, msg: dict[str, Any]) -> dict[str, Any]:
        """Answer no more than the server takes: it would never hear the rest."""
        reply: dict[str, Any] = await super().do_debug_request(msg)
        most = output_bound.most()
        if most is not None and len(json.dumps(reply, default=str)) > most:
            return replay_debugger.answer(msg, error="it is too large to be shown")
        return reply


class DebugKernelApp(AlphintraKernelApp):
    """Starts the kernel."""

    name = "alphintra-debug-kernel"
    kernel_class = Type(DebugKernel, config=False)

    @default("exec_lines")
    def _default_exec_lines(self) -> list[str]:
        return ["import alphintra as al"]


def main(argv: list[str] | None = None, **kwargs: Any) -> None:
    """Run the kernel until it is ended."""
    numba_cache.adopt()
    preload()
    for name in LIBRARIES:  # under the debugger it would take several times as long
        with contextlib.suppress(Exception):  # whoever needs it gets the error, with its reason
            importlib.import_module(name)
    DebugKernelApp.launch_instance(argv, **kwargs)


if __name__ == "__main__":
    main()
