"""What a strategy does with features: reading, indicators, crossings, and nothing of what comes later."""

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra.errors import AlphintraError, DataError, LookAheadError, OrderError, ParameterError, StrategyError

from tests.backtest.features.made import bars, days

DAYS = days("2024-01-02", 40)
DATA = bars(DAYS)
LEVEL = np.random.default_rng(1).normal(15, 2, 40)
VIX = pd.DataFrame({"close": LEVEL}, index=DAYS)
#: Published a week after the month's end; January's again a month later.
GDP = pd.DataFrame({
    "time": pd.to_datetime(["2023-12-31", "2024-01-31", "2024-01-31"], utc=True),
    "growth": [1.0, 2.0, 3.0],
    "note": ["first", None, "revised"],
    "known_at": pd.to_datetime(["2024-01-08", "2024-02-07", "2024-02-20"], utc=True),
})  # fmt: skip


def run(on_bar, data=DATA, on_start=None, **options):
    body = {"on_bar": on_bar, "on_start": on_start or al.Strategy.on_start}
    return al.backtest(type("S", (al.Strategy,), body), data, **options)


def test_the_latest_known_row_and_its_age():
    seen = {}

    def on_bar(self):
        gdp, vix = self.features["gdp"], self.features["vix"]
        seen[f"{self.now:%m-%d %H}"] = (gdp.growth[-1], gdp.note[-1], gdp.time and gdp.time.day, len(gdp), gdp.age.days)
        assert vix.close[-1] == LEVEL[self.bar_index]  # its bar has ended with this one
        assert vix.close[-3:].tolist() == LEVEL[max(0, self.bar_index - 2) : self.bar_index + 1].tolist()
        assert (vix.time.date(), vix.known_at) == (DAYS[self.bar_index].date(), self.now)

    result = run(on_bar, features={"gdp": GDP, "vix": VIX})
    assert (result.run["features"]["gdp"]["dataset"], list(result.run["features"])) == ("DATA", ["gdp", "vix"])
    before, first, revised = seen["01-05 21"], seen["01-08 21"], seen["02-20 21"]
    assert (np.isnan(before[0]), before[1:]) == (True, (None, None, 0, 999_999_999))
    assert first == (1.0, "first", 31, 1, 8)
    assert seen["02-16 21"][:4] == (2.0, None, 31, 2)
    assert revised == (3.0, "revised", 31, 2, 20)


def test_nothing_later_can_be_read_by_any_way():
    wrong = [
        lambda s: s[0], lambda s: s[:], lambda s: s[:-1], lambda s: s[0:], lambda s: s[-3:-1], lambda s: s[::2],
        lambda s: s[5], lambda s: np.asarray(s), lambda s: list(s), lambda s: s["close"], lambda s: bool(s),
    ]  # fmt: skip

    def outcome(read, series):
        try:
            return read(series)
        except (LookAheadError, TypeError) as error:
            return type(error)

    def on_bar(self):
        for name, column in (("vix", "close"), ("gdp", "growth"), ("gdp", "note")):
            series = getattr(self.features[name], column)
            for view in (series, getattr(self.features[name].per_bar, column)):
                found = [outcome(read, view) for read in wrong]
                same = [outcome(read, self.data.close) for read in wrong]
                assert [f if isinstance(f, type) else len(f) for f in found] == [
                    f if isinstance(f, type) else len(view) for f in same
                ]
                assert {n for n in dir(view) if not n.startswith("_")} == {"name", "timeline"}
                part = view[-5:]
                # No array that is handed out leads to the rest, and none can be written to.
                assert (part.base, part.flags.writeable) == (None, False)
                assert len(part) <= min(5, len(view))

    run(on_bar, features={"gdp": GDP, "vix": VIX})
    with pytest.raises(StrategyError, match=r"features\['vix'\].close has no values in on_start") as caught:
        run(lambda self: None, on_start=lambda self: self.features["vix"].close[-1], features={"vix": VIX})
    assert isinstance(caught.value.__cause__, LookAheadError)


def test_indicators_and_crossings():
    crossed = {"rows": [], "bars": [], "gdp": []}

    def on_start(self):
        self.mean = self.indicator(al.ta.SMA, self.features["vix"].close, 3)
        self.ratio = self.indicator(np.divide, self.data.close, self.features["gdp"].per_bar.growth)

    def on_bar(self):
        vix, gdp = self.features["vix"], self.features["gdp"]
        assert self.mean[-1] == pytest.approx(LEVEL[self.bar_index - 2 : self.bar_index + 1].mean())
        assert self.ratio[-1] == self.data.close[-1] / gdp.growth[-1]
        for name, series, level in (
            ("rows", vix.close, 15), ("bars", vix.per_bar.close, 15), ("gdp", gdp.growth, 2.5)
        ):  # fmt: skip
            if al.crossed_above(series, level):
                crossed[name].append(self.bar_index)

    run(on_bar, on_start=on_start, features={"gdp": GDP, "vix": VIX})
    first = DAYS.get_loc("2024-01-08")  # the ratio is not defined before
    expected = [i for i in range(first, 40) if LEVEL[i] > 15 >= LEVEL[i - 1]]
    assert crossed == {"rows": expected, "bars": expected, "gdp": [DAYS.get_loc("2024-02-20")]}
    for column, says in (("growth", "has rows that were revised"), ("note", "holds no numbers")):
        with pytest.raises(StrategyError, match=rf"{column} {says}.*per_bar"):
            run(on_bar, on_start=lambda self: self.indicator(np.negative, getattr(self.features["gdp"], column)),  # noqa: B023
                features={"gdp": GDP, "vix": VIX})  # fmt: skip


def test_series_of_each_symbol_and_of_all():
    news = pd.DataFrame({
        "time": [*DAYS[:3], *DAYS[:3]], "known_at": pd.DatetimeIndex([*DAYS[:3], *DAYS[:3]], tz="UTC"),
        "symbol": ["BB"] * 3 + ["AA"] * 3, "score": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    })  # fmt: skip
    data = {"AA": DATA, "BB": bars(DAYS, 5)}
    asked = []

    def on_bar(self):
        news, vix = self.features["news"], self.features["vix"]
        row = min(self.bar_index, 2)
        assert [news[s].score[-1] for s in self.data.symbols] == [4.0 + row, 1.0 + row]
        assert vix["AA"].close[-1] == vix["BB"].close[-1] == vix.close[-1] == LEVEL[self.bar_index]
        for wrong in (lambda: news.score, lambda: news["ZZ"], lambda: vix["ZZ"], lambda: self.features["vex"],
                      lambda: vix.clse, lambda: news["AA"].scor):  # fmt: skip
            with pytest.raises(AlphintraError) as caught:
                wrong()
            asked.append((type(caught.value), caught.value.code, caught.value.message, caught.value.hint))

    run(on_bar, data, features={"news": news, "vix": VIX})
    assert asked[:6] == [
        (OrderError, "BAD_ORDER", "self.features['news'].score of which symbol? The run has 2",
         "self.features['news']['AA'].score"),
        (OrderError, "BAD_ORDER", "unknown symbol 'ZZ'", "the run has: AA, BB"),
        (OrderError, "BAD_ORDER", "unknown symbol 'ZZ'", "the run has: AA, BB"),
        (DataError, "UNKNOWN_FEATURE", "the run has no feature 'vex'", "Did you mean 'vix'? It has news, vix."),
        (DataError, "UNKNOWN_COLUMN", "there is no column 'clse'", "Did you mean 'close'? It has close."),
        (DataError, "UNKNOWN_COLUMN", "there is no column 'scor'", "Did you mean 'score'? It has score."),
    ]  # fmt: skip
    # The same given as frames by symbol; and a run over one symbol reads without naming it.
    frames = {symbol: own.drop(columns="symbol") for symbol, own in news.groupby("symbol")}

    def alone(self):
        assert self.features["news"].score[-1] == 1.0 + min(self.bar_index, 2)

    run(alone, {"BB": DATA}, features={"news": frames})
    by_name = al.data.resolve(data, features={"news": news}).features["news"]
    by_symbol = al.data.resolve(data, features={"news": frames}).features["news"]
    assert by_name.content_hash == by_symbol.content_hash


def test_a_run_without_features_says_so_and_a_member_of_that_name_stays():
    with pytest.raises(StrategyError, match=r"no feature 'vix'.*features=\{\"vix\": dataset\}"):
        run(lambda self: self.features["vix"])

    class Own(al.Strategy):
        features = ("a", "b")

        def on_bar(self):
            assert self.features == ("a", "b")

    al.backtest(Own, DATA)
    with pytest.raises(ParameterError, match="Own has a member features of its own"):
        al.backtest(Own, DATA, features={"vix": VIX})
