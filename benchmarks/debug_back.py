"""Steps back under the debugger, in a run of a million bars: from the request to the stop, with its stack.

The installed notebook kernel, spoken to as JupyterLab does. First it compares: after each step the run stands in the
bar before, and the strategy has seen what it had seen then. ``python benchmarks/debug_back.py [BARS]`` prints the
seconds.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager
from kernel_first import IDLE, KERNEL, SECONDS
from peers import environment

COUNT, BACKS = 1_000_000, 20
#: Seconds that a step back may take.
TARGET = 0.6
CELL = """
import alphintra as al
import numpy as np
import pandas as pd

class Averages(al.Strategy):
    def on_start(self):
        self.fast = self.indicator(al.ta.SMA, self.data.close, 20)
        self.slow = self.indicator(al.ta.SMA, self.data.close, 50)
        self.seen = 0

    def on_bar(self):
        self.seen = self.bar_index
        if al.crossed_above(self.fast, self.slow):
            self.order_target_percent(0.95)
        elif al.crossed_below(self.fast, self.slow):
            self.close()

steps = np.random.default_rng(1).normal(0, 0.001, {count})
close = 100 * np.exp(np.cumsum(steps))
bars = pd.DataFrame(
    {{"open": close, "high": close * 1.001, "low": close * 0.999, "close": close, "volume": 1e6}},
    index=pd.date_range("2020-01-01", periods={count}, freq="min"),
)
al.replay(Averages, bars, at={at}, debug=True, max_share=None)
"""


class Debugged:
    """A kernel whose debugger is on."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._seq = itertools.count(1)
        self._thread = 1

    def ask(self, command: str, **arguments: Any) -> Any:
        """The body of an answer.

        Raises:
            RuntimeError: The request was refused.
        """
        request = {"type": "request", "seq": next(self._seq), "command": command, "arguments": arguments}
        message = self.client.session.msg("debug_request", request)
        self.client.control_channel.send(message)
        while True:
            reply = self.client.get_control_msg(timeout=SECONDS)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                if not reply["content"].get("success", True):
                    raise RuntimeError(reply["content"])
                return reply["content"].get("body")

    def stopped(self) -> int:
        """Wait for the stop; the innermost frame's id.

        Raises:
            RuntimeError: The cell failed.
        """
        while True:
            message = self.client.get_iopub_msg(timeout=SECONDS)
            if message["msg_type"] == "error":
                raise RuntimeError("\n".join(message["content"]["traceback"]))
            if message["msg_type"] == "debug_event" and message["content"]["event"] == "stopped":
                self._thread = message["content"]["body"]["threadId"]
                return int(self.ask("stackTrace", threadId=self._thread)["stackFrames"][0]["id"])

    def back(self) -> int:
        """One bar back; the innermost frame's id."""
        self.ask("stepBack", threadId=self._thread)
        return self.stopped()

    def value(self, expression: str, frame: int) -> str:
        """An expression's value in a frame."""
        return str(self.ask("evaluate", expression=expression, frameId=frame, context="repl")["result"])


@dataclass(frozen=True)
class Measured:
    """What was found.

    Attributes:
        bars: Of the run.
        start: Seconds from the cell to its first stop: the run, and going to its middle.
        backs: Seconds of each step back.
    """

    bars: int
    start: float
    backs: list[float]


def measure(folder: Path, count: int = COUNT) -> Measured:
    """Debug in a fresh kernel.

    Args:
        folder: Where the kernel runs.
        count: Bars.

    Raises:
        AssertionError: A step did not arrive where it should, or the strategy was not as it was.
    """
    manager = KernelManager(kernel_name=KERNEL)
    environ = environment(folder)
    manager.start_kernel(cwd=str(folder), env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=SECONDS)
        time.sleep(IDLE)
        debugged = Debugged(client)
        debugged.ask("initialize", clientID="bench", adapterID="", pathFormat="path", linesStartAt1=True)
        debugged.ask("attach")
        cell, at = CELL.format(count=count, at=count // 2), count // 2
        debugged.ask("dumpCell", code=cell)
        began = time.perf_counter()
        client.execute(cell)
        frame = debugged.stopped()
        start = time.perf_counter() - began
        backs = []
        for back in range(BACKS + 1):
            here = debugged.value("self.bar_index, self.seen", frame)
            assert here == f"({at - back}, {at - back - 1})", f"{back} bars back of {at}: {here}"
            if back < BACKS:
                began = time.perf_counter()
                frame = debugged.back()
                backs.append(time.perf_counter() - began)
        return Measured(count, start, backs)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def main(count: int = COUNT) -> int:
    """Print what was found; 1 where the target is missed."""
    with tempfile.TemporaryDirectory(prefix="alphintra-bench-") as name:
        found = measure(Path(name), count)
    backs = sorted(found.backs)
    print(
        f"debugged, {found.bars:,} bars: stopped in the middle after {found.start:.2f} s\n"
        f"  one step back: median {backs[len(backs) // 2]:.3f} s, slowest {backs[-1]:.3f} s (target {TARGET:g} s)"
    )
    return int(backs[-1] > TARGET)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1].replace("_", "")) if len(sys.argv) > 1 else COUNT))
