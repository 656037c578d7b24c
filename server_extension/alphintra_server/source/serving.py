"""The parser's side of the conversation: a line in, a line out, until the input ends.

Started in a sandbox by :mod:`.process`. It parses and never runs what it is given.
"""

from __future__ import annotations

import json
import os
import sys


def serve(read_fd: int, write_fd: int) -> None:
    """Answer requests until the input ends."""
    from .requests import REQUESTS

    # TA-Lib, which knows the parameters of indicators, would load them for frames, of which there are none here: two
    # seconds, 100 MB, and more address space than a weak sandbox gives.
    for name in ("pandas", "polars"):
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    with os.fdopen(read_fd, "rb") as requests, os.fdopen(write_fd, "wb") as answers:
        for line in requests:
            request = json.loads(line)
            try:
                answer = REQUESTS[request.pop("ask")](request)
            except Exception as error:  # noqa: BLE001  the next text must still be read
                answer = {"failure": f"the code could not be analysed ({type(error).__name__})"}
            answers.write(json.dumps(answer).encode() + b"\n")
            answers.flush()


if __name__ == "__main__":
    serve(*map(int, sys.argv[1:]))
