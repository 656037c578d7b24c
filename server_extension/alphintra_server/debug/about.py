"""What a debug session debugs, for whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
        start: First day.
        end: Last day.
        file: Name of the file of the code among its modules.
        known_as: How the trader knows that file.
        line_map: For a notebook, cell and line of each line of the code.
    """

    user_id: str
    strategy_id: str
    strategy_version: int
    class_name: str
    dataset_id: str
    dataset_name: str
    start: datetime
    end: datetime
    file: str
    known_as: str | None
    line_map: list[list[int]] | None


@dataclass(frozen=True)
class Patience:
    """How long is waited.

    Attributes:
        idle_seconds: For somebody to move a session.
        evaluate_seconds: For an expression.
    """

    idle_seconds: float = 900.0
    evaluate_seconds: float = 5.0
