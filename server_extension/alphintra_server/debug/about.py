"""What a debug session debugs, for whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..models.debug import DebugInput

if TYPE_CHECKING:
    from ..jobs.worker_home import Link


@dataclass(frozen=True)
class Given:
    """What a kernel finds in its folder.

    Attributes:
        files: Path below ``in`` → text.
        job: What it is to run.
        links: Path below ``in`` → a file of the versions that it reads.
    """

    files: Mapping[str, str]
    job: Mapping[str, Any]
    links: Mapping[str, Link] = field(default_factory=dict)


@dataclass(frozen=True)
class About:
    """What is fixed from the start.

    Attributes:
        user_id: The owner.
        strategy_id: The strategy.
        strategy_version: Which of its versions.
        class_name: Which class.
        dataset_id: The dataset.
        dataset_name: Dataset and symbols, by the SDK's name.
        dataset_hash: Identity of the values of the whole version.
        start: First day.
        end: Last day.
        file: Name of the file of the code among its modules.
        known_as: How the trader knows that file.
        line_map: For a notebook, cell and line of each line of the code.
        benchmark: What it is compared with.
        features: What it reads beside that, by the strategy's names.
        reference: The splits and dividends that its prices go through.
    """

    user_id: str
    strategy_id: str
    strategy_version: int
    class_name: str
    dataset_id: str
    dataset_name: str
    dataset_hash: str
    start: datetime
    end: datetime
    file: str
    known_as: str | None
    line_map: list[list[int]] | None
    benchmark: DebugInput | None = None
    features: Mapping[str, DebugInput] = field(default_factory=dict)
    reference: DebugInput | None = None


@dataclass(frozen=True)
class Patience:
    """How long is waited.

    Attributes:
        idle_seconds: For somebody to move a session.
        evaluate_seconds: For an expression.
    """

    idle_seconds: float = 900.0
    evaluate_seconds: float = 5.0
