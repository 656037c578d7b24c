"""``al.compare``: runs side by side, on the sessions that all of them have."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._engine import engine
from ._pages import kept
from .errors import ParameterError
from .result import Result

if TYPE_CHECKING:
    import pandas as pd

FEWEST, MOST = 2, 20
"""Runs that one comparison takes."""
CONFIDENCE = 0.95
RESAMPLES = 1_000


def compare(
    results: Sequence[Result] | Mapping[str, Result],
    *,
    names: Sequence[str] | None = None,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare runs: of different strategies, parameters, datasets or engines.

    They are joined on the sessions that all of them have. Differences are to the first run, each with an interval from
    a stationary bootstrap that draws the same sessions for all.

    Args:
        results: 2 to 20 results, or a mapping of names to them.
        names: A name for each, where ``results`` is a sequence; else what tells them apart.
        confidence: Share of the resampled differences that an interval holds, between 0 and 1.
        resamples: Resamples of the bootstrap, 100 or more.
        seed: Seed of the bootstrap.

    Returns:
        The comparison.

    Raises:
        ParameterError: Too few or too many runs, names that do not fit, or an argument out of its bounds.
        DataError: ``NO_COMMON_DATES``: the runs have fewer than two sessions in common.
    """
    anything: Any = results
    if isinstance(results, Mapping):
        if names is not None:
            raise ParameterError("names are given twice", where="names", hint="leave names out with a mapping")
        names = list(results)
    elif not isinstance(anything, Sequence) or isinstance(anything, str | bytes):
        raise ParameterError(
            f"results are a list of what al.backtest returned, got {type(results).__name__}", where="results"
        )
    given: list[Any] = list(results.values()) if isinstance(results, Mapping) else list(results)
    for i, result in enumerate(given):
        if not isinstance(result, Result):
            what = f"{type(result).__name__} is no Result"
            raise ParameterError(what, where=f"results[{i}]", hint="pass what al.backtest returned")
    of = engine("comparison").Run.of
    return of_runs([of(result) for result in given], names, confidence, resamples, seed)


def of_runs(
    runs: Sequence[Any],
    names: Sequence[str] | None = None,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare what the engine reads of runs, at hand or stored (``alphintra_backtest.comparison.Run``).

    Args:
        runs: 2 to 20 of them.
        names: As for :func:`compare`.
        confidence: As for :func:`compare`.
        resamples: As for :func:`compare`.
        seed: As for :func:`compare`.

    Raises:
        ParameterError: As for :func:`compare`.
        DataError: As for :func:`compare`.
    """
    if not FEWEST <= len(runs) <= MOST:
        raise ParameterError(f"a comparison takes {FEWEST} to {MOST} runs, got {len(runs)}", where="results")
    if not isinstance(confidence, int | float) or not 0.0 < confidence < 1.0:
        raise ParameterError(f"confidence is between 0 and 1, got {confidence!r}", where="confidence")
    if not _is_whole(resamples) or not 100 <= resamples <= 100_000:
        raise ParameterError(f"resamples are 100 to 100,000, got {resamples!r}", where="resamples")
    if not _is_whole(seed) or seed < 0:
        raise ParameterError(f"seed must be a whole number from 0, got {seed!r}", where="seed")
    if names is None:
        chosen = list(engine("comparison").named([run.run for run in runs]))
    else:
        chosen = [str(name) for name in names]
        if len(chosen) != len(runs):
            raise ParameterError(f"{len(chosen)} names for {len(runs)} runs", where="names")
        twice = [name for name in chosen if chosen.count(name) > 1]
        if twice:
            raise ParameterError(f"the name {twice[0]!r} stands for two runs", where="names")
    aligned = engine("comparison").align(runs, chosen)
    return Comparison(aligned, confidence, resamples, seed)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass(eq=False, repr=False)
class Comparison:
    """Runs side by side.

    Attributes:
        aligned: The runs on their common sessions (``alphintra_backtest.comparison.Aligned``).
        confidence: Share of the resampled differences that an interval holds.
        resamples: Resamples of the bootstrap.
        seed: Its seed.
        progress: Called with the fraction done and what is being done; raising from it stops the bootstrap.
    """

    aligned: Any
    confidence: float = CONFIDENCE
    resamples: int = RESAMPLES
    seed: int = 0
    progress: Callable[[float, str], None] | None = field(default=None)

    def __repr__(self) -> str:
        """Return one line: the runs and their common sessions."""
        first, last = self.equity.index[0].date(), self.equity.index[-1].date()
        return f"<Comparison of {', '.join(self.names)}: {len(self.equity) - 1} common sessions, {first} to {last}>"

    @property
    def names(self) -> list[str]:
        """A name for each run, the first one being what the others are compared with."""
        return list(self.aligned.names)

    @cached_property
    def _differences(self) -> tuple[list[Any], int]:
        rates = [engine("metrics").per_period(run.risk_free_rate, self.aligned.periods) for run in self.aligned.runs]
        found: tuple[list[Any], int] = engine("comparison").differences(
            self.aligned.returns, periods=self.aligned.periods, risk_free=rates, confidence=self.confidence,
            resamples=self.resamples, seed=self.seed, progress=self.progress,
        )  # fmt: skip
        return found

    @property
    def intervals(self) -> list[Any]:
        """Each run's difference to the first in each compared metric, with its interval."""
        return self._differences[0]

    @property
    def block_length(self) -> int:
        """Mean block of the bootstrap in sessions; 0 where there are too few to draw from."""
        return self._differences[1]

    @cached_property
    def equity(self) -> pd.DataFrame:
        """Equity on the common sessions, rebased to 1; a column a run."""
        return self._frame(self.aligned.rebased, self.aligned.day)

    @cached_property
    def drawdowns(self) -> pd.DataFrame:
        """Drawdown on the common sessions, ≤ 0; a column a run."""
        return self._frame(self.aligned.drawdowns, self.aligned.day)

    @cached_property
    def returns(self) -> pd.DataFrame:
        """Returns from each common session to the next; a column a run."""
        return self._frame(self.aligned.returns, self.aligned.day[1:])

    @cached_property
    def correlation(self) -> pd.DataFrame:
        """Pearson's correlation of the returns on the common sessions."""
        return self.returns.corr()

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Metrics over the common sessions: a row a metric, a column a run."""
        import pandas as pd

        return pd.DataFrame({name: self.aligned.metrics(i)[0] for i, name in enumerate(self.names)})

    @cached_property
    def own_metrics(self) -> pd.DataFrame:
        """Metrics of each run over its own span, which may be longer: a row a metric, a column a run."""
        import pandas as pd

        return pd.DataFrame(
            {name: dict(run.metrics) for name, run in zip(self.names, self.aligned.runs, strict=True)}, dtype=float
        )

    @cached_property
    def differences(self) -> pd.DataFrame:
        """Differences to the first run: ``run, metric, difference, low, high, chance``.

        ``low`` and ``high`` are the ends of the interval, ``chance`` whether it holds 0 (empty where there is none).
        """
        import pandas as pd

        rows = [(self.names[i.run], i.metric, i.value, i.low, i.high, i.chance) for i in self.intervals]
        return pd.DataFrame(rows, columns=["run", "metric", "difference", "low", "high", "chance"])

    @cached_property
    def dropped(self) -> dict[str, int]:
        """Sessions of each run that the comparison leaves out."""
        return dict(zip(self.names, self.aligned.dropped, strict=True))

    @cached_property
    def settings(self) -> pd.DataFrame:
        """Parameters and other settings that differ: a row a setting, a column a run."""
        return self._table(engine("comparison").settings([run.run for run in self.aligned.runs]))

    @cached_property
    def assumptions(self) -> pd.DataFrame:
        """Assumptions that differ: a row for each code, a column a run."""
        return self._table(engine("comparison").assumptions([run.assumptions for run in self.aligned.runs]))

    @cached_property
    def sentences(self) -> list[str]:
        """What the differences come to, in plain words."""
        said: list[str] = engine("comparison.page").sentences(self.aligned, self.intervals, self.confidence)
        return said

    def study(self) -> Any:
        """Return the comparison as a page (``alphintra_backtest.study.Study``)."""
        return engine("comparison").study(self)

    def report(self, path: str | Path | None = None) -> str | Path:
        """Write one self-contained HTML page, or return its text.

        Args:
            path: File to write.
        """
        page: str = engine("study_html").page(self.study().payload())
        return kept(page, path)

    def to_dict(self) -> dict[str, Any]:
        """Return names, sessions, metrics, differences and what differs as plain values; undefined: ``None``."""
        content = {
            "names": self.names,
            "start": str(self.equity.index[0].date()),
            "end": str(self.equity.index[-1].date()),
            "sessions": len(self.equity) - 1,
            "dropped": self.dropped,
            "metrics": self.metrics.to_dict(),
            "own_metrics": self.own_metrics.to_dict(),
            "differences": self.differences.to_dict("records"),
            "correlation": self.correlation.to_dict(),
            "settings": self.settings.T.to_dict(),
            "assumptions": self.assumptions.T.to_dict(),
            "sentences": self.sentences,
            "confidence": self.confidence,
            "resamples": self.resamples,
            "seed": self.seed,
            "block_length": self.block_length,
        }
        plain: dict[str, Any] = engine("plain_json").plain(content)
        return plain

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, Any]:
        """Show the comparison in a notebook."""
        bundle: dict[str, Any] = engine("study_bundle").bundle(self.study())
        return {
            mime: data
            for mime, data in bundle.items()
            if (not include or mime in include) and mime not in (exclude or ())
        }

    def _frame(self, values: Any, days: Any) -> pd.DataFrame:
        import pandas as pd

        index = pd.DatetimeIndex(days.astype("datetime64[D]").astype("datetime64[us]"), name="session")
        return pd.DataFrame(values, index=index, columns=self.names)

    def _table(self, rows: dict[str, list[Any]]) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame.from_dict(rows, orient="index", columns=self.names, dtype=object)
