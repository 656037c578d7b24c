"""The ``alphintra`` command: backtest, test, sweep or walk a file forward, list data, list and clone templates."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ._version import __version__
from .cli_text import grid_from_text, load_strategy, pairs
from .costs import cost_from_text
from .errors import AlphintraError


def _options(args: argparse.Namespace) -> dict[str, Any]:
    """The keyword arguments that a backtest and a sweep have in common."""
    return {
        "start": args.start,
        "end": args.end,
        "cash": args.cash,
        "commission": None if args.commission is None else cost_from_text(args.commission, "commission"),
        "slippage": cost_from_text(args.slippage, "slippage"),
        "profile": args.profile,
        "benchmark": args.benchmark,
        "seed": args.seed,
        "risk_free_rate": args.risk_free_rate,
        **pairs(args.rule, "--rule"),
    }


def _backtest(args: argparse.Namespace) -> int:
    from .backtesting import backtest

    result = backtest(
        load_strategy(args.strategy),
        args.data,
        params=pairs(args.param, "--param"),
        check=args.check,
        **_options(args),
    )
    if args.report:
        result.report(args.report)
        print(f"report: {args.report}", file=sys.stderr)
    if args.json:
        print(result.to_json(indent=2))
    else:
        print(result._repr_mimebundle_(include={"text/plain"})["text/plain"])
    if result.check is None or result.check.passed:
        return 0
    print(f"alphintra: {result.check!r}", file=sys.stderr)
    return 1


def _test(args: argparse.Namespace) -> int:
    from .testing import test

    found = test(
        load_strategy(args.strategy),
        args.data,
        checks=args.check or None,
        params=pairs(args.param, "--param"),
        keep=not args.no_keep,
        **_options(args),
    )
    if args.json:
        print(json.dumps(found.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print(f"{found.strategy} on {found.data}: {found.summary}")
        for outcome in found.outcomes:
            print(f"{'passed' if outcome.passed else 'FAILED'}  {outcome.text}: {outcome.reason}")
        for change in found.inputs:
            print(f"since the run before: {change.text}")
    return 0 if found.passed else 1


def _sweep(args: argparse.Namespace) -> int:
    from .sweeping import sweep

    found = sweep(
        load_strategy(args.strategy),
        args.data,
        grid_from_text(args.grid, args.method != "grid") | pairs(args.param, "--param"),
        constraint=args.constraint,
        metric=args.metric,
        maximize={None: None, "yes": True, "no": False}[args.maximize],
        method=args.method,
        trials=args.trials,
        executor=args.executor,
        workers=args.workers,
        progress=not args.quiet,
        resume=args.resume,
        **_options(args),
    )
    if args.report:
        found.report(args.report)
        print(f"report: {args.report}", file=sys.stderr)
    if args.csv:
        found.table.to_csv(args.csv)
        print(f"table: {args.csv}", file=sys.stderr)
    if args.json:
        print(json.dumps(found.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print(found._repr_mimebundle_()["text/plain"], end="\n\n")
        shown = list(dict.fromkeys((*found.parameters, found.metric, "total_return", "max_drawdown", "total_trades")))
        print(found.table.loc[found.ranking[: args.top], shown].to_string())
    return 0


def _walk_forward(args: argparse.Namespace) -> int:
    from .walking import walk_forward

    found = walk_forward(
        load_strategy(args.strategy),
        args.data,
        grid_from_text(args.grid, False) | pairs(args.param, "--param"),
        train=_length(args.train),
        test=_length(args.test),
        step=None if args.step is None else _length(args.step),
        anchored=args.anchored,
        purge=args.purge,
        min_trades=args.min_trades,
        flatten=args.flatten,
        constraint=args.constraint,
        metric=args.metric,
        maximize={None: None, "yes": True, "no": False}[args.maximize],
        executor=args.executor,
        workers=args.workers,
        progress=not args.quiet,
        **_options(args),
    )
    if args.report:
        found.report(args.report)
        print(f"report: {args.report}", file=sys.stderr)
    if args.json:
        print(json.dumps(found.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print(found._repr_mimebundle_()["text/plain"], end="\n\n")
        shown = found.windows[["test_start", "test_end", "train_metric", "test_metric", "trades", "note"]]
        print(found.parameters.join(shown).to_string())
    return 0


def _length(text: str) -> int | str:
    """Sessions where it is a number, else a duration."""
    return int(text) if text.isdecimal() else text


def _data_list(args: argparse.Namespace) -> int:
    from . import data

    datasets = data.list()
    if args.json:
        print(json.dumps([d.manifest for d in datasets], indent=2, default=str))
    else:
        print(datasets)
    return 0


def _template_list(args: argparse.Namespace) -> int:
    from . import gallery

    templates = gallery.templates()
    if args.json:
        print(json.dumps(templates, indent=2))
        return 0
    for template in templates:
        print(f"{template['id']:<22} {template['difficulty_level'].lower():<13} {template['name']}")
        print(f"{'':<22} {template['description']}")
    return 0


def _template_clone(args: argparse.Namespace) -> int:
    from . import gallery

    print(gallery.clone(args.id, Path(args.to)))
    return 0


def _add_run(run: argparse.ArgumentParser) -> None:
    """Add what a backtest and a sweep have in common."""
    run.add_argument("strategy", metavar="FILE.py:Class")
    run.add_argument("--data", required=True, help="dataset such as us-equities-daily/AAPL, or a CSV or Parquet file")
    run.add_argument("--start", help="first day of decisions; indicators warm up on earlier data")
    run.add_argument("--end", help="last day of the data")
    run.add_argument("--cash", type=float, default=100_000, help="starting cash (default 100000)")
    run.add_argument(
        "--commission", metavar="COST",
        help="fraction of notional per fill (0.001 = 0.1 %%), parts of al.Commission (per_share=0.005,minimum=1), or "
        "a JSON object of them (default: the profile's)",
    )  # fmt: skip
    run.add_argument(
        "--slippage", default="0", metavar="COST",
        help="fraction of the price, against the order, or parts of al.Slippage (spread=0.02,percent=0.0005)",
    )  # fmt: skip
    run.add_argument("--profile", default="default", help="rule set (default: default)")
    run.add_argument("--benchmark", help="dataset or file to compare with (default: buy and hold)")
    run.add_argument("--rule", action="append", default=[], metavar="NAME=VALUE", help="a fill rule")
    run.add_argument("--seed", type=int, default=0)
    run.add_argument("--risk-free-rate", type=float, default=0.0, help="annual")


def _add_test(run: argparse.ArgumentParser) -> None:
    _add_run(run)
    run.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the strategy")
    run.add_argument(
        "--check", action="append", default=[], metavar="TEXT",
        help="a check in place of those that the class carries, such as 'sharpe_ratio >= 0.8' or 'same fills'",
    )  # fmt: skip
    run.add_argument("--no-keep", action="store_true", help="the next test is not compared with this one")
    run.add_argument("--json", action="store_true", help="print the outcome as JSON")
    run.set_defaults(do=_test)


def _add_sweep(run: argparse.ArgumentParser) -> None:
    _add_run(run)
    run.add_argument(
        "--grid", action="append", default=[], metavar="NAME=VALUES",
        help="what to vary: fast=5:50:5 (both ends included), slow=20,50,100; with random and optuna also fast=5:50, "
        "everything in between",
    )  # fmt: skip
    run.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="a parameter that stays")
    run.add_argument("--constraint", metavar="TEXT", help="which combinations run, such as 'fast < slow'")
    run.add_argument("--metric", default="sharpe_ratio", help="metric to rank by (default: sharpe_ratio)")
    run.add_argument("--maximize", choices=("yes", "no"), help="whether more of it is better (default: as it is)")
    run.add_argument("--method", default="grid", choices=("grid", "random", "optuna"), help="(default: grid)")
    run.add_argument("--trials", type=int, help="variants with random and optuna (default: 100)")
    run.add_argument(
        "--executor", default="auto", metavar="NAME", help="auto, serial, threads, processes or dask://HOST:PORT"
    )
    run.add_argument("--workers", type=int, help="threads or processes (default: as many as cores)")
    run.add_argument(
        "--resume", nargs="?", const=True, metavar="FILE",
        help="keep what is finished, and go on from there: in FILE, or in the data folder",
    )  # fmt: skip
    run.add_argument("--top", type=int, default=10, help="variants to print (default: 10)")
    run.add_argument("--report", metavar="FILE.html", help="also write the report")
    run.add_argument("--csv", metavar="FILE.csv", help="also write the table of all variants")
    run.add_argument("--json", action="store_true", help="print all variants as JSON")
    run.add_argument("--quiet", action="store_true", help="no line of progress")
    run.set_defaults(do=_sweep)


def _add_walk_forward(run: argparse.ArgumentParser) -> None:
    _add_run(run)
    run.add_argument(
        "--grid", action="append", default=[], metavar="NAME=VALUES",
        help="what to vary: fast=5:50:5 (both ends included), slow=20,50,100",
    )  # fmt: skip
    run.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="a parameter that stays")
    run.add_argument("--constraint", metavar="TEXT", help="which combinations run, such as 'fast < slow'")
    run.add_argument("--train", required=True, metavar="LENGTH", help="sessions (504), or a duration: 2Y, 6M, 8W, 90D")
    run.add_argument("--test", required=True, metavar="LENGTH", help="likewise")
    run.add_argument("--step", metavar="LENGTH", help="from one test window to the next (default: as long as one)")
    run.add_argument("--anchored", action="store_true", help="every training window begins at the first session")
    run.add_argument("--purge", type=int, default=0, metavar="BARS", help="bars dropped at the end of training")
    run.add_argument("--min-trades", type=int, default=10, help="closed trades that a variant needs (default: 10)")
    run.add_argument("--flatten", action="store_true", help="close all positions between two windows")
    run.add_argument("--metric", default="sharpe_ratio", help="metric to choose by (default: sharpe_ratio)")
    run.add_argument("--maximize", choices=("yes", "no"), help="whether more of it is better (default: as it is)")
    run.add_argument(
        "--executor", default="auto", metavar="NAME", help="auto, serial, threads, processes or dask://HOST:PORT"
    )
    run.add_argument("--workers", type=int, help="threads or processes (default: as many as cores)")
    run.add_argument("--report", metavar="FILE.html", help="also write the report")
    run.add_argument("--json", action="store_true", help="print the windows as JSON")
    run.add_argument("--quiet", action="store_true", help="no line of progress")
    run.set_defaults(do=_walk_forward)


def parser() -> argparse.ArgumentParser:
    """The command line of ``alphintra``."""
    top = argparse.ArgumentParser(prog="alphintra", description="Backtests, data and templates from a terminal.")
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(dest="command", required=True)
    run = commands.add_parser("backtest", help="backtest a strategy in a file")
    _add_run(run)
    run.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the strategy")
    run.add_argument(
        "--check", action="store_true", help="also look for look-ahead; ends with 1 where there is some, or no telling"
    )
    run.add_argument("--report", metavar="FILE.html", help="also write the report")
    run.add_argument("--json", action="store_true", help="print the whole run as JSON")
    run.set_defaults(do=_backtest)
    _add_test(commands.add_parser("test", help="run the checks that a strategy carries; ends with 1 where one fails"))
    _add_sweep(commands.add_parser("sweep", help="backtest a strategy with many parameter sets"))
    _add_walk_forward(
        commands.add_parser("walk-forward", help="choose parameters on one stretch of data, trade them on the next")
    )
    data = commands.add_parser("data", help="datasets").add_subparsers(dest="what", required=True)
    listing = data.add_parser("list", help="list the datasets")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(do=_data_list)
    template = commands.add_parser("template", help="templates").add_subparsers(dest="what", required=True)
    listing = template.add_parser("list", help="list the templates")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(do=_template_list)
    clone = template.add_parser("clone", help="copy a template's notebook")
    clone.add_argument("id")
    clone.add_argument("--to", default=".", help="folder to put it in (default: here)")
    clone.set_defaults(do=_template_clone)
    return top


def _print_notes(error: BaseException) -> None:
    """Print what was said beside an error, such as how to go on."""
    for note in getattr(error, "__notes__", ()):
        print(f"alphintra: {note}", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 on success, 1 where ``--check`` or a check of ``test`` failed, 2 with a message on stderr for wrong input,
        130 after an interrupt.
    """
    args = parser().parse_args(argv)
    try:
        status: int = args.do(args)
    except AlphintraError as error:
        print(f"alphintra: {error.code}: {error}", file=sys.stderr)
        _print_notes(error)
        return 2
    except KeyboardInterrupt as error:
        print("alphintra: interrupted", file=sys.stderr)
        _print_notes(error)
        return 130
    except SyntaxError as error:
        print(f"alphintra: SYNTAX_ERROR: {error.msg} ({error.filename}, line {error.lineno})", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 0
    return status


if __name__ == "__main__":
    raise SystemExit(main())
