"""Write ``docs/reference/*.md`` and the table of validation rules from the code: docstrings, knobs, codes, definitions.

``python docs/generate.py`` writes; with ``--check`` it names the pages that are out of date and ends with 1.
Nothing in that folder is written by hand, nor between the marks of ``docs/validation-rules.md``.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

from reference_markdown import describe, docstring, page_class, plain_arguments, table

REFERENCE = Path(__file__).resolve().parent / "reference"
VALIDATION = REFERENCE.parent / "validation-rules.md"
TABLE = re.compile(r"(<!-- rules: written by docs/generate.py -->\n).*(<!-- end of rules -->)", re.DOTALL)
HEADER = "<!-- written by docs/generate.py from the code; do not edit -->\n\n"
#: How a knob's page names the type of its default; ``max_share`` is the only one that can be None.
TAKES = {float: "a number", bool: "true or false"}


def page_rules() -> str:
    """Write the knobs of ``al.backtest(…, **rules)``."""
    from alphintra_backtest.options import CHOICES, RULES

    rows = []
    for name, (default, text) in RULES.items():
        allowed = TAKES.get(type(default), "a number or `None`")
        if name in CHOICES:
            allowed = ", ".join(f"`{c!r}`" for c in CHOICES[name])
        rows.append((f"`{name}`", f"`{default!r}`", allowed, text))
    return (
        "# Rules of a run\n\nEach is an argument of `al.backtest`, `--rule NAME=VALUE` of the command line, "
        "and a key of `rules` over REST.\nAn unknown name is an error that names the nearest.\n\n"
        + table(("name", "default", "takes", "what it says"), rows)
        + "\n## Profiles\n\n`profile=` sets rules as another engine has them; see "
        "[coming from another engine](../coming-from.md).\n\n" + profiles_table()
    )


def validation_table() -> str:
    """Write every validation rule, and the numbers that can be set."""
    from alphintra.rules import rules

    rows = []
    for rule in rules().values():
        numbers = "; ".join(
            f"`{p.name}` = {p.default:g}: {p.text} ({p.least:g} to {p.most:g})" for p in rule.parameters
        )
        rows.append((f"`{rule.id}`", rule.severity, rule.seen_in, rule.definition, rule.silent, numbers))
    return table(("rule", "severity", "seen in", "fires where", "silent at, or not checked", "numbers"), rows)


def validation_page() -> str:
    """Return the page of validation rules with its table as the code has it."""
    return TABLE.sub(lambda m: m[1] + validation_table() + m[2], VALIDATION.read_text(encoding="utf-8"))


def profiles_table() -> str:
    """Write what each profile sets, rule by rule."""
    from alphintra_backtest.options import RULES, profile_rules
    from alphintra_backtest.profiles import PROFILES

    names = list(PROFILES)
    set_by = {rule: [profile_rules(name)[rule] for name in names] for rule in RULES}
    changed = [rule for rule in RULES if any(rule in PROFILES[name] for name in names)]
    return table(
        ("rule", *(f"`{name}`" for name in names)),
        ((f"`{rule}`", *(f"`{value!r}`" for value in set_by[rule])) for rule in changed),
    )


def page_codes() -> str:
    """Write every state, reason and rule of an order or fill, and the codes of errors."""
    from alphintra import errors
    from alphintra_backtest import codes

    kinds = [
        (f"`{cls.default_code}`", f"`{name}`", (inspect.getdoc(cls) or "").splitlines()[0])
        for name, cls in vars(errors).items()
        if inspect.isclass(cls) and issubclass(cls, errors.AlphintraError)
    ]
    parts = [
        "# Codes\n",
        "## Rules that a fill names\n",
        table(
            ("rule", "meaning", "price before slippage"),
            ((f"`{n}`", t, source) for n, t, source in codes.RULES if n),
        ),
        "## Reasons of an order\n",
        table(("reason", "meaning"), ((f"`{n}`", t) for n, t in codes.REASONS if n)),
        "## States of an order\n",
        ", ".join(f"`{s}`" for s in codes.STATES) + ".\n",
        "## Errors\n",
        "Each error names what is wrong, where, and where possible what to do.\n",
        table(("code", "class", "meaning"), kinds),
    ]
    return "\n".join(parts)


def page_metrics() -> str:
    """Write each metric of a result with its formula."""
    from alphintra_backtest import metrics

    found = metrics.DEFINITIONS.values()
    functions = ((n, f) for n, f in ((n, getattr(metrics, n)) for n in metrics.__all__) if inspect.isfunction(f))
    described = ((f"`{n}({plain_arguments(f)})`", (f.__doc__ or "").splitlines()[0]) for n, f in functions)
    rows = ((f"`{d.name}`", d.label, d.definition, d.unit, d.source) for d in found)
    return (
        "# Metrics\n\n`result.metrics` by name. A metric that is not defined is NaN, and `result.undefined` "
        "says why. What is computed on what, and where empyrical differs: [metrics](../metrics.md).\n\n"
        + table(("name", "label", "definition", "unit", "source"), rows)
        + "\n## Functions\n\n`from alphintra_backtest import metrics`: for arrays, Series and DataFrames.\n\n"
        + table(("function", "meaning"), described)
    )


def page_overfitting() -> str:
    """Write ``al.overfitting``: its functions, then what they return."""
    from alphintra import overfitting

    functions = [
        describe(f"al.overfitting.{name}", value, 2)
        for name, value in vars(overfitting).items()
        if inspect.isfunction(value) and value.__module__ == overfitting.__name__
    ]
    classes = page_class(
        "Overfitting",
        [
            (overfitting.Moments, "moments"),
            (overfitting.HalfSplits, "splits"),
            (overfitting.Judgement, "judgement"),
        ],
    )
    title, rest = classes.split("\n", 1)
    return f"{title}\n\n" + "\n".join(functions) + rest


def takes(parameter: Any) -> str:
    """Write what a parameter of a step takes."""
    bounds = [f"{end:,g}" if end is not None else "…" for end in (parameter.low, parameter.high)]
    reach = "" if bounds == ["…", "…"] else f" {bounds[0]} to {bounds[1]}"
    unit = f" {parameter.unit}" if parameter.unit else ""
    kinds = {
        "number": f"number{reach}{unit}",
        "whole": f"whole number{reach}{unit}",
        "yes": "`false`" if parameter.refused else "`true`, `false`",
        "choice": ", ".join(f"`{name}`" for name in parameter.allowed),
        "instant": "date or instant",
        "dataset": "`name@version`",
        "choices by column": "by column: " + ", ".join(f"`{name}`" for name in parameter.allowed),
    }
    text = kinds.get(parameter.kind, parameter.kind)
    return text if len(parameter.allowed) < 20 else "the name of one"


def page_recipes() -> str:
    """Write the steps of recipes with their parameters, and the functions of formulas."""
    from alphintra.recipes import STEPS, parameters
    from alphintra.recipes.functions import FUNCTIONS
    from alphintra.recipes.step import schema_of, summary

    rows = [(f"[`{name}`](#{name})", summary(kind), kind.refuses or "–") for name, kind in STEPS.items()]
    parts = [
        "# Steps of recipes\n",
        "Each is a class of `al.recipes` (`al.recipes.Fill(…)`), and an object of a recipe's JSON "
        '(`{"kind": "fill", …}`). `al.recipes.schema()` is the JSON Schema of all.\n',
        table(("step", "what it does", "refused, since it looks ahead"), rows),
    ]
    for name, kind in STEPS.items():
        defaults = schema_of(kind)["properties"]
        rows = [
            (
                f"`{own}`",
                takes(parameter),
                f"`{json.dumps(defaults[own]['default'])}`" if "default" in defaults[own] else "must be given",
                parameter.text,
            )
            for own, parameter in parameters.of(kind).items()
        ]
        parts += [f"## {name}\n", docstring(kind) + "\n", table(("parameter", "takes", "default", "what it is"), rows)]
    parts += [
        "## Formulas\n",
        'Columns by their names or as `col("adj close")`, numbers, `+ - * / % **`, comparisons (1 or 0), `and`, `or`, '
        "`not`, and these functions. What a missing number goes into is missing; so is what is not finite.\n",
        table(
            ("function", "what it is"),
            [
                (f"`{name}({', '.join('xyz'[: own.arguments])}{', rows' if own.window else ''})`", own.text)
                for name, own in FUNCTIONS.items()
            ],
        ),
    ]
    return "\n".join(parts)


def ported(name: str) -> bool:
    """Tell whether a name of ``compat`` is a crossing of another engine."""
    return "_cross" in name and not name.startswith("_")


def pages() -> dict[str, str]:
    """Make all pages of the reference, by file name."""
    from alphintra import (
        _crossings,
        checking,
        comparing,
        costs,
        job,
        params,
        recipes,
        repeating,
        replaying,
        resampling,
        result,
        signals,
        strategy,
        submitting,
        sweeping,
        testing,
        verifying,
        views,
        walking,
        widgets,
    )
    from alphintra.backtesting import backtest
    from alphintra.data import dataset, events, instrument, labelled, referring
    from alphintra_backtest import compat, handles, replay

    functions = [
        describe("al.backtest", backtest, 2),
        describe("al.check", checking.check, 2),
        describe("al.verify", verifying.verify, 2),
        describe("al.compare", comparing.compare, 2),
        describe("al.sweep", sweeping.sweep, 2),
        describe("al.test", testing.test, 2),
        describe("al.walk_forward", walking.walk_forward, 2),
        describe("al.monte_carlo", resampling.monte_carlo, 2),
        describe("al.replay", replaying.replay, 2),
        describe("al.post_mortem", replaying.post_mortem, 2),
        describe("al.find_result", repeating.find_result, 2),
        describe("al.widgets.parameters", widgets.parameters, 2),
        describe("al.widgets.results", widgets.results, 2),
        describe("al.widgets.datasets", widgets.datasets, 2),
        describe("al.submit", submitting.submit, 2),
        describe("al.jobs", submitting.jobs, 2),
        describe("al.Commission", costs.Commission, 2),
        describe("al.Instrument", instrument.Instrument, 2),
        describe("al.data.with_events", events.with_events, 2),
        describe("al.data.with_calendar", labelled.with_calendar, 2),
        describe("al.data.load", dataset.load, 2),
        describe("al.data.add_reference", referring.add_reference, 2),
        describe("al.Signals", signals.Signals, 2),
        describe("al.crossed_above", _crossings.crossed_above, 2),
        describe("al.crossed_below", _crossings.crossed_below, 2),
        *(describe(f"compat.{name}", function, 2) for name, function in vars(compat).items() if ported(name)),
    ]
    written = {
        "backtest.md": "# Functions\n\n" + "\n".join(functions),
        "strategy.md": page_class("Strategy and Param", [(strategy.Strategy, "self"), (params.Param, "param")]),
        "views.md": page_class("Views", [(views.Series, "series"), (views.Panel, "panel")]),
        "objects.md": page_class(
            "Orders, fills and positions",
            [
                (handles.Order, "order"),
                (handles.Fill, "fill"),
                (handles.Position, "position"),
                (handles.RoundTrip, "trade"),
            ],
        ),
        "result.md": page_class("Result", [(result.Result, "result"), (result.Curves, "curves")]),
        "check.md": page_class(
            "Check and Verification",
            [
                (checking.Check, "check"),
                (checking.CheckPoint, "point"),
                (checking.Difference, "difference"),
                (verifying.Verification, "verification"),
                (verifying.Comparison, "comparison"),
                (verifying.Side, "side"),
                (verifying.BarRow, "bar"),
            ],
        ),
        "comparison.md": page_class("Comparison", [(comparing.Comparison, "comparison")]),
        "sweep.md": page_class("Sweep", [(sweeping.Sweep, "sweep")]),
        "test.md": page_class(
            "CheckRun",
            [
                (testing.CheckRun, "run"),
                (testing.CheckOutcome, "outcome"),
                (testing.InputChange, "change"),
                (testing.MetricChange, "change"),
                (testing.FirstFill, "fill"),
                (testing.RunBefore, "before"),
            ],
        ),
        "replay.md": page_class("Replay and Branch", [(replay.Replay, "replay"), (replay.Branch, "branch")]),
        "walk-forward.md": page_class("WalkForward", [(walking.WalkForward, "walk")]),
        "monte-carlo.md": page_class("MonteCarlo", [(resampling.MonteCarlo, "paths")]),
        "overfitting.md": page_overfitting(),
        "job.md": page_class(
            "Job and JobResult",
            [(job.Job, "job"), (job.JobProgress, "progress"), (job.JobResult, "result")],
        ),
        "recipes.md": page_recipes(),
        "processing.md": page_class(
            "Processing, previews and recipes",
            [
                (recipes.Processing, "data"),
                (recipes.Sample, "sample"),
                (recipes.Preview, "preview"),
                (recipes.Effect, "effect"),
                (recipes.Leak, "leak"),
                (recipes.Recipe, "recipe"),
                (recipes.Applied, "applied"),
            ],
        )
        + "".join(
            "\n" + describe(f"al.recipes.{name}", getattr(recipes, name), 2)
            for name in ("preview", "apply", "recipe_of", "schema")
        ),
        "rules.md": page_rules(),
        "codes.md": page_codes(),
        "metrics.md": page_metrics(),
    }
    return {name: HEADER + re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n" for name, text in written.items()}


def main() -> int:
    """Write, or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    args = parser.parse_args()
    REFERENCE.mkdir(exist_ok=True)
    old = [
        name
        for name, text in pages().items()
        if not (REFERENCE / name).exists() or (REFERENCE / name).read_text(encoding="utf-8") != text
    ]
    written = validation_page()
    stale = VALIDATION.read_text(encoding="utf-8") != written
    if args.check:
        if stale:
            sys.stderr.write(f"docs/{VALIDATION.name} is out of date: run make docs\n")
        sys.stderr.write("".join(f"docs/reference/{name} is out of date: run make docs\n" for name in old))
        return 1 if old or stale else 0
    if stale:
        VALIDATION.write_text(written, encoding="utf-8")
    for name in old:
        (REFERENCE / name).write_text(pages()[name], encoding="utf-8")
    sys.stdout.write(f"docs/reference: {len(old)} of {len(pages())} pages written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
