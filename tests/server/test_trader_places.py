"""An error of a job names one place by one name: that of the trader's file, or of their notebook's cell."""

from __future__ import annotations

import pytest
from alphintra_server.jobs.protocol import Error
from alphintra_server.jobs.trader_places import placed

MESSAGE = "Fails raised ValueError: see strategy.py, line 9 (strategy.py, line 4, bar 2000-07-24T20:00:00Z)"
TRACEBACK = (
    'Traceback (most recent call last):\n  File "strategy.py", line 4, in on_bar\n    left(self)\n'
    '  File "tools.py", line 2, in left\n    raise ValueError\nValueError: see strategy.py, line 9\n'
)
#: Cell and line of each line of the code.
CELLS = [[1, 1], [3, 1], [3, 2], [3, 3]]


@pytest.mark.parametrize(
    ("file", "known", "cells", "place", "message", "frame"),
    [
        ("strategy.py", "a/fails.py", None, ("a/fails.py", 4, None), "(a/fails.py, line 4,", '"a/fails.py", line 4,'),
        # The line that raised is one of a module's: the file above it is still the trader's.
        ("tools.py", "fails.py", None, ("tools.py", 4, None), "(fails.py, line 4,", '"fails.py", line 4,'),
        ("strategy.py", "n.ipynb", CELLS, ("n.ipynb", 3, 3), "(n.ipynb, cell 3, line 3,", '"n.ipynb", cell 3, line 3,'),
        ("strategy.py", r"a\1.py", None, (r"a\1.py", 4, None), r"(a\1.py, line 4,", r'"a\1.py", line 4,'),
        ("strategy.py", None, None, ("strategy.py", 4, None), "(strategy.py, line 4,", '"strategy.py", line 4,'),
    ],
)
def test_place_message_and_traceback_have_one_name(file, known, cells, place, message, frame):
    said = Error(
        type="error", code="STRATEGY_ERROR", message=MESSAGE, file=file, line=4, traceback=TRACEBACK
    )  # fmt: skip
    error = placed(said, "strategy.py", known, cells)
    assert (error["file"], error["line"], error["cell"]) == place
    # What the trader's own text says stays.
    assert error["message"] == MESSAGE.replace("(strategy.py, line 4,", message)
    assert error["traceback"] == TRACEBACK.replace('"strategy.py", line 4,', frame)


def test_what_a_file_does_not_have_is_said_of_the_traders_file():
    said = Error(type="error", code="NO_CLASS", message="strategy.py has no class Cross")
    assert placed(said, "strategy.py", "fails.py", None)["message"] == "fails.py has no class Cross"
    assert placed(said, "strategy.py", None, None)["message"] == "strategy.py has no class Cross"
