"""What was set differently, and what the numbers rest on differently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alphintra_backtest.plain_json import plain

MISSING = "\u2013"

_OF_THE_RUN = ("strategy", "strategy_hash", "dataset", "dataset_hash", "timeframe", "seed", "engine_version")


def settings(runs: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return by name what differs among runs: parameters, rules, costs, data; ``None`` where one has no such thing.

    Args:
        runs: ``Result.run`` of each.
    """
    flat = [_flat(run) for run in runs]
    keys = dict.fromkeys(key for values in flat for key in values)
    table = {key: [values.get(key) for values in flat] for key in keys}
    return {key: values for key, values in table.items() if len({repr(value) for value in values}) > 1}


def _flat(run: Mapping[str, Any]) -> dict[str, Any]:
    out = {f"parameter {name}": value for name, value in run["parameters"].items()}
    for name, value in run["configuration"].items():
        if isinstance(value, Mapping):
            out |= {f"{name.rstrip('s')} {key}": plain(inner) for key, inner in value.items()}
        else:
            out[name] = plain(value)
    for name, own in (run.get("features") or {}).items():
        out[f"feature {name}"] = own["dataset"]
    if run.get("reference"):
        out["reference"] = run["reference"]["dataset"]
    return out | {name: run.get(name) for name in _OF_THE_RUN}


def assumptions(lists: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, list[str | None]]:
    """Return by code the sentences that differ among runs; ``None`` where a run has no such assumption."""
    found = [{str(entry["code"]): str(entry["text"]) for entry in entries} for entries in lists]
    codes = dict.fromkeys(code for entries in found for code in entries)
    table = {code: [entries.get(code) for entries in found] for code in codes}
    return {code: texts for code, texts in table.items() if len(set(texts)) > 1}
