"""A Monte Carlo run as a page: what it says agrees with the numbers."""

from __future__ import annotations

import json

import alphintra as al
import numpy as np
import pytest

from .accounts import account, noise
from .test_round_trips import PNL, trades


@pytest.mark.parametrize("method", ["returns", "trades", "order"])
def test_a_page_for_each_method(method: str) -> None:
    result = account(noise(252), noise(252, 1), trades(PNL))
    found = al.monte_carlo(result, method, paths=60)
    payload = found.study().payload()
    json.dumps(payload, allow_nan=False)
    assert payload["kind"] == "monte_carlo"
    assert [section["name"] for section in payload["sections"]] == ["curves", "metrics", "method"]
    blocks = [block for section in payload["sections"] for block in section["blocks"]]
    figures = {block["name"]: block for block in blocks if block["type"] == "figure"}
    assert ("equity_fan" in figures) == (method != "order")
    assert "max_drawdown_paths" in figures
    for figure in figures.values():
        assert figure["alt"].endswith(".")
        colours = json.dumps([{**t, "x": 0, "y": 0} for t in figure["data"]])
        assert "@" in colours
        assert "#" not in colours
    counted = sum(figures["max_drawdown_paths"]["data"][0]["y"])
    assert counted == 60
    json.dumps(found.to_dict(), allow_nan=False)
    assert found.to_dict()["metrics"]["max_drawdown"]["p5"] == pytest.approx(found.bands.loc["max_drawdown", 5])
    again = eval(payload["code"], {"al": al, "result": result})
    np.testing.assert_array_equal(again.metrics, found.metrics)


def test_sentences_agree_with_the_bands() -> None:
    found = al.monte_carlo(account(noise(252, mean=0.0)), paths=200)
    first, second, third = (line.replace("\u202f", " ") for line in found.study().sentences)
    low, high = (f"{found.bands.loc['final_equity', p]:,.0f}".replace(",", " ") for p in (5, 95))
    assert f"between {low} and {high}, from 100 000" in first
    assert f"{100 * found.probability_of_loss:.1f} % of them ended with a loss" in first
    assert f"{-100 * found.bands.loc['max_drawdown', 5]:.1f} % or deeper" in second
    assert f"{found.bands.loc['sharpe_ratio', 95]:.2f} in 90 %" in third


def test_a_fan_has_few_points_and_keeps_its_end() -> None:
    found = al.monte_carlo(account(noise(2_000)), paths=20)
    fan = found.study().payload()["sections"][0]["blocks"][1]
    assert len(fan["data"][0]["x"]) == 400
    assert fan["data"][4]["y"][-1] == pytest.approx(found.equity.iloc[-1][50], abs=0.01)
    assert fan["data"][5]["x"][-1] == str(found.equity.index[-1].date())


def test_equity_that_grows_much_has_a_logarithmic_axis() -> None:
    few, many = (al.monte_carlo(account(noise(n, mean=0.004)), paths=20).study().payload() for n in (60, 1_000))
    axes = [page["sections"][0]["blocks"][1]["layout"]["yaxis"].get("type") for page in (few, many)]
    assert axes == [None, "log"]


def test_a_notebook_shows_it() -> None:
    found = al.monte_carlo(account(noise(252)), paths=20)
    bundle = found._repr_mimebundle_()
    assert "application/vnd.alphintra.study.v1+json" in bundle
    assert "20 paths of session returns drawn again" in bundle["text/html"]
    assert np.isfinite(found.drawdown.to_numpy()).all()
