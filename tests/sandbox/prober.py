"""Runs probes where it is: each in a child of its own, since some are answered by a signal.

The text of this file travels: it is run by plain Python outside, by a strategy inside a job, and by a cell inside a
kernel. So it imports nothing of ours, and speaks in values that JSON can hold.
"""
# Whatever pathlib adds would stand between a probe and the call that it is about.
# ruff: noqa: PTH101, PTH108, PTH116, PTH123

import ctypes
import errno
import json
import os
import select
import signal
import socket
import textwrap
import time

SECONDS = 10.0
_libc = ctypes.CDLL(None, use_errno=True)


def call(number, *arguments):
    """Make a system call; an OSError when it is refused."""
    widened = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    found = _libc.syscall(ctypes.c_long(number), *widened)
    if found < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return found


def run_code(machine_code):
    """Run bytes as a function without arguments: for what no library calls."""
    import mmap

    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(machine_code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return ctypes.CFUNCTYPE(ctypes.c_long)(address)()


def attempt(action, *arguments):
    """The name of the error, or what the action returned."""
    try:
        return action(*arguments)
    except socket.gaierror as error:
        names = [name for name in dir(socket) if name.startswith("EAI_")]
        return next((name for name in names if getattr(socket, name) == error.errno), "gaierror")
    except TimeoutError as error:
        return errno.errorcode.get(error.errno, "timeout")
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)
    except Exception as error:  # noqa: BLE001 - the refusal, whatever it is
        return type(error).__name__


def read(path, most=4096):
    """The start of a file."""
    with open(path, "rb") as file:
        return file.read(most).decode("utf-8", "replace")


def write(path):
    """Make a file, and take it away where that worked."""
    with open(path, "x") as file:
        file.write("x")
    os.unlink(path)
    return "written"


def may_write(path):
    """Open a file for writing, without writing."""
    os.close(os.open(path, os.O_WRONLY | os.O_CLOEXEC))
    return "opened"


def change(path):
    """Give a file the mode that it has: refused by a read-only mount before anybody asks who owns it."""
    os.chmod(path, os.stat(path).st_mode & 0o7777)
    return "changed"


def connect(family, address, kind=socket.SOCK_STREAM):
    """Connect, and say so."""
    with socket.socket(family, kind) as client:
        client.settimeout(3)
        client.connect(address)
        return "connected"


def enclosed():
    """Whether there is no way out of here: what follows would leave the machine otherwise."""
    if [name for _, name in socket.if_nameindex()] != ["lo"]:
        raise RuntimeError("there is a network here: not tried")


def answer(code, given):
    """Run one probe in a child: its value, the name of its error, or of the signal that ended it."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(ours)
            space = {**globals(), "given": given}
            exec("def probe():\n" + textwrap.indent(textwrap.dedent(code), "    "), space)
            os.write(theirs, json.dumps(attempt(space["probe"])).encode())
        except BaseException as error:  # noqa: BLE001 - a child of the trader's process must not return into it
            os.write(theirs, json.dumps(repr(error)).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    said, until = b"", time.monotonic() + SECONDS
    while True:
        if not select.select([ours], [], [], max(until - time.monotonic(), 0))[0]:
            os.kill(pid, signal.SIGKILL)
            said = b'"still running"'
            break
        chunk = os.read(ours, 65536)
        if not chunk:
            break
        said += chunk
    os.close(ours)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status) and not said:
        return signal.Signals(os.WTERMSIG(status)).name
    return json.loads(said) if said else f"exit {status}"


def answers(probes, given):
    """Yield name and answer of each probe."""
    for name, code in probes:
        yield name, answer(code, given)

