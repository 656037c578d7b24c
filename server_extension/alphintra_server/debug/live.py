"""One debug session: the kernel that holds the strategy, and where it stands."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import Coroutine, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..db.types import utc_now
from ..errors import Conflict
from ..jobs import protocol
from ..jobs.trader_places import placed
from ..models.debug import BreakpointGiven, DebugSession, DebugStatus, DebugValue, DebugVariables
from . import answers, dap
from .about import About, Given, Patience
from .breakpoints import put
from .feed import Feed
from .inspection import Inspection, UnendingError
from .standing import Standing

if TYPE_CHECKING:
    from ..jobs.launcher import JobLimits
    from .kernels import DebugKernel, DebugKernels

READY_SECONDS = 120.0
"""Within which a kernel answers for the first time; it loads the engine."""
_ANSWER_SECONDS = 20.0
_LOOK_SECONDS, _LOST = 1.0, 4
"""How often it is looked at, and how often it must be seen to stand until that it has stopped is taken for lost."""
_LOG_CHARS = 8_000
"""Of one piece of printed text that readers are told at once."""
_NOWHERE = 100
"""How often one movement may stop where there is none of the strategy's code."""
_CODE = "from alphintra_kernel import debug_job\n_outcome = debug_job.run()"
_INTERRUPT_VARIABLE = "PYDEVD_INTERRUPT_THREAD_TIMEOUT"
"""After how many seconds the debugger interrupts an expression."""


class LiveSession:
    """A session from its start to its end.

    Args:
        about: What is debugged.
        kernels: Starts the kernel.
        patience: How long is waited.
        log_bytes: Of what the strategy prints that are kept.

    Attributes:
        started: Whether there is, or was, a kernel.
    """

    def __init__(self, about: About, kernels: DebugKernels, patience: Patience, log_bytes: int) -> None:
        self.id = uuid.uuid4().hex
        self.about = about
        self.feed = Feed()
        self._standing = Standing(about, log_bytes)
        self._kernels, self._patience = kernels, patience
        self._kernel: DebugKernel
        self._talk: dap.Conversation
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stands = asyncio.Event()
        self._stops: asyncio.Queue[answers.Stopped | None] = asyncio.Queue(1)
        self._nowhere = 0
        self._code_lock, self._moving = asyncio.Lock(), asyncio.Lock()
        self._used = time.monotonic()
        self._thread = 1
        self._why: str | None = None
        self._sent = False
        self.started = self._dead = False
        self._begun, self._over = asyncio.Event(), asyncio.Event()
        self._early: str | None = None

    @property
    def status(self) -> DebugStatus:
        """Whether it runs, stands or has ended."""
        return self._standing.status

    # -- beginning and end

    async def start(self, given: Given, breakpoints: list[BreakpointGiven], limits: JobLimits) -> None:
        """Start the kernel; what follows goes on by itself.

        Raises:
            OSError: Its folder could not be made.
            ServiceError: What it is to read is gone, or could not be got.
            SandboxError: It could not be started.
        """
        self._limits = limits
        variables = {_INTERRUPT_VARIABLE: f"{self._patience.evaluate_seconds:g}"}
        try:
            self._kernel = await self._kernels.start(
                given, limits, variables, self._exited, lambda: self._early is None
            )
        finally:
            self._begun.set()
        self._standing.stack.folder = self._kernel.source
        self._talk = dap.Conversation(self._kernel.client, self._hear, self._print, self._break_off)
        self._inspection = Inspection(
            self._talk, self._kernel.interrupt, self._standing.stack, self._patience.evaluate_seconds
        )
        self.started = True
        if self._dead:
            self._finish("error", self._kernel.why_ended(self._limits))
        elif self._early is not None:
            self._finish(self._early)
        else:
            self._spawn(self._run(breakpoints))
            self._spawn(self._arrivals())
            self._spawn(self._look())

    async def _run(self, breakpoints: list[BreakpointGiven]) -> None:
        """Attach the debugger, and run the strategy to its end."""
        talk = self._talk
        try:
            talk.open()
            await talk.ask("initialize", READY_SECONDS, clientID="alphintra", adapterID="", pathFormat="path")
            await talk.until_heard(_ANSWER_SECONDS)
            await talk.ask("attach", _ANSWER_SECONDS)
            await self._set(breakpoints)
            await talk.ask("configurationDone", _ANSWER_SECONDS)
            self._tell()
            said = answers.read_outcome(await talk.execute(_CODE, "_outcome"))
        except dap.GoneError:
            return
        except dap.SilentError:
            self._finish("error", {"code": "NO_ANSWER", "message": "The kernel of the session did not answer."})
        except (dap.RefusedError, answers.NotUnderstoodError) as error:
            self._finish("error", {"code": "PROTOCOL", "message": answers.plain(str(error))})
        else:
            if isinstance(said, protocol.Error):
                about = self.about
                self._finish("error", placed(said, about.file, about.known_as, about.line_map))
            else:
                self._standing.summary = said.summary
                self._finish("finished")

    def _exited(self) -> None:
        """The kernel has ended by itself, or was killed."""
        self._dead = True
        if self.started and self.status is not DebugStatus.COMPLETED:
            self._finish("error", self._kernel.why_ended(self._limits))

    def _break_off(self, code: str, text: str) -> None:
        self._finish("error", {"code": code, "message": text})

    def end(self, reason: str) -> None:
        """End it, whatever it does: ``stopped``, ``idle`` or ``shutdown``. Nothing happens if it has ended."""
        if self.started:
            self._finish(reason)
        else:
            self._early = reason

    def _finish(self, reason: str, error: dict[str, Any] | None = None) -> None:
        if self.status is DebugStatus.COMPLETED:
            return
        standing = self._standing
        standing.status, standing.reason, standing.error = DebugStatus.COMPLETED, reason, error
        standing.ended_at = utc_now()
        self._stands.set()
        self._over.set()
        self._stopped(None)
        self._talk.close("the session has ended")
        self._tell()
        self.feed.close()
        self._spawn(self._kernels.end(self._kernel))

    async def closed(self) -> None:
        """Wait until nothing of it runs any more; it was told to end."""
        await self._begun.wait()
        while running := [task for task in self._tasks if task is not asyncio.current_task()]:
            await asyncio.wait(running)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "A debug session failed", "exception": error, "task": task}
            )
            self._finish("error", {"code": "INTERNAL_ERROR", "message": "The server made a mistake."})

    async def _look(self) -> None:
        """Say how far it is while it runs; end it where nobody moves it."""
        stood = 0
        while self.status is not DebugStatus.COMPLETED:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._over.wait()
            if time.monotonic() - self._used > self._patience.idle_seconds:
                self.end("idle")
            if self.status is not DebugStatus.ACTIVE or self._moving.locked():
                stood = 0
                continue
            with contextlib.suppress(dap.RefusedError, dap.SilentError, dap.GoneError, answers.NotUnderstoodError):
                market = await self._market()
                # That it has stopped may have been lost among much else that it said.
                stood = stood + 1 if market.status == "paused" else 0
                if stood >= _LOST:
                    self._stopped(answers.Stopped(threadId=self._thread))
                elif self.status is DebugStatus.ACTIVE and market.bar is not None:
                    self._standing.market = market
                    self.feed.tell("progress", market.model_dump_json(include={"bar", "count", "time"}))

    # -- what the kernel says

    def _hear(self, event: str, body: Any) -> None:
        if event == "stopped":
            with contextlib.suppress(answers.NotUnderstoodError):
                self._stopped(answers.read(answers.Stopped, body))

    def _stopped(self, stopped: answers.Stopped | None) -> None:
        """Have it looked at; only the last time counts. ``None`` for the end, after which there is none."""
        if stopped is not None and self.status is DebugStatus.COMPLETED:
            return
        if self._stops.full():
            self._stops.get_nowait()
        self._stops.put_nowait(stopped)

    def _print(self, text: str) -> None:
        if lines := self._standing.print(text):
            self.feed.tell("log", json.dumps({"lines": "\n".join(lines)[-_LOG_CHARS:].split("\n")}))

    async def _arrivals(self) -> None:
        """Find out where the run stands, each time that it stops."""
        try:
            while (stopped := await self._stops.get()) is not None:
                if self.status is DebugStatus.ACTIVE:
                    await self._arrive(stopped)
        except dap.GoneError:
            return
        except (dap.SilentError, dap.RefusedError, answers.NotUnderstoodError) as error:
            text = f"The debugger does not say where it stands: {answers.plain(str(error))}"
            self._finish("error", {"code": "PROTOCOL", "message": text})

    async def _arrive(self, stopped: answers.Stopped) -> None:
        standing = self._standing
        self._thread = stopped.thread
        found = await self._talk.ask("stackTrace", _ANSWER_SECONDS, threadId=stopped.thread)
        standing.stack.read(answers.read(answers.Stack, found))
        if not standing.stack.places:
            # Behind the last line of the strategy there is nothing to stand at.
            self._nowhere += 1
            if self._nowhere > _NOWHERE:
                raise answers.NotUnderstoodError("it stops again and again outside of the strategy")
            await self._talk.ask("continue", _ANSWER_SECONDS, threadId=stopped.thread)
            return
        market = await self._market()
        if self.status is DebugStatus.COMPLETED:
            return  # meanwhile; it stands nowhere
        standing.market = market
        # On the way to a bar no breakpoint stops.
        at_breakpoint = stopped.reason == "breakpoint" and not self._sent
        if self._why is None and not standing.breakpoints:
            standing.reason = "entry"
        else:
            standing.reason = "breakpoint" if at_breakpoint else (self._why or "entry")
        if at_breakpoint and market.error is not None:
            standing.reason = "condition_error"
            standing.error = {"code": "CONDITION_RAISED", "message": answers.plain(market.error)}
        standing.status = DebugStatus.PAUSED
        self._nowhere = 0
        self._stands.set()
        self._tell()

    async def _market(self) -> answers.Market:
        return answers.read(answers.Market, await self._talk.ask("alphintra/market", _ANSWER_SECONDS))

    # -- what its owner asks

    async def step(self, unit: str) -> None:
        """Step by a line, into or out of a function, or to the next bar."""
        if unit == "bar":
            self._require_paused()
            bar = self._standing.bar
            if bar is None:
                raise Conflict("The run has not come to its first bar: continue to a breakpoint.", code="CANNOT_MOVE")
            await self._move("step", "alphintra/runTo", sent=True, bar=bar + 1)
        else:
            await self._move("step", {"line": "next", "into": "stepIn", "out": "stepOut"}[unit])

    async def step_back(self) -> None:
        """Go to the beginning of ``on_bar``, one bar earlier."""
        await self._move("step_back", "stepBack", sent=True)

    async def go_on(self) -> None:
        """Run to the next breakpoint, or to the end."""
        await self._move("continue", "continue")

    async def run_to(self, when: datetime | None, bar: int | None) -> None:
        """Run to a bar, forwards or backwards."""
        if when is not None:
            await self._move("run_to", "alphintra/runTo", sent=True, time=when.isoformat())
        else:
            await self._move("run_to", "alphintra/runTo", sent=True, bar=bar)

    async def evaluate(self, expression: str, frame: int) -> DebugValue:
        """Evaluate an expression in a function on the stack.

        Raises:
            Invalid: It raised, or it did not end.
        """
        async with self._code_lock:
            self._require_paused()
            with self._believing():
                value = await self._inspection.evaluate(expression, frame)
            with self._believing(also=dap.RefusedError):
                market = await self._market()
            if self.status is DebugStatus.PAUSED:
                self._standing.market = market  # what was evaluated may have changed what others see
                self._tell()
        return DebugValue(text=value.result, type=value.type, reference=value.reference or None)

    async def variables(self, frame: int, reference: int | None) -> DebugVariables:
        """List the variables of a function on the stack, or what is in one of them.

        Raises:
            Invalid: There is no such function or variable.
        """
        async with self._code_lock:
            self._require_paused()
            strategy = self._standing.own_variables() if reference is None else []
            with self._believing():
                items = await self._inspection.variables(frame, reference)
        return DebugVariables(items=items, strategy=strategy)

    async def set_breakpoints(self, given: list[BreakpointGiven]) -> None:
        """Set the breakpoints anew."""
        self._require_paused()
        with self._believing(also=dap.RefusedError):
            await self._set(given)
        self._tell()

    async def _set(self, given: list[BreakpointGiven]) -> None:
        path, standing = f"{self._kernel.source}/{self.about.file}", self._standing
        standing.breakpoints = await put(self._talk, path, given, standing.breakpoints, _ANSWER_SECONDS)

    async def stood(self, seconds: float) -> None:
        """Wait until it does not run, but no longer than this."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stands.wait()

    async def _move(self, why: str, command: str, *, sent: bool = False, **arguments: Any) -> None:
        """Let it go on; ``sent`` where it goes to a bar, and no breakpoint stops it before."""
        self._require_paused()
        standing = self._standing
        before, self._nowhere = (standing.reason, standing.error), 0
        self._why, self._sent, standing.reason, standing.error = why, sent, None, None
        standing.status = DebugStatus.ACTIVE
        self._stands.clear()
        while not self._stops.empty():  # where it stood up to now
            self._stops.get_nowait()
        self._tell()
        try:
            async with self._moving:
                with self._believing():
                    await self._talk.ask(command, _ANSWER_SECONDS, threadId=self._thread, **arguments)
        except dap.RefusedError as error:
            if self.status is DebugStatus.ACTIVE:
                standing.reason, standing.error = before
                standing.status = DebugStatus.PAUSED
                self._stands.set()
                self._tell()
            raise Conflict(f"The session cannot move: {answers.plain(str(error))}.", code="CANNOT_MOVE") from None

    @contextlib.contextmanager
    def _believing(self, also: type[Exception] = dap.GoneError) -> Iterator[None]:
        """End the session where its kernel does not answer, or answers what makes no sense.

        Args:
            also: A further exception that does not make sense here.
        """
        try:
            yield
        except dap.GoneError:
            raise self._has_ended() from None
        except (UnendingError, dap.SilentError, answers.NotUnderstoodError, also) as error:
            if isinstance(error, UnendingError):
                code, text = "EXPRESSION_TIMEOUT", "What was evaluated could not be interrupted"
            else:
                code = "NO_ANSWER" if isinstance(error, dap.SilentError) else "PROTOCOL"
                text = f"The debugger does not answer as it should ({answers.plain(str(error))})"
            self._finish("error", {"code": code, "message": f"{text}, so the session was ended."})
            raise Conflict(f"{text}, so the session was ended.", code="DEBUG_ENDED") from None

    def _require_paused(self) -> None:
        if self.status is DebugStatus.COMPLETED:
            raise self._has_ended()
        self._used = time.monotonic()
        if self.status is DebugStatus.ACTIVE:
            raise Conflict("The session runs: wait until it stands, or stop it.", code="DEBUG_RUNNING")

    def _has_ended(self) -> Conflict:
        why = {"error": self._standing.error}
        return Conflict("The session has ended: start another one.", code="DEBUG_ENDED", extra=why)

    def _tell(self) -> None:
        self.feed.tell("session", self.to_model().model_dump_json(by_alias=True))

    def to_model(self) -> DebugSession:
        """Show it."""
        left = max(self._patience.idle_seconds - (time.monotonic() - self._used), 0.0)
        return self._standing.to_model(self.id, timedelta(seconds=left))
