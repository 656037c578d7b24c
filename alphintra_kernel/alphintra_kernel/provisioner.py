"""Starts a trader's kernel in the sandbox: what ``kernel.json`` names and Jupyter calls.

The kernel speaks to Jupyter over sockets in a private folder (ipc), so that it needs no network for that and
nobody else on the machine can connect. Where there is no sandbox the kernel starts as any other, and says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import secrets
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
from alphintra.trials import data_folder
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Bool, Int, List, Unicode, default

from alphintra_kernel import isolation, kernel_home, levels, output_bound, ownership, profile, workspace_rules
from alphintra_kernel.doors import Door, opener
from alphintra_kernel.limits import MIB, Limits
from alphintra_kernel.profile import Mount
from alphintra_kernel.relay_process import RelayProcess
from alphintra_kernel.sandbox import Sandbox, start
from alphintra_kernel.server_sockets import MAX_MESSAGE, bound
from alphintra_kernel.socket_folder import SocketFolder, sweep
from alphintra_kernel.supervise import SandboxProcess

#: Variables of Jupyter's environment that a kernel gets: none that may hold a secret.
PASSED = ("LANG", "LC_ALL", "LC_CTYPE", "LC_NUMERIC", "LC_TIME", "TZ", "TERM", "JPY_SESSION_NAME")
#: What the system keeps for what never ends by itself: as good as no bound, in numbers that its calls take.
_NO_BOUND = 1 << 60
#: Jupyter's sockets are called so, with a hyphen and a number.
_SOCKET = "k"


@dataclass(frozen=True)
class _Place:
    """Where a kernel runs: who it is, what it sees."""

    user_id: int | None
    home: Path
    home_inside: str
    workspace: Path | None
    folder: str
    refused: str


class SandboxProvisioner(LocalProvisioner):
    """One sandbox per kernel."""

    network = Bool(
        True,
        help="""Whether notebooks have the network.

        Traders fetch data and install packages, so it is on. Off for good when this is false; while it is true
        a trader may switch it off for their own kernels by `%network off`.
        """,
    ).tag(config=True)

    workspace = Unicode(
        help="""Folder that notebooks may read and write.

        Default: the folder that Jupyter shows, else the one that the kernel is started in.
        """
    ).tag(config=True)

    data_dir = Unicode(
        help="Alphintra's data folder, in which the kernels' home lies; kernels see nothing else of it."
    ).tag(config=True)

    memory_bytes = Int(
        help="Memory of one kernel and all that it starts. Default: three quarters of the machine's."
    ).tag(config=True)

    tmp_bytes = Int(1024 * MIB, help="Size of a kernel's /tmp, and again of /dev/shm; both are memory.").tag(
        config=True
    )

    max_message_bytes = Int(
        MAX_MESSAGE,
        min=64 << 10,
        help="""Size of one output, such as a chart; of a larger one the notebook is told its size alone.

        Up to 64 of them wait in Jupyter's memory for a page that is slow.
        """,
    ).tag(config=True)

    pass_environment = List(
        Unicode(),
        help="""Names of environment variables that notebooks get from Jupyter's environment.

        Beside language and time zone none are passed, as they often hold passwords and tokens.
        """,
    ).tag(config=True)

    user_id = Unicode(
        help="""On whose behalf notebooks may ask the server (`al.submit`): its name of the user.

        Empty, the default outside a server that has one owner: they cannot.
        """
    ).tag(config=True)

    sandboxed: SandboxProcess | None = None
    _door: Door | None = None
    _place: _Place | None = None
    _sockets: SocketFolder | None = None
    _relay: RelayProcess | None = None
    _restarts: bool = False

    @default("data_dir")
    def _default_data_dir(self) -> str:
        return str(data_folder())

    @default("memory_bytes")
    def _default_memory_bytes(self) -> int:
        return int(psutil.virtual_memory().total) * 3 // 4

    @property
    def has_process(self) -> bool:
        """Whether a kernel was started and has not been waited for."""
        return self.sandboxed is not None or super().has_process

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Decide where the kernel runs and write its connection file."""
        self._restarts = self._sockets is not None
        try:
            return await self._decide(**kwargs)
        except BaseException:
            await self._undo()
            raise

    async def _decide(self, **kwargs: Any) -> dict[str, Any]:
        level = await asyncio.to_thread(isolation.kernel_level)
        if level not in levels.OWN_FILES:
            kwargs = await super().pre_launch(**kwargs)
            kwargs["env"] |= {isolation.LEVEL_VARIABLE: level}
            door = await self._open_door()
            if door is not None:
                kwargs["env"] |= door.environment(mounted=False)
            return kwargs
        await self._speak_in_private()
        kwargs = await super().pre_launch(**kwargs)
        await asyncio.to_thread(self._relay_sockets)
        self._place = await asyncio.to_thread(self._prepare, kwargs.get("cwd"))
        return await self._with_own_connection_file(kwargs, self._place.user_id)

    async def _speak_in_private(self) -> None:
        """Have the kernel's sockets in a folder of their own; kept over a restart: clients stay connected."""
        manager: Any = self.parent
        if self._sockets is None:
            await asyncio.to_thread(sweep)
            self._sockets = SocketFolder()
            manager.transport = "ipc"
            manager.ip = str(self._sockets.outside / _SOCKET)
            manager.cache_ports = False
            # These sockets are in a folder of the server's own, and what is encrypted could not be counted.
            manager.transport_encryption = "disabled"
            bound(manager, self.max_message_bytes)

    async def _with_own_connection_file(self, kwargs: dict[str, Any], user_id: int | None) -> dict[str, Any]:
        manager: Any = self.parent
        outside, inside = await asyncio.to_thread(self._own_connection_file, Path(manager.connection_file), user_id)
        kwargs["cmd"] = [inside if part == outside else part for part in kwargs["cmd"]]
        return kwargs

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel."""
        try:
            return await self._launch(cmd, **kwargs)
        except BaseException:
            await self._undo()
            raise

    async def _launch(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        if self._place is None:
            return await super().launch_kernel(cmd, **kwargs)
        assert self._sockets is not None
        place, network = self._place, self.has_network()
        sockets = self._sockets.path
        mounts = [Mount(place.home, place.home_inside, writable=True), Mount(sockets, str(sockets), writable=True)]
        if place.workspace is not None:
            mounts.append(Mount(place.workspace, str(place.workspace), writable=True))
        sandbox = Sandbox(isolation.kernel_level())
        env = self._environment(kwargs.get("env") or {}, place, network, sandbox.level)
        door = await self._open_door()
        if door is not None:
            mounts.append(door.mount)
            env |= door.environment(mounted=True)
        spawn = functools.partial(
            sandbox.spawn,
            cmd,
            mounts=mounts,
            limits=self._limits(),
            cwd=place.folder,
            env=env,
            network=network,
            user_id=place.user_id,
        )
        self.sandboxed = await start(spawn)
        self.pid, self.pgid, self.cwd = self.sandboxed.pid, None, place.folder
        return self.connection_info

    def has_network(self) -> bool:
        """Whether the kernel will have the network: its trader may only take away what is allowed."""
        return self.network and not (self._place and kernel_home.wants_no_network(self._place.home))

    async def poll(self) -> int | None:
        """Return the exit code, ``None`` while it runs."""
        if self.sandboxed is None:
            return await super().poll()
        if self._relay is not None and not self._relay.running:
            self.sandboxed.kill()  # nobody can speak to it any more: Jupyter starts it again
        return self.sandboxed.poll()

    async def wait(self) -> int | None:
        """Wait for the kernel's end."""
        if self.sandboxed is None:
            return await super().wait()
        process = self.sandboxed
        code = await asyncio.to_thread(process.wait)
        self._say_how_it_ended(process)
        self.sandboxed = None
        return code

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel itself, which bubblewrap would not pass on."""
        if self.sandboxed is None:
            await super().send_signal(signum)
        elif signum in {signal.SIGKILL, signal.SIGTERM}:
            self.sandboxed.kill()
        elif signum:
            self.sandboxed.signal(signum)

    async def kill(self, restart: bool = False) -> None:
        """End the kernel and all that it started."""
        if self.sandboxed is None:
            await super().kill(restart=restart)
        else:
            self.sandboxed.kill()

    async def terminate(self, restart: bool = False) -> None:
        """End the kernel and all that it started: it was asked to end before, and had its time."""
        if self.sandboxed is None:
            await super().terminate(restart=restart)
        else:
            self.sandboxed.kill()

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the sockets, unless the kernel comes back."""
        await super().cleanup(restart=restart)
        await self._close_door()
        if not restart:
            await self._remove_sockets()

    async def _undo(self) -> None:
        """Leave nothing of a start that failed; sockets that clients are connected to stay for the next."""
        await self._close_door()
        if not self._restarts and self._sockets is not None:
            manager: Any = self.parent
            manager.cleanup_connection_file()  # it names the sockets: the next start writes another
            await self._remove_sockets()

    def _relay_sockets(self) -> None:
        """Start what stands between the kernel's sockets and the server's; anew with a kernel that is started again.

        Jupyter removes the sockets that it knows of with each kernel; clients connect to the new ones by themselves.
        """
        assert self._sockets is not None
        if self._relay is not None:
            self._relay.end()
        names = [f"{_SOCKET}-{port}" for name, port in self.connection_info.items() if name.endswith("_port")]
        self._relay = RelayProcess(self._sockets.outside, self._sockets.path, names, self.max_message_bytes)

    async def _remove_sockets(self) -> None:
        sockets, self._sockets = self._sockets, None
        relay, self._relay = self._relay, None
        if relay is not None:
            await asyncio.to_thread(relay.end)
        if sockets is None:
            return
        try:
            await asyncio.to_thread(sockets.remove)
        except OSError as error:
            self.log.warning("Kernel %s: cannot remove the folder of its sockets: %s", self.kernel_id, error)

    async def get_provisioner_info(self) -> dict[str, Any]:
        """Say what another server would need to take over."""
        return await super().get_provisioner_info() | {"sockets": str(self._sockets.path) if self._sockets else None}

    def resolve_path(self, path_str: str) -> str | None:
        """Return where a path of the kernel is, if it lies in the workspace; the debugger asks for it."""
        if self._place is None:
            return super().resolve_path(path_str)
        path = Path(self._place.folder, path_str).resolve()
        workspace = self._place.workspace
        return str(path) if workspace and path.is_relative_to(workspace) and path.exists() else None

    async def _open_door(self) -> Door | None:
        """Open this kernel's way to the server, where there is one; a kernel that is started again gets a new one.

        It is remembered before it is used, so that it is closed when something then fails.
        """
        await self._close_door()
        found = opener()
        if found is None or not self.user_id:
            return None
        door = self._door = await found.open(user_id=self.user_id, tenant="kernel", subject=self.kernel_id)
        if self._place is not None and self._place.user_id is not None:
            door.give(self._place.user_id)
        return door

    async def _close_door(self) -> None:
        found, door, self._door = opener(), self._door, None
        if found is not None and door is not None:
            await found.close(door)

    def _limits(self) -> Limits:
        """Bounds that a person who waits for nothing can live with: no clock, no processor time."""
        return Limits(
            wall_seconds=float("inf"),
            memory_bytes=self.memory_bytes,
            cpu_seconds=None,
            processes=2048,
            open_files=8192,
            file_bytes=_NO_BOUND,
            tmp_bytes=self.tmp_bytes,
            disk_bytes=_NO_BOUND,
            disk_files=_NO_BOUND,
            output_bytes=_NO_BOUND,
        )

    def _prepare(self, cwd: str | None) -> _Place:
        data_dir = Path(self.data_dir).expanduser().resolve()
        started_in = Path(cwd or Path.cwd()).resolve()
        manager: Any = self.parent
        shown = getattr(manager.parent, "root_dir", "")
        root = Path(self.workspace or shown or started_in).expanduser().resolve()
        refused = workspace_rules.refusal(root, {"Alphintra's data": data_dir}) or ""
        if not refused and not root.is_dir():
            refused = f"{root} is not used as workspace, because it is not there."
        workspace = None if refused else root
        user_id = ownership.kernel_user(workspace, data_dir)
        home = kernel_home.prepare(data_dir, user_id)
        inside = _free(kernel_home.INSIDE, [*profile.runtime_roots(), *([workspace] if workspace else [])])
        if workspace is None:
            self.log.warning("Kernel: %s", refused)
            return _Place(user_id, home, inside, None, inside, refused)
        if user_id is not None and not ownership.hand_over(workspace, user_id):
            self.log.warning("Workspace: so large or so deep that files made outside may not be writable in kernels.")
        folder = started_in if started_in.is_relative_to(workspace) else workspace
        return _Place(user_id, home, inside, workspace, str(folder), "")

    def _own_connection_file(self, original: Path, user_id: int | None) -> tuple[str, str]:
        """Copy it to the kernel's folder: Jupyter's own holds the server's token and other kernels' keys.

        The kernel's has the kernel's sockets.

        Args:
            original: Where Jupyter has it.
            user_id: Whose both become, where that is known before the kernel is started.

        Returns:
            Where Jupyter has it, as the command line says it, and where the kernel has it.
        """
        assert self._sockets is not None
        original = original.resolve()
        folder = self._sockets.path
        folder.chmod(0o700)
        copy = folder / original.name
        with contextlib.suppress(FileNotFoundError):
            copy.rename(folder / f"old-{secrets.token_hex(8)}")  # whatever the kernel before made of it
        descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        info = json.loads(original.read_bytes()) | {"ip": str(folder / _SOCKET)}
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(info, file)
            if user_id is not None:
                os.fchown(descriptor, user_id, user_id)
                os.chown(folder, user_id, user_id)
        return str(original), str(copy)

    def _environment(self, given: Mapping[str, str], place: _Place, network: bool, level: str) -> dict[str, str]:
        names = {*PASSED, *self.pass_environment, *self.kernel_spec.env}
        values = {name: given[name] for name in names if name in given}
        values |= kernel_home.environment(place.home_inside)
        values["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
        values[output_bound.VARIABLE] = str(self.max_message_bytes)
        values[isolation.LEVEL_VARIABLE] = level
        values[isolation.NETWORK_VARIABLE] = "on" if network else "off"
        if place.refused:
            values[isolation.REFUSED_VARIABLE] = place.refused
        return values

    def _say_how_it_ended(self, process: SandboxProcess) -> None:
        if process.outcome == "memory":
            self.log.warning(
                "Kernel %s used more than %d MiB of memory (SandboxProvisioner.memory_bytes) and was ended.",
                self.kernel_id,
                self.memory_bytes // MIB,
            )
        elif process.poll() and process.outcome == "exited":
            # Quoted: what a kernel prints must not look like lines of this log.
            tail = json.dumps(process.stderr_tail()[-2000:])
            self.log.warning("Kernel %s ended by itself (%s): %s", self.kernel_id, process.poll(), tail)


def _free(path: str, taken: list[Path]) -> str:
    """Return a path inside that hides nothing else that is mounted."""
    while any(root == Path(path) or root.is_relative_to(path) for root in taken):
        path += "-kernel"
    return path
