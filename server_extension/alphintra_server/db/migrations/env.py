"""Alembic's entry: runs on the connection that ``db.migrate`` hands over, or makes a new revision's."""

from __future__ import annotations

from alembic import context

from alphintra_server.db import (  # noqa: F401  their tables belong to the metadata
    check_tables,
    connector_tables,
    dataset_tables,
    ingest_tables,
    recipe_tables,
)
from alphintra_server.db.tables import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
