"""Markdown of functions, classes and tables for the reference: signatures and docstrings as the code has them."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterable
from typing import Any

#: A section of a docstring, and how its page calls it.
SECTIONS = {"Args:": "Arguments", "Returns:": "Returns", "Raises:": "Raises", "Attributes:": "Attributes"}


def inline(text: str) -> str:
    """Turn a docstring's markup into Markdown."""
    text = re.sub(r":(?:class|meth|func|attr):`~?([^`]+)`", lambda m: f"`{m[1].rsplit('.', 1)[-1]}`", text)
    return text.replace("``", "`")


def entries(lines: list[str]) -> list[str]:
    """Turn ``name: what it is`` with indented continuations into a list."""
    out: list[str] = []
    for line in textwrap.dedent("\n".join(lines)).splitlines():
        if line[:1].isspace() and out:
            out[-1] += " " + line.strip()
            continue
        name, colon, rest = line.partition(": ")
        out.append(f"`{name}`: {rest}" if colon and re.fullmatch(r"[\w, .*]+", name) else line)
    return [f"- {line}" for line in out if line]


def docstring(thing: Any) -> str:
    """Turn a Google-style docstring into Markdown."""
    out: list[str] = []
    section: list[str] | None = None
    for line in [*(inspect.getdoc(thing) or "").splitlines(), "end"]:
        if section is not None and (line[:1].isspace() or not line):
            section.append(line)
            continue
        if section is not None:
            out += [*entries(section), ""]
            section = None
        if line.strip() in SECTIONS:
            section = []
            out += [f"**{SECTIONS[line.strip()]}**", ""]
        else:
            out.append(line)
    return inline("\n".join(out[:-1]).strip())


def signature(name: str, function: Any) -> str:
    """Write a signature without ``self`` and without annotations: the text says what each argument is."""
    found = inspect.signature(function)
    kept = [
        p.replace(annotation=inspect.Parameter.empty)
        for p in found.parameters.values()
        if p.name not in ("self", "cls")
    ]
    text = str(found.replace(parameters=kept, return_annotation=inspect.Signature.empty))
    return f"{name}{text}"


def members(cls: type, names: Iterable[str] | None = None) -> list[tuple[str, Any]]:
    """List public methods and properties of a class in the order of their definition."""
    return [
        (name, value)
        for name, value in vars(cls).items()
        if not name.startswith("_")
        and (names is None or name in names)
        and (inspect.isfunction(value) or isinstance(value, classmethod) or hasattr(value, "__get__"))
        and inspect.getdoc(value)
        and not inspect.ismemberdescriptor(value)
    ]


def describe(name: str, thing: Any, level: int = 3) -> str:
    """Write one heading with the signature and the docstring of a function, method or property."""
    call = getattr(thing, "__func__", thing)
    if inspect.isfunction(call):
        title, shown = name.rsplit(".", 1)[-1], f"```python\n{signature(name, call)}\n```\n\n"
    else:
        title, shown = name.rsplit(".", 1)[-1], f"`{name}`\n\n"
    text = docstring(getattr(thing, "func", getattr(thing, "fget", None)) or thing)
    return f"{'#' * level} {title}\n\n{shown}{text}\n"


def page_class(title: str, classes: Iterable[tuple[type, str]]) -> str:
    """Write a page of classes; the second of each pair is how a strategy's code names an instance."""
    parts = [f"# {title}\n"]
    for cls, prefix in classes:
        parts.append(f"## {cls.__name__}\n\n{docstring(cls)}\n")
        fields = [n for n in inspect.get_annotations(cls) if not n.startswith("_")] if prefix != "self" else []
        if fields and "Attributes:" not in (cls.__doc__ or ""):
            parts.append("Fields: " + ", ".join(f"`{n}`" for n in fields) + ".\n")
        parts += [describe(f"{prefix}.{name}", value) for name, value in members(cls)]
    return "\n".join(parts)


def cell(value: Any) -> str:
    """Write a value for a table."""
    return inline(str(value)).replace("|", "\\|").replace("\n", " ")


def table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    """Write a Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(cell(c) for c in row) + " |" for row in rows)]) + "\n"


def plain_arguments(function: Any) -> str:
    """Names and defaults of a function's public arguments."""
    shown = [p for p in inspect.signature(function).parameters.values() if not p.name.startswith("_")]
    return ", ".join(str(p.replace(annotation=inspect.Parameter.empty)) for p in shown)
