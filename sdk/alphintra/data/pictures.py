"""Two small pictures for a cell: how the values of a column are spread, and on which days there are rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

_WIDTH, _HEIGHT = 96, 16
_MOST_BARS = 48
_DAY, _LINE, _LEFT = 2, 10, 34
#: A day with fewer than this share of the usual rows has few, one with more than that share has many.
_FEW, _MANY = 0.75, 1.5
_COLORS = {"few": "#c9731f", "usual": "#2f7ed8", "many": "#8e5bd6"}


def days_of(sessions: Iterable[Any]) -> dict[str, Any] | None:
    """Count rows by day, as the statistics of a stored version have it (``coverage``).

    Args:
        sessions: Of each symbol the days of its rows, in order: int32 or int64 days since 1970.
    """
    from alphintra.store.coverage import Coverage

    found = Coverage("date32")
    for own in sessions:
        found.add(own)
    return found.to_json()


def histogram(found: dict[str, Any]) -> str:
    """Return the bars of a histogram as SVG; one with any value is at least a pixel high.

    Args:
        found: ``edges``, one more than ``counts``, as statistics have it.
    """
    counts = found["counts"]
    each = -(-len(counts) // _MOST_BARS)
    bars = [sum(counts[start : start + each]) for start in range(0, len(counts), each)]
    most, wide = max(bars), _WIDTH / len(bars)
    path = "".join(
        f"M{place * wide:.1f},{_HEIGHT - max(1.0, count / most * _HEIGHT):.1f}"
        f"h{max(wide - 0.5, 0.5):.1f}V{_HEIGHT}H{place * wide:.1f}z"
        for place, count in enumerate(bars)
        if count
    )
    return f'<svg width="{_WIDTH}" height="{_HEIGHT}"><path d="{path}" fill="{_COLORS["usual"]}"/></svg>'


def calendar(coverage: dict[str, Any]) -> str:
    """Return rows by day as HTML: a line for each year, each day by whether it has as many rows as a usual one.

    Args:
        coverage: ``first``, ``days`` and ``counts``, as the statistics of a time have it.
    """
    first, days, counts = date.fromisoformat(coverage["first"]), coverage["days"], coverage["counts"]
    known = sorted(count for count in counts if count)
    usual = known[(len(known) - 1) // 2]
    last = first + timedelta(days=days * len(counts) - 1)
    paths = dict.fromkeys(_COLORS, "")
    # Where the pen of each path stands: strokes from there are a third as long as boxes would be.
    pens = dict.fromkeys(_COLORS, (0, 0))
    for level, start, stop in _runs(counts, usual):
        for begin, end in _by_year(first + timedelta(days=start * days), first + timedelta(days=stop * days)):
            x, line = _LEFT + (begin - date(begin.year, 1, 1)).days * _DAY, begin.year - first.year
            wide, (pen, on) = (end - begin).days * _DAY, pens[level]
            same = on == line and paths[level]
            paths[level] += f"m{x - pen} 0h{wide}" if same else f"M{x} {line * _LINE + (_LINE - 2) // 2}h{wide}"
            pens[level] = x + wide, line
    years = range(first.year, last.year + 1)
    texts = "".join(
        f'<text x="0" y="{place * _LINE + 8}" font-size="9" fill="currentColor" opacity=".7">{year}</text>'
        f'<rect x="{_LEFT}" y="{place * _LINE}" width="{366 * _DAY}" height="{_LINE - 2}" fill="#888" opacity=".15"/>'
        for place, year in enumerate(years)
    )
    drawn = "".join(
        f'<path d="{path}" stroke="{_COLORS[level]}" stroke-width="{_LINE - 2}"/>'
        for level, path in paths.items()
        if path
    )
    each = f"{usual:,} rows on a usual day" if days == 1 else f"{usual:,} rows in {days} usual days"
    wide, high = _LEFT + 366 * _DAY, len(years) * _LINE
    legend = " · ".join(
        f'<span style="color:{_COLORS[level]}">■</span> {text}'
        for level, text in (("few", "fewer"), ("usual", "as usual"), ("many", "more"))
        if paths[level]
    )
    return (
        f'<div style="margin-top:6px;opacity:.85">Rows by day: {each}; {_longest(first, days, counts)}'
        f' · {legend}</div><div style="max-height:330px;overflow:auto"><svg viewBox="0 0 {wide} {high}" width="{wide}" '
        f'style="max-width:100%;height:auto;display:block">{texts}{drawn}</svg></div>'
    )


def _runs(counts: Sequence[int], usual: int) -> Iterator[tuple[str, int, int]]:
    """Yield neighbours that are alike: how, the first place, and one past the last."""
    kinds = [
        "" if not own else "few" if own < _FEW * usual else "many" if own > _MANY * usual else "usual" for own in counts
    ]
    start = 0
    for place in range(1, len(kinds) + 1):
        if place == len(kinds) or kinds[place] != kinds[start]:
            if kinds[start]:
                yield kinds[start], start, place
            start = place


def _by_year(begin: date, end: date) -> Iterator[tuple[date, date]]:
    """Cut a span, whose end is not in it, where years begin."""
    while begin.year < end.year:
        cut = date(begin.year + 1, 1, 1)
        yield begin, cut
        begin = cut
    if begin < end:
        yield begin, end


def _longest(first: date, days: int, counts: Sequence[int]) -> str:
    """Tell the longest time between two days with rows."""
    places = [place for place, count in enumerate(counts) if count]
    gaps = ((b - a - 1, a + 1) for a, b in pairwise(places))
    gap, after = max(gaps, key=lambda own: own[0], default=(0, 0))
    if not gap:
        return "no day without rows between them"
    whole = gap * days
    return f"at most {whole:,} day{'s' * (whole > 1)} without rows, from {first + timedelta(days=after * days)}"
