"""A study as HTML: a page of its own, or a fragment without scripts.

The fragment is for a notebook where the interactive view is not installed, and for nbconvert.
"""

from __future__ import annotations

from html import escape

from alphintra_backtest.study_blocks import Payload, Writer
from alphintra_backtest.study_page import page

__all__ = ["fragment", "page"]


def fragment(study: Payload) -> str:
    """Return the HTML of a study's payload, without ``html`` and ``body``, scripts or style sheets."""
    writer = Writer()
    sections = "".join(
        f'<h4 style="margin:16px 0 4px">{escape(section["title"])}</h4>'
        + "".join(writer.block(block) for block in section["blocks"])
        for section in study["sections"]
    )
    code = f"<pre{writer.look('code')}>{escape(study['code'])}</pre>" if study["code"] else ""
    return f"<div{writer.look('study')}>{writer.header(study, 'h3')}{sections}{code}</div>"
