"""How long a job still takes, against jobs whose true end is known; and what is kept of a log."""

from collections.abc import Callable

import pytest
from alphintra_server.jobs.eta import Eta
from alphintra_server.jobs.kept_log import KeptLog


def even(share: float) -> float:
    return share


def checked(share: float) -> float:
    """A run that is a fifth of the progress and done in a twentieth of the time, then its check."""
    return share * 4 if share < 0.05 else 0.2 + (share - 0.05) * 0.8 / 0.95


def slow_start(share: float) -> float:
    """A third of the time nothing is seen."""
    return 0.0 if share < 1 / 3 else (share - 1 / 3) * 1.5


def mean_error(progress: Callable[[float], float], estimate: Callable[[float, float], float | None]) -> float:
    """Mean error of a job of 100 s, as a fraction of what is left, over its second half."""
    errors = []
    for step in range(1, 200):
        now = step / 2
        said = estimate(now, progress(now / 100))
        if now >= 50:
            assert said is not None
            errors.append(abs(said - (100 - now)) / 100)
    return sum(errors) / len(errors)


def linear(now: float, fraction: float) -> float | None:
    return now * (1 - fraction) / fraction if fraction > 0.01 else None


@pytest.mark.parametrize("progress", [even, checked, slow_start])
def test_it_is_close_and_no_worse_than_by_the_whole_past(progress):
    ours, theirs = mean_error(progress, Eta().take), mean_error(progress, linear)
    assert ours < 0.02
    assert ours <= theirs + 1e-9


def test_it_says_nothing_before_there_is_something_to_go_by():
    eta = Eta()
    assert eta.take(0.0, 0.0) is None
    assert eta.take(0.5, 0.4) is None  # too soon
    assert eta.take(2.0, 0.4) is not None
    assert eta.take(3.0, 1.0) == 0.0


def test_one_that_stands_still_is_put_off():
    eta = Eta()
    for second in range(11):
        eta.take(float(second), second / 20)
    told = [eta.take(float(second), 0.5) for second in range(11, 60)]
    assert None not in told
    assert told[20:] == sorted(told[20:])
    assert told[-1] > 3 * told[0]


def test_it_remembers_little_however_long_a_job_takes():
    eta = Eta()
    for step in range(100_000):
        said = eta.take(step * 0.5, step / 200_000)
    assert len(eta._samples) <= 64
    assert said == pytest.approx(50_000, rel=0.01)


def test_a_log_keeps_its_last_lines():
    log = KeptLog(10_000)
    log.add("\n".join(str(number) for number in range(1_000)))
    assert list(log) == [str(number) for number in range(800, 1_000)]
    log.add("x" * 5_000)
    assert list(log)[-1] == "x" * 2_000
    for _ in range(10):
        log.add("ä" * 1_000)
    assert sum(len(line.encode()) for line in log) <= 10_000
    assert len(list(log)) == 5
