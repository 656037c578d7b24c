"""A job on the server, as a notebook holds it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from . import _door
from ._engine import engine
from .errors import Cancelled, JobFailedError, ServerError
from .result import MIME_TYPE

if TYPE_CHECKING:
    from .data.dataset import Dataset
    from .strategy_source import StrategySource

FINISHED = ("COMPLETED", "FAILED", "CANCELLED")
#: Seconds between two looks at a job: soon at first, for the short ones.
FIRST_LOOK, LAST_LOOK = 0.1, 1.0


@dataclass(frozen=True)
class JobProgress:
    """How far a running job is.

    Attributes:
        fraction: From 0 to 1.
        phase: What it does, such as ``loading``, ``running``, ``checking`` or ``sweeping``.
        text: What a study is at, such as ``120 of 990 variants``.
        bar_time: Close time of the bar that it has reached, ISO 8601.
        eta_seconds: Seconds that it will still take, estimated; ``None`` where that is not known.
    """

    fraction: float
    phase: str
    text: str | None = None
    bar_time: str | None = None
    eta_seconds: float | None = None


@dataclass(frozen=True, eq=False, repr=False)
class JobResult:
    """What a finished job found; it shows itself in a notebook as the result of the same run there would.

    Attributes:
        job_id: The job.
        backtest_id: The stored backtest.
        name: What the list of jobs calls it.
        report: Address of the report, one HTML page, from the server's own address on.
        metrics: As :attr:`~alphintra.result.Result.metrics`; an undefined one is ``None``.
        undefined: Metric → why it is undefined.
        assumptions: What the numbers rest on.
        run: What identifies the run.
        view: What the result view draws.
        study: What the methodology found, ``None`` for a plain run.
    """

    job_id: str
    backtest_id: str
    name: str
    report: str
    metrics: dict[str, float | None]
    undefined: dict[str, str]
    assumptions: list[dict[str, Any]]
    run: dict[str, Any]
    view: dict[str, Any] = field(default_factory=dict)
    study: dict[str, Any] | None = None

    def __repr__(self) -> str:
        """Return the figures as lines."""
        return str(self._repr_mimebundle_(include={"text/plain"})["text/plain"])

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, Any]:
        """Show the study, or the result: interactive, static HTML and text."""
        makers: dict[str, Callable[[], Any]]
        if self.study is not None:
            payload, bounded = self.study, engine("study_bounds").bounded
            makers = {
                engine("study").MIME_TYPE: lambda: bounded(payload),
                "text/html": lambda: engine("study_html").fragment(bounded(payload, 300_000)),
                "text/plain": lambda: engine("study_bundle").summary(payload),
            }
        else:
            makers = {
                MIME_TYPE: lambda: self.view,
                "text/html": lambda: engine("static_html").fragment(self.view),
                "text/plain": lambda: engine("plain_text").summary(self.view),
            }
        return {
            mime: make()
            for mime, make in makers.items()
            if (not include or mime in include) and mime not in (exclude or ())
        }


class Job:
    """A job on the server. It goes on whatever becomes of this process; ``al.Job(id)`` takes it up again.

    As the last line of a cell it shows what it does, how far it is and how long it will take, and ends as its result.

    Args:
        id: The job's id, as in ``al.jobs()``.

    Raises:
        ServerError: There is no such job of yours.
        NoServerError: This process has no server behind it.
    """

    def __init__(self, id: str, *, source: StrategySource | None = None, item: Mapping[str, Any] | None = None) -> None:
        self.id = id
        self._source = source
        self._result: JobResult | Dataset | None = None
        # What is known of it already, from the answer that made it.
        self._item: dict[str, Any] = dict(item or {})
        if not self._item:
            self.refresh()

    @property
    def name(self) -> str:
        """What the list of jobs calls it."""
        return str(self._item["name"])

    @property
    def status(self) -> str:
        """``PENDING``, ``RUNNING``, ``COMPLETED``, ``FAILED`` or ``CANCELLED``, as it is now."""
        self.refresh()
        return str(self._item["status"])

    @property
    def finished(self) -> bool:
        """Whether it has ended, well or not, when it was last looked at."""
        return self._item["status"] in FINISHED

    @property
    def progress(self) -> JobProgress | None:
        """How far it is; ``None`` before it runs."""
        self.refresh()
        found = self._item.get("progress")
        names = JobProgress.__dataclass_fields__
        return None if not found else JobProgress(**{name: found[name] for name in names if name in found})

    @property
    def error(self) -> dict[str, Any] | None:
        """Why it failed and where: ``code``, ``message``, ``file``, ``line``, ``bar_time``, ``traceback``."""
        self.refresh()
        return self._item.get("error")

    @property
    def log(self) -> list[str]:
        """What it printed: the last 200 of its first 2,000 lines (1 MiB)."""
        return [str(line) for line in _door.ask("GET", f"/v1/jobs/{quote(self.id, safe='')}/log")["lines"]]

    def refresh(self) -> dict[str, Any]:
        """Ask the server for its state, unless it has ended, and return all that is known of it."""
        if not self._item or not self.finished:
            self._item = _door.ask("GET", f"/v1/jobs/{quote(self.id, safe='')}")
        return dict(self._item)

    def wait(self, timeout: float | None = None) -> Job:
        """Wait until it has ended, and show how far it is meanwhile.

        Interrupting (the stop button, Ctrl-C) ends the waiting, not the job.

        Args:
            timeout: Longest time in seconds.

        Returns:
            The job itself.

        Raises:
            TimeoutError: It has not ended yet; it goes on.
        """
        from .job_view import waiting

        until = None if timeout is None else time.monotonic() + timeout
        with waiting(self) as show:
            try:
                pause = FIRST_LOOK
                while self.refresh() and not self.finished:
                    show()
                    if until is not None and time.monotonic() >= until:
                        raise TimeoutError(f"job {self.id} still runs after {timeout:g} s; it goes on")
                    time.sleep(pause if until is None else min(pause, max(0.0, until - time.monotonic())))
                    pause = min(pause * 1.3, LAST_LOOK)
                show()
            except KeyboardInterrupt:
                show(f"Stopped waiting. The job goes on: al.Job({self.id!r}).wait() waits again, .cancel() stops it.")
                raise
        return self

    def result(self, timeout: float | None = None) -> JobResult | Dataset:
        """Wait for its end and return what it found; of a recipe that was run, the version.

        Args:
            timeout: Longest time in seconds.

        Raises:
            JobFailedError: It failed; says where in your code.
            Cancelled: It was cancelled.
            TimeoutError: It has not ended yet; it goes on.
        """
        if self._result is None:
            self.refresh()
            if not self.finished:
                self.wait(timeout)
            if self._item["status"] == "CANCELLED":
                raise Cancelled(f"job {self.id} was cancelled", hint="submit it again")
            if self._item["status"] == "FAILED":
                raise self.failure()
            self._result = self._read()
        return self._result

    def cancel(self) -> None:
        """Stop it: your code is interrupted, and killed if it does not end. Nothing happens if it has ended."""
        try:
            _door.ask("POST", f"/v1/jobs/{quote(self.id, safe='')}/cancel")
        except ServerError as error:
            if error.status != 409:
                raise
        self.refresh()

    def failure(self) -> JobFailedError:
        """Return the error of a job that failed, with the line of your code that it happened in."""
        error: Mapping[str, Any] = self._item.get("error") or {}
        message = str(error.get("message") or "the job failed")
        text = self._source.line(error.get("line")) if self._source is not None else ""
        places = [text] if text else []
        if error.get("line") and f"line {error['line']}" not in message:
            places.insert(0, f"{error.get('file')}, line {error['line']}")
        return JobFailedError(
            message,
            code=str(error.get("code") or "JOB_FAILED"),
            where=": ".join(places) or None,
            error=error,
        )

    def __repr__(self) -> str:
        """Return what it does in one line, as it was when last looked at."""
        from .job_view import sentence

        return f"<Job {self.id} {self.name}: {sentence(self._item)}>"

    def _ipython_display_(self) -> None:
        """Show it in a notebook, and keep what is shown up to date."""
        from .job_view import follow

        follow(self)

    def _read(self) -> JobResult | Dataset:
        if self._item.get("kind") == "process":
            from .data.dataset import load

            return load(str(_door.ask("GET", f"/v1/recipes/{quote(self.id, safe='')}")["reference"]))
        found = _door.ask("GET", f"/v1/jobs/{quote(self.id, safe='')}/results?view=true")
        results = found["results"]
        return JobResult(
            job_id=self.id,
            backtest_id=found["backtest_id"],
            name=found["name"],
            report=found["report"],
            **{name: results[name] for name in ("metrics", "undefined", "assumptions", "run", "view", "study")},
        )
