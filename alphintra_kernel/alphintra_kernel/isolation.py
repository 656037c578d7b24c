"""How far a kernel is kept from the rest of the machine: what it says of itself, found out inside it.

Not every program that starts kernels asks the provisioner (VS Code does not), so the kernel looks for itself.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alphintra_kernel import levels

LEVEL_VARIABLE = "ALPHINTRA_SANDBOX_LEVEL"
NETWORK_VARIABLE = "ALPHINTRA_SANDBOX_NETWORK"
REFUSED_VARIABLE = "ALPHINTRA_WORKSPACE_REFUSED"


@dataclass(frozen=True)
class Isolation:
    """What holds for a running kernel.

    Attributes:
        level: A name of ``sandbox.LEVELS``.
        network: Whether it can reach the network.
        refused: Why the folder it was started in is not there, empty if it is.
    """

    level: str
    network: bool
    refused: str = ""

    def __str__(self) -> str:
        """One line for the banner."""
        if self.level == levels.NONE:
            return "🔴 not sandboxed"
        text = f"sandboxed ({self.level}), network {'on' if self.network else 'off'}"
        return f"{text}\n🔴 {self.refused}" if self.refused else text


def own(environ: Mapping[str, str] | None = None, status: Path = Path("/proc/self/status")) -> Isolation:
    """Find out how this process is isolated.

    The starter names the level; it counts only if the process indeed can gain no rights, which every sandbox
    of ours begins with.
    """
    env = os.environ if environ is None else environ
    level = env.get(LEVEL_VARIABLE, levels.NONE)
    if level not in levels.LEVELS or (level in levels.OWN_FILES and not _can_gain_no_rights(status)):
        level = levels.NONE
    if level == levels.NONE and levels.pod_is_sandbox(env):
        level = levels.POD
    return Isolation(level, env.get(NETWORK_VARIABLE) != "off", env.get(REFUSED_VARIABLE, ""))


def kernel_level() -> str:
    """Return the level at which kernels are started here.

    A notebook's user is there and is told the level, so it starts at any. Without mounts of its own, what
    remains of a sandbox is little for code that needs the trader's files and network.
    """
    found = levels.probe()
    if found in levels.OWN_FILES:
        return found
    return levels.POD if levels.pod_is_sandbox() else levels.NONE


def _can_gain_no_rights(status: Path) -> bool:
    try:
        lines = status.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return any(line.split() == ["NoNewPrivs:", "1"] for line in lines)
