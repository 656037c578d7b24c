"""The stack of a run that stands, in the trader's words: functions, lines, variables, breakpoints."""

from __future__ import annotations

from ..errors import Invalid
from ..models.debug import DebugPlace, DebugVariable
from . import answers
from .about import About

MOST_VARIABLES = 500
_GROUPS = frozenset({"special variables", "function variables", "class variables"})
"""What the debugger lists among the variables of an object and is none."""


class Stack:
    """The trader's own functions of the stack, the innermost first.

    Args:
        about: Says how the trader knows the file.

    Attributes:
        folder: Where the kernel sees the source.
        places: The functions.
    """

    def __init__(self, about: About) -> None:
        self._about = about
        self.folder = ""
        self.places: list[DebugPlace] = []
        self._frames: list[int] = []

    def read(self, stack: answers.Stack) -> None:
        """Take the stack at which the run stands now."""
        own = [frame for frame in stack.frames if frame.source.path.startswith(f"{self.folder}/")]
        self._frames = [frame.id for frame in own]
        self.places = [self._place(frame) for frame in own]

    def frame(self, number: int) -> int:
        """The debugger's number of a function.

        Raises:
            Invalid: There are not so many.
        """
        if number >= len(self._frames):
            raise Invalid.field("frame", f"the stack has {len(self._frames)} of the strategy's functions, from 0")
        return self._frames[number]

    def shown(self, found: answers.Variables) -> list[DebugVariable]:
        """Say the variables, the first few hundred of them."""
        return [
            DebugVariable(name=item.name, type=item.type, text=item.value, reference=item.reference or None)
            for item in found.variables
            if item.name not in _GROUPS
        ][:MOST_VARIABLES]

    def _place(self, frame: answers.Frame) -> DebugPlace:
        about = self._about
        file = frame.source.path.removeprefix(f"{self.folder}/")
        cell = cell_line = None
        if file == about.file:
            if about.line_map and 0 < frame.line <= len(about.line_map):
                cell, cell_line = about.line_map[frame.line - 1]
            file = about.known_as or file
        return DebugPlace(function=frame.name, file=file, line=frame.line, cell=cell, cell_line=cell_line)
