"""The ``alphintra`` command: backtest a file, list data, list and clone templates."""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ._version import __version__
from .costs import cost_from_text
from .errors import AlphintraError, ParameterError
from .strategy import Strategy


def literal(text: str) -> Any:
    """A value as typed on a command line: JSON where it parses (numbers, true, null), else the text."""
    try:
        return json.loads({"None": "null", "True": "true", "False": "false"}.get(text, text))
    except json.JSONDecodeError:
        return text


def pairs(items: Sequence[str], what: str) -> dict[str, Any]:
    """``NAME=VALUE`` arguments as a dict.

    Raises:
        ParameterError: An argument without ``=``.
    """
    found = {}
    for item in items:
        name, sign, value = item.partition("=")
        if not sign or not name.strip():
            raise ParameterError(f"{what} {item!r} is not NAME=VALUE", where=what)
        found[name.strip()] = literal(value.strip())
    return found


def load_strategy(target: str) -> type[Strategy]:
    """The strategy class named by ``FILE.py:Class``; the class may be left out where the file has one.

    Raises:
        ParameterError: No such file or class, or several classes to choose from.
        SyntaxError: The file does not parse.
    """
    name, _, class_name = target.partition(":")
    path = Path(name)
    if not path.is_file():
        raise ParameterError(f"no file {name!r}", hint="give FILE.py:Class", where="strategy")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ParameterError(f"{name!r} is not a Python file", where="strategy")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.resolve().parent))
    spec.loader.exec_module(module)
    classes = {
        n: c
        for n, c in vars(module).items()
        if inspect.isclass(c) and issubclass(c, Strategy) and c.__module__ == path.stem
    }
    if class_name:
        if class_name not in classes:
            have = ", ".join(classes) or "none"
            raise ParameterError(f"{name} has no strategy {class_name!r}", hint=f"it has: {have}", where="strategy")
        return classes[class_name]
    if len(classes) != 1:
        raise ParameterError(
            f"{name} has {len(classes)} strategies", hint="name one: " + ", ".join(f"{name}:{n}" for n in classes)
        )
    return next(iter(classes.values()))


def _backtest(args: argparse.Namespace) -> int:
    from .backtesting import backtest

    rules = pairs(args.rule, "--rule")
    result = backtest(
        load_strategy(args.strategy),
        args.data,
        start=args.start,
        end=args.end,
        cash=args.cash,
        commission=None if args.commission is None else cost_from_text(args.commission, "commission"),
        slippage=cost_from_text(args.slippage, "slippage"),
        profile=args.profile,
        benchmark=args.benchmark,
        params=pairs(args.param, "--param"),
        seed=args.seed,
        risk_free_rate=args.risk_free_rate,
        check=args.check,
        **rules,
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


def parser() -> argparse.ArgumentParser:
    """The command line of ``alphintra``."""
    top = argparse.ArgumentParser(prog="alphintra", description="Backtests, data and templates from a terminal.")
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(dest="command", required=True)
    run = commands.add_parser("backtest", help="backtest a strategy in a file")
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
    run.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the strategy")
    run.add_argument("--rule", action="append", default=[], metavar="NAME=VALUE", help="a fill rule")
    run.add_argument("--seed", type=int, default=0)
    run.add_argument("--risk-free-rate", type=float, default=0.0, help="annual")
    run.add_argument(
        "--check", action="store_true", help="also look for look-ahead; ends with 1 where there is some, or no telling"
    )
    run.add_argument("--report", metavar="FILE.html", help="also write the report")
    run.add_argument("--json", action="store_true", help="print the whole run as JSON")
    run.set_defaults(do=_backtest)
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


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 on success, 1 where ``--check`` failed, 2 with a message on stderr for wrong input."""
    args = parser().parse_args(argv)
    try:
        status: int = args.do(args)
    except AlphintraError as error:
        print(f"alphintra: {error.code}: {error}", file=sys.stderr)
        return 2
    except SyntaxError as error:
        print(f"alphintra: SYNTAX_ERROR: {error.msg} ({error.filename}, line {error.lineno})", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 0
    return status


if __name__ == "__main__":
    raise SystemExit(main())
