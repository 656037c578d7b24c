"""How well user code is kept apart here: the names, what they mean, and what may run at which."""

from __future__ import annotations

import functools
import os
import platform
import socket
import sys
import tempfile
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
    from alphintra_kernel import cgroup, landlock, seccomp

    if sys.platform != "linux":
        return Probe(NONE, f"there is no bubblewrap for {sys.platform}")
    bounded = cgroup.tree() is not None
    unbounded = attempt_at(FULL) if bounded else cgroup.why_none()
    unfiltered = "" if seccomp.supported() else f"system calls are not filtered on {platform.machine()}"
    if not unbounded:
        return Probe(FULL, unfiltered, bounded=True)
    reason = attempt_at(NO_CGROUP)
    if not reason:
        return Probe(NO_CGROUP, "; ".join(filter(None, (unbounded, unfiltered))))
    if pod_is_sandbox() and not attempt_at(POD):
        return Probe(POD, reason, bounded)
    if landlock.abi() < landlock.LOWEST_ABI:
        return Probe(NONE, f"{reason}; {landlock.why_not()}", bounded)
    unruled = attempt_at(LANDLOCK)
    return Probe(NONE, f"{reason}; {unruled}", bounded) if unruled else Probe(LANDLOCK, reason, bounded)


def probe() -> str:
    """Return the name of the best level that works here."""
    return probe_report().level


def attempt_at(level: str) -> str:
    """Run Python at this level and have it try what it must not; the reason why the level fails, or nothing."""
    from alphintra_kernel.limits import Limits
    from alphintra_kernel.sandbox import Sandbox, SandboxError

    read, write = os.pipe()
    with (
        os.fdopen(read, "rb") as answer,
        tempfile.NamedTemporaryFile() as secret,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        secret.write(b"reached")
        secret.flush()
        code = _TRY.format(write=write, secret=secret.name, port=server.getsockname()[1])
        try:
            process = Sandbox(level, allow_unsandboxed=True).spawn(
                [sys.executable, "-I", "-S", "-c", code], fds=[write], limits=Limits(wall_seconds=20)
            )
        except (SandboxError, ImportError) as error:
            return str(error)
        finally:
            os.close(write)
        reached = answer.read().decode().split()
    process.wait(20)
    if not reached:
        return process.stderr_tail().strip() or f"exit code {process.poll()}"
    wrong = [] if level in (POD, NONE) else reached[1:]
    return f"at level {level} a process reached {' and '.join(wrong)} of the host" if wrong else ""


_TRY = """
import os, socket
def reaches(action):
    try:
        action()
    except OSError:
        return False
    return True
reached = ["itself"]
if reaches(lambda: open({secret!r}).read()):
    reached.append("files")
if reaches(lambda: socket.create_connection(("127.0.0.1", {port}), 1)):
    reached.append("network")
os.write({write}, " ".join(reached).encode())
"""
