"""A browser page on a running lab, with what several tests do."""

from __future__ import annotations

from typing import Any

from lab_server import SCREENSHOTS, Lab
from playwright.sync_api import TimeoutError

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


class Page:
    """A browser page on the lab, with what several tests do."""

    def __init__(self, page: Any, lab: Lab, theme: str) -> None:
        self.page = page
        self.lab = lab
        self.theme = theme
        self.errors: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.errors.append(f"{error}\n{error.stack}"))

    def open(self, path: str = "") -> None:
        tree = f"/tree/{path}" if path else ""
        name = f"spine-{self.theme}"
        self.page.goto(f"{self.lab.url}lab/workspaces/{name}{tree}?token={self.lab.token}&reset")
        self.page.wait_for_selector("#jp-top-panel")
        self.page.wait_for_function("() => !document.querySelector('#jupyterlab-splash')")
        self.page.evaluate(LISTEN)
        if self.theme == "dark":
            self.show_theme("Dark")

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

    def show_theme(self, name: str) -> None:
        """Go to Lab's theme ``Light`` or ``Dark``."""
        light = "true" if name == "Light" else "false"
        self.command(f"Theme: JupyterLab {name}")
        self.page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")

    def shot(self, name: str) -> None:
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.wait_for_timeout(400)
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
