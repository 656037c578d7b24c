"""Sources that datasets are fetched from, and their runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010_connectors"
down_revision = "0009_version_requests"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "connectors",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("source", sa.JSON(), nullable=False),
        sa.Column("secret_id", sa.String(length=32), nullable=True),
        sa.Column("secret_names", sa.JSON(), nullable=False),
        sa.Column("dataset_name", sa.String(length=200), nullable=False),
        sa.Column("mapping", sa.JSON(), nullable=True),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=True),
        sa.Column("overlap_bars", sa.Integer(), nullable=False),
        sa.Column("schedule", sa.JSON(), nullable=True),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=True),
        sa.Column("retry_at", sa.DateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=True),
        sa.Column("version_id", sa.String(length=32), nullable=True),
        sa.Column("conditions", sa.JSON(), nullable=True),
        sa.Column("last_success_at", sa.DateTime(), nullable=True),
        sa.Column("last_error", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connectors")),
        sa.UniqueConstraint("user_id", "dataset_name", name=op.f("uq_connectors_user_id_dataset_name")),
    )
    op.create_index(op.f("ix_connectors_due_at"), "connectors", ["due_at"], unique=False)
    op.create_index(op.f("ix_connectors_retry_at"), "connectors", ["retry_at"], unique=False)
    op.create_table(
        "connector_runs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("connector_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("trigger", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("fetch_job_id", sa.String(length=32), nullable=False),
        sa.Column("ingest_job_id", sa.String(length=32), nullable=True),
        sa.Column("upload_id", sa.String(length=32), nullable=True),
        sa.Column("version_id", sa.String(length=32), nullable=True),
        sa.Column("conditions", sa.JSON(), nullable=True),
        sa.Column("error", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["connector_id"], ["connectors.id"], name=op.f("fk_connector_runs_connector_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connector_runs")),
        sa.UniqueConstraint("fetch_job_id", name=op.f("uq_connector_runs_fetch_job_id")),
        sa.UniqueConstraint("ingest_job_id", name=op.f("uq_connector_runs_ingest_job_id")),
    )
    op.create_index(
        op.f("ix_connector_runs_connector_id_created_at_id"),
        "connector_runs",
        ["connector_id", "created_at", "id"],
        unique=False,
    )
    op.add_column("ingests", sa.Column("overlap", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("ingests", sa.Column("source", sa.String(length=20), nullable=False, server_default="USER_UPLOAD"))


def downgrade() -> None:
    """Undo."""
    op.drop_column("ingests", "source")
    op.drop_column("ingests", "overlap")
    op.drop_table("connector_runs")
    op.drop_table("connectors")
