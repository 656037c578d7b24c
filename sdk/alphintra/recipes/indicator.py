"""A column, or several, from an indicator."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from alphintra.errors import DataError, ParameterError
from alphintra.recipes import parameters
from alphintra.recipes.derive import check_new, made
from alphintra.recipes.rows import Rows, Shape
from alphintra.recipes.step import Context, Numbers, Outcome, Step
from alphintra.store.columns import numbers

_MOST = 1_000_000


def names() -> tuple[str, ...]:
    """Return the indicators that there are."""
    from alphintra._talib import talib

    return tuple(talib.get_functions())  # type: ignore[no-untyped-call]


@lru_cache(maxsize=256)
def about(name: str) -> tuple[tuple[str, ...], dict[str, float], tuple[str, ...]]:
    """Return an indicator's inputs (``close`` where it takes any column), parameters with defaults, and outputs."""
    from alphintra._talib import described

    info = described(name)
    inputs: list[str] = []
    for value in info["input_names"].values():
        inputs += [value] if isinstance(value, str) else value
    return tuple(inputs), dict(info["parameters"]), tuple(info["output_names"])


@dataclass(frozen=True, kw_only=True)
class Indicator(Step):
    """Make a column of each output of an indicator of `al.ta`, such as `SMA`, `RSI` or `MACD`.

    Rows in which an input is missing are left out of it, and it is missing there.
    """

    kind: ClassVar[str] = "indicator"

    function: str = parameters.choice("Which, by TA-Lib's name.", names)
    name: str | None = parameters.text("Name of the column; several outputs have theirs after it.", None)
    inputs: tuple[str, ...] = parameters.columns("Columns that it reads; none: those with the roles that it asks for.")
    settings: dict[str, float] = parameters.numbers(  # noqa: RUF009 - it declares a field
        "Its own parameters, such as `timeperiod`; left out: TA-Lib's defaults."
    )

    def check(self) -> None:
        """See :class:`Step`."""
        wanted, given, _ = about(self.function)
        for name, value in self.settings.items():
            if name not in given:
                hint = f"{self.function} has {', '.join(given) or 'none'}."
                raise ParameterError(f"there is no parameter {name!r}", where=f"settings, {name}", hint=hint)
            if abs(value) > _MOST:
                raise ParameterError(f"{value:g} is beyond {_MOST:,}", where=f"settings, {name}")
            if isinstance(given[name], int) and value != int(value):
                raise ParameterError(f"{value:g} is no whole number", where=f"settings, {name}")
        if self.inputs and len(self.inputs) != len(wanted):
            raise ParameterError(
                f"{len(self.inputs)} columns", where="inputs", hint=f"{self.function} reads {', '.join(wanted)}."
            )
        try:
            # TA-Lib itself tells whether its parameters can be.
            self._call([np.linspace(1.0, 2.0, 4) for _ in wanted])
        except Exception as error:  # noqa: BLE001 - the class that TA-Lib raises
            raise ParameterError(
                f"TA-Lib refuses the parameters of {self.function}: {str(error)[:120]}", where="settings"
            ) from None

    @property
    def mixes_rows(self) -> bool:
        """See :class:`Step`."""
        return True

    def plan(self, shape: Shape, context: Context) -> Shape:
        """See :class:`Step`."""
        used = self._inputs(shape)
        columns = []
        for name in self._outputs():
            check_new(shape, name)
            columns.append(made(name, shape, used))
        return shape.having(*columns)

    def run(self, rows: Rows, shape: Shape, context: Context, fitted: Numbers) -> Outcome:
        """See :class:`Step`."""
        inputs = [rows.numbers(name) for name in self._inputs(rows.shape)]
        # TA-Lib never recovers from a number that is missing.
        there = np.flatnonzero(np.logical_and.reduce([np.isfinite(values) for values in inputs]))
        outputs = [np.full(len(rows), np.nan) for _ in self._outputs()]
        if len(there):
            for out, part in zip(outputs, self._call([values[there] for values in inputs]), strict=True):
                out[there] = part
        made_of = dict(zip(self._outputs(), (numbers(out) for out in outputs), strict=True))
        return Outcome({**rows.arrays, **made_of})

    def _call(self, inputs: list[Any]) -> list[Any]:
        from alphintra._talib import talib

        _, given, _ = about(self.function)
        values = {name: int(v) if isinstance(given[name], int) else v for name, v in self.settings.items()}
        found = getattr(talib, self.function)(*(np.ascontiguousarray(part) for part in inputs), **values)
        return [np.asarray(part, dtype=np.float64) for part in (found if isinstance(found, tuple) else (found,))]

    def _outputs(self) -> list[str]:
        outputs = about(self.function)[2]
        base = self.name or self.function.lower()
        if len(outputs) == 1:
            return [base]
        # MACD's outputs are macd, macdsignal and macdhist already.
        plain = self.name is None and all(output.startswith(base) for output in outputs)
        return [output if plain else f"{base}_{output}" for output in outputs]

    def _inputs(self, shape: Shape) -> tuple[str, ...]:
        if self.inputs:
            shape.numeric(self.inputs)
            return self.inputs
        found = []
        for wanted in about(self.function)[0]:
            column = shape.role(wanted)
            if column is None:
                raise DataError(
                    f"{self.function} reads a column with the role {wanted!r}, and there is none",
                    code="UNKNOWN_COLUMN", where="inputs", hint="Name the columns in inputs=[…].",
                )  # fmt: skip
            found.append(column.name)
        shape.numeric(found)
        return tuple(found)

