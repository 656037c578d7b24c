"""Runs cells as a notebook does and prints what ``source_of`` makes of their classes, as JSON."""

import json
import sys

from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance(colors="NoColor")


def run(cell):
    outcome = shell.run_cell(cell, store_history=True)
    outcome.raise_error()


CELLS = [
    f"import sys; sys.path.insert(0, {sys.argv[1]!r})",
    "from __future__ import annotations\nimport alphintra as al\nimport numpy as np\nimport scipy\nimport mine",
    "from mine import Base\nfrom functools import lru_cache\nfrom scipy.stats import norm\nfrom alphintra import ta",
    "from datetime import date\nfrom decimal import Decimal\nimport pandas as pd",
    "FAST = 20\nSLOW = FAST * 2\nLIST = [1, 2, (3, 4)]\nINF = float('inf')\nSMA = al.ta.SMA\nNUMBER = np.float64(3.5)",
    "FAST += 5\nDAY = date(2020, 1, 2)\nSTAMP = pd.Timestamp('2020-01-01')\nadd = lambda x: x + FAST",
    "def second(x):\n    return x * SLOW\n%time 1",
    '@lru_cache\ndef helper(x):\n    """Doc."""\n    return second(x) + add(x) + norm.cdf(0)',
    "alias = second\ndef odd(n):\n    return n != 0 and even(n - 1)\ndef even(n):\n    return n == 0 or odd(n - 1)",
    "df = pd.DataFrame({'a': [1]})\nmodel = object()\ndef reads(x):\n    return df.a[x]",
    '''class SmaCross(Base):
    """Crossing."""
    fast = al.Param(FAST, low=2)
    def on_start(self):
        FASTER = 3
        self.s = self.indicator(SMA, self.data.close, self.fast)
        self.h = helper(2) + scipy.stats.norm.cdf(0) + mine.WEIGHT + NUMBER + np.sqrt(2) + INF + FASTER
    def on_bar(self):
        df = 3
        return [model for model in LIST], df, len(LIST), self.now > STAMP, DAY, alias(1), odd(3), ta.RSI
''',
    "class NoMethods(SmaCross):\n    fast = al.Param(7)",
    "class UsesFrame(al.Strategy):\n    def on_bar(self):\n        return reads(0)",
    "class UsesObject(al.Strategy):\n    def on_bar(self):\n        return model",
    "class Twice(al.Strategy):\n    def on_bar(self):\n        return 1",
    "class Twice(al.Strategy):\n    def on_bar(self):\n        return 2",
    "class Undefined(al.Strategy):\n    def on_bar(self):\n        return nothing_of_this_name",
    "def make():\n    class Inner(al.Strategy):\n        pass\n    return Inner\nInner = make()",
]
for cell in CELLS:
    run(cell)

from alphintra.errors import SourceError  # noqa: E402
from alphintra.strategy_source import source_of  # noqa: E402

found = {}
for name in ("SmaCross", "NoMethods", "UsesFrame", "UsesObject", "Twice", "Undefined", "Inner"):
    try:
        source = source_of(shell.user_ns[name])
        found[name] = {"code": source.code, "modules": source.modules, "path": source.path}
    except SourceError as error:
        found[name] = {"error": str(error), "code": error.code}
print("\n" + json.dumps(found))  # noqa: T201
