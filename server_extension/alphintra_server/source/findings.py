"""A finding about source, and how positions are counted."""

from __future__ import annotations

import ast
import warnings
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
LineMap = list[tuple[int, int]]
"""For each line of extracted code, the notebook cell and the line in it, both from 1."""


@dataclass(frozen=True)
class Finding:
    """One remark about a place; lines and columns count characters from 1, the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int
    severity: Severity
    code: str
    message: str
    cell: int | None = None
    file: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the members as JSON has them."""
        return asdict(self)


class UnreadableSourceError(Exception):
    """Source that does not parse; carries the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def parse(code: str) -> ast.Module:
    """Parse, with every way to fail as one error that knows its place."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except SyntaxError as error:
        line, column = error.lineno or 1, max(error.offset or 1, 1)
        end_line, end_column = error.end_lineno or line, error.end_offset or 0
        if end_line < line or (end_line == line and end_column <= column):
            end_line, end_column = line, column + 1
        message = error.msg[:1].upper() + error.msg[1:]
        raise UnreadableSourceError(
            Finding(line, column, end_line, end_column, "error", "SYNTAX_ERROR", message)
        ) from None
    except ValueError as error:
        finding = Finding(1, 1, 1, 2, "error", "SYNTAX_ERROR", f"Cannot be read: {error}")
        raise UnreadableSourceError(finding) from None
    except (RecursionError, MemoryError):
        finding = Finding(1, 1, 1, 2, "error", "TOO_COMPLEX", "Nested too deeply to be read")
        raise UnreadableSourceError(finding) from None


def at_node(
    node: ast.expr | ast.stmt, lines: list[str], severity: Severity, code: str, message: str
) -> Finding:
    """Make a finding that covers a node."""
    end_line = node.end_lineno or node.lineno
    end = node.end_col_offset if node.end_col_offset is not None else node.col_offset + 1
    return Finding(
        node.lineno,
        column_of(lines, node.lineno, node.col_offset),
        end_line,
        column_of(lines, end_line, end),
        severity,
        code,
        message,
    )


def column_of(lines: list[str], line: int, byte_offset: int) -> int:
    """Turn the syntax tree's offset in UTF-8 bytes into a column in characters from 1."""
    text = lines[line - 1] if line <= len(lines) else ""
    return len(text.encode()[:byte_offset].decode("utf-8", "ignore")) + 1


def source_lines(code: str) -> list[str]:
    """Split as Python's tokenizer does: form feeds and Unicode separators do not end a line."""
    return code.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def in_cells(findings: list[Finding], line_map: LineMap | None) -> list[Finding]:
    """Express findings about extracted code in the cells it came from."""
    if line_map is None:
        return findings
    placed = []
    for finding in findings:
        if finding.file is not None or finding.cell is not None:
            placed.append(finding)
            continue
        cell, line = line_map[min(finding.line, len(line_map)) - 1] if line_map else (1, 1)
        _, end_line = line_map[min(finding.end_line, len(line_map)) - 1] if line_map else (1, 1)
        placed.append(replace(finding, cell=cell, line=line, end_line=max(line, end_line)))
    return placed
