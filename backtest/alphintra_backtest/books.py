"""The core's books: order table, positions, cash and logs as arrays that grow between two calls."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from . import codes
from .codes import N_E, N_F, N_I, N_LF, N_LI, N_S

#: Below this many timestamps compiling or loading compiled code costs more than it saves.
PLAIN_BELOW = 20_000


def kernels(timestamps: int) -> ModuleType:
    """The core to use for a run of this length: plain Python, or its compiled twin."""
    if timestamps < PLAIN_BELOW:
        from . import core

        return core
    from . import compiled

    return compiled


_FRESH = np.zeros(N_I, dtype=np.int64)
for _column in (
    *(codes.I_PARENT, codes.I_SIBLING, codes.I_SESSION, codes.I_SL, codes.I_TP),
    *(codes.I_ACTIVE_BAR, codes.I_DONE_BAR),
):
    _FRESH[_column] = -1
_NOTHING = np.full(N_F, np.nan)
_NOTHING[[codes.F_NOTIONAL, codes.F_FEE, codes.F_SLIP]] = 0.0
#: Both halves of an order row before anything is known of it.
FRESH = (_FRESH, _NOTHING)


class Books:
    """State of a run between two steps; ``tuple`` is what the core takes."""

    def __init__(self, symbols: int, cash: float) -> None:
        self.oi = np.zeros((64, N_I), dtype=np.int64)
        self.of = np.full((64, N_F), np.nan)
        self.active = np.zeros(64, dtype=np.int64)
        self.pos = np.zeros(symbols, dtype=np.int64)
        self.cash = np.array([cash, 0.0])
        self.used = np.zeros(symbols, dtype=np.int64)
        self.fi = np.zeros((64, N_LI), dtype=np.int64)
        self.ff = np.zeros((64, N_LF))
        self.ev = np.zeros((256, N_E), dtype=np.int64)
        self.reg = np.zeros(N_S, dtype=np.int64)

    @property
    def tuple(self) -> tuple[Any, ...]:
        """The core's argument ``b``."""
        return (
            self.oi, self.of, self.active, self.pos, self.cash, self.used, self.fi, self.ff, self.ev,
            self.reg,
        )  # fmt: skip

    def new_order(self) -> int:
        """A fresh row of the order table."""
        o = int(self.reg[codes.S_ORDERS])
        if o == len(self.oi):
            self.oi = np.concatenate([self.oi, np.zeros_like(self.oi)])
            self.of = np.concatenate([self.of, np.full_like(self.of, np.nan)])
            self.active = np.concatenate([self.active, np.zeros_like(self.active)])
        self.reg[codes.S_ORDERS] = o + 1
        self.oi[o] = _FRESH
        self.of[o] = _NOTHING
        return o

    def make_room(self) -> None:
        """Grow the logs for one step of all active orders: each fills once and changes state a few times."""
        active = int(self.reg[codes.S_ACTIVE]) + 8
        while len(self.fi) - int(self.reg[codes.S_FILLS]) < 2 * active:
            self.fi = np.concatenate([self.fi, np.zeros_like(self.fi)])
            self.ff = np.concatenate([self.ff, np.zeros_like(self.ff)])
        while len(self.ev) - int(self.reg[codes.S_EVENTS]) < 8 * active:
            self.ev = np.concatenate([self.ev, np.zeros_like(self.ev)])
