"""What the server keeps of a kernel's output while its page is closed."""

from __future__ import annotations

from alphintra_server.kernel_manager import MAX_BYTES, MAX_MESSAGES, BoundedKernelManager, OfflineMessages


class Stream:
    def on_recv(self, callback):
        self.callback = callback


async def test_jupyter_keeps_a_bounded_number(services, jp_serverapp):
    manager = jp_serverapp.kernel_manager
    assert isinstance(manager, BoundedKernelManager)
    stream = Stream()
    manager._kernels["k"] = None
    try:
        manager.start_buffering("k", "session", {"iopub": stream})
        for number in range(2 * MAX_MESSAGES):
            stream.callback([b"%d" % number, b"x" * 1000])
        kept = manager._kernel_buffers["k"]["buffer"]
        assert (len(kept), kept[-1]) == (MAX_MESSAGES, ("iopub", [b"%d" % (2 * MAX_MESSAGES - 1), b"x" * 1000]))
    finally:
        manager._kernel_buffers.pop("k")
        del manager._kernels["k"]


def test_bytes_are_bounded_and_the_last_message_stays():
    kept = OfflineMessages()
    for number in range(100):
        kept.append(("iopub", [bytes([number]), b"x" * (1 << 20)]))
    assert 30 <= len(kept) <= 32
    assert kept.size == sum(len(part) for _, parts in kept for part in parts) <= MAX_BYTES
    kept.append(("iopub", [b"x" * (2 * MAX_BYTES)]))
    assert (len(kept), kept.size) == (1, 2 * MAX_BYTES)
