"""The report of a backtest that failed: one page that says where and when, and what stands at that bar again.

No script, nothing from elsewhere; every text in it was written by a strategy or its author, and is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from sqlalchemy.orm import Session

from ..db.tables import BacktestRow, JobRow, StrategyRow, StrategyVersionRow
from ..jobs.backtest import configuration, file_name, known_as
from .selections import selected

AROUND = 4
"""Lines of source before and after the one that failed."""
LONGEST = 300
"""Characters of a line of source that are shown."""
_PLAIN = ("STANDARD", "MONTE_CARLO")
"""Methodologies whose parameters say what ran."""
_DEFAULTS = {"slippage": 0.0, "profile": "default", "seed": 0, "risk_free_rate": 0.0}

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: light-dark(#1d2127, #e6e8eb); background: light-dark(#fff, #15181c); }
h1 { font-size: 1.4em; margin: 0; }
h2 { font-size: 1.1em; margin: 1.8em 0 .4em; }
.muted { color: light-dark(#59636e, #9aa4af); }
.problem { border-left: 3px solid light-dark(#b3261e, #f2b8b5); padding: .2em 0 .2em .8em; margin: 1em 0; }
.problem b, .problem div { overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: .6em .8em; margin: 0; border: 1px solid light-dark(#d0d5da, #3a4149);
  font: 13px/1.5 ui-monospace, monospace; user-select: all; }
pre.excerpt { user-select: auto; }
mark { display: block; color: inherit; font-weight: 600; background: light-dark(#fbe4e2, #4b2523); }
table { border-collapse: collapse; }
th { text-align: left; font-weight: 400; padding: .1em 1.5em .1em 0; vertical-align: top; }
td { overflow-wrap: anywhere; }
details { margin: .6em 0; }
"""


@dataclass(frozen=True)
class Failed:
    """What the page tells of.

    Attributes:
        row: The run.
        version: The code that ran.
        strategy: Whose code it is.
        dataset: Name of the data, with its symbols.
        error: What the job recorded: ``models.jobs.JobError`` as JSON.
    """

    row: BacktestRow
    version: StrategyVersionRow
    strategy: StrategyRow
    dataset: str
    error: Mapping[str, Any]


def failed(session: Session, row: BacktestRow) -> Failed | None:
    """Read what the page tells of; ``None`` where the run has not failed."""
    job = session.get_one(JobRow, row.job_id)
    if job.status != "FAILED" or job.error is None:
        return None
    version = session.get_one(StrategyVersionRow, (row.strategy_id, row.strategy_version))
    strategy = session.get_one(StrategyRow, row.strategy_id)
    dataset = selected(session, row)
    return Failed(row, version, strategy, dataset.name, job.error)


def page(failed: Failed) -> str:
    """Return the page."""
    row, error = failed.row, failed.error
    name = escape(failed.strategy.name)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}: failed</title><style>{_STYLE}</style></head><body>"
        f'<header><h1>{name}</h1><div class="muted">{escape(failed.dataset)}: this run failed</div></header>'
        f'<main><div class="problem" role="alert"><b>{escape(str(error["message"]))}</b>'
        f"<div>{escape(_place(error))}</div></div>"
        f"{_excerpt(failed)}{_again(failed)}"
        f"<h2>What ran</h2>{_table(_facts(failed))}"
        f"{_folded('Traceback', error.get('traceback'))}"
        f"{_folded('The strategy as it ran', failed.version.code)}"
        + "".join(_folded(path, text) for path, text in sorted(failed.version.modules.items()))
        + f'<p class="muted">Run {escape(row.id)} of {escape(row.created_at.isoformat(timespec="seconds"))}. '
        f'{escape(str(error["code"]))}.</p></main></body></html>\n'
    )


def _place(error: Mapping[str, Any]) -> str:
    cell, line, when = error.get("cell"), error.get("line"), error.get("bar_time")
    parts = (
        error.get("file"),
        None if cell is None else f"cell {cell}",
        None if line is None else f"line {line}",
        None if when is None else f"at the bar of {_moment(when)} UTC",
        of_many(error.get("run")),
    )
    return ", ".join(str(part) for part in parts if part)


def of_many(run: Mapping[str, Any] | None) -> str | None:
    """Say which run of a sweep or a walk-forward it was."""
    if run is None:
        return None
    values = ", ".join(f"{name}={value!r}" for name, value in run["parameters"].items())
    if run.get("window") is None:
        return f"in the run of {values}"
    return f"in the {run['part']} of window {run['window']} ({run['start']} to {run['end']}) with {values}"


def _moment(time: str) -> str:
    """A bar's time as ``at=`` takes it: ``2008-09-15 20:00``, in UTC."""
    return time.replace("T", " ").removesuffix("Z").removesuffix("+00:00").removesuffix(":00")


def _excerpt(failed: Failed) -> str:
    """Return the line that failed and those around it, where they are known."""
    lines, at = _lines(failed)
    if at is None:
        return ""
    first, last = max(0, at - AROUND), min(len(lines), at + AROUND + 1)
    shown = [f"{number:>5}  {escape(text[:LONGEST])}" for number, text in lines[first:last]]
    shown[at - first] = f"<mark>{shown[at - first]}</mark>"
    # A mark is a block, which breaks the line itself.
    text = "\n".join(shown).replace("\n<mark>", "<mark>").replace("</mark>\n", "</mark>")
    return f'<h2>Where</h2><pre class="excerpt">{text}</pre>'


def _lines(failed: Failed) -> tuple[list[tuple[int, str]], int | None]:
    """Numbered lines of the file, or of the notebook's cell, that failed, and the index of the one that did."""
    error, version = failed.error, failed.version
    file, line, cell = error.get("file"), error.get("line"), error.get("cell")
    if file is None or line is None:
        return [], None
    own = {file_name(version.modules), known_as(failed.strategy.source_path, version.line_map)}
    source = version.code if file in own else version.modules.get(file)
    if source is None:
        return [], None
    lines = list(enumerate(source.splitlines(), start=1))
    if cell is not None:
        places = version.line_map or []
        lines = [(at, text) for (_, text), (of, at) in zip(lines, places, strict=False) if of == cell]
    found = [index for index, (number, _) in enumerate(lines) if number == line]
    return lines, found[0] if found else None


def _again(failed: Failed) -> str:
    """Return how to stand at the bar before the error."""
    call = replay_call(failed)
    if call is None:
        return ""
    return (
        "<h2>Debug at this bar</h2><p>Open the run in the Backtests panel of JupyterLab and press "
        "<i>Debug at this bar</i>, or run this cell below the strategy in a notebook with the Alphintra kernel:</p>"
        f"<pre>{escape(call)}</pre>"
    )


def replay_call(failed: Failed) -> str | None:
    """Return the cell that replays the run up to the bar that failed; ``None`` where it names none."""
    row, error = failed.row, failed.error
    run = error.get("run")
    if error.get("bar_time") is None or row.class_name is None or (run is None and row.methodology not in _PLAIN):
        return None
    given = configuration(row)
    rules = given.pop("rules")
    if run is not None:
        given |= {name: run[name] for name in ("start", "end") if run.get(name)}
    given |= {"params": row.parameters | (run or {}).get("parameters", {}) or None}
    known = {name: value for name, value in given.items() if value is not None and _DEFAULTS.get(name) != value}
    told = {"data": failed.dataset, "at": _moment(str(error["bar_time"])), **known, **rules}
    lines = "".join(f"    {name}={value!r},\n" for name, value in told.items())
    return f"import alphintra as al\n\nal.replay(\n    {row.class_name},\n{lines})"


def _facts(failed: Failed) -> list[tuple[str, str]]:
    row, run = failed.row, failed.error.get("run")
    given = configuration(row)
    rules = given.pop("rules")
    method = [] if row.methodology == "STANDARD" else [("methodology", row.methodology)]
    which = of_many(run)
    return [
        ("strategy", f"{row.class_name or failed.strategy.name}, version {row.strategy_version}"),
        ("dataset", failed.dataset),
        *method,
        *([] if which is None else [("which run", which.removeprefix("in the "))]),
        *((f"parameter {name}", repr(value)) for name, value in row.parameters.items()),
        *((name.replace("_", " "), str(value)) for name, value in given.items() if value is not None),
        *((f"rule {name}", repr(value)) for name, value in rules.items()),
    ]


def _table(rows: Sequence[tuple[str, str]]) -> str:
    cells = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>' for name, text in rows)
    return f"<table>{cells}</table>"


def _folded(title: str, text: str | None) -> str:
    return f"<details><summary>{escape(title)}</summary><pre>{escape(text)}</pre></details>" if text else ""
