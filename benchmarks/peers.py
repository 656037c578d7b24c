"""The peers' own environment, and how any engine is run: in a process of its own that answers by a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PEERS = HERE / ".venv-peers"
PEER_PYTHON = PEERS / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


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


def environment(folder: Path) -> dict[str, str]:
    """What a measured process runs in: trial log, history and bytecode in the benchmark's folder.

    Bytecode is kept, as Python keeps it wherever the libraries were imported before: the first process of an engine
    writes it, and the best of several is counted.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {
        "ALPHINTRA_DATA_DIR": str(folder),
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        "PYTHONWARNINGS": "ignore",
        "TQDM_DISABLE": "1",
    }


def measure(engine: str, bars_file: Path, folder: Path, repeats: int, *flags: str) -> dict[str, Any]:
    """Run an engine in a process of its own; its answer, and the seconds that the process lived."""
    python = sys.executable if engine.startswith("alphintra") else str(PEER_PYTHON)
    answer = folder / f"{engine}.json"
    began = time.perf_counter()
    done = subprocess.run(
        [python, str(HERE / f"engine_{engine}.py"), str(bars_file), str(answer), str(repeats), *flags],
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    process = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"engine_{engine}.py failed:\n{done.stderr}")
    return {**json.loads(answer.read_text()), "process": process}


def import_seconds(folder: Path) -> float:
    """Best of five: importing alphintra in a new process, without the interpreter's own start."""
    code = "import time; t = time.perf_counter(); import alphintra; print(time.perf_counter() - t)"
    runs = [
        subprocess.check_output([sys.executable, "-c", code], text=True, env=environment(folder)) for _ in range(5)
    ]
    return min(float(seconds) for seconds in runs)
