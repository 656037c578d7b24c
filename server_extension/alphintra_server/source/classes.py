"""Strategy classes and their parameters, found by reading."""

from __future__ import annotations

import ast
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from .findings import UnreadableSourceError, parse

SDK = "alphintra"
_PARAM_FIELDS = ("default", "low", "high", "step", "description")


@dataclass
class Imports:
    """The names under which a module knows the SDK and other modules."""

    sdk: set[str] = field(default_factory=set)
    from_sdk: dict[str, str] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    members: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass
class StrategyClass:
    """A class that derives from ``alphintra.Strategy``."""

    name: str
    line: int
    doc: str
    parameters: dict[str, dict[str, Any]]
    node: ast.ClassDef


def imports_of(tree: ast.Module) -> Imports:
    """Read the import statements, also those inside functions and ``if``."""
    found = Imports()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == SDK:
                    found.sdk.add(alias.asname or SDK)
                else:
                    found.modules[alias.asname or alias.name] = alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                if node.module == SDK:
                    found.from_sdk[alias.asname or alias.name] = alias.name
                else:
                    found.members[alias.asname or alias.name] = (node.module, alias.name)
    return found


def strategy_classes(tree: ast.Module, modules: dict[str, str] | None = None) -> list[StrategyClass]:
    """Find the strategy classes at the top level of a module, in order; of two of one name the last.

    Args:
        tree: The parsed module.
        modules: Source of the workspace modules it may import, by path: a base class may live there.
    """
    reader = _Reader(modules or {})
    return [found for found in reader.classes(tree).values() if not found.name.startswith("_")]


class _Reader:
    """Follows base classes through the modules beside the file, each read once."""

    def __init__(self, modules: dict[str, str]) -> None:
        self._sources = {_dotted(path): source for path, source in modules.items()}
        self._known: dict[str, dict[str, StrategyClass]] = {}

    def module(self, name: str) -> dict[str, StrategyClass]:
        if name not in self._known:
            # Set first: modules may import each other.
            self._known[name] = {}
            if name in self._sources:
                with suppress(UnreadableSourceError):
                    self._known[name] = self.classes(parse(self._sources[name]))
        return self._known[name]

    def classes(self, tree: ast.Module) -> dict[str, StrategyClass]:
        imports = imports_of(tree)
        found: dict[str, StrategyClass] = {}
        for node in tree.body:
            if not isinstance(node, ast.ClassDef):
                continue
            parents = [self._base(base, imports, found) for base in node.bases]
            if all(parent is None for parent in parents):
                continue
            parameters: dict[str, dict[str, Any]] = {}
            for parent in parents:
                if isinstance(parent, StrategyClass):
                    parameters |= parent.parameters
            parameters |= _own_parameters(node, imports)
            found.pop(node.name, None)
            found[node.name] = StrategyClass(
                node.name, node.lineno, ast.get_docstring(node) or "", parameters, node
            )
        return found

    def _base(
        self, base: ast.expr, imports: Imports, found: dict[str, StrategyClass]
    ) -> StrategyClass | bool | None:
        if isinstance(base, ast.Name):
            if base.id in found:
                return found[base.id]
            if imports.from_sdk.get(base.id) == "Strategy":
                return True
            if base.id in imports.members:
                module, name = imports.members[base.id]
                return self.module(module).get(name)
        elif isinstance(base, ast.Attribute) and isinstance(base.value, ast.Name):
            if base.value.id in imports.sdk:
                return True if base.attr == "Strategy" else None
            if base.value.id in imports.modules:
                return self.module(imports.modules[base.value.id]).get(base.attr)
        return None


def is_sdk_name(node: ast.expr, name: str, imports: Imports) -> bool:
    """Tell whether an expression names ``alphintra.<name>``."""
    if isinstance(node, ast.Name):
        return imports.from_sdk.get(node.id) == name
    return (
        isinstance(node, ast.Attribute)
        and node.attr == name
        and isinstance(node.value, ast.Name)
        and node.value.id in imports.sdk
    )


def _own_parameters(node: ast.ClassDef, imports: Imports) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for statement in node.body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        if not (isinstance(value, ast.Call) and is_sdk_name(value.func, "Param", imports)):
            continue
        given = dict(zip(_PARAM_FIELDS[:1], map(_literal, value.args[:1]), strict=False))
        given |= {word.arg: _literal(word.value) for word in value.keywords if word.arg}
        for target in targets:
            if isinstance(target, ast.Name):
                found[target.id] = {key: given[key] for key in _PARAM_FIELDS if key in given}
    return found


def _literal(node: ast.expr) -> Any:
    # What is computed is only known at run time; the worker checks it then.
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def module_candidates(tree: ast.Module, package: str = "") -> list[str]:
    """List the dotted names that a module's imports could load, parents first.

    Args:
        tree: The parsed module.
        package: Its own package, for relative imports.
    """
    names: dict[str, None] = {}

    def add(dotted: str) -> None:
        parts = dotted.split(".")
        for count in range(1, len(parts) + 1):
            names[".".join(parts[:count])] = None

    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                add(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".") if package else []
                if node.level > len(above):
                    continue
                above = above[: len(above) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            if base:
                add(base)
                for alias in node.names:
                    if alias.name != "*":
                        add(f"{base}.{alias.name}")
    return list(names)
