"""What the list says of tables, arrays and models of the libraries that traders use."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from alphintra_backtest.formats import text

from alphintra_kernel.variables.described import Described, counted, extent, joined, listed, named
from alphintra_kernel.variables.reading import array, attributes, bases, class_attributes, class_name, plain, trusted

#: Columns that make a table one of prices.
_PRICES = frozenset({"open", "high", "low", "close"})
#: Kinds of NumPy's types whose values are numbers or times.
_NUMBERS = frozenset("fiubmM")


def has_prices(frame: Any) -> bool:
    """Whether a table of pandas has the columns of bars."""
    columns = _index(frame, 0)
    names = () if columns is None or len(columns) > 100 else columns.tolist()
    return {name.lower() for name in names if type(name) is str} >= _PRICES


def is_series(thing: Any) -> bool:
    """Whether a table of pandas has one axis."""
    return len(attributes(thing)["_mgr"].axes) == 1


def frame(thing: Any) -> Described:
    """A DataFrame of pandas, of whatever class."""
    columns, index = _index(thing, 0), _index(thing, 1)
    if columns is None or index is None:
        return Described(summary=f"a DataFrame with an index of its own kind, {class_name(type(thing))}")
    names = listed(columns[:20].tolist())
    return Described(extent(len(index), len(columns)), _bytes(thing), joined(_span(index), names))


def series(thing: Any) -> Described:
    """A Series of pandas, of whatever class."""
    index = _index(thing, 0)
    if index is None:
        return Described(summary=f"a Series with an index of its own kind, {class_name(type(thing))}")
    values, last = array(_blocks(thing)[0].values), ""
    if values is not None and len(values) and values.dtype.kind in "fiub":
        last = f"last {text(float(values[-1]), 'price')}"
    name = attributes(thing).get("_name")
    dtype = f"{values.dtype}" if values is not None else ""
    summary = joined("" if name is None else plain(name) or "", dtype, _span(index), last)
    return Described(counted(len(index), "value"), _bytes(thing), summary)


def _index(thing: Any, axis: int) -> Any:
    # Rows of a Series and columns of a DataFrame are the first axis. ``None``: a class of somebody else's.
    found = attributes(thing)["_mgr"].axes[axis]
    return found if trusted(type(found)) else None


def _blocks(thing: Any) -> Any:
    return attributes(thing)["_mgr"].blocks


def _bytes(thing: Any) -> int | None:
    total = 0
    for block in _blocks(thing):
        values = block.values
        if not trusted(type(values)):
            return None
        total += int(values.nbytes)
    return total


def _span(index: Any) -> str:
    """First and last time of an index of times."""
    if not len(index) or class_name(type(index)) != "DatetimeIndex":
        return ""
    first, last = (str(index[at])[:16].removesuffix(" 00:00") for at in (0, -1))
    return f"{first} to {last}"


def polars_frame(thing: Any) -> Described:
    """A DataFrame of Polars."""
    return Described(extent(thing.height, thing.width), int(thing.estimated_size()), listed(thing.columns))


def arrow_table(thing: Any) -> Described:
    """A table of Arrow."""
    return Described(extent(thing.num_rows, thing.num_columns), int(thing.nbytes), listed(thing.column_names))


def is_data(values: Any) -> bool:
    """Whether an array of NumPy holds more than one number or time."""
    return bool(values.dtype.kind in _NUMBERS and values.ndim and values.size > 1)


def numpy_array(thing: Any) -> Described:
    """An array of numbers."""
    ends = ""
    if thing.ndim == 1:
        ends = f"{plain(thing[0])} … {plain(thing[-1])}" if thing.dtype.kind in "fiub" else f"{thing[0]} … {thing[-1]}"
    size = counted(len(thing), "value") if thing.ndim == 1 else extent(*thing.shape)
    return Described(size, int(thing.nbytes), joined(str(thing.dtype), ends))


def model(thing: Any) -> Described:
    """An estimator of scikit-learn, or of a library or trader that builds on it."""
    found = {name: value for name, value in attributes(thing).items() if type(name) is str and not name.startswith("_")}
    learned = [name for name in found if name.endswith("_")]
    features = found.get("n_features_in_")
    count = f", {counted(features, 'feature')}" if type(features) is int else ""
    parts = [f"fitted{count}" if learned else "not fitted"]
    steps = found.get("steps")
    if type(steps) is list:  # a pipeline is as fitted as its last step
        inner = [step[1] for step in steps if type(step) is tuple and len(step) == 2]
        if inner and not learned:
            parts = [model(inner[-1]).summary.partition(";")[0]] if attributes(inner[-1]) else []
        return Described(summary=joined(*parts, " → ".join(class_name(type(one)) for one in inner)))
    usual = _defaults(type(thing))
    given = [
        (name, value) for name, value in found.items() if name not in learned and plain(value) != usual.get(name, "")
    ]
    return Described(summary=joined(*parts, named(given)))


def _defaults(cls: type) -> dict[str, str | None]:
    """The plain defaults of what makes an object of a class."""
    for base in bases(cls):
        made = class_attributes(base).get("__init__")
        if type(made) is FunctionType:
            names = made.__code__.co_varnames[: made.__code__.co_argcount]
            given = made.__defaults__ or ()
            found = dict(zip(names[len(names) - len(given) :], given, strict=True)) | (made.__kwdefaults__ or {})
            return {name: plain(value) for name, value in found.items()}
        if made is not None:
            break
    return {}
