"""What a cell says of a job that is on its way."""

from __future__ import annotations

import pytest
from alphintra.job_view import fragment, sentence

PROGRESS = {"fraction": 0.639, "phase": "running", "bar_time": "2015-03-02T00:00:00Z", "eta_seconds": 95.0}


def job(**changes):
    return {"id": "1f", "name": "A <run>", "status": "RUNNING", "phase": "running", "progress": PROGRESS} | changes


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (job(), "runs, 64%, at 2015-03-02, about 2\u202fmin left"),
        (job(progress=PROGRESS | {"eta_seconds": None}), "runs, 64%, at 2015-03-02"),
        (job(progress=PROGRESS | {"phase": "walking", "text": "window 3 of 8"}),
         "walks through the windows, 64%, window 3 of 8, about 2\u202fmin left"),
        (job(phase="cancelling"), "is being stopped, 64%, at 2015-03-02"),  # what was left no longer is
        (job(status="PENDING", phase="queued", progress=None, position=4), "waits in the queue, place 4"),
        (job(status="COMPLETED", run_seconds=95.0), "completed in 2\u202fmin"),
    ],
)  # fmt: skip
def test_how_far_a_job_is_and_how_long_it_will_take(item, said):
    assert sentence(item) == said
    assert said in fragment(item)


def test_a_cell_has_a_bar_while_it_runs():
    shown = fragment(job())
    assert '<progress max="1" value="0.6390" aria-label="Progress"' in shown
    assert "A &lt;run&gt;" in shown
    assert "<progress" not in fragment(job(status="COMPLETED", run_seconds=1.0))
