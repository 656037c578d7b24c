"""A trader's source in a worker: loading the class, and finding the trader's line in an error."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from alphintra_kernel.protocol import MESSAGE_CHARS, TRACEBACK_CHARS, shorten

#: Characters of what is said of the run that failed, among many.
RUN_CHARS = 8_000


class JobError(Exception):
    """The job cannot be done, for a reason that has a code."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class SourceError(JobError):
    """The source does not hold what the job asks for."""


@contextlib.contextmanager
def on_path(folder: Path) -> Iterator[None]:
    """Make the modules beside a strategy importable; afterwards they are forgotten.

    A worker runs one job and ends; whoever runs one inside a longer process must not leave its modules
    behind.
    """
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(folder):
                del sys.modules[name]


def load_class(folder: Path, file: str, class_name: str) -> type[Any]:
    """Run the source file and return the class that the job names.

    Raises:
        SourceError: There is no such file or class.
        Exception: Whatever the source raises.
    """
    found = getattr(_run_inside(folder, file), class_name, None)
    if not isinstance(found, type):
        raise SourceError(f"{file} has no class {class_name}", "NO_CLASS")
    return found


def load_only_class(folder: Path, file: str) -> type[Any]:
    """Run the source file and return the one strategy class that it defines.

    Raises:
        SourceError: There is no such file, or none or several classes.
        Exception: Whatever the source raises.
    """
    from alphintra.strategy import Strategy

    module = _run_inside(folder, file)
    found = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Strategy) and value.__module__ == module.__name__
    }
    if not found:
        raise SourceError(f"{file} has no class that derives from alphintra.Strategy", "NO_STRATEGY")
    if len(found) > 1:
        raise SourceError(f"{file} has several strategy classes ({', '.join(found)}): name one", "SEVERAL_STRATEGIES")
    return next(iter(found.values()))


def _run_inside(folder: Path, file: str) -> ModuleType:
    path = folder / file
    if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        raise SourceError(f"the job has no source file {file}", "NO_SOURCE")
    return _run(path)


def _run(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Place:
    """A line of the trader's source, the file relative to the source folder."""

    file: str
    line: int


def place_of(error: BaseException, folder: Path) -> Place | None:
    """Find the innermost line of the trader's own source that led to an error."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        inside = _relative(error.filename, folder)
        if inside:
            return Place(inside, error.lineno)
    for each in _chain(error):
        found = None
        for frame, line in traceback.walk_tb(each.__traceback__):
            inside = _relative(frame.f_code.co_filename, folder)
            if inside:
                found = Place(inside, line)
        if found:
            return found
    return None


def describe(error: BaseException, folder: Path) -> dict[str, Any]:
    """Return an ``error`` message: what happened, where in the trader's source, and at which bar."""
    place = place_of(error, folder)
    code, message = _code_and_message(error, ours=place is None)
    file = getattr(error, "file", None)
    line = getattr(error, "line", None)
    if place is None and isinstance(file, str) and isinstance(line, int):
        place = Place(_relative(file, folder) or Path(file).name, line)
    bar_time = getattr(error, "bar_time", None)
    return {
        "type": "error",
        "code": code,
        "message": shorten(_without(message, folder), MESSAGE_CHARS),
        "file": place.file if place else None,
        "line": place.line if place else None,
        "cell": None,
        "bar_time": bar_time if isinstance(bar_time, str) else None,
        "traceback": shorten(_without(_format(error, folder), folder), TRACEBACK_CHARS),
        "run": _run_of(error),
    }


def _run_of(error: BaseException) -> dict[str, Any] | None:
    """Return which run of many it was; nothing where user code has made something else of it."""
    from alphintra.errors import StrategyError

    if not isinstance(error, StrategyError) or not isinstance(error.run, dict):
        return None
    try:
        return error.run if len(json.dumps(error.run, allow_nan=False)) <= RUN_CHARS else None
    except (TypeError, ValueError, RecursionError):
        return None


def _code_and_message(error: BaseException, *, ours: bool) -> tuple[str, str]:
    from alphintra.errors import AlphintraError

    if isinstance(error, AlphintraError):
        return error.code, text_of(error)
    if isinstance(error, JobError):
        return error.code, str(error)
    if isinstance(error, SyntaxError):
        return "SYNTAX_ERROR", error.msg
    if isinstance(error, MemoryError):
        return "MEMORY_LIMIT", "the job needed more memory than it may use"
    if isinstance(error, SystemExit):
        return "STRATEGY_ERROR", f"the strategy ended the process (sys.exit({error.code!r}))"
    said = text_of(error)
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return ("INTERNAL_ERROR" if ours else "STRATEGY_ERROR"), text


def text_of(error: BaseException) -> str:
    """Return an exception's text; a trader's own class may fail to make one."""
    try:
        return str(error)
    except BaseException:  # noqa: BLE001 - whatever it is, the error itself must be told
        return "(its text cannot be read)"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what it was raised from, the cause first: there the trader's line is."""
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and all(current is not each for each in seen):
        seen.append(current)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    yield from reversed(seen)


def _format(error: BaseException, folder: Path) -> str:
    """Format the trader's own lines of a traceback; the rest is our machinery, and where it is installed."""
    root = next(iter(_chain(error)))
    frames = [f for f in traceback.extract_tb(root.__traceback__) if _relative(f.filename, folder)]
    lines = ["Traceback (most recent call last):\n", *traceback.format_list(frames)] if frames else []
    return "".join([*lines, f"{type(root).__name__}: {text_of(root)}\n"])


def _relative(file: str, folder: Path) -> str | None:
    path = Path(file)
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else None


def _without(text: str, folder: Path) -> str:
    return text.replace(f"{folder}/", "")
