"""A study as one HTML page that needs nothing else: no network, no other file.

What is to be read (text, figures, tables, drawings) is plain HTML and stands there before any script runs. Plotly's
code, the copy that the installed ``plotly`` package has, and the charts' points are kept compressed and unpacked by the
browser; each chart is drawn when it comes near the screen. A content security policy forbids the page every request.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from alphintra_backtest.look import PALETTE
from alphintra_backtest.study_blocks import Payload, Writer
from alphintra_backtest.study_svg import svg

#: Nothing is loaded from anywhere; scripts and styles are those of the page itself.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "form-action 'none'; base-uri 'none'"
)

#: Keys whose text Plotly reads as HTML although it is a name.
_NAMES = {"name", "x", "y", "labels", "theta", "ticktext", "categoryarray", "legendgroup", "title"}


def page(study: Payload) -> str:
    """Return the page of a study's payload."""
    figures: list[Payload] = []
    writer = _PageWriter(figures)
    sections = study["sections"]
    body = "".join(
        f'<section id="s{i}"><h2>{escape(section["title"])}</h2>'
        + "".join(writer.block(block) for block in section["blocks"])
        + "</section>"
        for i, section in enumerate(sections)
    )
    links = "".join(f'<li><a href="#s{i}">{escape(section["title"])}</a></li>' for i, section in enumerate(sections))
    if study["code"]:
        links += '<li><a href="#code">Repeat it</a></li>'
        body += f'<section id="code"><h2>Repeat it</h2><pre class="code">{escape(study["code"])}</pre></section>'
    data = {"figures": [_drawn(figure) for figure in figures], "palette": _palette(study)}
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{escape(study["title"])}</title>'
        f"<style>{_asset('style.css')}</style></head><body>"
        '<a class="skip" href="#main">To the content</a><div class="layout">'
        f'<nav aria-label="Sections"><ol>{links}</ol><button id="theme" type="button" hidden>Dark</button></nav>'
        f'<main id="main"><header>{writer.header(study, "h1")}</header>{body}'
        "<noscript><footer>Charts are drawings without axes where scripts are off.</footer></noscript>"
        "</main></div>"
        f'<script type="text/plain" id="study">{_packed(_json(data))}</script>'
        f'<script type="text/plain" id="plotly">{_plotly()}</script>'
        f"<script>{_asset('script.js')}</script></body></html>\n"
    )


class _PageWriter(Writer):
    """Writes figures as places where the script draws, with a drawing in them until it does."""

    def __init__(self, figures: list[Payload]) -> None:
        super().__init__(page=True)
        self._figures = figures

    def figure(self, block: Payload) -> str:
        """Return a figure with what is seen of it before the script has run."""
        number = len(self._figures)
        self._figures.append(block)
        drawing, drawn = svg(block)
        seen = drawing or f"<p>{escape(block['alt'])}</p>"
        legend = "".join(
            f'<span><span style="color:{shade}">■</span> {escape(name)}</span>'
            for shade, name in (drawn.legend if drawing else ())
        )
        reach = f'<div class="small reach">{escape(drawn.reach)}</div>' if drawing and drawn.reach else ""
        note = f'<div class="small">{escape(block["note"])}</div>' if block["note"] else ""
        return (
            f'<figure><figcaption>{escape(block["title"])}<span class="legend">{legend}</span></figcaption>'
            f'<div class="plot" data-figure="{number}" style="min-height:{int(block["height"])}px">'
            f"{seen}</div>{reach}{note}</figure>"
        )


def _drawn(figure: Payload) -> dict[str, Any]:
    """Return what the script needs of a figure."""
    return {
        "data": [_named(trace) for trace in figure["data"]],
        "layout": _named(figure["layout"]),
        "height": figure["height"],
        "alt": figure["alt"],
    }


def _named(value: Any, key: str = "") -> Any:
    """Return a part of a figure in which names are text: Plotly would read ``<`` in them as markup."""
    if isinstance(value, Mapping):
        return {k: _named(item, "name" if key == "title" and k == "text" else k) for k, item in value.items()}
    if isinstance(value, list):
        return [_named(item, key) for item in value]
    if isinstance(value, str) and key in _NAMES:
        return value.replace("&", "&amp;").replace("<", "&lt;")
    return value


def _palette(study: Payload) -> dict[str, Any]:
    return {**(study.get("palette") or PALETTE), "@paper": ("#ffffff", "#15181c")}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _packed(text: str) -> str:
    """Return text compressed, as base64: it can neither end the element it stands in nor open a comment."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")


@cache
def _plotly() -> str:
    """Return Plotly's code, compressed, as base64."""
    return _packed((files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8"))


@cache
def _asset(name: str) -> str:
    return (files(__name__) / name).read_text(encoding="utf-8")
