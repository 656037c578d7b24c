"""The extension: its settings, and what is built from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs
from alphintra_kernel.doors import register
from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool, Dict, Float, Int, TraitError, Unicode, default, validate

from . import lockdown, notebooks
from .db import Database, DatabaseInUseError
from .db.migrate import upgrade
from .debug.about import Patience
from .debug.kernels import WITHOUT_SOCKETS, DebugKernels
from .debug.sessions import DebugSessions
from .door.doors import Doors
from .events import SCHEMAS, Event, EventRelay
from .idempotency import Idempotency
from .jobs.backtest import BacktestKind
from .jobs.check import CheckKind
from .jobs.launcher import Launcher
from .jobs.pool import Pool
from .jobs.retention import Kept, Retention
from .jobs.supervisor import Supervisor
from .limits import MAX_SECONDS, UserLimits, read_limits
from .routes import PROBES, ROUTES
from .services.backtests import KIND, Backtests
from .services.check_queue import KIND as CHECK_KIND
from .services.check_triggers import CheckTriggers
from .services.checks import StrategyChecks
from .services.comparison import Comparisons
from .services.datasets import Datasets
from .services.documentation import Documentation
from .services.jobs import Jobs
from .services.run_defaults import RunDefaults
from .services.snippets import Snippets
from .services.sources import Sources
from .services.strategies import Strategies
from .services.submissions import Submissions
from .services.system import SandboxState, SystemService
from .services.templates import Templates, installed_templates
from .services.workspace import Workspace, refusal
from .source.process import Parser

if TYPE_CHECKING:
    from alphintra_kernel.sandbox import Sandbox

NO_SANDBOX = (
    "This machine cannot sandbox jobs, so the server runs none. Where you trust all code that is run, set "
    "AlphintraServer.allow_unsandboxed_jobs=True."
)


@dataclass
class Services:
    """What the handlers call."""

    database: Database
    parser: Parser
    events: EventRelay
    supervisor: Supervisor
    pool: Pool | None
    strategies: Strategies
    sources: Sources
    templates: Templates
    datasets: Datasets
    backtests: Backtests
    idempotency: Idempotency
    retention: Retention
    submissions: Submissions
    jobs: Jobs
    checks: StrategyChecks
    check_triggers: CheckTriggers
    comparisons: Comparisons
    snippets: Snippets
    documentation: Documentation
    debug: DebugSessions
    system: SystemService


class AlphintraServer(ExtensionApp):
    """Strategies, datasets and backtests over REST, beside JupyterLab."""

    name = "alphintra_server"
    load_other_extensions = True

    data_dir = Unicode(
        help="""Folder of the database, the output of jobs and stored blobs.

        It must lie outside the workspace, which a user's code can write. Default: the platform's folder for
        user data, such as ~/.local/share/alphintra.
        """
    ).tag(config=True)

    workspace = Unicode(
        help="""Folder of the trader's notebooks, modules and snippets.

        Default: the folder that Jupyter shows. A folder that is or contains your home, the Python
        environment or Alphintra's own files is not used: everything but the workspace then works, and
        whatever needs it says why not.
        """
    ).tag(config=True)

    database_url = Unicode(
        help="""SQLAlchemy address of the database.

        Default: a SQLite file in data_dir, held by one server at a time. It must be on a local disk.
        """
    ).tag(config=True)

    single_user = Bool(
        True,
        help="""Whether everybody whom Jupyter lets in is the one owner, `local`, with every permission.

        Jupyter's token names no stable user. Switch this off where an identity provider tells users and
        roles; then nobody else gets in.
        """,
    ).tag(config=True)

    lockdown = Bool(
        False,
        help="""Whether people may open notebooks here that they do not trust.

        A cell's output can be JavaScript, which acts as whoever looks at it. With this there are no terminals
        and no kernels but Alphintra's, which have no network; extensions cannot be installed; Jupyter shows the
        workspace alone, without hidden files and without what links lead to outside.
        """,
    ).tag(config=True)

    allow_unsandboxed_jobs = Bool(
        False,
        help="""Whether jobs may run where the sandbox cannot (no user namespaces).

        A job then has the rights of the server: its user's files, and the network.
        """,
    ).tag(config=True)

    max_jobs = Int(2, min=1, help="How many jobs run at once; the others wait.").tag(config=True)

    pool_size = Int(
        2,
        min=0,
        help="""How many workers wait for a job with everything loaded, so that it starts at once; 0 for none.

        Each takes some 300 MB of memory. Fewer wait where memory is short.
        """,
    ).tag(config=True)

    max_jobs_per_user = Int(
        min=1,
        help="""How many jobs of one user run at once, on all servers of the database together.

        Users take turns anyway: whoever has least running is next. This keeps places free for those who come
        later. Default: max_jobs where there is one user, else half of it.
        """,
    ).tag(config=True)

    max_queued = Int(
        100,
        min=1,
        help="""How many jobs of one user may wait; one more is refused (429, with Retry-After).

        Jobs of normal and of low priority are counted apart.
        """,
    ).tag(config=True)

    job_seconds = Float(
        600.0, min=1.0, max=MAX_SECONDS, help="A job that runs longer is stopped (TIME_LIMIT); at most 30 days."
    ).tag(config=True)

    job_memory = Int(
        2 << 30, min=64 << 20, help="Bytes of memory that one job may use, all its processes together (MEMORY_LIMIT)."
    ).tag(config=True)

    job_disk = Int(
        2 << 30, min=1 << 20, help="Bytes that one job may have on the disk at once (DISK_LIMIT)."
    ).tag(config=True)

    job_log = Int(
        256 << 10,
        min=1 << 10,
        help="""Bytes of what a job prints that are kept, of the last 200 of its first 2,000 lines (1 MiB).

        A job that prints more than 64 million characters in all is stopped (OUTPUT_LIMIT).
        """,
    ).tag(config=True)

    max_debug_sessions = Int(
        2,
        min=1,
        help="""How many debug sessions one user may have open; one more is refused (429).

        Each is a kernel with the limits of a job.
        """,
    ).tag(config=True)

    max_debug_kernels = Int(
        8, min=1, help="How many debug sessions may be open on this server, of all users together."
    ).tag(config=True)

    debug_idle_seconds = Float(
        900.0, min=1.0, max=MAX_SECONDS, help="A debug session that nobody moves for so long is ended."
    ).tag(config=True)

    debug_evaluate_seconds = Float(
        5.0, min=0.1, max=600.0, help="An expression in a debug session that takes longer is interrupted."
    ).tag(config=True)

    user_limits = Dict(
        help="""Other limits for some users: `{"alice": {"jobs": 8, "memory": 8589934592}}`.

        `jobs`, `queued`, `seconds`, `memory`, `disk`, `log` and `debug_sessions` stand for max_jobs_per_user,
        max_queued, job_seconds, job_memory, job_disk, job_log and max_debug_sessions; what is not named stays as it is
        for everybody. The
        user's name is what the identity provider calls them; of an installation for one user, `local`.
        """
    ).tag(config=True)

    keep_results_days = Float(
        90.0,
        min=1.0,
        max=36_500.0,
        help="""Days for which the output of a completed job (report, series, trades) and the logs of all jobs are kept.

        They are counted from the last time that somebody read the results, the report or a comparison with it.
        What is pruned answers 410 RESULTS_PRUNED; the backtest itself and its figures in lists stay, and so does
        the count of trials.
        """,
    ).tag(config=True)

    keep_results_bytes = Int(
        20 << 30,
        min=1 << 20,
        help="""Bytes of output that are kept of one user's jobs.

        Where there is more, what nobody has read for the longest time goes first; nothing that was read within
        the last 24 hours does.
        """,
    ).tag(config=True)

    keep_events_hours = Float(
        24.0,
        min=0.1,
        max=720.0,
        help="""Hours for which events are kept for readers of the stream who come back.

        The newest 1,000 of each user stay however old they are. Whoever asks for older ones gets 410.
        """,
    ).tag(config=True)

    default_dataset = Unicode(
        "us-equities-daily/AAPL", help="Dataset of a run that names none: `name` or `name/SYMBOL`."
    ).tag(config=True)

    default_cash = Float(100_000.0, max=1e15, help="Starting cash of a run that names none.").tag(config=True)

    default_commission = Float(
        0.0, help="Commission of a run that names none, as a fraction of the notional of each fill."
    ).tag(config=True)

    default_slippage = Float(0.0, help="Slippage of a run that names none, as a fraction of the price.").tag(
        config=True
    )

    templates_dir = Unicode(
        help="Folder of the template notebooks and their manifest.json. Default: those that are installed."
    ).tag(config=True)

    worker_argv: tuple[str, ...] | None = None
    services: Services | None = None
    doors: Doors | None = None
    unavailable = "The Alphintra extension has not started."

    @default("data_dir")
    def _default_data_dir(self) -> str:
        return platformdirs.user_data_dir("alphintra", appauthor=False)

    @default("workspace")
    def _default_workspace(self) -> str:
        assert self.serverapp is not None
        return str(self.serverapp.root_dir)

    @default("database_url")
    def _default_database_url(self) -> str:
        return f"sqlite:///{Path(self.data_dir).expanduser().resolve() / 'alphintra.sqlite'}"

    @default("templates_dir")
    def _default_templates_dir(self) -> str:
        return str(installed_templates())

    @default("max_jobs_per_user")
    def _default_max_jobs_per_user(self) -> int:
        return int(self.max_jobs) if self.single_user else max(int(self.max_jobs) // 2, 1)

    @validate("user_limits")
    def _known_limits(self, proposal: Any) -> dict[str, Any]:
        try:
            read_limits(UserLimits(), proposal["value"])
        except (ValueError, AttributeError, TypeError) as error:
            raise TraitError(str(error)) from None
        return dict(proposal["value"])

    @validate(
        "job_seconds", "keep_results_days", "keep_events_hours", "debug_idle_seconds", "debug_evaluate_seconds"
    )
    def _a_number(self, proposal: Any) -> float:
        # What is not a number (nan) is neither below the least nor above the most.
        if not math.isfinite(proposal["value"]):
            raise TraitError(f"{proposal['trait'].name} is {proposal['value']}, not a number")
        return float(proposal["value"])

    @validate("default_cash")
    def _an_amount(self, proposal: Any) -> float:
        if not 0 < proposal["value"] < math.inf:
            raise TraitError(f"default_cash is {proposal['value']}, not an amount above 0")
        return float(proposal["value"])

    @validate("default_commission", "default_slippage")
    def _a_fraction(self, proposal: Any) -> float:
        if not 0 <= proposal["value"] < 1:
            raise TraitError(f"{proposal['trait'].name} is a fraction from 0 to below 1, not {proposal['value']}")
        return float(proposal["value"])

    def _link_jupyter_server_extension(self, serverapp: Any) -> None:
        super()._link_jupyter_server_extension(serverapp)
        # Before Jupyter makes its managers of kernels and files.
        if self.lockdown:
            serverapp.update_config(lockdown.settings(self.workspace))
        serverapp.update_config(notebooks.settings(self.workspace, self.data_dir, self.single_user, serverapp.config))

    def initialize_settings(self) -> None:
        """Build the services; nothing runs yet."""
        if self.lockdown:
            lockdown.hold(self.serverapp, self.workspace, Path(self.data_dir).expanduser().resolve())
        self.settings["alphintra"] = self
        self.settings["alphintra_single_user"] = self.single_user
        assert self.serverapp is not None
        if self.single_user:
            assert self.serverapp.event_logger is not None
            for _, file in SCHEMAS.values():
                self.serverapp.event_logger.register_event_schema(
                    Path(__file__).with_name("event_schemas") / file
                )
        data_dir = Path(self.data_dir).expanduser().resolve()
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            database = Database(self.database_url)
        except DatabaseInUseError as error:
            # The rest of Jupyter goes on, and every request here says what is the matter.
            self.unavailable = (
                f"{error}. Stop that server, or give this one another AlphintraServer.data_dir."
            )
            self.log.error(self.unavailable)
            return
        self.services = self._build(database, data_dir)

    def initialize_handlers(self) -> None:
        """Hand the routes to Jupyter."""
        self.handlers.extend((route.pattern, route.handler) for route in (*ROUTES, *PROBES))

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        if self.services is not None:
            self.services.events.start()
            if self.services.pool is not None:
                await self.services.pool.start()
            await self.services.supervisor.start()
            self.services.check_triggers.start()
            self.services.retention.start()
            self.services.parser.start()
            self.doors = Doors(self, self.log)
            self.doors.sweep()
            register(self.doors)

    async def stop_extension(self) -> None:
        """End doors, jobs and streams, then let go of the database."""
        if self.doors is not None:
            register(None)
            await self.doors.close_all()
        services, self.services = self.services, None
        if services is None:
            return
        self.unavailable = "The server is stopping."
        await services.debug.stop()
        await services.retention.stop()
        await services.check_triggers.stop()
        await services.supervisor.stop()
        if services.pool is not None:
            await services.pool.stop()
        await services.events.stop()
        await services.parser.close()
        services.database.close()

    def _build(self, database: Database, data_dir: Path) -> Services:
        from alphintra import __file__ as sdk_file
        from alphintra._version import __version__
        from alphintra_kernel.sandbox import Sandbox

        upgrade(database.write_engine)
        root = Path(self.workspace).expanduser()
        workspace = Workspace(root, refusal(root, data_dir))
        if workspace.refusal:
            self.log.warning("Workspace: %s", workspace.refusal)
        sandbox, state = self._sandbox()
        parser = Parser(Sandbox(state.level, allow_unsandboxed=True))
        sources = Sources(parser, workspace)
        datasets = Datasets(database)
        datasets.seed()
        run_defaults = RunDefaults(
            self.default_dataset,
            _decimal(self.default_cash),
            _decimal(self.default_commission),
            _decimal(self.default_slippage),
        )
        usual = UserLimits(
            self.max_jobs_per_user,
            self.max_queued,
            self.job_seconds,
            self.job_memory,
            self.job_disk,
            self.job_log,
            self.max_debug_sessions,
        )
        limits = read_limits(usual, self.user_limits)
        keep_events = timedelta(hours=self.keep_events_hours)
        events = EventRelay(database, self._emit if self.single_user else None, self.log, keep_events)
        jobs_dir = data_dir / "jobs"
        launcher = (
            None
            if sandbox is None
            else Launcher(sandbox, usual.of_a_job, self.worker_argv, data_dir / "workers")
        )
        supervisor = Supervisor(
            database,
            launcher,
            jobs_dir,
            {KIND: BacktestKind(), CHECK_KIND: CheckKind(jobs_dir)},
            self.max_jobs,
            events.wake,
            self.log,
            limits,
        )
        refused = None if state.jobs_allowed else NO_SANDBOX
        backtests = Backtests(
            database, sources, jobs_dir, run_defaults, limits, supervisor.wake, refused
        )
        strategies = Strategies(database, sources, __version__)
        jobs = Jobs(database, supervisor.wake)
        return Services(
            database=database,
            parser=parser,
            events=events,
            supervisor=supervisor,
            pool=None if launcher is None else Pool(launcher, self.pool_size, self.log),
            strategies=strategies,
            sources=sources,
            templates=Templates(database, workspace, Path(self.templates_dir)),
            datasets=datasets,
            backtests=backtests,
            idempotency=Idempotency(database),
            retention=Retention(
                database, jobs_dir, Kept(self.keep_results_days, self.keep_results_bytes), self.log
            ),
            submissions=Submissions(database, sources, strategies, backtests, workspace, supervisor.wake),
            jobs=jobs,
            comparisons=Comparisons(database, backtests.read_file),
            checks=StrategyChecks(database, run_defaults, limits, supervisor.wake, refused),
            check_triggers=CheckTriggers(
                database, run_defaults, jobs_dir, limits, supervisor.wake, self.log, refused
            ),
            snippets=Snippets(workspace, Path(sdk_file).with_name("snippets")),
            documentation=Documentation(),
            debug=DebugSessions(
                database,
                backtests,
                run_defaults,
                limits,
                None if launcher is None or state.level in WITHOUT_SOCKETS
                else DebugKernels(launcher.sandbox, launcher.home, self.log),
                self.max_debug_kernels,
                Patience(self.debug_idle_seconds, self.debug_evaluate_seconds),
                self.log,
            ),
            system=SystemService(
                database,
                supervisor,
                jobs,
                state,
                workspace,
                data_dir,
                run_defaults,
                {"max_jobs": self.max_jobs},
                limits,
                self.single_user,
                lambda: notebooks.have_network(self.config, data_dir),
            ),
        )

    def _sandbox(self) -> tuple[Sandbox | None, SandboxState]:
        from alphintra_kernel.levels import jobs_allowed, probe_report
        from alphintra_kernel.sandbox import Sandbox

        found = probe_report()
        allowed = jobs_allowed(found.level, self.allow_unsandboxed_jobs)
        description = f"{found.description} ({found.reason})" if found.reason else found.description
        say = self.log.info if jobs_allowed(found.level, False) else self.log.warning
        say("Sandbox of jobs: %s. %s", found.level, description)
        if not allowed:
            self.log.warning(NO_SANDBOX)
        state = SandboxState(found.level, description, allowed)
        return (Sandbox(found.level, allow_unsandboxed=True) if allowed else None), state

    def _emit(self, event: Event) -> None:
        assert self.serverapp is not None
        assert self.serverapp.event_logger is not None
        self.serverapp.event_logger.emit(schema_id=SCHEMAS[event.topic][0], data=event.data)


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value)).normalize()
