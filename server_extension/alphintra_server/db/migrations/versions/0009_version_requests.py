"""What is asked for of stored versions: recipes and comparisons."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009_version_requests"
down_revision = "0008_ingests"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "version_requests",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("dataset_id", sa.String(length=32), nullable=False),
        sa.Column("version_id", sa.String(length=32), nullable=False),
        sa.Column("other_id", sa.String(length=32), nullable=True),
        sa.Column("recipe", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("joined", sa.JSON(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("owner_id", sa.String(length=255), nullable=True),
        sa.Column("dataset_name", sa.String(length=200), nullable=True),
        sa.Column("current_id", sa.String(length=32), nullable=True),
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("made_id", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name=op.f("fk_version_requests_dataset_id")),
        sa.ForeignKeyConstraint(["version_id"], ["dataset_versions.id"], name=op.f("fk_version_requests_version_id")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_version_requests_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_version_requests")),
        sa.UniqueConstraint("job_id", name=op.f("uq_version_requests_job_id")),
    )
    for column in ("dataset_id", "version_id"):
        op.create_index(op.f(f"ix_version_requests_{column}"), "version_requests", [column], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_table("version_requests")
