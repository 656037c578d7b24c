"""How a job is shown: one line where text is, a bar that moves in a notebook, and its result at the end."""

from __future__ import annotations

import contextlib
import html
import importlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ._engine import engine
from .errors import AlphintraError

if TYPE_CHECKING:
    from .job import Job

EVERY = 0.5
#: Looks that may fail one after the other before a follower gives up: a server that restarts closes its doors.
_MOST_MISSES = 5
_WORDS = {
    "created": "waits",
    "queued": "waits in the queue",
    "starting": "starts",
    "loading": "loads code and data",
    "running": "runs",
    "processing": "goes through the rows",
    "checking": "runs, and looks for look-ahead",
    "sweeping": "runs its variants",
    "walking": "walks through the windows",
    "resampling": "draws paths",
    "writing": "writes its results",
    "cancelling": "is being stopped",
}


def sentence(item: Mapping[str, Any]) -> str:
    """Say what a job does, how far it is and how long it will take."""
    status, phase = item["status"], item.get("phase") or ""
    progress = item.get("progress") or {}
    if status == "FAILED":
        return f"failed: {(item.get('error') or {}).get('message', 'no reason is known')}"
    if status in ("COMPLETED", "CANCELLED"):
        took = item.get("run_seconds")
        return str(status).lower() + (f" in {engine('formats').duration(took)}" if took is not None else "")
    # Where a worker is says less than that it is being stopped.
    at = phase if status == "PENDING" or phase == "cancelling" else progress.get("phase") or phase
    said: str = _WORDS.get(at, str(phase))
    if status == "PENDING":
        position = item.get("position")
        return said + (f", place {position}" if position else "")
    parts = [f"{progress['fraction']:.0%}"] if progress else []
    if progress.get("text"):
        parts.append(str(progress["text"]))
    elif progress.get("bar_time"):
        parts.append(f"at {str(progress['bar_time'])[:10]}")
    if progress.get("eta_seconds") is not None and phase != "cancelling":
        parts.append(f"about {engine('formats').duration(progress['eta_seconds'])} left")
    return ", ".join([said, *parts])


def fragment(item: Mapping[str, Any], note: str = "") -> str:
    """Return HTML for a job that has no result to show: in Lab's colours, and readable without them."""
    progress = item.get("progress") or {}
    failed = item["status"] == "FAILED"
    running = item["status"] in ("PENDING", "RUNNING")
    bar = ""
    if running:
        value = f' value="{progress["fraction"]:.4f}"' if progress else ""
        bar = f'<progress max="1"{value} aria-label="Progress" style="width:100%;height:6px"></progress>'
    colour = "var(--jp-error-color1,#b00020)" if failed else "var(--jp-ui-font-color1,inherit)"
    hint = f"job.cancel() stops it · {html.escape(str(item['id']))}" if running else html.escape(str(item["id"]))
    lines = [
        f'<div style="font-weight:600">{html.escape(str(item["name"]))}</div>',
        bar,
        f'<div style="color:{colour};font-variant-numeric:tabular-nums">{html.escape(sentence(item))}</div>',
        f"<div>{html.escape(note)}</div>" if note else "",
        f'<div style="color:var(--jp-ui-font-color2,#666);font-size:smaller">{hint}</div>',
    ]
    traceback = (item.get("error") or {}).get("traceback")
    if traceback:
        lines.append(f"<details><summary>Details</summary><pre>{html.escape(str(traceback))}</pre></details>")
    return f'<div style="max-width:40em;font-family:var(--jp-ui-font-family,sans-serif)">{"".join(lines)}</div>'


def bundle(job: Job, note: str = "") -> dict[str, Any]:
    """Return what a notebook shows of a job now: its result once there is one."""
    item = job.refresh()
    if item["status"] == "COMPLETED":
        return job.result()._repr_mimebundle_()
    if item["status"] == "FAILED":
        note = note or (job.failure().where or "")
    return {"text/html": fragment(item, note), "text/plain": f"{item['name']}: {sentence(item)}" + _after(note)}


def _after(note: str) -> str:
    return f"\n{note}" if note else ""


def follow(job: Job) -> None:
    """Show a job, in a notebook from now to its end, and elsewhere as it is."""
    display = _notebook_display()
    if display is None:
        print(repr(job))  # noqa: T201  what a terminal shows of a value
        return
    handle = display(bundle(job), raw=True, display_id=True)
    if not job.finished:
        threading.Thread(target=_keep, args=(job, handle), name=f"job-{job.id}", daemon=True).start()


def _keep(job: Job, handle: Any) -> None:
    """Look again and again, and show what changed."""
    shown, misses = "", 0
    while True:
        time.sleep(EVERY)
        try:
            now = bundle(job)
            misses = 0
        except AlphintraError as error:
            misses += 1
            if misses < _MOST_MISSES:
                continue
            handle.update({"text/plain": f"{job!r}\nnot followed any more: {error}"}, raw=True)
            return
        if now["text/plain"] != shown:
            shown = now["text/plain"]
            handle.update(now, raw=True)
        if job.finished:
            return


@contextlib.contextmanager
def waiting(job: Job) -> Iterator[Callable[..., None]]:
    """Show a job that is waited for: yields a function that shows it as it is now, with a note if one is given."""
    display = _notebook_display()
    if display is None:
        with _terminal_line(job) as write:
            yield write
        return
    handle: list[Any] = []
    shown: list[str] = []

    def show(note: str = "") -> None:
        item = job._item
        text = f"{job.name}: {sentence(item)}" + _after(note)
        if shown[-1:] == [text]:
            return
        shown[:] = [text]
        content = {"text/html": fragment(item, note), "text/plain": text}
        if handle:
            handle[0].update(content, raw=True)
        else:
            handle.append(display(content, raw=True, display_id=True))

    yield show


@contextlib.contextmanager
def _terminal_line(job: Job) -> Iterator[Callable[..., None]]:
    """One line on standard error, if that is a terminal; a note is written anyway."""
    terminal = sys.stderr.isatty()

    def show(note: str = "") -> None:
        if terminal:
            sys.stderr.write(f"\r\x1b[K{job.name}: {sentence(job._item)}")
        if note:
            sys.stderr.write(f"\n{note}\n" if terminal else f"{note}\n")
        sys.stderr.flush()

    try:
        yield show
    finally:
        if terminal:
            sys.stderr.write("\n")


def _notebook_display() -> Any:
    """IPython's ``display`` where there is a notebook to show something in."""
    module: Any = sys.modules.get("IPython")
    shell = None if module is None else module.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    return importlib.import_module("IPython.display").display
