"""A study with one block of each kind, and a reader of the HTML that comes of it."""

from __future__ import annotations

from html.parser import HTMLParser

from alphintra_backtest.study import Column, Fact, Facts, Figure, Section, Study, Table, Text, Trials

EVIL = "</script><img src=x onerror=alert(1)>"


class Tags(HTMLParser):
    """Collect every tag, its attributes and the text outside of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self._inside: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._inside = tag if tag in ("script", "style") else None

    def handle_endtag(self, tag: str) -> None:
        self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside is None:
            self.texts.append(data)


def study(name: str = "SmaCross", rows: int = 3, points: int = 4) -> Study:
    """A study whose every text is ``name``."""
    days = [f"2024-01-{day:02d}" for day in range(2, 2 + points)] if points < 20 else list(range(points))
    line = {"type": "scatter", "x": days, "y": [float(i % 7) for i in range(points)], "name": name}
    heat = {"type": "heatmap", "z": [[1.0, 2.0], [3.0, None]], "x": [name, "b"], "y": [1, 2]}
    figures = [
        Figure("line", name, name, [{**line, "line": {"color": "@gain"}}], {"yaxis": {"tickformat": ".0%"}}, note=name),
        Figure("bars", name, name, [{"type": "bar", "x": [name, "b"], "y": [1.0, -2.0]}]),
        Figure("counts", name, name, [{"type": "histogram", "x": [1.0, 2.0, 2.0, 4.0], "nbinsx": 3}]),
        Figure("heat", name, name, [{**heat, "colorscale": "@low_to_high", "zmid": 2.0}]),
        Figure("web", name, name, [{"type": "scatterpolar", "r": [1, 2], "theta": ["a", "b"]}]),
    ]
    columns = [Column("what", name, "text"), Column("value", name, "percent", True, name)]
    table = Table("table", name, columns, [[name, 0.01 * i] for i in range(rows)], note=name, heat=["value"])
    trials = Trials(
        "trials", name, [Column("fast", name)], [Column("sharpe", name, "ratio")],
        [[i, i, float(i)] for i in range(rows)], best=rows - 1,
    )  # fmt: skip
    facts = Facts([Fact("sharpe", name, None, reason=name, definition=name), Fact("n", name, 3, "integer", note=name)])
    blocks = [facts, *figures, table, trials, Text([name], "warning")]
    return Study(
        "sweep", name, name, [(name, name), ("fast", 0.5)],
        [{"code": name, "text": name, "level": "error", "items": [name]}], [name, name],
        [Section(name, name, blocks)], name,
    )  # fmt: skip
