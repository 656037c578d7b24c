"""Starts the kernel of a debug session: it speaks as a notebook's does, and is held as a job's worker is.

It sees a folder to read (``in``, the stored source and the versions of datasets that it reads) and one to write
(``out``, its home), both its own. It has neither the trader's workspace and kernel home nor a network nor a door to the
server, and it goes with its folder.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from alphintra_kernel import isolation, output_bound
from alphintra_kernel.debug_job import ROOT_VARIABLE
from alphintra_kernel.limits import Limits
from alphintra_kernel.profile import Mount
from alphintra_kernel.provisioner import SandboxProvisioner
from alphintra_kernel.sandbox import Sandbox, start
from alphintra_kernel.supervise import SandboxProcess

_INSIDE = "/job"


@dataclass(frozen=True)
class Held:
    """How a kernel is held.

    Attributes:
        sandbox: Where it runs.
        folder: Its own on the host, with ``in``, ``out`` and ``tmp``.
        marker: By which its processes are found when the server itself has ended.
        bounds: What it may use.
        variables: Of its environment, beside those that every sandbox has.
        on_exit: Called once, in a thread of its own, after everything in it has ended.
    """

    sandbox: Sandbox
    folder: Path
    marker: str
    bounds: Limits
    variables: Mapping[str, str]
    on_exit: Callable[[SandboxProcess], None]

    @property
    def inside(self) -> str:
        """Where the kernel sees its folder."""
        return str(self.folder) if self.sandbox.host_paths else _INSIDE


class SealedProvisioner(SandboxProvisioner):
    """One sandbox per kernel, at the level of jobs.

    Nobody starts one by a name: it is no entry point. A kernel manager of the server makes it and sets ``held``.
    """

    held: Held

    async def _decide(self, **kwargs: Any) -> dict[str, Any]:
        await self._speak_in_private()
        kwargs = await LocalProvisioner.pre_launch(self, **kwargs)
        await asyncio.to_thread(self._relay_sockets)
        # The sandbox gives what it may write to a user of its own.
        return await self._with_own_connection_file(kwargs, None)

    async def _launch(self, cmd: list[str], **_kwargs: Any) -> KernelConnectionInfo:
        assert self._sockets is not None
        held, sockets, home = self.held, self._sockets.path, f"{self.held.inside}/out"
        mounts = [
            Mount(held.folder / "in", f"{_INSIDE}/in"),
            Mount(held.folder / "out", f"{_INSIDE}/out", writable=True),
            Mount(sockets, str(sockets), writable=True),
        ]
        env = {
            ROOT_VARIABLE: held.inside,
            "HOME": home,
            "IPYTHONDIR": f"{home}/.ipython",
            "MPLCONFIGDIR": f"{home}/.matplotlib",
            output_bound.VARIABLE: str(self.max_message_bytes),
            isolation.LEVEL_VARIABLE: held.sandbox.level,
            isolation.NETWORK_VARIABLE: "off",
        }
        if held.sandbox.host_paths:
            env["TMPDIR"] = f"{held.inside}/tmp"
            mounts.append(Mount(held.folder / "tmp", f"{_INSIDE}/tmp", writable=True))
        spawn = functools.partial(
            held.sandbox.spawn,
            cmd,
            mounts=mounts,
            limits=held.bounds,
            cwd=home,
            env=env | dict(held.variables),
            marker=held.marker,
            on_exit=held.on_exit,
        )
        self.sandboxed = await start(spawn)
        self.pid, self.pgid, self.cwd = self.sandboxed.pid, None, home
        return self.connection_info

    def resolve_path(self, path_str: str) -> str | None:
        """Nothing of the kernel's lies where a client could open it."""
        return None
