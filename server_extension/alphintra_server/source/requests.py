"""What the parser process can be asked, each a function from a JSON object to a JSON object."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from .check import check
from .classes import module_candidates, strategy_classes
from .findings import Finding, LineMap, UnreadableSourceError, in_cells, parse
from .notebook import Extracted, code_cells, extract

# What keeps code from being run at all. Other errors depend on the way a run takes, so they are shown, not
# refused.
BLOCKING = {"SYNTAX_ERROR", "TOO_COMPLEX", "UNDEFINED_NAME", "NOT_A_NOTEBOOK"}


def validate(request: dict[str, Any]) -> dict[str, Any]:
    """Check code; ``modules`` are the workspace modules it may import."""
    findings = check(request["code"], request.get("modules"))
    findings = in_cells(findings, _line_map(request))
    return {"diagnostics": [finding.as_dict() for finding in findings]}


def read(request: dict[str, Any]) -> dict[str, Any]:
    """Turn a workspace file's text into a job's source.

    Answers with ``code``, ``line_map`` (notebooks), ``diagnostics`` so far and the ``imports`` that might be
    modules beside the file.
    """
    if request["language"] == "notebook":
        try:
            extracted = extract(code_cells(request["text"]))
        except UnreadableSourceError as error:
            return _unreadable(error.finding)
    else:
        extracted = Extracted(code=request["text"])
    answer: dict[str, Any] = {
        "code": extracted.code,
        "line_map": extracted.line_map if request["language"] == "notebook" else None,
        "dropped": {name: list(where) for name, where in extracted.dropped.items()},
        "diagnostics": [finding.as_dict() for finding in extracted.findings],
        "imports": [],
    }
    # What does not parse, ``describe`` reports with its place.
    with suppress(UnreadableSourceError):
        answer["imports"] = module_candidates(parse(extracted.code))
    return answer


def imports(request: dict[str, Any]) -> dict[str, Any]:
    """List what a workspace module might import; it must parse."""
    try:
        return {"imports": module_candidates(parse(request["code"]), request["package"]), "diagnostics": []}
    except UnreadableSourceError as error:
        finding = replace(error.finding, file=request["path"])
        return {"imports": [], "diagnostics": [finding.as_dict()]}


def describe(request: dict[str, Any]) -> dict[str, Any]:
    """Find the strategy classes of a job's source and check it."""
    code, modules = request["code"], request.get("modules") or {}
    line_map = _line_map(request)
    findings = [_explain(finding, request.get("dropped") or {}) for finding in check(code, modules)]
    classes = []
    # What does not parse, ``check`` has reported.
    with suppress(UnreadableSourceError):
        for found in strategy_classes(parse(code), modules):
            cell, line = line_map[found.line - 1] if line_map else (None, found.line)
            classes.append(
                {
                    "name": found.name,
                    "line": line,
                    "cell": cell,
                    "parameters": found.parameters,
                    "doc": found.doc,
                }
            )
    findings = in_cells(findings, line_map)
    if line_map is not None:
        findings = [_name_cell(finding) for finding in findings]
    return {"classes": classes, "diagnostics": [finding.as_dict() for finding in findings]}


def recipe(request: dict[str, Any]) -> dict[str, Any]:
    """Check the steps of a recipe as far as can be told without columns; answers with all their parameters.

    Answers with ``recipe``, or with ``error``: its ``code``, ``message``, ``where``, ``hint`` and ``step``.
    """
    from alphintra.errors import AlphintraError
    from alphintra.recipes.recipe import recipe_of, step_of

    try:
        return {"recipe": recipe_of(request["recipe"]).to_dict(), "error": None}
    except AlphintraError as error:
        told = {name: getattr(error, name) for name in ("code", "message", "where", "hint")}
        return {"recipe": None, "error": told | {"step": step_of(error)}}


def recipe_schema(request: dict[str, Any]) -> dict[str, Any]:
    """Describe the steps of recipes, for a form."""
    from alphintra.recipes.recipe import schema

    return {"schema": schema()}


def _explain(finding: Finding, dropped: dict[str, list[Any]]) -> Finding:
    if finding.code != "UNDEFINED_NAME":
        return finding
    name = finding.message.rpartition("'")[0].rpartition("'")[2]
    if name not in dropped:
        return finding
    cell, reason = dropped[name]
    return replace(
        finding,
        message=f"{finding.message}: cell {cell} defines it in {reason}, and a job does not run that",
    )


def _name_cell(finding: Finding) -> Finding:
    if finding.cell is None or finding.severity != "error":
        return finding
    return replace(finding, message=f"Cell {finding.cell}, line {finding.line}: {finding.message}")


def _line_map(request: dict[str, Any]) -> LineMap | None:
    given = request.get("line_map")
    return None if given is None else [(int(cell), int(line)) for cell, line in given]


def _unreadable(finding: Finding) -> dict[str, Any]:
    return {
        "code": "",
        "line_map": None,
        "dropped": {},
        "diagnostics": [finding.as_dict()],
        "imports": [],
    }


REQUESTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "validate": validate,
    "read": read,
    "imports": imports,
    "describe": describe,
    "recipe": recipe,
    "recipe_schema": recipe_schema,
}
