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
            self.show_theme("Dark")

    def command(self, label: str) -> None:
        """Run a command of the palette, as by keyboard.

        A document that is still being opened takes the focus, and then the palette closes: it is opened again.
        Tables and maps keep keys to themselves, so the focus is taken from them.
        """
        box = self.page.locator("#modal-command-palette .lm-CommandPalette-input")
        item = self.page.locator("#modal-command-palette .lm-CommandPalette-item").filter(has_text=label)
        for left in reversed(range(6)):
            try:
                self.page.evaluate("() => document.activeElement?.blur()")
                self.page.keyboard.press("Control+Shift+C")
                box.fill(label, timeout=5 * SECOND)
                item.first.wait_for(timeout=5 * SECOND)
                box.press("Enter", timeout=5 * SECOND)
            except TimeoutError:
                if left == 0:
                    raise
                continue
            return

    def show_theme(self, name: str) -> None:
        """Go to Lab's theme ``Light`` or ``Dark``; what is being opened meanwhile may swallow the key."""
        light = "true" if name == "Light" else "false"
        for left in reversed(range(3)):
            self.command(f"Theme: JupyterLab {name}")
            try:
                self.page.wait_for_selector(
                    f"body[data-jp-theme-light='{light}']", state="attached", timeout=10 * SECOND
                )
            except TimeoutError:
                if left == 0:
                    raise
                continue
            return

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
