"""Reading a trader's objects without running code of theirs.

An attribute may be a property that never ends, a class may have a metaclass that answers for it, and a text, a length,
a comparison or a class may be asked of the object itself. So nothing here asks the object: classes and attributes are
read as Python keeps them, and a value is used where its class is exactly one that is known.
"""

from __future__ import annotations

import sys
from datetime import datetime
from types import GetSetDescriptorType, MappingProxyType
from typing import Any

_MRO = type.__dict__["__mro__"].__get__
_CLASS_DICT = type.__dict__["__dict__"].__get__
_NAME = type.__dict__["__name__"].__get__
_QUALNAME = type.__dict__["__qualname__"].__get__
_MODULE = type.__dict__["__module__"].__get__

#: Characters of a name or value inside a line.
SHORT = 60
_LARGEST = 10**15
_NUMBERS = frozenset({"float64", "float32", "int64", "int32", "bool"})
#: Whose classes do what their documentation says.
_LIBRARIES = frozenset(
    {"alphintra", "alphintra_backtest", "alphintra_kernel", "numpy", "pandas", "polars", "pyarrow", "sklearn"}
)


def classes(thing: Any) -> tuple[type, ...]:
    """An object's class and what it comes of."""
    return bases(type(thing))


def bases(cls: type) -> tuple[type, ...]:
    """A class and what it comes of."""
    found: tuple[type, ...] = _MRO(cls)
    return found


def is_class(thing: Any) -> bool:
    """Whether it is a class."""
    return any(cls is type for cls in classes(thing))


def class_name(cls: type) -> str:
    """The name of a class."""
    return shortened(_NAME(cls))


def class_attributes(cls: type) -> MappingProxyType[str, Any]:
    """What a class has itself."""
    found: MappingProxyType[str, Any] = _CLASS_DICT(cls)
    return found


def attributes(thing: Any) -> dict[str, Any]:
    """A copy of what an object has itself; empty where it is kept in another way."""
    for cls in classes(thing):
        slot = _CLASS_DICT(cls).get("__dict__")
        if slot is not None:
            found = slot.__get__(thing) if type(slot) is GetSetDescriptorType else None
            return found.copy() if type(found) is dict else {}
    return {}


def trusted(cls: type) -> bool:
    """Whether a class is one of the libraries that are known: not by its name alone, it must be found there."""
    module, name = _MODULE(cls), _QUALNAME(cls)
    if type(module) is not str or module.partition(".")[0] not in _LIBRARIES:
        return False
    place: Any = sys.modules.get(module)
    for part in name.split("."):
        if place is None:
            return False
        place = (vars(place) if place is sys.modules.get(module) else _CLASS_DICT(place)).get(part)
        if place is not cls and not is_class(place):
            return False
    return place is cls


def shortened(text: str, most: int = SHORT) -> str:
    """A text on one line, cut."""
    line = " ".join(text[: 4 * most].split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def plain(value: Any) -> str | None:
    """A number, truth, text or time in short; ``None`` for anything else."""
    kind = type(value)
    if kind is str:
        return shortened(value)
    if value is None or kind is bool:
        return str(value)
    if kind is int:
        return str(value) if -_LARGEST < value < _LARGEST else f"{value:.3e}" if value.bit_length() < 1000 else "…"
    if kind is float:
        return f"{value:.6g}"
    if kind is datetime:
        return str(value)
    if _NAME(kind) in _NUMBERS and trusted(kind):
        return plain(value.item())
    return None


def array(value: Any) -> Any:
    """A NumPy array; ``None`` for anything else, subclasses included."""
    numpy = sys.modules.get("numpy")
    return value if numpy is not None and type(value) is numpy.ndarray else None
