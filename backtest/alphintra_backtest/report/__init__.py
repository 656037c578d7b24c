"""The report of a run: one study, a file for each of its subjects, written as one page that needs nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alphintra_backtest.formats import duration, text
from alphintra_backtest.notices import notices, strip
from alphintra_backtest.report import (
    ambiguity,
    costs,
    curves,
    distribution,
    exposure,
    foundations,
    months,
    orders,
    overfitting,
    rolling,
    summary,
    trades,
)
from alphintra_backtest.report.account import Account
from alphintra_backtest.study import Section, Study, Text
from alphintra_backtest.study_html import page as _page
from alphintra_backtest.view import header

if TYPE_CHECKING:
    from alphintra.result import Result


def study(result: Result, *, walk_forward: Any = None, sweep: Any = None, monte_carlo: Any = None) -> Study:
    """Return the report of a run.

    Args:
        result: The run.
        walk_forward: A walk-forward of the strategy, whose sections are added.
        sweep: The sweep that the run's parameters come from, whose sections are added.
        monte_carlo: A Monte Carlo study of the run, whose sections are added.
    """
    account = Account(result)
    head = header(result)
    added = [part for other in (sweep, walk_forward, monte_carlo) if other is not None for part in _of(other.study())]
    sections = [
        summary.section(account),
        curves.section(account),
        months.section(account),
        trades.section(account),
        distribution.section(account),
        rolling.section(account),
        exposure.section(account),
        costs.section(account),
        ambiguity.section(account),
        overfitting.section(account),
        *added,
        orders.section(account),
        foundations.series(account),
        foundations.log(account),
        summary.every_metric(account),
        foundations.assumptions(account),
        foundations.repeat(account),
    ]
    bars = f"{text(head['bars'], 'integer')} bar{'' if head['bars'] == 1 else 's'}"
    dates = f"{head['start']} → {head['end']}"
    made = f"run {head['run_id']}", head["created_at"], f"times in {head['timezone']}"
    return Study(
        kind="report",
        title=head["strategy"],
        subtitle=" · ".join((head["dataset"], dates, bars, duration(head["seconds"]), *made)),
        chips=[*head["parameters"].items(), ("profile", head["profile"])],
        warnings=strip(notices(result)),
        sentences=summary.sentences(account),
        sections=[part for part in sections if part is not None],
        code=head["code"],
    )


def page(result: Result, **added: Any) -> str:
    """Return the report as one HTML page; ``added`` as in :func:`study`."""
    return _page(study(result, **added).payload())


def _of(other: Study) -> list[Section]:
    """Return the sections of another study under its title."""
    kind = "Monte Carlo" if other.kind == "monte_carlo" else other.kind.replace("_", "-").capitalize()
    lead = [Text([other.title, *other.sentences])]
    return [
        Section(f"{other.kind}_{part.name}", f"{kind}: {part.title}", [*(lead if i == 0 else []), *part.blocks])
        for i, part in enumerate(other.sections)
    ]
