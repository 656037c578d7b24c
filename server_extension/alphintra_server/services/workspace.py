"""The trader's folder: read safely, and written only with new files."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path, PurePosixPath

from alphintra_kernel import workspace_rules

from ..errors import Conflict, Invalid, NotFound, TooLarge

MAX_SOURCE = 8 << 20
"""Most bytes of a file that is read: a notebook carries its outputs."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Workspace:
    """Files below one folder.

    The kernel and the browser write here, so a path may turn into a symbolic link between a look and an
    open. Every step is opened below the one before without following links, and only regular files are read.

    Args:
        root: The folder.
        refusal: Why this folder is not used, if it is not.
    """

    def __init__(self, root: Path, refusal: str | None = None) -> None:
        self.root = root
        self.refusal = refusal

    def read_text(self, path: str, limit: int = MAX_SOURCE) -> str:
        """Read a regular file as UTF-8.

        Raises:
            NotFound: Nothing there, or not something that is read.
            TooLarge: More than ``limit`` bytes.
            Invalid: A path that leaves the workspace, or bytes that are not UTF-8.
        """
        folders, name = self._split(path)
        folder = self._open_folder(folders, path)
        try:
            # Without O_NONBLOCK, opening a named pipe would wait for ever.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            file = os.open(name, flags, dir_fd=folder)
        except OSError as error:
            raise _missing(path, error) from None
        finally:
            os.close(folder)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise NotFound(f"{path} is not a file in the workspace.")
        with os.fdopen(file, "rb") as opened:
            data = opened.read(limit + 1)
        if len(data) > limit:
            raise TooLarge(f"{path} is larger than {limit >> 20} MiB.")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            raise Invalid.field("path", f"{path} is not UTF-8 (line {line})") from None

    def is_file(self, path: str) -> bool:
        """Tell whether a regular file is there, links aside."""
        folders, name = self._split(path)
        try:
            folder = self._open_folder(folders, path)
        except NotFound:
            return False
        try:
            return stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        except OSError:
            return False
        finally:
            os.close(folder)

    def create(self, stem: str, ending: str, data: bytes) -> str:
        """Write a new file at the top of the workspace; a name that exists gets ``-1``, ``-2``, ….

        Returns:
            The name that was free.
        """
        self._usable()
        self.root.mkdir(parents=True, exist_ok=True)
        folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for number in range(1000):
                name = f"{stem}-{number}{ending}" if number else f"{stem}{ending}"
                try:
                    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                    # What kernels may write (an access list of the folder) follows from this and the umask.
                    file = os.open(name, flags, 0o666, dir_fd=folder)
                except FileExistsError:
                    continue
                except OSError as error:
                    if error.errno == errno.ENAMETOOLONG:
                        raise Invalid.field("name", "is too long for the name of a file") from None
                    raise
                try:
                    with os.fdopen(file, "wb") as opened:
                        opened.write(data)
                        opened.flush()
                        os.fsync(opened.fileno())
                except OSError:
                    # Half a file is worse than none.
                    os.unlink(name, dir_fd=folder)
                    raise
                return name
        finally:
            os.close(folder)
        raise Conflict(f"The workspace has a thousand files called {stem}{ending}.")

    def list_files(self, folder: str, ending: str, most: int = 500) -> list[str]:
        """Names of the regular files in a folder with this ending, sorted; none if there is no folder."""
        if self.refusal:
            return []
        try:
            opened = self._open_folder(self._split(f"{folder}/x")[0], folder)
        except NotFound:
            return []
        try:
            with os.scandir(opened) as entries:
                names = [
                    entry.name
                    for entry in entries
                    if entry.name.endswith(ending)
                    and not entry.name.startswith(".")
                    and entry.is_file(follow_symlinks=False)
                ]
        finally:
            os.close(opened)
        return sorted(names)[:most]

    def _usable(self) -> None:
        if self.refusal:
            raise Conflict(self.refusal, code="WORKSPACE_REFUSED")

    def _split(self, path: str) -> tuple[tuple[str, ...], str]:
        self._usable()
        parts = PurePosixPath(path.removeprefix("/")).parts
        if not parts or "\0" in path or "\\" in path or any(part.startswith(".") for part in parts):
            raise Invalid.field("path", "a path below the workspace, without '..' and hidden names")
        return parts[:-1], parts[-1]

    def _open_folder(self, folders: tuple[str, ...], path: str) -> int:
        try:
            # The root itself may be a link: the owner of the server chose it.
            current = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise _missing(path, error) from None
        for part in folders:
            try:
                below = os.open(part, _FOLDER, dir_fd=current)
            except OSError as error:
                raise _missing(path, error) from None
            finally:
                os.close(current)
            current = below
        return current


def _missing(path: str, error: OSError) -> NotFound:
    if error.errno in {errno.ELOOP, errno.ENOTDIR}:
        return NotFound(f"{path} is not a file in the workspace, or leads through a link.")
    return NotFound(f"There is no file {path} in the workspace.")


def refusal(root: Path, data_dir: Path) -> str | None:
    """Say why a folder must not be the workspace, or ``None`` if it may.

    A job's or kernel's code may read and write its workspace, so it must not hold what guards it.
    """
    return workspace_rules.refusal(root, {"Alphintra's data": data_dir})
