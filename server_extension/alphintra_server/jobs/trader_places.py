"""Where an error of a job is, as the trader knows it: by the name of their file, or by the cell of their notebook."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from . import protocol

#: Codes whose messages, which a worker writes, begin with the name of the job's file.
_OF_THE_FILE = ("NO_CLASS", "NO_STRATEGY", "SEVERAL_STRATEGIES")


def placed(
    said: protocol.Error, own_file: str, file_name: str | None, line_map: list[list[int]] | None
) -> dict[str, Any]:
    """Express the place of an error, a line of a job's file, as the trader knows it, in its texts as well.

    Args:
        said: The error.
        own_file: Name of the job's file.
        file_name: How the trader knows the file that the code came from.
        line_map: For a notebook, cell and line of each line of the code.
    """
    error = said.model_dump(exclude={"type"} if said.step is not None else {"type", "step"})
    own = said.file is not None and Path(said.file).name == own_file
    if own and line_map and said.line and said.cell is None and said.line <= len(line_map):
        error["cell"], error["line"] = line_map[said.line - 1]
    if file_name is None:
        return error
    if own:
        error["file"] = file_name
    for name in ("message", "traceback"):
        if error[name] is not None:
            error[name] = _renamed(error[name], own_file, file_name, line_map)
    if said.code in _OF_THE_FILE:
        error["message"] = file_name + error["message"].removeprefix(own_file)
    return error


def _renamed(text: str, own_file: str, file_name: str, line_map: list[list[int]] | None) -> str:
    """Name the places within a text: ``(FILE, line N`` of a message, ``File "FILE", line N`` of a traceback."""

    def known(found: re.Match[str]) -> str:
        before, quote, line = found[1], found[2], int(found[3])
        if not line_map or not 0 < line <= len(line_map):
            return f"{before}{file_name}{quote}, line {line}"
        cell, line = line_map[line - 1]
        return f"{before}{file_name}{quote}, cell {cell}, line {line}"

    return re.sub(rf"""(\(|File "){re.escape(own_file)}("?), line (\d{{1,9}})""", known, text)
