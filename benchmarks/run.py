"""``make bench``: equal trades first, then speed, on one seeded random walk of one-minute bars.

Every engine crosses SMA(50) and SMA(200), trades 100 at the next open, pays the same fee fraction and has no
volume cap. If one fill differs in time, side, size, price or fee, or the final equity differs, the benchmark
says where and ends with 1 before any speed is printed.

The peers live in ``benchmarks/.venv-peers`` with their own lock, ``benchmarks/peers.txt``.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import bars

HERE = Path(__file__).resolve().parent
PEERS = HERE / ".venv-peers"
PEER_PYTHON = PEERS / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
NAMES = {"alphintra": "alphintra", "backtesting_py": "backtesting.py", "backtrader": "backtrader"}
#: The compiled form and its peer.
SIGNALS = {
    "alphintra_signals": "signals",
    "vectorbt": "vectorbt",
    "alphintra_sweep": "sweep",
    "vectorbt_sweep": "vectorbt sweep",
}
#: Prices and fees are the same products of the same floats; equities are sums in another order.
CLOSE = 1e-9


def install_peers() -> None:
    """Make the peers' environment from the lock, unless this lock was installed there before."""
    lock = (HERE / "peers.txt").read_text()
    stamp = PEERS / "installed.txt"
    if stamp.exists() and stamp.read_text() == lock:
        return
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv) if uv.exists() else "uv"]
    print("installing the peers into", PEERS.relative_to(HERE.parent), flush=True)
    subprocess.run(
        [*command, "venv", "--quiet", "--clear", "--python", sys.executable, str(PEERS)], check=True
    )
    subprocess.run(
        [
            *command,
            "pip",
            "sync",
            "--quiet",
            "--python",
            str(PEER_PYTHON),
            "--require-hashes",
            str(HERE / "peers.txt"),
        ],
        check=True,
    )
    stamp.write_text(lock)


def measure(engine: str, bars_file: Path, folder: Path, repeats: int, *flags: str) -> dict[str, Any]:
    """Run an engine in a process of its own; its answer, and the seconds that the process lived."""
    python = sys.executable if engine.startswith("alphintra") else str(PEER_PYTHON)
    answer = folder / f"{engine}.json"
    # The trial log and the caches of a benchmark are not the trader's.
    env = {**os.environ, "ALPHINTRA_DATA_DIR": str(folder), "PYTHONWARNINGS": "ignore", "TQDM_DISABLE": "1"}
    began = time.perf_counter()
    done = subprocess.run(
        [python, str(HERE / f"engine_{engine}.py"), str(bars_file), str(answer), str(repeats), *flags],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    process = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{(NAMES | SIGNALS)[engine]} failed:\n{done.stderr}")
    return {**json.loads(answer.read_text()), "process": process}


def difference(name: str, ours: dict[str, Any], theirs: dict[str, Any]) -> str | None:
    """Where two answers differ, in one sentence, or None."""
    a, b = ours["fills"], theirs["fills"]
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        exact = x[:3] == y[:3]
        if not exact or not all(math.isclose(p, q, rel_tol=CLOSE) for p, q in zip(x[3:], y[3:], strict=True)):
            return f"fill {i}: ours (time in µs, side, quantity, price, fee) is {x}, {name}'s is {y}"
    if len(a) != len(b):
        return f"we have {len(a)} fills, {name} has {len(b)}"
    if not math.isclose(ours["equity"], theirs["equity"], rel_tol=CLOSE):
        return f"final equity: ours is {ours['equity']!r}, {name}'s is {theirs['equity']!r}"
    return None


def apart(ours: dict[str, Any], theirs: dict[str, Any]) -> str | None:
    """The first pair of averages whose final equities differ, in one sentence, or None."""
    a, b = ours["equities"], theirs["equities"]
    if len(a) != len(b):
        return f"we have {len(a)} variants, the peer has {len(b)}"
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        if not math.isclose(x, y, rel_tol=CLOSE):
            return f"variant {i}: our final equity is {x!r}, the peer's is {y!r}"
    return None


def signals_are_equal(same: Path, sweep: Path, folder: Path) -> bool:
    """Compare the compiled form with ``on_bar`` and with vectorbt, and the sweeps; say where they differ."""
    ours, theirs = (measure(engine, same, folder, 1) for engine in ("alphintra_signals", "vectorbt"))
    by_bar = measure("alphintra_signals", same, folder, 1, "--by-bar")
    swept = [measure(engine, sweep, folder, 1) for engine in ("alphintra_sweep", "vectorbt_sweep")]
    for name, problem in (
        ("on_bar", difference("on_bar", ours, by_bar)),
        ("vectorbt", difference("vectorbt", ours, theirs)),
        ("vectorbt's sweep", apart(*swept)),
    ):
        if problem:
            print(f"signals are NOT EQUAL to {name}: {problem}")
            return False
    print(
        f"equal: {len(ours['fills'])} fills of signals, on_bar and vectorbt, "
        f"and the final equities of {len(swept[0]['equities'])} variants of both sweeps"
    )
    return True


def show_signals(large: Path, middle: Path, sweep: Path, folder: Path) -> None:
    """Lines of the compiled form and of the sweep: second and later runs."""
    for engine, file, peer, peer_file in (
        ("alphintra_signals", large, "vectorbt", middle),
        ("alphintra_sweep", sweep, "vectorbt_sweep", sweep),
    ):
        answer = measure(engine, file, folder, 12)
        speed = show(SIGNALS[engine], answer | {n: answer[n][1:] for n in ("wall", "cpu")})
        answer = measure(peer, peer_file, folder, 3)
        show(SIGNALS[peer], answer | {n: answer[n][1:] for n in ("wall", "cpu")}, speed)


def show(label: str, answer: dict[str, Any], ratio_to: float | None = None) -> float:
    """Print one line of the table; returns bars a second."""
    wall, cpu = min(answer["wall"]), min(answer["cpu"])
    speed = answer["bars"] / wall
    ratio = "" if ratio_to is None else f"{ratio_to / speed:>10,.0f} ×"
    print(f"{label:<16}{answer['bars']:>12,}{wall:>10.3f}{cpu:>10.3f}{speed:>16,.0f}{ratio}", flush=True)
    return speed


def import_seconds() -> float:
    """Best of five: importing alphintra in a new process, without the interpreter's own start."""
    code = "import time; t = time.perf_counter(); import alphintra; print(time.perf_counter() - t)"
    runs = [subprocess.check_output([sys.executable, "-c", code], text=True) for _ in range(5)]
    return min(float(seconds) for seconds in runs)


def main() -> int:
    """Check, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=1_000_000, help="bars for our engine's speed")
    parser.add_argument("--equal", type=int, default=50_000, help="bars on which all engines must agree")
    parser.add_argument("--peer-bars", type=int, default=100_000, help="bars for backtesting.py's speed")
    parser.add_argument("--check-only", action="store_true", help="compare trades, measure nothing")
    args = parser.parse_args()
    install_peers()
    with tempfile.TemporaryDirectory(prefix="alphintra-bench-") as name:
        folder = Path(name)
        same = folder / "same.npz"
        bars.write(same, args.equal)
        answers = {engine: measure(engine, same, folder, 1) for engine in NAMES}
        ours = answers["alphintra"]
        for engine in ("backtesting_py", "backtrader"):
            problem = difference(NAMES[engine], ours, answers[engine])
            if problem:
                print(f"NOT EQUAL to {NAMES[engine]}: {problem}")
                return 1
        print(
            f"equal: {len(ours['fills'])} fills (time, side, quantity, price, fee) and final equity "
            f"{ours['equity']:,.2f} on {args.equal:,} bars, in all three engines"
        )
        sweep = folder / "sweep.npz"
        bars.write(sweep, 5_000)
        if not signals_are_equal(same, sweep, folder):
            return 1
        if args.check_only:
            return 0
        large, middle, small = folder / "large.npz", folder / "middle.npz", folder / "small.npz"
        bars.write(large, args.bars)
        bars.write(middle, args.peer_bars)
        bars.write(small, 2_000)
        print(f"\n{'engine':<16}{'bars':>12}{'wall s':>10}{'CPU s':>10}{'bars/s':>16}{'ours is':>12}")
        cold = measure("alphintra", large, folder, 4)
        warm = {**cold, "wall": cold["wall"][1:], "cpu": cold["cpu"][1:]}
        speed = show("alphintra", warm)
        show("backtesting.py", measure("backtesting_py", middle, folder, 2), speed)
        show("backtrader", answers["backtrader"], speed)
        first = cold["wall"][0]
        print(
            f"alphintra: best of 3 warm runs (the first took {first:.2f} s), on_bar in Python, by wall time"
        )
        show_signals(large, large, sweep, folder)
        print("\nfirst result in a new process, 2,000 bars:")
        for engine, label in NAMES.items():
            best = min(measure(engine, small, folder, 1)["process"] for _ in range(3))
            print(f"{label:<16}{best:>8.2f} s")
        print(f"\nimport alphintra: {1000 * import_seconds():.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
