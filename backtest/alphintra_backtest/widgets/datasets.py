"""Datasets to look through: one of them, or a symbol of one that ships, with its chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import alphintra.data as market_data
import ipywidgets
from alphintra.data.dataset import Dataset
from alphintra.errors import ParameterError

from .screen import Screen

_STYLE = {"description_width": "60px"}


class Datasets(ipywidgets.VBox):  # type: ignore[misc]
    """See ``alphintra.widgets.datasets``.

    Args:
        data: Names and data of the trader's own, which come before those that ship.

    Attributes:
        dataset: List of the datasets.
        symbol: List of the symbols of one that ships; an empty one stands for all.
        screen: Where the chosen one is shown.
    """

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        if data is not None and not isinstance(data, Mapping):
            raise ParameterError(
                f"data is a mapping of names to data, got {type(data).__name__}", where="data",
                hint='such as {"mine": frame}',
            )  # fmt: skip
        self._own = {str(name): given for name, given in (data or {}).items()}
        self._shipped = {item.name: item for item in market_data.list() if item.name not in self._own}
        titles = [(name, name) for name in self._own]
        titles += [(f"{item.manifest['title']} ({name})", name) for name, item in self._shipped.items()]
        self.dataset = ipywidgets.Dropdown(
            options=titles, description="dataset", style=_STYLE, layout={"width": "460px"}
        )
        self.symbol = ipywidgets.Dropdown(
            options=self._symbols(), description="symbol", style=_STYLE, layout={"width": "200px"}
        )
        self.screen = Screen()
        lists = ipywidgets.Box([self.dataset, self.symbol], layout={"flex_flow": "row wrap"})
        super().__init__([lists, self.screen])
        self.dataset.observe(self._on_dataset, names="value")
        self.symbol.observe(lambda _: self._ask(), names="value")
        self._ask()

    @property
    def name(self) -> str:
        """What is chosen, as ``alphintra.backtest`` takes a dataset that ships."""
        return f"{self.dataset.value}/{self.symbol.value}" if self.symbol.value else str(self.dataset.value)

    @property
    def chosen(self) -> Dataset:
        """What is chosen.

        Raises:
            DataError: It cannot be used.
        """
        return market_data.load(self._own.get(self.dataset.value, self.name))

    def _symbols(self) -> list[tuple[str, str]]:
        shipped = self._shipped.get(self.dataset.value)
        symbols = shipped.symbols if shipped is not None and len(shipped.symbols) > 1 else ()
        return [("all", ""), *((symbol, symbol) for symbol in symbols)]

    def _on_dataset(self, _: Any) -> None:
        # Which may choose another symbol, and so ask for the same once more: the last one is shown.
        self.symbol.options = self._symbols()
        self._ask()

    def _ask(self) -> None:
        self.screen.ask(lambda: self.chosen, f"Reading {self.name} …")
