"""``AlphintraServer.lockdown``: a page that runs somebody else's notebook can start nothing outside the sandbox.

The output of a cell may be JavaScript, and that asks Jupyter in the name of whoever looks at it. So what Jupyter
offers is cut to what may be asked: kernels of ours, files of the workspace.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from alphintra_kernel import disk
from alphintra_kernel.isolation import kernel_level
from alphintra_kernel.levels import OWN_FILES, POD
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager, NoSuchKernel
from jupyter_core.paths import is_hidden
from jupyter_server.services.contents.filecheckpoints import AsyncFileCheckpoints
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from tornado.web import HTTPError
from traitlets.config import Config

from .kernel_connection import BoundedConnection
from .kernel_manager import BoundedKernelManager
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


#: Stands for any name in a folder.
_ANY = "_"


class _LeadsOutError(HTTPError, OSError):
    """A link leads out of the workspace: nothing there for who asks, and left out where a folder is listed."""

    def __init__(self) -> None:
        super().__init__(404, "This path leads out of the workspace.")
        self.errno = errno.ELOOP


class _NoFileError(HTTPError):
    """A pipe, a socket or a folder lies where a file is asked for."""

    def __init__(self) -> None:
        super().__init__(400, "This is not a file.")


class _Beneath:
    """Paths that do not leave the workspace through a link, which a kernel may have laid there."""

    root_dir: str

    def _inside(self, path: str) -> str:
        root = os.path.realpath(self.root_dir)
        real = os.path.realpath(path)
        if real != root and not real.startswith(root + os.sep):
            raise _LeadsOutError
        return path

    def _get_os_path(self, path: str) -> str:
        return self._inside(super()._get_os_path(path))  # type: ignore[misc]

    @contextmanager
    def open(self, os_path: str, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Open a file step by step from the workspace on: none of them may have become a link meanwhile."""
        with super().open(os_path, *args, opener=self._opened, **kwargs) as file:  # type: ignore[misc]
            yield file

    @contextmanager
    def atomic_writing(
        self, os_path: str, text: bool = True, encoding: str = "utf-8", **kwargs: Any
    ) -> Iterator[Any]:
        """Write a new file and put it in the place of the old one: what lies there, or beside it, is not written to."""
        name, at = self._place(os_path)
        temporary = f".~{secrets.token_hex(8)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with self.perm_to_403(os_path):  # type: ignore[attr-defined]
                descriptor = os.open(temporary, flags, 0o666, dir_fd=at)
            try:
                as_text = {"encoding": encoding, "newline": "\n"} if text else {}
                with os.fdopen(descriptor, "w" if text else "wb", **(as_text | kwargs)) as file:
                    _make_like(descriptor, name, at)
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, name, src_dir_fd=at, dst_dir_fd=at)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=at)
                raise
        finally:
            os.close(at)

    @contextmanager
    def _entry(self, path: str) -> Iterator[tuple[str, int]]:
        """Name of what lies at a path, a link itself if it is one, and its open folder, reached through no link."""
        folder, _, name = path.rstrip(os.sep).rpartition(os.sep)
        _, at = self._place(os.path.join(folder, _ANY))
        try:
            with self.perm_to_403(path):  # type: ignore[attr-defined]
                yield name, at
        finally:
            os.close(at)

    def _rename(self, old_path: str, new_path: str) -> None:
        with self._entry(old_path) as (old, old_at), self._entry(new_path) as (new, new_at):
            os.rename(old, new, src_dir_fd=old_at, dst_dir_fd=new_at)

    def _make_folder(self, path: str) -> None:
        with self._entry(path) as (name, at):
            os.mkdir(name, dir_fd=at)

    def _opened(self, path: str, flags: int) -> int:
        name, at = self._place(path)
        try:
            # Without O_NONBLOCK, opening a named pipe would wait for ever.
            file = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666, dir_fd=at)
        except OSError as error:
            if error.errno == errno.ENXIO:  # a pipe that nobody reads, a socket
                raise _NoFileError from None
            raise
        finally:
            os.close(at)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise _NoFileError
        return file

    def _place(self, path: str) -> tuple[str, int]:
        """Return the name of a file and its open folder, reached step by step and through no link."""
        root = Path(self.root_dir).resolve()
        try:
            *folders, name = Path(os.path.realpath(path)).relative_to(root).parts
        except ValueError:
            raise _LeadsOutError from None
        at = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for folder in folders:
            try:
                below = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            finally:
                os.close(at)
            at = below
        return name, at


def _remove_empty(name: str, at: int, checkpoints: str) -> None:
    """Remove a folder that holds nothing but checkpoints, which are not seen.

    Raises:
        OSError: It holds more (``ENOTEMPTY``), or it cannot be removed.
    """
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
    try:
        if set(os.listdir(folder)) == {checkpoints}:  # noqa: PTH208 - of an open folder
            disk.remove(checkpoints, dir_fd=folder)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=at)


def _make_like(descriptor: int, name: str, at: int) -> None:
    """Give a new file the owner and the mode of the one whose place it takes."""
    with suppress(FileNotFoundError):
        old = os.stat(name, dir_fd=at, follow_symlinks=False)
        if stat.S_ISREG(old.st_mode):
            os.fchmod(descriptor, stat.S_IMODE(old.st_mode) & 0o777)
            if os.geteuid() == 0:
                os.fchown(descriptor, old.st_uid, old.st_gid)


class LockedCheckpoints(_Beneath, AsyncFileCheckpoints):
    """Checkpoints that stay in the workspace."""

    def checkpoint_path(self, checkpoint_id: str, path: str) -> str:
        """Return where a checkpoint is; its folder is made where there is none."""
        file = self._get_os_path(path.strip("/"))
        base, ending = os.path.splitext(os.path.basename(file))
        folder = os.path.join(os.path.dirname(file), self.checkpoint_dir)
        with suppress(FileExistsError):
            self._make_folder(folder)
        return self._inside(os.path.join(folder, f"{base}-{checkpoint_id}{ending}"))

    async def rename_checkpoint(self, checkpoint_id: str, old_path: str, new_path: str) -> None:
        """Let a checkpoint follow its file."""
        old, new = self.checkpoint_path(checkpoint_id, old_path), self.checkpoint_path(checkpoint_id, new_path)
        with suppress(FileNotFoundError):
            self._rename(old, new)

    async def delete_checkpoint(self, checkpoint_id: str, path: str) -> None:
        """Remove a checkpoint."""
        try:
            with self._entry(self.checkpoint_path(checkpoint_id, path)) as (name, at):
                os.unlink(name, dir_fd=at)
        except FileNotFoundError:
            self.no_such_checkpoint(path, checkpoint_id)  # type: ignore[no-untyped-call]

    async def _copy(self, src: str, dest: str) -> None:
        with self.open(src, "rb") as old, self.atomic_writing(dest, text=False) as new:
            await asyncio.to_thread(shutil.copyfileobj, old, new)


class LockedContentsManager(_Beneath, AsyncLargeFileManager):  # type: ignore[misc]
    """The workspace, without hidden files and without what links lead to outside."""

    def _checkpoints_class_default(self) -> type[LockedCheckpoints]:
        return LockedCheckpoints

    async def _copy_dir(self, from_path: str, *_to: str, **_names: str) -> dict[str, Any]:
        # Jupyter would copy what links in it lead to.
        raise HTTPError(403, f"{from_path}: folders are not copied under lockdown; copy its files.")

    async def delete_file(self, path: str) -> None:
        """Delete a file, or a folder as ``always_delete_dir`` allows: for good, whatever ``delete_to_trash`` says."""
        os_path = self._get_os_path(path.strip("/"))
        if not self.allow_hidden and is_hidden(os_path, self.root_dir):
            raise HTTPError(400, f"{path}: hidden files are not deleted here.")
        try:
            with self._entry(os_path) as (name, at):
                if not stat.S_ISDIR(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
                    os.unlink(name, dir_fd=at)
                elif self.always_delete_dir:
                    await asyncio.to_thread(disk.remove, name, dir_fd=at)
                else:
                    _remove_empty(name, at, self.checkpoints.checkpoint_dir)
        except FileNotFoundError:
            raise HTTPError(404, f"{path}: there is no such file or folder.") from None
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            raise HTTPError(400, f"{path}: this folder is not empty.") from None

    async def rename_file(self, old_path: str, new_path: str) -> None:
        """Rename or move a file or a folder within the workspace."""
        old, new = (self._get_os_path(path.strip("/")) for path in (old_path, new_path))
        if old == new:
            return
        if not self.allow_hidden and (is_hidden(old, self.root_dir) or is_hidden(new, self.root_dir)):
            raise HTTPError(400, f"{old_path}: hidden files are not renamed here.")
        if os.path.lexists(new) and not (os.path.exists(old) and os.path.samefile(old, new)):
            raise HTTPError(409, f"{new_path}: there is a file of that name.")
        try:
            self._rename(old, new)
        except FileNotFoundError:
            raise HTTPError(404, f"{old_path}: there is no such file or folder.") from None
        except OSError as error:
            raise HTTPError(400, f"{old_path} cannot be moved to {new_path}: {error.strerror}.") from None

    async def _save_directory(self, os_path: str, model: dict[str, Any], path: str = "") -> None:
        if not self.allow_hidden and is_hidden(os_path, self.root_dir):
            raise HTTPError(400, f"{path}: hidden folders are not made here.")
        try:
            self._make_folder(os_path)
        except FileExistsError:
            if not os.path.isdir(os_path):
                raise HTTPError(400, f"{path}: there is a file of that name.") from None

    async def _save_large_file(self, os_path: str, content: str, format: str) -> None:
        if format not in {"text", "base64"}:
            raise HTTPError(400, "Must specify format of file contents as 'text' or 'base64'")
        try:
            chunk = content.encode() if format == "text" else base64.b64decode(content.encode("ascii"))
        except ValueError as error:
            raise HTTPError(400, f"The part of a file cannot be decoded: {error}") from error
        with self.open(os_path, "ab") as file:
            await asyncio.to_thread(file.write, chunk)


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
    for app in serverapp.extension_manager.extension_apps.get("jupyterlab", ()):
        app.extension_manager = "readonly"
    contents = serverapp.contents_manager
    open_ends = {
        "terminals": serverapp.terminals_enabled,
        "other kernels": not isinstance(serverapp.kernel_manager.kernel_spec_manager, LockedKernelSpecManager),
        "other folders": not isinstance(contents, LockedContentsManager)
        or Path(contents.root_dir).resolve() != Path(workspace).resolve(),
        "hidden files": contents.allow_hidden,
    }
    found = [name for name, is_open in open_ends.items() if is_open]
    if found:
        raise SystemExit(f"AlphintraServer.lockdown is set, but settings of Jupyter allow {', '.join(found)}.")
