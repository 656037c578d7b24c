"""The kernels of debug sessions: a manager of their own, so that nobody meets them among the notebooks'."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from alphintra_kernel.debug_job import FILE
from alphintra_kernel.sealed_provisioner import Held, SealedProvisioner
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.multikernelmanager import AsyncMultiKernelManager
from traitlets.config import Config

from alphintra_kernel import levels

from ..errors import Gone
from ..jobs.launcher import JobLimits
from ..jobs.worker_home import WORKER_VARIABLE, WorkerHome, lay_out, remove_tree
from ..services.dataset_storage import told
from ..waiting import in_waiting
from .about import Given
from .dap import MAX_MESSAGE

if TYPE_CHECKING:
    import logging

    from alphintra_kernel.sandbox import Sandbox
    from alphintra_kernel.supervise import SandboxProcess
    from jupyter_client.asynchronous.client import AsyncKernelClient

_NAME = "alphintra-debug"
_UNSEEN_SECONDS = 1.0
"""Processor time that a process may have used since it was last looked at: the system ends it between two looks."""
WITHOUT_SOCKETS = frozenset({levels.LANDLOCK, levels.POD})
"""Levels at which no debugger can run: what is refused there includes the sockets between it and its kernel."""


class DebugKernelSpecs(KernelSpecManager):
    """Knows one kernel, whatever is installed."""

    def get_kernel_spec(self, _kernel_name: str) -> KernelSpec:
        """Return the one there is."""
        return KernelSpec(
            argv=[
                *(sys.executable, "-P", "-Xfrozen_modules=off", "-m", "alphintra_kernel.debug_kernel"),
                *("-f", "{connection_file}"),
            ],
            display_name="Alphintra debug session",
            language="python",
            interrupt_mode="signal",
        )


class DebugKernelManager(AsyncKernelManager):
    """One kernel of a debug session; it is never started again."""

    async def _async_pre_start_kernel(self, **kw: Any) -> tuple[list[str], dict[str, Any]]:
        """Have it sealed as the keyword ``held`` says."""
        self.kernel_id = kw.pop("kernel_id")
        sealed = SealedProvisioner(
            kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self, log=self.log
        )
        sealed.held = kw.pop("held")
        sealed.max_message_bytes = MAX_MESSAGE
        self.provisioner = sealed
        return await super()._async_pre_start_kernel(**kw)


@dataclass(eq=False)
class DebugKernel:
    """A started kernel.

    Attributes:
        kernel_id: By which the manager knows it.
        folder: Its own on the host.
        source: Where it sees the folder of the source.
        client: Connected to it, without a channel open yet.
    """

    kernel_id: str
    folder: Path
    source: str
    client: AsyncKernelClient
    _manager: AsyncKernelManager

    @property
    def process(self) -> SandboxProcess | None:
        """Its sandbox; ``None`` after it was ended."""
        provisioner = self._manager.provisioner
        return provisioner.sandboxed if isinstance(provisioner, SealedProvisioner) else None

    def why_ended(self, limits: JobLimits) -> dict[str, Any]:
        """Code and message of an end that nobody asked for."""
        process = self.process
        outcome, code = (None, None) if process is None else (process.outcome, process.poll())
        if outcome == "memory":
            text = f"The session needed more than {limits.memory_bytes >> 20} MiB of memory."
            return {"code": "MEMORY_LIMIT", "message": text}
        if outcome == "disk":
            text = f"The session wrote more than {limits.disk_bytes >> 20} MiB, or too many files."
            return {"code": "DISK_LIMIT", "message": text}
        if outcome == "output":
            return {"code": "OUTPUT_LIMIT", "message": "The session wrote too much to its standard error."}
        most = None if process is None else process.limits.cpu_seconds
        if process is not None and most is not None and process.usage.cpu_seconds >= most - _UNSEEN_SECONDS:
            return {"code": "TIME_LIMIT", "message": "The session needed more processor time than a job may have."}
        text = f"The kernel of the session has ended in its midst (exit code {code}): start another session."
        return {"code": "KERNEL_DIED", "message": text}

    async def interrupt(self) -> None:
        """Interrupt what runs in it, as Ctrl-C does."""
        await self._manager.interrupt_kernel()


class DebugKernels:
    """Starts and ends them.

    Args:
        sandbox: Where user code runs.
        home: Where kernels have their folders, beside the workers.
        log: Where failures go.
    """

    def __init__(self, sandbox: Sandbox, home: WorkerHome, log: logging.Logger) -> None:
        self._sandbox = sandbox
        self._home = home
        self._manager = AsyncMultiKernelManager(
            # Nothing of the server's configuration of notebook kernels is meant for these.
            config=Config(),
            log=log,
            kernel_manager_class=f"{__name__}.{DebugKernelManager.__name__}",
            kernel_spec_manager=DebugKernelSpecs(config=Config(), log=log),
        )

    async def start(
        self,
        given: Given,
        limits: JobLimits,
        variables: Mapping[str, str],
        on_exit: Callable[[], None],
        wanted: Callable[[], bool] = lambda: True,
    ) -> DebugKernel:
        """Start a kernel.

        Args:
            given: What it finds in its folder.
            limits: What it may use.
            variables: Of its environment.
            on_exit: Called on the event loop when it has ended, however.
            wanted: Asked before each file of a dataset, which may have to be fetched; none follows once it says no.

        Raises:
            OSError: Its folder could not be made.
            ServiceError: A file of a dataset is gone, or could not be got from where it lies.
            SandboxError: It could not be started.
        """
        loop = asyncio.get_running_loop()

        def ended(_process: SandboxProcess) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(on_exit)

        marker, folder = await asyncio.to_thread(self._home.new)
        kernel_id = uuid.uuid4().hex
        held = Held(
            self._sandbox, folder, marker, limits.bounds(), {**variables, WORKER_VARIABLE: marker}, ended
        )
        try:
            await _lay_out(folder, given, wanted)
            # Beside what it sees, and gone with it.
            self._manager.connection_dir = str(folder)
            await self._manager.start_kernel(kernel_name=_NAME, kernel_id=kernel_id, held=held)
        except BaseException:
            await self._drop(kernel_id, folder)
            raise
        manager = cast(AsyncKernelManager, self._manager.get_kernel(kernel_id))
        # The manager's context, whose sockets take no more than is good for the server.
        client = manager.client(context=manager.context)
        return DebugKernel(kernel_id, folder, f"{held.inside}/in/source", client, manager)

    async def end(self, kernel: DebugKernel) -> None:
        """End a kernel with all that it started, and remove its folder."""
        await self._drop(kernel.kernel_id, kernel.folder)

    async def _drop(self, kernel_id: str, folder: Path) -> None:
        if kernel_id in self._manager:
            await self._manager.shutdown_kernel(kernel_id, now=True)
        await asyncio.to_thread(remove_tree, folder)

    async def close(self) -> None:
        """End all that are left."""
        await self._manager.shutdown_all(now=True)


async def _lay_out(folder: Path, given: Given, wanted: Callable[[], bool]) -> None:
    files = {**given.files, FILE: json.dumps(given.job)}
    try:
        with told():
            await in_waiting(lay_out, folder, files, given.links, wanted)
    except FileNotFoundError:
        raise Gone("A dataset of the session was deleted, or its file is lost.", code="DATASET_DELETED") from None
