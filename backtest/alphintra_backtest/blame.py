"""Whose line failed: what a strategy raises becomes an error that names its file, line and the bar's time."""

from __future__ import annotations

import contextlib
import sysconfig
import traceback
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .session import Session


@contextlib.contextmanager
def blame(strategy: type, session: Session) -> Iterator[None]:
    """Turn what the strategy raises into an error that names its file, line and the bar's time."""
    from alphintra.errors import AlphintraError, SignalsError, StrategyError

    from .handles import stamp

    try:
        yield
    except StrategyError:
        raise
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        traders = [f for f in frames if not f.filename.startswith(not_the_traders())]
        if isinstance(error, SignalsError) and not traders:
            raise  # what signals returned does not fit: no line of the trader's has failed
        own = (
            traders
            or [f for f in frames if not f.filename.startswith(ours())]
            or frames
        )
        i = session.cursor.i
        bar = stamp(int(session.grid.time[i])).isoformat().replace("+00:00", "Z") if i >= 0 else None
        code = error.code if isinstance(error, AlphintraError) else "STRATEGY_ERROR"
        what = f"raised {type(error).__name__}: {text_of(error)}"
        if isinstance(error, MemoryError):
            code, what = "MEMORY_LIMIT", "needed more memory than it may use"
        elif isinstance(error, SystemExit):
            what = f"ended the process (sys.exit({error.code!r}))"
        raise StrategyError(
            f"{strategy.__name__} {what}",
            file=own[-1].filename,
            line=own[-1].lineno,
            bar=i,
            bar_time=bar,
            code=code,
        ) from error


def text_of(error: BaseException) -> str:
    """What an error says."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a trader's own class may fail to make its text
        return "(its text cannot be read)"


@cache
def ours() -> tuple[str, ...]:
    """Folders of the engine and the SDK: a failure is the trader's line, not the verb that noticed it."""
    import alphintra

    return tuple(f"{Path(str(f)).parent}/" for f in (__file__, alphintra.__file__))


@cache
def not_the_traders() -> tuple[str, ...]:
    """Beside ours, the folders of installed libraries and of Python."""
    return (*ours(), *(f"{sysconfig.get_path(name)}/" for name in ("purelib", "platlib", "stdlib")))
