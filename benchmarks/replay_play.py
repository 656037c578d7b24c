"""Bars a second that a replay's widget holds at play: a real JupyterLab, its kernel and Chromium.

First it compares: the orders that the page has in its log after play are those of the backtest. ``python
benchmarks/replay_play.py [SECONDS]`` prints, for each speed, the bars that were asked for and that came.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import alphintra as al

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "ui-tests"))

import test_replay as walk
from lab_page import VIEWPORT, Page
from lab_server import CHROMIUM, running
from playwright.sync_api import sync_playwright

RATES = (30, 120, 480)
#: Bars a second that play must hold at the first of these speeds, less a bar at both ends of the time.
HELD = 29.5
SECONDS = 5.0
TRACK = f"document.querySelector('{walk.VIEW} .alphintra-Replay-track')"
#: The bar that the page shows, and the page's clock in milliseconds.
NOW = f"() => [Number({TRACK}.ariaValueNow), performance.now()]"
LOG = f"""() => [...document.querySelectorAll('{walk.VIEW} .alphintra-Replay-log tbody tr')]
    .map(row => [...row.cells].slice(0, 2).map(cell => cell.innerText))"""


@dataclass(frozen=True)
class Played:
    """What came of playing.

    Attributes:
        rates: Bars a second that came, by those that were asked for.
        fills: How many the page had in its log at the end.
        problem: Where they are not those of the backtest.
    """

    rates: dict[int, float]
    fills: int
    problem: str | None


def measure(seconds: float = SECONDS) -> Played | None:
    """Play at each speed for a while from the start of the data; ``None`` where there is no Chromium to play in."""
    if not CHROMIUM.exists():
        return None
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as lab, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        context = chromium.new_context(viewport=VIEWPORT)
        context.new_page()
        page = walk.opened(Page(context, lab), "play.ipynb")
        rates = {rate: _played(page, rate, seconds) for rate in RATES}
        day, rows = walk.day(page), page.evaluate(LOG)
        chromium.close()
    seen = [(when, event.removeprefix("filled: ")) for when, event in rows if event.startswith("filled: ")]
    return Played(rates, len(seen), _difference(seen, day))


def _played(page: Any, rate: int, seconds: float) -> float:
    page.locator(f"{walk.VIEW} .alphintra-Replay-track").press("Home")
    page.wait_for_timeout(1500)
    page.locator(f"{walk.VIEW} [aria-label=Speed]").select_option(str(rate))
    stood, _ = page.evaluate(NOW)
    walk.press(page, "play")
    page.wait_for_function(f"stood => Number({TRACK}.ariaValueNow) > stood", arg=stood)
    first, began = page.evaluate(NOW)
    page.wait_for_timeout(seconds * 1000)
    last, ended = page.evaluate(NOW)
    walk.press(page, "play")
    page.wait_for_timeout(500)
    return float(1000 * (last - first) / (ended - began))


def _difference(seen: list[tuple[str, str]], day: str) -> str | None:
    """Where the fills of a page that stands at a day, the newest first, are not those of the backtest."""
    names: dict[str, Any] = {"__name__": "played"}
    exec(walk.STRATEGY, names)
    fills = al.backtest(names["SmaCross"], walk.DATA).fills
    known = [
        (str(fill.time.date()), f"{fill.side.lower()} {fill.quantity:g} at {fill.price:.6g}, fee {fill.commission:.2f}")
        for fill in fills[fills["time"] <= f"{day} 23:59:59Z"].itertuples()
    ][::-1]
    if not seen:
        return f"the page has no fill up to {day}"
    for i, (ours, theirs) in enumerate(zip(seen, known, strict=False)):
        if ours != theirs:
            return f"fill {i} before {day}: the page has {ours}, the backtest {theirs}"
    return None if len(seen) <= len(known) else f"the page has {len(seen)} fills, the backtest {len(known)}"


def main(seconds: float) -> int:
    """Print what came; 1 where the fills are others, or 30 bars a second are not held."""
    played = measure(seconds)
    if played is None:
        print(f"NOT MEASURED: {CHROMIUM} is missing")
        return 1
    if played.problem:
        print(f"NOT EQUAL, the page after play and the backtest: {played.problem}")
        return 1
    print(f"equal: {played.fills} fills in the page after play and of the backtest")
    for rate, came in played.rates.items():
        print(f"play at {rate} bars/s: {came:.1f} a second")
    return int(played.rates[RATES[0]] < HELD)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS))
