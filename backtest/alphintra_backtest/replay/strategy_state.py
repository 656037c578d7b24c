"""A strategy's own attributes at one moment: copied, with what belongs to the run shared; put back; compared.

A copy is what ``pickle`` makes of the attributes, so its size is known and one that equals the last costs nothing. What
never changes, or is not the strategy's own, is shared and not copied: the run and its views, handles of orders, arrays
that nobody can write to (``self.data.close[-20:]``), functions, classes and modules. What is held twice stays one
thing: an array and its slice, a list under two names.

Not part of it is what a strategy keeps elsewhere: variables of a module, attributes of a class, files.
"""

from __future__ import annotations

import functools
import io
import pickle
import types
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Attributes that the run gives to a strategy.
OF_THE_RUN = ("_run", "data")
_SHARED = (type, types.FunctionType, types.ModuleType, np.ufunc, np.dtype, functools._lru_cache_wrapper)
_OURS = ("alphintra.", "alphintra_backtest.")


class UncopiableError(Exception):
    """An attribute cannot be copied.

    Attributes:
        name: The attribute; empty where each can be copied, but not all together.
        kind: Name of its type.
    """

    def __init__(self, name: str, kind: str, reason: str) -> None:
        self.name = name
        self.kind = kind
        super().__init__(f"self.{name} ({kind}): {reason}" if name else reason)


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Attributes at one moment.

    Attributes:
        content: What was copied.
        shared: What was not.
    """

    content: bytes
    shared: tuple[Any, ...]

    def same(self, other: State) -> bool:
        """Whether both are copies of one and the same state."""
        return (
            self.content == other.content
            and len(self.shared) == len(other.shared)
            and all(a is b for a, b in zip(self.shared, other.shared, strict=True))
        )

    @property
    def size(self) -> int:
        """Bytes it takes; an array that is shared counts where it has memory of its own."""
        arrays = sum(a.nbytes for a in self.shared if isinstance(a, np.ndarray) and a.base is None)
        return len(self.content) + 8 * len(self.shared) + arrays

    def attributes(self) -> dict[str, Any]:
        """The attributes, made anew."""
        loaded: dict[str, Any] = _Reader(io.BytesIO(self.content), self.shared).load()
        return loaded


def copied(instance: Any) -> State:
    """Copy what a strategy holds.

    Raises:
        UncopiableError: Names the attribute.
    """
    own = {name: value for name, value in vars(instance).items() if name not in OF_THE_RUN}
    try:
        return _copied(own, instance)
    except Exception as error:
        for name, value in own.items():
            try:
                _copied(value, instance)
            except Exception as reason:
                raise UncopiableError(name, type(value).__name__, _short(reason)) from reason
        raise UncopiableError("", "", _short(error)) from error


def put_back(instance: Any, state: State) -> None:
    """Give a strategy the attributes that it had."""
    own = state.attributes()
    for name in OF_THE_RUN:
        own[name] = instance.__dict__[name]
    instance.__dict__.clear()
    instance.__dict__.update(own)


def parts(instance: Any) -> dict[str, State | Any]:
    """Each attribute for itself: a copy, or the thing itself where it cannot be copied."""
    found: dict[str, State | Any] = {}
    for name, value in vars(instance).items():
        if name not in OF_THE_RUN:
            try:
                found[name] = _copied(value, instance)
            except Exception:  # noqa: BLE001
                found[name] = value
    return found


def differences(before: dict[str, Any], after: dict[str, Any], instance: Any) -> list[tuple[str, Any, Any]]:
    """(name, before, after) of the attributes that are not what they were; ``None`` for one that is not there."""
    found = []
    for name in {**before, **after}:
        if name in OF_THE_RUN:
            continue
        if name not in before or name not in after:
            found.append((name, before.get(name), after.get(name)))
            continue
        old, new = before[name], after[name]
        if old is new:
            continue
        try:
            same = _copied(old, instance).same(_copied(new, instance))
        except Exception:  # noqa: BLE001
            same = False
        if not same and not _equal(old, new):
            found.append((name, old, new))
    return found


def _equal(old: Any, new: Any) -> bool:
    """Whether two values are equal though their copies differ: a set in another order."""
    try:
        return type(old) is type(new) and bool(old == new)
    except Exception:  # noqa: BLE001 - an array has no one truth
        return False


def _short(error: BaseException) -> str:
    return str(error)[:200] or type(error).__name__


def _copied(value: Any, instance: Any) -> State:
    file = io.BytesIO()
    writer = _Writer(file, instance)
    writer.dump(value)
    return State(file.getvalue(), tuple(writer.shared))


def _shared(number: int) -> Any:
    """Stands in a copy for what is shared; the reader knows where it is."""
    raise RuntimeError(f"a copy of a state is read by its reader alone ({number})")


class _Writer(pickle.Pickler):
    def __init__(self, file: io.BytesIO, instance: Any) -> None:
        super().__init__(file, protocol=5)
        self.shared: list[Any] = []
        self._instance = instance
        self._rng = instance._run._rng  # its state is the session's

    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        if kind is np.ndarray:
            return self._array(value)
        if kind is types.MethodType:
            return types.MethodType, (value.__func__, value.__self__)
        if kind is types.BuiltinFunctionType:
            bound = value.__self__ is not None and not isinstance(value.__self__, types.ModuleType)
            return NotImplemented if bound else self._share(value)
        if (
            value is self._instance
            or (kind is np.random.Generator and value is self._rng)
            or kind is object
            or isinstance(value, np.generic)
            or (isinstance(value, _SHARED) and value is not _shared)
            or (kind.__module__.startswith(_OURS) and not isinstance(value, BaseException) and value is not _shared)
            or (kind.__module__.startswith("numba.") and callable(value))
        ):
            return self._share(value)
        return NotImplemented

    def _share(self, value: Any) -> Any:
        self.shared.append(value)
        return _shared, (len(self.shared) - 1,)

    def _array(self, value: Any) -> Any:
        if not value.flags.writeable:
            return self._share(value)
        if value.dtype.hasobject:
            return NotImplemented
        base = value.base
        while isinstance(base, np.ndarray) and isinstance(base.base, np.ndarray):
            base = base.base
        if isinstance(base, np.ndarray) and type(base) is np.ndarray and base.flags.forc and not base.dtype.hasobject:
            offset = value.__array_interface__["data"][0] - base.__array_interface__["data"][0]
            return _slice, (base, offset, value.dtype, value.shape, value.strides)
        if value.flags.forc:
            order = "C" if value.flags.c_contiguous else "F"
            return _whole, (value.tobytes("A"), value.dtype, value.shape, order)
        return NotImplemented


def _whole(content: bytes, dtype: Any, shape: tuple[int, ...], order: Any) -> Any:
    return np.frombuffer(content, dtype=dtype).reshape(shape, order=order).copy(order="K")


def _slice(base: Any, offset: int, dtype: Any, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
    flat = base if base.flags.c_contiguous else base.T
    return np.ndarray(shape, dtype, buffer=flat, offset=offset, strides=strides)


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, shared: tuple[Any, ...]) -> None:
        super().__init__(file)
        self._shared = shared

    def find_class(self, module: str, name: str) -> Any:
        if name == "_shared" and module == __name__:
            return self._shared.__getitem__
        return super().find_class(module, name)
