"""What a run reads beside its prices: features, by the names that a strategy has for them, and reference data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from ..auth import Caller
from ..errors import Invalid
from .selections import Selection, pinned, select_for_run

REFERENCE = "reference"
"""Field of a request."""


@dataclass(frozen=True)
class FeatureChoice:
    """One feature of a run, or its reference data.

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


@dataclass(frozen=True)
class Chosen:
    """All that a run reads beside its prices and its benchmark.

    Attributes:
        features: By the strategy's names.
        reference: The splits and dividends that its prices go through.
    """

    features: dict[str, FeatureChoice] = field(default_factory=dict)
    reference: FeatureChoice | None = None


def choose(
    session: Session, who: Caller, features: Mapping[str, str], reference: str | None, beside: Iterable[Selection]
) -> Chosen:
    """Resolve features and reference data of a run, each to the version that is current now or that was named.

    Args:
        session: The transaction.
        who: Whose run it is.
        features: By name the id or name of a dataset.
        reference: Id or name of the reference data.
        beside: What else the run reads: what it trades, then its benchmark.

    Raises:
        Invalid: As of :func:`select_for_run`, naming the feature; ``DATASET_NAME_CLASH`` where two different datasets
            of the run have one name, by which the worker could not tell them apart, naming the later of them; as of
            :func:`select_reference`.
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
    for name, given in features.items():
        own = f"features.{name}"
        selection = select_for_run(session, who, given, own)
        know(selection, own)
        found[name] = FeatureChoice(pinned(given, selection), selection.name, selection.content_hash)
    if reference is None:
        return Chosen(found)
    selection = select_reference(session, who, reference)
    know(selection, REFERENCE)
    return Chosen(found, FeatureChoice(pinned(reference, selection), selection.name, selection.content_hash))


def select_reference(session: Session, who: Caller, reference: str) -> Selection:
    """Resolve id or name of reference data, with ``@`` and a version or the current one.

    Raises:
        Invalid: As of :func:`select_for_run`; ``NO_REFERENCE`` where the version holds something else.
    """
    if "/" in reference:
        raise Invalid.field(REFERENCE, "reference data is named as a whole, without symbols", code="UNKNOWN_SYMBOL")
    selection = select_for_run(session, who, reference, REFERENCE)
    if selection.version is None or not selection.version.about.get("reference"):
        text = f"{selection.name} holds no splits and dividends: upload such a file as reference data"
        raise Invalid.field(REFERENCE, text, code="NO_REFERENCE")
    return selection


def references(
    stored: Mapping[str, Mapping[str, str]] | None, reference: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return by field of a request what a stored run reads as features and as reference data."""
    found = {f"features.{name}": kept["reference"] for name, kept in (stored or {}).items()}
    return found if reference is None else found | {REFERENCE: reference["reference"]}


def names(stored: Mapping[str, Mapping[str, str]] | None) -> dict[str, str]:
    """Return by name the datasets of a stored run's features, as the SDK knows them."""
    return {name: kept["dataset"] for name, kept in (stored or {}).items()}
