"""Strategy templates: notebooks with a manifest, cloned into the workspace."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.engine import Database
from ..db.tables import TemplateUseRow
from ..errors import NotFound, Unavailable
from ..idempotency import remember
from ..models.strategies import Cloned, StrategyTemplate, TemplateClone
from ..source.notebook import code_cells, extract
from .workspace import Workspace


def installed_templates() -> Path:
    """Find the templates: installed beside Jupyter's data, or in the clone that this runs from."""
    clone = Path(__file__).resolve().parents[3] / "templates"
    shared = Path(sys.prefix) / "share" / "jupyter" / "alphintra" / "templates"
    return clone if (clone / "manifest.json").is_file() else shared


class Templates:
    """The gallery.

    Args:
        database: Counts uses.
        workspace: Where clones go.
        folder: Holds ``manifest.json`` and the notebooks.
    """

    def __init__(self, database: Database, workspace: Workspace, folder: Path) -> None:
        self._database = database
        self._workspace = workspace
        self._folder = folder

    async def all(self) -> list[StrategyTemplate]:
        """List all, in the manifest's order."""
        entries = await asyncio.to_thread(self._read)
        uses = await self._database.read(
            lambda session: {row.template_id: row.count for row in session.scalars(select(TemplateUseRow))}
        )
        return [_model(entry, uses.get(entry["id"], 0)) for entry in entries]

    async def get(self, template_id: str) -> StrategyTemplate:
        """Read one."""
        for template in await self.all():
            if template.id == template_id:
                return template
        raise _unknown(template_id)

    async def clone(self, who: Caller, template_id: str, body: TemplateClone) -> Cloned:
        """Write a copy, without outputs, as a new file of the workspace."""
        template = await self.get(template_id)
        source = self._folder / template.file

        def copy() -> str:
            notebook = json.loads(source.read_text(encoding="utf-8"))
            text = json.dumps(_without_outputs(notebook), indent=1, ensure_ascii=False) + "\n"
            stem = body.name.removesuffix(".ipynb").rstrip(" .") if body.name else source.stem
            return self._workspace.create(stem or source.stem, ".ipynb", text.encode())

        path = await asyncio.to_thread(copy)

        def count(session: Session) -> Cloned:
            row = session.get(TemplateUseRow, template_id, with_for_update=True)
            if row is None:
                session.add(TemplateUseRow(template_id=template_id, count=1))
            else:
                row.count += 1
            session.flush()
            return remember(session, Cloned(path=path))

        return await self._database.write(count)

    def _read(self) -> list[dict[str, Any]]:
        try:
            entries = json.loads((self._folder / "manifest.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise Unavailable(
                f"The templates are not installed: {self._folder} has no manifest.json."
            ) from None
        found: list[dict[str, Any]] = entries["templates"] if isinstance(entries, dict) else entries
        for entry in found:
            text = (self._folder / entry["file"]).read_text(encoding="utf-8")
            entry["code"] = extract(code_cells(text)).code
        return found


def _model(entry: dict[str, Any], uses: int) -> StrategyTemplate:
    return StrategyTemplate(
        id=entry["id"],
        name=entry["name"],
        description=entry["description"],
        category=entry["category"],
        code=entry["code"],
        parameters=entry["parameters"],
        documentation=entry["documentation"],
        difficulty_level=entry["difficulty_level"],
        usage_count=uses,
        rating=None,
        data=entry["data"],
        symbols=entry["symbols"],
        file=entry["file"],
        tags=entry.get("tags", []),
    )


def _without_outputs(notebook: dict[str, Any]) -> dict[str, Any]:
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
            cell["execution_count"] = None
    # A clone is somebody else's code until its user has run it: nothing of it is trusted.
    for cell in notebook["cells"]:
        cell.get("metadata", {}).pop("trusted", None)
    return notebook


def _unknown(template_id: str) -> NotFound:
    return NotFound(f"There is no template {template_id}.")
