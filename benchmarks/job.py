"""What every engine is given and what it has to answer; answers travel between processes as JSON files."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bars

FAST, SLOW, QUANTITY = 50, 200, 100
CASH = 1_000_000.0
COMMISSION = 0.0002
#: How far above and below the slow average the close enters and leaves, as a fraction, and the trailing stop's width.
BAND, TRAIL = 0.001, 0.002
#: The sweep: 990 pairs of averages, the fast one shorter.
PAIRS = [(fast, slow) for slow in range(10, 230, 5) for fast in range(5, slow, 5)][:990]
#: The rotation: sessions of momentum, how many symbols are held, and what part of equity each gets.
MOMENTUM, HELD = 126, 100
WEIGHT = 1 / HELD
#: Seconds for which a run is repeated.
BUDGET = 3.0


def serve(
    run: Callable[[Any], tuple[Any, Callable[[], dict[str, Any]]]], read: Callable[[str], Any] = bars.read
) -> None:
    """Run an engine: ``ENGINE.py BARS.npz ANSWER.json REPEATS``.

    Where there is more than one run, it is repeated until :data:`BUDGET` is spent as well: every engine has as long to
    show its best run, whether one takes ten milliseconds or half a second.

    Args:
        run: Takes the bars; returns (seconds to leave out, a function that makes the answer).
        read: Makes of the file what ``run`` takes: one DataFrame, or one by symbol.
    """
    given, answer, repeats = read(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    wall, cpu, tell = [], [], None
    began = time.perf_counter()
    while len(wall) < repeats or (repeats > 1 and time.perf_counter() - began < BUDGET):
        w, c = time.perf_counter(), time.process_time()
        prepared = run(given)
        skip_wall, skip_cpu = prepared[0]
        tell = prepared[1]
        wall.append(time.perf_counter() - w - skip_wall)
        cpu.append(time.process_time() - c - skip_cpu)
    assert tell is not None
    count = sum(len(frame) for frame in given.values()) if isinstance(given, dict) else len(given)
    answer.write_text(json.dumps({"bars": count, "wall": wall, "cpu": cpu, **tell()}))


class Aside:
    """Measures what is done beside the run (converting the bars), so that it can be left out."""

    def __enter__(self) -> Aside:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.spent = (time.perf_counter() - self._wall, time.process_time() - self._cpu)
