"""A page of HTML that somebody asked for: returned, or written to a file."""

from __future__ import annotations

from pathlib import Path


def kept(page: str, path: str | Path | None) -> str | Path:
    """Write a page to a file and return its path; return the page itself where no path is given."""
    if path is None:
        return page
    target = Path(path)
    target.write_text(page, encoding="utf-8")
    return target
