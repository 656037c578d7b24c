"""Pages of lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from ..models.base import Page, PageQuery, Pagination

Item = TypeVar("Item")


@dataclass(frozen=True)
class Slice(Generic[Item]):
    """Some items of a list, and how many there are in all."""

    items: list[Item]
    total: int


def page(part: Slice[Item], query: PageQuery, path: str) -> Page[Item]:
    """Make the answer of a list endpoint; ``next`` repeats the query's filters."""
    following = query.offset + query.limit
    address = None
    if following < part.total:
        given: dict[str, Any] = query.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        address = f"{path}?{urlencode(given | {'limit': query.limit, 'offset': following})}"
    where = Pagination(limit=query.limit, offset=query.offset, total=part.total, next=address)
    return Page(items=part.items, _pagination=where)
