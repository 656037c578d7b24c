"""A strategy's parameters as sliders and fields; each change runs the backtest again."""

from __future__ import annotations

from typing import Any

import ipywidgets
from alphintra.backtesting import backtest
from alphintra.errors import ParameterError, SignalsError, StrategyError, WarmUpError
from alphintra.params import Param, bind, declared
from alphintra.result import Result

from .screen import Screen

#: Steps of a slider whose parameter names none.
STEPS = 100
_STYLE = {"description_width": "90px"}
_FIELD = {"width": "320px"}
_FORM = {"flex_flow": "row wrap", "align_items": "center"}


class Parameters(ipywidgets.VBox):  # type: ignore[misc]
    """See ``alphintra.widgets.parameters``.

    Args:
        strategy: The class.
        data: As for ``alphintra.backtest``.
        options: All other arguments of ``alphintra.backtest``; ``params`` are the values to begin with.

    Attributes:
        result: The last run that came to its end; ``None`` before.
        controls: The slider or field of each parameter by name.
        screen: Where the result is shown, or the error.
    """

    def __init__(self, strategy: type, data: Any, **options: Any) -> None:
        if not isinstance(strategy, type):
            raise ParameterError(
                f"the strategy is a class, got {type(strategy).__name__}", where="strategy", hint="leave out the ()"
            )
        self._start = bind(strategy, options.pop("params", None))
        self._strategy, self._data, self._options = strategy, data, options
        self.result: Result | None = None
        failed: Exception | None = None
        try:
            self._run(self._start)
        except (StrategyError, WarmUpError, SignalsError) as error:
            failed = error  # of these values; a mistake in the call itself is the cell's
        self._held = False
        self.controls = {n: control(n, param, self._start[n]) for n, param in declared(strategy).items()}
        for made in self.controls.values():
            made.observe(self._on_change, names="value")
        first = ipywidgets.Button(description="First values", tooltip="The values it began with")
        first.on_click(lambda _: self.set(**self._start))
        none = ipywidgets.HTML(f"{strategy.__name__} has no parameters.")
        self.screen = Screen()
        super().__init__([
            ipywidgets.Box([*self.controls.values(), first] if self.controls else [none], layout=_FORM), self.screen
        ])  # fmt: skip
        if failed is None:
            self.screen.show(self.result)
        else:
            self.screen.fail(failed)

    @property
    def values(self) -> dict[str, Any]:
        """The parameters as they are set."""
        return {name: made.value for name, made in self.controls.items()}

    @property
    def error(self) -> BaseException | None:
        """What the last run raised; ``None`` where it came to its end."""
        return self.screen.error

    def set(self, **values: Any) -> None:
        """Set several parameters, and run once.

        Raises:
            ParameterError: There is none of this name, or a value is out of its bounds.
        """
        bound = bind(self._strategy, {**self.values, **values})
        self._held = True
        try:
            for name in values:
                self.controls[name].value = bound[name]
        finally:
            self._held = False
        self._ask()

    def _on_change(self, _: Any) -> None:
        if not self._held:
            self._ask()

    def _ask(self) -> None:
        values = self.values
        named = ", ".join(f"{name} {value}" for name, value in values.items())
        self.screen.ask(lambda: self._run(values), f"Running {self._strategy.__name__} with {named} …")

    def _run(self, values: dict[str, Any]) -> Result:
        self.result = backtest(self._strategy, self._data, params=values, **self._options)
        return self.result


def control(name: str, param: Param[Any], value: Any) -> Any:
    """The slider or field of a parameter; the browser tells its value when it is let go."""
    shared: dict[str, Any] = {
        "value": value, "description": name, "tooltip": param.description or name, "style": _STYLE, "layout": _FIELD,
    }  # fmt: skip
    if param.choices is not None:
        return ipywidgets.Dropdown(options=list(param.choices), **shared)
    if isinstance(value, bool):
        return ipywidgets.Checkbox(**shared)
    shared["continuous_update"] = False
    if isinstance(value, str):
        return ipywidgets.Text(**shared)
    whole = isinstance(value, int)
    if param.low is None or param.high is None:
        return (ipywidgets.IntText if whole else ipywidgets.FloatText)(**shared)
    if whole:
        step = max(1, int(param.step or 1))
        return ipywidgets.IntSlider(min=int(param.low), max=int(param.high), step=step, **shared)
    part = param.step or (param.high - param.low) / STEPS
    digits = len(f"{part:.6f}".rstrip("0").partition(".")[2])
    return ipywidgets.FloatSlider(min=param.low, max=param.high, step=part, readout_format=f".{digits}f", **shared)
