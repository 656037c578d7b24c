"""A sweep as a study: what is best, how it compares, and how far to believe it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra_backtest.formats import text
from alphintra_backtest.metrics.definition import Definition
from alphintra_backtest.metrics.definitions import DEFINITIONS
from alphintra_backtest.study import Column, Fact, Facts, Figure, Section, Study, Trials
from alphintra_backtest.sweep import ranking, surroundings
from alphintra_backtest.sweep.space import Axis
from alphintra_backtest.sweep.variant import Variant

if TYPE_CHECKING:
    from alphintra.sweeping import Sweep

#: Metrics beside the one that was optimised.
SHOWN = ("sharpe_ratio", "total_return", "annualized_return", "max_drawdown", "volatility", "total_trades", "win_rate")
#: Variants that a study carries; beyond, the best ones and every so many of the others.
MOST_ROWS, BEST_ROWS = 5_000, 1_000
_METHODS = {"grid": "grid", "random": "random search", "optuna": "Optuna (TPE)"}
_BINS = 40


def study(sweep: Sweep) -> Study:
    """Return the page of a sweep."""
    count = len(sweep.variants)
    found = ranking.definition(sweep.metric)
    sections = [Section("variants", "Variants", [_facts(sweep, found), _trials(sweep, found), *_spread(sweep, found)])]
    said: list[str] = []
    if sweep.best is not None:
        judgement = sweep.judgement
        said = list(judgement.sentences)
        sections.append(Section("overfitting", "How much of it is luck", judgement.blocks()))
    return Study(
        kind="sweep",
        title=f"{sweep.run['strategy']}: sweep of {count:,} variant{'' if count == 1 else 's'}",
        subtitle=_subtitle(sweep),
        chips=_chips(sweep, found),
        warnings=warnings(sweep),
        sentences=[*_best_sentences(sweep, found), *said],
        sections=sections,
        code=code(sweep),
    )


def _subtitle(sweep: Sweep) -> str:
    days = ranking.sessions_of(sweep.market, sweep.options)
    firsts = [v.first_session for v in sweep.variants if len(v.returns)]
    first = np.datetime64(min(firsts, default=int(days[0])), "D")
    return f"{sweep.run['dataset']}, {first} to {np.datetime64(int(days[-1]), 'D')}, {sweep.run['timeframe']} bars"


def _chips(sweep: Sweep, found: Definition) -> list[tuple[str, Any]]:
    configuration = sweep.run["configuration"]
    chips: list[tuple[str, Any]] = [
        ("method", _METHODS[sweep.method]),
        ("metric", f"{found.label} ({'highest' if sweep.maximize else 'lowest'})"),
        ("profile", configuration["profile"]),
        ("cash", text(configuration["cash"], "money")),
    ]
    if sweep.method != "grid":
        chips.append(("seed", sweep.run["seed"]))
    return chips + [(name, configuration[name]) for name in ("start", "end") if configuration[name]]


def warnings(sweep: Sweep) -> list[dict[str, Any]]:
    """Return what a reader must know, each ``{code, text, level, items}``."""
    out: list[dict[str, Any]] = []

    def warn(code: str, said: str, items: Any = (), level: str = "warning") -> None:
        out.append({"code": code, "text": said, "level": level, "items": list(items)})

    variants, count = sweep.variants, len(sweep.variants)
    if count == 1:
        warn("SINGLE_TRIAL", "One variant only: nothing was compared, and nothing says how much of it is luck.")
    bad = [v for v in variants if v.error is not None]
    if bad:
        items = [f"{_params(sweep, v)}: {(v.error or {}).get('message', '')}" for v in bad[:10]]
        warn("FAILED_TRIALS", f"{len(bad):,} of {count:,} variants failed.", items)
    undefined = int(np.isnan(ranking.values_of(variants, sweep.metric)).sum()) - len(bad)
    label = DEFINITIONS[sweep.metric].label
    if undefined:
        warn("UNDEFINED_METRIC", f"{label} is undefined for {undefined:,} of {count:,} variants; they rank last.")
    first = [v.first_session for v in variants if len(v.returns)]
    if first and min(first) != max(first):
        early, late = (np.datetime64(f(first), "D") for f in (min, max))
        warn(
            "DIFFERENT_STARTS",
            f"Variants begin between {early} and {late}, as their indicators need: their metrics are of different "
            f"times, and how much is luck is judged on the sessions from {late} on. "
            f'Give start="{late}" to compare them on the same ones.',
        )
    if sweep.best is not None:
        for name, which in surroundings.edges(variants, sweep.axes, sweep.ranking[0]):
            value = variants[sweep.ranking[0]].params[name]
            said = f"The best {name}, {value}, is the {which} that was tried: better ones may lie beyond."
            warn("EDGE_OF_GRID", said)
    configuration = sweep.run["configuration"]
    if not any(_costs(configuration[name]) for name in ("commission", "slippage")):
        warn("NO_COSTS", "No commission and no slippage: variants that trade often look better than they are.")
    return out


def _costs(terms: Any) -> bool:
    """Whether anything of a commission or slippage costs something."""
    if isinstance(terms, Mapping):
        return any(_costs(v) for v in terms.values())
    if isinstance(terms, list | tuple):
        return any(_costs(v) for v in terms)
    return isinstance(terms, int | float) and bool(terms)


def _params(sweep: Sweep, variant: Variant) -> str:
    return ", ".join(f"{name}={variant.params[name]!r}" for name in sweep.parameters)


def _score(variant: Variant | None, found: Definition) -> float:
    return math.nan if variant is None else variant.metrics.get(found.name, math.nan)


def _better_share(sweep: Sweep, value: float, found: Definition) -> float:
    """Share of the variants with a metric that are worse than a value."""
    values = ranking.values_of(sweep.variants, found.name)
    values = values[~np.isnan(values)]
    return float(np.mean(values < value if sweep.maximize else values > value))


def _best_sentences(sweep: Sweep, found: Definition) -> list[str]:
    count, label = len(sweep.variants), found.label
    if sweep.best is None:
        return [f"{label} is undefined for all {count:,} variants: none can be called the best."]
    best = sweep.variants[sweep.ranking[0]]

    def shown(value: float) -> str:
        return text(value, found.format, signed=found.signed)

    if count == 1:
        return [f"The only variant, {_params(sweep, best)}, has a {label} of {shown(_score(best, found))}."]
    most = "highest" if sweep.maximize else "lowest"
    values = ranking.values_of(sweep.variants, found.name)
    lines = [
        f"Of {count:,} variants, {_params(sweep, best)} has the {most} {label}, {shown(_score(best, found))}; "
        f"the median is {shown(float(np.nanmedian(values)))}."
    ]
    own = _score(sweep.default, found)
    if sweep.default is not None and own == own:
        share = text(_better_share(sweep, own, found), "percent")
        lines.append(
            f"The default, {_params(sweep, sweep.default)}, has {shown(own)}: better than {share} of the variants."
        )
    near = surroundings.neighbours(sweep.variants, sweep.axes, best.number, found.name, sweep.maximize)
    if near is not None:
        lines.append(
            f"One step away from the best, {near.count} variant{' has' if near.count == 1 else 's have'} "
            f"{shown(near.mean)} on average, {shown(near.worst)} at worst."
        )
    return lines


def _facts(sweep: Sweep, found: Definition) -> Facts:
    def fact(name: str, label: str, value: float, definition: str, reason: str = "", note: str = "") -> Fact:
        known = None if math.isnan(value) else value
        return Fact(name, label, known, found.format, found.signed, definition, reason if known is None else "", note)

    values = ranking.values_of(sweep.variants, found.name)
    defined = values[~np.isnan(values)]
    best = None if sweep.best is None else sweep.variants[sweep.ranking[0]]
    none = "undefined for every variant"
    default = sweep.default
    why = "undefined" if default is None or default.error is None else default.error["message"]
    middle = float(np.median(defined)) if len(defined) else math.nan
    near = None if best is None else surroundings.neighbours(
        sweep.variants, sweep.axes, best.number, found.name, sweep.maximize
    )  # fmt: skip
    items = [
        fact("best", f"Best {found.label}", _score(best, found), found.definition, none,
             "" if best is None else _params(sweep, best)),
        fact("median", "Median", middle, f"Median of {found.label} over the variants that have it.", none,
             f"of {len(defined):,} variants"),
        fact("default", "Default", _score(default, found), "With the default parameters.", why,
             "" if default is None else _params(sweep, default)),
    ]  # fmt: skip
    if near is not None:
        items.append(
            fact("neighbours", "Neighbours", near.mean, "Mean of the variants one step away from the best.", "",
                 f"{near.count} of them, {text(near.worst, found.format)} at worst")
        )  # fmt: skip
    return Facts(items)


def _trials(sweep: Sweep, found: Definition) -> Trials:
    shown = [found.name, *(name for name in SHOWN if name != found.name)]
    metrics = [DEFINITIONS[name] for name in shown if name in sweep.variants[0].metrics]
    count = len(sweep.variants)
    numbers = _shown_numbers(sweep)
    rows = [
        [
            variant.number,
            *(variant.params[name] for name in sweep.parameters),
            *(_number(variant.metrics.get(d.name, math.nan)) for d in metrics),
        ]
        for variant in (sweep.variants[i] for i in numbers)
    ]
    left = f"The best {BEST_ROWS:,} and a part of the other variants." if len(rows) < count else ""
    return Trials(
        name="trials",
        title=" × ".join(sweep.parameters),
        parameters=[_parameter(axis, sweep) for axis in sweep.axes],
        metrics=[Column(d.name, d.label, d.format, d.signed, d.definition) for d in metrics],
        rows=rows,
        best=None if sweep.best is None else sweep.ranking[0],
        total=count,
        note=left,
    )


def _shown_numbers(sweep: Sweep) -> list[int]:
    count = len(sweep.variants)
    if count <= MOST_ROWS:
        return list(range(count))
    rest = sweep.ranking[BEST_ROWS:]
    every = -(-len(rest) // (MOST_ROWS - BEST_ROWS))
    return sorted([*sweep.ranking[:BEST_ROWS], *sorted(rest)[::every]])


def _parameter(axis: Axis, sweep: Sweep) -> Column:
    from alphintra.params import declared

    value = sweep.variants[0].params[axis.name]
    kind = "text" if isinstance(value, str | bool) else "quantity"
    return Column(axis.name, axis.name, kind, definition=declared(sweep.strategy)[axis.name].description)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _spread(sweep: Sweep, found: Definition) -> list[Figure]:
    """How the metric is distributed, with the best and the default in it."""
    values = ranking.values_of(sweep.variants, found.name)
    values = values[~np.isnan(values)]
    if len(values) < 3:
        return []
    heights, ends = np.histogram(values, bins=min(_BINS, max(5, int(math.sqrt(len(values))))))
    middles = (ends[1:] + ends[:-1]) / 2
    marks = [("median", float(np.median(values)), "dot")]
    default = _score(sweep.default, found)
    if default == default:
        marks.append(("default", default, "dash"))
    share = text(float(np.mean(values > 0)), "percent")
    low, high, middle = (text(float(f(values)), found.format) for f in (np.min, np.max, np.median))
    axis: dict[str, Any] = {"title": {"text": found.label}}
    if found.format == "percent":
        axis["tickformat"] = ".0%"
    return [
        Figure(
            name="spread",
            title=f"{found.label} of all variants",
            alt=f"Histogram of {found.label} over {len(values):,} variants: from {low} to {high}, median {middle}; "
            f"{share} are above 0.",
            data=[
                {
                    "type": "bar", "x": middles.tolist(), "y": heights.tolist(), "width": float(ends[1] - ends[0]),
                    "name": "variants", "marker": {"color": "@series1"}, "showlegend": False,
                }
            ],
            layout={
                "xaxis": axis,
                "yaxis": {"title": {"text": "variants"}},
                "bargap": 0,
                "shapes": [
                    {"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper",
                     "line": {"color": "@muted", "dash": dash}}
                    for _, at, dash in marks
                ],
                "annotations": [
                    {"x": at, "y": 1, "yref": "paper", "yanchor": "bottom", "text": name, "showarrow": False}
                    for name, at, _ in marks
                ],
            },
            height=240,
        )
    ]  # fmt: skip


def code(sweep: Sweep) -> str:
    """Return the call that repeats the sweep, as far as text can say it."""
    grid = ", ".join(f'"{axis.name}": {axis_code(axis)}' for axis in sweep.axes)
    parts = [str(sweep.run["strategy"]), repr(sweep.run["dataset"]), f"{{{grid}}}"]
    if isinstance(sweep.constraint, str):
        parts.append(f"constraint={sweep.constraint!r}")
    parts.append(f"metric={sweep.metric!r}")
    if sweep.maximize != ranking.sense(sweep.metric, None):
        parts.append(f"maximize={sweep.maximize!r}")
    if sweep.method != "grid":
        parts += [f"method={sweep.method!r}", f"trials={len(sweep.variants)}"]
    if sweep.method != "grid" or sweep.run["seed"]:
        parts.append(f"seed={sweep.run['seed']}")
    options = {name: value for name, value in sweep.options.items() if name != "seed"}
    written, rest = options_code(options, sweep.constraint)
    return f"al.sweep({', '.join([*parts, *written])}){rest}"


def options_code(options: Mapping[str, Any], constraint: Any) -> tuple[list[str], str]:
    """Return the options of a study as arguments, and a comment on what no text can repeat."""
    plain = {
        name: value
        for name, value in options.items()
        if isinstance(value, str | bool | int | float) or (name == "features" and _all_named(value))
    }
    objects = [name for name, value in options.items() if name not in plain and value is not None]
    missing = ["constraint, a function", *objects] if callable(constraint) else objects
    return [f"{name}={value!r}" for name, value in plain.items()], (
        f"  # with its {' and its '.join(missing)}" if missing else ""
    )


def _all_named(features: Any) -> bool:
    """Whether all features were given by name."""
    return isinstance(features, Mapping) and all(isinstance(own, str) for own in features.values())


def axis_code(axis: Axis) -> str:
    """Return what is varied as it would be written in a grid."""
    values = axis.values
    if not values:
        return f"({axis.low!r}, {axis.high!r})"
    steps = {b - a for a, b in itertools.pairwise(values)} if all(type(v) is int for v in values) else set()
    if len(values) > 3 and len(steps) == 1 and (step := steps.pop()) > 0:
        return f"range({values[0]}, {values[-1] + 1}{'' if step == 1 else f', {step}'})"
    return repr(list(values))
