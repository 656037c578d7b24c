"""``GET /health`` while ten jobs print as fast as they can: how long the server keeps its event loop to itself.

Run alone it prints the milliseconds: ``python benchmarks/health_under_jobs.py [SECONDS]``.
"""

from __future__ import annotations

import http.client
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rest_run import DATA, PATIENCE, Server, serving

JOBS = 10
SECONDS = 15.0
#: Milliseconds that an answer may take.
ALLOWED = 50.0
_PRINTER = '''
import alphintra as al

class Printer(al.Strategy):
    """Prints until it is stopped."""
    def on_bar(self):
        while True:
            print("x" * 400)
            self.log("y" * 400)
'''


@dataclass(frozen=True)
class Health:
    """What probes found, in milliseconds.

    Attributes:
        median: The middle one.
        p95: Nineteen of twenty are quicker.
        longest: The longest.
        probes: How many there were.
        ended: How many jobs ended for printing too much meanwhile.
    """

    median: float
    p95: float
    longest: float
    probes: int
    ended: int


def measure(seconds: float = SECONDS, jobs: int = JOBS) -> tuple[Health, Health]:
    """Probe an idle server, then one whose jobs print; each that ends is followed by another."""
    options = (f"--AlphintraServer.max_jobs={jobs}", "--AlphintraServer.max_queued=1000")
    with tempfile.TemporaryDirectory(prefix="alphintra-health-") as name, serving(Path(name), *options) as server:
        idle = _probe(server, 3.0)
        strategy = server.json("POST", "api/strategies/code/create", {"name": "Printer", "code": _PRINTER})
        for _ in range(jobs + int(4 * seconds)):
            server.ask("POST", f"api/strategies/code/{strategy['id']}/execute", {"dataset_id": DATA})
        # The first has printed its fill: from now on all places are taken by jobs that print, or are about to.
        until = time.monotonic() + PATIENCE
        while not server.json("GET", "api/jobs?status=FAILED&limit=1")["_pagination"]["total"]:
            if time.monotonic() > until:
                raise RuntimeError(f"no job had printed all that it may after {PATIENCE:g} s")
            time.sleep(0.2)
        found = _probe(server, seconds)
        ended = server.json("GET", "api/jobs?status=FAILED&limit=200")
        wrong = {job["error"]["code"] for job in ended["items"]} - {"OUTPUT_LIMIT"}
        if wrong:
            raise RuntimeError(f"the jobs ended as {wrong}")
        total = ended["_pagination"]["total"]
    return idle, Health(found.median, found.p95, found.longest, found.probes, total)


def _probe(server: Server, seconds: float) -> Health:
    where = urlsplit(server.address)
    took = []
    end = time.monotonic() + seconds
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
    while time.monotonic() < end:
        began = time.perf_counter()
        connection.request("GET", "/health")
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"/health answered {answer.status}")
        took.append((time.perf_counter() - began) * 1000)
        time.sleep(0.01)
    connection.close()
    took.sort()
    return Health(took[len(took) // 2], took[int(len(took) * 0.95)], took[-1], len(took), 0)


if __name__ == "__main__":
    idle, busy = measure(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
    for name, found in (("idle", idle), (f"{JOBS} jobs print", busy)):
        print(
            f"/health, {name}: median {found.median:.1f} ms, p95 {found.p95:.1f} ms, "
            f"longest {found.longest:.1f} ms of {found.probes} ({found.ended} jobs printed too much and ended)"
        )
    print(f"{'within' if busy.p95 <= ALLOWED else 'NOT WITHIN'} {ALLOWED:g} ms (p95)")
