"""The examples of the page on validation rules run and give what their comments say; its numbers are the code's."""

import ast
import re
from pathlib import Path

import pytest
from alphintra.rules import rules
from alphintra.rules.places import MOST_PLACES
from alphintra.rules.report import MOST_BYTES

PAGE = (Path(__file__).parents[2] / "docs" / "validation-rules.md").read_text(encoding="utf-8")


def test_the_examples_give_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    shown = 0
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        for node in ast.parse(block).body:
            code = ast.get_source_segment(block, node)
            assert code is not None
            if not isinstance(node, ast.Expr) or not (told := _comment(block, node)):
                exec(code, names)
                continue
            value = ast.literal_eval(told)
            assert eval(code, names) == value, code
            shown += 1
    assert shown == 11


def _comment(block: str, node: ast.Expr) -> str:
    """What stands after an expression, or below it; what comes after a colon is for people."""
    lines = block.splitlines()
    last = node.end_lineno or 0
    below = "".join(lines[last : last + 1])
    text = lines[last - 1].partition("  # ")[2] or (below[2:] if below.startswith("# ") else "")
    return re.sub(r"^('[^']*'): .*", r"\1", text)


def test_the_numbers_and_the_table() -> None:
    assert f"the first {MOST_PLACES:,} places" in PAGE
    assert f"at most {MOST_BYTES >> 20} MB" in PAGE
    assert re.findall(r"^\| `([A-Z0-9_]+)`", PAGE, re.MULTILINE) == list(rules())
