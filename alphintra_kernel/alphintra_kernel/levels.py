"""How well user code is kept apart here: the names, what they mean, and what may run at which."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

FULL, NO_CGROUP, LANDLOCK, POD, NONE = "full", "no-cgroup", "landlock", "pod", "none"

#: From the best to the worst; each with what it means in a sentence.
LEVELS = {
    FULL: "Own namespaces, files and limits, no network; memory and processes are bounded by the operating system.",
    NO_CGROUP: "Own namespaces, files and limits, no network; memory is watched, not reserved.",
    LANDLOCK: "No namespaces: files, network and signals are refused by rules, other processes can be seen.",
    POD: "The pod is the sandbox: user code sees what the pod sees and has the pod's network.",
    NONE: "Not sandboxed: a plain process with limits that can read your files and use the network.",
}
#: Levels whose processes see their own file tree, in which a mount has a path of its own. At the others the
#: paths are the host's.
OWN_FILES = frozenset({FULL, NO_CGROUP})
#: Set to 1 by whoever runs the pod: that it is a Kubernetes pod alone does not say that it holds one user only.
POD_VARIABLE = "ALPHINTRA_POD_IS_SANDBOX"


@dataclass(frozen=True)
class Probe:
    """What this host can do, found by running it.

    Attributes:
        level: A name of :data:`LEVELS`.
        reason: Why it is not better, empty otherwise.
        bounded: Whether the operating system bounds memory and processes as a whole (cgroups).
    """

    level: str
    reason: str = ""
    bounded: bool = False

    @property
    def description(self) -> str:
        """Say in a sentence what the level means."""
        return LEVELS[self.level]


def jobs_allowed(level: str, allow_unsandboxed: bool) -> bool:
    """Decide whether jobs, which nobody watches, may run at this level.

    Notebooks may run at any: their user acts with the user's own authority, and is told the level.

    Args:
        level: A name of :data:`LEVELS`.
        allow_unsandboxed: The administrator's ``allow_unsandboxed_jobs``.

    Raises:
        ValueError: There is no such level.
    """
    if level not in LEVELS:
        raise ValueError(f"unknown sandbox level {level!r}; known: {', '.join(LEVELS)}")
    return allow_unsandboxed or level in (FULL, NO_CGROUP, POD)


def pod_is_sandbox(environ: Mapping[str, str] | None = None) -> bool:
    """Tell whether this is a pod that its administrator declared to be one user's sandbox."""
    env = os.environ if environ is None else environ
    return bool(env.get("KUBERNETES_SERVICE_HOST")) and env.get(POD_VARIABLE) == "1"


@functools.cache
def probe_report() -> Probe:
    """Find the best level by running it; once per process."""
    from alphintra_kernel import cgroup, landlock
    from alphintra_kernel.sandbox import attempt_at

    if sys.platform != "linux":
        return Probe(NONE, f"there is no bubblewrap for {sys.platform}")
    bounded = cgroup.tree() is not None
    unbounded = attempt_at(FULL) if bounded else cgroup.why_none()
    if not unbounded:
        return Probe(FULL, bounded=True)
    reason = attempt_at(NO_CGROUP)
    if not reason:
        return Probe(NO_CGROUP, unbounded)
    if pod_is_sandbox() and not attempt_at(POD):
        return Probe(POD, reason, bounded)
    if landlock.abi() < landlock.LOWEST_ABI:
        return Probe(NONE, f"{reason}; {landlock.why_not()}", bounded)
    unruled = attempt_at(LANDLOCK)
    return Probe(NONE, f"{reason}; {unruled}", bounded) if unruled else Probe(LANDLOCK, reason, bounded)


def probe() -> str:
    """Return the name of the best level that works here."""
    return probe_report().level
