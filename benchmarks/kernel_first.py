"""The first result in a ready kernel: one started as JupyterLab does, and its first cell timed from request to idle."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from jupyter_client.manager import KernelManager

#: Name of the kernel that the product installs.
KERNEL = "alphintra"
CELL = '''
import alphintra as al

class SmaCross(al.Strategy):
    """Long {quantity} while the fast average is above the slow one."""
    def on_start(self):
        self.fast_ma = self.indicator(al.ta.SMA, self.data.close, {fast})
        self.slow_ma = self.indicator(al.ta.SMA, self.data.close, {slow})

    def on_bar(self):
        if al.crossed_above(self.fast_ma, self.slow_ma):
            self.buy(quantity={quantity})
        elif al.crossed_below(self.fast_ma, self.slow_ma):
            self.close()

result = al.backtest(SmaCross, data="{data}", cash={cash}, commission={commission}, max_share=None)
result
'''
#: Seconds between a kernel's first answer and the cell: a trader who opens a notebook and runs its first cell.
IDLE = 3.0
SECONDS = 120
"""Longest that a kernel may take to start, or to answer."""


def first_result(cell: str, folder: Path, env: dict[str, str]) -> tuple[float, float]:
    """Seconds that ``cell`` took as the first one of a fresh kernel, display included, and its final equity.

    Args:
        cell: Source that ends in ``result``.
        folder: Where the kernel runs.
        env: Its environment.

    Raises:
        RuntimeError: The cell failed, or showed nothing.
    """
    manager = KernelManager(kernel_name=KERNEL)
    manager.start_kernel(cwd=str(folder), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=SECONDS)
        time.sleep(IDLE)
        began = time.perf_counter()
        request = client.execute(cell, user_expressions={"equity": "float(result.curves.equity[-1])"})
        shown: list[str] = []
        while True:
            message = client.get_iopub_msg(timeout=SECONDS)
            if message["parent_header"].get("msg_id") != request:
                continue
            if message["msg_type"] == "execute_result":
                shown += message["content"]["data"]
            elif message["msg_type"] == "error":
                raise RuntimeError("\n".join(message["content"]["traceback"]))
            elif message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
        took = time.perf_counter() - began
        reply = client.get_shell_msg(timeout=SECONDS)
        while reply["parent_header"].get("msg_id") != request:  # answers to what asked whether it was ready
            reply = client.get_shell_msg(timeout=SECONDS)
        if "text/html" not in shown:
            raise RuntimeError(f"the cell showed {shown or 'nothing'}")
        return took, float(reply["content"]["user_expressions"]["equity"]["data"]["text/plain"])
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
