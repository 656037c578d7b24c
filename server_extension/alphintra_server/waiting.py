"""Threads for what may wait long for another machine, so that nothing else waits with it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_threads = ThreadPoolExecutor(32, "alphintra-waiting")


async def in_waiting(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Do what may reach an object store in a thread of its own: those of ``asyncio.to_thread`` are few."""
    return await asyncio.get_running_loop().run_in_executor(_threads, functools.partial(work, *args, **kwargs))
