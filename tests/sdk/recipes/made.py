"""Rows for the tests of recipes, and a shorter way to run one."""

import json

import numpy as np
import pyarrow as pa
from alphintra.data.sources import FOLDER_VARIABLE
from alphintra.recipes import Context, Recipe, Sample, preview, recipe_of
from alphintra.recipes.rows import rows_of
from alphintra.recipes.running import through
from alphintra.recipes.sources import source_of
from alphintra.store.blobs import Folder
from alphintra.store.committing import commit
from alphintra.store.manifest import About
from alphintra.store.opening import open_folder
from alphintra.store.sweeping import lease

from tests.sdk.store.made import ABOUT, write

DAILY = About(asset_class="STOCKS", timeframe="1d", calendar="XNYS", currency="USD", adjustment="raw")
FEATURES = About()
ALL = Sample(rows=1_000_000)


def table(columns):
    """An Arrow table; texts that are dates become dates, and those with a clock times."""
    out = {}
    for name, values in columns.items():
        if isinstance(values[0], str) and name in ("time", "known_at"):
            values = pa.array(np.array(values, dtype="M8[us]")).cast(pa.timestamp("us", "UTC"))
        elif isinstance(values[0], str) and name == "date":
            values = pa.array(np.array(values, dtype="M8[D]"))
        out[name] = values if isinstance(values, pa.Array) else pa.array(values)
    return pa.table(out)


def run(columns, *steps, about=ABOUT, roles=None, context=None):
    """The columns after steps, as lists; times as text. Raises if a step looks ahead."""
    data = columns if isinstance(columns, pa.Table) else table(columns)
    found = preview(data, list(steps), ALL, about=about, roles=roles, context=context)
    assert found.leaks == (), found.leaks
    assert found.tried or len(data) < 4 or any(step.fit_end for step in steps) or len(set(data[0].to_pylist())) == 1
    out = found.after.drop_columns(["symbol"]).to_pydict()
    kinds = {name: str(found.after[name].type) for name in out}
    return {name: [_plain(v) for v in values] for name, values in out.items() if kinds[name]}


def rows(data, about=ABOUT, roles=None):
    """Rows of one symbol."""
    source = source_of(data, about, roles)
    return rows_of(source.symbols[0], source.shape, source.frames[source.symbols[0]])


def after(given, recipe, context=None):
    """Rows after a recipe."""
    steps, context = recipe_of(recipe), context or Context()
    return through(steps, steps.plan(given.shape, context), given, context)[0]


def planned(given, recipe, context=None):
    """Recipe, shapes and context, as the search for leaks takes them."""
    steps, context = recipe if isinstance(recipe, Recipe) else recipe_of(recipe), context or Context()
    return steps, steps.plan(given.shape, context), given, context


def stored(folder, tables, version="v1", about=ABOUT, roles=None):
    """A version in a folder, opened."""
    given = {} if roles is None else {"roles": roles}
    write(folder, tables, version, about=about, **given)
    return open_folder(folder)


def datasets(root, monkeypatch, named):
    """A folder of datasets: by name a dict of tables by symbol, or of these and what is stated."""
    index = {}
    for name, (tables, about, roles) in named.items():
        with lease(root, "me") as folder:
            given = {} if roles is None else {"roles": roles}
            write(folder, tables, f"{name}-v1", about=about, **given)
            with commit(Folder(root), "me", folder, f"{name}-v1"):
                pass
        index[name] = {"owner": "me", "versions": [["1", f"{name}-v1"]]}
    (root / "index.json").write_text(json.dumps({"format": "alphintra-datasets/1", "datasets": index}))
    monkeypatch.setenv(FOLDER_VARIABLE, str(root))


def _plain(value):
    if value is None or value != value:
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat().removesuffix("+00:00").replace("T", " ")
    return round(value, 12) if isinstance(value, float) else value
