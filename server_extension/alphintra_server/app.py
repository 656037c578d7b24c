"""The extension: its settings, and what is built from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphintra.errors import DataError
from alphintra_kernel.doors import register
from alphintra_kernel.levels import NONE

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
from .jobs.fetch import FETCH, FetchBounds, FetchKind
from .jobs.ingest import INGEST, INSPECT, IngestKind, InspectKind
from .jobs.launcher import Launcher
from .jobs.leases import Leases
from .jobs.pool import Pool
from .jobs.retention import Kept, Retention
from .jobs.stored_versions import COMPARE, PREVIEW, PROCESS, CompareKind, PreviewKind, ProcessKind
from .jobs.supervisor import Supervisor
from .jobs.validate import VALIDATE, ValidateKind
from .limits import UserLimits, read_limits
from .readers.pool import Bounds, Readers
from .routes import PROBES, ROUTES
from .sealing.copies import OpenedCopies
from .sealing.keys import MasterKeys
from .sealing.vault import Vault
from .services.backtests import KIND, Backtests
from .services.check_queue import KIND as CHECK_KIND
from .services.check_triggers import CheckTriggers
from .services.checks import StrategyChecks
from .services.comparison import Comparisons
from .services.connector_secrets import ConnectorSecrets
from .services.connector_triggers import ConnectorTriggers
from .services.connectors import Connectors
from .services.dataset_deletion import DatasetDeletion
from .services.dataset_grants import DatasetGrants
from .services.dataset_reading import DatasetReading
from .services.dataset_storage import DatasetStorage
from .services.datasets import Datasets
from .services.documentation import Documentation
from .services.ingests import Ingests, enqueue_inspection
from .services.jobs import Jobs
from .services.manifests import Manifests
from .services.queueing import Queueing
from .services.recipes import Recipes
from .services.run_defaults import RunDefaults
from .services.shipped_datasets import bring_up
from .services.snippets import Snippets
from .services.sources import Sources
from .services.store_check import StoreCheck
from .services.strategies import Strategies
from .services.submissions import Submissions
from .services.system import SandboxState, SystemService
from .services.templates import Templates
from .services.uploads import UploadLimits, Uploads
from .services.users import Users
from .services.validations import Validations
from .services.version_comparisons import VersionComparisons
from .services.version_reading import VersionReading
from .services.version_requests import KeptOutput
from .services.workspace import Workspace, refusal
from .settings import Settings
from .source.process import Parser
from .sweeper import Sweeper
from .uploads.files import UploadFiles

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
    uploads: Uploads
    users: Users
    dataset_grants: DatasetGrants
    dataset_deletion: DatasetDeletion
    sweepers: tuple[Sweeper, ...]
    storage: DatasetStorage
    store_check: StoreCheck
    version_reading: VersionReading
    readers: Readers
    copies: OpenedCopies
    dataset_reading: DatasetReading
    ingests: Ingests
    validations: Validations
    recipes: Recipes
    version_comparisons: VersionComparisons
    backtests: Backtests
    idempotency: Idempotency
    retention: Retention
    submissions: Submissions
    jobs: Jobs
    checks: StrategyChecks
    check_triggers: CheckTriggers
    connectors: Connectors
    connector_triggers: ConnectorTriggers
    comparisons: Comparisons
    snippets: Snippets
    documentation: Documentation
    debug: DebugSessions
    system: SystemService

#: How long a connection may be open without a whole head of a request. Browsers connect anew by themselves.
_HEADER_SECONDS = 60.0


class AlphintraServer(Settings):
    """Strategies, datasets and backtests over REST, beside JupyterLab."""

    name = "alphintra_server"
    load_other_extensions = True

    worker_argv: tuple[str, ...] | None = None
    services: Services | None = None
    doors: Doors | None = None
    unavailable = "The Alphintra extension has not started."

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
            storage = DatasetStorage(data_dir, self.dataset_store, self.dataset_cache, self.keep_free)
        except DataError as error:
            self.unavailable = f"AlphintraServer.dataset_store: {error}"
            self.log.error(self.unavailable)
            return
        try:
            database = Database(self.database_url)
        except DatabaseInUseError as error:
            # The rest of Jupyter goes on, and every request here says what is the matter.
            self.unavailable = (
                f"{error}. Stop that server, or give this one another AlphintraServer.data_dir."
            )
            self.log.error(self.unavailable)
            return
        self.services = self._build(database, data_dir, storage)

    def initialize_handlers(self) -> None:
        """Hand the routes to Jupyter."""
        self.handlers.extend((route.pattern, route.handler) for route in (*ROUTES, *PROBES))

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        if self.lockdown:
            lockdown.take_commands(serverapp)
        if server := getattr(serverapp, "_http_server", None):
            # Tornado's own is an hour, for who connects and says nothing, or a letter now and then.
            server.conn_params.header_timeout = _HEADER_SECONDS
        if self.services is not None:
            self.services.events.start()
            if self.services.pool is not None:
                await self.services.pool.start()
            await self.services.supervisor.start()
            self.services.check_triggers.start()
            self.services.connector_triggers.start()
            self.services.retention.start()
            for sweeper in self.services.sweepers:
                sweeper.start()
            self.services.parser.start()
            self.services.store_check.start()
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
        await services.store_check.stop()
        await services.debug.stop()
        await services.readers.stop()
        await services.retention.stop()
        for sweeper in services.sweepers:
            await sweeper.stop()
        await services.uploads.stop()
        await services.check_triggers.stop()
        await services.connector_triggers.stop()
        await services.supervisor.stop()
        await services.copies.stop()
        if services.pool is not None:
            await services.pool.stop()
        await services.events.stop()
        await services.parser.close()
        services.database.close()

    def _build(self, database: Database, data_dir: Path, storage: DatasetStorage) -> Services:
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
        bring_up(database)
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
            self.max_storage,
        )
        limits = read_limits(usual, self.user_limits)
        users = Users(database, self.user_limits, alone=self.single_user)
        keep_events = timedelta(hours=self.keep_events_hours)
        events = EventRelay(database, self._emit if self.single_user else None, self.log, keep_events)
        jobs_dir = data_dir / "jobs"
        manifests = Manifests(storage)
        vault = Vault(storage, MasterKeys(data_dir / "keys"))
        secrets = ConnectorSecrets(data_dir / "secrets")
        launcher = (
            None
            if sandbox is None
            else Launcher(sandbox, usual.of_a_job, self.worker_argv, data_dir / "workers")
        )
        copies = OpenedCopies(vault, launcher, self.sealed_memory, self.reader_idle_seconds)
        if launcher is not None:
            launcher.copies = copies
        supervisor = Supervisor(
            database,
            launcher,
            jobs_dir,
            {
                KIND: BacktestKind(storage),
                CHECK_KIND: CheckKind(jobs_dir, storage),
                INSPECT: InspectKind(storage),
                VALIDATE: ValidateKind(storage),
                INGEST: IngestKind(database, storage, limits, vault),
                FETCH: FetchKind(storage, secrets, limits, self._fetch_bounds()),
                PROCESS: ProcessKind(database, storage, limits, vault),
                PREVIEW: PreviewKind(storage),
                COMPARE: CompareKind(storage),
            },
            self.max_jobs,
            events.wake,
            self.log,
            limits,
            Leases(timedelta(seconds=self.lease_seconds), self.heartbeat_seconds),
        )
        refused = None if state.jobs_allowed else NO_SANDBOX
        store_check = StoreCheck(storage, self.dataset_store, self.log)
        uploads = Uploads(
            database,
            UploadFiles(storage.uploads, self.keep_free),
            limits,
            UploadLimits(self.max_upload, self.keep_upload_hours),
            self.log,
            whole=None if refused else lambda session, row: enqueue_inspection(session, row, limits),
            wake=supervisor.wake,
            usable=store_check.refuse_unusable,
        )
        queueing = Queueing(database, limits, supervisor.wake, refused)
        kept_output = KeptOutput(database, jobs_dir)
        deletion = DatasetDeletion(database, storage, self.log)
        sealed = Sweeper(copies.look, "opened copies of sealed datasets", self.log, self.reader_idle_seconds / 4)
        readers = Readers(launcher, self.log, Bounds(self.max_readers, idle_seconds=self.reader_idle_seconds))
        reading = DatasetReading(database, storage, readers, vault)
        backtests = Backtests(
            database, sources, jobs_dir, run_defaults, limits, supervisor.wake, refused
        )
        strategies = Strategies(database, sources, __version__)
        jobs = Jobs(database, supervisor.wake)
        connectors = Connectors(database, secrets, limits, supervisor.wake, refused)
        return Services(
            database=database,
            parser=parser,
            events=events,
            supervisor=supervisor,
            pool=None if launcher is None else Pool(launcher, self.pool_size, self.log),
            strategies=strategies,
            sources=sources,
            templates=Templates(database, workspace, Path(self.templates_dir)),
            datasets=Datasets(database, manifests, limits, reading),
            uploads=uploads,
            users=users,
            dataset_grants=DatasetGrants(database, users),
            dataset_deletion=deletion,
            sweepers=(
                *deletion.sweepers,
                sealed,
                Sweeper(uploads.sweep, "uploads", self.log, 300.0),
                Sweeper(connectors.sweep, "secrets of connectors", self.log, 3_600.0),
            ),
            storage=storage,
            store_check=store_check,
            version_reading=VersionReading(database, storage, copies),
            copies=copies,
            readers=readers,
            dataset_reading=reading,
            ingests=Ingests(
                database, limits, supervisor.wake, refused, keys_seen=sandbox is not None and sandbox.level == NONE
            ),
            validations=Validations(queueing, manifests),
            recipes=Recipes(queueing, parser, kept_output),
            version_comparisons=VersionComparisons(queueing, manifests, kept_output),
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
            connectors=connectors,
            connector_triggers=ConnectorTriggers(database, limits, supervisor.wake, self.log, refused),
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
                store_check,
            ),
        )

    def _fetch_bounds(self) -> FetchBounds:
        return FetchBounds(
            most_bytes=min(self.max_fetch, self.max_upload),
            seconds=self.fetch_seconds,
            networks=tuple(self.connector_networks),
            exchange_urls=tuple(self.exchange_urls.items()),
            upload_hours=self.keep_upload_hours,
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
