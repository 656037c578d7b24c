"""What a job needs of a strategy class: its source, and the trader's own modules that it imports."""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from .errors import SourceError
from .main_source import MainSource
from .trials import strategy_file

MAX_MODULES = 64
MAX_BYTES = 4 << 20
#: Ours are in every job; they are never the trader's, wherever they run from.
_OURS = "alphintra"


@dataclass(frozen=True)
class StrategySource:
    """A strategy as a job gets it.

    Attributes:
        class_name: Which class of the code.
        code: Source of the module that defines it.
        modules: Source of the trader's modules that the code imports, by path beside it.
        path: File or notebook that it comes from.
    """

    class_name: str
    code: str
    modules: dict[str, str] = field(default_factory=dict)
    path: str = "interactive"

    def line(self, number: object) -> str:
        """The text of a line of the code from 1, empty where there is none."""
        lines = self.code.split("\n")
        return lines[number - 1].strip() if isinstance(number, int) and 0 < number <= len(lines) else ""


def source_of(strategy: type) -> StrategySource:
    """Find the source of a class and of what it uses.

    A class of a notebook or script comes with the functions, classes, constants and imports that it uses, as they are
    now; a class of a module, with the whole file. Modules of the trader's own go along.

    Raises:
        SourceError: The source is not known, or uses something that a job cannot have.
    """
    name = strategy.__name__
    if strategy.__qualname__ != name:
        raise SourceError(
            f"{name} is defined inside {strategy.__qualname__.rpartition('.')[0]}",
            hint="define it at the top of a cell or file",
        )
    module = sys.modules.get(strategy.__module__)
    path = strategy_file(strategy) or "interactive"
    if module is None or strategy.__module__ == "__main__":
        found = MainSource(vars(sys.modules["__main__"]))
        found.add_class(strategy)
        return StrategySource(name, found.code, dict(_modules(found.modules)), path)
    file = _own_file(module)
    if file is None:
        raise SourceError(
            f"{name} belongs to the installed module {module.__name__}",
            hint=f"derive a class of your own from it: class My{name}({name}): ...",
        )
    code = _read(file)
    tree = ast.parse(code)
    relative = next((n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level), None)
    if relative is not None:
        raise SourceError(
            f"{file.name} imports relatively in line {relative.lineno}, and a job runs it as a module of its own",
            hint=f"write the whole name: from {module.__name__.rpartition('.')[0]}.… import …",
        )
    return StrategySource(name, code, dict(_modules(_imported(tree, ""))), path)


def _modules(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Path and text of each module of the trader's among the names, and of what it imports in turn."""
    queue, seen, size = list(names), set(names), 0
    count = 0
    while queue:
        name = queue.pop(0)
        module = _find(name)
        file = None if module is None else _own_file(module)
        if module is None or file is None:
            _refuse_installed_here(name, module)
            continue
        text = _read(file)
        count, size = count + 1, size + len(text)
        if count > MAX_MODULES or size > MAX_BYTES:
            raise SourceError(
                f"the strategy imports more than {MAX_MODULES} modules of yours, or {MAX_BYTES >> 20} MiB",
                hint="import less of it",
            )
        is_package = file.name == "__init__.py"
        yield name.replace(".", "/") + ("/__init__.py" if is_package else ".py"), text
        package = name if is_package else name.rpartition(".")[0]
        new = [each for each in _imported(ast.parse(text), package) if each not in seen]
        parents = [each for each in _parents(name) if each not in seen]
        queue += [*new, *parents]
        seen.update(new, parents)


def _refuse_installed_here(name: str, module: ModuleType | None) -> None:
    """Refuse what ``%pip install`` brought into this kernel's own home: a job has the server's packages."""
    target, file = os.environ.get("PIP_TARGET"), getattr(module, "__file__", None)
    if target and file and Path(file).is_relative_to(target):
        raise SourceError(
            f"the strategy uses {name}, which was installed in this notebook, and a job has the server's packages",
            code="NOT_PORTABLE",
            hint=f"have {name.partition('.')[0]} installed where the server runs, or run it here with al.backtest",
        )


def _imported(tree: ast.Module, package: str) -> list[str]:
    """Names of what a module imports, parents first, those included that are none but a module's member."""
    names: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            wanted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join(part for part in [*above, node.module or ""] if part)
            wanted = [base, *(f"{base}.{alias.name}" for alias in node.names if alias.name != "*")]
        else:
            continue
        for name in wanted:
            names.update(dict.fromkeys([*_parents(name), name]))
    return [name for name in names if name]


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _find(name: str) -> ModuleType | None:
    """The module, as it was imported; one that a function imports later is looked up without running it."""
    if name in sys.modules:
        return sys.modules[name]
    if any(parent not in sys.modules for parent in _parents(name)):
        return None
    with suppress(Exception):
        spec = importlib.util.find_spec(name)
        if spec is not None:
            return importlib.util.module_from_spec(spec)
    return None


def _own_file(module: ModuleType) -> Path | None:
    """The file of a module of the trader's: neither Python's, nor installed, nor ours."""
    file = getattr(module, "__file__", None)
    if not file or not str(file).endswith(".py") or module.__name__.partition(".")[0].startswith(_OURS):
        return None
    if module.__name__ == "__main__":
        return None
    path = Path(file).resolve()
    paths = sysconfig.get_paths()
    installed = {Path(paths[each]).resolve() for each in ("stdlib", "platstdlib", "purelib", "platlib")}
    installed |= {Path(sys.base_prefix, "lib").resolve(), Path(sys.prefix, "lib").resolve()}
    if any(path.is_relative_to(folder) for folder in installed) or {"site-packages", "dist-packages"} & {*path.parts}:
        return None
    return path


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{file} cannot be read: {error}") from error
