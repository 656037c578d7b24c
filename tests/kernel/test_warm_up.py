"""What a waiting kernel loads says nothing: it would stand below the trader's last cell."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from alphintra_kernel import preload


def test_nothing_is_heard_of_what_is_loaded(capfd: pytest.CaptureFixture[str]) -> None:
    with preload.unheard():
        sys.stdout.write("text\n")
        sys.stderr.write("text\n")
        logging.getLogger("library").warning("Building a cache.")
        subprocess.run(["sh", "-c", "echo from a program; echo from a program >&2"], check=True)
    assert capfd.readouterr() == ("", "")
    subprocess.run(["sh", "-c", "echo heard again; echo this too >&2"], check=True)
    assert capfd.readouterr() == ("heard again\n", "this too\n")
