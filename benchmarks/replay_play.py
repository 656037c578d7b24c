"""Bars a second that a replay's widget holds at play: a real JupyterLab, its kernel and Chromium.

``python benchmarks/replay_play.py [seconds]`` prints, for each speed, the bars that were asked for and that came.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "ui-tests"))

import test_replay as walk
from lab_page import Page
from lab_server import CHROMIUM, running
from playwright.sync_api import sync_playwright

RATES = (30, 120, 480)
AT = f"() => Number(document.querySelector('{walk.VIEW} .alphintra-Replay-track').ariaValueNow)"


def main(seconds: float) -> None:
    """Play at each speed for a while from the start of the data, and print what came."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as lab, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        context = chromium.new_context(viewport={"width": 1500, "height": 1150})
        context.new_page()
        view = Page(context, lab)
        page = walk.opened(view, "play.ipynb")
        for rate in RATES:
            page.locator(f"{walk.VIEW} .alphintra-Replay-track").press("Home")
            page.wait_for_timeout(1500)
            page.locator(f"{walk.VIEW} select").select_option(str(rate))
            first = page.evaluate(AT)
            walk.press(page, "play")
            began = page.evaluate("() => performance.now()")
            page.wait_for_timeout(seconds * 1000)
            came, took = page.evaluate(AT) - first, (page.evaluate("() => performance.now()") - began) / 1000
            walk.press(page, "play")
            page.wait_for_timeout(500)
            print(f"play at {rate} bars/s: {came} bars in {took:.1f} s, {came / took:.1f} a second")
        chromium.close()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0)
