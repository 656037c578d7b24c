"""Documentation of the SDK, read from its docstrings."""

from __future__ import annotations

import asyncio
import inspect
import types
from functools import cache
from typing import Any

from ..errors import NotFound
from ..models.code import SdkDocumentation, SdkEntry


class Documentation:
    """Answers from the SDK that is installed."""

    async def read(self, name: str | None, search: str | None) -> SdkDocumentation:
        """List the public names; with ``name`` that one and what is below it."""
        version, entries = await asyncio.to_thread(_entries)
        items = list(entries)
        if name is not None:
            wanted = name.removeprefix("alphintra.").removeprefix("al.")
            items = [item for item in items if item.name == wanted or item.name.startswith(f"{wanted}.")]
            if not items:
                raise NotFound(f"The SDK has no public name {name}.")
        if search:
            text = search.lower()
            items = [item for item in items if text in item.name.lower() or text in item.doc.lower()]
        return SdkDocumentation(version=version, items=items)


@cache
def _entries() -> tuple[str, tuple[SdkEntry, ...]]:
    import alphintra
    from alphintra._version import __version__

    found: list[SdkEntry] = []
    for name in sorted(getattr(alphintra, "__all__", ())):
        thing = getattr(alphintra, name)
        found.append(_entry(name, thing))
        if isinstance(thing, types.ModuleType):
            members = getattr(thing, "__all__", ())
            found += [_entry(f"{name}.{member}", getattr(thing, member)) for member in sorted(members)]
        elif inspect.isclass(thing):
            found += [
                _entry(f"{name}.{member}", value) for member, value in sorted(_own_members(thing).items())
            ]
    return __version__, tuple(found)


def _own_members(cls: type) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for parent in reversed(cls.__mro__):
        if parent.__module__.partition(".")[0] == "alphintra":
            members |= {name: value for name, value in vars(parent).items() if not name.startswith("_")}
    return members


def _entry(name: str, thing: Any) -> SdkEntry:
    if isinstance(thing, property | types.MemberDescriptorType | types.GetSetDescriptorType):
        kind = "property"
    elif inspect.isclass(thing):
        kind = "class"
    elif isinstance(thing, types.ModuleType):
        kind = "module"
    elif callable(thing) or isinstance(thing, staticmethod | classmethod):
        kind = "function"
    else:
        kind = "value"
    try:
        signature = str(inspect.signature(thing)) if callable(thing) else ""
    except (ValueError, TypeError):
        signature = ""
    doc = (inspect.getdoc(thing) or "") if kind != "value" else ""
    return SdkEntry(name=name, kind=kind, signature=signature, summary=doc.partition("\n")[0], doc=doc)
