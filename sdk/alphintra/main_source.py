"""The source of a class from a notebook's cells or a script, with everything of the notebook that it uses."""

from __future__ import annotations
import __future__

import ast
import builtins
import inspect
import linecache
import math
import symtable
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from .errors import SourceError

#: Longest text of a constant.
MAX_CONSTANT = 10_000
#: Types whose values are written as calls, and are the same each time.
_MOMENTS = {"date", "datetime", "time", "timedelta", "timezone", "ZoneInfo", "Timestamp", "Timedelta", "Decimal"}
_PLAIN = (
    ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.Name,
    ast.Attribute, ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context,
)  # fmt: skip


class MainSource:
    """Collects a module's worth of source out of ``__main__``, as its names are bound now.

    A function or class comes with its own text; a module or what a module has, as an import; a constant by its value.
    Names come before what uses them.

    Args:
        namespace: The names of the notebook or script.
    """

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self._namespace = namespace
        self._known: set[str] = set()
        self._imports: dict[str, None] = {}
        self._parts: list[str] = []
        self.modules: dict[str, None] = {}
        """Names of the modules that it imports."""

    def add_class(self, strategy: type) -> None:
        """Add the class and what it uses.

        Raises:
            SourceError: Its source is not known, or it uses something that a job cannot have.
        """
        self._known.add(strategy.__name__)
        bound = [value for value in self._namespace.values() if isinstance(value, __future__._Feature)]
        for name in __future__.all_feature_names:
            if getattr(__future__, name) in bound:  # counts for every cell after it
                self._imports[f"from __future__ import {name}"] = None
        self._define(strategy.__name__, strategy, strategy.__name__)

    @property
    def code(self) -> str:
        """The module that was collected."""
        future = [line for line in self._imports if line.startswith("from __future__")]
        others = [line for line in self._imports if not line.startswith("from __future__")]
        text, before = "\n".join([*future, *others]), ""
        for part in self._parts:
            apart = "\n" in part or "\n" in before  # what has a body stands apart, as one would write it
            text += ("\n" if before and not apart else "\n\n" if not (before or apart) else "\n\n\n") + part
            before = part
        return text.lstrip("\n") + "\n"

    def _add(self, name: str, user: str) -> None:
        """Add what a name is bound to; ``user`` is what uses it, for the error."""
        if name in self._known or name not in self._namespace:
            return  # what is not defined here, the server's check names with its line
        value = self._namespace[name]
        if name in vars(builtins) and value is vars(builtins)[name]:
            return
        self._known.add(name)
        if isinstance(value, ModuleType):
            self._import_module(name, value)
        elif _is_definition(value):
            self._define(name, value, user)
        elif (line := _import_of(name, value)) is not None:
            self.modules[value.__module__] = None
            self._imports[line] = None
        elif (text := _literal(value)) is not None:
            self._parts.append(f"{name} = {text}")
        else:
            self._repeat(name, value, user)

    def _import_module(self, name: str, module: ModuleType) -> None:
        full = module.__name__
        self.modules[full] = None
        if full.startswith("alphintra."):  # as a strategy's own file would have it
            folder, _, own = full.rpartition(".")
            self._imports[f"from {folder} import {own}" + ("" if own == name else f" as {name}")] = None
            return
        self._imports[f"import {full}" if name == full.partition(".")[0] == full else f"import {full} as {name}"] = None

    def _define(self, name: str, value: Any, user: str) -> None:
        own = value.__name__
        if own != name and own != "<lambda>" and self._namespace.get(own) is value:
            self._add(own, user)
            self._parts.append(f"{name} = {own}")
            return
        if own == "<lambda>":
            self._repeat(name, value, user)
            return
        text = definition(value, own)
        if text is None or own != name:
            raise SourceError(
                f"the source of {own} is not known" if own == name else f"{name} is {own}, whose source is not known",
                where=user,
                hint="run the cell that defines it, or put it into a .py file and import it",
            )
        self._with_needs(text, name)

    def _repeat(self, name: str, value: Any, user: str) -> None:
        """Take the statement that bound the name, if a job may repeat it: an import, or what calls nothing."""
        text, statement = _last_binding(self._namespace, name)
        if isinstance(statement, ast.Import | ast.ImportFrom):
            kept = [alias for alias in statement.names if (alias.asname or alias.name.partition(".")[0]) == name]
            one = ast.copy_location(type(statement)(**{**vars(statement), "names": kept}), statement)
            self.modules[getattr(statement, "module", None) or kept[0].name] = None
            self._imports[ast.unparse(one)] = None
            return
        made = statement.value if isinstance(statement, ast.Assign) and _targets(statement) == [name] else None
        if statement is not None and made is not None and _repeatable(made, self._namespace):
            self._with_needs(_segment(text, statement), name)
            return
        kind = type(value)
        where = "" if kind.__module__ == "builtins" else f"{kind.__module__.partition('.')[0]}."
        raise SourceError(
            f"{user} uses {name}, a {where}{kind.__qualname__} of this notebook, and a job cannot see it",
            code="NOT_PORTABLE",
            hint=f"make {name} a Param, compute it in on_start, or move what makes it into a function of the class",
        )

    def _with_needs(self, text: str, name: str) -> None:
        for needed in _free_names(text):
            self._add(needed, name)
        for module, attributes in _attribute_chains(text):
            self._import_parts(module, attributes)
        self._parts.append(text)

    def _import_parts(self, name: str, attributes: list[str]) -> None:
        """``scipy.stats`` of ``import scipy`` needs an import of its own where it is a module."""
        module = self._namespace.get(name)
        if not isinstance(module, ModuleType):
            return
        full = module.__name__
        for attribute in attributes:
            full = f"{full}.{attribute}"
            if not isinstance(sys.modules.get(full), ModuleType):
                return
            self.modules[full] = None
            if not full.startswith("alphintra"):
                self._imports[f"import {full}"] = None


def _is_definition(value: Any) -> bool:
    """A function or class of ``__main__``, also one that a decorator has wrapped."""
    return getattr(value, "__module__", None) == "__main__" and isinstance(getattr(value, "__name__", None), str)


def _import_of(name: str, value: Any) -> str | None:
    """The import that binds the value to the name, if its own module has it."""
    module, own = getattr(value, "__module__", None), getattr(value, "__name__", None)
    if not (isinstance(module, str) and isinstance(own, str)) or isinstance(value, ModuleType):
        return None
    found = sys.modules.get(module)
    if getattr(found, own, None) is not value or not own.isidentifier():
        return None
    # Where people import it from: ``alphintra.Strategy``, not ``alphintra.strategy.Strategy``.
    top = module.partition(".")[0]
    if getattr(sys.modules.get(top), own, None) is value:
        module = top
    return f"from {module} import {own}" + ("" if own == name else f" as {name}")


def _literal(value: Any) -> str | None:
    """The text of a constant that reads back as the same; ``None`` where there is none."""
    if hasattr(value, "item") and not hasattr(value, "__len__") and type(value).__module__ == "numpy":
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if not isinstance(value, bool | int | float | complex | str | bytes | tuple | list | set | dict | None):
        return None
    try:
        text = repr(value)
        if len(text) > MAX_CONSTANT:
            return None
        again = ast.literal_eval(text)
        return text if type(again) is type(value) and bool(again == value) else None
    except Exception:  # noqa: BLE001  what a list holds may do anything, and what does not read back is no constant
        return None


def _code_of(value: Any) -> Any:
    """The code object of a function, below its decorators; of a class, of one of its own methods."""
    if isinstance(value, type):
        for member in vars(value).values():
            member = inspect.unwrap(getattr(member, "__func__", getattr(member, "fget", member)))
            code = getattr(member, "__code__", None)
            if code is not None and code.co_qualname.startswith(f"{value.__qualname__}."):
                return code
        return None
    value = getattr(value, "py_func", value)  # Numba's
    return getattr(inspect.unwrap(value), "__code__", None)


def definition(value: Any, name: str) -> str | None:
    """The text of the statement that defined a function or class, decorators included; ``None``: it is not known."""
    code = _code_of(value)
    if code is not None:
        text = "".join(linecache.getlines(code.co_filename))
        for statement in _statements(text):
            if _lines(statement)[0] <= code.co_firstlineno <= _lines(statement)[1] and _defines(statement, name):
                return _segment(text, statement)
    for text in _history(vars(sys.modules["__main__"])):
        for statement in reversed(_statements(text)):
            if _defines(statement, name):
                return _segment(text, statement)
    return None


def _history(namespace: Mapping[str, Any]) -> Iterator[str]:
    """What was run, newest first: the notebook's cells, or the script."""
    cells = namespace.get("In")
    if isinstance(cells, list):
        yield from (cell for cell in reversed(cells) if isinstance(cell, str))
    elif isinstance(file := namespace.get("__file__"), str):
        yield "".join(linecache.getlines(file))


def _last_binding(namespace: Mapping[str, Any], name: str) -> tuple[str, ast.stmt | None]:
    """The newest statement at the top of a cell that bound a name, and the text that it is in."""
    for text in _history(namespace):
        for statement in reversed(_statements(text)):
            if name in _bound(statement):
                return text, statement
    return "", None


def _bound(statement: ast.stmt) -> list[str]:
    """Names that a statement binds."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.partition(".")[0] for alias in statement.names]
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    return [
        part.id for part in ast.walk(statement) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    ]


def _statements(text: str) -> list[ast.stmt]:
    try:
        return ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _lines(statement: ast.stmt) -> tuple[int, int]:
    decorators = [each.lineno for each in getattr(statement, "decorator_list", [])]
    return min([statement.lineno, *decorators]), statement.end_lineno or statement.lineno


def _segment(text: str, statement: ast.stmt) -> str:
    first, last = _lines(statement)
    return "\n".join(text.split("\n")[first - 1 : last])


def _defines(statement: ast.stmt, name: str) -> bool:
    """Whether a statement, or what is inside an ``if`` or ``try``, defines the function or class."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return statement.name == name
    if isinstance(statement, ast.If | ast.Try | ast.With):
        return any(_defines(each, name) for each in ast.iter_child_nodes(statement) if isinstance(each, ast.stmt))
    return False


def _targets(statement: ast.Assign) -> list[str]:
    return [part.id for target in statement.targets for part in ast.walk(target) if isinstance(part, ast.Name)]


def _repeatable(value: ast.AST, namespace: Mapping[str, Any]) -> bool:
    """Whether evaluating again makes the same and does nothing else."""
    if isinstance(value, ast.Lambda):
        return True
    if isinstance(value, ast.Call):
        made = _named(value.func, namespace)
        if not isinstance(made, type) or made.__name__ not in _MOMENTS:
            return False
    elif not isinstance(value, (*_PLAIN, ast.keyword)):
        return False
    return all(_repeatable(part, namespace) for part in ast.iter_child_nodes(value))


def _named(node: ast.expr, namespace: Mapping[str, Any]) -> Any:
    """What a name or ``module.name`` is bound to, ``None`` for anything else."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        module = namespace.get(node.value.id)
        return getattr(module, node.attr, None) if isinstance(module, ModuleType) else None
    return namespace.get(node.id) if isinstance(node, ast.Name) else None


def _free_names(text: str) -> list[str]:
    """The global names that source reads and does not define, in the order of their names."""
    top = symtable.symtable(text, "<source>", "exec")
    own = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned()}
    found: set[str] = set()
    tables = [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        found |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (table is top or symbol.is_global())
        }
    return sorted(found - own)


def _attribute_chains(text: str) -> Iterator[tuple[str, list[str]]]:
    """Names with the attributes that are read of them: ``scipy.stats.norm`` is ``scipy`` and ``[stats, norm]``."""
    for node in ast.walk(ast.parse(text)):
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.insert(0, node.attr)
            node = node.value
        if attributes and isinstance(node, ast.Name):
            yield node.id, attributes
