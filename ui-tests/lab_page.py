"""A browser page on a running lab, with what several tests do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from lab_server import CHROMIUM, SCREENSHOTS, Lab
from playwright.sync_api import TimeoutError, expect

SECOND = 1000
#: How long whatever a test waits for may take, on a machine that does ten other things.
PATIENCE = 120 * SECOND
#: A step of what is tried again where it failed.
STEP = 10 * SECOND
#: Notes the commands that Lab executes, from now on.
LISTEN = """() => {
  window.executed = [];
  window.jupyterapp.commands.commandExecuted.connect((_, ran) => window.executed.push(ran.id));
}"""
#: How often a command was executed.
EXECUTED = "command => window.executed.filter(id => id === command).length"

#: What Lab's own code says of a cell that ran when its kernel ended, whoever ended it.
CANCELED = "Canceled future for execute_request message before replies were done"

THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
#: Resolves when what is to be seen has come to rest.
SETTLED = """async () => {
  await document.fonts.ready;
  const ends = one => one.playState === 'running' && isFinite(one.effect.getComputedTiming().endTime);
  // In a cell that is scrolled out of sight nothing moves on; a cursor blinks, and a notification's bar shows for up to
  // eight seconds how long it stays.
  const isSeen = one => one.effect.target.checkVisibility({ contentVisibilityAuto: true });
  const rests = one => !one.effect.target.closest('.Toastify__progress-bar, .cm-cursorLayer');
  await Promise.allSettled(document.getAnimations().filter(ends).filter(isSeen).filter(rests).map(one => one.finished));
  for (let frame = 0; frame < 2; frame++) {
    await new Promise(resolve => requestAnimationFrame(resolve));
  }
}"""
VIEWPORT = {"width": 1500, "height": 1150}
expect.set_options(timeout=PATIENCE)


class Page:
    """A browser page on the lab, with what several tests do.

    Attributes:
        theme: The theme that is shown, ``light`` or ``dark``.
        errors: What went wrong in the page's own code.
        is_broken: Whether a test failed on it: no other one begins with it.
    """

    def __init__(self, context: Any, lab: Lab) -> None:
        self.context = context
        self.page = context.pages[0]
        self.lab = lab
        self.theme = "light"
        self.errors: list[str] = []
        self.is_broken = False
        self.page.set_default_timeout(PATIENCE)
        self.page.on("pageerror", self._note)

    def _note(self, error: Any) -> None:
        if not str(error).startswith(CANCELED):
            self.errors.append(f"{error}\n{error.stack}")

    def begin(self, language_servers: bool) -> None:
        """Be as a new page is."""
        self.lab.forget_theme()
        self.lab.have_language_servers(language_servers)
        self.theme = "light"
        self.errors.clear()
        self.page.set_viewport_size(VIEWPORT)
        self.page.mouse.move(0, 0)

    def leave(self) -> None:
        """Go from the lab to where nothing runs."""
        self.page.goto("about:blank")

    def open(self, path: str = "") -> None:
        """Load Lab with nothing open, or a file."""
        tree = f"/tree/{path}" if path else ""
        self.page.goto(f"{self.lab.url}lab/workspaces/test{tree}?token={self.lab.token}&reset")
        self.page.wait_for_selector("#jp-top-panel")
        self.page.wait_for_function("() => !document.querySelector('#jupyterlab-splash')")
        self.page.evaluate(LISTEN)

    def open_cells(self, name: str, *sources: str) -> None:
        """Write a notebook of these cells, open it with the file browser out of the way, and wait for its kernel."""
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        kernelspec = {"name": "alphintra", "display_name": "Alphintra", "language": "python"}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec})
        nbformat.write(notebook, self.lab.workspace / name)
        self.open(name)
        self.page.locator(".jp-NotebookPanel:visible .jp-KernelName").filter(has_text="Alphintra").first.wait_for()
        idle = ".jp-NotebookPanel:visible .jp-Notebook-ExecutionIndicator[data-status='idle']"
        self.page.wait_for_selector(idle)
        self.page.locator(".lm-TabBar-tab[data-id='filebrowser'].lm-mod-current").click()

    def run_cell(self, number: int) -> Any:
        """Run a cell of the notebook in front, from 0 on, to its end; returns it."""
        cell = self.page.locator(".jp-NotebookPanel:visible .jp-CodeCell").nth(number)
        cell.locator(".jp-InputArea-editor").click()
        self.page.keyboard.press("Shift+Enter")
        cell.locator(".jp-InputPrompt").filter(has_text=re.compile(r"\[\d+\]")).wait_for()
        return cell

    def command(self, label: str) -> None:
        """Run a command of the palette, as by keyboard; it has been executed when this returns.

        A document that is still being opened takes the focus, and any other command that is executed closes the
        palette; Enter does nothing before the list is filtered. So Enter is pressed when the command is the chosen
        one, Lab is asked whether it was executed, and if not, the palette is opened again.
        Tables and maps keep keys to themselves, so the focus is taken from them.
        """
        box = self.page.locator("#modal-command-palette .lm-CommandPalette-input")
        chosen = self.page.locator("#modal-command-palette .lm-CommandPalette-item.lm-mod-active")
        for left in reversed(range(6)):
            try:
                self.page.evaluate("() => document.activeElement?.blur()")
                self.page.keyboard.press("Control+Shift+C")
                box.fill(label, timeout=STEP)
                chosen.filter(has_text=label).wait_for(timeout=STEP)
                command = chosen.get_attribute("data-command", timeout=STEP)
                before = self.page.evaluate(EXECUTED, command)
                box.press("Enter", timeout=STEP)
                self.page.wait_for_function(f"before => ({EXECUTED})('{command}') > before", arg=before, timeout=STEP)
            except TimeoutError:
                if left == 0:
                    raise
                continue
            return

    def switch_theme(self) -> None:
        """Go to the other theme, as Lab's menu does."""
        self.theme = "dark" if self.theme == "light" else "light"
        self.page.evaluate(THEME, f"JupyterLab {self.theme.title()}")
        is_light = str(self.theme == "light").lower()
        self.page.wait_for_selector(f"body[data-jp-theme-light='{is_light}']", state="attached")
        self.page.wait_for_function("() => !document.querySelector('#jupyterlab-splash')")

    def shot(self, name: str) -> None:
        """Keep what is shown, in both themes; the test goes on in the other one."""
        self.shot_as_it_is(name)
        self.switch_theme()
        self.shot_as_it_is(name)

    def shot_as_it_is(self, name: str) -> None:
        """Keep what is shown in this theme."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.evaluate(SETTLED)
        self.page.screenshot(path=str(SCREENSHOTS / f"{name}-{self.theme}.png"))

    def show_panel(self) -> None:
        tab = self.page.locator(".lm-TabBar-tab[data-id='alphintra-backtests']")
        if "lm-mod-current" not in (tab.get_attribute("class") or ""):
            tab.click()
        self.page.wait_for_selector("#alphintra-backtests")

    def toolbar(self, button: str) -> None:
        """Press one of our buttons in the toolbar of the document in front."""
        self.page.locator(f".jp-Document:visible jp-button.alphintra-{button}").first.click()

    def row(self, backtest: str) -> Any:
        return self.page.locator(f".alphintra-Run[data-run='{backtest}']")


class Pages:
    """One page per lab, for one test after the other, each in a browser with a profile of its own.

    Each test loads Lab anew, so that nothing of the test before is left. Only a profile on disk keeps compiled code:
    from the third time on, loading takes half as long as in a new context.
    """

    def __init__(self, playwright: Any, folder: Path) -> None:
        self._playwright = playwright
        self._folder = folder
        self._idle: dict[str, Page] = {}
        self._made = 0

    @contextmanager
    def on(self, lab: Lab, *, language_servers: bool = False) -> Iterator[Page]:
        """A page on a lab; one on which a test failed is not used again."""
        page = self._idle.pop(lab.url, None) or self._new(lab)
        page.begin(language_servers)
        yield page
        if page.is_broken:
            page.context.close()
        else:
            page.leave()
            self._idle[lab.url] = page
        # Any test may come next: it finds no kernel of this one, whose notebook it could not see.
        lab.end_kernels()

    def close(self) -> None:
        for page in self._idle.values():
            page.context.close()

    def _new(self, lab: Lab) -> Page:
        self._made += 1
        context = self._playwright.chromium.launch_persistent_context(
            self._folder / str(self._made),
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-gpu"],
            viewport=VIEWPORT,
            reduced_motion="reduce",
            timeout=PATIENCE,
        )
        return Page(context, lab)
