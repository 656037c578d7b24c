"""The classifier's walk-forward computed again by a plain loop, and run again on data that ends earlier."""

from __future__ import annotations

import json
import math
from pathlib import Path

import alphintra as al
import numpy as np
import pandas as pd
import pytest
import talib
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

FILE = Path(__file__).resolve().parents[2] / "templates" / "ml-classifier.ipynb"


def walk(**changes):
    """What the notebook's own cells do."""
    cells = ["".join(c["source"]) for c in json.loads(FILE.read_text())["cells"] if c["cell_type"] == "code"]
    names: dict = {"al": al}
    exec(next(c for c in cells if "(al.Strategy)" in c), names)
    call = next(c for c in cells if "al.walk_forward(" in c).removesuffix("\nwalk")
    for old, new in changes.values():
        assert old in call
        call = call.replace(old, new)
    exec(call, names)
    return names["walk"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        yield walk()


def features(high, low, close):
    return np.column_stack([
        talib.ROC(close, 5), talib.ROC(close, 20), talib.RSI(close, 14), close / talib.SMA(close, 50) - 1,
        talib.ATR(high, low, close, 14) / close,
    ])  # fmt: skip


def test_the_account_equals_a_plain_loop(whole):
    """Fitted on bars of the window alone; next-open fills, whole shares, 95 % of cash with the fee, 0.1 % commission.

    Raw prices; a dividend goes to who held at the close before. IBM had no split in these years.
    """
    paid = {
        int(np.datetime64(row.ex_date, "D").astype(int)): row.value
        for row in al.data.load("us-equities-daily/IBM").events().itertuples() if row.kind == "dividend"
    }  # fmt: skip
    bars = al.data.resolve("us-equities-daily/IBM", end="2013-02-28").bars["IBM"]
    days = pd.DatetimeIndex(bars.session.astype("datetime64[D]").astype("datetime64[ns]"))
    known = features(bars.high, bars.low, bars.close)
    edges = [int(np.searchsorted(days, days[0] + pd.DateOffset(years=n))) for n in range(14)]
    thresholds = [p["threshold"] for p in whole.windows["params"]]
    cash, shares, trades = 100_000.0, 0, 0
    for n, threshold in enumerate(thresholds):
        first, split, stop = edges[n], edges[n + 3], edges[n + 4] if n < 9 else len(days)
        train = slice(first, split - 2)
        rows = features(bars.high[train], bars.low[train], bars.close[train])[49:-2]
        opens = bars.open[train]
        rise = (opens[2:] > opens[1:-1])[49:]
        scale = StandardScaler().fit(rows)
        model = LogisticRegression(random_state=0).fit(scale.transform(rows), rise)
        chance = model.predict_proba(scale.transform(known[split:stop]))[:, 1]
        for i in range(split, stop):
            if i > split:  # at the window's first open nothing works: the orders of the last one were cancelled
                wanted = chance[i - 1 - split] > threshold
                price = bars.open[i]
                cash += shares * paid.get(int(bars.session[i]), 0.0)
                if wanted and not shares:
                    shares = math.floor(0.95 * cash / (price * 1.001))
                    cash -= shares * price * 1.001
                elif not wanted and shares:
                    cash, shares, trades = cash + shares * price * 0.999, 0, trades + 1
            else:
                cash += shares * paid.get(int(bars.session[i]), 0.0)
    assert len(thresholds) == 10
    metrics = whole.result.metrics
    assert trades == metrics["total_trades"]
    assert cash + shares * bars.close[-1] == pytest.approx(metrics["final_equity"], abs=0.01)
    printed = "".join(json.loads(FILE.read_text())["cells"][-1]["outputs"][0]["text"])
    assert f"final equity   {metrics['final_equity']:,.2f}\n" in printed
    assert f"closed trades  {trades}\n" in printed


def test_nothing_reads_the_future(whole, tmp_path, monkeypatch):
    """F12 for a whole walk: what ends four years earlier has traded the same until then."""
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path))
    part = walk(end=('end="2013-02-28"', 'end="2009-02-27"'))
    columns = ["time", "side", "quantity", "price"]
    before = whole.result.fills[whole.result.fills["time"] < pd.Timestamp("2009-02-28", tz="UTC")]
    assert len(before) > 50
    pd.testing.assert_frame_equal(part.result.fills[columns], before[columns])
    assert part.windows["params"].tolist() == whole.windows["params"].tolist()[:6]
