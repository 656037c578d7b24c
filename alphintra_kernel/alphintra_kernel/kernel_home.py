"""The home folder of a trader's kernels: history, caches and what ``%pip install`` brought, kept between sessions.

It lies in the data folder, and is all that a kernel sees of that. Nothing in it is run outside a sandbox.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

NAME = "kernel-home"
INSIDE = "/home/trader"
SITE_PACKAGES = "site-packages"
CACHE = ".cache/alphintra"
_NO_NETWORK = Path(".config", "alphintra", "no-network")


def environment(home: str) -> dict[str, str]:
    """Return what points a kernel to its home.

    Args:
        home: Where the kernel sees it.
    """
    return {
        "HOME": home,
        "PIP_TARGET": f"{home}/{SITE_PACKAGES}",
        # A folder that pip did not make is no reason to warn at every line of a notebook.
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "IPYTHONDIR": f"{home}/.ipython",
        "MPLCONFIGDIR": f"{home}/.config/matplotlib",
    }


def prepare(data_dir: Path, owner: int | None) -> Path:
    """Make the home if it is not there.

    Args:
        data_dir: Alphintra's data folder.
        owner: The user whom kernels run as, started as root; each user has a home of their own.

    Returns:
        The folder.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    home = data_dir / NAME
    if owner is not None and home.exists() and home.lstat().st_uid not in {0, owner}:
        home = data_dir / f"{NAME}-{owner}"
    if home.is_symlink():
        raise NotADirectoryError(f"{home} is a link; a kernel's home is a folder of its own")
    home.mkdir(mode=0o700, exist_ok=True)
    if owner is not None and home.lstat().st_uid == 0:
        os.chown(home, owner, owner)
    return home


def owners(data_dir: Path) -> list[int]:
    """Return whose homes are there, root's not among them."""
    found = []
    for home in (data_dir / NAME, *sorted(data_dir.glob(f"{NAME}-*"))):
        with contextlib.suppress(OSError):
            info = home.lstat()
            if stat.S_ISDIR(info.st_mode) and info.st_uid:
                found.append(info.st_uid)
    return found


def wants_no_network(home: Path) -> bool:
    """Tell whether the trader switched the network off (``%network off``).

    The file lies where the kernel writes, so only whether it is there counts, and it can only take away.
    """
    folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in _NO_NETWORK.parts[:-1]:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            os.close(folder)
            folder = below
        os.stat(_NO_NETWORK.name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    finally:
        os.close(folder)
    return True


def switch_network(on: bool, home: Path | None = None) -> None:
    """Remember, from within a kernel, whether the next start shall have the network."""
    file = (home or Path.home()) / _NO_NETWORK
    if on:
        file.unlink(missing_ok=True)
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
