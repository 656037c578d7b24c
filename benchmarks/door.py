"""What a door adds to a question: a sandbox's client through its UNIX socket, beside the same service called directly.

First it compares: the answer through the door, over REST and of the service must be the same job. ``python
benchmarks/door.py`` prints the seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alphintra_server.auth import LOCAL_OWNER, Caller
from alphintra_server.models.submissions import Submission
from jupyter_server.serverapp import ServerApp
from rest_run import DATA, STRATEGY

#: Questions of one kind: fewer than a door takes at once before it slows a client down.
QUESTIONS = 80
#: What a question may take longer through the door than the service itself, at the median.
ADDED = 0.005
CLIENT = """
import json, sys, time, urllib.request
from alphintra import _door
path, address, token, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])

def rest():
    request = urllib.request.Request(address + path.replace("/v1/", "/api/"))
    request.add_header("Authorization", "token " + token)
    return json.load(urllib.request.urlopen(request))

def seconds(ask):
    answers = []
    for _ in range(count):
        began = time.perf_counter()
        answer = ask()
        answers.append(time.perf_counter() - began)
    return answers, answer

door, through = seconds(lambda: _door.ask("GET", path))
tcp, over = seconds(rest)
print(json.dumps([door, through, tcp, over]))
"""


@dataclass(frozen=True)
class Measured:
    """Seconds of each question, and the answers.

    Attributes:
        service: The service, called in the server's process.
        door: A client in a process of its own, through the door.
        rest: The same over TCP, as JupyterLab asks.
        answers: What each of the three was answered.
    """

    service: list[float]
    door: list[float]
    rest: list[float]
    answers: list[Any]

    @property
    def added(self) -> float:
        """Seconds that the door adds, at the median."""
        return statistics.median(self.door) - statistics.median(self.service)


async def measure(folder: Path, questions: int = QUESTIONS) -> Measured:
    """Start a server in this process and ask it from another.

    Args:
        folder: Where its files lie.
        questions: How many of each kind.
    """
    for name in ("workspace", "data"):
        (folder / name).mkdir()
    logging.disable(logging.CRITICAL)
    app = ServerApp()
    app.initialize(
        [
            "--allow-root", "--no-browser", "--ip=127.0.0.1", "--port=0",
            f"--ServerApp.root_dir={folder / 'workspace'}", "--ServerApp.open_browser=False",
            "--ServerApp.jpserver_extensions=alphintra_server=True",
            f"--AlphintraServer.data_dir={folder / 'data'}", "--AlphintraServer.allow_unsandboxed_jobs=True",
            "--AlphintraServer.max_queued=10",
        ]
    )  # fmt: skip
    (extension,) = app.extension_manager.extension_apps["alphintra_server"]
    await extension._start_jupyter_server_extension(app)
    services, doors = extension.services, extension.doors
    door = await doors.open(user_id=LOCAL_OWNER, tenant="kernel", subject="bench")
    who = Caller(LOCAL_OWNER, ("trader",))
    try:
        made = await services.submissions.submit(
            who, Submission(code=STRATEGY, class_name="SmaCross", source_path="bench.ipynb", dataset_id=DATA)
        )
        while (job := await services.jobs.get(who, made.job_id)).finished_at is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        path = f"/v1/jobs/{made.job_id}"
        client = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CLIENT, path, f"http://127.0.0.1:{app.port}", app.token, str(questions),
            stdout=asyncio.subprocess.PIPE, env=dict(os.environ) | door.environment(mounted=False),
        )  # fmt: skip
        said, _ = await client.communicate()
        through, answer, over, other = json.loads(said)
        service = []
        for _ in range(questions):
            began = time.perf_counter()
            job = await services.jobs.get(who, made.job_id)
            service.append(time.perf_counter() - began)
        return Measured(service, through, over, [json.loads(job.model_dump_json()), answer, other])
    finally:
        await doors.close(door)
        await app._cleanup()
        logging.disable(logging.NOTSET)


def main() -> int:
    """Measure, compare, then print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="how many of each kind")
    with tempfile.TemporaryDirectory(prefix="alphintra-door-") as name:
        found = asyncio.run(measure(Path(name), parser.parse_args().questions))
    if any(answer != found.answers[0] for answer in found.answers):
        print(f"NOT EQUAL: {found.answers}")
        return 1
    print("equal: a job's state by the service itself, through the door and over REST")
    service, door, rest = (1e3 * statistics.median(each) for each in (found.service, found.door, found.rest))
    print(
        f"a question through the door: {door:.1f} ms, of the service itself {service:.1f} ms, so the door adds "
        f"{1e3 * found.added:.1f} ms (target {1e3 * ADDED:g} ms); over REST {rest:.1f} ms"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
