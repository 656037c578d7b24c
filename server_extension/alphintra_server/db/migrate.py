"""Bring a database to the current shape."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

from .engine import one_at_a_time

_WAIT_MINUTES = 10


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Apply the migrations that are missing, in one transaction.

    Of several servers that start at once on one PostgreSQL, one does it and the others wait for it.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Another server's migrations may take longer than a statement usually waits for a lock.
            usual = connection.execute(text("SHOW lock_timeout")).scalar_one()
            set_timeout = text("SELECT set_config('lock_timeout', :value, true)")
            connection.execute(set_timeout, {"value": f"{_WAIT_MINUTES}min"})
            one_at_a_time(connection, "migrations")
            connection.execute(set_timeout, {"value": usual})
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
