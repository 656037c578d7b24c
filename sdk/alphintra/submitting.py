"""``al.submit`` and ``al.jobs``: work handed to the server, which goes on when the notebook is closed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import _door
from .errors import ParameterError, RuleError

if TYPE_CHECKING:
    import pandas as pd

    from .job import Job
    from .strategy import Strategy

METHODOLOGIES = ("STANDARD", "SWEEP", "WALK_FORWARD", "MONTE_CARLO")
#: What ``al.backtest`` takes and a job cannot; each with what it is by default.
_HERE_ONLY = {
    "engine": "default", "analyzers": (), "instruments": None, "currency": "USD", "rates": None, "detail": None,
    "compiled": True,
}  # fmt: skip
_PAGE = 200
_COLUMNS = (
    "id", "name", "kind", "status", "phase", "progress", "position", "created_at", "started_at", "finished_at", "error",
)  # fmt: skip


def submit(
    strategy: type[Strategy],
    data: str,
    *,
    methodology: str = "STANDARD",
    method: Mapping[str, Any] | None = None,
    name: str | None = None,
    **options: Any,
) -> Job:
    """Hand a backtest to the server as a job and return at once.

    The class is stored as a version of a strategy, with what it uses: of a notebook its functions, classes, constants
    and imports as they are now; of a module the whole file; and your own modules that these import. The job runs in a
    sandbox of its own without network, and goes on when the notebook is closed.

    Args:
        strategy: The class (not an instance), from a cell or a module.
        data: Name of a dataset (``"us-equities-daily/AAPL"``).
        methodology: ``"STANDARD"``, ``"SWEEP"``, ``"WALK_FORWARD"`` or ``"MONTE_CARLO"``, in any case.
        method: What the methodology needs, as over REST: ``{"grid": {"fast": range(5, 50, 5)}}``.
        name: What the list of jobs calls it; strategy and dataset where None.
        options: Everything else that ``al.backtest`` takes and a job can do: ``start``, ``end``, ``cash``,
            ``commission``, ``slippage``, ``profile``, ``benchmark`` (a dataset's name), ``features`` (names of
            datasets by the strategy's names for them), ``reference`` (a dataset's name), ``params``, ``seed``,
            ``risk_free_rate`` and the rules. Look-ahead is always looked for.

    Returns:
        A :class:`~alphintra.job.Job`; as the last line of a cell it shows its progress and ends as its result.

    Raises:
        NoServerError: This process has no server behind it.
        SourceError: The class's source is not known, or it uses something that only this process has.
        ServerError: The server refused: code that cannot run, an unknown dataset, a full queue.
        ParameterError: An argument that a job cannot take.
        RuleError: An option that does not exist.
    """
    from .job import Job
    from .strategy_source import source_of

    _check(strategy, data)
    asked = _settings(options) | {"dataset_id": data, **_method(methodology, method)}
    source = source_of(strategy)
    body = asked | {
        "code": source.code,
        "modules": source.modules,
        "class_name": source.class_name,
        "source_path": source.path,
    }
    if name is not None:
        body["name"] = name
    # The same key again is the same job, however often the request has to be sent.
    made = _door.ask("POST", "/v1/backtests", body, {"Idempotency-Key": uuid.uuid4().hex})
    # No further request: one that fails would make work that was taken look refused.
    item = {"id": made["job_id"], "name": made["name"], "status": made["status"], "phase": "queued"}
    return Job(str(made["job_id"]), source=source, item=item)


def jobs(limit: int = 50) -> pd.DataFrame:
    """List your jobs on the server, newest first.

    Args:
        limit: Most of them.

    Returns:
        One row a job: ``id``, ``name``, ``kind``, ``status``, ``phase``, ``progress`` (a fraction), ``position`` in the
        queue, ``created_at``, ``started_at``, ``finished_at`` (UTC) and ``error``. ``al.Job(id)`` takes one up.

    Raises:
        NoServerError: This process has no server behind it.
    """
    import pandas as pd

    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise ParameterError(f"limit must be a number from 1, got {limit!r}", where="limit")
    found: list[dict[str, Any]] = []
    path: str | None = f"/v1/jobs?limit={min(limit, _PAGE)}"
    while path is not None and len(found) < limit:
        page = _door.ask("GET", path)
        found += page["items"]
        path = page["_pagination"].get("next")
    rows = [_row(item) for item in found[:limit]]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    for column in ("created_at", "started_at", "finished_at"):
        frame[column] = pd.to_datetime(frame[column], utc=True, format="ISO8601")
    return frame


def _row(item: Mapping[str, Any]) -> dict[str, Any]:
    progress, error = item.get("progress") or {}, item.get("error") or {}
    return {name: item.get(name) for name in _COLUMNS} | {
        "progress": progress.get("fraction"),
        "error": error.get("message"),
    }


def _check(strategy: Any, data: Any) -> None:
    from .strategy import Strategy

    if not isinstance(strategy, type):
        raise ParameterError(
            f"strategy must be a class, got {type(strategy).__name__}", where="strategy", hint="leave out the ()"
        )
    if not issubclass(strategy, Strategy):
        raise ParameterError(
            f"{strategy.__name__} does not derive from al.Strategy",
            where="strategy",
            hint="a job runs Alphintra's own strategies; run others with al.backtest here",
        )
    if not isinstance(data, str):
        raise ParameterError(
            f"data must be the name of a dataset, got {type(data).__name__}",
            where="data",
            hint="a job reads the server's datasets (al.data.list()); run other data here with al.backtest",
        )


def _method(methodology: str, method: Mapping[str, Any] | None) -> dict[str, Any]:
    kind = str(methodology).upper().replace("-", "_").replace(" ", "_")
    if kind not in METHODOLOGIES:
        raise ParameterError(
            f"there is no methodology {methodology!r}",
            where="methodology",
            hint=f"there is: {', '.join(METHODOLOGIES)}",
        )
    return {"methodology": kind, "method": None if method is None else plain(method)}


def _settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """Name the arguments of ``al.backtest`` as the server does; each is sent, so that its own defaults do not count."""
    from .backtesting import named_and_rules

    named, rules = named_and_rules(options)
    for argument, usual in _HERE_ONLY.items():
        given = named.pop(argument, usual)
        # Types first: a DataFrame compared with anything is a DataFrame.
        if given is not usual and (type(given) is not type(usual) or given != usual):
            raise ParameterError(
                f"a job cannot take {argument}", where=argument, hint="run it here with al.backtest, or leave it out"
            )
    named.pop("check", None)  # every job looks for look-ahead
    benchmark = named.pop("benchmark", None)
    if benchmark is not None and not isinstance(benchmark, str):
        raise ParameterError("a job's benchmark is the name of a dataset", where="benchmark")
    features = named.pop("features", None)
    if features is None:
        features = {}
    if not isinstance(features, Mapping) or not all(isinstance(own, str) for own in features.values()):
        raise ParameterError(
            "a job's features are names of datasets", where="features",
            hint='features={"vix": "vix@1"}; run other data here with al.backtest',
        )  # fmt: skip
    reference = named.pop("reference", None)
    if reference is not None and not isinstance(reference, str):
        raise ParameterError("a job's reference is the name of a dataset", where="reference")
    profile = named.pop("profile", "default")
    found: dict[str, Any] = {
        "initial_capital": str(plain(named.pop("cash", 100_000))),
        "slippage": _cost(named.pop("slippage", 0), "slippage"),
        "profile": profile,
        "parameters": plain(named.pop("params", None) or {}),
        "seed": plain(named.pop("seed", 0)),
        "risk_free_rate": plain(named.pop("risk_free_rate", 0.0)),
        "rules": plain(rules),
    }
    commission = named.pop("commission", None)
    if commission is not None or not _has_commission(profile):
        found["commission"] = _cost(commission or 0, "commission")
    if benchmark is not None:
        found["benchmark"] = benchmark
    if features:
        found["features"] = dict(features)
    if reference is not None:
        found["reference"] = reference
    for ours, theirs in (("start", "start_date"), ("end", "end_date")):
        moment = named.pop(ours, None)
        if moment is not None:
            found[theirs] = moment.isoformat() if hasattr(moment, "isoformat") else str(moment)
    if named:
        wrong = next(iter(named))
        raise RuleError(f"a job has no option {wrong!r}", where=wrong)
    return found


def _has_commission(profile: str) -> bool:
    from ._engine import engine

    return profile in engine("profiles").COMMISSIONS


def _cost(given: Any, name: str) -> Any:
    """A fraction as text, or the parts that are not as usual."""
    from dataclasses import fields

    from .costs import commission_of, slippage_of

    cost = commission_of(given) if name == "commission" else slippage_of(given)
    parts = {each.name: getattr(cost, each.name) for each in fields(cost) if getattr(cost, each.name) != each.default}
    if set(parts) <= {"percent"}:
        return repr(float(parts.get("percent", 0.0)))
    return {name: _amount(value) for name, value in parts.items()}


def _amount(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_amount(item) for item in value]
    return None if value is None or value == float("inf") else repr(float(value))


def plain(value: Any) -> Any:
    """Turn NumPy's numbers and arrays, ranges and tuples into what JSON has."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # of NumPy and pandas
        return plain(value.tolist())
    if isinstance(value, list | tuple | range | set | frozenset):
        return [plain(item) for item in value]
    return value
