"""What a kernel can make its server keep in memory: the bounds of the server's sockets to it.

ZeroMQ receives on its own, whether anybody reads or not. So a message of 600 MB that a kernel displays lies in
the server's memory before the server knows of it, and a thousand of them as well.
"""

from __future__ import annotations

from typing import Any

import zmq

#: Bytes of one part of a message; one that is larger ends the connection, which is then made anew. A kernel of ours
#: says so before (``output_bound``). Jupyter itself shows no more than this in four seconds.
MAX_MESSAGE = 4 << 20
#: Messages of one socket that wait to be read; the kernel keeps or drops what comes beyond.
MAX_WAITING = 64


def bound(manager: Any, most: int = MAX_MESSAGE) -> None:
    """Bound all sockets that a kernel manager makes from now on, and those of no other kernel.

    Args:
        manager: A ``KernelManager`` before it has made any socket.
        most: Bytes of a message.
    """
    context = manager.context
    if not manager._created_context:  # that of all kernels of a server: a view of it with defaults of its own
        context = manager.context = type(context).shadow(context)
    context.setsockopt(zmq.MAXMSGSIZE, most)
    context.setsockopt(zmq.RCVHWM, MAX_WAITING)
