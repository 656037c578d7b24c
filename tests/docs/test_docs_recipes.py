"""The examples of the page on recipes run, and its numbers are those of the code."""

import re
from pathlib import Path

import alphintra as al
import pytest
from alphintra.recipes import effects, recipe, running

from tests.sdk.recipes.made import datasets
from tests.sdk.store.made import ABOUT, ROLES, bars

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text()


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = bars(3_000, 1).take([row for row in range(3_000) if row not in (7, 8, 99)])
    datasets(tmp_path, monkeypatch, {"prices": ({"AAPL": whole, "MSFT": bars(3_000, 2)}, ABOUT, ROLES)})
    names: dict[str, object] = {"al": al}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, names)
    assert f"new = data.save()  # {names['new']!r}\n" in PAGE
    shown = names["shown"]
    assert isinstance(shown, al.recipes.Preview)
    assert (shown.effects[1].rows_added, [place.change for place in shown.effects[1].places]) == (3, ["added"] * 3)
    assert shown.leaks == () and len(shown.before) == 2_000


def test_the_numbers_and_names() -> None:
    sample = al.recipes.Sample()
    assert f"the first {sample.rows:,} rows of three symbols" in PAGE
    assert f"the first {effects.MOST_PLACES} places" in PAGE and f"at most {recipe.MOST_STEPS} steps" in PAGE
    assert f"{running.MOST_CELLS:,} cells" in PAGE
    named = re.findall(r"`(\w+)`", PAGE.split("The [steps]")[1].split(". `process`")[0])
    assert named == list(al.recipes.STEPS)
