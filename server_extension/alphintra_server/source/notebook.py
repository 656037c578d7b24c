"""A job's source out of a notebook: imports, functions, classes and constants, in order."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

from .findings import Finding, LineMap, UnreadableSourceError, parse, source_lines

_MAGIC_LINE = re.compile(r"^\s*(?:[%!?]|[^#'\"]*\?\s*$|[\w\s,.\[\]'\"]+=\s*[%!])")
_MAX_MAGICS = 500
_MAX_CELLS = 5000


@dataclass
class Extracted:
    """What a job keeps of a notebook.

    Attributes:
        code: Source of the module that the job runs.
        line_map: Where each line of it stood.
        findings: Cells that do not parse.
        dropped: Names that only dropped statements define → the cell and why it was dropped.
    """

    code: str = ""
    line_map: LineMap = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    dropped: dict[str, tuple[int, str]] = field(default_factory=dict)


def code_cells(text: str) -> list[tuple[int, str]]:
    """Read the code cells of a notebook's JSON, each with its position among all cells from 1.

    Raises:
        UnreadableSourceError: Not a notebook.
    """
    try:
        notebook = json.loads(text)
        cells: list[dict[str, Any]] = notebook["cells"]
        if len(cells) > _MAX_CELLS:
            raise ValueError(f"more than {_MAX_CELLS} cells")
        found = []
        for number, cell in enumerate(cells, 1):
            source = cell["source"]
            if cell["cell_type"] == "code":
                found.append((number, source if isinstance(source, str) else "".join(source)))
        return found
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = f"Not a notebook of format 4: {type(error).__name__} {error}"
        raise UnreadableSourceError(Finding(1, 1, 1, 2, "error", "NOT_A_NOTEBOOK", reason)) from None


def extract(cells: list[tuple[int, str]]) -> Extracted:
    """Keep the statements that define things and drop those that do things."""
    out = Extracted()
    constants: set[str] = set()
    kept: list[tuple[int, ast.stmt, list[str]]] = []
    for number, source in cells:
        lines = source_lines(source)
        first = next((line for line in lines if line.strip()), "")
        if first.lstrip().startswith("%%"):
            magic = first.split()[0]
            _note_cell_magic(out, number, source, magic)
            continue
        try:
            tree, lines = _parse_cell(lines)
        except UnreadableSourceError as error:
            out.findings.append(replace(error.finding, cell=number))
            continue
        for node in tree.body:
            if _defines(node, constants):
                kept.append((number, node, lines))
                for name in _bound_names(node):
                    out.dropped.pop(name, None)
            else:
                reason = "a statement that is not an import, a function, a class or a constant"
                # What a dropped statement changes has no value that the job could know: its constant goes too.
                changed = _bound_names(node)
                for earlier in [each for each in kept if isinstance(each[1], ast.Assign | ast.AnnAssign)]:
                    names = _bound_names(earlier[1])
                    if names & changed:
                        kept.remove(earlier)
                        changed |= names
                constants -= changed
                for name in changed:
                    out.dropped[name] = (number, reason)
    # Python wants these first; everything else stays in the notebook's order.
    kept.sort(key=lambda item: not _is_future(item[1]))
    text: list[str] = []
    for number, node, lines in kept:
        start = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        for offset, line in enumerate(_segment(node, start, lines)):
            text.append(line)
            out.line_map.append((number, start + offset))
    out.code = "\n".join(text) + ("\n" if text else "")
    return out


def _parse_cell(lines: list[str]) -> tuple[ast.Module, list[str]]:
    # A line that looks like a magic may stand inside a string, so a line is only taken for one when the
    # parser stumbles over it. ``pass`` keeps a block that held nothing else.
    lines = list(lines)
    for _ in range(_MAX_MAGICS):
        try:
            return parse("\n".join(lines)), lines
        except UnreadableSourceError as error:
            index = error.finding.line - 1
            if not (0 <= index < len(lines) and _MAGIC_LINE.match(lines[index])):
                raise
            indent = lines[index][: len(lines[index]) - len(lines[index].lstrip())]
            while lines[index].rstrip().endswith("\\") and index + 1 < len(lines):
                lines[index] = ""
                index += 1
            lines[index] = indent + "pass"
    raise UnreadableSourceError(Finding(1, 1, 1, 2, "error", "TOO_COMPLEX", "Too many magics in one cell"))


def _note_cell_magic(out: Extracted, number: int, source: str, magic: str) -> None:
    body = "\n".join("" if line.lstrip().startswith("%%") else line for line in source_lines(source))
    try:
        tree = parse(body)
    except UnreadableSourceError:
        return
    for node in tree.body:
        for name in _bound_names(node):
            out.dropped[name] = (number, f"a cell that starts with {magic}")


def _defines(node: ast.stmt, constants: set[str]) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return True
    if isinstance(node, ast.Assign):
        targets, value = node.targets, node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        targets, value = [node.target], node.value
    else:
        return False
    if not all(_is_plain_target(target) for target in targets) or not _is_constant(value, constants):
        return False
    constants.update(_bound_names(node))
    return True


def _is_plain_target(target: ast.expr) -> bool:
    if isinstance(target, ast.Tuple | ast.List):
        return all(_is_plain_target(part) for part in target.elts)
    return isinstance(target, ast.Name)


_CONSTANT_PARTS = (
    ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare,
    ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context,
)  # fmt: skip


def _is_constant(value: ast.expr, constants: set[str]) -> bool:
    return all(
        (isinstance(part, ast.Name) and part.id in constants) or isinstance(part, _CONSTANT_PARTS)
        for part in ast.walk(value)
    )


def _bound_names(node: ast.stmt) -> set[str]:
    names: set[str] = set()
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            names.add(part.id)
        elif isinstance(part, ast.alias):
            names.add((part.asname or part.name).partition(".")[0])
    return names


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _segment(node: ast.stmt, start: int, lines: list[str]) -> list[str]:
    end = node.end_lineno or node.lineno
    part = lines[start - 1 : end]
    # Statements that share a line, as in ``import a; run(a)``, are cut apart.
    if node.end_col_offset is not None:
        part[-1] = part[-1].encode()[: node.end_col_offset].decode()
    if start == node.lineno:
        part[0] = part[0].encode()[node.col_offset :].decode()
    return part
