"""Names of runs: what tells them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def named(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a name for each run: its strategy, with the parameters, data, engine and profile that differ.

    Args:
        runs: ``Result.run`` of each.
    """
    names = [str(run["strategy"]) for run in runs]
    for more in (_parameters, _dataset, _configuration):
        if len(set(names)) == len(names):
            return names
        names = [f"{name} {word}".strip() for name, word in zip(names, more(runs), strict=True)]
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return out


def _parameters(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    keys = dict.fromkeys(key for run in runs for key in run["parameters"])
    differ = [key for key in keys if len({repr(run["parameters"].get(key)) for run in runs}) > 1]
    return [
        ", ".join(f"{key}={run['parameters'][key]}" for key in differ if key in run["parameters"])[:60] for run in runs
    ]


def _dataset(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    whole = [str(run["dataset"]) for run in runs]
    short = [name.rsplit("/", 1)[-1] for name in whole]
    if len(set(whole)) == 1:
        return [""] * len(runs)
    return [f"on {name}" for name in (short if len(set(short)) == len(set(whole)) else whole)]


def _configuration(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    out = [""] * len(runs)
    for key in ("engine", "profile"):
        values = [str(run["configuration"].get(key, "default")) for run in runs]
        if len(set(values)) > 1:
            out = [f"{word} ({value})".strip() for word, value in zip(out, values, strict=True)]
    return out
