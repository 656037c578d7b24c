"""What each step of a recipe takes on one symbol's minutes, some beside Polars, and what a recipe takes on a version.

``python benchmarks/recipes.py [ROWS]`` prints seconds a step, with what was counted; for those that Polars has as
well, its seconds, after the results were compared. Then a version of ten symbols is processed in a process of its own:
seconds beside those of writing it as it is, and the memory needed at most.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 1_400_000
SYMBOLS = 10
_START = 1_262_304_000_000_000
_ROUNDS = 3


def minutes(rows: int, seed: int = 1) -> Any:
    """Return bars of one symbol as an Arrow table, one in fifty closes missing."""
    import pyarrow as pa

    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.0005, rows)))
    times = pa.array(_START + 60_000_000 * np.arange(rows)).cast(pa.timestamp("us", "UTC"))
    holes = np.where(np.arange(rows) % 50 == 49, np.nan, close)
    return pa.table(
        {"time": times, "open": close, "high": close * 1.001, "low": close * 0.999, "close": holes,
         "volume": random.integers(1, 1_000, rows).astype(float)}
    )  # fmt: skip


def steps() -> list[tuple[Any, Callable[[Any], Any] | None]]:
    """List steps, each with the column that Polars makes for the same, where it does."""
    import alphintra.recipes as r
    import polars as pl

    close = pl.col("close").fill_nan(None)
    return [
        (r.Sort(), None),
        (r.Deduplicate(), None),
        (r.Fill(), lambda frame: frame.select(close.forward_fill())["close"]),
        (r.Fill(rows=True), None),
        (r.Drop(where="volume < 100"), lambda frame: frame.filter(pl.col("volume") >= 100)["close"]),
        (r.Resample(timeframe="1h"), lambda frame: frame.group_by_dynamic("time", every="1h").agg(
            pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), close.drop_nulls().last(),
            pl.col("volume").sum())["close"]),
        (r.Derive(name="close", formula="change(close, 1)"), lambda frame: frame.select(
            pl.col("close") / pl.col("close").shift(1) - 1)["close"]),
        (r.Derive(name="close", formula="mean(close, 200)"), None),
        (r.Indicator(function="MACD"), None),
        (r.Winsorise(columns=["close"], window=500), None),
        (r.Normalise(columns=["volume"], window=500), None),
        (r.Label(horizon=60), None),
        (r.Label(method="triple_barrier", up=0.01, down=0.01, horizon=240), None),
    ]  # fmt: skip


def one_symbol(rows: int) -> None:
    """Measure every step on one symbol."""
    import polars as pl
    from alphintra.recipes import Context, recipe_of
    from alphintra.recipes.effects import Effect
    from alphintra.recipes.rows import rows_of
    from alphintra.recipes.running import through
    from alphintra.recipes.sources import source_of
    from alphintra.store.manifest import About

    table = minutes(rows)
    source = source_of(table, About(timeframe="1min", calendar="24/7", adjustment="raw"))
    given = rows_of("DATA", source.shape, table)
    frame = pl.from_arrow(table)
    print(f"{'step':<58}{'s':>8}{'Polars s':>10}")
    for step, other in steps():
        recipe, context = recipe_of(step), Context()
        shapes = recipe.plan(source.shape, context)
        own, found = _best(lambda: through(recipe, shapes, given, context, [Effect(1, step.kind)])[0])  # noqa: B023
        theirs = ""
        if other is not None:
            seconds, column = _best(lambda: other(frame))  # noqa: B023
            np.testing.assert_allclose(found.numbers("close"), column.to_numpy(), rtol=1e-9)
            theirs = f"{seconds:.3f}"
        text = ", ".join(f"{name}={value}" for name, value in step.to_json().items() if _said(step, name, value))
        print(f"{step.kind + ' ' + text:<58.58}{own:>8.3f}{theirs:>10}")


def _said(step: Any, name: str, value: Any) -> bool:
    from alphintra.recipes.step import schema_of

    default = schema_of(type(step))["properties"][name].get("default", ...)
    return name != "kind" and value != default


def _best(call: Callable[[], Any]) -> tuple[float, Any]:
    found, seconds = None, []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        found = call()
        seconds.append(time.perf_counter() - start)
    return min(seconds), found


def version(folder: Path, rows: int) -> dict[str, float]:
    """Write a version, then process it."""
    import alphintra.recipes as r
    from alphintra.store.columns import columns_of
    from alphintra.store.manifest import About
    from alphintra.store.opening import open_folder
    from alphintra.store.writing import VersionWriter

    names = {name: name for name in ("time", "open", "high", "low", "close", "volume")}
    columns = columns_of(minutes(1).schema, names)
    written = 0.0
    with VersionWriter(folder / "old", "v1", columns, About(timeframe="1min", calendar="24/7")) as writer:
        for number in range(SYMBOLS):
            table = minutes(rows, number)
            start = time.perf_counter()
            writer.add(f"S{number:03}", table)
            written += time.perf_counter() - start
        start = time.perf_counter()
        writer.finish()
        written += time.perf_counter() - start
    recipe = [
        r.Deduplicate(), r.Fill(), r.Derive(name="ret", formula="log(close / lag(close, 1))"),
        r.Normalise(columns=["ret"], window=500), r.Indicator(function="RSI"), r.Label(horizon=60),
    ]  # fmt: skip
    start = time.perf_counter()
    shown = r.preview(open_folder(folder / "old"), recipe)
    previewed = time.perf_counter() - start
    assert shown.leaks == ()
    start = time.perf_counter()
    r.apply(open_folder(folder / "old"), recipe, folder / "new", "v2")
    return {"written": written, "previewed": previewed, "applied": time.perf_counter() - start}


def _peak() -> float:
    """Return the MiB that this process needed at most."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


def main() -> None:
    """Print the figures."""
    if len(sys.argv) > 3 and sys.argv[1] == "--child":
        print(json.dumps(version(Path(sys.argv[2]), int(sys.argv[3])) | {"peak": _peak()}))
        return
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    one_symbol(rows)
    with tempfile.TemporaryDirectory(prefix="recipes-bench-") as folder:
        child = [sys.executable, __file__, "--child", folder, str(rows)]
        done = subprocess.run(child, capture_output=True, text=True, check=True, timeout=1_800)
    own = json.loads(done.stdout.splitlines()[-1])
    print(
        f"\n{SYMBOLS} symbols × {rows:,} rows: written as they are in {own['written']:.2f} s, six steps applied in "
        f"{own['applied']:.2f} s, previewed in {own['previewed']:.2f} s, at most {own['peak']:,.0f} MiB"
    )


if __name__ == "__main__":
    main()
