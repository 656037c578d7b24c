"""The extension: how it starts and stops with Jupyter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alphintra.errors import DataError
from alphintra_kernel.doors import register

from . import lockdown, notebooks
from .assembly import Services, build
from .db import Database, DatabaseInUseError
from .door.doors import Doors
from .events import SCHEMAS, Event
from .handlers.base import UnknownHandler
from .routes import PROBES, ROUTES, UNKNOWN
from .services.dataset_storage import DatasetStorage
from .settings import Settings

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
        self.services = build(self, database, data_dir, storage, self._emit)

    def initialize_handlers(self) -> None:
        """Hand the routes to Jupyter."""
        self.handlers.extend((route.pattern, route.handler) for route in (*ROUTES, *PROBES))
        self.handlers.append((UNKNOWN, UnknownHandler))

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

    def _emit(self, event: Event) -> None:
        assert self.serverapp is not None
        assert self.serverapp.event_logger is not None
        self.serverapp.event_logger.emit(schema_id=SCHEMAS[event.topic][0], data=event.data)
