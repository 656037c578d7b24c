"""The services of the extension, and how they are put together from its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from alphintra_kernel.levels import NONE

from . import notebooks
from .db import Database
from .db.migrate import upgrade
from .debug.about import Patience
from .debug.kernels import WITHOUT_SOCKETS, DebugKernels
from .debug.sessions import DebugSessions
from .events import Event, EventRelay
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
from .sealing.copies import OpenedCopies
from .sealing.keys import MasterKeys
from .sealing.vault import Vault
from .services.backtest_results import BacktestResults
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
from .source.process import Parser
from .sweeper import Sweeper
from .uploads.files import UploadFiles

if TYPE_CHECKING:
    from alphintra_kernel.sandbox import Sandbox

    from .app import AlphintraServer

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
    backtest_results: BacktestResults
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


def build(
    app: AlphintraServer, database: Database, data_dir: Path, storage: DatasetStorage, emit: Callable[[Event], None]
) -> Services:
    """Build the services as the settings say; nothing runs yet.

    Args:
        app: The extension with its settings.
        database: Brought up to date here.
        data_dir: Where what is not in the database lies.
        storage: Where users' datasets lie.
        emit: Hands an event to Jupyter's own stream, where there is one user.
    """
    from alphintra import __file__ as sdk_file
    from alphintra._version import __version__
    from alphintra_kernel.sandbox import Sandbox

    upgrade(database.write_engine)
    root = Path(app.workspace).expanduser()
    workspace = Workspace(root, refusal(root, data_dir))
    if workspace.refusal:
        app.log.warning("Workspace: %s", workspace.refusal)
    sandbox, state = _sandbox(app)
    parser = Parser(Sandbox(state.level, allow_unsandboxed=True))
    sources = Sources(parser, workspace)
    bring_up(database)
    run_defaults = RunDefaults(
        app.default_dataset,
        _decimal(app.default_cash),
        _decimal(app.default_commission),
        _decimal(app.default_slippage),
    )
    usual = UserLimits(
        app.max_jobs_per_user,
        app.max_queued,
        app.job_seconds,
        app.job_memory,
        app.job_disk,
        app.job_log,
        app.max_debug_sessions,
        app.max_storage,
    )
    limits = read_limits(usual, app.user_limits)
    users = Users(database, app.user_limits, alone=app.single_user)
    keep_events = timedelta(hours=app.keep_events_hours)
    events = EventRelay(database, emit if app.single_user else None, app.log, keep_events)
    jobs_dir = data_dir / "jobs"
    manifests = Manifests(storage)
    vault = Vault(storage, MasterKeys(data_dir / "keys"))
    secrets = ConnectorSecrets(data_dir / "secrets")
    launcher = (
        None
        if sandbox is None
        else Launcher(sandbox, usual.of_a_job, app.worker_argv, data_dir / "workers")
    )
    copies = OpenedCopies(vault, launcher, app.sealed_memory, app.reader_idle_seconds)
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
            FETCH: FetchKind(storage, secrets, limits, _fetch_bounds(app)),
            PROCESS: ProcessKind(database, storage, limits, vault),
            PREVIEW: PreviewKind(storage),
            COMPARE: CompareKind(storage),
        },
        app.max_jobs,
        events.wake,
        app.log,
        limits,
        Leases(timedelta(seconds=app.lease_seconds), app.heartbeat_seconds),
    )
    refused = None if state.jobs_allowed else NO_SANDBOX
    store_check = StoreCheck(storage, app.dataset_store, app.log)
    uploads = Uploads(
        database,
        UploadFiles(storage.uploads, app.keep_free),
        limits,
        UploadLimits(app.max_upload, app.keep_upload_hours),
        app.log,
        whole=None if refused else lambda session, row: enqueue_inspection(session, row, limits),
        wake=supervisor.wake,
        usable=store_check.refuse_unusable,
    )
    queueing = Queueing(database, limits, supervisor.wake, refused)
    kept_output = KeptOutput(database, jobs_dir)
    deletion = DatasetDeletion(database, storage, app.log)
    sealed = Sweeper(copies.look, "opened copies of sealed datasets", app.log, app.reader_idle_seconds / 4)
    readers = Readers(launcher, app.log, Bounds(app.max_readers, idle_seconds=app.reader_idle_seconds))
    reading = DatasetReading(database, storage, readers, vault)
    backtests = Backtests(database, sources, run_defaults, limits, supervisor.wake, refused)
    results = BacktestResults(database, jobs_dir)
    strategies = Strategies(database, sources, __version__)
    jobs = Jobs(database, supervisor.wake)
    connectors = Connectors(database, secrets, limits, supervisor.wake, refused)
    return Services(
        database=database,
        parser=parser,
        events=events,
        supervisor=supervisor,
        pool=None if launcher is None else Pool(launcher, app.pool_size, app.log),
        strategies=strategies,
        sources=sources,
        templates=Templates(database, workspace, Path(app.templates_dir)),
        datasets=Datasets(database, manifests, limits, reading),
        uploads=uploads,
        users=users,
        dataset_grants=DatasetGrants(database, users),
        dataset_deletion=deletion,
        sweepers=(
            *deletion.sweepers,
            sealed,
            Sweeper(uploads.sweep, "uploads", app.log, 300.0),
            Sweeper(connectors.sweep, "secrets of connectors", app.log, 3_600.0),
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
        backtest_results=results,
        idempotency=Idempotency(database),
        retention=Retention(
            database, jobs_dir, Kept(app.keep_results_days, app.keep_results_bytes), app.log
        ),
        submissions=Submissions(database, sources, strategies, backtests, workspace, supervisor.wake),
        jobs=jobs,
        comparisons=Comparisons(database, results.read_file),
        checks=StrategyChecks(database, run_defaults, limits, supervisor.wake, refused),
        check_triggers=CheckTriggers(
            database, run_defaults, jobs_dir, limits, supervisor.wake, app.log, refused
        ),
        connectors=connectors,
        connector_triggers=ConnectorTriggers(database, limits, supervisor.wake, app.log, refused),
        snippets=Snippets(workspace, Path(sdk_file).with_name("snippets")),
        documentation=Documentation(),
        debug=DebugSessions(
            database,
            storage,
            backtests,
            run_defaults,
            limits,
            None if launcher is None or state.level in WITHOUT_SOCKETS
            else DebugKernels(launcher.sandbox, launcher.home, app.log),
            app.max_debug_kernels,
            Patience(app.debug_idle_seconds, app.debug_evaluate_seconds),
            app.log,
        ),
        system=SystemService(
            database,
            supervisor,
            jobs,
            state,
            workspace,
            data_dir,
            run_defaults,
            {"max_jobs": app.max_jobs},
            limits,
            app.single_user,
            lambda: notebooks.have_network(app.config, data_dir),
            store_check,
        ),
    )


def _fetch_bounds(app: AlphintraServer) -> FetchBounds:
    return FetchBounds(
        most_bytes=min(app.max_fetch, app.max_upload),
        seconds=app.fetch_seconds,
        networks=tuple(app.connector_networks),
        exchange_urls=tuple(app.exchange_urls.items()),
        upload_hours=app.keep_upload_hours,
    )


def _sandbox(app: AlphintraServer) -> tuple[Sandbox | None, SandboxState]:
    from alphintra_kernel.levels import jobs_allowed, probe_report
    from alphintra_kernel.sandbox import Sandbox

    found = probe_report()
    allowed = jobs_allowed(found.level, app.allow_unsandboxed_jobs)
    description = f"{found.description} ({found.reason})" if found.reason else found.description
    say = app.log.info if jobs_allowed(found.level, False) else app.log.warning
    say("Sandbox of jobs: %s. %s", found.level, description)
    if not allowed:
        app.log.warning(NO_SANDBOX)
    state = SandboxState(found.level, description, allowed)
    return (Sandbox(found.level, allow_unsandboxed=True) if allowed else None), state


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value)).normalize()
