"""``AlphintraServer.lockdown``: a page that runs somebody else's notebook can start nothing outside the sandbox.

The output of a cell may be JavaScript, and that asks Jupyter in the name of whoever looks at it. So what Jupyter
offers is cut to what may be asked: kernels of ours, files of the workspace.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import json5
from alphintra_kernel.isolation import kernel_level
from alphintra_kernel.levels import OWN_FILES, POD
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager, NoSuchKernel
from tornado.web import HTTPError
from traitlets.config import Config

from .kernel_connection import BoundedConnection
from .kernel_manager import BoundedKernelManager
from .locked_contents import LockedCheckpoints, LockedContentsManager
from .services.workspace import refusal

#: The kernels that may be started: those that begin in the sandbox.
KERNELS = frozenset({"alphintra"})


class _OtherKernelError(HTTPError, NoSuchKernel):
    """Not one of ours: a 404 where Jupyter would answer with an error of its own."""

    def __init__(self, name: str) -> None:
        super().__init__(404, "There is no such kernel here.")
        self.name = name


class LockedKernelSpecManager(KernelSpecManager):
    """Knows our kernels only; ``allowed_kernelspecs`` alone would cut the list and still start any."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return one of our kernels.

        Raises:
            NoSuchKernel: Any other name.
        """
        if kernel_name not in KERNELS:
            raise _OtherKernelError(kernel_name)
        return super().get_kernel_spec(kernel_name)

    def find_kernel_specs(self) -> dict[str, str]:
        """Return our kernels and where they are."""
        return {name: place for name, place in super().find_kernel_specs().items() if name in KERNELS}

    def get_all_specs(self) -> dict[str, Any]:
        """Return our kernels as the launcher shows them."""
        return {name: spec for name, spec in super().get_all_specs().items() if name in KERNELS}


#: The settings of Lab by which outputs that nobody trusted are cleaned.
SANITIZER = "@jupyterlab/apputils-extension:sanitizer"


def settings(workspace: str) -> Config:
    """Return the settings of a locked server; they win over all others.

    Args:
        workspace: The trader's folder, the only one that Jupyter shows.
    """
    config = Config()
    config.ServerApp.terminals_enabled = False
    config.ServerApp.allow_external_kernels = False
    config.ServerApp.root_dir = workspace
    config.ServerApp.kernel_spec_manager_class = LockedKernelSpecManager
    config.ServerApp.kernel_manager_class = BoundedKernelManager
    config.ServerApp.kernel_websocket_connection_class = BoundedConnection
    config.ServerApp.contents_manager_class = LockedContentsManager
    config.LockedContentsManager.root_dir = workspace
    config.LockedContentsManager.allow_hidden = False
    # What Jupyter's way of writing may have left beside a broken notebook would be moved to its place, by its path.
    config.LockedContentsManager.use_atomic_writing = False
    config.LockedContentsManager.checkpoints_class = LockedCheckpoints
    config.LabApp.extension_manager = "readonly"
    config.LanguageServerManager.autodetect = False
    config.SandboxProvisioner.network = False
    # They would hand a notebook to a browser, to TeX or to Inkscape: programs of the server's own outside any sandbox.
    for exporter in ("WebPDFExporter", "QtPDFExporter", "QtPNGExporter", "LatexExporter", "PDFExporter"):
        config[exporter].enabled = False
    # Where the server was started, which may be the workspace: what a template says is run in the server.
    config.TemplateExporter.extra_template_basedirs = []
    return config


def take_commands(serverapp: Any) -> None:
    """Make the buttons in what nobody trusted no commands of Lab's, once its handlers are made."""
    for app in (app for apps in serverapp.extension_manager.extension_apps.values() for app in apps):
        for given in (part for handler in app.handlers for part in handler[2:]):
            if isinstance(given, dict) and isinstance(given.get("overrides"), dict):
                given["overrides"].setdefault(SANITIZER, {})["allowCommandLinker"] = False


def _commands_are_wanted(app: Any) -> bool:
    """Tell whether a setting of the user's own, which wins over what a server says, lets buttons be commands."""
    package, _, plugin = SANITIZER.partition(":")
    try:
        given = json5.loads(Path(app.user_settings_dir, package, f"{plugin}.jupyterlab-settings").read_text("utf-8"))
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True  # what Lab makes of it, nobody knows
    return not isinstance(given, dict) or bool(given.get("allowCommandLinker"))


def hold(serverapp: Any, workspace: str, data_dir: Path) -> None:
    """See that a server is locked, once its parts are made and before it has handlers.

    Args:
        serverapp: Jupyter's server.
        workspace: The folder that it shows.
        data_dir: Our own folder.

    Raises:
        SystemExit: It is not; it must not start. Jupyter goes on after any other error of an extension.
    """
    if refused := refusal(Path(workspace), data_dir):
        raise SystemExit(f"AlphintraServer.lockdown is set: {refused}")
    if kernel_level() not in {*OWN_FILES, POD}:
        raise SystemExit("AlphintraServer.lockdown is set, but this machine cannot sandbox notebooks.")
    root = Path(workspace).resolve()
    if any(Path(entry).resolve().is_relative_to(root) for entry in sys.path):
        raise SystemExit(
            "AlphintraServer.lockdown is set, but Python would import modules from the workspace; start `jupyter lab`, "
            "not `python -m jupyterlab`."
        )
    labs = serverapp.extension_manager.extension_apps.get("jupyterlab", ())
    for app in labs:
        app.extension_manager = "readonly"
    contents = serverapp.contents_manager
    open_ends = {
        "terminals": serverapp.terminals_enabled,
        "other kernels": not isinstance(serverapp.kernel_manager.kernel_spec_manager, LockedKernelSpecManager),
        "other folders": not isinstance(contents, LockedContentsManager)
        or Path(contents.root_dir).resolve() != Path(workspace).resolve(),
        "hidden files": contents.allow_hidden,
        "commands in outputs (allowCommandLinker)": any(map(_commands_are_wanted, labs)),
    }
    found = [name for name, is_open in open_ends.items() if is_open]
    if found:
        raise SystemExit(f"AlphintraServer.lockdown is set, but settings of Jupyter allow {', '.join(found)}.")
