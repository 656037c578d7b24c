"""What Lab's *Render Variable* shows of what lies within another variable.

JupyterLab asks for a variable by its name alone, also where it is an attribute of ``self`` or an item of a list, whose
name means nothing by itself. The tree was given the whole expression with it, which is kept here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

#: Names whose expressions are kept, the oldest go first; and how many are shown of one name.
MOST, SHOWN = 2000, 4
_HTML, _TEXT = "text/html", "text/plain"


class Within:
    """Expressions of what the tree has listed within variables, by the name that it stands under there."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, None]] = {}

    def note(self, variables: Iterable[Mapping[str, Any]]) -> None:
        """The tree lists these."""
        for variable in variables:
            name, expression = variable.get("name"), variable.get("evaluateName")
            if not isinstance(name, str) or not isinstance(expression, str) or name == expression:
                continue
            # The one that was listed last comes first.
            known = self._kept.pop(name, {})
            known.pop(expression, None)
            self._kept[name] = dict.fromkeys([expression, *known][:SHOWN])
            while len(self._kept) > MOST:
                del self._kept[next(iter(self._kept))]

    def of(self, name: str) -> list[str]:
        """What a name may stand for, the last that was listed first."""
        return list(self._kept.get(name, ()))


def together(views: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Views by MIME type of several expressions as one, each below what it is of."""
    parts = (f"<p><code>{escape(of)}</code></p>{_html(data)}" for of, data in views.items())
    return {_HTML: "".join(parts), _TEXT: "\n".join(f"{of}: {data.get(_TEXT, '')}" for of, data in views.items())}


def _html(data: Mapping[str, Any]) -> str:
    return str(data[_HTML]) if _HTML in data else f"<pre>{escape(str(data.get(_TEXT, '')))}</pre>"
