"""Who a kernel is when the server is root, and how both can write the same files.

A kernel must not be root: with root's user id it reads and changes whatever root owns, mounted or not hidden
well enough, also without capabilities. The alternatives to a user of its own are no better. A user namespace
that maps 1000 inside to 0 outside *is* root on every file. A mount with an id map would let the kernel leave
set-user-id files that are root's on disk. So the kernel is the owner of the workspace, where that is not root;
else root gives the workspace to a user id that nobody has, once, and whoever owns it later is that user.

What root writes there afterwards (a new notebook, an upload) is root's again. A default access list on each
folder lets the kernel's user write these too, and each start of a kernel gives it what it does not own yet.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import struct
from pathlib import Path

from alphintra_kernel import kernel_home, profile

#: Files that one start of a kernel looks at: a workspace is no data lake, and the start must stay fast.
MOST = 100_000
_ACL = "system.posix_acl_default"


def kernel_user(workspace: Path | None, data_dir: Path) -> int | None:
    """Return the user id that kernels of this workspace run as; ``None`` for the server's own, when it is not root."""
    if os.geteuid() != 0:
        return None
    if workspace is not None and (found := workspace.stat().st_uid):
        return found
    return kernel_home.owner(data_dir) or secrets.choice(profile.host_user_ids(_id_map()))


def _id_map() -> str:
    return Path("/proc/self/uid_map").read_text()


def hand_over(folder: Path, user_id: int, most: int = MOST) -> bool:
    """Give a user what root owns in a folder, and let them write what root makes there later.

    Another kernel may be writing there, so each step is taken from an open folder and follows no link: nothing
    outside can be given away. Files with a second name, other file systems and what is neither file nor folder
    are left as they are.

    Returns:
        Whether all was looked at; ``False`` after ``most`` files.
    """
    seen = 0
    device = folder.stat().st_dev
    for _name, folders, files, at in os.fwalk(folder, follow_symlinks=False):
        here = os.fstat(at)
        if here.st_dev != device:
            folders.clear()
            continue
        if here.st_uid == 0:
            os.fchown(at, user_id, user_id)
        if here.st_uid in {0, user_id}:
            with contextlib.suppress(OSError):  # a file system without access lists
                os.setxattr(at, _ACL, _default_list(user_id))
        for name in files:
            _give_file(name, at, user_id)
        seen += len(files) + len(folders)
        if seen > most:
            return False
    return True


def _give_file(name: str, at: int, user_id: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        found = os.stat(name, dir_fd=at, follow_symlinks=False)
        if found.st_uid == 0 and stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
            os.chown(name, user_id, user_id, dir_fd=at, follow_symlinks=False)


def _default_list(user_id: int) -> bytes:
    """The access list that new files and folders get: as usual, and this user may read and write."""
    nobody = 0xFFFFFFFF
    entries = ((0x01, 7, nobody), (0x02, 7, user_id), (0x04, 5, nobody), (0x10, 7, nobody), (0x20, 5, nobody))
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
