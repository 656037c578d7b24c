"""Finished variants in a file, so that a sweep which was ended goes on where it stopped.

One line of JSON a variant, appended when it is finished; nothing of it is ever executed. A line is found again by
the hash of all that its numbers depend on: strategy source, data, options, engine version and parameters. Lines of
other sweeps, or cut off in the middle, are passed over.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra_backtest.source import strategy_hash
from alphintra_backtest.sweep.variant import PLACE, Variant, config_of

if TYPE_CHECKING:
    from alphintra_backtest.sweep.work import Job

HEADER = '{"alphintra": "sweep", "version": 1}'
FOLDER = "sweeps"


def study_key(job: Job) -> str:
    """Return the hash of what all variants of a sweep have in common: source, data, options, engine version."""
    from alphintra import __version__

    config, market, options = config_of(job.options), job.market, job.options
    benchmark = options.get("benchmark")
    content = {
        "engine": __version__,
        "strategy": [job.strategy.__qualname__, strategy_hash(job.strategy)],
        "data": [
            market.name, market.dataset_hash, list(market.symbols), market.prices, market.currency, market.calendar,
            market.last_session, market.timeframe, repr(sorted(market.instruments.items())),
        ],
        "benchmark": None if benchmark is None else [benchmark.dataset_hash, benchmark.prices, benchmark.last_session],
        "start": str(options.get("start")),
        "end": str(options.get("end")),
        "costs": [config.cash, config.commission.plain(), config.slippage.plain(), config.risk_free_rate],
        "profile": config.profile,
        "seed": config.seed,
        "rules": config.rules,
        "compiled": bool(options.get("compiled", True)),
        "metrics": job.metrics,
    }  # fmt: skip
    return _hash(content)


def variant_key(study: str, params: Mapping[str, Any]) -> str:
    """Return the hash under which a variant of a study is found."""
    return _hash([study, {name: params[name] for name in sorted(params)}])


def _hash(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def usual_place(study: str) -> Path:
    """Return the file of a study that was given none."""
    from alphintra.trials import data_folder

    return data_folder() / FOLDER / f"{study[:32]}.jsonl"


class Finished:
    """The file of a sweep.

    Args:
        path: The file; it need not exist.
        study: From :func:`study_key`.
        metrics: Names of the metrics that its variants have.

    Raises:
        ParameterError: The file is something else, or cannot be read.
    """

    def __init__(self, path: Path, study: str, metrics: Sequence[str]) -> None:
        self.path, self._study, self._metrics = path, study, metrics
        self._known: dict[str, dict[str, Any]] = {}
        for line in _lines(path):
            self._known[line["key"]] = line

    def __len__(self) -> int:
        """Return how many variants the file has, of this sweep and others."""
        return len(self._known)

    def find(self, number: int, params: Mapping[str, Any]) -> Variant | None:
        """Return what came of a variant that is finished."""
        key = variant_key(self._study, params)
        line = self._known.get(key)
        found = None if line is None else _read(line, number, params, self._metrics)
        if found is None:
            self._known.pop(key, None)
        return found

    def add(self, variant: Variant) -> None:
        """Append a variant, with one write, so that a sweep which is killed leaves whole lines.

        Raises:
            ParameterError: The file cannot be written.
        """
        key = variant_key(self._study, variant.params)
        if key in self._known:
            return
        line = _written(key, variant)
        self._known[key] = line
        self._append(json.dumps(line, ensure_ascii=False, allow_nan=False))

    def _append(self, text: str) -> None:
        from alphintra.errors import ParameterError

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                size = os.fstat(handle).st_size
                if size < len(HEADER) + 1:  # nothing yet, or a first line that was cut off
                    os.ftruncate(handle, 0)
                    text = f"{HEADER}\n{text}"
                elif os.pread(handle, 1, size - 1) != b"\n":  # the last line was cut off: it stays one of its own
                    text = f"\n{text}"
                os.write(handle, f"{text}\n".encode())
            finally:
                os.close(handle)
        except OSError as error:
            raise ParameterError(f"{self.path} cannot be written: {error}", where="resume") from error


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    from alphintra.errors import ParameterError

    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise ParameterError(f"{path} cannot be read: {error}", where="resume") from error
    lines = content.decode("utf-8", errors="replace").split("\n")
    if lines[0] != HEADER and not (len(lines) == 1 and HEADER.startswith(lines[0])):
        raise ParameterError(
            f"{path} is no file of a sweep", where="resume", hint="give a file that does not exist yet, or resume=True"
        )
    for text in lines[1:]:
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(line, dict) and isinstance(line.get("key"), str):
            yield line


def _written(key: str, variant: Variant) -> dict[str, Any]:
    return {
        "key": key,
        "params": variant.params,
        "metrics": {name: value if math.isfinite(value) else None for name, value in variant.metrics.items()},
        "returns": base64.b64encode(variant.returns.astype("<f8").tobytes()).decode("ascii"),
        "first_session": variant.first_session,
        "error": variant.error,
    }


def _read(
    line: Mapping[str, Any], number: int, params: Mapping[str, Any], names: Sequence[str]
) -> Variant | None:
    """A variant from its line; None where the line is not what it should be, so that the variant is run again."""
    try:
        returns = np.frombuffer(base64.b64decode(line["returns"], validate=True), dtype="<f8").astype(np.float64)
        stored = line["metrics"]
        metrics = {name: math.nan if stored[name] is None else float(stored[name]) for name in names}
        error = line["error"]
        if error is not None:
            place = {name: error[name] for name in PLACE if name in error}
            error = {"code": str(error["code"]), "message": str(error["message"]), **place}
        return Variant(number, dict(params), metrics, returns, error, int(line["first_session"]))
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
        return None
