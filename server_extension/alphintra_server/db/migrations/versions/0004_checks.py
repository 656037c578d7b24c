"""Strategies have checks that rerun by themselves, and jobs a priority."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_checks"
down_revision = "0003_methods"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("jobs", sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "check_plans",
        sa.Column("strategy_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("checks", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("dataset_id", sa.String(length=32), nullable=False),
        sa.Column("symbols", sa.JSON(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("on_save", sa.Boolean(), nullable=False),
        sa.Column("on_dataset", sa.Boolean(), nullable=False),
        sa.Column("schedule", sa.String(length=20), nullable=True),
        sa.Column("at", sa.String(length=5), nullable=False),
        sa.Column("weekday", sa.String(length=10), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=True),
        sa.Column("version_seen", sa.Integer(), nullable=False),
        sa.Column("dataset_seen", sa.String(length=80), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("strategy_id", name=op.f("pk_check_plans")),
        sa.ForeignKeyConstraint(
            ["strategy_id"], ["strategies.id"], name=op.f("fk_check_plans_strategy_id_strategies")
        ),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name=op.f("fk_check_plans_dataset_id_datasets")),
    )
    op.create_index(op.f("ix_check_plans_due_at"), "check_plans", ["due_at"], unique=False)
    op.create_table(
        "check_runs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("strategy_id", sa.String(length=32), nullable=False),
        sa.Column("trigger", sa.String(length=20), nullable=False),
        sa.Column("strategy_version", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.String(length=32), nullable=False),
        sa.Column("dataset_hash", sa.String(length=80), nullable=False),
        sa.Column("symbols", sa.JSON(), nullable=False),
        sa.Column("checks", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("class_name", sa.String(length=200), nullable=True),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("configuration", sa.JSON(), nullable=False),
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("results", sa.JSON(), nullable=False),
        sa.Column("compared_with", sa.String(length=32), nullable=True),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("differences", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("record", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_runs")),
        sa.UniqueConstraint("job_id", name=op.f("uq_check_runs_job_id")),
        sa.ForeignKeyConstraint(
            ["strategy_id"], ["strategies.id"], name=op.f("fk_check_runs_strategy_id_strategies")
        ),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name=op.f("fk_check_runs_dataset_id_datasets")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_check_runs_job_id_jobs")),
    )
    op.create_index(
        op.f("ix_check_runs_strategy_id_created_at"), "check_runs", ["strategy_id", "created_at"], unique=False
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("check_runs")
    op.drop_table("check_plans")
    op.execute("DELETE FROM jobs WHERE kind = 'check'")
    op.drop_column("jobs", "priority")
