"""How much of the processors a sandbox gets while others want them too.

The weight of its control group says so, where there is one with the ``cpu`` controller: nothing inside can change that.
Elsewhere the processes' own nice value does, and that of their session: Linux shares the processors out between
sessions first (``sched_autogroup``), so that a nice value alone changes nothing between two sandboxes.
"""

from __future__ import annotations

import contextlib
import functools
import os
import resource
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_CAP_SYS_NICE = 1 << 23


@dataclass(frozen=True)
class Priority:
    """A share of the processors.

    Attributes:
        nice: As ``nice`` has it, 0 to 19.
        weight: As control groups of version 2 have it, 100 for the usual.
    """

    nice: int
    weight: int

    @property
    def shares(self) -> int:
        """As control groups of version 1 have it, 1024 for the usual."""
        return max(2, self.weight * 1024 // 100)


#: What somebody waits for at a keyboard: notebooks. The server itself has the same.
NORMAL = Priority(0, 100)
#: Jobs: a ninth of a notebook each while both want the same processor, all of it else.
BACKGROUND = Priority(10, 11)
#: What nobody waits for yet.
IDLE = Priority(19, 2)


def apply(priority: Priority, pids: Iterable[int]) -> None:
    """Give processes their priority, where they have another. Whoever may not raise one leaves it.

    Args:
        priority: What they get.
        pids: Processes, with all their threads.
    """
    lowest = priority.nice if can_raise() else min(priority.nice, BACKGROUND.nice)
    wanted = min(os.getpriority(os.PRIO_PROCESS, 0) + lowest, 19)
    for pid in pids:
        with contextlib.suppress(OSError):  # it has ended, or is not ours
            if os.getpriority(os.PRIO_PROCESS, pid) != wanted:
                for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - asked four times a second
                    os.setpriority(os.PRIO_PROCESS, int(thread), wanted)
        with contextlib.suppress(OSError):
            session = Path(f"/proc/{pid}/autogroup")
            if not session.read_text().endswith(f" nice {priority.nice}\n"):
                session.write_text(str(priority.nice))


@functools.cache
def can_raise() -> bool:
    """Tell whether this process may give another one its normal nice value back."""
    with contextlib.suppress(OSError, ValueError, IndexError, AttributeError):  # not all systems know of it
        if resource.getrlimit(resource.RLIMIT_NICE)[0] >= 20:
            return True
        status = Path("/proc/self/status").read_text()
        return bool(int(status.split("CapEff:")[1].split()[0], 16) & _CAP_SYS_NICE)
    return False
