"""What Jupyter's own parts must know of Alphintra: kernels and language servers run in the sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alphintra_kernel.provisioner import SandboxProvisioner
from jupyter_lsp.specs import py_lsp_server
from traitlets.config import Config

from alphintra_kernel import kernel_home, language_server

from .kernel_connection import BoundedConnection
from .kernel_manager import BoundedKernelManager


def settings(workspace: str, data_dir: str, single_user: bool, given: Config) -> Config:
    """Return settings for kernels and language servers, below those that somebody gave.

    Args:
        workspace: The trader's folder.
        data_dir: Alphintra's data folder.
        single_user: Whether everybody is the one owner, on whose behalf a notebook may then ask the server.
        given: The settings as they are.
    """
    config = Config()
    kernels: dict[str, Any] = {
        "workspace": workspace,
        "data_dir": data_dir,
        "user_id": "local" if single_user else "",
    }
    for name, value in kernels.items():
        if name not in given.SandboxProvisioner:
            config.SandboxProvisioner[name] = value
    if "kernel_manager_class" not in given.ServerApp:
        config.ServerApp.kernel_manager_class = BoundedKernelManager
    if "kernel_websocket_connection_class" not in given.ServerApp:
        config.ServerApp.kernel_websocket_connection_class = BoundedConnection
    if "pylsp" not in given.LanguageServerManager.get("language_servers", {}):
        config.LanguageServerManager.language_servers = {"pylsp": _language_server(Path(workspace))}
    return config


def have_network(given: Config, data_dir: Path) -> bool:
    """Tell whether a notebook that starts now has the network: the settings allow it, its trader did not refuse it.

    Args:
        given: The settings as they are.
        data_dir: Alphintra's data folder.
    """
    home = data_dir / kernel_home.NAME
    allowed = bool(given.SandboxProvisioner.get("network", SandboxProvisioner.network.default_value))
    return allowed and not (home.is_dir() and kernel_home.wants_no_network(home))


def _language_server(workspace: Path) -> dict[str, Any]:
    (spec,) = py_lsp_server(None).values()
    # It gets what is edited as text: a shadow copy on disk would only lie in reach of other kernels.
    return dict(spec) | {"argv": language_server.command(workspace), "requires_documents_on_disk": False}
