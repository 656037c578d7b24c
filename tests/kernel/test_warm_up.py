"""What a waiting kernel loads says nothing: it would stand below the trader's last cell."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from alphintra_kernel import preload


def test_nothing_is_heard_of_what_is_loaded(capfd: pytest.CaptureFixture[str]) -> None:
    with preload.unheard():
        sys.stdout.write("text\n")
        sys.stderr.write("text\n")
        logging.getLogger("library").warning("Building a cache.")
        subprocess.run(["sh", "-c", "echo from a program; echo from a program >&2"], check=True)
    assert capfd.readouterr() == ("", "")
    subprocess.run(["sh", "-c", "echo heard again; echo this too >&2"], check=True)
    assert capfd.readouterr() == ("heard again\n", "this too\n")


FIRST = """
import sys

from alphintra_kernel.preload import preload, warm_up

preload()
import alphintra as al

for _ in warm_up():
    pass
there = set(sys.modules)

class Crossing(al.Strategy):
    def on_start(self):
        self.average = self.indicator(al.ta.SMA, self.data.close, 5)

    def on_bar(self):
        if al.crossed_above(self.data.close, self.average):
            self.buy(quantity=1)

result = al.backtest(Crossing, "bars.csv")
shown = result._repr_mimebundle_()
print(sorted(shown), sorted(set(sys.modules) - there), "polars" in sys.modules)
"""


def test_a_first_result_finds_everything_loaded(tmp_path: Path) -> None:
    """All that is left to the first cell is its own work; Polars, which TA-Lib looks for, is in nobody's way."""
    closes = [day + (1 if day % 3 else -0.25) for day in range(1, 31)]
    rows = [f"2024-01-{d:02d},{d},{d + 2},{d - 0.5},{close},9" for d, close in enumerate(closes, 1)]
    (tmp_path / "bars.csv").write_text("\n".join(["time,open,high,low,close,volume", *rows]))
    env = os.environ | {"ALPHINTRA_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", FIRST], capture_output=True, text=True, check=False, cwd=tmp_path, env=env
    )
    kinds = ["application/vnd.alphintra.result.v1+json", "image/png", "text/html", "text/plain"]
    assert (done.stdout, done.stderr[-2000:]) == (f"{kinds} [] False\n", "")
