"""From a workspace file to a job's source: code, strategy classes, and the modules beside the file."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ..errors import Invalid, Unavailable
from ..source.process import Parser, ParserFailedError, ParserUnavailableError
from ..source.requests import BLOCKING
from .workspace import Workspace

MAX_MODULES = 64
MAX_MODULE_BYTES = 1 << 20
MAX_ALL_MODULES = 4 << 20


@dataclass
class Source:
    """A job's source.

    Attributes:
        code: The module that defines the strategy.
        modules: Source of the workspace modules it imports, by path relative to the code's folder.
        line_map: For a notebook, cell and line of each line of the code.
        classes: The strategy classes: name, line, cell, parameters, doc.
        diagnostics: Findings; a place in a notebook has a ``cell``, in a module a ``file``.
    """

    code: str
    modules: dict[str, str] = field(default_factory=dict)
    line_map: list[list[int]] | None = None
    classes: list[dict[str, Any]] = field(default_factory=list)
    diagnostics: list[dict[str, Any]] = field(default_factory=list)

    @property
    def hash(self) -> str:
        """The identity of the source: the code and every module with its path."""
        return source_hash(self.code, self.modules)

    @property
    def blocking(self) -> list[dict[str, Any]]:
        """The findings with which the code cannot run at all."""
        return [item for item in self.diagnostics if item["code"] in BLOCKING and item["severity"] == "error"]


def source_hash(code: str, modules: dict[str, str]) -> str:
    """Hash code and modules, each part framed by its length so that no two sources look alike."""
    digest = hashlib.sha256(b"alphintra-source-v1")
    for path, text in [("", code), *sorted(modules.items())]:
        for part in (path.encode(), text.encode()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return "sha256:" + digest.hexdigest()


class Sources:
    """Reads source, by asking the parser process."""

    def __init__(self, parser: Parser, workspace: Workspace) -> None:
        self._parser = parser
        self._workspace = workspace

    async def validate(self, code: str) -> list[dict[str, Any]]:
        """List the findings about some code."""
        return list((await self._ask("validate", code=code))["diagnostics"])

    async def describe(
        self,
        code: str,
        modules: dict[str, str] | None = None,
        line_map: list[list[int]] | None = None,
        dropped: dict[str, Any] | None = None,
    ) -> Source:
        """Find the strategy classes of stored code and check it."""
        answer = await self._ask(
            "describe", code=code, modules=modules or {}, line_map=line_map, dropped=dropped or {}
        )
        return Source(code, modules or {}, line_map, answer["classes"], answer["diagnostics"])

    async def from_file(self, path: str) -> tuple[str, Source]:
        """Read a notebook or a Python file of the workspace.

        Returns:
            The language, ``notebook`` or ``python``, and the source.
        """
        language = language_of(path)
        text = await asyncio.to_thread(self._workspace.read_text, path)
        read = await self._ask("read", language=language, text=text)
        modules, findings = await self._modules_beside(path, read["imports"])
        source = await self.describe(read["code"], modules, read["line_map"], read["dropped"])
        source.diagnostics = [*read["diagnostics"], *findings, *source.diagnostics]
        return language, source

    async def _modules_beside(
        self, path: str, wanted: list[str]
    ) -> tuple[dict[str, str], list[dict[str, Any]]]:
        folder = PurePosixPath(path.removeprefix("/")).parent
        found: dict[str, str] = {}
        findings: list[dict[str, Any]] = []
        queue, seen = list(wanted), set(wanted)
        while queue:
            name = queue.pop(0)
            # The standard library and the SDK are never shadowed by a file of the workspace.
            if name.partition(".")[0] in {*sys.stdlib_module_names, "alphintra"}:
                continue
            relative = await asyncio.to_thread(self._locate, folder, name)
            if relative is None or relative in found:
                continue
            text = await asyncio.to_thread(
                self._workspace.read_text, str(folder / relative), MAX_MODULE_BYTES
            )
            found[relative] = text
            if len(found) > MAX_MODULES or sum(map(len, found.values())) > MAX_ALL_MODULES:
                raise Invalid.field("path", f"{path} imports too many modules of the workspace")
            package = name if relative.endswith("__init__.py") else name.rpartition(".")[0]
            answer = await self._ask("imports", code=text, package=package, path=relative)
            findings += answer["diagnostics"]
            queue += [item for item in answer["imports"] if item not in seen]
            seen.update(answer["imports"])
        return found, findings

    def _locate(self, folder: PurePosixPath, name: str) -> str | None:
        base = name.replace(".", "/")
        for candidate in (f"{base}/__init__.py", f"{base}.py"):
            try:
                if self._workspace.is_file(str(folder / candidate)):
                    return candidate
            except Invalid:
                return None
        return None

    async def _ask(self, question: str, **request: Any) -> dict[str, Any]:
        try:
            return await self._parser.ask(question, **request)
        except ParserFailedError as error:
            raise Invalid.field("code", str(error)) from None
        except ParserUnavailableError as error:
            raise Unavailable(f"Code cannot be checked now: {error}.", code="NO_PARSER") from None


def language_of(path: str) -> str:
    """Tell a notebook from a Python file by its ending."""
    ending = PurePosixPath(path).suffix
    if ending == ".ipynb":
        return "notebook"
    if ending == ".py":
        return "python"
    raise Invalid.field("path", "a notebook (.ipynb) or a Python file (.py)")


def choose_class(source: Source, class_name: str | None) -> dict[str, Any]:
    """Pick the strategy class to run.

    Raises:
        Invalid: None, several and none chosen (the answer lists them as ``classes``), or not this one.
    """
    names = [item["name"] for item in source.classes]
    extra = {"classes": source.classes}
    if class_name is not None:
        for item in source.classes:
            if item["name"] == class_name:
                return item
        known = ", ".join(names) or "none"
        raise Invalid(
            f"There is no strategy class {class_name}; there is: {known}.",
            code="UNKNOWN_CLASS",
            errors=[{"field": "class_name", "message": f"not a strategy class of this code ({known})"}],
            extra=extra,
        )
    if not names:
        raise Invalid(
            "There is no strategy class: define one that derives from alphintra.Strategy.",
            code="NO_STRATEGY",
            errors=[{"field": "code", "message": "no class derives from alphintra.Strategy"}],
            extra=extra,
        )
    if len(names) > 1:
        raise Invalid(
            f"There are several strategy classes ({', '.join(names)}): pick one.",
            code="SEVERAL_STRATEGIES",
            errors=[{"field": "class_name", "message": f"one of {', '.join(names)}"}],
            extra=extra,
        )
    return source.classes[0]


def refuse_blocking(source: Source, field_name: str = "code") -> None:
    """Raise ``Invalid`` with the findings if the code cannot run."""
    if not source.blocking:
        return
    first = source.blocking[0]
    errors = [
        {"field": field_name, "message": item["message"]}
        | {key: item[key] for key in ("line", "column", "cell", "file", "code") if item.get(key) is not None}
        for item in source.blocking[:50]
    ]
    place = f"{first['file']}, " if first.get("file") else ""
    named = first.get("cell") and first["message"].startswith("Cell ")
    where = "" if named else (f"cell {first['cell']}, " if first.get("cell") else "")
    detail = first["message"] if named else f"{place}{where}line {first['line']}: {first['message']}"
    raise Invalid(detail, code=first["code"], errors=errors, extra={"diagnostics": source.diagnostics})
