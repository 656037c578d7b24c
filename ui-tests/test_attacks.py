"""What a notebook does through the page that shows it: its outputs may be JavaScript, which asks in its reader's name.

Each act is done twice, in a lab under lockdown and in one without, which is the control: there it works.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab_page import PATIENCE, SECOND, Page, Pages
from lab_server import Lab, running
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

ASK = """
(async () => {
  const config = JSON.parse(document.getElementById('jupyter-config-data').textContent);
  const cookie = document.cookie.match(/_xsrf=([^;]*)/);
  const ask = async (method, path, body) => {
    const headers = {'Content-Type': 'application/json', 'X-XSRFToken': cookie ? cookie[1] : ''};
    if (config.token) headers.Authorization = 'token ' + config.token;
    const sent = {method, headers, body: body === undefined ? undefined : JSON.stringify(body)};
    return (await fetch(config.baseUrl + path, sent)).status;
  };
  const file = {type: 'file', format: 'text', content: 'theirs'};
  const session = {name: 'x', path: 'x.ipynb', type: 'notebook', kernel: {name: 'python3'}};
  const found = {
    'another kernel': await ask('POST', 'api/kernels', {name: 'python3'}),
    'another kernel by a session': await ask('POST', 'api/sessions', session),
    'a terminal': await ask('POST', 'api/terminals', {}),
    'a file outside, read': await ask('GET', 'api/contents/leak.txt'),
    'a file outside, raw': await ask('GET', 'files/leak.txt'),
    'a folder outside': await ask('GET', 'api/contents/leaks'),
    'a file outside, written': await ask('PUT', 'api/contents/leaks/new.txt', file),
    'a file of its own': await ask('GET', 'api/contents/attack.ipynb?content=0'),
  };
  document.body.dataset.attack = JSON.stringify(found);
})()
"""
OPEN = {
    "another kernel": 201,
    "another kernel by a session": 201,
    "a terminal": 200,
    "a file outside, read": 200,
    "a file outside, raw": 403,  # refused by Jupyter itself
    "a folder outside": 200,
    "a file outside, written": 201,
    "a file of its own": 200,
}
LOCKED = {
    "another kernel": 404,
    "another kernel by a session": 501,
    "a terminal": 404,
    "a file outside, read": 404,
    "a file outside, raw": 403,
    "a folder outside": 404,
    "a file outside, written": 404,
    "a file of its own": 200,
}

#: Each leaves its name on the page when it runs.
_MARK = "document.body.dataset.ran=(document.body.dataset.ran||&quot;&quot;)+&quot; {}&quot;"
_PLAIN = _MARK.replace("&quot;", "'")
HTML = f"""<img src="x" onerror="{_MARK.format('image')}">
<script>{_PLAIN.format('script')}</script>
<svg onload="{_MARK.format('svg')}"></svg>
<details open ontoggle="{_MARK.format('toggle')}"></details>
<iframe srcdoc="<script>parent.{_PLAIN.format('frame')}</script>"></iframe>
<a class="bait" href="javascript:{_MARK.format('link')}">a link</a>
<button class="bait" data-commandlinker-command="notebook:create-new"
  data-commandlinker-args='{{"kernelName": "python3"}}'>a command</button>"""
SVG = (
    f'<svg xmlns="http://www.w3.org/2000/svg" onload="{_PLAIN.format("file")}">'
    f"<script>{_PLAIN.format('file')}</script></svg>"
)


def _cell(source: str, outputs: list[dict[str, Any]] | None = None, kind: str = "code") -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": source, "id": f"c{abs(hash(source)) % 10**8}"}
    return cell | ({"outputs": outputs or [], "execution_count": 1 if outputs else None} if kind == "code" else {})


def _notebook(workspace: Path, name: str, *cells: dict[str, Any]) -> None:
    kernel = {"name": "alphintra", "display_name": "Alphintra", "language": "python"}
    document = {"cells": list(cells), "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (workspace / name).write_text(json.dumps(document))


@pytest.fixture(scope="module")
def locked_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running(tmp_path_factory.mktemp("locked"), "--AlphintraServer.lockdown=True") as started:
        yield started


@pytest.fixture(params=["open", "locked"])
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def attacked(place: str, request: pytest.FixtureRequest, lab_pages: Pages) -> Iterator[Page]:
    """A page on one of the two labs; what an attack breaks on it is no fault of ours."""
    lab = request.getfixturevalue("lab" if place == "open" else "locked_lab")
    with lab_pages.on(lab, language_servers=True) as shown:
        yield shown
        shown.lab.request("GET", "backtests?limit=1")  # it answers as before, or this raises


@pytest.fixture
def outside(tmp_path: Path, attacked: Page) -> Iterator[Path]:
    """A folder that the server's user can read and write, and links to it, as a kernel can lay them."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "key.txt").write_text("secret")
    (attacked.lab.workspace / "leak.txt").symlink_to(folder / "key.txt")
    (attacked.lab.workspace / "leaks").symlink_to(folder)
    yield folder
    (attacked.lab.workspace / "leak.txt").unlink()
    (attacked.lab.workspace / "leaks").unlink()


def _open_and_run(view: Page, name: str) -> None:
    view.open(name)
    view.page.locator(".jp-NotebookPanel:visible .jp-KernelName").first.filter(has_text="Alphintra").wait_for()
    idle = ".jp-NotebookPanel:visible .jp-Notebook-ExecutionIndicator[data-status='idle']"
    view.page.wait_for_selector(idle)
    view.command("Run All Cells")


def _kernels(lab: Lab) -> set[str]:
    return {kernel["name"] for kernel in lab.request("GET", "kernels")}


def _end_all(lab: Lab) -> None:
    for kernel in lab.request("GET", "kernels"):
        lab.request("DELETE", f"kernels/{kernel['id']}")


def test_javascript_of_an_output_asks_the_server(attacked: Page, outside: Path, place: str) -> None:
    cell = _cell(f"from IPython.display import Javascript\nJavascript({ASK!r})")
    _notebook(attacked.lab.workspace, "attack.ipynb", cell)
    _open_and_run(attacked, "attack.ipynb")
    attacked.page.wait_for_selector("body[data-attack]", state="attached")
    found = json.loads(attacked.page.evaluate("() => document.body.dataset.attack"))
    names = _kernels(attacked.lab)
    _end_all(attacked.lab)
    if place == "open":
        for terminal in attacked.lab.request("GET", "terminals"):
            attacked.lab.request("DELETE", f"terminals/{terminal['name']}")
    assert found == (OPEN if place == "open" else LOCKED)
    assert names == ({"alphintra", "python3"} if place == "open" else {"alphintra"})
    assert (outside / "new.txt").exists() == (place == "open")


def test_a_command_in_an_output_starts_no_other_kernel(attacked: Page, place: str) -> None:
    """A cell that its reader runs is trusted: its HTML may hold buttons that are commands of Lab."""
    _notebook(attacked.lab.workspace, "command.ipynb", _cell(f"from IPython.display import HTML\nHTML({HTML!r})"))
    _open_and_run(attacked, "command.ipynb")
    attacked.page.wait_for_selector("body[data-ran*='image']", state="attached")
    attacked.page.locator(".jp-OutputArea-output button.bait").first.click()
    began = time.monotonic()
    while (names := _kernels(attacked.lab)) == {"alphintra"}:
        attacked.page.wait_for_timeout(SECOND / 5)
        if time.monotonic() - began > (PATIENCE / SECOND if place == "open" else 5):
            break
    _end_all(attacked.lab)
    assert names == ({"alphintra", "python3"} if place == "open" else {"alphintra"})


def test_a_notebook_of_somebody_else_runs_nothing_when_it_is_opened(attacked: Page) -> None:
    """Not trusted: nothing of it runs, in the page neither; the test before shows that all of it would."""
    data = {
        "text/html": HTML,
        "image/svg+xml": SVG,
        "application/javascript": _PLAIN.format("javascript"),
        "text/markdown": HTML,
        "text/latex": f"$\\href{{javascript:{_PLAIN.format('latex')}}}{{x}}$",
    }
    shown = [
        {"output_type": "display_data", "metadata": {}, "data": {kind: content}} for kind, content in data.items()
    ]
    link = f"[link](javascript:{_PLAIN.format('markdown').replace(' ', '%20')})"
    _notebook(
        attacked.lab.workspace,
        "theirs.ipynb",
        _cell("1", shown),
        _cell(f"# Theirs\n\n{HTML}\n\n{link}", kind="markdown"),
    )
    attacked.open("theirs.ipynb")
    page = attacked.page
    page.wait_for_selector(".jp-NotebookPanel:visible .jp-RenderedMarkdown h1")
    page.wait_for_selector(".jp-NotebookPanel:visible .jp-OutputArea-output")
    page.wait_for_timeout(2 * SECOND)
    panel = page.locator(".jp-NotebookPanel:visible")
    dialog = page.locator(".jp-Dialog")
    for bait in panel.locator(".bait").all():
        if bait.is_visible():
            bait.click(no_wait_after=True)
            if bait.get_attribute("data-commandlinker-command"):  # a command: Lab asks first
                dialog.filter(has_text="Run Command?").wait_for()
                dialog.locator("button.jp-mod-reject").first.click()
                dialog.wait_for(state="detached")
    ran = page.evaluate("() => document.body.dataset.ran || ''")
    names = _kernels(attacked.lab)
    _end_all(attacked.lab)
    assert ran == ""
    assert names <= {"alphintra"}
    assert panel.locator("script, iframe, [onerror], [onload], [ontoggle], a[href^='javascript']").count() == 0


def test_a_button_in_an_output_that_nobody_trusted(attacked: Page, place: str) -> None:
    """Under lockdown it is no command, also on a page that is loaded with its notebook; else Lab asks, and runs it."""
    button = HTML[HTML.index("<button") :].replace("button class", "button type='button' class")
    output = {"output_type": "display_data", "metadata": {}, "data": {"text/html": button}}
    text = _cell(f"# Theirs\n\n{button}", kind="markdown")
    _notebook(attacked.lab.workspace, "button.ipynb", _cell("1", [output]), text)
    attacked.open("button.ipynb")
    page = attacked.page
    for again in (False, True):
        if again:
            page.reload()
        page.wait_for_selector(".jp-NotebookPanel:visible .jp-OutputArea-output")
        page.wait_for_selector(".jp-NotebookPanel:visible .jp-RenderedMarkdown h1")
        page.wait_for_timeout(2 * SECOND)
        panel = page.locator(".jp-NotebookPanel:visible")
        dialog = page.locator(".jp-Dialog")
        expect(panel.locator("[data-commandlinker-command]")).to_have_count(2 if place == "open" else 0)
        shown = panel.locator("button.bait")
        asked = 0
        for number in range(shown.count()):
            shown.nth(number).click()
            if place == "open":
                dialog.wait_for()
            else:
                page.wait_for_timeout(SECOND / 2)
            if dialog.count():
                asked += 1
                dialog.locator("button.jp-mod-reject").first.click()
                dialog.wait_for(state="detached")
        assert asked == (2 if place == "open" else 0)
    attacked.shot_as_it_is(f"attack-button-{place}")
    names = _kernels(attacked.lab)
    _end_all(attacked.lab)
    assert names <= {"alphintra"}


FLOOD = """
display({'text/plain': 'x' * 500_000_000}, raw=True)
for _ in range(300):
    display({'text/html': '<i>' + 'y' * 1_000_000 + '</i>'}, raw=True)
for number in range(1_000_000):
    print(number)
"""


@pytest.mark.slow
@pytest.mark.parametrize("place", ["open"])
def test_a_page_survives_a_flood(attacked: Page, place: str) -> None:
    _notebook(attacked.lab.workspace, "flood.ipynb", _cell(FLOOD), _cell("print('after', 6 * 7)"))
    _open_and_run(attacked, "flood.ipynb")
    page = attacked.page
    last = page.locator(".jp-NotebookPanel:visible .jp-OutputArea-output").filter(has_text="after 42")
    last.first.wait_for(timeout=600 * SECOND)  # 300 MB into a page, beside whatever else the machine does
    # Both cells are done, and are not shown as running for ever.
    prompts = page.locator(".jp-NotebookPanel:visible .jp-CodeCell .jp-InputPrompt")
    expect(prompts).to_have_text(["[1]:", "[2]:"], timeout=120 * SECOND)
    text = page.locator(".jp-NotebookPanel:visible .jp-OutputArea").first.inner_text()
    heap = page.evaluate("() => performance.memory.usedJSHeapSize")
    attacked.shot_as_it_is("attack-flood")
    attacked.command("Save Notebook")  # the page still does what it is told
    _end_all(attacked.lab)
    assert "Not shown: an output of 500.0 MB" in text
    assert heap < 1 << 30


@pytest.mark.parametrize("name", ["picture.svg", "page.html", "text.md"])
def test_a_file_with_a_script_runs_nothing_when_it_is_opened(attacked: Page, name: str) -> None:
    (attacked.lab.workspace / name).write_text(SVG if name.endswith("svg") else HTML)
    attacked.open(name)
    page = attacked.page
    page.wait_for_selector(".jp-Document:visible")
    page.wait_for_timeout(2 * SECOND)
    assert page.evaluate("() => document.body.dataset.ran || ''") == ""
