"""Fenced blocks of a documentation page, in order, with the heading they stand under."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


@dataclass(frozen=True)
class Block:
    heading: str
    language: str
    text: str


def blocks(page: str) -> list[Block]:
    out: list[Block] = []
    heading, language, lines = "", None, []
    for line in (DOCS / page).read_text(encoding="utf-8").splitlines():
        if language is None and line.startswith("#"):
            heading = line.lstrip("# ")
        elif match := re.match(r"```(\w*)$", line):
            if language is None:
                language, lines = match[1] or "text", []
            else:
                out.append(Block(heading, language, "\n".join(lines)))
                language = None
        elif language is not None:
            lines.append(line)
    return out
