"""An archive of many tables: which of them are alike, and what their names say of their symbols."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from glob import escape

from alphintra.errors import DataError
from alphintra.ingest.containers import Head, base_of, folder_of, stem_of
from alphintra.ingest.findings import Findings, shown
from alphintra.ingest.guessing import Guess
from alphintra.ingest.habits import symbol_of
from alphintra.ingest.mapping import CAPITALS, SYMBOL, is_rule
from alphintra.ingest.roles import Question, Reason

_SHOWN = 3
_PROPOSED = 8
_SEPARATORS = re.compile(r"[,;\t|]")
_VALUE = re.compile(r"\s*['\"]?[-+]?[.\d]")


@dataclass(frozen=True)
class Alike:
    """Tables of an archive, by what their first lines are.

    Attributes:
        usual: Those that are like most, in the order of their names.
        others: The rest.
    """

    usual: tuple[Head, ...]
    others: tuple[Head, ...]


def alike(heads: Sequence[Head]) -> Alike:
    """Tell the tables that are like most from the others. Which columns they really have is seen when they are read."""
    shapes = [_shape(head) for head in heads]
    most = Counter(shapes).most_common(1)[0][0]
    usual = tuple(head for head, shape in zip(heads, shapes, strict=True) if shape == most)
    return Alike(usual, tuple(head for head, shape in zip(heads, shapes, strict=True) if shape != most))


def symbol_in(pattern: str, name: str) -> str | None:
    """Return the symbol that a rule finds in a file's name; ``None`` where the name does not fit it.

    Args:
        pattern: The name with ``{symbol}`` where the symbol is (``{SYMBOL}``: in capitals), and ``*`` for anything.
        name: Without folders.
    """
    found = _compiled(pattern).fullmatch(name)
    if found is None:
        return None
    return found["symbol"].upper() if CAPITALS in pattern else found["symbol"]


def rule_for(names: Sequence[str]) -> str:
    """Return the rule by which the habits of those who write market data find a symbol in each name; empty if none."""
    symbols = [symbol_of(stem_of(name)) for name in names]
    cuts = [name.find(symbol) for name, symbol in zip(names, symbols, strict=True)]
    before = [name[:cut] for name, cut in zip(names, cuts, strict=True)]
    after = [name[cut + len(symbol) :] for name, symbol, cut in zip(names, symbols, cuts, strict=True)]
    pattern = _common(before) + SYMBOL + _common(after)
    fits = min(cuts) >= 0 and pattern.count(SYMBOL) == 1 and pattern.count("*") <= 2
    if not fits or any(symbol_in(pattern, name) != own for name, own in zip(names, symbols, strict=True)):
        return ""
    return pattern


def asked_of_archive(found: Guess, tables: Alike, findings: Findings) -> Guess:
    """Propose which tables are read and how their symbols are told, and ask for both.

    Args:
        found: The guess of one of the tables.
        tables: All of them.
        findings: Takes the tables that are not like most.
    """
    first = tables.usual[0]
    for other in tables.others:
        text = f"the table is not like most, such as {shown(first.name, 80)}"
        findings.add("MEMBER_SKIPPED", text, other.name, "error")
    questions = [own for own in found.questions if own.field != "symbol"]
    mapping, reasons = found.mapping, found.reasons
    names = [base_of(head.inside) for head in tables.usual]
    inside = mapping.symbol_from in ("column", "columns")
    pattern = "" if inside else rule_for(names)
    clash = () if inside else _clash(tables.usual, pattern)
    if tables.others or clash:
        count = len(tables.usual) + len(tables.others)
        text = f"{len(tables.others):,} of {count:,} tables are not like the others. " if tables.others else ""
        if clash:
            places = " and ".join(shown(head.inside, 60) for head in clash[:2])
            text += f"{places} have one symbol, and may be two things: choose a folder. "
        globs = _globs(tables, pattern.rpartition(SYMBOL)[2]) if tables.others else ("*",)
        questions.append(Question("members", f"{text}Which are to be read?", (*_of_folders(clash), *globs)))
    if not inside:
        mapping = replace(mapping, symbol_from="name", symbol="", symbol_pattern=pattern)
        called = [head.inside for head in tables.usual] if clash else names
        first_few = list(zip(called, names, strict=True))[:_SHOWN]
        examples = ", ".join(f"{shown(own, 40)} is {shown(_told(pattern, name), 24)}" for own, name in first_few)
        choices = (pattern, pattern.replace(SYMBOL, CAPITALS)) if pattern else ()
        # Many files that agree on one symbol, as an exchange packs the months of a pair, leave nothing to ask.
        if not pattern or len(names) == 1 or len({symbol_in(pattern, name) for name in names}) > 1:
            text = f"Where is the symbol in the files' names? {examples}."
            questions.append(Question("symbol_pattern", text, choices))
        reasons = (*reasons, Reason("symbol_pattern", pattern or SYMBOL, 0.6, f"{len(names):,} files are called so"))
    return replace(found, mapping=mapping, reasons=reasons, questions=tuple(questions))


def _told(pattern: str, name: str) -> str:
    return (symbol_in(pattern, name) if pattern else None) or symbol_of(stem_of(name))


def _clash(heads: Sequence[Head], pattern: str) -> tuple[Head, ...]:
    """Return tables of one symbol, each the first of its folder; none where each symbol has its files in one.

    Those of one folder are its months and years; ``spot`` and ``futures`` are not.
    """
    found: dict[str, dict[str, Head]] = {}
    for head in heads:
        # In capitals they may be one as well.
        own = found.setdefault(_told(pattern, base_of(head.inside)).upper(), {})
        own.setdefault(folder_of(head.inside), head)
    return next((tuple(own.values()) for own in found.values() if len(own) > 1), ())


def _of_folders(clash: Sequence[Head]) -> tuple[str, ...]:
    """Return a glob for each folder that can be told by one."""
    folders = [folder_of(head.inside) for head in clash]
    globs = [f"{escape(folder)}*" for folder in folders if folder]
    return tuple(glob for glob in globs if is_rule(glob))[:_PROPOSED]


def _globs(tables: Alike, after: str) -> tuple[str, ...]:
    """Return a glob that tells the tables that are like most from the others, if there is one, and that for all.

    Args:
        tables: All of them.
        after: What stands after the symbol in the names of those that are like most.
    """
    inside = [head.inside for head in tables.usual]
    folder = _prefix([name.rpartition("/")[0] + "/" for name in inside])
    folder = folder[: folder.rfind("/") + 1].lstrip("/")
    ends = {name[name.rfind(".") :] for name in inside if "." in base_of(name)}
    end = next(iter(ends)) if len(ends) == 1 else ""

    def tells(glob: str) -> bool:
        return all(fnmatchcase(name, glob) for name in inside) and not any(
            fnmatchcase(other.inside, glob) for other in tables.others
        )

    found = [glob for glob in (f"{folder}*", f"*{end}", f"{folder}*{end}", f"*{after}") if tells(glob)]
    return (*found[:1], "*")


def _shape(head: Head) -> tuple[object, ...]:
    """Return what the first line of a table shows: the names of its columns, or how many there are."""
    if head.content != "text":
        return (head.content,)
    text = head.start.decode("utf-8-sig", "replace")
    if text.lstrip()[:1] in ("{", "["):
        return ("json", text.lstrip()[:1])
    cells = _SEPARATORS.split(text.split("\n", 1)[0].strip())
    if any(_VALUE.match(cell) for cell in cells):
        return ("columns", len(cells))
    return ("names", *(cell.strip(" \"'\r").casefold() for cell in cells))


def _common(parts: Sequence[str]) -> str:
    """Return what texts have in common at both ends, ``*`` for what they have not."""
    if len(set(parts)) == 1:
        return parts[0]
    # Not in the middle of a number or a word, which the next file may have otherwise.
    start = re.sub(r"[^\W_]+$", "", _prefix(parts))
    end = re.sub(r"^[^\W_]+", "", _prefix([part[len(start) :][::-1] for part in parts])[::-1])
    return f"{start}*{end}"


def _prefix(texts: Sequence[str]) -> str:
    """Return what all texts begin with."""
    first, last = min(texts), max(texts)
    return first[: next((at for at, sign in enumerate(first) if not last.startswith(first[: at + 1])), len(first))]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    before, mark, after = pattern.partition(CAPITALS if CAPITALS in pattern else SYMBOL)
    if not mark:
        raise DataError(f"the rule {pattern!r} does not say where the symbol is", code="BAD_MAPPING")
    parts = [".*?".join(re.escape(piece) for piece in side.split("*")) for side in (before, after)]
    return re.compile(f"{parts[0]}(?P<symbol>.+?){parts[1]}", re.DOTALL)
