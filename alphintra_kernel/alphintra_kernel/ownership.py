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
#: Folders within folders that are looked at; as many are open at a time.
DEEPEST = 64
_ACL, _ACL_OF_ITSELF = "system.posix_acl_default", "system.posix_acl_access"
_OWNER, _USER, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def kernel_user(workspace: Path | None, data_dir: Path) -> int | None:
    """Return the user id that kernels of this workspace run as; ``None`` for the server's own, when it is not root.

    A workspace of root's never goes to a person, even where a kernel's home is somebody's: it goes to an id that
    nobody has, the same as long as that has a home.

    Raises:
        OSError: There is no such id here.
    """
    if os.geteuid() != 0:
        return None
    if workspace is not None and (found := workspace.stat().st_uid):
        return found
    free = profile.host_user_ids(_id_map())
    if not free:
        raise OSError("this container has no user ids for kernels")
    known = [user_id for user_id in kernel_home.owners(data_dir) if user_id in free]
    return known[0] if known else secrets.choice(free)


def _id_map() -> str:
    return Path("/proc/self/uid_map").read_text()


def hand_over(folder: Path, user_id: int, most: int = MOST) -> bool:
    """Give a user what root owns in a folder, and let them write what root makes there later.

    Another kernel may be writing there, so each step is taken from an open folder and follows no link: nothing
    outside can be given away. Files with a second name, other file systems and what is neither file nor folder
    are left as they are.

    Returns:
        Whether all was looked at; ``False`` after ``most`` files, and where folders lie deeper than ``DEEPEST``.
    """
    way = [os.open(folder, _FOLDER)]
    waiting: list[list[str]] = []  # for each of the way's folders, those in it that were not yet entered
    whole = True
    try:
        device = os.fstat(way[0]).st_dev
        while way:
            if len(waiting) < len(way):
                inner, seen = _give_folder(way[-1], user_id, most)
                waiting.append(inner)
                most -= seen
                if most < 0:
                    return False
            elif not waiting[-1]:
                waiting.pop()
                os.close(way.pop())
            elif len(way) == DEEPEST:
                waiting[-1].clear()
                whole = False
            else:
                with contextlib.suppress(OSError):  # gone meanwhile
                    way.append(os.open(waiting[-1].pop(), _FOLDER, dir_fd=way[-1]))
                    if os.fstat(way[-1]).st_dev != device:
                        os.close(way.pop())
    finally:
        for at in way:
            os.close(at)
    return whole


def _give_folder(at: int, user_id: int, most: int) -> tuple[list[str], int]:
    """Give a folder and its files; returns the folders in it and how many names were looked at, one more than most."""
    here = os.fstat(at)
    if here.st_uid in {0, user_id}:
        with contextlib.suppress(OSError):  # a file system without owners or access lists
            if here.st_uid == 0:
                os.fchown(at, user_id, user_id)
            os.setxattr(at, _ACL, _default_list(user_id, *_others_rights(at, here.st_mode)))
    folders, seen = [], 0
    with os.scandir(at) as entries:
        for entry in entries:
            seen += 1
            if seen > most:
                break
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                _give_file(entry.name, at, user_id)
    return folders, seen


def _give_file(name: str, at: int, user_id: int) -> None:
    """Give the file that was looked at, not what another process puts in its place."""
    with contextlib.suppress(OSError):  # gone meanwhile, or it cannot be given
        file = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
        try:
            found = os.fstat(file)
            if found.st_uid == 0 and stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
                os.chown(f"/proc/self/fd/{file}", user_id, user_id)
        finally:
            os.close(file)


def _others_rights(at: int, mode: int) -> tuple[int, int]:
    """Return what a folder's group and everybody may, without writing: new files in it are not open to more."""
    group = mode >> 3 & 5
    with contextlib.suppress(OSError):  # with an access list, the mode shows the most that anybody in it may
        listed = os.getxattr(at, _ACL_OF_ITSELF)
        group = next(rights for tag, rights, _ in struct.iter_unpack("<HHI", listed[4:]) if tag == _GROUP) & 5
    return group, mode & 5


def _default_list(user_id: int, group: int, other: int) -> bytes:
    """The access list that new files and folders get: this user may read and write."""
    nobody = 0xFFFFFFFF
    entries = (
        *((_OWNER, 7, nobody), (_USER, 7, user_id), (_GROUP, group, nobody)),
        *((_MASK, 7, nobody), (_OTHER, other, nobody)),
    )
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
