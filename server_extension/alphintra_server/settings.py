"""The settings of the extension: traits with their help, and what they may be."""

from __future__ import annotations

import math
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs
from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool, Dict, Float, Int, List, TraitError, Unicode, default, validate

from .limits import MAX_SECONDS, UserLimits, read_limits
from .services.templates import installed_templates


class Settings(ExtensionApp):
    """What an administrator can set, as ``AlphintraServer.…``."""

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

    dataset_store = Unicode(
        help="""Address of an object store for the files of users' datasets: s3://bucket/prefix or gs://bucket/prefix.

        Default: a folder in data_dir. Credentials are found by the store's own client in this process's environment
        (for S3 AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL …, or ~/.aws; for Google GOOGLE_APPLICATION_CREDENTIALS, or what
        gcloud has left); they are given to no kernel and no job, whose files this process fetches. Rather no role of
        the machine: a kernel with a network can ask for that itself.
        """
    ).tag(config=True)

    dataset_cache = Int(
        20 << 30,
        min=1 << 20,
        help="Bytes of an object store's files that are kept in data_dir; those used longest ago leave first.",
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

    max_readers = Int(
        8, min=1, help="How many processes may read datasets for charts and downloads, of all users together."
    ).tag(config=True)

    reader_idle_seconds = Float(
        60.0, min=1.0, max=MAX_SECONDS, help="A process that reads a dataset and is asked nothing for so long is ended."
    ).tag(config=True)

    sealed_memory = Int(
        512 << 20, min=1 << 20, help="Bytes of memory that sealed datasets take together while they are open."
    ).tag(config=True)

    debug_idle_seconds = Float(
        900.0, min=1.0, max=MAX_SECONDS, help="A debug session that nobody moves for so long is ended."
    ).tag(config=True)

    debug_evaluate_seconds = Float(
        5.0, min=0.1, max=600.0, help="An expression in a debug session that takes longer is interrupted."
    ).tag(config=True)

    max_storage = Int(
        20 << 30,
        min=1,
        help="""Bytes that one user's uploads and datasets may take; more is refused (413, QUOTA_EXCEEDED).

        A file that several versions share counts once.
        """,
    ).tag(config=True)

    max_upload = Int(8 << 30, min=1, help="Bytes of one file that is uploaded.").tag(config=True)

    keep_free = Int(
        1 << 30,
        min=0,
        help="Bytes of the disk that stay free: an upload that would leave less is refused (507, DISK_FULL), as is "
        "reading a dataset that would be fetched from an object store (503, DISK_FULL).",
    ).tag(config=True)

    keep_upload_hours = Float(
        24.0,
        min=0.01,
        max=8_760.0,
        help="Hours for which an upload stays that nothing happens to: one on its way, or one that became no dataset.",
    ).tag(config=True)

    max_fetch = Int(
        1 << 30, min=1, help="Bytes that one run of a connector may fetch (SOURCE_TOO_LARGE); at most max_upload."
    ).tag(config=True)

    fetch_seconds = Float(
        300.0, min=1.0, max=MAX_SECONDS, help="A run of a connector that fetches for longer is ended (SOURCE_SLOW)."
    ).tag(config=True)

    connector_networks = List(
        Unicode(),
        help="""Networks that connectors may reach though they are not public: `["10.1.0.0/16"]`.

        Loopback, link-local, private and other special addresses are refused otherwise (SOURCE_ADDRESS), by whatever
        name or redirect they are reached. Users' connectors see what is named here as the server's machine does.
        """,
    ).tag(config=True)

    exchange_urls = Dict(
        value_trait=Unicode(),
        help="""Where the API of an exchange is reached instead: `{"binance": "https://gateway.example"}`.

        The path of each request stays. For a gateway of one's own; the users cannot set it.
        """,
    ).tag(config=True)

    user_limits = Dict(
        help="""Other limits for some users: `{"alice": {"jobs": 8, "memory": 8589934592}}`.

        `jobs`, `queued`, `seconds`, `memory`, `disk`, `log`, `debug_sessions` and `storage` stand for
        max_jobs_per_user, max_queued, job_seconds, job_memory, job_disk, job_log, max_debug_sessions and max_storage;
        what is not named stays as it is for everybody. The user's name is what the identity provider calls them; of
        an installation for one user, `local`.
        """
    ).tag(config=True)

    lease_seconds = Float(
        30.0,
        min=1.0,
        max=3_600.0,
        help="""Seconds for which this server holds a running job without a heartbeat.

        Longer, and another server on the same PostgreSQL suspects that it is lost; two heartbeats later it takes its
        jobs over. A server that is stopped or cut off for less keeps them. The same on all servers of a database.
        """,
    ).tag(config=True)

    heartbeat_seconds = Float(
        5.0,
        min=0.1,
        max=600.0,
        help="Seconds between two heartbeats: at most a third of lease_seconds. The same on all servers of a database.",
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

    @validate("connector_networks")
    def _are_networks(self, proposal: Any) -> list[str]:
        for network in proposal["value"]:
            try:
                ip_network(network)
            except ValueError as error:
                raise TraitError(f"connector_networks: {error}") from None
        return list(proposal["value"])

    @validate("exchange_urls")
    def _are_addresses(self, proposal: Any) -> dict[str, str]:
        for name, url in proposal["value"].items():
            if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
                raise TraitError(f"exchange_urls: that of {name} is no address of http or https")
        return dict(proposal["value"])

    @validate(
        "job_seconds",
        "fetch_seconds",
        "keep_results_days",
        "keep_events_hours",
        "keep_upload_hours",
        "debug_idle_seconds",
        "debug_evaluate_seconds",
    )
    def _a_number(self, proposal: Any) -> float:
        # What is not a number (nan) is neither below the least nor above the most.
        if not math.isfinite(proposal["value"]):
            raise TraitError(f"{proposal['trait'].name} is {proposal['value']}, not a number")
        return float(proposal["value"])

    @validate("lease_seconds", "heartbeat_seconds")
    def _leases_last(self, proposal: Any) -> float:
        given = {name: getattr(self, name) for name in ("lease_seconds", "heartbeat_seconds")}
        given[proposal["trait"].name] = self._a_number(proposal)
        # One that comes late, or is lost, must not be the end of a lease.
        if 3 * given["heartbeat_seconds"] > given["lease_seconds"]:
            text = "heartbeat_seconds is {heartbeat_seconds:g}, more than a third of lease_seconds, {lease_seconds:g}"
            raise TraitError(text.format(**given))
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
