"""Splits and dividends on the server: from a file to a run that goes through them, the same as in a notebook."""


import alphintra as al
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from alphintra.data.sessions import exchange
from alphintra.data.sources import open_named
from alphintra.rules import Choice, check_version
from alphintra.rules.registry import rules

from ..sdk.recipes.made import DAILY, datasets
from .conftest import TestIdentities
from .stored import store_version
from .uploaded import ALICE

BOB = "bob:researcher"
CODE = """\
import alphintra as al

class Swing(al.Strategy):
    def on_bar(self):
        for symbol in ("AAA", "BBB"):
            if self.data[symbol].close[-1] > self.data[symbol].open[-1]:
                self.order_target_percent(0.4, symbol=symbol)
            elif self.bar_index % 7 == 0:
                self.close(symbol=symbol)
"""
DAYS = pd.DatetimeIndex(exchange("XNYS").session.astype("M8[D]"))
DAYS = DAYS[DAYS >= "2020-01-02"][:250]
OTHERS = frozenset(rules()) - {"ADJ_INCONSISTENT"}
ROLES = {name: name for name in ("open", "high", "low", "close", "adj_close", "volume")}


@pytest.fixture
def worker_argv():
    return None


@pytest.fixture
def identities():
    return TestIdentities


def raw_prices(seed):
    """Raw daily bars that fall with random splits and dividends; the events. One day's adjusted close is wrong."""
    dice = np.random.default_rng(seed)
    places = np.sort(dice.choice(np.arange(20, 240), 9, replace=False))
    splits, dividends, wrong = places[::3], places[1::3], places[2]
    value = 100 * np.exp(np.cumsum(dice.normal(0, 0.01, len(DAYS))))
    share, factor, events = np.ones(len(DAYS)), np.ones(len(DAYS)), []
    for place in splits:
        ratio = float(dice.choice([0.5, 1.5, 2.0, 4.0]))
        share[place:] /= ratio
        factor[:place] /= ratio
        events.append(("split", place, ratio))
    for place in dividends:
        amount = float(np.round(0.01 * value[place - 1] * share[place - 1], 4))
        factor[:place] *= 0.99
        events.append(("dividend", place, amount))
    factor[:wrong] *= 0.9
    close = np.round(value * share, 2)
    opened = np.round(close * (1 + dice.normal(0, 0.004, len(DAYS))), 2)
    table = pa.table({
        "date": pa.array(DAYS.date, pa.date32()), "open": opened, "high": np.maximum(opened, close),
        "low": np.minimum(opened, close), "close": close, "adj_close": close * factor,
        "volume": dice.integers(1_000_000, 2_000_000, len(DAYS)).astype(float),
    })  # fmt: skip
    return table, events, str(DAYS[wrong].date())


async def test_a_file_of_events_goes_from_its_upload_into_runs_and_checks(
    api, services, tmp_path, put_upload, look_at, make_version, job_end, finished, monkeypatch
):
    tables, lines, rows, wrong = {}, ["ticker,action,ex_date,ratio,announced"], [], {}
    for seed, symbol in enumerate(("AAA", "BBB")):
        tables[symbol], events, wrong[symbol] = raw_prices(seed)
        for kind, place, value in events:
            day, known = (str(DAYS[at].date()) for at in (place, place - 5))
            lines.append(f"{symbol},{kind},{day},{value!r},{known}")
            rows.append({"instrument_id": symbol, "kind": kind, "ex_date": day, "value": value, "known_from": known,
                         "source": "actions.csv"})  # fmt: skip
    made = tmp_path / "made"
    about = {"tables": tables, "about": DAILY, "roles": {"date": "time", **ROLES}}
    store_version(services.database, services.storage, made, **about)
    np.random.default_rng(5).shuffle(shuffled := lines[1:])
    upload = put_upload("\n".join([lines[0], *shuffled, ""]).encode(), "actions.csv", "actions")
    found = await look_at(upload)
    mapping = found["inspection"]["mapping"]
    assert (mapping["kind"], found["inspection"]["questions"]) == ("reference", [])
    address = f"/api/datasets/upload/{upload}/ingest"
    ignored = {"role": "ignore", "name": ""}
    without = [own | (ignored if own["role"] == "known_at" else {}) for own in mapping["columns"]]
    refused = await api("POST", address, {"mapping": mapping | {"columns": without}}, user=ALICE)
    assert (refused.status, refused.json["code"]) == (422, "KNOWN_FROM_MISSING"), refused.json
    ended = await make_version(upload, mapping, dataset="actions")
    assert ended["status"] == "COMPLETED", ended["error"]
    actions = (await api("GET", "/api/datasets/actions", user=ALICE)).json
    assert (actions["row_count"], actions["symbols"]) == (12, ["AAA", "BBB"])
    assert actions["is_validated"] is True
    for part in ("preview", "statistics", "versions/1/validation"):
        assert (await api("GET", f"/api/datasets/actions/{part}", user=ALICE)).status == 200, part

    # What a run is refused for: what holds no events, symbols of it, no such version, another's that is not shared.
    strategy = (await api("POST", "/api/strategies/code/create", {"name": "Swing", "code": CODE}, user=BOB)).json
    ids = {name: (await api("GET", f"/api/datasets/{name}", user=ALICE)).json["id"] for name in ("prices", "actions")}
    body = {"strategy_id": strategy["id"], "dataset_id": ids["prices"]}

    async def let(name):
        grant = {"user_id": "bob", "level": "USE"}
        assert (await api("PUT", f"/api/datasets/{ids[name]}/grants", grant, user=ALICE)).status == 200

    async def create(reference):
        return await api("POST", "/api/backtests", body | {"reference": reference}, user=BOB)

    await let("prices")
    assert (await create(ids["actions"])).json["code"] == "UNKNOWN_DATASET"
    await let("actions")
    for reference, code in (
        ("actions", "UNKNOWN_DATASET"), (ids["prices"], "NO_REFERENCE"), ("us-equities-daily", "NO_REFERENCE"),
        (f"{ids['actions']}@2", "UNKNOWN_VERSION"), (f"{ids['actions']}/AAA", "UNKNOWN_SYMBOL"),
    ):  # fmt: skip
        refused = await create(reference)
        assert (refused.status, refused.json["code"]) == (422, code), refused.json
        assert refused.json["errors"][0]["field"] == "reference"
    checks = f"/api/strategies/code/{strategy['id']}/checks"
    plan = {"checks": ["total_trades >= 20"], "dataset_id": ids["prices"]}
    refused = await api("PUT", checks, plan | {"settings": {"reference": ids["prices"]}}, user=BOB)
    assert refused.json["code"] == "NO_REFERENCE"
    kept = await api("PUT", checks, plan | {"settings": {"reference": ids["actions"]}}, user=BOB)
    assert kept.json["settings"]["reference"] == ids["actions"]

    # A run on the version that is current: the same as on the SDK's own store, to the last cent and hash.
    job = (await create(ids["actions"])).json
    assert job["reference"] == f"{ids['actions']}@1"
    assert (await api("POST", f"/api/backtests/{job['id']}/run", user=BOB)).status == 202
    begun = await api("POST", f"{checks}/run", user=BOB)
    run = await finished(job["id"], user=BOB, seconds=600)
    assert run["status"] == "COMPLETED", run["error"]
    results = (await api("GET", f"/api/backtests/{job['id']}/results", user=BOB)).json
    datasets(tmp_path / "here", monkeypatch, {"prices": (tables, DAILY, ROLES)})
    own = al.data.add_reference("actions", rows)
    space = {}
    exec(CODE, space)
    here = al.backtest(space["Swing"], al.data.load("prices@1", reference="actions@1"), commission=0)
    assert results["run"]["dataset_hash"] == here.run["dataset_hash"]
    assert results["run"]["reference"] == here.run["reference"] == {
        "dataset": "actions@1", "content_hash": own.about.content_hash,
    }  # fmt: skip
    assert results["run"]["catalogue_reference"] == own.about.content_hash == actions["content_hash"]
    assert results["metrics"] == here.to_dict()["metrics"]
    assert results["metrics"]["total_trades"] > 20
    assert (await job_end(begun.json["job_id"], user=BOB))["status"] == "COMPLETED"
    checked = (await api("GET", f"{checks}/runs/{begun.json['run_id']}", user=BOB)).json
    assert [each["passed"] for each in checked["results"]] == [True]
    assert checked["metrics"]["total_return"] == results["metrics"]["total_return"]
    unknown = al.backtest(space["Swing"], "prices@1", commission=0, prices="raw").metrics["final_equity"]
    assert abs(results["metrics"]["final_equity"] - unknown) > 1_000

    # Checked again with the days of its events, the wrong adjusted closes are found; without them they may be right.
    assert not any(own.count for own in check_version(open_named("prices@1"), Choice(left_out=OTHERS)).results)
    where = "/api/datasets/prices/versions/1/validation"
    asked = await api("POST", where, {"reference": "actions"}, user=ALICE)
    assert asked.status == 202, asked.json
    ended = await job_end(asked.json["job_id"])
    assert ended["status"] == "COMPLETED", ended["error"]
    report = (await api("GET", where, user=ALICE)).json
    (adjusted,) = (own for own in report["report"]["results"] if own["rule"] == "ADJ_INCONSISTENT")
    assert adjusted["count"] == 2
    assert set(adjusted["places"]["time"]) == set(wrong.values())
    assert report["parameters"]["reference"] == "actions@1"
    assert (await api("POST", where, {"reference": "us-equities-daily"}, user=ALICE)).json["code"] == "NO_REFERENCE"
