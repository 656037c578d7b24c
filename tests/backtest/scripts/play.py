"""A strategy that plays a script, the ways to walk it through its bars, and what of a session has to be equal."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import alphintra as al
import numpy as np
import pytest
from alphintra.errors import OrderError
from alphintra_backtest import beginning, books, codes, core, runner
from alphintra_backtest.admission import flush
from alphintra_backtest.drive import Drive
from alphintra_backtest.session import Session

from .make import ACTIONS, BRACKETS, ON_BAR, ON_FILL, ON_ORDER, ON_START, ON_STOP, SIZES, TIFS, Case


def player(rows: Any) -> type[al.Strategy]:
    """A strategy that plays the rows; what the verbs refuse is in the log."""
    parts: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for row in rows:
        plain = {name: row[name].item() for name in row.dtype.names}
        key = 0 if plain["when"] in (ON_START, ON_STOP) else plain["at"]
        parts.setdefault((plain["when"], key), []).append(plain)
    hears_fills, hears_orders = (any(when == w for when, _ in parts) for w in (ON_FILL, ON_ORDER))

    class Player(al.Strategy):
        def on_start(self) -> None:
            self.played = 0
            self.play(ON_START, 0)

        def on_bar(self) -> None:
            self.play(ON_BAR, self.bar_index)
            if self.bar_index % 7 == 0:
                self.record(equity=self.equity, held=sum(p.size for p in self.positions.values()))

        def on_stop(self) -> None:
            self.record(equity=-1.0)
            self.play(ON_STOP, 0)

        def play(self, when: int, at: int) -> None:
            for row in parts.get((when, at), ()):
                self.played += 1
                try:
                    play(self, row, f"row {self.played}")
                except OrderError as error:
                    self.log(error)

    def on_fill(self: Any, fill: Any) -> None:
        self.log(f"{self.now} {fill}")
        self.play(ON_FILL, fill.order.id)

    def on_order(self: Any, order: Any) -> None:
        self.log(f"{self.now} {order!r} {self.cash!r}")
        if order.state not in ("WORKING", "WAITING"):
            self.play(ON_ORDER, order.id)

    if hears_fills:
        Player.on_fill = on_fill  # type: ignore[method-assign]
    if hears_orders:
        Player.on_order = on_order  # type: ignore[method-assign]
    return Player


def play(s: Any, row: dict[str, Any], tag: str) -> None:
    """Do what one row says; prices are distances from the last close."""
    symbol = s._run.symbols[row["symbol"]]
    action, side = ACTIONS[row["action"]], row["side"]
    on_start = s._run.cursor.i < 0
    if not on_start and len(s.data[symbol].close) == 0:
        on_start = True  # no price yet
    close = 100.0 if on_start else s.data[symbol].close[-1]
    amount, offset, second = row["amount"], row["offset"], row["second"]
    verb = s.buy if side > 0 else s.sell
    size: dict[str, Any] = {SIZES[row["size"]]: (amount, amount * close, min(1.0, amount / 200))[row["size"]]}
    own = [o for o in s.orders if o.symbol == symbol]
    tif = TIFS[row["tif"]]
    options: dict[str, Any] = {"symbol": symbol, "tag": tag, "tif": tif}
    if tif == "GTD":
        today = date(2024, 1, 2) if s._run.cursor.i < 0 else s.now.date()
        options["good_till"] = str(today + timedelta(days=row["days"]))
    if action in ("market", "limit", "stop", "stop_limit", "at_close"):
        options |= bracket(row, close)
    if action == "market":
        verb(**size, **options)
    elif action == "limit":
        verb(**size, **options, limit=close * (1 - side * offset))
    elif action == "stop":
        verb(**size, **options, stop=close * (1 + side * offset))
    elif action == "stop_limit":
        stop = close * (1 + side * offset)
        verb(**size, **options, stop=stop, limit=stop * (1 + side * (second - 0.01)))
    elif action == "at_close":
        verb(**size, **options, at_close=True)
    elif action == "trail":
        trail = {"trail_percent": second} if row["pick"] % 2 else {"trail": close * second}
        verb(**size, **options, **trail)
    elif action == "target_quantity":
        s.order_target_quantity(side * amount, symbol, tag=tag)
    elif action == "target_value":
        s.order_target_value(side * amount * close, symbol)
    elif action == "target_percent":
        s.order_target_percent(side * min(1.5, amount / 100), symbol)
    elif action == "close":
        s.close(symbol)
    elif action == "cancel" and own:
        s.cancel(own[row["pick"] % len(own)])
    elif action == "cancel_symbol":
        s.cancel(symbol=symbol)
    elif action == "amend" and own:
        order = own[row["pick"] % len(own)]
        by = {
            "LIMIT": {"limit": close * (1 - offset)},
            "STOP": {"stop": close * (1 + offset)},
            "STOP_LIMIT": {"limit": close * (1 + second)},
            "TRAILING_STOP": {"trail_percent": second},
        }
        s.amend(order, **by.get(order.type, {"quantity": order.filled + amount}))
    elif action == "oco" and len(own) > 1:
        s.oco(own[0], own[1 + row["pick"] % (len(own) - 1)])
    elif action == "risk" and not on_start:
        verb(s.size_for_risk(0.02, close * (1 - side * second), symbol=symbol), symbol=symbol)
    elif action == "random":
        verb(float(s.rng.integers(1, 50)), symbol=symbol)


def bracket(row: dict[str, Any], close: float) -> dict[str, Any]:
    """The bracket's arguments."""
    kind, away, side = BRACKETS[row["bracket"]], 0.005 + row["second"], row["side"]
    out: dict[str, Any] = {}
    if kind in ("stop%", "both%"):
        out["stop_loss_percent"] = away
    if kind in ("target%", "both%", "trail"):
        out["take_profit_percent"] = away
    if kind in ("both", "both+max_bars"):
        out |= {"stop_loss": close * (1 - side * (away + 0.05)), "take_profit": close * (1 + side * (away + 0.05))}
    if kind == "trail":
        out["trail_percent"] = away
    if "max_bars" in kind:
        out["max_bars"] = row["days"]
    return out


def batch(case: Case) -> tuple[Session, int]:
    """A run as ``al.backtest`` makes it; returns the session and how many timestamps were reached."""
    session, _, end = runner._simulate(player(case.rows), {}, case.market, case.options, None, None)
    return session, end


def start(case: Case) -> Drive:
    """A run that stands before its first bar."""
    session = Session(case.market, case.options)
    return Drive(session, instance_on(session, case), _begun(session, case))


def _begun(session: Session, case: Case) -> int:
    flush(session)
    return beginning.first_bar(session, al.Strategy, None)


def instance_on(session: Session, case: Case) -> Any:
    """The strategy, started."""
    instance: Any = player(case.rows)()
    instance._run, instance.data = session, session.data
    instance.on_start()
    return instance


def stepped(case: Case) -> tuple[Session, int]:
    """One timestamp after the other."""
    drive = start(case)
    while drive.advance():
        pass
    return drive.session, drive.finish()


def rewound(case: Case, rng: np.random.Generator) -> tuple[Session, int]:
    """On from a snapshot after having been further, now and then to the very end, or twice."""
    drive = start(case)
    for _ in range(int(rng.integers(1, 3))):
        drive.advance_to(int(rng.integers(drive.next, drive.count + 1)))
        kept, own = drive.snapshot(), dict(drive.instance.__dict__)
        drive.advance_to(int(rng.integers(drive.next, drive.count + 1)))
        if rng.random() < 0.3 and drive.next > 0:
            drive.finish()
        drive.restore(kept)
        drive.instance.__dict__.clear()
        drive.instance.__dict__.update(own)
    drive.advance_to(drive.count)
    return drive.session, drive.finish()


def unpacked(case: Case, rng: np.random.Generator) -> tuple[Session, int]:
    """Half of the run here, the rest where only bytes arrived."""
    drive = start(case)
    drive.advance_to(int(rng.integers(0, drive.count + 1)))
    arrays, rest = drive.session.pack()
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    text = json.dumps(rest)
    played, first, ended = drive.instance.played, drive.first, drive.done
    drive.session.books = None  # type: ignore[assignment]
    file.seek(0)
    with np.load(file, allow_pickle=False) as found:
        came = {name: found[name] for name in found.files}
    session = Session(case.market, case.options)
    instance = instance_on(session, case)
    session.load((came, json.loads(text)))
    instance.played = played
    drive = Drive(session, instance, first)
    assert drive.done == ended
    drive.advance_to(drive.count)
    return session, drive.finish()


def state(session: Session, end: int) -> dict[str, Any]:
    """All that a run has to agree on: logs, books, curves, round trips, records."""
    own = session.books
    out = {f"books.{name}": array for name, array in own.pack().items()}
    for scratch in (codes.I_PEEK, codes.I_SEEN, codes.I_LEFT):
        out["books.oi"][:, scratch] = 0
    out["books.of"][:, codes.F_PEEK] = 0
    count = len(session.grid.time)
    curves = {name: np.zeros(count) for name in ("equity", "cash", "exposure", "held")}
    session.core.value(session.calls.m, session.calls.b, session.config.cash, *curves.values(), np.zeros(1, np.int64))
    out |= {name: curve[:end] for name, curve in curves.items()}
    out["books.used"] = np.zeros(0)  # `value` counts in it
    out["end"], out["mirrored"] = end, (session.cash, tuple(session.sizes))
    out["trades"] = [repr(t) for t in (*session.book.closed, *session.book.open())]
    out["said"] = (session.logs, session.recorded, session.tags)
    return out


#: What the core notes down for itself, at the bars that it looks at.
NOTES = ("books.oi", "books.of", "books.reg")


def assert_same(one: dict[str, Any], two: dict[str, Any], what: str, but: tuple[str, ...] = ()) -> None:
    """Equal to the last bit, ``but`` for some parts; the first difference is named."""
    for name, a in one.items():
        if name in but:
            continue
        b = two[name]
        if isinstance(a, np.ndarray):
            same = a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        else:
            same = a == b
        if not same:
            raise AssertionError(f"{what}: {name} differs\n{_first_difference(a, b)}")


def _first_difference(a: Any, b: Any) -> str:
    for n, (x, y) in enumerate(zip(a, b, strict=False)):
        if not np.array_equal(x, y, equal_nan=isinstance(x, np.ndarray) and x.dtype.kind == "f"):
            return f"at {n}:\n  {x}\n  {y}"
    return f"lengths {len(a)} and {len(b)}" if hasattr(a, "__len__") else f"{a} and {b}"


@contextlib.contextmanager
def each_bar() -> Iterator[None]:
    """The core looks at every bar: nothing is skipped because nothing could happen there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core, "peek", lambda m, b, k, t, last: min(t + 1, last))
        yield


@contextlib.contextmanager
def compiled() -> Iterator[None]:
    """Sessions made in here run on the compiled core."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(books, "PLAIN_BELOW", 0)
        patch.setattr(books, "PLAIN_BARS_BELOW", 0)
        yield
