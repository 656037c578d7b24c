"""What a study shows: sweeps, walk-forwards, Monte Carlo runs, comparisons and reports as one kind of page.

A study's payload is drawn by the Lab extension, by the static HTML of a notebook, and by the self-contained report:
one source, three places. Figures are Plotly's JSON (``data`` and ``layout``) as plain dicts, without Plotly being
imported; their colours are tokens of :data:`PALETTE`, so that each place draws them in its own theme.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alphintra_backtest.look import PALETTE
from alphintra_backtest.plain_json import plain

MIME_TYPE = "application/vnd.alphintra.study.v1+json"
VERSION = 1


@dataclass(frozen=True)
class Figure:
    """A chart.

    Attributes:
        name: Short identifier, unique within the study.
        title: What it shows.
        alt: Its text alternative: what a reader would see in it, with the figures that matter.
        data: Plotly traces; colours are tokens such as ``"@gain"``.
        layout: Plotly's layout, without colours, fonts or margins unless they matter.
        height: Pixels.
        note: A sentence below it.
    """

    name: str
    title: str
    alt: str
    data: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any] = field(default_factory=dict)
    height: int = 320
    note: str = ""

    def payload(self) -> dict[str, Any]:
        """Return its plain form."""
        return {"type": "figure", **vars(self)}


@dataclass(frozen=True)
class Column:
    """A column of a table: ``format`` and ``signed`` as in :func:`alphintra_backtest.formats.text`."""

    name: str
    label: str
    format: str = "text"
    signed: bool = False
    definition: str = ""


@dataclass(frozen=True)
class Table:
    """A table; ``total`` counts the rows there are, of which ``rows`` may be a part.

    ``heat`` names the columns whose cells are coloured around zero, as far as the largest of them in absolute value.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    total: int | None = None
    note: str = ""
    heat: Sequence[str] = ()

    def payload(self) -> dict[str, Any]:
        """Return its plain form."""
        total = len(self.rows) if self.total is None else self.total
        return {"type": "table", **vars(self), "columns": [vars(c) for c in self.columns], "total": total}


@dataclass(frozen=True)
class Text:
    """Sentences; ``level`` is ``info``, ``warning`` or ``error``."""

    lines: Sequence[str]
    level: str = "info"

    def payload(self) -> dict[str, Any]:
        """Return its plain form."""
        return {"type": "text", **vars(self)}


@dataclass(frozen=True)
class Fact:
    """One figure with its definition; ``reason`` says why it is undefined, ``note`` is a word below it."""

    name: str
    label: str
    value: float | str | None
    format: str = "ratio"
    signed: bool = False
    definition: str = ""
    reason: str = ""
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """Figures side by side."""

    items: Sequence[Fact]

    def payload(self) -> dict[str, Any]:
        """Return its plain form."""
        return {"type": "facts", "items": [vars(item) for item in self.items]}


@dataclass(frozen=True)
class Trials:
    """Variants of a sweep: drawn as heat map, parallel coordinates and table, whose selections are one.

    Attributes:
        name: Short identifier, unique within the study.
        title: What was varied.
        parameters: Columns of the parameters.
        metrics: Columns of the metrics, the one that was optimised first.
        rows: One a trial: its number, its parameters' values, its metrics' values; ``None`` where undefined.
        best: Number of the best trial, ``None`` where none is defined.
        total: Trials there are, of which ``rows`` may be a part.
        note: What is left out.
    """

    name: str
    title: str
    parameters: Sequence[Column]
    metrics: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    best: int | None
    total: int | None = None
    note: str = ""

    def payload(self) -> dict[str, Any]:
        """Return its plain form."""
        return {
            "type": "trials",
            **vars(self),
            "parameters": [vars(c) for c in self.parameters],
            "metrics": [vars(c) for c in self.metrics],
            "total": len(self.rows) if self.total is None else self.total,
        }


@dataclass(frozen=True)
class Section:
    """A part of a study with a heading."""

    name: str
    title: str
    blocks: Sequence[Figure | Table | Text | Facts | Trials]


@dataclass(frozen=True)
class Study:
    """A page.

    Attributes:
        kind: ``sweep``, ``walk_forward``, ``monte_carlo``, ``comparison``, ``report``, ….
        title: Such as ``SmaCross: sweep of 990 variants``.
        subtitle: Data, dates, bars.
        chips: Pairs of a name and a value: what it was asked for.
        warnings: Each ``{code, text, level, items}`` as in a result's view.
        sentences: What it means, in plain words; the first is the one to read.
        sections: Its parts, in order.
        code: What repeats it.
    """

    kind: str
    title: str
    subtitle: str = ""
    chips: Sequence[tuple[str, Any]] = ()
    warnings: Sequence[Mapping[str, Any]] = ()
    sentences: Sequence[str] = ()
    sections: Sequence[Section] = ()
    code: str = ""

    def payload(self) -> dict[str, Any]:
        """Return what the MIME type carries: plain JSON, undefined numbers as ``None``."""
        content: dict[str, Any] = plain(
            {
                "version": VERSION,
                "kind": self.kind,
                "title": self.title,
                "subtitle": self.subtitle,
                "chips": [[name, value] for name, value in self.chips],
                "warnings": [dict(w) for w in self.warnings],
                "sentences": list(self.sentences),
                "sections": [
                    {"name": s.name, "title": s.title, "blocks": [b.payload() for b in s.blocks]} for s in self.sections
                ],
                "code": self.code,
                "palette": PALETTE,
            }
        )
        return content
