"""A strategy's attributes: copied, put back, compared; what is shared is not copied."""

from __future__ import annotations

import functools
import io
import random
import sys
from collections import deque
from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra_backtest import beginning
from alphintra_backtest.replay import strategy_state
from alphintra_backtest.replay.strategy_state import UncopiableError, copied, differences, put_back


@pytest.fixture
def strategy(frame: pd.DataFrame) -> Any:
    class Plain(al.Strategy):
        def on_start(self) -> None:
            self.average = self.indicator(al.ta.SMA, self.data.close, 3)

        def reply(self) -> str:
            return "here"

    setup = beginning.set_up(Plain, frame)
    drive = beginning.begin(setup.form, {}, setup.market, setup.config, None)
    drive.advance_to(10)
    return drive.instance


def _again(strategy: Any) -> Any:
    put_back(strategy, copied(strategy))
    return strategy


def test_what_is_held_twice_stays_one_thing(strategy: Any) -> None:
    strategy.ring = np.arange(6.0)
    strategy.window, strategy.column = strategy.ring[1:3], strategy.ring[::2]
    strategy.table = np.zeros((3, 4), order="F")
    strategy.row = strategy.table[1]
    strategy.names = strategy.alias = ["a"]
    strategy.loop = {"me": strategy}
    s = _again(strategy)
    s.ring[:] = 7.0
    s.row[:] = 2.0
    s.names.append("b")
    assert (s.window.tolist(), s.column.tolist(), s.table[:, 0].tolist()) == ([7, 7], [7, 7, 7], [0, 2, 0])
    assert s.table.flags.f_contiguous
    assert (s.alias, s.loop["me"] is s) == (["a", "b"], True)


def test_changes_after_a_copy_are_undone(strategy: Any) -> None:
    strategy.numbers, strategy.dice = deque([1, 2], maxlen=2), random.Random(3)
    strategy.iterator, strategy.frame = iter([1, 2, 3]), pd.DataFrame({"x": [1.0, 2.0]})
    next(strategy.iterator)
    kept, first = copied(strategy), strategy.dice.random()
    strategy.numbers.append(9)
    strategy.frame.loc[0, "x"] = 5.0
    next(strategy.iterator)
    strategy.more = 1
    put_back(strategy, kept)
    assert list(strategy.numbers) == [1, 2]
    assert strategy.numbers.maxlen == 2
    assert strategy.frame["x"].tolist() == [1.0, 2.0]
    assert (next(strategy.iterator), strategy.dice.random()) == (2, first)
    assert not hasattr(strategy, "more")
    put_back(strategy, kept)  # a copy can be put back any number of times
    assert list(strategy.numbers) == [1, 2]


def test_what_is_the_runs_or_never_changes_is_shared(strategy: Any) -> None:
    flat = object()

    @functools.lru_cache
    def cached(x: int) -> int:
        return x

    strategy.slice, strategy.series = strategy.data.close[-5:], strategy.data.close
    strategy.rule, strategy.kind, strategy.module, strategy.cached = (lambda: 1), dict, sys, cached
    strategy.state, strategy.random, strategy.held = flat, strategy.rng, strategy.position()
    strategy.order = strategy.buy(1)
    before = dict(vars(strategy))
    s = _again(strategy)
    for name, value in before.items():
        assert getattr(s, name) is value, name


def test_methods_belong_to_the_strategy_that_they_are_of(strategy: Any) -> None:
    strategy.call = strategy.reply
    strategy.calls = {"list": [].append}
    s = _again(strategy)
    assert s.call.__self__ is s
    assert s.call() == "here"
    s.calls["list"](1)


def test_a_copy_that_is_the_same_takes_no_room(strategy: Any) -> None:
    strategy.big = list(range(1000))
    one, two = copied(strategy), copied(strategy)
    assert one.same(two)
    assert 2_000 < one.size < 8_000
    strategy.big[5] = -1
    assert not copied(strategy).same(one)
    strategy.sealed = np.zeros(1000)
    strategy.sealed.flags.writeable = False
    assert copied(strategy).size > one.size + 8_000


def test_differences_are_of_values(strategy: Any) -> None:
    strategy.a, strategy.b, strategy.c, strategy.array = 1, {1, 2}, [1], np.zeros(3)
    before = copied(strategy).attributes()
    strategy.a, strategy.b, strategy.c = 1, {2, 1}, [1]
    assert differences(before, vars(strategy), strategy) == []
    strategy.a, strategy.new = 1.0, 2
    strategy.array[1] = 4
    del strategy.c
    found = {name: (old, new) for name, old, new in differences(before, vars(strategy), strategy)}
    assert {name: found[name] for name in ("a", "c", "new")} == {"a": (1, 1.0), "c": ([1], None), "new": (None, 2)}
    assert found["array"][1].tolist() == [0, 4, 0]
    assert set(found) == {"a", "c", "new", "array"}


def test_the_attribute_that_cannot_be_copied_is_named(strategy: Any) -> None:
    class Refuses:
        def __reduce__(self) -> Any:
            raise RuntimeError("not me")

    strategy.fine, strategy.bad = 1, [Refuses()]
    with pytest.raises(UncopiableError, match=r"^self\.bad \(list\): not me$"):
        copied(strategy)
    assert set(strategy_state.parts(strategy)) >= {"fine", "bad"}
    assert strategy_state.parts(strategy)["bad"] is strategy.bad


def test_a_copy_is_read_by_its_reader_alone(strategy: Any) -> None:
    import pickle

    strategy.series = strategy.data.close
    with pytest.raises(RuntimeError, match="read by its reader alone"):
        pickle.load(io.BytesIO(copied(strategy).content))
