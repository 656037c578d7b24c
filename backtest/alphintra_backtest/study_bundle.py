"""What a notebook gets of a study: the interactive view, HTML without scripts, and text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alphintra_backtest.formats import text
from alphintra_backtest.study import MIME_TYPE, Study
from alphintra_backtest.study_bounds import bounded
from alphintra_backtest.study_html import fragment

#: A notebook keeps all three, so the static form shows less than the interactive one.
_STATIC_BYTES = 300_000


def bundle(study: Study) -> dict[str, Any]:
    """Return ``{mime: data}`` for ``_repr_mimebundle_``; the interactive payload has at most 1 MB as JSON."""
    payload = study.payload()
    return {
        MIME_TYPE: bounded(payload),
        "text/html": fragment(bounded(payload, _STATIC_BYTES)),
        "text/plain": summary(payload),
    }


def summary(payload: Mapping[str, Any]) -> str:
    """Return title, warnings, sentences and figures of a study's payload as lines."""
    lines = [payload["title"], payload["subtitle"]]
    lines += [f"[{warning['level']}] {warning['text']}" for warning in payload["warnings"]]
    lines += payload["sentences"]
    for section in payload["sections"]:
        for block in section["blocks"]:
            if block["type"] == "facts":
                lines += [_fact(item) for item in block["items"]]
    return "\n".join(line for line in lines if line)


def _fact(item: Mapping[str, Any]) -> str:
    said = item["reason"] if item["value"] is None and item["reason"] else item["note"]
    value = text(item["value"], item["format"], signed=item["signed"])
    return f"{item['label']:<24}{value:>14}" + (f"   {said}" if said else "")
