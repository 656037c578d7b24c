"""A browser page on a running lab, with what several tests do."""

from __future__ import annotations

from typing import Any

from lab_server import SCREENSHOTS, Lab
from playwright.sync_api import TimeoutError

SECOND = 1000


class Page:
    """A browser page on the lab, with what several tests do."""

    def __init__(self, page: Any, lab: Lab, theme: str) -> None:
        self.page = page
        self.lab = lab
        self.theme = theme
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(f"{error}\n{error.stack}"))

    def open(self, path: str = "") -> None:
        tree = f"/tree/{path}" if path else ""
        name = f"spine-{self.theme}"
        self.page.goto(f"{self.lab.url}lab/workspaces/{name}{tree}?token={self.lab.token}&reset")
        self.page.wait_for_selector("#jp-top-panel", timeout=60 * SECOND)
        self.page.wait_for_function("() => !document.querySelector('#jupyterlab-splash')")
        if self.theme == "dark":
            self.command("Theme: JupyterLab Dark")
            self.page.wait_for_selector("body[data-jp-theme-light='false']", state="attached")

    def command(self, label: str) -> None:
        """Run a command of the palette, as by keyboard."""
        box = self.page.locator("#modal-command-palette .lm-CommandPalette-input")
        for _ in range(5):
            # Tables and maps keep keys to themselves; and Lab's may not be bound yet while a document is being opened.
            self.page.evaluate("() => document.activeElement?.blur()")
            self.page.keyboard.press("Control+Shift+C")
            try:
                box.wait_for(timeout=5 * SECOND)
            except TimeoutError:
                continue
            break
        box.fill(label)
        item = self.page.locator("#modal-command-palette .lm-CommandPalette-item").filter(has_text=label)
        item.first.wait_for()
        box.press("Enter")

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
