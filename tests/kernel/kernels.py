"""Real kernels for the tests, started through the provisioner as Jupyter starts them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from alphintra_kernel.provisioner import SandboxProvisioner
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from traitlets.config import Config

import alphintra_kernel

RESOURCES = Path(alphintra_kernel.__file__).parent / "resources"
NAME = "alphintra-sandbox"


class _Installed:
    """The entry point, for a checkout that was installed before it had one."""

    name = NAME
    value = "alphintra_kernel.provisioner:SandboxProvisioner"

    def load(self) -> type[SandboxProvisioner]:
        return SandboxProvisioner


def register() -> None:
    KernelProvisionerFactory.provisioners.setdefault(NAME, _Installed())


def specs(folder: Path) -> KernelSpecManager:
    if not (folder / "alphintra").exists():
        shutil.copytree(RESOURCES, folder / "alphintra")
    return KernelSpecManager(kernel_dirs=[str(folder)], ensure_native_kernel=False)


class Client:
    """A running kernel and its client."""

    def __init__(self, manager: KernelManager) -> None:
        self.manager = manager
        self.client: Any = manager.client()

    def connect(self) -> None:
        """Listen to the kernel, anew after the channels were stopped."""
        self.client = self.manager.client()
        # A kernel aborts what reaches it while it still answers a cell that raised: a program that asks at once, as a
        # test does, comes in between now and then.
        self.client.execute = partial(self.client.execute, stop_on_error=False)
        self.client.start_channels()
        try:
            self.client.wait_for_ready(timeout=180)
        except RuntimeError as error:
            process = self.manager.provisioner.sandboxed
            raise AssertionError(process and process.stderr_tail()) from error

    def run(self, code: str, timeout: float = 180) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Execute and return the reply and what was shown."""
        shown: list[dict[str, Any]] = []
        reply = self.client.execute_interactive(
            code, timeout=timeout, store_history=True, allow_stdin=False, stop_on_error=False, output_hook=shown.append
        )
        return reply["content"], shown

    def value(self, code: str) -> str:
        """The plain text of an expression's value."""
        reply, shown = self.run(code)
        assert reply["status"] == "ok", reply
        return next(m["content"]["data"]["text/plain"] for m in shown if m["msg_type"] == "execute_result")

    def printed(self, code: str) -> str:
        """What a cell prints."""
        reply, shown = self.run(code)
        assert reply["status"] == "ok", reply
        return "".join(m["content"]["text"] for m in shown if m["msg_type"] == "stream")

    @property
    def banner(self) -> str:
        return self.client.kernel_info(reply=True, timeout=180)["content"]["banner"]


@contextmanager
def kernel(folder: Path, *, cwd: Path, data_dir: Path, **settings: Any) -> Iterator[Client]:
    """Start a kernel in ``cwd``; ``settings`` are the provisioner's."""
    register()
    config = Config({"SandboxProvisioner": {"data_dir": str(data_dir), **settings}})
    manager = KernelManager(kernel_name="alphintra", kernel_spec_manager=specs(folder), config=config)
    manager.start_kernel(cwd=str(cwd), env=dict(os.environ))
    started = Client(manager)
    try:
        started.connect()
        yield started
    finally:
        started.client.stop_channels()
        manager.shutdown_kernel(now=True)


def installed(folder: Path) -> dict[str, str]:
    """Lay out the kernel and its entry point as an installation has them; the environment that finds them.

    For programs that are started as such. A checkout that was installed before it had the entry point works as well.
    """
    specs(folder / "share" / "jupyter" / "kernels")
    packages = folder / "packages"
    about = packages / "alphintra_entry_point-0.dist-info"
    about.mkdir(parents=True, exist_ok=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: alphintra-entry-point\nVersion: 0\n")
    (about / "entry_points.txt").write_text(
        f"[jupyter_client.kernel_provisioners]\n{NAME} = alphintra_kernel.provisioner:SandboxProvisioner\n"
    )
    paths = [str(packages), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return os.environ | {
        "JUPYTER_PATH": str(folder / "share" / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }
