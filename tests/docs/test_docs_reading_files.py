"""The page on reading files: its example runs, and its rules are those of the code."""

from __future__ import annotations

from typing import Any

from alphintra.ingest.findings import SEVERITIES
from alphintra.ingest.staging import GROUP_ROWS

from .pages import DOCS, blocks


def test_the_example_gives_what_it_says(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in blocks("reading-files.md"):
        if block.language == "python":
            exec(block.text, names)
    assert names["look"].guess.mapping.columns[0].format == "%Y-%m-%d"
    assert names["look"].guess.questions == ()
    assert names["staged"].rows == 1
    assert names["actions"].kind == "reference"
    assert [own.role for own in names["actions"].columns] == ["symbol", "event", "time", "value", "known_at"]
    assert names["staged"].findings[0].where == "AAPL.csv, row 2 (line 3), column 'Close'"


def test_the_rules_and_numbers_are_those_of_the_code() -> None:
    page = (DOCS / "reading-files.md").read_text()
    unsaid = [rule for rule in SEVERITIES if f"`{rule}`" not in page]
    assert unsaid == []
    assert f"{GROUP_ROWS:,} rows" in page
