"""The page on automated tests: its examples run in order, its command prints what it shows, its body is accepted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alphintra.cli import main
from alphintra_server.models.checks import ChecksUpdate
from alphintra_server.routes import ROUTES

from .pages import DOCS, blocks

PAGE = blocks("automated-tests.md")


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


def of(language: str) -> list[str]:
    return [block.text for block in PAGE if block.language == language]


def test_the_examples_run() -> None:
    names: dict[str, Any] = {"__name__": "automated"}
    for text in of("python"):
        exec(text, names)
    assert names["dearer"].before.id == names["run"].result.run["id"]


def test_the_command_prints_what_the_page_shows(tmp_path, capsys) -> None:
    (tmp_path / "sma_cross.py").write_text(of("python")[0])
    (command,), (shown,) = of("sh"), of("text")
    assert main(command.split()[1:]) == 0
    # The thin space before a percent sign cannot be told from another on a page.
    assert capsys.readouterr().out.replace("\u202f", " ").splitlines() == shown.splitlines()


def test_the_body_is_accepted_and_the_paths_exist() -> None:
    (body,) = of("json")
    plan = ChecksUpdate.model_validate(json.loads(body))
    assert (plan.schedule, plan.at, plan.weekday) == ("weekly", "06:30", "monday")
    page = (DOCS / "automated-tests.md").read_text()
    for route in ROUTES:
        if "/checks" in route.path:
            for verb in route.endpoints:
                assert f"`{verb.upper()} {route.path}`" in page
