"""The report of ten years of daily bars: its bytes, the seconds to write it, and to open it in Chromium.

``python benchmarks/report.py`` prints them. Opening is from a file without a network: until what is to be read is on
the screen, and until the first chart is drawn by Plotly.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import alphintra as al
import bars
import pandas as pd
from job import COMMISSION, FAST, SLOW

SESSIONS = 2_520
CHROMIUM = Path("/usr/bin/chromium")
_PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


class Crossing(al.Strategy):
    """Long above the slow average."""

    def on_start(self) -> None:
        """Declare both averages."""
        self.fast = self.indicator(al.ta.SMA, self.data.close, FAST)
        self.slow = self.indicator(al.ta.SMA, self.data.close, SLOW)

    def on_bar(self) -> None:
        """Hold while the fast one is above."""
        if al.crossed_above(self.fast, self.slow):
            self.order_target_percent(0.95)
        elif al.crossed_below(self.fast, self.slow):
            self.close()


@dataclass(frozen=True)
class Measured:
    """What a report takes.

    Attributes:
        size: Bytes of the page.
        write: Seconds of a warm process, the run not included.
        read: Seconds until the page is on the screen, NaN without Chromium.
        chart: Seconds until its first chart is drawn by Plotly.
    """

    size: int
    write: float
    read: float
    chart: float


def measure(folder: Path, repeats: int = 3) -> Measured:
    """Write a report and open it, the best of ``repeats``."""
    walk = bars.random_walk(SESSIONS)
    names = ("open", "high", "low", "close", "volume")
    daily = pd.DataFrame({name: walk[name] for name in names}, index=pd.bdate_range("2015-01-01", periods=SESSIONS))
    result = al.backtest(Crossing, data=daily, commission=COMMISSION)
    path = folder / "report.html"
    result.report(path)
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        result.report(path)
        seconds.append(time.perf_counter() - began)
    read, chart = _opened(path, repeats) if CHROMIUM.exists() else (float("nan"), float("nan"))
    return Measured(path.stat().st_size, min(seconds), read, chart)


def _opened(path: Path, repeats: int) -> tuple[float, float]:
    """Return seconds until the first paint and until the first chart is drawn, the best of each."""
    from playwright.sync_api import sync_playwright

    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        for _ in range(repeats):
            context = browser.new_context(viewport={"width": 1400, "height": 1000}, offline=True)
            page = context.new_page()
            page.goto(path.as_uri())
            page.wait_for_selector(".plot.drawn .main-svg")
            chart = page.evaluate("performance.now()")
            found.append((page.evaluate(_PAINTED) / 1000.0, chart / 1000.0))
            context.close()
        browser.close()
    return min(read for read, _ in found), min(chart for _, chart in found)


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="alphintra-report-") as folder:
        measured = measure(Path(folder))
    print(f"report of {SESSIONS:,} daily bars: {measured.size:,} bytes (< 3,000,000)")
    print(f"written in {measured.write:.2f} s; on the screen in {measured.read:.2f} s (< 1 s), "
          f"first chart drawn in {measured.chart:.2f} s")  # fmt: skip


if __name__ == "__main__":
    main()
