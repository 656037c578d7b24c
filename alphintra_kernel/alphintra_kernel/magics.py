"""``%backtest``: run a strategy of the notebook from one line and show the result."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from alphintra_kernel import failures

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_PAIR = "NAME=VALUE"
_OPTIONS = (
    *("start", "end", "cash", "commission", "slippage"),
    *("profile", "benchmark", "seed", "risk_free_rate"),
)


@magics_class
class BacktestMagics(Magics):  # type: ignore[misc]
    """The magics of the Alphintra kernel."""

    @magic_arguments()
    @argument("strategy", help="Name of a strategy class in this notebook.")
    @argument("--data", required=True, help="Dataset, file, or a variable that holds a DataFrame.")
    @argument("--start", help="First date.")
    @argument("--end", help="Last date.")
    @argument("--cash", type=float, help="Starting cash.")
    @argument("--commission", metavar="COST", help="Fraction of notional, or parts: per_share=0.005,minimum=1.")
    @argument("--slippage", metavar="COST", help="Fraction of price, or parts: spread=0.02,percent=0.0005.")
    @argument("--profile", help="Name of a set of simulation rules.")
    @argument("--benchmark", help="Dataset to compare with.")
    @argument("--seed", type=int, help="Seed of the strategy's random numbers.")
    @argument("--risk-free-rate", type=float, help="Yearly fraction.")
    @argument("--check", action="store_true", help="Also look for look-ahead.")
    @argument("--param", action="append", default=[], metavar=_PAIR, help="Parameter; may be repeated.")
    @argument(
        "--rule",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="A simulation rule; may be repeated.",
    )
    @line_magic
    def backtest(self, line: str) -> Any:
        """Run a backtest: ``%backtest SmaCross --data us-equities-daily/AAPL --param fast=20``."""
        import alphintra
        from alphintra.costs import cost_from_text

        arguments = parse_argstring(self.backtest, line)
        assert self.shell is not None
        names = self.shell.user_ns
        strategy = names.get(arguments.strategy)
        if not isinstance(strategy, type):
            raise UsageError(
                f"{arguments.strategy} is not a class of this notebook; run the cell that defines it"
            )
        data = _unquoted(arguments.data)
        settings = {
            name: getattr(arguments, name) for name in _OPTIONS if getattr(arguments, name) is not None
        }
        for name in ("commission", "slippage"):
            if name in settings:
                settings[name] = cost_from_text(_unquoted(settings[name]), name)
        return alphintra.backtest(
            strategy,
            data=names[data] if data in names and data.isidentifier() else data,
            params=assignments(arguments.param, "--param") or None,
            check=arguments.check,
            **settings,
            **assignments(arguments.rule, "--rule"),
        )

    @line_magic
    def network(self, line: str) -> None:
        """Switch the network of this trader's kernels: ``%network``, ``%network on``, ``%network off``.

        It holds from the next start of a kernel on.
        """
        from alphintra_kernel import isolation, kernel_home, levels

        wish = line.strip().lower()
        if wish not in {"", "on", "off"}:
            raise UsageError("%network takes on or off; without either it says what holds")
        found = isolation.own()
        if found.level not in levels.OWN_FILES:
            raise UsageError("the network cannot be switched: this kernel is not sandboxed")
        if wish:
            kernel_home.switch_network(wish == "on")
        now = "on" if found.network else "off"
        print(f"Network: {now}." if wish in {"", now} else f"Network: {now}; {wish} once the kernel is restarted.")  # noqa: T201


def assignments(texts: list[str], option: str) -> dict[str, Any]:
    """Read ``NAME=VALUE`` texts; a value is a Python literal or else text.

    Raises:
        UsageError: There is no ``=``.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = _unquoted(text).partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"{option} takes NAME=VALUE, not {text!r}")
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            found[name] = value
    return found


def _unquoted(text: str) -> str:
    """Drop quotes, which IPython leaves on: ``--data "my file.csv"``."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics, and what a failed cell shows (``%load_ext alphintra_kernel.magics``)."""
    shell.register_magics(BacktestMagics)
    shell.events.register("post_run_cell", failures.show)
