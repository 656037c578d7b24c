"""The core's books: order table, positions, cash and logs as arrays that grow between two calls; snapshots of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from . import codes
from .codes import N_CF, N_CI, N_E, N_F, N_I, N_LF, N_LI, N_M, N_S, N_X

#: Below this many timestamps, and this many bars of all symbols, compiled code costs more to load than it saves.
PLAIN_BELOW = 20_000
PLAIN_BARS_BELOW = 200_000
_runs: ContextVar[int] = ContextVar("runs", default=1)


@contextlib.contextmanager
def expecting(runs: int) -> Iterator[None]:
    """Within it, as many runs of one size are to come: together they may be worth the loading of compiled code.

    It holds for the thread, or the task, that enters it.
    """
    token = _runs.set(max(1, runs))
    try:
        yield
    finally:
        _runs.reset(token)


def kernels(timestamps: int, symbols: int = 1) -> ModuleType:
    """The core to use for a run of this size: plain Python, or its compiled twin."""
    runs = _runs.get()
    many = runs > 1 and timestamps * symbols * runs >= PLAIN_BARS_BELOW
    if timestamps < PLAIN_BELOW and timestamps * symbols < PLAIN_BARS_BELOW and not many:
        from . import core

        return core
    from . import compiled

    return compiled


_FRESH = np.zeros(N_I, dtype=np.int64)
for _column in (
    *(codes.I_PARENT, codes.I_SIBLING, codes.I_SESSION, codes.I_SL, codes.I_TP, codes.I_TO),
    *(codes.I_ACTIVE_BAR, codes.I_DONE_BAR),
):
    _FRESH[_column] = -1
_NOTHING = np.full(N_F, np.nan)
_NOTHING[[codes.F_NOTIONAL, codes.F_FEE, codes.F_SLIP]] = 0.0
#: Both halves of an order row before anything is known of it.
FRESH = (_FRESH, _NOTHING)
_FRESH_VIEW: memoryview[int] = memoryview(_FRESH)  # type: ignore[arg-type]
_NOTHING_VIEW: memoryview[float] = memoryview(_NOTHING)  # type: ignore[arg-type]


_PARTS = frozenset(
    (
        *("oi", "of", "active", "pos", "cash", "used", "fi", "ff", "ev", "reg", "basis", "ci", "cf"),
        *("entries", "paid"),
    )
)


def _twice(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.concatenate([array, np.zeros_like(array)])


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The whole state of the books at one moment, at the cost of what is still working.

    The logs only ever grow and an order that has ended never changes, so their lengths and the rows of the working
    orders are enough to go back. ``Books.restore`` takes it in the same books; ``Books.pack`` makes bytes for others.

    Attributes:
        reg: Registers, the lengths of all logs among them.
        active: Numbers of the working and waiting orders.
        oi: Their integer rows.
        of: Their float rows.
        pos: Positions in lots.
        cash: Money registers.
        used: Volume budget used in the bar.
        basis: Cost basis of each position.
        entries: Open entries, where trades are per entry order.
        paid: Their prices.
    """

    reg: npt.NDArray[np.int64]
    active: npt.NDArray[np.int64]
    oi: npt.NDArray[np.int64]
    of: npt.NDArray[np.float64]
    pos: npt.NDArray[np.int64]
    cash: npt.NDArray[np.float64]
    used: npt.NDArray[np.int64]
    basis: npt.NDArray[np.float64]
    entries: npt.NDArray[np.int64]
    paid: npt.NDArray[np.float64]


class Books:
    """State of a run between two steps; ``tuple`` is what the core takes.

    Attributes:
        version: Grows with each array that is replaced by another: what holds an address of one looks it up again.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name in _PARTS:
            self.__dict__["version"] += 1
            for made in ("tuple", "registers", "integers", "floats"):
                self.__dict__.pop(made, None)

    def __init__(self, symbols: int, cash: float) -> None:
        self.version = 0
        self.oi = np.zeros((64, N_I), dtype=np.int64)
        self.of = np.full((64, N_F), np.nan)
        self.active = np.zeros(64, dtype=np.int64)
        self.pos = np.zeros(symbols, dtype=np.int64)
        self.cash = np.zeros(N_M)
        self.cash[codes.M_CASH] = self.cash[codes.M_REALISED] = cash
        self.used = np.zeros(symbols, dtype=np.int64)
        self.fi = np.zeros((64, N_LI), dtype=np.int64)
        self.ff = np.zeros((64, N_LF))
        self.ev = np.zeros((256, N_E), dtype=np.int64)
        self.reg = np.zeros(N_S, dtype=np.int64)
        self.reg[codes.S_BUDGET_BAR] = -1
        self.basis = np.zeros(symbols)
        self.ci = np.zeros((16, N_CI), dtype=np.int64)
        self.cf = np.zeros((16, N_CF))
        self.entries = np.zeros((64, N_X), dtype=np.int64)
        self.paid = np.zeros(64)

    # Plain numbers to read and write one at a time, which takes a fraction of what it takes on an array.

    @cached_property
    def registers(self) -> memoryview[int]:
        """View of ``reg``."""
        return memoryview(self.reg)  # type: ignore[arg-type]

    @cached_property
    def integers(self) -> memoryview[int]:
        """View of ``oi``, row after row."""
        return memoryview(self.oi.reshape(-1))  # type: ignore[arg-type]

    @cached_property
    def floats(self) -> memoryview[float]:
        """View of ``of``, row after row."""
        return memoryview(self.of.reshape(-1))  # type: ignore[arg-type]

    @cached_property
    def tuple(self) -> tuple[Any, ...]:
        """The core's argument ``b``."""
        return (
            self.oi, self.of, self.active, self.pos, self.cash, self.used, self.fi, self.ff, self.ev,
            self.reg, self.basis, self.ci, self.cf, self.entries, self.paid,
        )  # fmt: skip

    def _grow_orders(self) -> None:
        self.oi = _twice(self.oi)
        self.of = np.concatenate([self.of, np.full_like(self.of, np.nan)])

    def new_order(self) -> int:
        """A fresh row of the order table."""
        o = self.registers[codes.S_ORDERS]
        if o == len(self.oi):
            self._grow_orders()
        self.registers[codes.S_ORDERS] = o + 1
        self.integers[o * N_I : (o + 1) * N_I] = _FRESH_VIEW
        self.floats[o * N_F : (o + 1) * N_F] = _NOTHING_VIEW
        return o

    def make_room(self, admitted: int = 0) -> None:
        """Grow the arrays for one step of all active orders and ``admitted`` new ones.

        Each order fills once and changes state a few times; each symbol may be paid out and then liquidated or delisted
        by orders of their own, and have a dividend, a split, a fraction paid and borrow cost.
        """
        reg, symbols = self.registers, len(self.pos)
        rows = reg[codes.S_ACTIVE] + admitted + symbols + 4
        while len(self.oi) < reg[codes.S_ORDERS] + 2 * symbols + 4:
            self._grow_orders()
        while len(self.active) < rows:
            self.active = _twice(self.active)
        while len(self.fi) - reg[codes.S_FILLS] < 2 * rows:
            self.fi, self.ff = _twice(self.fi), _twice(self.ff)
        while len(self.ev) - reg[codes.S_EVENTS] < 10 * rows:
            self.ev = _twice(self.ev)
        while len(self.ci) - reg[codes.S_LEGS] < 4 * symbols + 4:
            self.ci, self.cf = _twice(self.ci), _twice(self.cf)
        while len(self.entries) - reg[codes.S_ENTRIES] < rows:
            self.entries, self.paid = _twice(self.entries), _twice(self.paid)

    def snapshot(self) -> Snapshot:
        """Keep the state as it is now; see :class:`Snapshot`."""
        active = self.active[: int(self.reg[codes.S_ACTIVE])].copy()
        n = int(self.reg[codes.S_ENTRIES])
        return Snapshot(
            self.reg.copy(), active, self.oi[active], self.of[active], self.pos.copy(), self.cash.copy(),
            self.used.copy(), self.basis.copy(), self.entries[:n].copy(), self.paid[:n].copy(),
        )  # fmt: skip

    def restore(self, kept: Snapshot) -> None:
        """Go back to a snapshot of these books; what was logged after it is forgotten."""
        self.reg[:] = kept.reg
        self.active[: len(kept.active)] = kept.active
        self.oi[kept.active], self.of[kept.active] = kept.oi, kept.of
        self.pos[:], self.cash[:], self.used[:], self.basis[:] = kept.pos, kept.cash, kept.used, kept.basis
        self.entries[: len(kept.entries)], self.paid[: len(kept.paid)] = kept.entries, kept.paid

    def pack(self) -> dict[str, npt.NDArray[Any]]:
        """All arrays cut to what is in them: enough to go on in another process (``Books.unpack``)."""
        reg = self.reg
        orders, fills, legs = (int(reg[r]) for r in (codes.S_ORDERS, codes.S_FILLS, codes.S_LEGS))
        return {
            "oi": self.oi[:orders].copy(),
            "of": self.of[:orders].copy(),
            "active": self.active[: int(reg[codes.S_ACTIVE])].copy(),
            "pos": self.pos.copy(),
            "cash": self.cash.copy(),
            "used": self.used.copy(),
            "fi": self.fi[:fills].copy(),
            "ff": self.ff[:fills].copy(),
            "ev": self.ev[: int(reg[codes.S_EVENTS])].copy(),
            "reg": reg.copy(),
            "basis": self.basis.copy(),
            "ci": self.ci[:legs].copy(),
            "cf": self.cf[:legs].copy(),
            "entries": self.entries[: int(reg[codes.S_ENTRIES])].copy(),
            "paid": self.paid[: int(reg[codes.S_ENTRIES])].copy(),
        }

    @classmethod
    def unpack(cls, packed: dict[str, npt.NDArray[Any]]) -> Books:
        """Books from what ``pack`` gave."""
        books = cls(len(packed["pos"]), 0.0)
        for name, array in packed.items():
            own = getattr(books, name)
            if len(own) < len(array):
                own = np.zeros((2 * len(array), *array.shape[1:]), dtype=array.dtype)
                setattr(books, name, own)
            own[: len(array)] = array
        return books
