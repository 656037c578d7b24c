"""The errors that a trader sees: each names what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class AlphintraError(Exception):
    """Base of all errors raised on purpose.

    Args:
        message: What is wrong, in one sentence.
        code: A stable upper-case code, listed in the documentation.
        hint: What to do about it.
        where: File, row, bar or argument the error belongs to.
    """

    default_code = "ERROR"

    def __init__(
        self, message: str, *, code: str | None = None, hint: str | None = None, where: str | None = None
    ) -> None:
        self.message = message
        self.code = code or self.default_code
        self.hint = hint
        self.where = where
        parts = [message]
        if where:
            parts.append(f"({where})")
        if hint:
            parts.append(f"– {hint}")
        super().__init__(" ".join(parts))


class DataError(AlphintraError):
    """Data that cannot be used: names the file, row and column where known."""

    default_code = "BAD_DATA"


class UnknownDataset(DataError):  # noqa: N818 - the name a trader reads
    """No dataset or file of this name."""

    default_code = "UNKNOWN_DATASET"


class ParameterError(AlphintraError):
    """A parameter that does not exist or lies outside its bounds."""

    default_code = "BAD_PARAMETER"


class RuleError(AlphintraError):
    """A simulation rule or option that does not exist or has a wrong value."""

    default_code = "BAD_RULE"


class OrderError(AlphintraError):
    """An order that makes no sense, such as a quantity of NaN."""

    default_code = "BAD_ORDER"


class SignalsError(AlphintraError):
    """Signals of the wrong type or shape, or that contradict each other."""

    default_code = "BAD_SIGNALS"


class LookAheadError(AlphintraError):
    """An attempt to read what the strategy could not know yet."""

    default_code = "LOOK_AHEAD"


class WarmUpError(AlphintraError):
    """The indicators never became defined, so the strategy was never called."""

    default_code = "NEVER_READY"


class CheckFailedError(AlphintraError):
    """A check that a strategy carries does not hold."""

    default_code = "CHECK_FAILED"


class Cancelled(AlphintraError):  # noqa: N818 - nothing went wrong: somebody asked for it
    """A study was cancelled before its end."""

    default_code = "CANCELLED"


class ExecutorError(AlphintraError):
    """The threads, processes or cluster of a study cannot be used, or went away."""

    default_code = "EXECUTOR_LOST"


class SourceError(AlphintraError):
    """A strategy's source cannot be told, or needs what only this process has."""

    default_code = "NO_SOURCE"


class NoServerError(AlphintraError):
    """There is no server to hand work to."""

    default_code = "NO_SERVER"


class ServerError(AlphintraError):
    """The server refused a request.

    Attributes:
        status: The HTTP status, 0 where there was no answer.
        errors: The places that it names: each with ``field`` and ``message``.
    """

    default_code = "SERVER_REFUSED"

    def __init__(self, message: str, *, status: int = 0, errors: Sequence[Any] = (), **kwargs: Any) -> None:
        self.status = status
        self.errors = list(errors)
        super().__init__(message, **kwargs)


class JobFailedError(AlphintraError):
    """A job ended without a result: carries what the server recorded.

    Attributes:
        error: ``code``, ``message``, ``file``, ``line``, ``bar_time`` and ``traceback``, as far as known.
    """

    default_code = "JOB_FAILED"

    def __init__(self, message: str, *, error: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        self.error = dict(error or {})
        super().__init__(message, **kwargs)


class ReplayError(AlphintraError):
    """A replay cannot go there, or was stopped on its way."""

    default_code = "BAD_REPLAY"


class StrategyError(AlphintraError):
    """The strategy's own code raised: carries file, line and the bar's time.

    Attributes:
        file: Source file (or cell) of the failing line.
        line: 1-based line number.
        bar: Index of the bar's timestamp in the data, from 0; −1 in ``on_start``.
        bar_time: ISO 8601 close time of the bar, or ``None`` in ``on_start``.
        run: Which of the runs of a sweep or a walk-forward raised: its ``parameters``, and for a walk-forward
            ``window`` (from 1), ``part`` (``training`` or ``test``) and the days ``start`` and ``end`` of that part;
            ``None`` where there was one run.
    """

    default_code = "STRATEGY_ERROR"
    run: dict[str, Any] | None = None

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        bar: int = -1,
        bar_time: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.file = file
        self.line = line
        self.bar = bar
        self.bar_time = bar_time
        place = f"{file}, line {line}" if file else None
        if place and bar_time:
            place += f", bar {bar_time}"
        super().__init__(message, where=place, **kwargs)
