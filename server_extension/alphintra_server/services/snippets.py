"""Snippets: pieces of code to insert, the SDK's and the trader's own."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from ..errors import ServiceError
from ..models.code import Snippet
from .workspace import Workspace

FOLDER = "snippets"
MAX_SNIPPET = 64 << 10
_HEADER = re.compile(r"^#\s*(title|description|prefix|context):\s*(.*?)\s*$")


class Snippets:
    """Lists snippets; a user's own hides a built-in one of the same id."""

    def __init__(self, workspace: Workspace, builtin: Path) -> None:
        self._workspace = workspace
        self._builtin = builtin

    async def all(self) -> list[Snippet]:
        """List built-in ones, then the trader's."""
        return await asyncio.to_thread(self._list)

    def _list(self) -> list[Snippet]:
        found = {
            path.stem: parse_snippet(path.stem, path.read_text(encoding="utf-8"), "builtin")
            for path in sorted(self._builtin.glob("*.py"))
            if not path.stem.startswith("_")
        }
        for name in self._workspace.list_files(FOLDER, ".py"):
            try:
                text = self._workspace.read_text(f"{FOLDER}/{name}", MAX_SNIPPET)
            except ServiceError:
                # One unreadable file of the trader's must not hide the others.
                continue
            stem = name.removesuffix(".py")
            found.pop(stem, None)
            found[stem] = parse_snippet(stem, text, "user")
        return list(found.values())


def parse_snippet(snippet_id: str, text: str, source: str) -> Snippet:
    """Split the header of ``# title:``, ``# description:``, ``# prefix:`` from the code."""
    header: dict[str, str] = {}
    lines = text.splitlines()
    while lines and (match := _HEADER.match(lines[0])):
        header[match[1]] = match[2]
        lines.pop(0)
    while lines and not lines[0].strip():
        lines.pop(0)
    return Snippet(
        id=snippet_id,
        title=header.get("title") or snippet_id.replace("_", " ").replace("-", " ").capitalize(),
        description=header.get("description", ""),
        prefix=header.get("prefix") or snippet_id,
        code="\n".join(lines).rstrip() + "\n",
        source=source,
    )
