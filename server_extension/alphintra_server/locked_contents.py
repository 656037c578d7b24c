"""Jupyter's files under lockdown: nothing is reached through a link that a kernel may lay, at whatever moment.

Paths are checked, and then walked from the workspace on, one open folder after the other: what has become a link
meanwhile is not followed. A kernel writes in there all the time.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from jupyter_core.paths import is_hidden
from jupyter_server.services.contents.filecheckpoints import AsyncFileCheckpoints
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from tornado.web import HTTPError

from alphintra_kernel import disk

#: Stands for any name in a folder.
_ANY = "_"
#: Folder of a file's checkpoints, beside it.
CHECKPOINTS = ".ipynb_checkpoints"


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
        _, at = self._place(f"{folder}{os.sep}{_ANY}")
        try:
            with self.perm_to_403(path):  # type: ignore[attr-defined]
                yield name, at
        finally:
            os.close(at)

    def _rename(self, old_path: str, new_path: str) -> None:
        with self._entry(old_path) as (old, old_at), self._entry(new_path) as (new, new_at):
            with suppress(FileNotFoundError):
                there = os.stat(new, dir_fd=new_at, follow_symlinks=False)
                if not os.path.samestat(there, os.stat(old, dir_fd=old_at, follow_symlinks=False)):
                    raise FileExistsError(new)
            os.rename(old, new, src_dir_fd=old_at, dst_dir_fd=new_at)

    def _make_folder(self, path: str) -> None:
        """Make a folder where there is none."""
        with self._entry(path) as (name, at):
            try:
                os.mkdir(name, dir_fd=at)
            except FileExistsError:
                if not stat.S_ISDIR(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
                    raise

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


def _remove_empty(name: str, at: int) -> None:
    """Remove a folder that holds nothing but checkpoints, which are not seen.

    Raises:
        OSError: It holds more (``ENOTEMPTY``), or it cannot be removed.
    """
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
    try:
        if os.listdir(folder) == [CHECKPOINTS]:  # noqa: PTH208 - of an open folder
            disk.remove(CHECKPOINTS, dir_fd=folder)
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
        file = Path(self._get_os_path(path.strip("/")))
        folder = file.parent / CHECKPOINTS
        with suppress(FileExistsError):
            self._make_folder(str(folder))
        return self._inside(str(folder / f"{file.stem}-{checkpoint_id}{file.suffix}"))

    async def rename_checkpoint(self, checkpoint_id: str, old_path: str, new_path: str) -> None:
        """Let a checkpoint follow its file."""
        old, new = self.checkpoint_path(checkpoint_id, old_path), self.checkpoint_path(checkpoint_id, new_path)
        with suppress(FileNotFoundError), self._entry(old) as (old, at), self._entry(new) as (new, new_at):
            os.rename(old, new, src_dir_fd=at, dst_dir_fd=new_at)

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
                    _remove_empty(name, at)
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
        try:
            self._rename(old, new)
        except FileExistsError:
            raise HTTPError(409, f"{new_path}: there is a file of that name.") from None
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
