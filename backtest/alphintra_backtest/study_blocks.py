"""A study's blocks as HTML: the notebook's fragment and the page write them alike; everything in them is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from alphintra_backtest import study_trials
from alphintra_backtest.formats import text
from alphintra_backtest.look import ERROR, PALETTE, WARNING
from alphintra_backtest.study_svg import between, svg

Payload = Mapping[str, Any]

_LEFT = {"text", "time"}
_SENTENCE = 32
_ALIGN = {"left": "left", "right": "right", "rest": "left"}
_PILL = "display:inline-block;padding:1px 9px;border-radius:10px;margin:0 6px 4px 0"

#: What a notebook, which has no style sheet of ours, writes in place of a class.
STYLES = {
    "study": "font-family:system-ui,sans-serif;font-size:14px;line-height:1.45;max-width:1100px",
    "muted": "opacity:.72",
    "small": "opacity:.72;font-size:.85em",
    "chip": f"{_PILL};border:1px solid rgba(128,128,128,.45)",
    "error": f"{_PILL};background:{ERROR};color:#fff",
    "warning": f"{_PILL};background:{WARNING};color:#fff",
    "info": f"{_PILL};border:1px solid rgba(128,128,128,.45)",
    "facts": "display:flex;flex-wrap:wrap;border-top:1px solid rgba(128,128,128,.35);"
    "border-bottom:1px solid rgba(128,128,128,.35);padding:4px 0;margin:8px 0;font-variant-numeric:tabular-nums",
    "fact": "flex:1 1 96px;padding:4px 10px 4px 0",
    "label": "opacity:.72;font-size:.85em",
    "value": "font-size:1.25em;font-weight:600;white-space:nowrap",
    "scroll": "overflow-x:auto",
    "table": "border-collapse:collapse;font-size:.9em;font-variant-numeric:tabular-nums;white-space:nowrap",
    "caption": "text-align:left;padding:4px 8px;font-weight:600",
    "figure": "margin:12px 0",
    "said": "margin:8px 0;padding:0 0 0 18px",
    "plain": "margin:4px 0",
    "lead": "font-size:1.08em;margin:8px 0",
    "warned": f"margin:8px 0;padding:2px 0 2px 10px;border-left:3px solid {WARNING}",
    "failed": f"margin:8px 0;padding:2px 0 2px 10px;border-left:3px solid {ERROR}",
    "code": "display:block;overflow-wrap:anywhere;white-space:pre-wrap",
}


class Writer:
    """Writes blocks; ``page`` tells whether the page's style sheet is there."""

    def __init__(self, *, page: bool = False) -> None:
        self.page = page

    def look(self, name: str) -> str:
        """Return the attribute that gives an element its look."""
        return f' class="{name}"' if self.page else f' style="{STYLES[name]}"'

    def block(self, block: Payload) -> str:
        """Return one block."""
        make = {
            "figure": self.figure,
            "table": self.table,
            "text": self.text,
            "facts": self.facts,
            "trials": self.trials,
        }[block["type"]]
        return make(block)

    def header(self, study: Payload, tag: str) -> str:
        """Return title, subtitle, what was asked for, and warnings."""
        chips = "".join(
            f"<span{self.look('chip')}>{escape(str(name))} <b>{escape(_short(value))}</b></span>"
            for name, value in study["chips"]
        )
        title = f'<{tag} style="margin:0;font-size:1.3em">' if not self.page else f"<{tag}>"
        return (
            f"{title}{escape(study['title'])}</{tag}>"
            f"<div{self.look('muted')}>{escape(study['subtitle'])}</div><div>{chips}</div>"
            f"{self.warnings(study['warnings'])}{self.sentences(study['sentences'])}"
        )

    def warnings(self, warnings: Sequence[Payload]) -> str:
        """Return the warnings, each with its list folded."""
        out = []
        for warning in warnings:
            level = warning["level"] if warning["level"] in ("error", "warning") else "info"
            chip = f"<span{self.look(level)}>{escape(str(warning['text']))}</span>"
            items = "".join(f"<li>{escape(str(item))}</li>" for item in warning.get("items") or ())
            if items:
                chip = (
                    f'<details style="display:inline-block;vertical-align:top"><summary>{chip}</summary>'
                    f"<ul{self.look('said')}>{items}</ul></details>"
                )
            out.append(chip)
        return f'<div style="margin:8px 0">{"".join(out)}</div>' if out else ""

    def sentences(self, sentences: Sequence[str]) -> str:
        """Return what it means; the first sentence leads."""
        if not sentences:
            return ""
        rest = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences[1:])
        listed = f"<ul{self.look('said')}>{rest}</ul>" if rest else ""
        return f"<p{self.look('lead')}>{escape(sentences[0])}</p>{listed}"

    def text(self, block: Payload) -> str:
        """Return sentences, marked where they warn."""
        lines = "".join(f"<p{self.look('plain')}>{escape(line)}</p>" for line in block["lines"])
        look = {"warning": "warned", "error": "failed"}.get(block["level"])
        return f"<div{self.look(look)}>{lines}</div>" if look else lines

    def facts(self, block: Payload) -> str:
        """Return figures side by side, each with its definition on hover and what is to be said below it."""
        cells = []
        for item in block["items"]:
            value = text(item["value"], item["format"], signed=item["signed"])
            below = [item["reason"]] if item["value"] is None and item["reason"] else []
            if item["note"]:
                below.append(item["note"])
            cells.append(
                f'<div{self.look("fact")} title="{escape(item["definition"])}">'
                f"<div{self.look('label')}>{escape(item['label'])}</div>"
                f"<div{self.look('value')}>{escape(value)}</div>"
                f"<div{self.look('small')}>{escape(' · '.join(below))}</div></div>"
            )
        return f"<div{self.look('facts')}>{''.join(cells)}</div>"

    def table(self, block: Payload) -> str:
        """Return a table: numbers right-aligned, its title as caption, what is left out in a note."""
        columns = block["columns"]
        sides = ["left" if column["format"] in _LEFT else "right" for column in columns]
        widest = _widest(columns, block["rows"])
        if widest is not None:
            sides[widest] = "rest"
        head = "".join(
            f'<th scope="col"{_side(side, self.page)} title="{escape(column["definition"])}">'
            f"{escape(column['label'])}</th>"
            for column, side in zip(columns, sides, strict=True)
        )
        body = "".join(
            "<tr>"
            + "".join(
                self._cell(cell, column, side, heat)
                for cell, column, side, heat in zip(row, columns, sides, heats, strict=True)
            )
            + "</tr>"
            for row, heats in zip(block["rows"], _heats(block), strict=True)
        )
        said = [block["note"]] if block["note"] else []
        if block["total"] > len(block["rows"]):
            said.append(f"{text(len(block['rows']), 'integer')} of {text(block['total'], 'integer')} rows are shown.")
        note = f"<div{self.look('small')}>{escape(' '.join(said))}</div>" if said else ""
        if not block["rows"]:
            return f"<p><b>{escape(block['title'])}</b>: none.</p>{note}"
        return (
            f"<div{self.look('scroll')}{_reachable(self.page, block['title'])}><table{self.look('table')}>"
            f"<caption{self.look('caption')}>{escape(block['title'])}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{note}"
        )

    def _cell(self, cell: Any, column: Payload, side: str, heat: str) -> str:
        written = escape(text(cell, column["format"], signed=column["signed"]))
        if self.page:
            looks = {"n": side == "right", "rest": side == "rest", "t": column["format"] == "time", "heat": bool(heat)}
            names = [name for name, wanted in (*looks.items(), _words(column, cell)) if wanted]
            look = f' class="{" ".join(names)}"' if names else ""
            shade = f' style="--heat:{heat}"' if heat else ""
            return f"<td{look}{shade}>{written}</td>"
        shade = f";background:{heat}" if heat else ""
        return f'<td style="text-align:{_ALIGN[side]};padding:2px 8px{shade}">{written}</td>'

    def figure(self, block: Payload) -> str:
        """Return a figure as a drawing with its words around it; as its text alternative where it has no drawing."""
        drawing, drawn = svg(block)
        legend = "".join(
            f'<span style="white-space:nowrap;margin-right:12px"><span style="color:{shade}">■</span> '
            f"{escape(name)}</span>"
            for shade, name in (drawn.legend if drawing else ())
        )
        body = drawing or f"<p>{escape(block['alt'])}</p>"
        words = " ".join(word for word in (drawn.reach if drawing else "", block["note"]) if word)
        return (
            f"<div{self.look('figure')}><b>{escape(block['title'])}</b> <span{self.look('small')}>{legend}</span>"
            f"{body}<div{self.look('small')}>{escape(words)}</div></div>"
        )

    def trials(self, block: Payload) -> str:
        """Return the variants of a sweep as a heat map, as lines, and as a table, the best one first."""
        number = {"name": "number", "label": "No.", "format": "integer", "signed": False, "definition": ""}
        rows = sorted(block["rows"], key=lambda row: row[0] != block["best"])
        drawn = "".join(self.figure(figure) for figure in study_trials.figures(block))
        return drawn + self.table(
            {**block, "type": "table", "columns": [number, *block["parameters"], *block["metrics"]], "rows": rows}
        )


def _side(side: str, page: bool) -> str:
    """Return the look of a cell; ``rest`` is the column of the longest texts, which takes the width that is left."""
    if page:
        return {"right": ' class="n"', "rest": ' class="rest"'}.get(side, "")
    return f' style="text-align:{_ALIGN[side]};padding:2px 8px"'


def _widest(columns: Sequence[Payload], rows: Sequence[Sequence[Any]]) -> int | None:
    """Return the column with the longest text, the last of equal ones; ``None`` without a column of texts."""
    lengths = [
        (max((len(str(row[i])) for row in rows if row[i] is not None), default=0), i)
        for i, column in enumerate(columns)
        if column["format"] == "text"
    ]
    return max(lengths)[1] if lengths else None


def _words(column: Payload, cell: Any) -> tuple[str, bool]:
    """Let sentences wrap; what is short stays on its line."""
    return "words", column["format"] == "text" and isinstance(cell, str) and len(cell) > _SENTENCE


def _reachable(page: bool, title: str) -> str:
    """Let a wide table be scrolled by keyboard."""
    return f' tabindex="0" role="region" aria-label="{escape(title)}"' if page else ""


def _heats(block: Payload) -> list[list[str]]:
    """Return the ground of each cell, row by row; empty where the cell is not part of a heat map."""
    hot = [column["name"] in (block.get("heat") or ()) for column in block["columns"]]

    def known(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    cells = [
        [value if warm and known(value) else None for value, warm in zip(row, hot, strict=True)]
        for row in block["rows"]
    ]
    reach = max((abs(value) for row in cells for value in row if value is not None), default=0.0)
    return [["" if value is None else _heat(value, reach) for value in row] for row in cells]


def _heat(value: float, reach: float) -> str:
    """Return a see-through ground between loss and gain, so that it reads on light and dark."""
    share = max(-1.0, min(1.0, value / (reach or 1.0)))
    strong = between(PALETTE["@low_to_high"][0], 1.0 if share > 0 else 0.0)
    red, green, blue = (int(strong[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},{0.45 * abs(share):.2f})"


def _short(value: Any) -> str:
    """Write a parameter as the trader wrote it."""
    return f"{value:g}" if isinstance(value, float) else text(value, "text") if isinstance(value, bool) else str(value)
