"""A worker that fetches and reads uploads as the engine's does, and loads nothing else: it starts in a moment.

It is run as ``python -c``. The output of a job whose upload is called ``lie-….csv`` is changed before it is announced,
as by a worker that a file has taken over; one whose upload is called ``wait.csv`` does not end by itself.
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path

from alphintra_kernel.protocol import Channel, Progress

from alphintra_kernel import fetch_job, ingest_job, numba_cache, opened_files

numba_cache.adopt()
reader, writer = (os.fdopen(int(fd), mode, buffering=0) for fd, mode in zip(sys.argv[-2:], ("rb", "wb"), strict=True))
root = Path(os.environ["ALPHINTRA_JOB_ROOT"])
out = root / "out"
channel = Channel(reader, writer)
channel.send({"type": "ready", "pid": os.getpid(), "versions": {}})
channel.send({"type": "warm"})
job = opened_files.take(channel, reader)["job"]
name = job.get("upload", {"name": ""})["name"]  # a stored version that is checked again is of no upload
if name == "wait.csv" and job["kind"] == "ingest":
    channel.send({"type": "progress", "fraction": 0.1, "phase": "reading", "bar_time": None})
    time.sleep(600)
answer = (fetch_job if job["kind"] == fetch_job.KIND else ingest_job).run(job, root, Progress(channel))


def describe(name):
    data = (out / name).read_bytes()
    answer["files"] = [{"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}]


def blobs():
    return sorted(out.glob("*.parquet"))


def rewrite(change):
    manifest = json.loads((out / "manifest.json").read_text())
    change(manifest)
    (out / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
    describe("manifest.json")


lie = name.removeprefix("lie-").removesuffix(".csv") if name.startswith("lie-") and job["kind"] == "ingest" else ""
if lie == "bytes":
    with blobs()[0].open("r+b") as file:
        file.write(b"XXXX")
elif lie == "missing":
    blobs()[0].unlink()
elif lie == "link":
    path = blobs()[0]
    path.unlink()
    path.symlink_to("/etc/passwd")
elif lie == "version":
    rewrite(lambda manifest: manifest.update(version="f" * 32))
elif lie == "path":
    rewrite(lambda manifest: manifest["files"][0].update(sha256="../../../../etc/passwd"))
elif lie == "source":
    rewrite(lambda manifest: manifest["provenance"]["sources"][0].update(sha256="1" * 64))
elif lie == "times":
    rewrite(lambda manifest: manifest["files"][0].update(last=[2**62] * len(manifest["files"][0]["last"])))
elif lie == "report":
    rewrite(lambda manifest: manifest["provenance"].update(report={"rows": "many"}))
elif lie == "parquet":
    (out / "trades.parquet").write_bytes(b"PAR1")
    describe("trades.parquet")
channel.send(answer)
