"""What is to be made of uploads, and which version of a dataset a run reads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008_ingests"
down_revision = "0007_datasets"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "ingests",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("owner_id", sa.String(length=255), nullable=False),
        sa.Column("upload_id", sa.String(length=32), nullable=False),
        sa.Column("dataset_name", sa.String(length=200), nullable=False),
        sa.Column("parent_id", sa.String(length=32), nullable=True),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("remember", sa.Boolean(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("version_id", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_ingests_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingests")),
        sa.UniqueConstraint("job_id", name=op.f("uq_ingests_job_id")),
    )
    op.create_index(op.f("ix_ingests_upload_id"), "ingests", ["upload_id"], unique=False)
    for table in ("backtests", "check_runs"):
        op.add_column(table, sa.Column("dataset_version_id", sa.String(length=32), nullable=True))


def downgrade() -> None:
    """Undo."""
    for table in ("check_runs", "backtests"):
        op.drop_column(table, "dataset_version_id")
    op.drop_table("ingests")
