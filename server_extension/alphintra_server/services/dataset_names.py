"""What datasets and files may be called."""

from __future__ import annotations

import re
import unicodedata

from ..errors import Invalid

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_TAKEN = frozenset({"upload", "uploads", "usage", "mappings", "recipes", "rules"})
"""What stands in an address where a name could."""
_ID = re.compile(r"[0-9a-f]{32}")
_ENDINGS = re.compile(r"(\.(csv|tsv|txt|parquet|pq|jsonl?|ndjson|xlsx?|feather|arrow|gz|zip|zst))+$", re.I)
_MOST_FILE_NAME = 255


def check_name(name: str, field: str = "name") -> str:
    """Return a name that a user's dataset may have: it is part of addresses and of ``name@version/SYMBOL``.

    Raises:
        Invalid: It may not.
    """
    if not _NAME.fullmatch(name):
        raise Invalid.field(
            field, "a dataset's name is 1 to 100 letters, digits, _ . or -, a letter or digit first", code="BAD_NAME"
        )
    if name.lower() in _TAKEN or _ID.fullmatch(name):
        raise Invalid.field(field, f"{name} cannot be a dataset's name: it means something else", code="BAD_NAME")
    return name


def file_name(given: str) -> str:
    """Return a sender's name of a file as it can be shown: without folders, in one line, not too long."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", given))[-1]
    shown = "".join(letter for letter in last if letter.isprintable()).strip()
    return shown[:_MOST_FILE_NAME] or "file"


def name_of_file(filename: str) -> str:
    """Propose a dataset's name for a file: its name without endings, and without what a name may not have."""
    stem = _ENDINGS.sub("", filename)
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", plain).strip("-_.")[:100]
    try:
        return check_name(name)
    except Invalid:
        return "dataset"
