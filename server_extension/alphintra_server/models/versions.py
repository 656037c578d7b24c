"""Versions of datasets as a notebook asks for them."""

from __future__ import annotations

from pydantic import Field

from .base import Body, Reply


class VersionQuery(Body):
    """Whose versions."""

    name: str = Field(min_length=1, max_length=200)


class VersionRef(Reply):
    """One version: the number that people know it by, its id, and what nobody has accepted of it."""

    number: int
    id: str
    validation_errors: list[str]


class VersionNames(Reply):
    """The versions of a dataset by their numbers; the one that its name alone means is last."""

    name: str
    versions: list[VersionRef]


class PartQuery(Body):
    """Which bytes of a file."""

    start: int = Field(ge=0, lt=2**53)
    bytes: int = Field(ge=1, le=8 << 20)
