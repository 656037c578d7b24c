"""The datasets that a strategy reads beside its own, by the names that it has for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from ..auth import Caller
from ..errors import Invalid
from .selections import Selection, pinned, select_for_run


@dataclass(frozen=True)
class FeatureChoice:
    """One feature of a run.

    Attributes:
        reference: What finds the very version again: an id, where it is another's.
        dataset: The name by which the SDK knows it.
        content_hash: Identity of the values of the whole version.
    """

    reference: str
    dataset: str
    content_hash: str

    def stored(self) -> dict[str, str]:
        """Return it as a row keeps it."""
        return {"reference": self.reference, "dataset": self.dataset, "content_hash": self.content_hash}


def choose(
    session: Session, who: Caller, features: Mapping[str, str], beside: Iterable[Selection]
) -> dict[str, FeatureChoice]:
    """Resolve the features of a run, each to the version that is current now or that was named.

    Args:
        session: The transaction.
        who: Whose run it is.
        features: By name the id or name of a dataset.
        beside: What else the run reads: what it trades, then its benchmark.

    Raises:
        Invalid: As of :func:`select_for_run`, naming the feature; ``DATASET_NAME_CLASH`` where two different datasets
            of the run have one name, by which the worker could not tell them apart, naming the later of them.
    """
    by_name: dict[str, str] = {}

    def know(selection: Selection, field: str) -> None:
        if by_name.setdefault(selection.row.name, selection.row.id) != selection.row.id:
            raise Invalid.field(
                field, f"two datasets of this run have the name {selection.row.name}: rename one of them",
                code="DATASET_NAME_CLASH",
            )  # fmt: skip

    for other in beside:
        know(other, "benchmark")
    found: dict[str, FeatureChoice] = {}
    for name, reference in features.items():
        field = f"features.{name}"
        selection = select_for_run(session, who, reference, field)
        know(selection, field)
        found[name] = FeatureChoice(pinned(reference, selection), selection.name, selection.content_hash)
    return found


def references(stored: Mapping[str, Mapping[str, str]] | None) -> dict[str, str]:
    """Return by field of a request what a stored run reads as features."""
    return {f"features.{name}": kept["reference"] for name, kept in (stored or {}).items()}


def names(stored: Mapping[str, Mapping[str, str]] | None) -> dict[str, str]:
    """Return by name the datasets of a stored run's features, as the SDK knows them."""
    return {name: kept["dataset"] for name, kept in (stored or {}).items()}
