"""Results to choose from: one is shown whole, several are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets
from alphintra.comparing import compare
from alphintra.errors import ParameterError
from alphintra.result import Result

from alphintra_backtest.comparison import named

from .screen import Screen

#: Rows of the list that are seen at once.
ROWS = 8


class Results(ipywidgets.VBox):  # type: ignore[misc]
    """See ``alphintra.widgets.results``.

    Args:
        results: What ``alphintra.backtest`` returned, one or more, or a mapping of names to them.

    Attributes:
        results: The results by name.
        chooser: The list.
        screen: Where the chosen ones are shown.
    """

    def __init__(self, results: Result | Sequence[Result] | Mapping[str, Result]) -> None:
        self.results = _by_name(results)
        names = list(self.results)
        self.chooser = ipywidgets.SelectMultiple(
            options=names, value=names[:1], rows=min(ROWS, len(names)), layout={"width": "100%"},
            tooltip="Several are compared: Ctrl or Shift, and click",
        )  # fmt: skip
        self.chooser.observe(lambda _: self._ask(), names="value")
        self.screen = Screen()
        super().__init__([self.chooser, self.screen])
        self.screen.show(self.results[names[0]])

    @property
    def chosen(self) -> list[Result]:
        """The results that are chosen."""
        return [self.results[name] for name in self.chooser.value]

    def _ask(self) -> None:
        names = list(self.chooser.value)
        doing = f"Comparing {len(names)} results …" if len(names) > 1 else "Drawing …"
        self.screen.ask(lambda: self._made(names), doing)

    def _made(self, names: list[str]) -> Any:
        if len(names) > 1:
            return compare({name: self.results[name] for name in names})
        return self.results[names[0]] if names else None


def _by_name(results: Any) -> dict[str, Result]:
    if isinstance(results, Result):
        results = [results]
    elif not isinstance(results, Sequence | Mapping) or isinstance(results, str | bytes):
        raise ParameterError(
            f"results are what al.backtest returned, got {type(results).__name__}", where="results"
        )
    given = list(results.values()) if isinstance(results, Mapping) else list(results)
    if not given:
        raise ParameterError("there is no result to show", where="results")
    for i, result in enumerate(given):
        if not isinstance(result, Result):
            raise ParameterError(f"{type(result).__name__} is no Result", where=f"results[{i}]")
    names = [str(name) for name in results] if isinstance(results, Mapping) else named([r.run for r in given])
    return dict(zip(names, given, strict=True))
